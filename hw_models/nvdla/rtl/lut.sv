// Look-up tables of SDP or CDP for one element a cycle: LE of 65 entries (linear or exponential), LO of 257 (linear).
//
// Two stages: where the value lies in both tables; what the table that is chosen makes of it.

module lut
  import post_types::*;
#(
    parameter int BITS = 32,     // of the result; SDP's 32 round the interpolated sum, CDP's 16 the step
    parameter int FRACTION = 35  // places of an entry's fraction
) (
    input  logic               clk,
    input  lut_t               settings,
    input  logic               write,
    input  logic               write_lo,
    input  logic [8:0]         write_entry,
    input  logic [15:0]        write_data,
    input  logic signed [31:0] value,
    output logic signed [BITS-1:0] result   // two cycles later
);

  localparam logic [8:0] LE_LAST = 9'd64, LO_LAST = 9'd256;

  typedef enum logic [1:0] {HIT, BELOW, ABOVE} where_t;
  typedef struct packed {
    where_t where;
    logic [8:0] index;
    logic [FRACTION-1:0] fraction;
  } place_t;

  logic signed [15:0] le_entries[65];
  logic signed [15:0] lo_entries[257];

  function automatic place_t found(logic signed [63:0] index, logic [8:0] last, logic [FRACTION-1:0] fraction);
    if (index < 0) return '{BELOW, 9'd0, '0};
    if (index >= 64'(last)) return '{ABOVE, last, '0};
    return '{HIT, 9'(index), fraction};
  endfunction

  // what lies behind an entry, `power` places of it, as a fraction
  function automatic logic [FRACTION-1:0] fraction_of(logic signed [63:0] behind, logic [5:0] power);
    logic [63:0] rest;
    rest = behind & ~(-64'sd1 <<< power);
    return FRACTION'((power > 6'(FRACTION)) ? rest >> (power - 6'(FRACTION)) : rest << (6'(FRACTION) - power));
  endfunction

  function automatic place_t linear(logic signed [63:0] behind, logic signed [7:0] select, logic [8:0] last);
    logic [5:0] up, down;
    up = 6'(select);
    down = 6'(-select);
    if (behind <= 0) return '{BELOW, 9'd0, '0};
    if (select < 0) return found((behind >>> 16 != 0) ? 64'(last) : behind <<< down, last, '0);
    return found(behind >>> up, last, fraction_of(behind, up));
  endfunction

  function automatic place_t exponential(logic signed [63:0] behind, logic signed [7:0] offset);
    logic [5:0] power;
    power = '0;
    for (int b = 0; b < 40; b++) if (behind[b]) power = 6'(b);
    if (behind <= 0) return '{BELOW, 9'd0, '0};
    return found(64'(power) - 64'(offset), LE_LAST, fraction_of(behind, power));
  endfunction

  // a line through the first or the last entry
  function automatic logic signed [BITS-1:0] beyond(
      logic signed [15:0] entry, logic signed [63:0] distance, logic signed [15:0] scale,
      logic signed [4:0] shift);
    logic signed [63:0] product, step;
    product = distance * 64'(scale);
    if (shift >= 0) step = saturate(shift_right(product, 10'(shift)), 32);
    else step = saturate(saturate(product, 40) <<< 5'(-shift), 32);
    return BITS'(saturate(64'(entry) + step, BITS));
  endfunction

  place_t le, lo, chosen;
  logic use_lo, chosen_lo;
  logic signed [31:0] kept;
  always_comb begin
    le = settings.exponential ? exponential(64'(value) - 64'(settings.le.start), settings.offset)
        : linear(64'(value) - 64'(settings.le.start), settings.le.select, LE_LAST);
    lo = linear(64'(value) - 64'(settings.lo.start), settings.lo.select, LO_LAST);
    if (le.where == BELOW && lo.where == BELOW) use_lo = settings.below_lo;
    else if (le.where == ABOVE && lo.where == ABOVE) use_lo = settings.above_lo;
    else if ((le.where == HIT) != (lo.where == HIT)) use_lo = lo.where == HIT;
    else use_lo = settings.hybrid_lo;
  end

  logic signed [15:0] first, second;
  logic signed [63:0] skipped;
  wire signed [37:0] start = chosen_lo ? settings.lo.start : settings.le.start;
  wire signed [37:0] finish = chosen_lo ? settings.lo.finish : settings.le.finish;
  wire signed [15:0] below_scale = chosen_lo ? settings.lo.below_scale : settings.le.below_scale;
  wire signed [4:0] below_shift = chosen_lo ? settings.lo.below_shift : settings.le.below_shift;
  wire signed [15:0] above_scale = chosen_lo ? settings.lo.above_scale : settings.le.above_scale;
  wire signed [4:0] above_shift = chosen_lo ? settings.lo.above_shift : settings.le.above_shift;
  wire logic [8:0] after = (chosen.where == HIT) ? chosen.index + 9'd1 : chosen.index;
  assign first = chosen_lo ? lo_entries[chosen.index] : le_entries[chosen.index[6:0]];
  assign second = chosen_lo ? lo_entries[after] : le_entries[after[6:0]];
  assign skipped = (!chosen_lo && settings.exponential && settings.offset > (BITS == 32 ? 8'sd0 : -8'sd1)) ? 64'sd1 <<< 6'(settings.offset) : 64'sd0;

  wire signed [63:0] scaled = (64'(second) - 64'(first)) * $signed({{64 - FRACTION{1'b0}}, chosen.fraction});
  logic signed [63:0] between;
  logic signed [BITS-1:0] made;
  always_comb begin
    if (BITS == 32) between = shift_right((64'(first) <<< FRACTION) + scaled, 10'(FRACTION));
    else between = 64'(first) + shift_right(scaled, 10'(FRACTION));
    case (chosen.where)
      HIT: made = BITS'(saturate(between, BITS));
      BELOW: made = beyond(first, 64'(kept) - 64'(start) - skipped, below_scale, below_shift);
      default: made = beyond(first, 64'(kept) - 64'(finish), above_scale, above_shift);
    endcase
  end

  always_ff @(posedge clk) begin
    if (write && !write_lo) le_entries[write_entry[6:0]] <= write_data;
    if (write && write_lo) lo_entries[write_entry] <= write_data;
    chosen <= use_lo ? lo : le;
    chosen_lo <= use_lo;
    kept <= value;
    result <= made;
  end

endmodule
