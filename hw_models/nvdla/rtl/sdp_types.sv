// Registers of SDP, and the arithmetic that its sub-units share.

package sdp_types;

  typedef enum logic [1:0] {MAX, MIN, SUM, EQUAL} algorithm_t;

  typedef struct packed {          // X1 or X2
    logic              on;
    logic              alu;        // works
    logic [1:0]        algorithm;
    logic              alu_memory; // operand from memory, else from the register
    logic [5:0]        alu_shift;  // of the operand, to the left
    logic signed [15:0] alu_operand;
    logic              mul;
    logic              mul_memory;
    logic [5:0]        mul_shift;  // of the product, to the right
    logic signed [15:0] mul_operand;
    logic              prelu;      // positive values pass the multiplier
    logic              relu;
  } x_unit_t;

  typedef struct packed {
    logic               on;
    logic signed [31:0] offset;
    logic signed [15:0] scale;
    logic [5:0]         shift;
  } converter_t;

  typedef struct packed {
    logic               on;
    logic               alu;
    logic [1:0]         algorithm;
    logic               alu_memory;
    logic signed [31:0] alu_operand;
    converter_t         alu_converter;
    logic               mul;
    logic               mul_memory;
    logic signed [31:0] mul_operand;
    converter_t         mul_converter;
    logic [9:0]         mul_shift;
    logic               prelu;
    logic               look_up;
  } y_unit_t;

  typedef struct packed {          // of one launch
    x_unit_t            x1;
    x_unit_t            x2;
    y_unit_t            y;
    logic signed [31:0] offset;    // output converter
    logic signed [15:0] scale;
    logic [5:0]         shift;
    logic [12:0]        width;
    logic [12:0]        height;
    logic [12:0]        surfaces;  // of one atom of channels
    logic [31:0]        address;
    logic [31:0]        line_stride;
    logic [31:0]        surface_stride;
  } sdp_launch_t;

  typedef struct packed {          // one look-up table
    logic signed [31:0] start;
    logic signed [31:0] finish;
    logic signed [7:0]  select;    // linear: an entry every 2**select
    logic signed [15:0] below_scale;
    logic signed [4:0]  below_shift;
    logic signed [15:0] above_scale;
    logic signed [4:0]  above_shift;
  } table_t;

  typedef struct packed {
    logic              exponential; // LE: entry i begins 2**(i + offset) behind the start
    logic signed [7:0] offset;
    logic              below_lo;    // LO gives the result when both tables are missed below
    logic              above_lo;
    logic              hybrid_lo;   // when both are hit, or missed at different ends
    table_t            le;
    table_t            lo;
  } lut_t;

  function automatic logic signed [63:0] saturate(logic signed [63:0] value, int bits);
    logic signed [63:0] most;
    most = (64'sd1 <<< (bits - 1)) - 64'sd1;
    if (value > most) return most;
    if (value < -most - 64'sd1) return -most - 64'sd1;
    return value;
  endfunction

  // value / 2**shift, rounded half away from zero
  function automatic logic signed [63:0] shift_right(logic signed [63:0] value, logic [9:0] shift);
    logic [63:0] size, half;
    if (shift == 0) return value;
    if (shift >= 10'd63) return '0;
    size = value[63] ? -value : value;
    half = ((size >> (shift - 10'd1)) + 64'd1) >> 1;
    return value[63] ? -half : half;
  endfunction

  // value * 2**shift in 32 bits
  function automatic logic signed [63:0] shift_left(logic signed [31:0] value, logic [5:0] shift);
    if (value == 0) return '0;
    if (shift >= 6'd32) return value[31] ? -64'sh8000_0000 : 64'sh7fff_ffff;
    return saturate(64'(value) <<< shift, 32);
  endfunction

  function automatic logic signed [63:0] convert(
      logic signed [63:0] value, logic signed [31:0] offset, logic signed [15:0] scale, logic [5:0] shift,
      int bits);
    return saturate(shift_right((value - 64'(offset)) * 64'(scale), 10'(shift)), bits);
  endfunction

  function automatic logic signed [63:0] alu(
      logic [1:0] algorithm, logic signed [63:0] value, logic signed [63:0] operand);
    case (algorithm)
      MAX: return (value > operand) ? value : operand;
      MIN: return (value < operand) ? value : operand;
      SUM: return value + operand;
      default: return 64'(value != operand);
    endcase
  endfunction

endpackage
