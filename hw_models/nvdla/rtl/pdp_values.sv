// What PDP computes: rows of windows from the last elements of the input, windows from the last lines of rows.
//
// An element is shifted in, a row of a window completed in the cycle behind, an output asked for two cycles later at
// the earliest; it is there RESULT cycles after it was asked for.

module pdp_values
  import pdp_types::*;
#(
    parameter int ATOM = 8,     // elements
    parameter int COLUMNS = 64  // windows of a line, at most
) (
    input  logic                        clk,
    input  logic                        rst,
    input  logic                        begins,
    input  windows_t                    windows,
    input  arithmetic_t                 arithmetic,
    input  logic                        shift,
    input  logic [ATOM-1:0][7:0]        element,
    input  logic                        row,       // the next row is complete, with this element if there is one
    input  logic                        ask,       // for the next output
    output logic                        ready,
    output logic [ATOM-1:0][7:0]        result
);

  localparam int REACH = 8;     // elements of a window, across and down
  localparam int PLACE = $clog2(COLUMNS);
  wire average = arithmetic.method == AVERAGE;

  // rows of windows
  logic [ATOM-1:0][7:0] elements[REACH];           // the newest first
  logic signed [15:0] newest;                      // its column, in the line whose rows are in work
  logic completes;
  logic signed [15:0] first_column;
  logic [13:0] row_x;
  logic [2:0] line;                                // of `rows`
  wire end_of_line = completes && row_x + 14'd1 == windows.across.windows;
  wire signed [15:0] first_of_line = 16'(windows.again) - 16'(windows.across.pad);
  logic [REACH-1:0] in_row;
  logic [REACH-1:0][2:0] age;
  logic [3:0] beside;
  always_comb begin
    beside = '0;
    for (int t = 0; t < REACH; t++) begin
      in_row[t] = 1'(t < int'(windows.across.window)) && first_column + 16'(t) >= 16'(windows.again)
          && first_column + 16'(t) < 16'(windows.across.size);
      age[t] = 3'(newest - first_column - 16'(t));
      if (t < int'(windows.across.window) && !in_row[t]) beside = beside + 4'd1;
    end
  end
  logic [ATOM-1:0][19:0] row_value;
  always_comb begin
    for (int e = 0; e < ATOM; e++) begin
      row_value[e] = average ? 20'($signed(arithmetic.padding[beside[2:0]]))
          : (arithmetic.method == MAXIMUM) ? -20'sd128 : 20'sd127;
      for (int t = 0; t < REACH; t++) begin
        if (in_row[t]) row_value[e] = joined(row_value[e], 20'($signed(elements[age[t]][e])));
      end
    end
  end

  function automatic logic [19:0] joined(logic signed [19:0] value, logic signed [19:0] other);
    if (average) return value + other;
    if (arithmetic.method == MAXIMUM) return (value > other) ? value : other;
    return (value < other) ? value : other;
  endfunction

  // windows
  logic [ATOM-1:0][19:0] rows[REACH*COLUMNS];
  logic signed [15:0] first_row;
  logic [13:0] out_x, out_y;
  logic [2:0] base;                                // line of the surface's first row
  logic [REACH-1:0] in_window;
  logic [REACH-1:0][ATOM-1:0][19:0] lines;
  logic [3:0] above;
  always_comb begin
    above = '0;
    for (int t = 0; t < REACH; t++) begin
      in_window[t] = 1'(t < int'(windows.down.window)) && first_row + 16'(t) >= 0
          && first_row + 16'(t) < 16'(windows.down.size);
      lines[t] = rows[{base + 3'(first_row) + 3'(t), out_x[PLACE-1:0]}];
      if (t < int'(windows.down.window) && !in_window[t]) above = above + 4'd1;
    end
  end
  wire signed [23:0] outside = 24'($signed(arithmetic.padding[above[2:0]])) * $signed({20'd0, windows.across.window});
  logic signed [ATOM-1:0][23:0] total;
  logic signed [ATOM-1:0][31:0] narrow;
  logic asked, halved;

  // value * one / 2**16, rounded half away from zero
  function automatic logic [31:0] scaled(logic signed [31:0] value, logic [16:0] one);
    logic [47:0] product;
    logic [31:0] size;
    product = 48'(value) * 48'(one);
    size = 32'((((product[47] ? -product : product) >> 15) + 48'd1) >> 1);
    return product[47] ? -size : size;
  endfunction

  always_ff @(posedge clk) begin
    if (shift) begin
      elements[0] <= element;
      for (int t = 1; t < REACH; t++) elements[t] <= elements[t-1];
    end
    if (completes) rows[{line, row_x[PLACE-1:0]}] <= row_value;
    if (ask) begin
      for (int e = 0; e < ATOM; e++) begin
        total[e] <= whole(e);
      end
    end
    for (int e = 0; e < ATOM; e++) begin
      narrow[e] <= average ? scaled(32'($signed(total[e])), arithmetic.one_width) : 32'($signed(total[e]));
      result[e] <= average ? 8'(scaled($signed(narrow[e]), arithmetic.one_height)) : narrow[e][7:0];
    end
    if (rst) {completes, asked, halved, ready} <= '0;
    else {completes, asked, halved, ready} <= {row && !begins, ask, asked, halved};
    if (rst || begins) begin
      newest <= -16'sd1;
      first_column <= begins ? first_of_line : '0;
      first_row <= begins ? -16'(windows.down.pad) : '0;
      {row_x, line, out_x, out_y, base} <= '0;
    end else begin
      newest <= newest + 16'(shift) - (end_of_line ? 16'(windows.across.size) : '0);
      if (completes) begin
        row_x <= end_of_line ? '0 : row_x + 14'd1;
        first_column <= end_of_line ? first_of_line : first_column + 16'(windows.across.stride);
        if (end_of_line) line <= line + 3'd1;
      end
      if (ask) begin
        out_x <= out_x + 14'd1;
        if (out_x + 14'd1 == windows.across.windows) begin
          out_x <= '0;
          out_y <= out_y + 14'd1;
          first_row <= first_row + 16'(windows.down.stride);
          if (out_y + 14'd1 == windows.down.windows) begin
            out_y <= '0;
            first_row <= -16'(windows.down.pad);
            base <= base + 3'(windows.down.size);
          end
        end
      end
    end
  end

  function automatic logic [23:0] whole(int e);
    logic [19:0] extreme;
    logic signed [23:0] sum;
    extreme = (arithmetic.method == MAXIMUM) ? -20'sd128 : 20'sd127;
    sum = outside;
    for (int t = 0; t < REACH; t++) begin
      if (in_window[t]) begin
        extreme = joined(extreme, lines[t][e]);
        sum = sum + 24'($signed(lines[t][e]));
      end
    end
    return average ? sum : 24'($signed(extreme));
  endfunction

endmodule
