// CSC's data path: walks over the pixels of a package, reads their channels from CBUF and pads.
//
// A pixel takes a cycle. Its first byte lies anywhere in an entry (images), so two entries are read.

module csc_data
  import conv_types::*;
#(
    parameter int ATOMIC_C = 8,
    parameter int ATOM = ATOMIC_C,          // of memory: what is left of the channels lies pixel by pixel if it is one
    parameter int DEPTH = 512,              // entries of a CBUF bank
    parameter int ENTRY_BITS = 14,
    parameter int CYCLES = 21               // pop -> data, at least 5
) (
    input  logic                       clk,
    input  logic                       rst,
    /* verilator lint_off UNUSEDSIGNAL */
    input  launch_t                    launch,     // some of it
    /* verilator lint_on UNUSEDSIGNAL */
    input  logic                       restart,    // a new split: data begin at entry 0
    input  logic                       drops,      // between launches: data begin so many lines later
    input  logic [13:0]                dropped_lines,
    input  logic                       pop,
    input  package_t                   pop_info,
    output logic [1:0][ENTRY_BITS-1:0] read_entry,
    input  logic [16*ATOMIC_C-1:0]      read_data,  // a cycle later
    output logic                       valid,
    output logic                       opens,      // first pixel of a package
    output logic                       first,      // of the stripe's packages
    output logic                       last,
    output logic                       end_launch, // the launch's last pixel
    output logic [8*ATOMIC_C-1:0]      data
);

  localparam int LOG_C = $clog2(ATOMIC_C);
  localparam int BANK_BITS = $clog2(DEPTH);

  logic go;
  package_t told;
  delay #(.CYCLES(CYCLES - 4), .BITS(1 + $bits(package_t))) wait_for_kernels (
      .clk, .rst, .in({pop, pop_info}), .out({go, told})
  );

  // output pixel of the walk; the stripe's first is kept, each of its packages begins there
  logic [13:0] stripe_x, stripe_y, x_kept, y_kept;
  logic [6:0] left;
  package_t kept;
  /* verilator lint_off UNUSEDSIGNAL */
  wire package_t now = go ? told : kept;   // some of it
  /* verilator lint_on UNUSEDSIGNAL */
  wire [13:0] x = go ? stripe_x : x_kept;
  wire [13:0] y = go ? stripe_y : y_kept;
  wire walks = go || left != 0;
  wire [6:0] left_now = go ? told.pixels : left;
  wire line_ends = x + 1'b1 == launch.out_width;
  wire cube_ends = line_ends && y + 1'b1 == launch.out_height;
  wire [13:0] x_next = line_ends ? '0 : x + 1'b1;
  wire [13:0] y_next = cube_ends ? '0 : line_ends ? y + 1'b1 : y;
  wire ends = walks && left_now == 7'd1;

  // stage 1: the input pixel that it needs
  logic valid_1, opens_1, ends_1;
  logic [9:0] block_1;
  logic first_1, last_1, end_launch_1;
  logic signed [17:0] in_x_1, in_y_1;
  wire [5:0] pad_left = launch.image ? '0 : launch.pad_left;

  // stage 2: where it lies
  logic valid_2, opens_2, ends_2, pads_2;
  logic first_2, last_2, end_launch_2;
  logic [ENTRY_BITS-1:0] entry_2;
  logic [LOG_C-1:0] byte_2;
  logic [ENTRY_BITS-1:0] base;              // the launch's first entry
  wire [ENTRY_BITS:0] capacity = (ENTRY_BITS + 1)'(launch.data_banks) << BANK_BITS;
  wire [13:0] lines_over = drops ? dropped_lines : launch.release_lines;
  wire outside_y = in_y_1 < 0 || in_y_1 >= $signed({4'd0, launch.height});
  wire outside_x = !launch.image && (in_x_1 < 0 || in_x_1 >= $signed({4'd0, launch.width}));
  wire [13:0] channels_left = launch.channels - (14'(block_1) << LOG_C);
  wire [16:0] column_bytes = launch.image ? 17'(launch.pixel_bytes)
      : (channels_left <= 14'(ATOM)) ? 17'(ATOM) : 17'(ATOMIC_C);
  wire [16:0] block_bytes = launch.image ? 17'(ATOMIC_C) : 17'(launch.width) << LOG_C;
  wire [31:0] at_byte = 32'(in_x_1[16:0]) * 32'(column_bytes) + 32'(block_1) * 32'(block_bytes);
  wire [ENTRY_BITS:0] offset =
      (ENTRY_BITS + 1)'(32'(in_y_1[16:0]) * 32'(launch.line_entries) + (at_byte >> LOG_C));

  function automatic logic [ENTRY_BITS-1:0] wrapped(logic [ENTRY_BITS:0] at, logic [ENTRY_BITS:0] size);
    return ENTRY_BITS'((at >= size) ? at - size : at);
  endfunction

  assign read_entry = {wrapped({1'b0, entry_2} + 1'b1, capacity), entry_2};

  // stage 3: CBUF answers
  logic valid_3, opens_3, ends_3, pads_3;
  logic first_3, last_3, end_launch_3;
  logic [LOG_C-1:0] byte_3;
  wire [8*ATOMIC_C-1:0] aligned = read_data[{1'b0, byte_3, 3'd0}+:8*ATOMIC_C];

  always_ff @(posedge clk) begin
    if (rst) begin
      {stripe_x, stripe_y, x_kept, y_kept, left} <= '0;
      {valid_1, valid_2, valid_3, valid} <= '0;
      kept <= '0;
      base <= '0;
    end else begin
      if (go) kept <= told;
      if (walks) begin
        {x_kept, y_kept} <= {x_next, y_next};
        left <= left_now - 1'b1;
        if (ends && now.last) {stripe_x, stripe_y} <= {x_next, y_next};
      end

      valid_1 <= walks;
      opens_1 <= go;
      ends_1 <= ends;
      block_1 <= now.block;
      {first_1, last_1, end_launch_1} <= {now.first, now.last, now.end_launch};
      in_x_1 <= $signed(18'(x * 17'(launch.stride_x)) + 18'(now.column * 12'(launch.dilation_x))
          - 18'(pad_left));
      in_y_1 <= $signed(18'(y * 17'(launch.stride_y)) + 18'(now.row * 12'(launch.dilation_y))
          - 18'(launch.pad_top));

      valid_2 <= valid_1;
      opens_2 <= opens_1;
      ends_2 <= ends_1;
      {first_2, last_2, end_launch_2} <= {first_1, last_1, end_launch_1};
      pads_2 <= outside_x || outside_y;
      entry_2 <= wrapped({1'b0, base} + offset, capacity);
      byte_2 <= at_byte[LOG_C-1:0];
      if (restart) base <= '0;
      else if (drops || (valid_2 && ends_2 && end_launch_2 && !launch.keep_data)) begin
        base <= wrapped({1'b0, base} + (ENTRY_BITS + 1)'(16'(lines_over) * launch.line_entries), capacity);
      end

      valid_3 <= valid_2;
      opens_3 <= opens_2;
      ends_3 <= ends_2;
      {first_3, last_3, end_launch_3, pads_3, byte_3} <= {first_2, last_2, end_launch_2, pads_2, byte_2};

      valid <= valid_3;
      {opens, first, last} <= {opens_3, first_3, last_3};
      end_launch <= end_launch_3 && ends_3;
      data <= pads_3 ? {ATOMIC_C{launch.pad_value}} : aligned;
    end
  end

endmodule
