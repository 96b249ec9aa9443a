// A chain of CYCLES registers, of none as well.

module late #(
    parameter int CYCLES = 0,
    parameter int BITS = 1
) (
    /* verilator lint_off UNUSEDSIGNAL */
    input  logic            clk,            // not for none
    input  logic            rst,
    /* verilator lint_on UNUSEDSIGNAL */
    input  logic [BITS-1:0] in,
    output logic [BITS-1:0] out
);

  if (CYCLES == 0) begin : g_none
    assign out = in;
  end else begin : g_some
    delay #(.CYCLES(CYCLES), .BITS(BITS)) registers (.clk, .rst, .in, .out);
  end

endmodule
