// What is proven of the arbiter: included by arbiter.sv, under FORMAL.
//
// `watched` is any master. While it asks without winning, `passed` counts the grants of others; as the search
// begins behind the latest winner, each of those comes closer to it (`near`).

logic began = 1'b0;  // the first cycle is a reset
always_ff @(posedge clk) began <= 1'b1;

logic [1:0] kind_before;
logic [UNITS-1:0][7:0] weights_before;
logic [7:0] slot_cycles_before;
logic [S:0] slots_before;
logic [U-1:0] watched;
always_ff @(posedge clk) begin
  kind_before <= kind;
  weights_before <= weights;
  slot_cycles_before <= slot_cycles;
  slots_before <= slots;
  if (!began) watched <= priorities[0][U-1:0];  // any that stands at an input
end

logic [15:0] passed, shares, credits, near;
always_ff @(posedge clk) begin
  if (rst || !wants[watched] || (valid && take && winner == watched)) passed <= '0;
  else if (valid && take) passed <= passed + 16'd1;
end
always_comb begin
  shares = '0;
  credits = '0;
  for (int u = 0; u < UNITS; u++) begin
    if (U'(u) != watched) begin
      shares = shares + 16'(weights[u]);
      credits = credits + 16'(turn.credit[u]);
    end
  end
  near = (turn.last >= watched) ? 16'(turn.last - watched) : 16'(UNITS) + 16'(turn.last) - 16'(watched);
end

always_comb begin
  assume (rst == !began);
  assume (slots != 0 && 32'(slots) <= SLOTS && slot_cycles != 0);
  for (int u = 0; u < UNITS; u++) assume (weights[u] != 0);
  for (int n = 0; n < SLOTS; n++) assume (32'(owners[n]) < UNITS);
  if (began) begin
    assume (kind == kind_before && weights == weights_before && slots == slots_before);
    assume (slot_cycles == slot_cycles_before && 32'(watched) < UNITS);

    a_known_winner: assert (32'(turn.last) < UNITS && 32'(winner) < UNITS);
    a_no_grant_without_request: assert (!valid || wants[winner]);
    a_no_cycle_is_lost: assert (kind == TDM || valid || wants == 0);
    a_highest_priority: assert (!(kind == PRIORITY && valid && wants[watched]) ||
                                priorities[winner] >= priorities[watched]);
    a_slot: assert ({1'b0, slot} < slots && slot_cycle < slot_cycles);
    a_slots_owner: assert (kind != TDM || winner == owners[slot]);
    a_credit: assert (turn.credit[watched] <= weights[watched]);
    a_credit_of_all: assert (credits <= shares);
    a_credit_goes_first: assert (!(kind == WEIGHTED && valid && wants[watched] && turn.credit[watched] != 0) ||
                                 turn.credit[winner] != 0);
    a_round_robin_wait: assert (kind != ROUND_ROBIN || passed <= near);
    a_weighted_wait: assert (kind != WEIGHTED || passed <= shares + near);
    a_wait_without_credit: assert (kind != WEIGHTED || turn.credit[watched] != 0 || passed + credits <= shares);
    a_wait_is_bounded: assert (near < 16'(UNITS));
  end
end
