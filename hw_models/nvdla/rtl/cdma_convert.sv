// CDMA's converter: each element less an offset, times a scale, shifted to 8 bits.

module cdma_convert
  import post_types::convert;
#(
    parameter int ELEMENTS = 8
) (
    input  logic                      on,
    input  logic                      is_signed,
    input  logic [ELEMENTS-1:0][15:0] offset,   // signed, as the next
    input  logic signed [15:0]        scale,
    input  logic [5:0]                truncate,
    input  logic [8*ELEMENTS-1:0]     in,
    output logic [8*ELEMENTS-1:0]     out
);

  function automatic logic [7:0] converted(logic [7:0] element, logic signed [15:0] less);
    /* verilator lint_off UNUSEDSIGNAL */
    logic signed [63:0] wide;
    /* verilator lint_on UNUSEDSIGNAL */
    wide = convert(64'($signed({is_signed && element[7], element})), 32'(less), scale, truncate, 8);
    return wide[7:0];
  endfunction

  always_comb begin
    for (int n = 0; n < ELEMENTS; n++) out[8*n+:8] = on ? converted(in[8*n+:8], offset[n]) : in[8*n+:8];
  end

endmodule
