// One arbiter of the interconnect: the twin of hw_models/interconnect/arbiter.py, cycle by cycle.
//
// `winner` is what `pick` returns for the masters that raise `wants` in this cycle; with `take` the grant is
// used and the state moves on at the clock edge, as `granted` does.

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

  localparam logic [1:0] ROUND_ROBIN = 2'd0, PRIORITY = 2'd1, WEIGHTED = 2'd2, TDM = 2'd3;

  logic [U-1:0] last;                   // the latest winner; the search starts behind it
  logic [UNITS-1:0][7:0] credit;        // grants left in this round
  logic [7:0] slot_cycle;               // cycle within the TDM slot
  logic [S-1:0] slot;

  // masters in the order of the search: turn[0] is the one behind the latest winner
  logic [UNITS-1:0][U-1:0] turn;
  always_comb begin
    for (int k = 0; k < UNITS; k++) begin
      turn[k] = (int'(last) + 1 + k >= UNITS) ? U'(int'(last) + 1 + k - UNITS) : U'(int'(last) + 1 + k);
    end
  end

  // the first that wants, that wants and has credit, and that wants with the highest priority
  logic found, funded;
  logic [U-1:0] first, first_funded, highest;
  always_comb begin
    found = 1'b0;
    funded = 1'b0;
    first = '0;
    first_funded = '0;
    highest = '0;
    for (int k = 0; k < UNITS; k++) begin
      if (wants[turn[k]]) begin
        if (!found) begin
          first = turn[k];
          highest = turn[k];
        end else if (priorities[turn[k]] > priorities[highest]) begin
          highest = turn[k];
        end
        found = 1'b1;
        if (!funded && credit[turn[k]] != 0) begin
          funded = 1'b1;
          first_funded = turn[k];
        end
      end
    end
  end

  always_comb begin
    valid = found;
    unique case (kind)
      ROUND_ROBIN: winner = first;
      PRIORITY:    winner = highest;
      WEIGHTED:    winner = funded ? first_funded : first;
      TDM: begin
        winner = owners[slot];
        valid  = wants[owners[slot]];
      end
    endcase
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      last <= U'(UNITS - 1);
      credit <= weights;
      slot_cycle <= '0;
      slot <= '0;
    end else begin
      if (slot_cycle + 8'd1 == slot_cycles) begin
        slot_cycle <= '0;
        slot <= ({1'b0, slot} + (S + 1)'(1) == slots) ? '0 : slot + S'(1);
      end else begin
        slot_cycle <= slot_cycle + 8'd1;
      end
      if (valid && take) begin
        last <= winner;
        if (kind == WEIGHTED) begin
          if (credit[winner] == 0) begin  // nobody who wants has credit: a new round
            credit <= weights;
            credit[winner] <= weights[winner] - 8'd1;
          end else begin
            credit[winner] <= credit[winner] - 8'd1;
          end
        end
      end
    end
  end

endmodule
