// Two register groups: launches in the order in which they were enabled. The first in line is there in the cycle of
// its enable; it keeps its group until `frees`.

module register_groups #(
    parameter int BITS = 8  // of a launch
) (
    input  logic            clk,
    input  logic            rst,
    input  logic            enable,
    input  logic [BITS-1:0] registers,
    input  logic            frees,    // the launch in front is over; there is one in a group
    output logic            room,     // a group is free
    output logic            waits,    // there is a launch, perhaps of this very cycle
    output logic [BITS-1:0] first
);

  logic [BITS-1:0] groups[2];
  logic head;
  logic [1:0] count;

  wire enabled = enable && room;
  assign room = count < 2;
  assign waits = count != 0 || enabled;
  assign first = (count == 0) ? registers : groups[head];

  always_ff @(posedge clk) begin
    if (rst) begin
      head <= 1'b0;
      count <= '0;
    end else begin
      if (enabled) groups[head ^ count[0]] <= registers;
      count <= count + 2'(enabled) - 2'(frees);
      if (frees) head <= !head;
    end
  end

`ifdef FORMAL
  `include "register_groups_properties.svh"
`endif

endmodule
