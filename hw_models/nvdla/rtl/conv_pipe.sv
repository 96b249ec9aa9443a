// The convolution pipeline: CDMA behind the memory interface, the convolution core, SDP; from memory to memory.
//
// The twin of the whole accelerator's model for convolutions in INT8 whose operands come from registers. Its units are
// twins of their own; here they tell each other what the benches of each play. SDP is the only one that writes.

module conv_pipe
  import cdma_types::*, conv_types::*, sdp_types::*;
#(
    parameter int ATOM = 8,                 // bytes, and kernels at work at once
    parameter int CHANNELS = ATOM,          // at work at once: of one atom or two, an entry of CBUF
    parameter int BANKS = 32,
    parameter int DEPTH = 512,              // entries of a bank, a power of two
    parameter int SDP_ELEMENTS = 1,         // a cycle
    parameter int BURST = 1,                // longest burst, beats, a power of two
    localparam int PARTS = CHANNELS / ATOM,
    localparam int E = $clog2(BANKS * DEPTH * PARTS),
    localparam int A = 32 - $clog2(ATOM)
) (
    input  logic                             clk,
    input  logic                             rst,
    // op-enable of all units
    input  logic                             enable,
    input  logic [$bits(cdma_launch_t)-1:0]  cdma_registers,
    input  logic [$bits(launch_t)-1:0]       csc_registers,
    input  logic [4:0]                       truncate,         // CACC's
    input  logic [$bits(sdp_launch_t)-1:0]   sdp_registers,
    output logic                             room,
    // settings of the memory interface
    input  logic [9:0]                       outstanding,      // most beats in flight, of reads and of writes
    input  logic [9:0]                       write_outstanding,
    input  logic [7:0]                       out_limit,
    // reads: bursts, and their beats
    output logic                             read_valid,
    input  logic                             read_ready,
    output logic [1:0]                       read_client,
    output logic [A-1:0]                     read_address,
    output logic [4:0]                       read_beats,
    input  logic                             beat_valid,
    output logic                             beat_ready,
    input  logic [1:0]                       beat_client,
    input  logic [8*ATOM-1:0]                beat_data,
    // writes
    output logic                             write_valid,      // a burst with all of its data
    input  logic                             write_ready,
    output logic [31:0]                      write_address,
    output logic [3:0]                       write_atoms,
    output logic [BURST-1:0][8*ATOM-1:0]     write_data,
    input  logic                             acknowledge,      // of the oldest burst
    // what the summary reports
    output logic                             weights_done,
    output logic                             done
);

  localparam int ACC_BITS = 34, OUT_BITS = 32;

  logic cdma_room, csc_room, cacc_room, sdp_room;
  assign room = cdma_room && csc_room && cacc_room && sdp_room;
  wire enabled = enable && room;

  // CDMA to CSC
  logic asks, agreed, kernels_update, release_data, release_weights;
  logic [13:0] lines_update;
  logic [15:0] release_data_entries, release_weight_entries;
  logic [1:0] write;
  logic [1:0][E-1:0] write_entry;
  logic [1:0][8*ATOM-1:0] write_word;
  /* verilator lint_off UNUSEDSIGNAL */
  logic other_ready, cdma_pends, data_done; // nobody else asks
  logic csc_pends, begins, mac_weights, mac_data, sdp_valid, sdp_begins, hands_over;
  logic pop, csc_done, cacc_done;
  logic [6:0] credits;
  logic [3:0] operand_reads, operand_credits;      // none
  logic [3:0][31:0] operand_addresses;
  logic [3:0][15:0] operand_beats;
  logic pdp_valid;                                 // nor PDP
  logic [6:0] pdp_cycles;
  logic [SDP_ELEMENTS-1:0][7:0] pdp_data;
  logic [31:0] data_waits, weight_waits, output_waits;
  /* verilator lint_on UNUSEDSIGNAL */
  cdma #(.ATOM(ATOM), .PARTS(PARTS), .BANKS(BANKS), .DEPTH(DEPTH)) dma (
      .clk, .rst, .enable(enabled), .registers(cdma_registers), .room(cdma_room),
      .burst_shift(3'($clog2(BURST))), .outstanding, .out_limit, .other_valid(1'b0), .other_ready,
      .other_address('0), .other_beats('0), .read_valid, .read_ready, .read_client, .read_address, .read_beats,
      .beat_valid, .beat_ready, .beat_client, .beat_data, .pends(cdma_pends), .asks, .agreed, .lines_update,
      .kernels_update, .release_data, .release_data_entries, .release_weights, .release_weight_entries,
      .data_write(write[0]), .data_entry(write_entry[0]), .data(write_word[0]), .weight_write(write[1]),
      .weight_entry(write_entry[1]), .weights(write_word[1]), .data_done, .weights_done
  );

  // CACC to SDP
  logic pixel, pixel_ready;
  logic [SDP_ELEMENTS*OUT_BITS-1:0] results;
  conv_core #(
      .ATOMIC_C(CHANNELS), .ATOMIC_K(ATOM), .ATOM(ATOM), .SDP_ELEMENTS(SDP_ELEMENTS), .BANKS(BANKS), .DEPTH(DEPTH),
      .ACC_BITS(ACC_BITS), .OUT_BITS(OUT_BITS)
  ) core (
      .clk, .rst, .enable(enabled), .registers(csc_registers), .truncate, .csc_room, .cacc_room, .write,
      .write_entry, .write_data(write_word), .lines_update, .kernels_update, .cdma_pends(asks), .pends(csc_pends),
      .agreed, .release_weights, .release_weight_entries, .release_data, .release_data_entries, .sdp_valid,
      .sdp_first(pixel), .sdp_ready(pixel_ready), .sdp_data(results), .begins, .pop, .csc_done, .cacc_done,
      .credits, .mac_weights, .mac_data, .data_waits, .weight_waits, .output_waits
  );

  logic sdp_writes, sdp_may_write;
  logic [31:0] sdp_address;
  logic [3:0] sdp_atoms;
  logic [BURST-1:0][8*ATOM-1:0] sdp_data;
  sdp #(.ATOM(ATOM), .ELEMENTS(SDP_ELEMENTS), .BURST(BURST)) post (
      .clk, .rst, .enable(enabled), .registers(sdp_registers), .reader_registers('0), .room(sdp_room), .lut('0),
      .table_write(1'b0), .table_lo(1'b0), .table_entry('0), .table_data('0), .cacc_valid(pixel),
      .cacc_ready(pixel_ready), .cacc_data(results), .read_valid(operand_reads), .read_ready('0),
      .read_address(operand_addresses), .read_beats(operand_beats), .beat_valid('0), .beat_data('0),
      .credit(operand_credits), .write_valid(sdp_writes), .write_ready(sdp_may_write),
      .write_address(sdp_address), .write_atoms(sdp_atoms), .write_data(sdp_data),
      .acknowledge, .pdp_valid, .pdp_ready(1'b0), .pdp_cycles, .pdp_data, .begins(sdp_begins), .hands_over, .done
  );
  write_port #(.BURST(BURST), .BITS(8 * ATOM)) port (
      .clk, .rst, .outstanding(write_outstanding), .unit_valid(sdp_writes), .unit_ready(sdp_may_write),
      .unit_address(sdp_address), .unit_beats(sdp_atoms), .unit_data(sdp_data), .write_valid, .write_ready,
      .write_address, .write_beats(write_atoms), .write_data, .acknowledge
  );

endmodule
