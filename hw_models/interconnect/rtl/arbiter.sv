// One arbiter of the interconnect, cycle by cycle.
//
// `winner` is who wins this cycle among the masters that raise `wants`; with `take` the grant is used and the
// turn passes on at the clock edge.

module arbiter #(
    parameter int UNITS = 6,
    parameter int SLOTS = 8,  // most slots of a TDM frame
    localparam int U = $clog2(UNITS),
    localparam int S = $clog2(SLOTS)
) (
    input  logic                   clk,
    input  logic                   rst,
    input  logic [1:0]             kind,         // 0 round robin, 1 priority, 2 weighted, 3 TDM
    input  logic [UNITS-1:0][7:0]  priorities,
    input  logic [UNITS-1:0][7:0]  weights,
    input  logic [7:0]             slot_cycles,
    input  logic [S:0]             slots,
    input  logic [SLOTS-1:0][U-1:0] owners,
    input  logic [UNITS-1:0]       wants,
    input  logic                   take,
    output logic                   valid,
    output logic [U-1:0]           winner
);

  `include "arbitration.svh"

  turn_t turn;
  logic [7:0] slot_cycle;  // cycle within the TDM slot
  logic [S-1:0] slot;

  assign {valid, winner} = pick(kind, turn, wants, priorities, owners[slot]);

  always_ff @(posedge clk) begin
    if (rst) begin
      turn <= '{last: U'(UNITS - 1), credit: weights};
      slot_cycle <= '0;
      slot <= '0;
    end else begin
      if (slot_cycle + 8'd1 == slot_cycles) begin
        slot_cycle <= '0;
        slot <= ({1'b0, slot} + (S + 1)'(1) == slots) ? '0 : slot + S'(1);
      end else begin
        slot_cycle <= slot_cycle + 8'd1;
      end
      if (valid && take) turn <= granted(kind, turn, winner, weights);
    end
  end

`ifdef FORMAL
  `include "arbiter_properties.svh"
`endif

endmodule
