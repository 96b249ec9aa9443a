// CDMA behind its memory interface: data and weights from memory into the convolution buffer, handed to CSC.
//
// The twin of hw_models/nvdla/cdma.py, cdma_data.py, cdma_weights.py and mcif.py in every cycle and of values/core.py
// and pixels.py in every bit, for direct convolution of features and images in INT8. Atoms of CBUF are counted,
// data banks come first. Another client shares the port; its data are somebody else's.

module cdma
  import cdma_types::*;
#(
    parameter int ATOM = 8,                 // bytes, and kernels at work at once
    parameter int PARTS = 1,                // atoms of an entry of CBUF, one or two
    parameter int BANKS = 32,
    parameter int DEPTH = 512,              // entries of a bank, a power of two
    localparam int E = $clog2(BANKS * DEPTH * PARTS),
    localparam int A = 32 - $clog2(ATOM)
) (
    input  logic                              clk,
    input  logic                              rst,
    // op-enable
    input  logic                              enable,
    input  logic [$bits(cdma_launch_t)-1:0]   registers,      // a cdma_launch_t
    output logic                              room,
    // settings of the memory interface
    input  logic [2:0]                        burst_shift,
    input  logic [9:0]                        outstanding,
    input  logic [7:0]                        out_limit,
    // requests of another client
    input  logic                              other_valid,
    output logic                              other_ready,
    input  logic [A-1:0]                      other_address,
    input  logic [4:0]                        other_beats,
    // the bus: bursts, and their beats
    output logic                              read_valid,
    input  logic                              read_ready,
    output logic [1:0]                        read_client,
    output logic [A-1:0]                      read_address,
    output logic [4:0]                        read_beats,
    input  logic                              beat_valid,
    output logic                              beat_ready,
    input  logic [1:0]                        beat_client,
    input  logic [8*ATOM-1:0]                 beat_data,
    // CSC
    output logic                              pends,
    output logic                              asks,           // it waits for a new split, or does from the next cycle on
    input  logic                              agreed,
    output logic [13:0]                       lines_update,
    output logic                              kernels_update,
    input  logic                              release_data,
    input  logic [15:0]                       release_data_entries,
    input  logic                              release_weights,
    input  logic [15:0]                       release_weight_entries,
    // CBUF
    output logic                              data_write,
    output logic [E-1:0]                      data_entry,
    output logic [8*ATOM-1:0]                 data,
    output logic                              weight_write,
    output logic [E-1:0]                      weight_entry,
    output logic [8*ATOM-1:0]                 weights,
    // what the summary reports
    output logic                              data_done,
    output logic                              weights_done
);

  localparam int OTHER = 0, DATA = 1, WEIGHT = 2, CLIENTS = 3;
  localparam int HAND_OVER_EARLY = 9;       // the next launch is as if enabled so long before this one's end
  localparam int SPARE = REQUEST_ATOMS / PARTS;  // weights that may wait for room, atoms

  logic [T-1:0] now;

  // register groups: a launch keeps the cycle of its op-enable
  typedef struct packed {
    logic [T-1:0] enabled;
    cdma_launch_t launch;
  } group_t;
  group_t first;
  logic waits, ends;
  register_groups #(.BITS($bits(group_t))) register_groups (
      .clk, .rst, .enable, .registers({now, registers}), .frees(ends), .room, .waits, .first
  );
  logic [T-1:0] ready_at;
  wire [T-1:0] begin_at = later(first.enabled, ready_at);
  logic data_over, weights_over;
  logic [T-1:0] data_done_at, weights_done_at;
  assign ends = data_over && weights_over;

  // requests
  logic [CLIENTS-1:0] req_valid, req_ready;
  logic [CLIENTS-1:0][A-1:0] req_address;
  logic [CLIENTS-1:0][4:0] req_beats;
  logic [CLIENTS-1:0][D-1:0] req_delay;
  logic [3:0] data_atoms, weight_atoms;
  assign req_valid[OTHER] = other_valid;
  assign req_address[OTHER] = other_address;
  assign req_beats = {5'(weight_atoms), 5'(data_atoms), other_beats};
  assign req_delay[OTHER] = '0;
  assign other_ready = req_ready[OTHER];

  logic data_ready;
  assign beat_ready = beat_client != 2'(DATA) || data_ready;
  wire beat = beat_valid && beat_ready;

  // writes are others': that half of the interface rests
  /* verilator lint_off UNUSEDSIGNAL */
  logic [1:0] out_valid;
  logic [1:0][1:0] out_client;
  logic [1:0][A-1:0] out_address;
  logic [1:0][4:0] out_beats;
  logic [1:0][CLIENTS-1:0] ready;
  logic [1:0][CLIENTS-1:0][23:0] bursts, beats;
  logic [9:0] most_in_flight;
  /* verilator lint_on UNUSEDSIGNAL */
  assign req_ready = ready[0];
  assign read_valid = out_valid[0];
  assign read_client = out_client[0];
  assign read_address = out_address[0];
  assign read_beats = out_beats[0];
  mcif #(.CLIENTS(CLIENTS), .A(A), .D(D)) interface_ (
      .clk, .rst, .burst_shift, .outstanding({10'd0, outstanding}), .out_limit, .has_credits('0), .credits('0),
      .req_valid({{CLIENTS{1'b0}}, req_valid}), .req_ready(ready), .req_address({{CLIENTS * A{1'b0}}, req_address}),
      .req_beats({{CLIENTS * 5{1'b0}}, req_beats}), .req_delay({{CLIENTS * D{1'b0}}, req_delay}), .out_valid,
      .out_ready({1'b0, read_ready}), .out_client, .out_address, .out_beats, .returned(beat), .passed_on('0),
      .acknowledged('0), .bursts, .beats, .most_in_flight
  );

  logic weights_pend, data_pends;
  assign pends = weights_pend || data_pends;
  cdma_data #(.ATOM(ATOM), .PARTS(PARTS), .DEPTH(DEPTH), .ENTRY_BITS(E)) data_side (
      .clk, .rst, .now, .waits, .first(first.launch), .begin_at, .ends, .over(data_over), .done_at(data_done_at),
      .req_valid(req_valid[DATA]), .req_ready(req_ready[DATA]), .req_address(req_address[DATA]),
      .req_atoms(data_atoms), .req_delay(req_delay[DATA]), .beat_valid(beat_valid && beat_client == 2'(DATA)),
      .beat_ready(data_ready), .beat_data, .agreed, .pends(data_pends), .lines_update,
      .release_valid(release_data), .release_entries(release_data_entries), .write(data_write),
      .write_entry(data_entry), .write_data(data), .done(data_done)
  );
  cdma_weights #(
      .ATOM(ATOM), .ATOMIC_K(ATOM), .PARTS(PARTS), .DEPTH(DEPTH), .SPARE(SPARE), .ENTRY_BITS(E)
  ) weight_side (
      .clk, .rst, .now, .waits, .first(first.launch), .begin_at, .ends, .over(weights_over),
      .done_at(weights_done_at), .req_valid(req_valid[WEIGHT]), .req_ready(req_ready[WEIGHT]),
      .req_address(req_address[WEIGHT]), .req_atoms(weight_atoms), .req_delay(req_delay[WEIGHT]),
      .beat_valid(beat && beat_client == 2'(WEIGHT)), .beat_data, .agreed, .pends(weights_pend), .asks, .kernels_update,
      .release_valid(release_weights), .release_entries(release_weight_entries), .write(weight_write),
      .write_entry(weight_entry), .write_data(weights), .done(weights_done)
  );

  always_ff @(posedge clk) begin
    if (rst) begin
      now <= '0;
      ready_at <= '0;
    end else begin
      now <= now + T'(1);
      if (ends) ready_at <= later(data_done_at, weights_done_at) - T'(HAND_OVER_EARLY);
    end
  end

endmodule
