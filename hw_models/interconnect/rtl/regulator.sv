// Bandwidth regulators of several masters: the twin of hw_models/interconnect/regulator.py, cycle by cycle.
//
// In each cycle one master may ask for `size` bytes; `may_pass` says whether its budget of the period allows
// them, and with `take` they are spent. With `reclaim` the budgets that the last period left unused form a
// pool for those that have used up their share.

module regulator #(
    parameter int UNITS = 3,
    parameter int B = 16,  // bits of a number of bytes
    localparam int U = $clog2(UNITS)
) (
    input  logic                    clk,
    input  logic                    rst,
    input  logic                    reclaim,
    input  logic [15:0]             period,   // cycles
    input  logic [UNITS-1:0][B-1:0] budgets,  // bytes a period
    input  logic [U-1:0]            unit,
    input  logic [B-1:0]            size,
    input  logic                    take,
    output logic                    may_pass
);

  logic [15:0] cycle;                  // within the period
  logic [UNITS-1:0][B-1:0] used, share; // share: what is kept of the own budget
  logic [B-1:0] pool;

  // bytes that have to come from the pool
  logic [B:0] after, beyond;
  logic [B-1:0] drawn;
  always_comb begin
    after = {1'b0, used[unit]} + {1'b0, size};
    beyond = (after > {1'b0, share[unit]}) ? after - {1'b0, share[unit]} : '0;
    drawn = (beyond < {1'b0, size}) ? B'(beyond) : size;
    may_pass = reclaim ? drawn <= pool : after <= {1'b0, budgets[unit]};
  end

  wire last = cycle + 16'd1 == period;
  wire spend = take && may_pass;

  logic [UNITS-1:0][B-1:0] used_next, share_next;
  logic [B-1:0] pool_next;
  always_comb begin
    used_next = used;
    if (spend) used_next[unit] = B'(after);
    pool_next = '0;
    for (int u = 0; u < UNITS; u++) begin
      share_next[u] = (used_next[u] < budgets[u]) ? used_next[u] : budgets[u];
      pool_next = pool_next + budgets[u] - share_next[u];
    end
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      cycle <= '0;
      used <= '0;
      share <= budgets;
      pool <= '0;
    end else if (last) begin
      cycle <= '0;
      used <= '0;
      share <= share_next;
      pool <= pool_next;
    end else begin
      cycle <= cycle + 16'd1;
      used <= used_next;
      if (spend && reclaim) pool <= pool - drawn;
    end
  end

`ifdef FORMAL
  `include "regulator_properties.svh"
`endif

endmodule
