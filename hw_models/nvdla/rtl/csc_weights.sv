// CSC's weight path: reads a package's kernels from CBUF, one a cycle.
//
// Kernels lie one behind the other without gaps, so a block of channels begins anywhere in an entry.

module csc_weights
  import conv_types::*;
#(
    parameter int ATOMIC_C = 8,
    parameter int DEPTH = 512,
    parameter int ENTRY_BITS = 14,
    parameter int CYCLES = 21               // load -> first kernel, at least 4
) (
    input  logic                       clk,
    input  logic                       rst,
    /* verilator lint_off UNUSEDSIGNAL */
    input  launch_t                    launch,     // some of it
    /* verilator lint_on UNUSEDSIGNAL */
    input  logic                       restart,    // a new split: weights begin at their first entry
    input  logic                       begins,     // a launch
    input  logic                       rewinds,    // with the kernels of the one before
    input  logic                       load,
    input  load_t                      load_info,
    output logic [1:0][ENTRY_BITS-1:0] read_entry,
    input  logic [16*ATOMIC_C-1:0]      read_data,  // a cycle later
    output logic                       valid,
    output logic [6:0]                 kernel,
    output logic [8*ATOMIC_C-1:0]      weights
);

  localparam int LOG_C = $clog2(ATOMIC_C);
  localparam int BANK_BITS = $clog2(DEPTH);
  localparam int E = ENTRY_BITS + 1;

  logic go;
  load_t told;
  logic [6:0] kernels_kept, bytes_kept;
  delay #(.CYCLES(CYCLES - 3), .BITS(1 + $bits(load_t))) wait_for_turn (
      .clk, .rst, .in({load, load_info}), .out({go, told})
  );

  function automatic logic [E-1:0] wrapped(logic [E-1:0] at, logic [E-1:0] size);
    return (at >= size) ? at - size : at;
  endfunction

  wire [E-1:0] capacity = E'(launch.weight_banks) << BANK_BITS;
  wire [E-1:0] first_entry = E'(launch.data_banks) << BANK_BITS;

  logic [E-1:0] launch_base, group_base, next_base;  // entries within the weight banks
  logic [20:0] at_kept;                              // byte within the group
  logic [6:0] kernel_kept;
  wire [6:0] bytes = go ? told.bytes : bytes_kept;
  wire [E-1:0] base = (go && told.first_group) ? next_base : group_base;
  wire [20:0] at = (go && told.first_stripe) ? '0 : at_kept;
  wire [6:0] kernel_now = go ? '0 : kernel_kept;
  wire walks = go || kernel_kept < kernels_kept;

  logic valid_1, valid_2;
  logic [6:0] kernel_1, kernel_2, bytes_1, bytes_2;
  logic [E-1:0] entry_1;
  logic [LOG_C-1:0] byte_1, byte_2;
  wire [E-1:0] after_1 = wrapped(entry_1 + 1'b1, capacity);
  assign read_entry = {ENTRY_BITS'(after_1 + first_entry), ENTRY_BITS'(entry_1 + first_entry)};

  wire [8*ATOMIC_C-1:0] aligned = read_data[{1'b0, byte_2, 3'd0}+:8*ATOMIC_C];
  always_ff @(posedge clk) begin
    if (rst) begin
      {launch_base, group_base, next_base} <= '0;
      {at_kept, kernel_kept} <= '0;
      {kernels_kept, bytes_kept} <= '0;
      {valid_1, valid_2, valid} <= '0;
    end else begin
      if (go) {kernels_kept, bytes_kept} <= {told.kernels, told.bytes};
      if (walks) begin
        at_kept <= at + 21'(bytes);
        kernel_kept <= kernel_now + 1'b1;
      end
      if (restart) {launch_base, next_base} <= '0;
      else if (begins && rewinds) next_base <= launch_base;
      else if (begins) launch_base <= next_base;
      else if (go && told.first_group) begin
        group_base <= next_base;
        next_base <= wrapped(next_base + E'(told.entries), capacity);
      end

      valid_1 <= walks;
      {kernel_1, bytes_1} <= {kernel_now, bytes};
      entry_1 <= wrapped(base + E'(at >> LOG_C), capacity);
      byte_1 <= at[LOG_C-1:0];

      valid_2 <= valid_1;
      {kernel_2, bytes_2, byte_2} <= {kernel_1, bytes_1, byte_1};

      valid <= valid_2;
      kernel <= kernel_2;
      for (int c = 0; c < ATOMIC_C; c++) weights[8*c+:8] <= (c < int'(bytes_2)) ? aligned[8*c+:8] : 8'd0;
    end
  end

endmodule
