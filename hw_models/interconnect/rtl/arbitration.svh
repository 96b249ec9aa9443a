// Who gets a bus: the twin of hw_models/interconnect/arbiter.py. Included by modules with UNITS and
// U = $clog2(UNITS).

localparam logic [1:0] ROUND_ROBIN = 2'd0, PRIORITY = 2'd1, WEIGHTED = 2'd2, TDM = 2'd3;

typedef struct packed {
  logic [U-1:0] last;               // the latest winner; the search starts behind it
  logic [UNITS-1:0][7:0] credit;    // grants left in this round
} turn_t;

// {someone wins, who}; `owner` has the slot of a TDM frame
function automatic logic [U:0] pick(
    logic [1:0] rule, turn_t turn, logic [UNITS-1:0] asking, logic [UNITS-1:0][7:0] ranks, logic [U-1:0] owner
);
  logic [U-1:0] unit, first, first_funded, highest;
  logic found, funded;
  found = 1'b0;
  funded = 1'b0;
  first = '0;
  first_funded = '0;
  highest = '0;
  unit = turn.last;
  for (int k = 0; k < UNITS; k++) begin
    unit = (unit == U'(UNITS - 1)) ? '0 : unit + U'(1);
    if (asking[unit]) begin
      if (!found) begin
        first = unit;
        highest = unit;
      end else if (ranks[unit] > ranks[highest]) begin
        highest = unit;
      end
      found = 1'b1;
      if (!funded && turn.credit[unit] != 0) begin
        funded = 1'b1;
        first_funded = unit;
      end
    end
  end
  unique case (rule)
    ROUND_ROBIN: return {found, first};
    PRIORITY:    return {found, highest};
    WEIGHTED:    return {found, funded ? first_funded : first};
    TDM:         return {asking[owner], owner};
  endcase
endfunction

// the turn after a grant
function automatic turn_t granted(
    logic [1:0] rule, turn_t turn, logic [U-1:0] unit, logic [UNITS-1:0][7:0] shares
);
  granted = turn;
  granted.last = unit;
  if (rule == WEIGHTED) begin
    if (turn.credit[unit] == 0) granted.credit = shares;  // nobody who asks has credit: a new round
    granted.credit[unit] = granted.credit[unit] - 8'd1;
  end
endfunction
