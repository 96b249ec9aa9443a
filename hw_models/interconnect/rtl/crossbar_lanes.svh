// Lanes and pieces of `crossbar`: what is next in each, whether it may go, and how it goes. Twin of block.py, lanes.py
// and regulator.py.

  function automatic logic [T-1:0] later(logic [T-1:0] a, logic [T-1:0] b);
    return (a > b) ? a : b;
  endfunction

  // cycles that bytes hold a bus: the narrower of bus and source's port decides
  function automatic logic [T-1:0] beats(logic [U-1:0] source, logic [B-1:0] bytes);
    logic [2:0] shift;
    shift = (width_shift < port_shift[source]) ? width_shift : port_shift[source];
    return (T'(bytes) + (T'(1) << shift) - T'(1)) >> shift;
  endfunction

  function automatic logic [A-1:0] address_of(logic [L-1:0] i);
    return rows[i][0].address + A'(s.sent[i]);
  endfunction

  function automatic logic [B-1:0] size_of(logic [L-1:0] i);
    logic [B-1:0] rest, room;
    rest = rows[i][0].bytes - s.sent[i];
    room = (B'(1) << burst_shift) - (B'(address_of(i)) & ((B'(1) << burst_shift) - B'(1)));
    return (rest < room) ? rest : room;
  endfunction

  function automatic logic [P-1:0] port_of(logic [L-1:0] i);
    return P'(below(address_of(i)) >> A);
  endfunction

  function automatic logic [K-1:0] bus_of(logic [P-1:0] port, logic write);
    return separate ? {port, write} : K'(port);
  endfunction

  // streams of a source's masters are different streams
  function automatic logic [N-1:0] id_of(logic [L-1:0] i);
    logic [15:0] stream;
    stream = 16'(rows[i][0].stream);
    if (several[i[L-1:1]]) stream = stream * 16'(masters) + 16'(rows[i][0].master);
    return N'(stream % 16'(ids[i[L-1:1]]));
  endfunction

  // may a source move so many bytes in this period?
  function automatic logic within_budget(logic [U-1:0] source, logic write, logic [B-1:0] bytes);
    logic [15:0] after, drawn;
    after = s.spent[source] + 16'(bytes);
    drawn = (after > s.share[source]) ? after - s.share[source] : 16'd0;
    if (drawn > 16'(bytes)) drawn = 16'(bytes);
    within_budget = 1'b1;
    if (regulated[source]) within_budget = reclaim[source] ? drawn <= s.pool : after <= budgets[source];
    if (group[write][source] && s.group_spent[write] + 16'(bytes) > group_budget[write]) within_budget = 1'b0;
  endfunction

  function automatic void spend(logic [U-1:0] source, logic write, logic [B-1:0] bytes);
    logic [15:0] after, drawn;
    after = s.spent[source] + 16'(bytes);
    drawn = (after > s.share[source]) ? after - s.share[source] : 16'd0;
    if (drawn > 16'(bytes)) drawn = 16'(bytes);
    if (regulated[source]) begin
      s.spent[source] = after;
      if (reclaim[source]) s.pool = s.pool - drawn;
    end
    if (group[write][source]) s.group_spent[write] = s.group_spent[write] + 16'(bytes);
  endfunction

  // could the next piece of a lane take its bus now?
  function automatic logic examine(logic [L-1:0] i);
    logic [U-1:0] source;
    logic write;
    logic [P-1:0] port;
    logic [N-1:0] id;
    logic [7:0] mine, same, there;
    source = i[L-1:1];
    write = i[0];
    port = port_of(i);
    id = id_of(i);
    if (s.count[i] == 0 || rows[i][0].ready > s.now) return 1'b0;
    if (is_release(i)) return 1'b0;  // `take_turns` sends it
    if (s.bus_free[bus_of(port, write)] > s.now) return 1'b0;
    if (fifo[source]) begin
      if (!s.head_known[source]) begin
        s.head_known[source] = 1'b1;
        s.head[source] = write;
        if (s.count[i ^ L'(1)] != 0 && rows[i ^ L'(1)][0].ready <= s.now && !is_release(i ^ L'(1))) s.head[source] = s.write_turn[source];
      end
      if (s.head[source] != write) return 1'b0;
      if (s.unanswered[source][id] || s.id_until[source][id] > s.now) return 1'b0;
    end
    mine = '0;
    same = '0;
    there = '0;
    for (int n = 0; n < SLOTS; n++) begin
      if (flight[n].used && flight[n].lane == i && !(flight[n].given_up && flight[n].seen <= s.now)) begin
        mine = mine + 8'd1;
        if (flight[n].id == id) same = same + 8'd1;
      end
      if (flight[n].used && flight[n].lane[0] == write && flight[n].port == port &&
          !(flight[n].answered && flight[n].gone <= s.now)) there = there + 8'd1;
    end
    if (mine >= limit[source] || same >= id_limit[source]) return 1'b0;
    if (there >= port_limit[write]) return 1'b0;
    if (trackers != 0 && !hub_takes(port, address_of(i))) return 1'b0;
    if (s.down_count[port] >= down_limit) return 1'b0;
    if (!within_budget(source, write, size_of(i))) return 1'b0;
    return kind != TDM || T'(s.slot_cycle) + (write ? beats(source, size_of(i)) : T'(1)) <= T'(slot_cycles);
  endfunction

  // behind all that arrives no later
  function automatic void push_down(logic [P-1:0] port, down_t row);
    logic placed;
    placed = 1'b0;
    for (int n = DOWN - 1; n > 0; n--) begin
      if (!placed && n <= int'(s.down_count[port])) begin
        if (downs[port][n-1].ready > row.ready) downs[port][n] = downs[port][n-1];
        else begin
          downs[port][n] = row;
          placed = 1'b1;
        end
      end
    end
    if (!placed) downs[port][0] = row;
    s.down_count[port] = s.down_count[port] + 8'd1;
  endfunction

  // what a memory port gets of the piece in a slot
  function automatic down_t row_down(logic [I-1:0] index, logic [T-1:0] ready, logic [A-1:0] address);
    return '{ready: ready, address: address, bytes: flight[index].bytes, write: flight[index].lane[0],
             master: flight[index].master, stream: flight[index].stream, tag: index};
  endfunction

  function automatic logic [I-1:0] free_slot();
    free_slot = '0;
    for (int n = SLOTS - 1; n >= 0; n--) if (!flight[n].used) free_slot = I'(n);
  endfunction

  function automatic logic has_slot();
    has_slot = 1'b0;
    for (int n = 0; n < SLOTS; n++) if (!flight[n].used) has_slot = 1'b1;
  endfunction

  // give the next piece of a lane a slot, behind the others with its id
  function automatic logic [I-1:0] take_slot(logic [L-1:0] i, logic [X-1:0] tracker, logic tracked);
    logic [N-1:0] id;
    logic [I-1:0] index;
    slot_t slot;
    id = id_of(i);
    index = free_slot();
    slot = '{default: '0};
    slot.used = 1'b1;
    slot.last = s.sent[i] + size_of(i) == rows[i][0].bytes;
    slot.lane = i;
    slot.id = id;
    slot.port = port_of(i);
    slot.bytes = size_of(i);
    slot.missing = size_of(i);
    slot.request_bytes = rows[i][0].bytes;
    slot.master = rows[i][0].master;
    slot.stream = rows[i][0].stream;
    slot.tag = rows[i][0].tag;
    slot.tracker = tracker;
    slot.tracked = tracked;
    flight[index] = slot;
    if (s.flying[i][id]) begin
      flight[s.newest[i][id]].followed = 1'b1;
      flight[s.newest[i][id]].next = index;
    end else begin
      s.flying[i][id] = 1'b1;
      s.oldest[i][id] = index;
    end
    s.newest[i][id] = index;
    return index;
  endfunction

  // take the piece that has just been sent out of its lane, and its request with the last one
  function automatic void leave(logic [L-1:0] i, logic [B-1:0] bytes);
    s.sent[i] = s.sent[i] + bytes;
    if (s.sent[i] == rows[i][0].bytes) begin
      s.waited[rows[i][0].master] = s.waited[rows[i][0].master] + C'(s.now - rows[i][0].ready);
      s.sent[i] = '0;
      for (int n = 0; n < QUEUE - 1; n++) rows[i][n] = rows[i][n+1];
      s.count[i] = s.count[i] - 8'd1;
    end
  endfunction

  // put the next piece of a lane on its bus
  function automatic void send(logic [L-1:0] i);
    logic [U-1:0] source;
    logic write;
    logic [I-1:0] index;
    below_t there;
    logic [K-1:0] bus;
    logic [X-1:0] tracker;
    logic [A-1:0] address;
    logic [B-1:0] bytes;
    logic [T-1:0] moving, ready, interval;
    source = i[L-1:1];
    write = i[0];
    address = address_of(i);
    there = below(address);
    bus = bus_of(there.port, write);
    tracker = free_tracker(there.port);
    bytes = size_of(i);
    index = take_slot(i, tracker, 1'b1);
    moving = write ? beats(source, bytes) : T'(1);
    ready = s.now + T'(latency[i]) + (cut_through ? T'(0) : moving - T'(1));
    interval = moving;
    if (trackers != 0) begin
      s.busy[there.port][tracker] = 1'b1;
      s.line[there.port][tracker] = address >> line_shift;
      interval = later(moving, T'(accept_interval));
    end
    if (is_probing()) begin
      stage(i, tracker, index, address);
      interval = later(moving, interval - T'(caching[source]));  // its own cache is not probed
    end else begin
      push_down(there.port, row_down(index, ready, there.address));
    end
    s.head_known[source] = 1'b0;
    s.unanswered[source][flight[index].id] = 1'b1;
    spend(source, write, bytes);
    s.bus_free[bus] = s.now + interval;
    s.busy_cycles[bus] = s.busy_cycles[bus] + C'(moving);
    leave(i, bytes);
  endfunction
