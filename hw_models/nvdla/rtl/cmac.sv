// The MAC array: ATOMIC_K cells of ATOMIC_C INT8 multipliers, their products added up exactly.
//
// Kernels arrive in shadow registers, one a cycle; with the first pixel of a package they come into force.

module cmac #(
    parameter int ATOMIC_C = 8,
    parameter int ATOMIC_K = 8,
    localparam int SUM_BITS = 16 + $clog2(ATOMIC_C)
) (
    input  logic                              clk,
    input  logic                              rst,
    input  logic                              weights_valid,
    input  logic [6:0]                        kernel,
    input  logic [8*ATOMIC_C-1:0]             weights,
    input  logic                              valid,
    input  logic                              opens,
    input  logic [8*ATOMIC_C-1:0]             data,
    output logic                              sums_valid,  // three cycles later
    output logic [ATOMIC_K-1:0][SUM_BITS-1:0] sums
);

  logic [ATOMIC_K-1:0][8*ATOMIC_C-1:0] shadow, active;
  logic [8*ATOMIC_C-1:0] data_1;
  logic [ATOMIC_K-1:0][ATOMIC_C-1:0][15:0] products;
  logic valid_1, valid_2;

  function automatic logic [SUM_BITS-1:0] total(logic [ATOMIC_C-1:0][15:0] terms);
    total = '0;
    for (int c = 0; c < ATOMIC_C; c++) total = total + SUM_BITS'($signed(terms[c]));
  endfunction

  always_ff @(posedge clk) begin
    if (rst) begin
      {valid_1, valid_2, sums_valid} <= '0;
      {shadow, active} <= '0;
    end else begin
      if (weights_valid) begin  // the first kernel clears the cells that may get none
        if (kernel == 0) shadow <= '0;
        shadow[kernel[$clog2(ATOMIC_K)-1:0]] <= weights;
      end
      if (valid && opens) active <= shadow;
      {valid_1, valid_2, sums_valid} <= {valid, valid_1, valid_2};
    end
    data_1 <= data;
    for (int k = 0; k < ATOMIC_K; k++) begin
      for (int c = 0; c < ATOMIC_C; c++) begin
        products[k][c] <= $signed(active[k][8*c+:8]) * $signed(data_1[8*c+:8]);
      end
      sums[k] <= total(products[k]);
    end
  end

endmodule
