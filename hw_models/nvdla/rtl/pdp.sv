// PDP: takes atoms from memory or from SDP on the fly, pools them, writes atoms to memory.
//
// The twin of hw_models/nvdla/pdp.py and pdp_write.py in every cycle, and of values/pdp.py in every bit, for INT8.
// An atom takes PERIOD cycles. What it completes is known when it is taken; `due` brings it in its last cycle. Behind a
// real SDP all of that is LATE cycles behind the model's, and data come CHUNK_LATE cycles behind that.

module pdp
  import pdp_types::*;
#(
    parameter int ATOM = 8,                 // elements, bytes
    parameter int ELEMENTS = 1,             // a cycle
    parameter int SDP_ELEMENTS = 1,         // a cycle, from SDP
    parameter int BURST = 1,                // longest write, atoms
    parameter int FIFO = 8,                 // atoms in the latency FIFO
    parameter int COLUMNS = 64,             // of the output
    parameter int LATE = 0,                 // SDP tells of an atom so many cycles late
    parameter int CHUNK_LATE = 0,           // its first chunk comes so many cycles later
    parameter int WAY = 0                   // cycles of SDP's sub-units, at most
) (
    input  logic                            clk,
    input  logic                            rst,
    // op-enable
    input  logic                            enable,
    input  logic [$bits(pdp_launch_t)-1:0]  registers,     // a pdp_launch_t
    output logic                            room,
    // reads: a line is a request
    output logic                            read_valid,
    input  logic                            read_ready,
    output logic [31:0]                     read_address,
    output logic [13:0]                     read_beats,
    input  logic                            beat_valid,
    input  logic [8*ATOM-1:0]               beat_data,
    output logic                            credit,        // room in the latency FIFO
    // SDP
    input  logic                            sdp_valid,     // first chunk of an atom; the others follow at once
    output logic                            sdp_ready,
    input  logic [6:0]                      sdp_cycles,    // until it is here, beside those of SDP's bare way
    input  logic [8*SDP_ELEMENTS-1:0]       sdp_data,
    // writes
    output logic                            write_valid,   // a burst with all of its data
    input  logic                            write_ready,
    output logic [31:0]                     write_address,
    output logic [3:0]                      write_atoms,
    output logic [BURST-1:0][8*ATOM-1:0]    write_data,
    input  logic                            acknowledge,
    // what the summary reports
    output logic                            begins,
    output logic                            atom_done,     // its last cycle in the core
    output logic                            row_done,      // a window's row is complete
    output logic [31:0]                     waited,        // cycles for data of the launch in work
    output logic                            done
);

  localparam int PERIOD = ATOM / ELEMENTS;
  localparam int CHUNKS = ATOM / SDP_ELEMENTS;             // of an atom from SDP
  localparam int SLACK = 10 * (PERIOD / CHUNKS) + 1;       // so much ahead SDP may be, chunks and one
  localparam int DRAINS = SLACK / PERIOD;                  // considered in a cycle: with more, SDP is not asked
  localparam int TO_WRITE = 24;                            // last chunk of an atom -> write
  localparam int TO_WRITE_FLYING = ((SDP_ELEMENTS > ELEMENTS) ? 30 : 29) - LATE;
  localparam int BEAT_TO_FIFO = 8, POP_TO_CREDIT = 7, REORDER = 32;
  localparam int ENABLE_TO_READ = 20, DONE_TO_READ = 10;
  localparam int ACKNOWLEDGE_TO_DONE = 5, INPUT_TO_DONE = 6;
  localparam int OUTPUTS = 16;                             // on their way before nothing more is taken
  localparam int HORIZON = 32 * PERIOD + WAY;              // cycles that a step is known ahead, at most
  localparam int EMIT_TO_ASK = 3;                          // behind the row of a window that completes it
  localparam int PLACES = 1 << $clog2(FIFO + REORDER + 8 + (WAY + CHUNK_LATE) / CHUNKS);
  localparam int BYTES = $clog2(ATOM);

  // register groups
  pdp_launch_t launch, first_in_line;
  logic busy, waits, ends;
  register_groups #(.BITS($bits(pdp_launch_t))) register_groups (
      .clk, .rst, .enable, .registers, .frees(ends), .room, .waits, .first(first_in_line)
  );
  assign begins = !busy && waits;
  /* verilator lint_off UNUSEDSIGNAL */
  wire pdp_launch_t now = begins ? first_in_line : launch;                // what values need is kept
  /* verilator lint_on UNUSEDSIGNAL */
  wire windows_t windows = now.windows;
  logic may_read;
  read_start #(.ENABLE_TO_READ(ENABLE_TO_READ), .DONE_TO_READ(DONE_TO_READ)) read_start (
      .clk, .rst, .enabled(enable && room), .ends, .may_read
  );

  // requests
  logic [13:0] read_line, read_surface;
  assign read_valid = busy && !now.flying && read_surface != now.surfaces && may_read;
  assign read_address = now.source + 32'(read_surface) * now.source_surface_stride
      + 32'(read_line) * now.source_line_stride;
  assign read_beats = windows.across.size;
  wire reads = read_valid && read_ready;

  // latency FIFO and reorder FIFO
  logic arrives, pops;
  logic [$clog2(FIFO+1)-1:0] arrived;
  logic [5:0] waiting;
  logic seen;                                              // one waited in the cycle before
  logic takes;
  wire takes_read = takes && !now.flying;
  delay #(.CYCLES(BEAT_TO_FIFO)) to_fifo (.clk, .rst, .in(beat_valid), .out(arrives));
  assign pops = (arrived != 0 || arrives) && (waiting < 6'(REORDER) || takes_read);
  delay #(.CYCLES(POP_TO_CREDIT)) to_credit (.clk, .rst, .in(pops), .out(credit));

  // the core: what each step completes, and when
  walk_t walk, walk_after;
  logic [8:0] ahead, ahead_after;                          // cycles until the next step may begin
  logic [5:0] outputs, outputs_after;                      // on their way to the bus
  typedef struct packed {
    logic       atom;
    logic       last;
    logic       row;
    logic [1:0] outputs;
  } due_t;
  due_t [HORIZON-1:0] due, due_after;
  walk_t walk_now;
  always_comb begin
    walk_now = walk;
    if (begins) begin
      walk_now = '0;
      walk_now.across = begun(windows.across.window, windows.across.pad, windows.again, windows.across.windows);
      walk_now.down = begun(windows.down.window, windows.down.pad, '0, windows.down.windows);
    end
  end
  wire first_atom = {walk_now.x, walk_now.y, walk_now.z} == 0;
  wire atom_there = now.flying ? sdp_valid : waiting != 0 && (!first_atom || seen);
  logic core_ready, opens, opened;
  late #(.CYCLES(LATE)) to_open (.clk, .rst, .in(begins), .out(opens));
  wire open = now.flying ? opens || opened : begins || busy;
  wire [8:0] way = now.flying ? 9'(sdp_cycles) : 9'd0;
  always_comb begin
    step_t step;
    logic [8:0] at;
    step = '0;
    at = '0;
    walk_after = walk_now;
    ahead_after = begins ? '0 : ahead;
    outputs_after = outputs;
    due_after = begins ? '0 : due >> $bits(due_t);       // rows that no window of the cube needs are dropped
    for (int d = 0; d < DRAINS; d++) begin
      if ((walk_after.drain_x != 0 || walk_after.drain_y != 0) && outputs_after < 6'(OUTPUTS)) begin
        step = drain(windows.down, windows.across.windows, now.surfaces, walk_after);
        due_after[ahead_after+9'(PERIOD-2)] = '{step.atom, step.last, step.row, step.outputs};
        walk_after = step.walk;
        ahead_after = ahead_after + 9'(PERIOD);
        outputs_after = outputs_after + 6'(step.outputs);
      end
    end
    core_ready = open && walk_after.z != now.surfaces
        && walk_after.drain_x == 0 && walk_after.drain_y == 0
        && outputs_after < 6'(OUTPUTS) && ahead_after <= (now.flying ? 9'(SLACK) : 9'd0) + way;
    takes = core_ready && atom_there;
    if (takes) begin
      step = taken(windows, now.surfaces, walk_after);
      at = (ahead_after > way) ? ahead_after : way;
      due_after[at+9'(PERIOD-2)] = '{step.atom, step.last, step.row, step.outputs};
      walk_after = step.walk;
      ahead_after = at + 9'(PERIOD);
      outputs_after = outputs_after + 6'(step.outputs);
    end
  end
  assign sdp_ready = core_ready && now.flying;
  wire due_t due_now = due[0];
  assign atom_done = due_now.atom;
  assign row_done = due_now.row;

  // data: beats, or chunks put together, wait until they are shifted into the windows
  logic [$clog2(CHUNKS+1)-1:0] chunks_left;
  logic first_chunk;
  wire takes_chunk = first_chunk || chunks_left != 0;
  wire last_chunk = (CHUNKS == 1) ? first_chunk : chunks_left == 1;
  logic [8*ATOM-1:0] gathering;
  wire [8*ATOM-1:0] gathered_atom = (8 * ATOM)'({sdp_data, gathering} >> (8 * SDP_ELEMENTS));
  logic [8*ATOM-1:0] atoms[PLACES];
  logic [$clog2(PLACES)-1:0] atoms_in, atoms_out;
  logic shifts, completes;                                 // a cycle later: chunks are together
  logic shift, row, values_begin;
  /* verilator lint_off UNUSEDSIGNAL */
  pdp_launch_t computed;                                   // the launch that values are computed for
  /* verilator lint_on UNUSEDSIGNAL */
  late #(.CYCLES(CHUNK_LATE), .BITS(4)) to_data (
      .clk, .rst, .in({takes && now.flying, shifts, completes, begins}),
      .out({first_chunk, shift, row, values_begin})
  );
  if (CHUNK_LATE == 0) begin : g_at_once
    assign computed = now;
  end else begin : g_later
    pdp_launch_t kept;
    assign computed = values_begin ? launch : kept;
    always_ff @(posedge clk) kept <= computed;
  end

  // outputs one a cycle: positions in the output cube, and the bursts that they make
  logic [1:0] more;
  wire [1:0] asked = more + due_now.outputs;
  wire emits = asked != 0;
  logic [13:0] out_x, out_y, out_z;
  logic [3:0] gathered;
  logic [31:0] burst_address;
  wire [31:0] address = now.address + 32'(out_z) * now.surface_stride + 32'(out_y) * now.line_stride
      + (32'(out_x) << BYTES);
  wire end_of_line = out_x + 14'd1 == windows.across.windows;
  wire end_of_surface = end_of_line && out_y + 14'd1 == windows.down.windows;
  wire end_of_cube = end_of_surface && out_z + 14'd1 == now.surfaces;
  wire aligned = ((address >> BYTES) + 32'd1) % 32'(BURST) == 0;
  wire ends_burst = emits && (end_of_line || aligned);

  logic asks, result_ready;
  delay #(.CYCLES(EMIT_TO_ASK + CHUNK_LATE)) to_ask (.clk, .rst, .in(emits), .out(asks));
  logic [8*ATOM-1:0] result;
  pdp_values #(.ATOM(ATOM), .COLUMNS(COLUMNS)) values (
      .clk, .rst, .begins(values_begin), .windows(computed.windows), .arithmetic(computed.arithmetic), .shift,
      .element(atoms[atoms_out]), .row, .ask(asks), .ready(result_ready), .result
  );
  logic [8*ATOM-1:0] results[32];
  logic [4:0] results_in, results_out;

  write_bursts #(.LONGEST(TO_WRITE_FLYING)) write_bursts (
      .clk, .rst, .push(ends_burst), .address((gathered == 0) ? address : burst_address), .atoms(gathered + 4'd1),
      .cycles(now.flying ? 7'(TO_WRITE_FLYING) : 7'(TO_WRITE)),
      .write_valid, .write_ready, .write_address, .write_atoms, .first(results_out)
  );
  wire leaves = write_valid && write_ready;
  wire [5:0] left = leaves ? 6'(write_atoms) : 6'd0;
  logic [5:0] left_late;
  late #(.CYCLES(LATE), .BITS(6)) to_room (.clk, .rst, .in(now.flying ? left : '0), .out(left_late));
  always_comb begin
    for (int a = 0; a < BURST; a++) begin
      write_data[a] = (a < int'(write_atoms)) ? results[results_out+5'(a)] : '0;
    end
  end

  // the end: all written and answered, and all input taken
  logic all_sent, answered, answer_due, input_over, input_due;
  logic [31:0] unanswered;
  wire last_answer = acknowledge && all_sent && unanswered == 1;
  delay #(.CYCLES(ACKNOWLEDGE_TO_DONE - 1)) to_answered (.clk, .rst, .in(last_answer), .out(answer_due));
  logic input_late;
  delay #(.CYCLES(INPUT_TO_DONE - 1)) to_input_over (.clk, .rst, .in(due_now.last && !now.flying), .out(input_due));
  delay #(.CYCLES(INPUT_TO_DONE - 1 - LATE)) to_flown_over (
      .clk, .rst, .in(due_now.last && now.flying), .out(input_late)
  );
  assign ends = (answered || answer_due) && (input_over || input_due || input_late);

  always_ff @(posedge clk) begin
    if (rst) begin
      {busy, done, all_sent, answered, input_over, unanswered} <= '0;
      opened <= 1'b0;
      {read_line, read_surface, arrived, waiting, seen} <= '0;
      {ahead, outputs, due, shifts, completes, waited} <= '0;
      walk <= '0;
      launch <= '0;
      {chunks_left, atoms_in, atoms_out} <= '0;
      {more, out_x, out_y, out_z, gathered} <= '0;
      results_in <= '0;
    end else begin
      done <= ends;
      if (begins) launch <= first_in_line;
      opened <= opens || (opened && !ends);
      busy <= (busy || begins) && !ends;

      if (begins) {read_line, read_surface} <= '0;
      else if (reads) begin
        read_line <= (read_line + 14'd1 == windows.down.size) ? '0 : read_line + 14'd1;
        if (read_line + 14'd1 == windows.down.size) read_surface <= read_surface + 14'd1;
      end
      arrived <= arrived + ($bits(arrived))'(arrives) - ($bits(arrived))'(pops);
      waiting <= waiting + 6'(pops) - 6'(takes_read);
      seen <= waiting != 0;

      walk <= walk_after;
      ahead <= (ahead_after == 0) ? '0 : ahead_after - 9'd1;
      outputs <= outputs_after - (now.flying ? left_late : left);
      due <= due_after;
      {shifts, completes} <= {due_now.atom, due_now.row && !begins};
      if (begins) waited <= '0;
      else if (core_ready && !takes && !now.flying && !first_atom) waited <= waited + 1;

      if (first_chunk) chunks_left <= ($bits(chunks_left))'(CHUNKS - 1);
      else if (chunks_left != 0) chunks_left <= chunks_left - 1'b1;
      if (beat_valid || last_chunk) atoms_in <= atoms_in + 1'b1;
      if (shift) atoms_out <= atoms_out + 1'b1;

      more <= asked - 2'(emits);
      if (emits) begin
        out_x <= end_of_line ? '0 : out_x + 14'd1;
        if (end_of_line) out_y <= end_of_surface ? '0 : out_y + 14'd1;
        if (end_of_surface) out_z <= end_of_cube ? '0 : out_z + 14'd1;
        gathered <= ends_burst ? '0 : gathered + 4'd1;
      end
      if (result_ready) results_in <= results_in + 5'd1;

      all_sent <= (all_sent || (emits && end_of_cube)) && !begins;
      unanswered <= unanswered + 32'(ends_burst) - 32'(acknowledge);
      answered <= (answered || answer_due) && !ends;
      input_over <= (input_over || input_due || input_late) && !ends;
    end
    if (takes_chunk) gathering <= gathered_atom;
    if (beat_valid) atoms[atoms_in] <= beat_data;
    else if (last_chunk) atoms[atoms_in] <= gathered_atom;
    if (result_ready) results[results_in] <= result;
    if (emits && gathered == 0) burst_address <= address;
  end

endmodule
