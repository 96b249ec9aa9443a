// One element's way through SDP: X1, X2, Y with its tables, output converter. Ten stages.

module sdp_lane
  import post_types::*, sdp_types::*;
(
    input  logic                clk,
    /* verilator lint_off UNUSEDSIGNAL */
    input  sdp_launch_t         launch,     // some of it
    /* verilator lint_on UNUSEDSIGNAL */
    input  lut_t                lut,
    input  logic                write,
    input  logic                write_lo,
    input  logic [8:0]          write_entry,
    input  logic [15:0]         write_data,
    input  logic signed [31:0]  value,
    input  logic [5:0][15:0]    operands,   // from memory: ALU and multiplier of X1, X2, Y
    output logic signed [7:0]   result      // ten cycles later
);

  /* verilator lint_off UNUSEDSIGNAL */  // each takes some of its unit's settings
  function automatic logic signed [63:0] x_alu(
      x_unit_t unit, logic signed [31:0] in, logic signed [15:0] memory);
    logic signed [31:0] operand;
    operand = 32'(unit.alu_memory ? memory : unit.alu_operand);
    if (!unit.on || !unit.alu) return 64'(in);
    return alu((unit.algorithm == EQUAL) ? SUM : unit.algorithm, 64'(in), shift_left(operand, unit.alu_shift));
  endfunction

  function automatic logic signed [31:0] x_mul(
      x_unit_t unit, logic signed [63:0] in, logic signed [15:0] memory);
    logic signed [63:0] product;
    logic signed [31:0] out;
    product = unit.mul ? in * 64'(unit.mul_memory ? memory : unit.mul_operand) : in;
    if (!unit.on) return 32'(in);
    if (unit.mul && unit.prelu && !in[63]) out = 32'(in);
    else out = 32'(saturate(shift_right(product, 10'(unit.mul_shift)), 32));
    return (unit.relu && out[31]) ? '0 : out;
  endfunction
  /* verilator lint_on UNUSEDSIGNAL */

  function automatic logic signed [31:0] y_operand(converter_t converter, logic signed [31:0] in);
    if (!converter.on) return in;
    return 32'(convert(64'(in), converter.offset, converter.scale, converter.shift, 32));
  endfunction

  // operands travel along
  logic [4:0][15:0] late_1;
  logic [3:0][15:0] late_2;
  logic [2:0][15:0] late_3;
  logic signed [31:0] y_alu_operand, y_alu_late, y_mul_operand;

  logic signed [63:0] sum_1, sum_2;
  logic signed [31:0] x1, x2, y_product, y_sum, y_sum_1, y_sum_2, looked_up;
  wire y_unit_t y = launch.y;

  lut tables (
      .clk, .settings(lut), .write, .write_lo, .write_entry, .write_data, .value(y_sum), .result(looked_up)
  );

  wire compares = y.on && y.alu && y.algorithm == EQUAL;
  logic signed [31:0] before_output;
  always_ff @(posedge clk) begin
    sum_1 <= x_alu(launch.x1, value, operands[0]);
    late_1 <= operands[5:1];
    x1 <= x_mul(launch.x1, sum_1, late_1[0]);
    late_2 <= late_1[4:1];
    sum_2 <= x_alu(launch.x2, x1, late_2[0]);
    late_3 <= late_2[3:1];
    x2 <= x_mul(launch.x2, sum_2, late_3[0]);
    y_alu_operand <= y.alu_memory ? y_operand(y.alu_converter, 32'($signed(late_3[1]))) : y.alu_operand;
    y_mul_operand <= y.mul_memory ? y_operand(y.mul_converter, 32'($signed(late_3[2]))) : y.mul_operand;

    if (y.on && y.mul && !(y.prelu && !x2[31])) begin
      y_product <= 32'(saturate(shift_right(64'(x2) * 64'(y_mul_operand), y.mul_shift), 32));
    end else y_product <= x2;
    y_alu_late <= y_alu_operand;
    if (y.on && y.alu) y_sum <= 32'(saturate(alu(y.algorithm, 64'(y_product), 64'(y_alu_late)), 32));
    else y_sum <= y_product;
    {y_sum_1, y_sum_2} <= {y_sum, y_sum_1};
    before_output <= (y.on && y.look_up) ? looked_up : y_sum_2;
    if (compares) result <= 8'(saturate(64'(before_output), 8));
    else begin
      result <= 8'(saturate(convert(64'(before_output), launch.offset, launch.scale, launch.shift, 17), 8));
    end
  end

endmodule
