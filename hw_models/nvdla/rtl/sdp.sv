// SDP: takes pixels from CACC or atoms from memory, and operands from memory; writes atoms to memory, or hands them to PDP.
//
// The twin of hw_models/nvdla/sdp.py, rdma.py and sdp_write.py in every cycle, and of values/sdp.py and values/lut.py
// in every bit, for INT8. An atom enters, meets its operands (joins), and goes through the lanes. Operands meet it
// later on its way than at the join, so that some are known behind the join's cycle only: here joins and lanes are
// LATE cycles behind the model's, and readers of operands run early.

module sdp
  import post_types::*, sdp_types::*;
#(
    parameter int ATOM = 8,                 // elements, bytes when written
    parameter int ELEMENTS = 1,             // a cycle
    parameter int BURST = 1,                // longest write, atoms
    parameter int FIFO = 8,                 // atoms in the latency FIFO of SDP's own input
    parameter int OPERAND_FIFO = 16,        // and of each operand
    localparam int READERS = 4,             // input, X1, X2, Y
    localparam int BEATS = ATOM / ELEMENTS
) (
    input  logic                            clk,
    input  logic                            rst,
    // op-enable
    input  logic                            enable,
    input  logic [$bits(sdp_launch_t)-1:0]  registers,     // a sdp_launch_t
    input  logic [READERS*$bits(sdp_reader_t)-1:0] reader_registers,  // sdp_reader_t each, the input's lowest
    output logic                            room,
    // look-up tables
    input  logic [$bits(lut_t)-1:0]         lut,           // a lut_t
    input  logic                            table_write,
    input  logic                            table_lo,
    input  logic [8:0]                      table_entry,
    input  logic [15:0]                     table_data,
    // CACC
    input  logic                            cacc_valid,    // first beat of a pixel; the others follow at once
    output logic                            cacc_ready,
    input  logic [ELEMENTS-1:0][31:0]       cacc_data,
    // memory interface: lines of each reader, and its beats
    output logic [READERS-1:0]              read_valid,
    input  logic [READERS-1:0]              read_ready,
    output logic [READERS-1:0][31:0]        read_address,
    output logic [READERS-1:0][15:0]        read_beats,
    input  logic [READERS-1:0]              beat_valid,
    input  logic [READERS-1:0][8*ATOM-1:0]  beat_data,
    output logic [READERS-1:0]              credit,
    // writes
    output logic                            write_valid,   // a burst with all of its data
    input  logic                            write_ready,
    output logic [31:0]                     write_address,
    output logic [3:0]                      write_atoms,
    output logic [BURST-1:0][8*ATOM-1:0]    write_data,
    input  logic                            acknowledge,   // of the oldest burst that has left
    // PDP, told of an atom LATE cycles behind the model
    output logic                            pdp_valid,     // an atom may join
    input  logic                            pdp_ready,     // and PDP will be in time for it
    output logic [6:0]                      pdp_cycles,    // of the sub-units that are on
    output logic [ELEMENTS-1:0][7:0]        pdp_data,      // chunks of atoms that have joined, LANE cycles later
    // what the summary reports
    output logic                            begins,
    output logic                            hands_over,    // its register group is free
    output logic                            done
);

  localparam int X_BASE = 4, X_ALU = 2, X_MUL = 1, Y_BASE = 12, Y_LUT = 14;
  localparam int LATE = 4;                  // cycles that joins lie behind the model's
  localparam int TO_WRITE = 15 - LATE;      // last chunk of an atom -> write, with all sub-units bypassed
  localparam int TO_PASSED = 9 - LATE;      // and to the done pulse of a launch to PDP
  localparam int AGAIN = 4;                 // from there to the begin of the next launch
  localparam int LONGEST = TO_WRITE + 2 * (X_BASE + X_ALU + X_MUL) + Y_BASE + Y_LUT;
  localparam int ATOMS_TO_BUS = 27;         // between CACC and the memory interface
  localparam int ACKNOWLEDGE_TO_DONE = 5;
  localparam int LANE = 10;                 // stages of a lane
  localparam int ENDING = 4;                // launches that wait for acknowledgements
  localparam int BYTES = $clog2(ATOM);
  localparam int ENABLE_TO_READ = 20, CACC_ENABLE_TO_READ = 9, DONE_TO_READ = BEATS - 1 + 5 - LATE - 1;
  localparam int BEAT_TO_FIFO = 8, POP_TO_CREDIT = 6;
  localparam int KERNEL_AHEAD = 3, KERNEL_TO_SLOTS = 3;
  localparam int DEPTH_CACC = 1 + 5 / BEATS, DEPTH_READ = 1 + 3 / BEATS;  // atoms in front of the join
  localparam int JOIN_TO_CACC = DEPTH_CACC * BEATS + 1 - LATE, JOIN_TO_READ = DEPTH_READ * BEATS - LATE;
  localparam int PLACES = 16;               // of atoms that have entered

  // register groups
  sdp_launch_t launch, first_in_line;
  logic busy, waits;
  register_groups #(.BITS($bits(sdp_launch_t))) register_groups (
      .clk, .rst, .enable, .registers, .frees(hands_over), .room, .waits, .first(first_in_line)
  );
  logic [1:0] pause;                        // cycles until the next launch may begin
  assign begins = !busy && waits && pause == 0;
  /* verilator lint_off UNUSEDSIGNAL */
  wire sdp_launch_t now = begins ? first_in_line : launch;  // what elements need is kept
  /* verilator lint_on UNUSEDSIGNAL */

  // readers have register groups of their own, and may be a launch ahead; a launch that reads nothing has none
  sdp_reader_t [READERS-1:0] reads, reads_next;
  assign reads_next = reader_registers;
  logic reader_room, reads_end, reading;
  /* verilator lint_off UNUSEDSIGNAL */
  logic reader_waits;                       // `reading`, a cycle later
  /* verilator lint_on UNUSEDSIGNAL */
  wire reads_any = reads_next[0].on || reads_next[1].on || reads_next[2].on || reads_next[3].on;
  wire reads_enable = enable && room && reads_any;
  register_groups #(.BITS(READERS * $bits(sdp_reader_t))) reader_groups (
      .clk, .rst, .enable(reads_enable), .registers(reader_registers), .frees(reads_end), .room(reader_room),
      .waits(reader_waits), .first(reads)
  );
  logic [1:0] reads_held;
  wire [1:0] reads_held_after = reads_held + 2'(reads_enable && reader_room) - 2'(reads_end);
  logic may_read, cacc_may_read;
  read_start #(.ENABLE_TO_READ(ENABLE_TO_READ), .DONE_TO_READ(DONE_TO_READ)) read_start (
      .clk, .rst, .enabled(reads_enable && reader_room), .ends(reads_end), .may_read
  );
  read_start #(.ENABLE_TO_READ(CACC_ENABLE_TO_READ), .DONE_TO_READ(DONE_TO_READ)) cacc_read_start (
      .clk, .rst, .enabled(reads_enable && reader_room), .ends(reads_end), .may_read(cacc_may_read)
  );
  logic [READERS-1:0] there, takes, leaves_slots;
  logic [READERS-1:0][3:0][8*ATOM-1:0] read_data;
  for (genvar r = 0; r < READERS; r++) begin : g_readers
    sdp_reader #(.ATOM(ATOM), .FIFO((r == 0) ? FIFO : OPERAND_FIFO)) reader (
        .clk, .rst, .may_read(reading && (reads[0].on ? may_read : cacc_may_read)), .ends(reads_end),
        .launch(reads[r]), .read_valid(read_valid[r]), .read_ready(read_ready[r]), .read_address(read_address[r]),
        .read_beats(read_beats[r]), .beat_valid(beat_valid[r]), .beat_data(beat_data[r]), .credit(credit[r]),
        .beat_delay((r == 0) ? 4'(BEAT_TO_FIFO) : 4'(BEAT_TO_FIFO + LATE - 1 - int'(reads[r].ahead))),
        .credit_delay((r == 0) ? 4'(POP_TO_CREDIT) : 4'(POP_TO_CREDIT - LATE + 1 + int'(reads[r].ahead))),
        .valid(there[r]), .data(read_data[r]), .takes(takes[r]), .leaves(leaves_slots[r])
    );
  end

  // atoms that enter, and are kept until they join
  logic joins;
  logic [15:0] joins_before;
  wire [16:0] join_line = {joins_before, joins};  // by cycles ago
  logic [5:0] in_pipe;                      // entered and not yet written
  logic [38:0] entered, joined;             // of the launch in work
  logic [27:0] pixel;                       // of the surface, joins next
  wire [27:0] pixels = now.width * now.height;
  wire [38:0] atoms = 39'(pixels) * 39'(now.surfaces);
  logic [3:0] in_front;                       // so many entered, and did not join long enough ago
  wire [3:0] in_front_now = in_front - 4'(join_line[now.flying ? JOIN_TO_CACC : JOIN_TO_READ]);
  wire depth_left = in_front_now < (now.flying ? 4'(DEPTH_CACC) : 4'(DEPTH_READ));
  wire open_in = (begins || (busy && entered != atoms)) && depth_left;
  assign cacc_ready = open_in && now.flying && in_pipe < 6'(ATOMS_TO_BUS);
  assign takes[0] = open_in && !now.flying && there[0];
  wire from_cacc = cacc_valid && cacc_ready;
  wire enters = from_cacc || takes[0];
  localparam int B = (BEATS == 1) ? 1 : $clog2(BEATS);
  logic [ELEMENTS-1:0][31:0] pixels_in[PLACES*BEATS];
  logic [8*ATOM-1:0] atoms_in[PLACES];
  logic [$clog2(PLACES)-1:0] place_in, place_out;
  logic [B-1:0] beat_in, beat_out;
  wire beat_enters = from_cacc || beat_in != 0;
  wire place_full = takes[0] || (beat_enters && beat_in == B'(BEATS - 1));

  // the join: with all operands, a beat's time behind the atom before, and if there is room behind
  operand_t [READERS-1:1] from;
  assign from = {now.from_y, now.from_x2, now.from_x1};
  logic entered_late;
  logic [4:0] waiting;
  logic [5:0] in_join, left_late;           // joined and not yet written; writes are seen late, as joins are
  logic [READERS-1:1] held;                 // an operand is there
  logic [READERS-1:1][3:0][8*ATOM-1:0] operand;
  logic [$clog2(BEATS+2)-1:0] beats_left;
  delay #(.CYCLES(LATE)) to_join (.clk, .rst, .in(enters), .out(entered_late));
  logic complete;
  always_comb begin
    complete = busy && (waiting != 0 || entered_late) && beats_left == 0;
    for (int r = 1; r < READERS; r++) if (from[r].on && !held[r]) complete = 1'b0;
  end
  assign pdp_valid = complete && launch.to_pdp;
  assign joins = complete && (launch.to_pdp ? pdp_ready : in_join < 6'(ATOMS_TO_BUS));
  wire last_beat = (BEATS == 1) ? joins : beats_left == 1;
  wire last_pixel = pixel + 28'd1 == pixels;
  wire last_atom = joined + 39'd1 == atoms;
  assign reads_end = joins && last_atom && (!now.flying || from[1].on || from[2].on || from[3].on);

  // operands: when one is taken; when a kernel's leaves the slots, for that of the next
  logic [1:0] fresh;                        // cycles until the launch takes operands
  logic [READERS-1:1] used_up, stays;
  logic [READERS-1:1][38:0] kernel_end, kernel_end_now, seen;  // atoms: up to its end, joined some time ago
  always_comb begin
    leaves_slots[0] = 1'b0;
    for (int r = 1; r < READERS; r++) begin
      used_up[r] = joins && (last_pixel || !from[r].per_kernel);
      takes[r] = from[r].on && there[r] && busy && fresh == 0
          && (held[r] ? BEATS == 1 && used_up[r] && !last_atom : beats_left <= 1 && joined != atoms);
      kernel_end_now[r] = kernel_end[r] + (takes[r] ? 39'(pixels) : '0);
      leaves_slots[r] = from[r].per_kernel && (takes[r] || stays[r])
          && seen[r] + 39'(KERNEL_AHEAD) >= kernel_end_now[r];
    end
  end

  // elements through the lanes; an atom is put together behind them
  function automatic logic [1:0][15:0] words(
      logic both, logic wide, logic [32*ATOM-1:0] stored, logic [BYTES-1:0] element);
    logic [31:0] two;
    logic [15:0] one;
    two = stored[32*int'(element)+:32];
    one = stored[16*int'(element)+:16];
    if (both && wide) return two;
    if (wide) return {2{one}};
    if (both) return {16'($signed(one[15:8])), 16'($signed(one[7:0]))};
    return {2{16'($signed(stored[8*int'(element)+:8]))}};
  endfunction

  logic [ELEMENTS-1:0][7:0] made;
  assign pdp_data = made;
  assign beat_out = joins ? '0 : B'(BEATS - int'(beats_left));
  wire [ELEMENTS-1:0][31:0] pixel_out = pixels_in[int'(place_out)*BEATS+int'(beat_out)];
  wire [8*ATOM-1:0] atom_out = atoms_in[place_out];
  for (genvar e = 0; e < ELEMENTS; e++) begin : g_lanes
    wire [BYTES-1:0] element = BYTES'(int'(beat_out) * ELEMENTS + e);
    wire [31:0] stored = 32'($signed(atom_out[8*int'(element)+:8]));
    sdp_lane lane (
        .clk, .launch(launch), .lut(lut_t'(lut)), .write(table_write), .write_lo(table_lo),
        .write_entry(table_entry), .write_data(table_data), .value(now.flying ? pixel_out[e] : stored),
        .operands({words(from[3].both, from[3].wide, operand[3], element),
            words(from[2].both, from[2].wide, operand[2], element),
            words(from[1].both, from[1].wide, operand[1], element)}),
        .result(made[e])
    );
  end
  logic flows, ends;
  delay #(.CYCLES(LANE), .BITS(2)) along (
      .clk, .rst, .in({joins || beats_left != 0, last_beat && !launch.to_pdp}), .out({flows, ends})
  );
  logic [8*ATOM-1:0] gathering;
  wire [8*ATOM-1:0] atom = (8 * ATOM)'({made, gathering} >> (8 * ELEMENTS));
  logic [8*ATOM-1:0] results[32];
  logic [4:0] results_in, results_out;

  // positions in the output cube, and the bursts that they make
  logic [13:0] column, line, surface;
  logic [3:0] gathered;
  logic [31:0] burst_address;
  wire one_pixel = now.width == 1 && now.height == 1;  // surfaces lie side by side, all in one command
  wire [31:0] surface_stride = one_pixel ? 32'(ATOM) : now.surface_stride;
  wire [31:0] address = now.address + surface * surface_stride + line * now.line_stride
      + (32'(column) << BYTES);
  wire end_of_line = column + 1'b1 == now.width;
  wire end_of_surface = end_of_line && line + 1'b1 == now.height;
  wire end_of_cube = end_of_surface && surface + 1'b1 == now.surfaces;
  wire aligned = ((address >> BYTES) + 32'd1) % 32'(BURST) == 0;
  wire ends_burst = last_beat && !launch.to_pdp && ((one_pixel ? end_of_cube : end_of_line) || aligned);

  // cycles until a burst may leave: those of the sub-units that are on, then one behind the other
  function automatic logic [6:0] x_cycles(logic on, logic alu_works, logic mul_works);
    return !on ? '0 : 7'(X_BASE) + (alu_works ? 7'(X_ALU) : '0) + (mul_works ? 7'(X_MUL) : '0);
  endfunction
  wire [6:0] y_cycles = !now.y.on ? '0 : 7'(Y_BASE) + (now.y.look_up ? 7'(Y_LUT) : '0);
  assign pdp_cycles = x_cycles(now.x1.on, now.x1.alu, now.x1.mul)
      + x_cycles(now.x2.on, now.x2.alu, now.x2.mul) + y_cycles;
  wire [6:0] cycles = 7'(TO_WRITE) + pdp_cycles;
  write_bursts #(.LONGEST(LONGEST)) write_bursts (
      .clk, .rst, .push(ends_burst), .address((gathered == 0) ? address : burst_address), .atoms(gathered + 4'd1),
      .cycles, .write_valid, .write_ready, .write_address, .write_atoms, .first(results_out)
  );
  wire leaves = write_valid && write_ready;
  wire [5:0] left = leaves ? 6'(write_atoms) : 6'd0;
  delay #(.CYCLES(LATE), .BITS(6)) to_room (.clk, .rst, .in(left), .out(left_late));
  always_comb begin
    for (int a = 0; a < BURST; a++) begin
      write_data[a] = (a < int'(write_atoms)) ? results[results_out+5'(a)] : '0;
    end
  end

  // acknowledgements: of the launch in work, or of those that have written all
  logic all_sent;
  logic [31:0] open;                        // bursts of the launch in work without acknowledgement
  logic [31:0] ending[ENDING];
  logic [1:0] ending_head;
  logic [2:0] ending_count;
  wire for_ending = acknowledge && ending_count != 0;
  wire finishes = for_ending && ending[ending_head] == 1;
  wire [5:0] in_pipe_after = in_pipe - left;
  wire [2:0] ending_after = ending_count - 3'(finishes);
  wire [31:0] open_after = open + 32'(ends_burst) - 32'(acknowledge && !for_ending);
  wire hands_on = busy && all_sent && in_pipe_after == 0 && (leaves || finishes)
      && ending_after < 3'(ENDING);
  logic [6:0] passing;                      // cycles until the last chunk has gone to PDP
  wire passed = passing == 7'd1;
  assign hands_over = hands_on || passed;
  delay #(.CYCLES(ACKNOWLEDGE_TO_DONE)) to_done (.clk, .rst, .in(finishes), .out(done));

  always_ff @(posedge clk) begin
    if (rst) begin
      {busy, entered, joined, joins_before, in_pipe, in_front, beats_left, results_in} <= '0;
      {place_in, place_out, beat_in, pixel, waiting, in_join, reading, reads_held} <= '0;
      {held, stays, kernel_end, seen, fresh} <= '0;
      {column, line, surface, gathered} <= '0;
      {all_sent, open, ending_head, ending_count, passing, pause} <= '0;
      launch <= '0;
    end else begin
      if (begins) begin
        launch <= first_in_line;
        busy <= 1'b1;
        all_sent <= 1'b0;
        entered <= 39'(enters);
        {joined, stays, kernel_end, seen} <= '0;
        fresh <= 2'(LATE - 2);
      end else begin
        if (hands_over) busy <= 1'b0;
        if (enters) entered <= entered + 1'b1;
        if (joins) joined <= joined + 1'b1;
        if (fresh != 0) fresh <= fresh - 2'd1;
        for (int r = 1; r < READERS; r++) begin
          kernel_end[r] <= kernel_end_now[r];
          stays[r] <= from[r].per_kernel && (stays[r] || takes[r]) && !leaves_slots[r];
          seen[r] <= seen[r] + 39'(join_line[BEATS+KERNEL_TO_SLOTS-2-int'(reads[r].ahead)]);
        end
      end
      reads_held <= reads_held_after;
      reading <= reads_held_after != 0;

      if (beat_enters) beat_in <= (beat_in == B'(BEATS - 1)) ? '0 : beat_in + 1'b1;
      if (place_full) place_in <= place_in + 1'b1;
      if (last_beat) place_out <= place_out + 1'b1;
      in_front <= in_front_now + 4'(enters);
      waiting <= waiting + 5'(entered_late) - 5'(joins);
      joins_before <= join_line[15:0];
      in_pipe <= in_pipe_after + 6'(enters && !now.to_pdp);
      in_join <= in_join + 6'(joins && !launch.to_pdp) - left_late;
      if (joins) pixel <= last_pixel ? '0 : pixel + 28'd1;
      for (int r = 1; r < READERS; r++) held[r] <= takes[r] || (held[r] && !used_up[r]);
      if (joins) beats_left <= ($bits(beats_left))'(BEATS - 1);
      else if (beats_left != 0) beats_left <= beats_left - 1'b1;
      if (ends) results_in <= results_in + 1'b1;

      if (last_beat) begin
        column <= end_of_line ? '0 : column + 1'b1;
        if (end_of_line) line <= end_of_surface ? '0 : line + 1'b1;
        if (end_of_surface) surface <= end_of_cube ? '0 : surface + 1'b1;
        if (end_of_cube) all_sent <= !launch.to_pdp;
        gathered <= (ends_burst || launch.to_pdp) ? '0 : gathered + 1'b1;
      end
      if (joins && last_atom && launch.to_pdp) passing <= 7'(TO_PASSED) + pdp_cycles + 7'(BEATS - 1);
      else if (passing != 0) passing <= passing - 7'd1;
      if (passed) pause <= 2'(AGAIN - 1);
      else if (pause != 0) pause <= pause - 2'd1;

      open <= hands_on ? '0 : open_after;
      if (for_ending) ending[ending_head] <= ending[ending_head] - 1;
      if (finishes) ending_head <= ending_head + 1'b1;
      if (hands_on) ending[ending_head+2'(ending_count)] <= open_after;
      ending_count <= ending_after + 3'(hands_on);
    end
    if (beat_enters) pixels_in[int'(place_in)*BEATS+int'(beat_in)] <= cacc_data;
    if (takes[0]) atoms_in[place_in] <= read_data[0][0];
    for (int r = 1; r < READERS; r++) if (takes[r]) operand[r] <= read_data[r];
    if (flows) gathering <= atom;
    if (ends) results[results_in] <= atom;
    if (last_beat && gathered == 0) burst_address <= address;
  end

endmodule
