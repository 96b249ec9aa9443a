// When a read DMA of SDP, PDP or CDP begins: cycles since the op-enable of its launch, and since the launch before.

module read_start #(
    parameter int ENABLE_TO_READ = 20,
    parameter int DONE_TO_READ = 20
) (
    input  logic clk,
    input  logic rst,
    input  logic enabled,  // a launch enters a register group
    input  logic ends,     // the first one leaves its own, done in the next cycle
    output logic may_read
);

  logic [1:0] held;
  logic [4:0] age, next_age, since_done;
  function automatic logic [4:0] older(logic [4:0] cycles);
    return (cycles == '1) ? cycles : cycles + 5'd1;
  endfunction
  /* verilator lint_off UNSIGNED */
  assign may_read = age >= 5'(ENABLE_TO_READ) && since_done >= 5'(DONE_TO_READ);  // 0: at once
  /* verilator lint_on UNSIGNED */

  always_ff @(posedge clk) begin
    if (rst) begin
      {held, age, next_age} <= '0;
      since_done <= '1;
    end else begin
      held <= held + 2'(enabled) - 2'(ends);
      next_age <= (enabled && held == 1 && !ends) ? 5'd1 : older(next_age);
      age <= (enabled && held == 2'(ends)) ? 5'd1 : older(ends ? next_age : age);
      since_done <= ends ? '0 : older(since_done);
    end
  end

endmodule
