// CDP: takes atoms from memory, normalises each value by its neighbours across channels, writes atoms to memory.
//
// The twin of hw_models/nvdla/cdp.py in every cycle, and of values/cdp.py and values/lut.py in every bit, for INT8.
// A part of eight columns enters chunk by chunk, a column a cycle. Columns that only the part before has hold the
// input up until its last results are out, and so does the end of the cube.

module cdp
  import post_types::*, cdp_types::*;
#(
    parameter int ATOM = 8,                 // elements, bytes
    parameter int ELEMENTS = 1,             // a cycle
    parameter int BURST = 1,                // longest write, atoms
    parameter int FIFO = 8                  // atoms in the latency FIFO
) (
    input  logic                            clk,
    input  logic                            rst,
    // op-enable
    input  logic                            enable,
    input  logic [$bits(cdp_launch_t)-1:0]  registers,     // a cdp_launch_t
    output logic                            room,
    // look-up tables
    input  logic [$bits(lut_t)-1:0]         lut,           // a lut_t
    input  logic                            table_write,
    input  logic                            table_lo,
    input  logic [8:0]                      table_entry,
    input  logic [15:0]                     table_data,
    // reads: a part is a request
    output logic                            read_valid,
    input  logic                            read_ready,
    output logic [31:0]                     read_address,
    output logic [13:0]                     read_beats,
    input  logic                            beat_valid,
    input  logic [8*ATOM-1:0]               beat_data,
    output logic                            credit,        // room in the latency FIFO
    // writes
    output logic                            write_valid,   // a burst with all of its data
    input  logic                            write_ready,
    output logic [31:0]                     write_address,
    output logic [3:0]                      write_atoms,
    output logic [BURST-1:0][8*ATOM-1:0]    write_data,
    input  logic                            acknowledge,
    // what the summary reports
    output logic                            begins,
    output logic                            atom_done,     // its last chunk enters
    output logic                            part_done,     // its last results have all they need
    output logic [31:0]                     waited,        // cycles for data of the launch in work
    output logic                            done
);

  localparam int CHUNKS = ATOM / ELEMENTS;
  localparam int BEHIND = (ELEMENTS < 4) ? 4 / ELEMENTS : 1;
  localparam int TO_WRITE = 42, SQUARES = 9, PRODUCT = 1;
  localparam int BEAT_TO_FIFO = 8, POP_TO_CREDIT = 6, REORDER = 33;
  localparam int ACKNOWLEDGE_TO_DONE = 5;
  localparam int OUTPUTS = 40, PARTS = 13;                 // on their way before no more parts begin
  localparam int PLACES = 1 << $clog2(FIFO + REORDER + 16);
  localparam int RESULTS = 64;
  localparam int CHUNK_BITS = (CHUNKS > 1) ? $clog2(CHUNKS) : 1;
  localparam int BYTES = $clog2(ATOM);

  // register groups
  cdp_launch_t now, first_in_line;
  logic busy, waits, ends, may_read;
  register_groups #(.BITS($bits(cdp_launch_t))) register_groups (
      .clk, .rst, .enable, .registers, .frees(ends), .room, .waits, .first(first_in_line)
  );
  read_start read_start (.clk, .rst, .enabled(enable && room), .ends, .may_read);
  assign begins = !busy && waits;
  wire arithmetic_t arithmetic = now.arithmetic;

  // requests
  part_t request;
  assign read_valid = busy && request.y != now.height && may_read;
  assign read_address = now.source + 32'(request.z) * now.source_surface_stride
      + 32'(request.y) * now.source_line_stride + (32'(request.x) << BYTES);
  assign read_beats = 14'(columns(now.width, request.x));

  // latency FIFO, and behind it a FIFO for each chunk of an atom
  logic arrives, pops, leaves_late;
  logic [$clog2(FIFO+1)-1:0] arrived;
  logic [5:0] reordered, waiting;                          // atoms not left, and those that have not entered
  logic seen;                                              // one waited in the cycle before
  delay #(.CYCLES(BEAT_TO_FIFO)) to_fifo (.clk, .rst, .in(beat_valid), .out(arrives));
  assign pops = (arrived != 0 || arrives) && reordered < 6'(REORDER);
  delay #(.CYCLES(POP_TO_CREDIT)) to_credit (.clk, .rst, .in(pops), .out(credit));

  // the core
  part_t part;
  logic [$clog2(CHUNKS+1)-1:0] chunk;
  logic [3:0] column, past_width;                              // columns of the part before, 0: there is none
  logic stripe;
  wire all_entered = part.y == now.height;
  wire [3:0] width = all_entered ? '0 : columns(now.width, part.x);
  wire early = chunk < ($bits(chunk))'(BEHIND);            // results are of the part before
  wire held = arithmetic.squares && part.z == 0 && past_width > width && early;
  wire [3:0] turn = held ? past_width : width;
  wire last_chunk = chunk == ($bits(chunk))'(CHUNKS - 1);

  logic [5:0] outputs;                                     // atoms on their way to the bus
  logic [3:0] parts;
  wire free = parts < 4'(PARTS) && outputs + 6'(width) <= 6'(OUTPUTS);
  wire first_atom = {part, chunk, column} == 0;
  wire atom_there = first_atom ? seen : (waiting != 0 || pops);
  wire core_ready = busy && column < width && chunk == 0 && (column != 0 || free);
  wire takes = core_ready && atom_there;
  wire enters = takes || (column < width && chunk != 0);
  wire steps = enters || (column >= width && column < turn);
  wire turns = steps && column + 4'd1 == turn;
  wire part_entered = turns && last_chunk && !all_entered;
  assign atom_done = enters && last_chunk;
  assign part_done = arithmetic.squares
      ? steps && chunk == ($bits(chunk))'(BEHIND - 1) && past_width != 0 && column + 4'd1 == past_width
      : part_entered;

  // data: from the memory of atoms to that of results; columns that the part before does not have give results
  // that right ones overwrite
  logic [8*ATOM-1:0] atoms[PLACES];
  logic [$clog2(PLACES)-1:0] atoms_in, part_atoms;
  wire [8*ATOM-1:0] atom = atoms[part_atoms+($bits(part_atoms))'(column)];
  logic [ELEMENTS-1:0] counts;
  always_comb begin
    for (int e = 0; e < ELEMENTS; e++) begin
      counts[e] = enters && (part.z + 14'd1 != now.surfaces
          || int'(chunk) * ELEMENTS + e < int'(now.channels));
    end
  end
  typedef struct packed {
    logic [$clog2(RESULTS)-1:0]   place;
    logic [CHUNK_BITS-1:0]        chunk;
  } place_t;
  logic [$clog2(RESULTS)-1:0] part_results;
  place_t asked, made;
  always_comb begin
    asked = '{part_results + ($bits(part_results))'(column), CHUNK_BITS'(chunk)};
    if (arithmetic.squares) begin
      asked.chunk = CHUNK_BITS'(int'(chunk) + (early ? CHUNKS : 0) - BEHIND);
      if (early) asked.place = asked.place - ($bits(part_results))'(past_width);
    end
  end
  logic ready;
  logic [ELEMENTS-1:0][7:0] made_values;
  cdp_values #(.ELEMENTS(ELEMENTS), .BEHIND(BEHIND), .TAG($bits(place_t))) normaliser (
      .clk, .rst, .begins, .arithmetic, .lut(lut_t'(lut)), .table_write, .table_lo, .table_entry, .table_data,
      .step(steps), .column(column[2:0]), .stripe, .counts,
      .values((8 * ELEMENTS)'(atom >> (int'(chunk) * 8 * ELEMENTS))),
      .tag(asked), .ready, .ready_tag(made), .results(made_values)
  );
  logic [ELEMENTS-1:0][7:0] results[CHUNKS][RESULTS];

  // bursts of the parts that are complete, one a cycle
  part_t output_part;
  logic [3:0] complete, output_column;
  wire [3:0] output_width = columns(now.width, output_part.x);
  wire [31:0] address = now.address + 32'(output_part.z) * now.surface_stride
      + 32'(output_part.y) * now.line_stride + ((32'(output_part.x) + 32'(output_column)) << BYTES);
  wire [3:0] aligned = 4'(BURST) - 4'((address >> BYTES) % 32'(BURST));
  wire [3:0] left = output_width - output_column;
  wire [3:0] burst = (left < aligned) ? left : aligned;
  wire pushes = complete != 0 || part_done;
  wire part_pushed = pushes && burst == left;
  wire part_t next_output = after(now.width, now.surfaces, output_part);
  wire [6:0] cycles = 7'(TO_WRITE) - (arithmetic.squares ? 7'd0 : 7'(SQUARES))
      - (arithmetic.product ? 7'd0 : 7'(PRODUCT));
  logic [$clog2(RESULTS)-1:0] written;
  write_bursts #(.PLACES(RESULTS), .LONGEST(TO_WRITE)) write_bursts (
      .clk, .rst, .push(pushes), .address, .atoms(burst), .cycles,
      .write_valid, .write_ready, .write_address, .write_atoms, .first(written)
  );
  wire leaves = write_valid && write_ready;
  always_comb begin
    for (int a = 0; a < BURST; a++) begin
      for (int c = 0; c < CHUNKS; c++) begin
        write_data[a][8*ELEMENTS*c+:8*ELEMENTS] =
            (a < int'(write_atoms)) ? results[c][written+($bits(written))'(a)] : '0;
      end
    end
  end

  // a part makes room when it has left
  part_t leaving;
  logic [3:0] gone;
  wire [3:0] leaving_width = columns(now.width, leaving.x);
  wire part_left = leaves && gone + write_atoms == leaving_width;

  // the end: all written and answered
  logic all_sent;
  logic [31:0] unanswered;
  wire last_answer = acknowledge && all_sent && unanswered == 1;
  delay #(.CYCLES(ACKNOWLEDGE_TO_DONE - 1)) to_done (.clk, .rst, .in(last_answer), .out(ends));

  always_ff @(posedge clk) begin
    if (rst) begin
      {busy, done, seen, leaves_late, arrived, reordered, waiting} <= '0;
      {request, part, chunk, column, past_width, stripe, outputs, parts, waited} <= '0;
      {atoms_in, part_atoms, part_results} <= '0;
      {output_part, output_column, complete, leaving, gone, all_sent, unanswered} <= '0;
      now <= '0;
    end else begin
      done <= ends;
      busy <= (busy || begins) && !ends;
      if (begins) now <= first_in_line;

      if (read_valid && read_ready) request <= after(now.width, now.surfaces, request);
      arrived <= arrived + ($bits(arrived))'(arrives) - ($bits(arrived))'(pops);
      leaves_late <= atom_done;
      reordered <= reordered + 6'(pops) - 6'(leaves_late);
      waiting <= waiting + 6'(pops) - 6'(takes);
      seen <= waiting != 0 || pops;

      if (steps) column <= turns ? '0 : column + 4'd1;
      if (turns) chunk <= (last_chunk && !all_entered) ? '0 : chunk + 1'b1;
      if (part_entered) begin
        part <= after(now.width, now.surfaces, part);
        past_width <= width;
        stripe <= stripe ^ (part.z + 14'd1 == now.surfaces);
        part_atoms <= part_atoms + ($bits(part_atoms))'(width);
        part_results <= part_results + ($bits(part_results))'(width);
      end
      if (begins) waited <= '0;
      else if (core_ready && !takes && !first_atom) waited <= waited + 1;
      outputs <= outputs + ((takes && column == 0) ? 6'(width) : '0) - (part_left ? 6'(leaving_width) : '0);
      parts <= parts + 4'(takes && column == 0) - 4'(part_left);
      if (beat_valid) atoms_in <= atoms_in + 1'b1;

      complete <= complete + 4'(part_done) - 4'(part_pushed);
      if (pushes) output_column <= part_pushed ? '0 : output_column + burst;
      if (part_pushed) output_part <= next_output;
      if (part_pushed && next_output.y == now.height) all_sent <= 1'b1;
      unanswered <= unanswered + 32'(pushes) - 32'(acknowledge);
      if (leaves) gone <= part_left ? '0 : gone + write_atoms;
      if (part_left) leaving <= after(now.width, now.surfaces, leaving);

      if (ends) {request, part, chunk, column, past_width, output_part, leaving, all_sent} <= '0;
    end
    if (beat_valid) atoms[atoms_in] <= beat_data;
    if (ready) results[made.chunk][made.place] <= made_values;
  end

endmodule
