// What is proven of the register groups: included by register_groups.sv, under FORMAL.
//
// Beside them stands the plainest queue: launches move up when the first is over.

logic began = 1'b0;  // the first cycle is a reset
logic [BITS-1:0] oldest, second;
logic [7:0] taken, over;  // launches so far

always_ff @(posedge clk) begin
  began <= 1'b1;
  if (rst) begin
    taken <= '0;
    over <= '0;
  end else begin
    taken <= taken + 8'(enabled);
    over <= over + 8'(frees);
    if (enabled && (count == 0 || (count == 1 && frees))) oldest <= registers;
    else if (frees) oldest <= second;
    if (enabled && count == 1 && !frees) second <= registers;
  end
end

always_comb begin
  assume (rst == !began);
  if (began) begin
    assume (!frees || count != 0);

    a_occupancy: assert (8'(count) == taken - over && count <= 2);
    a_none_is_lost: assert (!enable || room || count == 2);
    a_waits: assert (waits == (count != 0 || enable));
    a_comes_at_once: assert (count != 0 || first == registers);
    a_order: assert (count == 0 || first == oldest);
    a_order_of_second: assert (count != 2 || groups[!head] == second);
  end
end
