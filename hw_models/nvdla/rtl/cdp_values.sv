// What CDP computes: chunks of elements enter column by column; a chunk's results come out when the neighbours behind
// it are in. Neighbours of another stripe count as zeros: stripes take turns with a mark.

module cdp_values
  import post_types::*, cdp_types::*;
#(
    parameter int ELEMENTS = 1,                    // of a chunk
    parameter int BEHIND = 4,                      // chunks that a result waits for
    parameter int TAG = 8                          // bits that travel along
) (
    input  logic                          clk,
    input  logic                          rst,
    input  logic                          begins,
    input  arithmetic_t                   arithmetic,
    input  lut_t                          lut,
    input  logic                          table_write,
    input  logic                          table_lo,
    input  logic [8:0]                    table_entry,
    input  logic [15:0]                   table_data,
    input  logic                          step,
    input  logic [2:0]                    column,
    input  logic                          stripe,  // its mark
    input  logic [ELEMENTS-1:0]           counts,  // zeros elsewhere
    input  logic [ELEMENTS-1:0][7:0]      values,
    input  logic [TAG-1:0]                tag,     // of the results that the step gives
    output logic                          ready,
    output logic [TAG-1:0]                ready_tag,
    output logic [ELEMENTS-1:0][7:0]      results
);

  localparam int STAGES = 7;
  localparam int CHUNKS = 2 * BEHIND + 1;          // of a window, the newest first
  typedef struct packed {
    logic                          stripe;
    logic [ELEMENTS-1:0][8:0]      values;
  } chunk_t;

  delay #(.CYCLES(STAGES), .BITS(1 + TAG)) along (.clk, .rst, .in({step, tag}), .out({ready, ready_tag}));

  // converted
  logic step_1;
  logic [2:0] column_1;
  chunk_t newest;
  always_ff @(posedge clk) begin
    step_1 <= step && !rst;
    column_1 <= column;
    newest.stripe <= stripe;
    for (int e = 0; e < ELEMENTS; e++) begin
      newest.values[e] <= counts[e] ? 9'(convert(64'($signed(values[e])), 32'(arithmetic.in_offset),
          arithmetic.in_scale, 6'(arithmetic.in_shift), 9)) : '0;
    end
  end

  // windows of the columns
  chunk_t [CHUNKS-1:0] history[8];
  chunk_t [CHUNKS-1:0] window;
  wire chunk_t [CHUNKS-1:0] shifted = {history[column_1][CHUNKS-2:0], newest};
  always_ff @(posedge clk) begin
    window <= shifted;
    for (int c = 0; c < 8; c++) begin
      if (rst || begins) history[c] <= '0;
      else if (step_1 && column_1 == 3'(c)) history[c] <= shifted;
    end
  end

  // the window as channels, the highest first
  localparam int CHANNELS = CHUNKS * ELEMENTS;
  localparam int CENTRE = BEHIND * ELEMENTS;       // elements in front of the chunk in the middle
  logic [CHANNELS-1:0][8:0] channels;
  always_comb begin
    for (int k = 0; k < CHUNKS; k++) begin
      for (int e = 0; e < ELEMENTS; e++) begin
        channels[k*ELEMENTS+ELEMENTS-1-e] =
            (window[k].stripe == window[BEHIND].stripe) ? window[k].values[e] : '0;
      end
    end
  end

  for (genvar e = 0; e < ELEMENTS; e++) begin : g_lanes
    localparam int MIDDLE = CENTRE + ELEMENTS - 1 - e;
    logic signed [8:0] centre, centre_3, centre_4, centre_5;
    logic signed [31:0] key, key_3;
    logic signed [15:0] looked_up;
    logic signed [24:0] product;
    always_comb begin
      centre = arithmetic.squares ? channels[MIDDLE] : window[0].values[e];
      key = 32'(centre);
      if (arithmetic.squares) begin
        key = '0;
        for (int d = -4; d <= 4; d++) begin
          if (d <= int'(arithmetic.reach) && -d <= int'(arithmetic.reach)) begin
            key = key + 32'($signed(channels[MIDDLE+d])) * 32'($signed(channels[MIDDLE+d]));
          end
        end
      end
    end
    lut #(.BITS(16), .FRACTION(16)) tables (
        .clk, .settings(lut), .write(table_write), .write_lo(table_lo), .write_entry(table_entry),
        .write_data(table_data), .value(key_3), .result(looked_up)
    );
    always_ff @(posedge clk) begin
      {key_3, centre_3} <= {key, centre};
      {centre_4, centre_5} <= {centre_3, centre_4};
      product <= arithmetic.product ? 25'(looked_up) * 25'(centre_5) : 25'(looked_up);
      results[e] <= 8'(convert(64'(product), 32'(arithmetic.out_offset), arithmetic.out_scale,
          arithmetic.out_shift, 8));
    end
  end

endmodule
