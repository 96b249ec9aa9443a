// The memory interface's way out for the writes of one unit: a burst takes the channel for its beats, stays on the bus
// until memory takes it, and leaves the unit only where beats in flight are below their limit.
//
// The twin of the write half of hw_models/nvdla/mcif.py where one client writes; a beat is an atom.

module write_port #(
    parameter int BURST = 1,                // longest burst, beats
    parameter int BITS = 64,                // of a beat
    parameter int PLACES = 256              // bursts in flight, a power of two
) (
    input  logic                       clk,
    input  logic                       rst,
    input  logic [9:0]                 outstanding,   // most beats in flight
    // the unit
    input  logic                       unit_valid,
    output logic                       unit_ready,
    input  logic [31:0]                unit_address,
    input  logic [3:0]                 unit_beats,
    input  logic [BURST-1:0][BITS-1:0] unit_data,
    // the bus
    output logic                       write_valid,
    input  logic                       write_ready,
    output logic [31:0]                write_address,
    output logic [3:0]                 write_beats,
    output logic [BURST-1:0][BITS-1:0] write_data,
    input  logic                       acknowledge    // of the oldest burst
);

  localparam int SEEN = 3;                  // cycles until an acknowledgement makes room for a burst
  localparam int P = $clog2(PLACES);

  typedef struct packed {
    logic [31:0]                address;
    logic [3:0]                 beats;
    logic [BURST-1:0][BITS-1:0] data;
  } burst_t;

  logic holds;                              // memory has not taken the last one
  burst_t held;
  wire burst_t shown = holds ? held : burst_t'({unit_address, unit_beats, unit_data});
  logic [3:0] busy;                         // cycles for which the channel is not free
  logic [9:0] in_flight;
  logic [3:0] sizes[PLACES];                // of bursts in flight
  logic [P-1:0] first, next;
  logic [3:0] seen;
  delay #(.CYCLES(SEEN), .BITS(4)) to_seen (.clk, .rst, .in(acknowledge ? sizes[first] : 4'd0), .out(seen));
  wire [9:0] left = in_flight - 10'(seen);
  assign unit_ready = !holds && busy == 0 && left + 10'(unit_beats) <= outstanding;
  wire sends = unit_valid && unit_ready;
  assign write_valid = holds || sends;
  assign {write_address, write_beats, write_data} = shown;

  always_ff @(posedge clk) begin
    if (rst) {holds, busy, in_flight, first, next} <= '0;
    else begin
      holds <= write_valid && !write_ready;
      if (sends) busy <= unit_beats - 4'd1;
      else if (busy != 0) busy <= busy - 4'd1;
      in_flight <= left + (sends ? 10'(unit_beats) : 10'd0);
      if (sends) next <= next + 1'b1;
      if (acknowledge) first <= first + 1'b1;
    end
    held <= shown;
    if (sends) sizes[next] <= unit_beats;
  end

endmodule
