// SDP with PDP behind it: SDP's results go to PDP as they are made, or to memory; PDP takes those or its own input.
//
// The twin of SDP and PDP of one accelerator. What SDP tells PDP of an atom it tells as it joins, LATE cycles behind the
// model's; PDP's steps lie as far behind then, which its writes make up for.

module sdp_pdp
  import post_types::*, sdp_types::*, pdp_types::*;
#(
    parameter int ATOM = 8,                 // elements, bytes when written
    parameter int SDP_ELEMENTS = 1,         // a cycle
    parameter int PDP_ELEMENTS = 1,
    parameter int BURST = 1,                // longest write, atoms
    parameter int SDP_FIFO = 8,             // atoms in the latency FIFO of SDP's own input
    parameter int OPERAND_FIFO = 16,        // and of each operand
    parameter int PDP_FIFO = 8,
    parameter int COLUMNS = 64,             // of PDP's output
    localparam int READERS = 5              // SDP's input, X1, X2, Y, PDP's input
) (
    input  logic                            clk,
    input  logic                            rst,
    // op-enable of SDP, and of PDP
    input  logic [1:0]                      enable,
    input  logic [$bits(sdp_launch_t)-1:0]  sdp_registers, // a sdp_launch_t
    input  logic [(READERS-1)*$bits(sdp_reader_t)-1:0] reader_registers,
    input  logic [$bits(pdp_launch_t)-1:0]  pdp_registers, // a pdp_launch_t
    output logic [1:0]                      room,
    // SDP's look-up tables
    input  logic [$bits(lut_t)-1:0]         lut,           // a lut_t
    input  logic                            table_write,
    input  logic                            table_lo,
    input  logic [8:0]                      table_entry,
    input  logic [15:0]                     table_data,
    // memory interface: lines of each reader, and its beats
    output logic [READERS-1:0]              read_valid,
    input  logic [READERS-1:0]              read_ready,
    output logic [READERS-1:0][31:0]        read_address,
    output logic [READERS-1:0][15:0]        read_beats,
    input  logic [READERS-1:0]              beat_valid,
    input  logic [READERS-1:0][8*ATOM-1:0]  beat_data,
    output logic [READERS-1:0]              credit,
    // writes of SDP, and of PDP
    output logic [1:0]                      write_valid,   // a burst with all of its data
    input  logic [1:0]                      write_ready,
    output logic [1:0][31:0]                write_address,
    output logic [1:0][3:0]                 write_atoms,
    output logic [1:0][BURST-1:0][8*ATOM-1:0] write_data,
    input  logic [1:0]                      acknowledge,   // of the oldest burst that has left
    // what the summary reports
    output logic [1:0]                      begins,
    output logic                            hands_over,    // SDP's register group is free
    output logic [1:0]                      done
);

  localparam int LATE = 4, LANE = 10;       // SDP's
  localparam int WAY = 40;                  // of all of its sub-units

  logic [1:0][31:0] address;
  logic [1:0][3:0] atoms;
  logic [1:0][BURST-1:0][8*ATOM-1:0] data;
  always_comb begin
    for (int w = 0; w < 2; w++) begin
      write_address[w] = write_valid[w] ? address[w] : '0;
      write_atoms[w] = write_valid[w] ? atoms[w] : '0;
      write_data[w] = write_valid[w] ? data[w] : '0;
    end
  end

  logic [13:0] pdp_beats;
  logic pdp_valid, pdp_ready;
  logic [6:0] pdp_cycles;
  logic [8*SDP_ELEMENTS-1:0] pdp_data;
  /* verilator lint_off UNUSEDSIGNAL */
  logic cacc_ready, atom_done, row_done;    // late, or nobody's
  logic [31:0] waited;
  /* verilator lint_on UNUSEDSIGNAL */
  sdp #(
      .ATOM(ATOM), .ELEMENTS(SDP_ELEMENTS), .BURST(BURST), .FIFO(SDP_FIFO), .OPERAND_FIFO(OPERAND_FIFO)
  ) post (
      .clk, .rst, .enable(enable[0]), .registers(sdp_registers), .reader_registers, .room(room[0]), .lut, .table_write,
      .table_lo, .table_entry, .table_data, .cacc_valid(1'b0), .cacc_ready, .cacc_data('0),
      .read_valid(read_valid[3:0]), .read_ready(read_ready[3:0]), .read_address(read_address[3:0]),
      .read_beats(read_beats[3:0]), .beat_valid(beat_valid[3:0]), .beat_data(beat_data[3:0]), .credit(credit[3:0]),
      .write_valid(write_valid[0]), .write_ready(write_ready[0]), .write_address(address[0]),
      .write_atoms(atoms[0]), .write_data(data[0]), .acknowledge(acknowledge[0]), .pdp_valid, .pdp_ready,
      .pdp_cycles, .pdp_data, .begins(begins[0]), .hands_over, .done(done[0])
  );

  wire [31:0] pdp_address;
  assign read_address[4] = read_valid[4] ? pdp_address : '0;
  assign read_beats[4] = read_valid[4] ? 16'(pdp_beats) : '0;
  pdp #(
      .ATOM(ATOM), .ELEMENTS(PDP_ELEMENTS), .SDP_ELEMENTS(SDP_ELEMENTS), .BURST(BURST), .FIFO(PDP_FIFO),
      .COLUMNS(COLUMNS), .LATE(LATE), .CHUNK_LATE(LANE), .WAY(WAY)
  ) pool (
      .clk, .rst, .enable(enable[1]), .registers(pdp_registers), .room(room[1]), .read_valid(read_valid[4]),
      .read_ready(read_ready[4]), .read_address(pdp_address), .read_beats(pdp_beats), .beat_valid(beat_valid[4]),
      .beat_data(beat_data[4]), .credit(credit[4]), .sdp_valid(pdp_valid), .sdp_ready(pdp_ready),
      .sdp_cycles(pdp_cycles), .sdp_data(pdp_data), .write_valid(write_valid[1]), .write_ready(write_ready[1]),
      .write_address(address[1]), .write_atoms(atoms[1]), .write_data(data[1]),
      .acknowledge(acknowledge[1]), .begins(begins[1]), .atom_done, .row_done, .waited, .done(done[1])
  );

endmodule
