// A chain of CYCLES registers.

module delay #(
    parameter int CYCLES = 1,
    parameter int BITS = 1
) (
    input  logic            clk,
    input  logic            rst,
    input  logic [BITS-1:0] in,
    output logic [BITS-1:0] out
);

  logic [CYCLES-1:0][BITS-1:0] chain;
  assign out = chain[CYCLES-1];

  always_ff @(posedge clk) begin
    if (rst) chain <= '0;
    else begin
      chain[0] <= in;
      for (int i = 1; i < CYCLES; i++) chain[i] <= chain[i-1];
    end
  end

endmodule
