// What is proven of the regulator: included by regulator.sv, under FORMAL.
//
// `used` counts the bytes that passed since the period began. Beside it stands what each master, and all of
// them, have drawn from the pool since then, and what the pool began with.

logic began = 1'b0;  // the first cycle is a reset
logic reclaim_before;
logic [15:0] period_before;
logic [UNITS-1:0][B-1:0] budgets_before;
logic [15:0] elapsed;  // cycles of the period
logic [B-1:0] pool_at_first, all_drawn;
logic [UNITS-1:0][B-1:0] drawn_by;

always_ff @(posedge clk) begin
  began <= 1'b1;
  reclaim_before <= reclaim;
  period_before <= period;
  budgets_before <= budgets;
  if (rst || elapsed + 16'd1 == period) begin
    elapsed <= '0;
    drawn_by <= '0;
    all_drawn <= '0;
    pool_at_first <= rst ? '0 : pool_next;
  end else begin
    elapsed <= elapsed + 16'd1;
    if (take && may_pass) begin
      drawn_by[unit] <= drawn_by[unit] + drawn;
      all_drawn <= all_drawn + drawn;
    end
  end
end

always_comb begin
  assume (rst == !began);
  assume (period != 0 && 32'(unit) < UNITS);
  if (began) begin
    assume (reclaim == reclaim_before && period == period_before && budgets == budgets_before);

    a_period: assert (cycle < period && cycle == elapsed);
    for (int u = 0; u < UNITS; u++) begin
      assert (share[u] <= budgets[u]);
      assert (reclaim || used[u] <= budgets[u]);  // never over its budget
      assert (!reclaim || (B + 1)'(used[u]) <= (B + 1)'(share[u]) + (B + 1)'(drawn_by[u]));  // nor beyond its share
      assert (!reclaim || drawn_by[u] <= all_drawn);
    end
    a_never_beyond_the_pool: assert (!reclaim || (all_drawn <= pool_at_first && pool == pool_at_first - all_drawn));
    a_share_and_pool_cover_it: assert (!reclaim || !may_pass || (B + 2)'(used[unit]) + (B + 2)'(size) <=
                                       (B + 2)'(share[unit]) + (B + 2)'(drawn_by[unit]) + (B + 2)'(drawn));
    a_refuses_only_what_is_over: assert (
        may_pass || reclaim || (B + 1)'(used[unit]) + (B + 1)'(size) > (B + 1)'(budgets[unit]));
    a_own_share_passes: assert (may_pass || (B + 1)'(used[unit]) + (B + 1)'(size) > (B + 1)'(share[unit]));
  end
end
