// The convolution core: CSC, CBUF, CMAC and CACC, between CDMA and SDP.
//
// The twin of hw_models/nvdla/csc.py and cacc.py in every cycle and of values/convolution.py in every bit, for
// direct convolution of features and images in INT8. An entry of CBUF has ATOMIC_C channels, one atom of memory or two;
// data banks come first. CDMA writes atoms one behind the other, around the end of their banks, and hands over lines
// and kernel groups that are there as a whole.

module conv_core
  import conv_types::*;
#(
    parameter int ATOMIC_C = 8,
    parameter int ATOMIC_K = 8,
    parameter int ATOM = ATOMIC_C,          // of memory, bytes
    parameter int SDP_ELEMENTS = 1,         // that SDP takes a cycle
    parameter int BANKS = 32,
    parameter int DEPTH = 512,              // entries of a bank, a power of two
    parameter int ACC_BITS = 34,
    parameter int OUT_BITS = 32,
    localparam int E = $clog2(BANKS * DEPTH),
    localparam int PARTS = ATOMIC_C / ATOM, // atoms of an entry
    localparam int P = $clog2(BANKS * DEPTH * PARTS),
    localparam int SUM_BITS = 16 + $clog2(ATOMIC_C)
) (
    input  logic                             clk,
    input  logic                             rst,
    // op-enable of CSC and CACC
    input  logic                             enable,
    input  logic [$bits(launch_t)-1:0]       registers,         // a launch_t
    input  logic [4:0]                       truncate,          // CACC's
    output logic                             csc_room,
    output logic                             cacc_room,
    // CDMA
    input  logic [1:0]                       write,             // data, weights
    input  logic [1:0][P-1:0]                write_entry,       // atoms, counted from the first of CBUF
    input  logic [1:0][8*ATOM-1:0]           write_data,
    input  logic [13:0]                      lines_update,
    input  logic                             kernels_update,
    input  logic                             cdma_pends,
    output logic                             pends,
    output logic                             agreed,
    output logic                             release_weights,
    output logic [15:0]                      release_weight_entries,
    output logic                             release_data,
    output logic [15:0]                      release_data_entries,
    // SDP
    output logic                             sdp_valid,
    output logic                             sdp_first,
    input  logic                             sdp_ready,
    output logic [SDP_ELEMENTS*OUT_BITS-1:0] sdp_data,
    // what the summary reports
    output logic                             begins,
    output logic                             pop,
    output logic                             csc_done,
    output logic                             cacc_done,
    output logic [6:0]                       credits,
    output logic                             mac_weights,       // a kernel arrives at the MACs
    output logic                             mac_data,          // a pixel does
    output logic [31:0]                      data_waits,        // cycles of the launch in work
    output logic [31:0]                      weight_waits,
    output logic [31:0]                      output_waits
);

  localparam int POP_TO_MAC = 24;
  localparam int MAC_TO_CACC_OUT = 15;
  localparam int WIRES = 3;                 // registers on the way to the MACs
  localparam int MAC_CYCLES = 3;

  launch_t launch;
  logic load, credit, data_agreed, drops_data, rewinds_weights;
  logic [13:0] dropped_lines;
  load_t load_info;
  package_t pop_info;
  csc #(.ATOMIC_C(ATOMIC_C), .ATOMIC_K(ATOMIC_K)) sequencer (
      .clk, .rst, .enable, .registers, .room(csc_room), .lines_update, .kernels_update, .cdma_pends, .pends,
      .agreed, .data_agreed, .release_weights, .release_weight_entries, .release_data, .release_data_entries,
      .credit, .credits, .launch, .load, .load_info, .pop, .pop_info, .drops_data, .dropped_lines,
      .rewinds_weights, .begins, .done(csc_done),
      .data_waits, .weight_waits, .output_waits
  );

  logic [1:0][E-1:0] data_entry, weight_entry;
  logic [1:0][8*ATOMIC_C-1:0] data_read, weights_read;
  cbuf #(.BITS(8 * ATOMIC_C), .ENTRIES(BANKS * DEPTH), .PARTS(PARTS)) memory (
      .clk, .write, .write_part(write_entry), .write_data, .data_entry, .data(data_read), .weight_entry,
      .weights(weights_read)
  );

  typedef struct packed {
    logic valid, opens, first, last, end_launch;
    logic [8*ATOMIC_C-1:0] data;
  } pixel_t;
  typedef struct packed {
    logic valid;
    logic [6:0] kernel;
    logic [8*ATOMIC_C-1:0] weights;
  } kernel_t;
  pixel_t pixel_read, pixel;
  kernel_t kernel_read, kernel;

  csc_data #(
      .ATOMIC_C(ATOMIC_C), .ATOM(ATOM), .DEPTH(DEPTH), .ENTRY_BITS(E), .CYCLES(POP_TO_MAC - WIRES)
  ) data_path (
      .clk, .rst, .launch, .restart(data_agreed), .drops(drops_data), .dropped_lines, .pop, .pop_info,
      .read_entry(data_entry),
      .read_data(data_read), .valid(pixel_read.valid), .opens(pixel_read.opens), .first(pixel_read.first),
      .last(pixel_read.last), .end_launch(pixel_read.end_launch), .data(pixel_read.data)
  );
  csc_weights #(
      .ATOMIC_C(ATOMIC_C), .DEPTH(DEPTH), .ENTRY_BITS(E), .CYCLES(POP_TO_MAC - WIRES)
  ) weight_path (
      .clk, .rst, .launch, .restart(agreed), .begins, .rewinds(rewinds_weights), .load, .load_info,
      .read_entry(weight_entry),
      .read_data(weights_read), .valid(kernel_read.valid), .kernel(kernel_read.kernel),
      .weights(kernel_read.weights)
  );
  delay #(.CYCLES(WIRES), .BITS($bits(pixel_t))) pixel_wires (.clk, .rst, .in(pixel_read), .out(pixel));
  delay #(.CYCLES(WIRES), .BITS($bits(kernel_t))) kernel_wires (.clk, .rst, .in(kernel_read), .out(kernel));
  assign mac_data = pixel.valid;
  assign mac_weights = kernel.valid;

  logic sums_valid, opens, first, last, end_launch;
  logic [ATOMIC_K-1:0][SUM_BITS-1:0] sums;
  cmac #(.ATOMIC_C(ATOMIC_C), .ATOMIC_K(ATOMIC_K)) array (
      .clk, .rst, .weights_valid(kernel.valid), .kernel(kernel.kernel), .weights(kernel.weights),
      .valid(pixel.valid), .opens(pixel.opens), .data(pixel.data), .sums_valid, .sums
  );
  delay #(.CYCLES(MAC_CYCLES), .BITS(4)) around_the_array (
      .clk, .rst, .in({pixel.opens, pixel.first, pixel.last, pixel.end_launch}),
      .out({opens, first, last, end_launch})
  );

  cacc #(
      .ATOMIC_K(ATOMIC_K), .SDP_ELEMENTS(SDP_ELEMENTS), .SUM_BITS(SUM_BITS), .ACC_BITS(ACC_BITS),
      .OUT_BITS(OUT_BITS), .SHOW(MAC_TO_CACC_OUT - MAC_CYCLES)
  ) accumulator (
      .clk, .rst, .enable, .registers(truncate), .room(cacc_room), .valid(sums_valid), .opens, .first, .last,
      .end_launch, .sums, .credit, .sdp_valid, .sdp_first, .sdp_ready, .sdp_data, .done(cacc_done)
  );

endmodule
