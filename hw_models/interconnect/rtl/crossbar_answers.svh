// The way back through `crossbar`: answers in order by id, beat by beat. Twin of answers.py.

  function automatic void push_up(logic [U-1:0] source, up_t row);
    logic placed;
    placed = 1'b0;
    for (int n = UP - 1; n > 0; n--) begin
      if (!placed && n <= int'(s.up_count[source])) begin
        if (ups[source][n-1].ready > row.ready) ups[source][n] = ups[source][n-1];
        else begin
          ups[source][n] = row;
          placed = 1'b1;
        end
      end
    end
    if (!placed) ups[source][0] = row;
    s.up_count[source] = s.up_count[source] + 8'd1;
  endfunction

  // hand the source what has been answered of one id, in order, as far as it has room
  function automatic void deliver(logic [L-1:0] i, logic [N-1:0] id, logic [T-1:0] earliest);
    logic [U-1:0] source;
    logic write, going;
    logic [L-1:0] link;
    logic [I-1:0] index;
    logic [7:0] wanted;
    logic [B-1:0] begins, ends;
    logic [T-1:0] seen, start;
    source = i[L-1:1];
    write = i[0];
    link = separate ? i : {source, 1'b0};
    going = 1'b1;
    for (int n = 0; n < UP + SLOTS; n++) begin
      index = s.oldest[i][id];
      if (!s.flying[i][id] || !flight[index].answered) going = 1'b0;
      if (going) begin
        wanted = write ? 8'(flight[index].last)
                       : 8'((flight[index].bytes + (B'(1) << port_shift[source]) - B'(1)) >> port_shift[source]);
        start = later(later(s.link_free[link], earliest), flight[index].arrived);
        if (flight[index].given < wanted) begin
          if (s.up_count[source] >= up_limit) begin
            flight[index].held = 1'b1;
            going = 1'b0;
          end else begin
            begins = B'(flight[index].given) << port_shift[source];
            ends = begins + (B'(1) << port_shift[source]);
            if (ends > flight[index].bytes) ends = flight[index].bytes;
            seen = write ? start : later(later(s.link_free[link], earliest),
                                         flight[index].arrived + (T'(ends - B'(1)) >> width_shift));
            push_up(source, '{ready: seen, bytes: write ? flight[index].request_bytes : ends - begins, write: write,
                              master: flight[index].master, stream: flight[index].stream,
                              tag: flight[index].tag});
            flight[index].given = flight[index].given + 8'd1;
            flight[index].seen = seen;
            s.link_free[link] = seen + T'(1);
          end
        end else begin
          if (wanted == 0) flight[index].seen = start;
          s.link_free[link] = later(s.link_free[link], flight[index].seen);
          flight[index].held = 1'b0;
          flight[index].given_up = 1'b1;
          s.flying[i][id] = flight[index].followed;
          s.oldest[i][id] = flight[index].next;
        end
      end
    end
  endfunction

  // an answer from a memory port, visible from `answers_ahead` cycles after the next one on
  function automatic void respond(logic [I-1:0] index, logic [B-1:0] bytes);
    logic [L-1:0] i;
    logic [U-1:0] source;
    logic [K-1:0] bus;
    logic [T-1:0] time_there, start, moving, whole;
    i = flight[index].lane;
    source = i[L-1:1];
    bus = bus_of(flight[index].port, i[0]);
    time_there = s.now + T'(1) + T'(answers_ahead);
    if (i[0]) let_go(index, time_there - T'(write_lead));
    start = later(time_there, s.back_free[bus]);
    moving = i[0] ? T'(1) : beats(source, bytes);
    s.back_free[bus] = start + moving;
    s.back_busy_cycles[bus] = s.back_busy_cycles[bus] + C'(moving);
    flight[index].missing = i[0] ? '0 : flight[index].missing - bytes;
    if (flight[index].missing == 0) begin
      whole = i[0] ? T'(1) : beats(source, flight[index].bytes);
      flight[index].arrived = start + moving - whole + T'(response_latency[source]);
      flight[index].answered = 1'b1;
      flight[index].gone = start + moving;
      flight[index].granted = start + T'(response_latency[source]);
      if (flight[index].tracked) begin
        s.unanswered[source][flight[index].id] = 1'b0;
        s.id_until[source][flight[index].id] = start + moving - whole + T'(fifo_release[source]);
        s.busy[flight[index].port][flight[index].tracker] = 1'b0;
        s.tracked_until[flight[index].port][flight[index].tracker] = start + moving + T'(hub_release);
      end
      deliver(i, flight[index].id, '0);
    end
  endfunction
