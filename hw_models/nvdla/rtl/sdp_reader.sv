// One of SDP's readers: the input, or the operands of X1, X2 or Y. Asks for a line at a time; what comes back becomes
// the operand of one atom of the cube after the other.
//
// The twin of hw_models/nvdla/rdma.py, in its order; `beat_delay` and `credit_delay` say how its clock lies to the
// memory's. Atoms are gathered in fours, fewer at the end of a line; the four move together into four slots. An atom's
// operand goes from the slots into the register in front of SDP; a kernel's stays in the slots until it `leaves`.

module sdp_reader
  import sdp_types::*;
#(
    parameter int ATOM = 8,                 // bytes
    parameter int FIFO = 8,                 // atoms in the latency FIFO
    localparam int UNITS = 4,               // atoms that move together, and of an operand at most
    localparam int BITS = 8 * ATOM
) (
    input  logic                         clk,
    input  logic                         rst,
    input  logic                         may_read,
    input  logic                         ends,          // the launch
    /* verilator lint_off UNUSEDSIGNAL */
    input  sdp_reader_t                  launch,        // some of it
    /* verilator lint_on UNUSEDSIGNAL */
    // memory interface: a line is a request
    output logic                         read_valid,
    input  logic                         read_ready,
    output logic [31:0]                  read_address,
    output logic [15:0]                  read_beats,
    input  logic                         beat_valid,
    input  logic [BITS-1:0]              beat_data,
    output logic                         credit,        // room in the latency FIFO
    input  logic [3:0]                   beat_delay,    // cycles: beat -> latency FIFO's output, at least 1
    input  logic [3:0]                   credit_delay,  // out of it -> credit, at least 1
    // SDP
    output logic                         valid,         // the operand of the next atom or kernel is there
    output logic [UNITS-1:0][BITS-1:0]   data,
    input  logic                         takes,         // an atom's
    input  logic                         leaves         // a kernel's
);

  localparam int P = $clog2(FIFO);

  // requests
  logic [13:0] line, surface;
  assign read_valid = may_read && launch.on && surface != launch.surfaces;
  wire [31:0] address = launch.address + 32'(surface) * launch.surface_stride + 32'(line) * launch.line_stride;
  assign read_address = read_valid ? address : '0;
  assign read_beats = read_valid ? launch.line_atoms : '0;
  wire asks = read_valid && read_ready;
  wire last_line = line + 14'd1 == launch.lines;

  // latency FIFO
  logic [BITS-1:0] fifo[1<<P];
  logic [P-1:0] fifo_in, fifo_out;
  logic [P:0] arrived;
  logic [15:0] arriving, credits;
  wire arrives = arriving[0];
  assign credit = credits[0];

  // atoms that are gathered
  logic [UNITS-1:0][BITS-1:0] gathered;
  logic [1:0] count;
  logic [15:0] column;
  logic full, moves;                        // they are complete; they go into the slots
  logic [2:0] size;                         // how many they are
  wire pops = (arrived != 0 || arrives) && (!full || moves);
  wire end_of_line = column + 16'd1 == launch.line_atoms;
  wire completes = pops && (end_of_line || count == 2'(UNITS - 1));

  // slots, and the sizes of the groups in them
  logic [UNITS-1:0] slot_ready, slot_valid, slot_pops, wanted, wanted_next;
  logic [UNITS-1:0][BITS-1:0] slot;
  logic [2:0] sizes[4];
  logic [1:0] sizes_in, sizes_out;
  logic [2:0] groups;
  logic [2:0] first;                        // slot of the next operand
  wire [2:0] after = first + launch.atoms;
  logic pipe_ready, pipe_valid, there, there_next, seen;
  logic [UNITS-1:0][BITS-1:0] front, at_pipe;
  always_comb begin
    moves = full;
    for (int i = 0; i < UNITS; i++) begin
      if (3'(i) < size && !slot_ready[i]) moves = 1'b0;
      wanted[i] = 3'(i) >= first && 3'(i) < after;
    end
    there = groups != 0 && (wanted & ~slot_valid) == '0;
  end
  for (genvar i = 0; i < UNITS; i++) begin : g_slots
    skid #(.BITS(BITS)) register (
        .clk, .rst, .in_valid(moves && 3'(i) < size), .in_ready(slot_ready[i]), .in(gathered[i]),
        .out_valid(slot_valid[i]), .out_ready(slot_pops[i]), .out(slot[i])
    );
  end
  assign front = slot >> (32'(first) * BITS);
  wire to_pipe = there && !launch.per_kernel && pipe_ready;
  wire goes = to_pipe || leaves;
  wire ends_group = goes && after >= sizes[sizes_out];
  assign slot_pops = goes ? wanted : '0;
  wire [2:0] first_next = ends_group ? '0 : after;
  always_comb begin                         // the operand behind one that leaves stands in other slots already
    for (int i = 0; i < UNITS; i++) begin
      wanted_next[i] = 3'(i) >= first_next && 3'(i) < first_next + launch.atoms;
    end
    there_next = groups > 3'(ends_group) && (wanted_next & (wanted | ~slot_valid)) == '0;
  end
  skid #(.BITS(UNITS * BITS)) pipe (
      .clk, .rst, .in_valid(to_pipe), .in_ready(pipe_ready), .in(front), .out_valid(pipe_valid),
      .out_ready(takes), .out(at_pipe)
  );
  assign valid = launch.per_kernel ? there && seen : pipe_valid;
  assign data = launch.per_kernel ? front : at_pipe;

  always_ff @(posedge clk) begin
    if (rst) begin
      {line, surface, fifo_in, fifo_out, arrived, arriving, credits} <= '0;
      {count, column, full, size, sizes_in, sizes_out, groups, first, seen} <= '0;
    end else begin
      if (ends) {line, surface} <= '0;
      else if (asks) begin
        line <= last_line ? '0 : line + 14'd1;
        if (last_line) surface <= surface + 14'd1;
      end

      arriving <= (arriving >> 1) | (16'(beat_valid) << (beat_delay - 4'd1));
      credits <= (credits >> 1) | (16'(pops) << (credit_delay - 4'd1));
      fifo_in <= fifo_in + P'(beat_valid);
      fifo_out <= fifo_out + P'(pops);
      arrived <= arrived + (P + 1)'(arrives) - (P + 1)'(pops);

      if (pops) begin
        count <= completes ? '0 : count + 2'd1;
        column <= end_of_line ? '0 : column + 16'd1;
      end
      full <= completes || (full && !moves);
      if (completes) size <= 3'(count) + 3'd1;

      sizes_in <= sizes_in + 2'(moves);
      sizes_out <= sizes_out + 2'(ends_group);
      groups <= groups + 3'(moves) - 3'(ends_group);
      if (goes) first <= first_next;
      seen <= leaves ? there_next : there;
    end
    if (beat_valid) fifo[fifo_in] <= beat_data;
    if (pops) gathered[count] <= fifo[fifo_out];
    if (moves) sizes[sizes_in] <= size;
  end

endmodule
