// What SDP and CDP share: settings of the look-up tables, and arithmetic.

package post_types;

  typedef struct packed {          // one look-up table
    logic signed [37:0] start;
    logic signed [37:0] finish;
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
    if (shift > 10'd63) return '0;
    size = value[63] ? -value : value;
    half = ((size >> (shift - 10'd1)) + 64'd1) >> 1;
    return value[63] ? -half : half;
  endfunction

  function automatic logic signed [63:0] convert(
      logic signed [63:0] value, logic signed [31:0] offset, logic signed [15:0] scale, logic [5:0] shift,
      int bits);
    return saturate(shift_right((value - 64'(offset)) * 64'(scale), 10'(shift)), bits);
  endfunction

endpackage
