// Registers of SDP, and the arithmetic of its sub-units.

package sdp_types;

  import post_types::*;

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

  typedef struct packed {          // how a unit's operand lies in memory
    logic               on;
    logic               per_kernel;
    logic               both;      // operands, ALU's first
    logic               wide;      // two bytes each
  } operand_t;

  typedef struct packed {          // what a reader fetches for a launch
    logic               on;
    logic               per_kernel;
    logic [2:0]         atoms;     // for one atom of the cube, or one of a kernel
    logic [3:0]         ahead;     // cycles behind the join at which it is there
    logic [13:0]        lines;     // a surface
    logic [13:0]        surfaces;
    logic [15:0]        line_atoms;
    logic [31:0]        address;
    logic [31:0]        line_stride;
    logic [31:0]        surface_stride;
  } sdp_reader_t;

  typedef struct packed {          // of one launch
    logic               flying;    // pixels from CACC, else from memory
    logic               to_pdp;    // atoms go to PDP, else to memory
    operand_t           from_x1;   // memory
    operand_t           from_x2;
    operand_t           from_y;
    x_unit_t            x1;
    x_unit_t            x2;
    y_unit_t            y;
    logic signed [31:0] offset;    // output converter
    logic signed [15:0] scale;
    logic [5:0]         shift;
    logic [13:0]        width;
    logic [13:0]        height;
    logic [13:0]        surfaces;  // of one atom of channels
    logic [31:0]        address;
    logic [31:0]        line_stride;
    logic [31:0]        surface_stride;
  } sdp_launch_t;

  // value * 2**shift in 32 bits
  function automatic logic signed [63:0] shift_left(logic signed [31:0] value, logic [5:0] shift);
    if (value == 0) return '0;
    if (shift >= 6'd32) return value[31] ? -64'sh8000_0000 : 64'sh7fff_ffff;
    return saturate(64'(value) <<< shift, 32);
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
