// CSC's sequencer: the twin of hw_models/nvdla/csc.py, cycle by cycle.
//
// for kernel group { for stripe of output pixels { for channel block, kernel row, kernel column: package } }
// A package is loaded (its kernels are asked for) and popped (its data are asked for). Loading takes a cycle
// a kernel and begins with the pop before, for the first package of a group when its kernels are there.

module csc
  import conv_types::*;
#(
    parameter int ATOMIC_C = 8,
    parameter int ATOMIC_K = 8
) (
    input  logic        clk,
    input  logic        rst,
    // op-enable
    input  logic        enable,
    input  launch_t     registers,
    output logic        room,               // a register group is free
    // CDMA
    input  logic [13:0] lines_update,       // lines handed over in this cycle
    input  logic        kernels_update,     // a kernel group is
    input  logic        cdma_pends,         // CDMA waits for a new split of CBUF
    output logic        pends,
    output logic        agreed,             // last cycle of waiting
    output logic        data_agreed,        // with it: the split of the data changes
    output logic        release_weights,
    output logic [15:0] release_weight_entries,
    output logic        release_data,
    output logic [15:0] release_data_entries,
    // CACC
    input  logic        credit,
    output logic [6:0]  credits,            // pixels that its delivery buffer has room for
    // to the data and the weight path
    output launch_t     launch,
    output logic        load,
    output load_t       load_info,
    output logic        pop,
    output package_t    pop_info,
    output logic        drops_data,         // as a launch begins: its data begin so many lines later
    output logic [13:0] dropped_lines,
    output logic        rewinds_weights,    // and the weights are those of the launch before
    // what the summary reports
    output logic        begins,
    output logic        done,               // the launch's last package is popped
    output logic [31:0] data_waits,         // cycles of the launch in which it waited for input lines
    output logic [31:0] weight_waits,
    output logic [31:0] output_waits
);

  localparam int ENABLE_TO_BUSY = 13;
  localparam int PEND_DETOUR = 6;          // from CDMA's waiting
  localparam int PEND_DETOUR_CSC = 4;      // from CSC's
  localparam int FLUSH_TO_READY = 43;      // last package's last data asked for -> next launch
  localparam int POP_TO_DATA_RELEASE = 23; // and the length of the last package
  localparam int LOAD_TO_RELEASE = 19;     // and a cycle a kernel
  localparam int DATA_DROP = 17;           // a launch begins -> lines that the one before left are free
  localparam int WEIGHT_DROP = 15;         // likewise its kernels
  localparam int LOG_C = $clog2(ATOMIC_C);
  localparam int LOG_K = $clog2(ATOMIC_K);
  localparam int STRIPE = 2 * ATOMIC_K;    // longest stripe, and pixels of the delivery buffer

  // register groups: two launches, the one in work is the head until its last package is popped
  logic waits;
  launch_t first_in_line;
  register_groups #(.BITS($bits(launch_t))) register_groups (
      .clk, .rst, .enable, .registers, .frees(done), .room, .waits, .first(first_in_line)
  );

  typedef enum logic [1:0] {IDLE, PEND, BUSY} phase_t;
  phase_t phase;
  logic [6:0] ready_wait;
  logic [3:0] busy_wait, pend_age, cdma_age;
  logic [13:0] lines, left_lines;
  logic [13:0] kernel_groups;               // in CBUF, not yet loaded
  logic [13:0] kept_groups;                 // of these, those that the launch before kept
  logic ever;                               // there was a launch before

  assign begins = phase == IDLE && ready_wait == 0 && waits;
  wire new_data_split = !ever || first_in_line.data_banks != launch.data_banks;
  wire new_split = new_data_split || first_in_line.weight_banks != launch.weight_banks;
  logic data_pends;
  assign pends = phase == PEND;
  assign agreed = pends && cdma_pends && pend_age >= 4'(PEND_DETOUR_CSC) && cdma_age >= 4'(PEND_DETOUR);
  assign data_agreed = agreed && data_pends;

  // what the launch before left and this one does not reuse is dropped; a new split drops it anyway
  wire reuses_data = first_in_line.reuse_data && first_in_line.image == launch.image;
  wire drops_lines = begins && left_lines != 0 && !reuses_data;
  wire drops_kernels = begins && kept_groups != 0 && !first_in_line.reuse_weights && !new_split;
  assign drops_data = drops_lines;
  assign dropped_lines = left_lines;
  assign rewinds_weights = begins && kept_groups != 0 && first_in_line.reuse_weights && !new_split;

  // shape of the launch in work
  wire [13:0] blocks = (launch.channels + 14'(ATOMIC_C - 1)) >> LOG_C;
  wire [13:0] kernel_group_count = (launch.kernels + 14'(ATOMIC_K - 1)) >> LOG_K;
  wire [6:0] last_kernels = 7'(launch.kernels - ((kernel_group_count - 1'b1) << LOG_K));
  wire [6:0] last_bytes = 7'(launch.channels - ((blocks - 1'b1) << LOG_C));
  wire [15:0] group_entries = 16'((32'(launch.kernel_bytes) << LOG_K) >> LOG_C);
  wire [15:0] last_entries = launch.weight_entries - 16'(kernel_group_count - 1'b1) * group_entries;
  wire [25:0] row_pixels = launch.image ? 26'(launch.out_width) : launch.out_width * launch.out_height;
  wire [13:0] pixel_rows = launch.image ? launch.out_height : 14'd1;

  // the package to be loaded next
  logic [5:0] column, row;
  logic [13:0] block, kernel_group, pixel_row;
  logic [25:0] pixel;
  logic all_loaded;
  wire last_column = column + 1'b1 == launch.columns;
  wire last_row = row + 1'b1 == launch.rows;
  wire last_block = block + 1'b1 == blocks;
  wire first_of_stripe = column == 0 && row == 0 && block == 0;
  wire last_of_stripe = last_column && last_row && last_block;
  wire first_of_group = first_of_stripe && pixel == 0 && pixel_row == 0;
  wire last_group = kernel_group + 1'b1 == kernel_group_count;

  logic [6:0] stripe;
  wire [25:0] pixels_left = row_pixels - pixel;
  always_comb begin
    if (pixels_left >= 26'(2 * STRIPE)) stripe = 7'(STRIPE);
    else if (pixels_left <= 26'(STRIPE)) stripe = 7'(pixels_left);
    else stripe = launch.image ? 7'(STRIPE) : 7'(ATOMIC_K);
  end
  wire last_stripe_of_row = pixel + 26'(stripe) == row_pixels;
  wire last_stripe = last_stripe_of_row && pixel_row + 1'b1 == pixel_rows;

  // the package that is loaded and waits to be popped
  logic waiting;
  logic waiting_opens;                      // it is the first of a kernel group, but not the launch's first
  package_t pending;
  logic [6:0] load_left, spacing_left;
  wire loaded = waiting && load_left == 0;
  wire in_time = waiting && spacing_left == 0;
  wire funded = !pending.last || credits >= pending.pixels;
  assign pop = loaded && in_time && funded;
  assign pop_info = pending;
  assign done = pop && pending.end_launch;

  wire lines_there = lines >= launch.height;
  wire group_there = kernel_groups != 0 && (kernel_group != 0 || lines_there);
  wire next_wanted = phase == BUSY && busy_wait == 0 && !all_loaded && (!waiting || pop);
  assign load = next_wanted && (!first_of_group || group_there);
  assign load_info = '{
      kernels: last_group ? last_kernels : 7'(ATOMIC_K),
      bytes: last_block ? last_bytes : 7'(ATOMIC_C),
      entries: last_group ? last_entries : group_entries,
      first_stripe: first_of_stripe,
      first_group: first_of_group
  };

  // Waiting: for the launch's first kernel group from CSC's being busy on, all of it for what came last; for a
  // later one from when its first package could have been popped; for room in the delivery buffer.
  wire opens = first_of_group && kernel_group == 0;
  wire opening_waits = phase == BUSY && busy_wait == 0 && opens && !load;
  wire late_kernels = spacing_left == 0 && (waiting ? waiting_opens && load_left != 0
      : phase == BUSY && first_of_group && kernel_group != 0 && !all_loaded);
  wire output_full = loaded && in_time && !funded;
  logic [31:0] opening;
  logic opening_for_lines;

  // weights of a group are free so long after the load of its last package
  localparam int RELEASE_CHAIN = LOAD_TO_RELEASE + ATOMIC_K;
  logic [RELEASE_CHAIN-1:0] releasing, releasing_last;
  wire ends_group = load && last_of_stripe && last_stripe;
  logic [4:0] weight_drop_wait, data_drop_wait;
  logic [15:0] weight_drop, data_drop;      // entries
  wire drop_ends_weights = weight_drop_wait == 5'd1;
  wire drop_ends_data = data_drop_wait == 5'd1;
  assign release_weights = releasing[0] || drop_ends_weights;
  assign release_weight_entries = drop_ends_weights ? weight_drop : releasing_last[0] ? last_entries : group_entries;

  // lines: those of the launch when its last data are in the MACs, what was left when the next one has begun
  logic [6:0] data_release_wait;
  wire ends_data = data_release_wait == 7'd1;
  wire [13:0] released_lines = launch.keep_data ? '0 : launch.release_lines;
  assign release_data = ends_data || drop_ends_data;
  assign release_data_entries = drop_ends_data ? data_drop : 16'(launch.release_lines) * launch.line_entries;

  wire [6:0] atomic = 7'(ATOMIC_K);
  wire [6:0] load_cycles = (load_info.kernels < 2) ? 7'd2 : load_info.kernels;
  always_ff @(posedge clk) begin
    if (rst) begin
      phase <= IDLE;
      {ready_wait, busy_wait, pend_age, cdma_age} <= '0;
      {lines, left_lines} <= '0;
      {kernel_groups, kept_groups} <= '0;
      {weight_drop_wait, data_drop_wait, weight_drop, data_drop} <= '0;
      {ever, data_pends, waiting, waiting_opens, all_loaded} <= '0;
      {column, row, block, kernel_group, pixel_row, pixel} <= '0;
      {load_left, spacing_left, data_release_wait} <= '0;
      credits <= 7'(STRIPE);
      {opening, opening_for_lines, data_waits, weight_waits, output_waits} <= '0;
      {releasing, releasing_last} <= '0;
      launch <= '0;
      pending <= '0;
    end else begin
      // phases
      if (ready_wait != 0) ready_wait <= ready_wait - 1'b1;
      if (busy_wait != 0) busy_wait <= busy_wait - 1'b1;
      if (pend_age != '1) pend_age <= pend_age + 1'b1;
      if (!cdma_pends) cdma_age <= '0;
      else if (cdma_age != '1) cdma_age <= cdma_age + 1'b1;
      if (begins) begin
        launch <= first_in_line;
        ever <= 1'b1;
        phase <= new_split ? PEND : BUSY;
        data_pends <= new_data_split;
        pend_age <= 4'd1;
        busy_wait <= new_split ? '0 : 4'(ENABLE_TO_BUSY);
        all_loaded <= 1'b0;
        {column, row, block, kernel_group, pixel_row, pixel} <= '0;
      end
      if (agreed) phase <= BUSY;
      if (done) begin
        phase <= IDLE;
        ready_wait <= pending.pixels + 7'(FLUSH_TO_READY - 1);
      end

      // what is in CBUF
      if (data_agreed) lines <= '0;
      else begin
        lines <= lines + lines_update - (done ? released_lines : 14'd0) - (drops_lines ? left_lines : 14'd0);
      end
      if (done) left_lines <= launch.height - released_lines;
      else if (begins) left_lines <= '0;
      if (agreed) kernel_groups <= '0;
      else begin
        kernel_groups <= kernel_groups + 14'(kernels_update) - 14'(load && first_of_group)
            + ((done && launch.keep_weights) ? kernel_group_count : '0) - (drops_kernels ? kept_groups : '0);
      end
      if (done) kept_groups <= launch.keep_weights ? kernel_group_count : '0;
      else if (begins) kept_groups <= '0;

      // packages
      if (load_left != 0) load_left <= load_left - 1'b1;
      if (spacing_left != 0) spacing_left <= spacing_left - 1'b1;
      if (pop) begin
        spacing_left <= ((pending.pixels > atomic) ? pending.pixels : atomic) - 1'b1;
        waiting <= 1'b0;
      end
      if (load) begin
        waiting <= 1'b1;
        waiting_opens <= first_of_group && kernel_group != 0;
        load_left <= load_cycles - 1'b1;
        pending <= '{
            column: column,
            row: row,
            block: 10'(block),
            pixels: stripe,
            first: first_of_stripe,
            last: last_of_stripe,
            end_launch: last_of_stripe && last_stripe && last_group
        };
        column <= last_column ? '0 : column + 1'b1;
        if (last_column) row <= last_row ? '0 : row + 1'b1;
        if (last_column && last_row) block <= last_block ? '0 : block + 1'b1;
        if (last_of_stripe) begin
          pixel <= last_stripe_of_row ? '0 : pixel + 26'(stripe);
          if (last_stripe_of_row) pixel_row <= last_stripe ? '0 : pixel_row + 1'b1;
          if (last_stripe) kernel_group <= kernel_group + 1'b1;
          if (last_stripe && last_group) all_loaded <= 1'b1;
        end
      end
      // waiting
      if (phase == BUSY && opens && !load) opening_for_lines <= !lines_there;
      if (begins) {opening, data_waits, weight_waits, output_waits} <= '0;
      else begin
        opening <= opening + 32'(opening_waits);
        if (load && opens && opening_for_lines) data_waits <= opening;
        if (load && opens && !opening_for_lines) weight_waits <= opening;
        else weight_waits <= weight_waits + 32'(late_kernels);
        output_waits <= output_waits + 32'(output_full);
      end

      credits <= credits + 7'(credit) - ((pop && pending.last) ? pending.pixels : 7'd0);

      // releases
      releasing <= releasing >> 1;
      releasing_last <= releasing_last >> 1;
      if (ends_group && !launch.keep_weights) begin
        releasing[LOAD_TO_RELEASE-1+int'(load_info.kernels)] <= 1'b1;
        releasing_last[LOAD_TO_RELEASE-1+int'(load_info.kernels)] <= last_group;
      end
      if (data_release_wait != 0) data_release_wait <= data_release_wait - 1'b1;
      if (done && !launch.keep_data) data_release_wait <= pending.pixels + 7'(POP_TO_DATA_RELEASE);
      if (weight_drop_wait != 0) weight_drop_wait <= weight_drop_wait - 1'b1;
      if (drops_kernels) {weight_drop_wait, weight_drop} <= {5'(WEIGHT_DROP), launch.weight_entries};
      if (data_drop_wait != 0) data_drop_wait <= data_drop_wait - 1'b1;
      if (drops_lines && !new_data_split) {data_drop_wait, data_drop} <= {5'(DATA_DROP), 16'(left_lines) * launch.line_entries};
    end
  end

endmodule
