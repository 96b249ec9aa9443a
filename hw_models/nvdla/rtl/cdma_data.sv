// CDMA's data side: input lines from memory into the data banks of the convolution buffer.
//
// A grain of lines at a time, surface after surface; an image line by line. The shared buffer that takes the beats is
// read in the cycle behind: at the end of a line, and after each atom of the surfaces whose index has bit 1 set, it
// takes none then. Between the lines of an image it takes none for two cycles.

module cdma_data
  import cdma_types::*;
#(
    parameter int ATOM = 8,
    parameter int PARTS = 1,                // atoms of an entry, one or two
    parameter int DEPTH = 512,              // entries of a CBUF bank
    parameter int ENTRY_BITS = 14,
    localparam int A = 32 - $clog2(ATOM)
) (
    input  logic                  clk,
    input  logic                  rst,
    input  logic [T-1:0]          now,
    // register groups
    input  logic                  waits,
    input  cdma_launch_t          first,
    input  logic [T-1:0]          begin_at,
    input  logic                  ends,      // data and weights are in
    output logic                  over,      // these are, from the cycle of the last hand-over on
    output logic [T-1:0]          done_at,
    // memory interface
    output logic                  req_valid,
    input  logic                  req_ready,
    output logic [A-1:0]          req_address,
    output logic [3:0]            req_atoms,
    output logic [D-1:0]          req_delay,
    input  logic                  beat_valid,
    output logic                  beat_ready,
    input  logic [8*ATOM-1:0]     beat_data,
    // CSC
    input  logic                  agreed,
    output logic                  pends,
    output logic [13:0]           lines_update,
    input  logic                  release_valid,
    input  logic [15:0]           release_entries,
    // CBUF
    output logic                  write,
    output logic [ENTRY_BITS-1:0] write_entry,
    output logic [8*ATOM-1:0]     write_data,
    output logic                  done
);

  localparam int LOG_PARTS = $clog2(PARTS);
  localparam int LOG_ATOM = $clog2(ATOM);
  localparam int BANK_BITS = $clog2(DEPTH);
  localparam int E = 17;                    // of a number of entries
  localparam int BEHIND_WEIGHTS = 4;        // three stages more on the way to the first request
  localparam int IMAGE_BEHIND_WEIGHTS = 2;
  localparam int TO_WRITE = 6;              // an atom is taken -> it is in CBUF
  localparam int TO_LINES = 15;             // the last of a grain is taken -> CSC knows of its lines
  localparam int DONE_EARLY = 1;            // before the last of these
  localparam int IMAGE_DETOUR = 8;          // of lines
  localparam int IMAGE_DONE_LATE = 2;       // behind the last of these
  localparam int PIXELS_TO_WRITE = 2;       // an entry is complete -> it is in CBUF

  // the launch
  phase_t phase;
  /* verilator lint_off UNUSEDSIGNAL */
  cdma_launch_t launch;                     // some of it
  /* verilator lint_on UNUSEDSIGNAL */
  logic [5:0] banks;                        // of the split in force
  logic [13:0] width, surfaces;             // atoms of a line, surfaces
  logic [13:0] grain;                       // lines of one
  wire starts = phase == IDLE && waits;
  wire new_split = first.data_banks != banks;
  wire agrees = phase == PEND && agreed;
  typedef enum logic [1:0] {NOTHING, FEATURES, PIXELS} form_t;
  form_t kept;                              // what the launch before keeps
  wire form_t form = first.image ? PIXELS : FEATURES;
  wire lie_there = starts && !new_split && first.reuse_data && kept == form;
  wire loads = agrees || (starts && !new_split && !lie_there);
  wire [13:0] atoms_deep = 14'((14'(first.channels) + 14'(ATOM - 1)) >> LOG_ATOM);
  wire one_line = first.width == 1 && first.height == 1 && first.surface_packed;
  wire [13:0] first_grain = (first.line_packed && first.grains != 0 && !first.image) ? 14'(first.grains) : 14'd1;
  wire [15:0] line_bytes = 16'(first.width) * 16'(first.channels[2:0]) + 16'(first.address[LOG_ATOM-1:0]);
  wire [13:0] line_atoms = 14'((17'(line_bytes) + 17'(ATOM - 1)) >> LOG_ATOM);
  assign pends = phase == PEND;

  function automatic logic [13:0] smaller(logic [13:0] one, logic [13:0] other);
    return (one < other) ? one : other;
  endfunction

  // requests
  logic [T-1:0] next_request;
  logic [13:0] req_line, req_lines, req_surface;  // the grain in work: first line, lines, surface
  logic [24:0] req_atom;
  logic [E-1:0] occupied;                   // entries that are requested or filled
  wire [E-1:0] capacity = E'(launch.data_banks) << BANK_BITS;
  wire [28:0] grain_entries = req_lines * launch.line_entries;
  wire fits = 32'(occupied) + 32'(grain_entries) <= 32'(capacity);
  wire begins_grain = req_surface == 0 && req_atom == 0;
  wire wants = phase == BUSY && req_line != launch.height;
  assign req_valid = wants && (!begins_grain || fits);
  wire blocked = wants && begins_grain && !fits && req_ready;
  wire requests = req_valid && req_ready;
  wire [24:0] atoms = req_lines * width;    // of a surface of the grain
  assign req_address = A'(launch.address >> LOG_ATOM) + A'(32'(req_line) * (launch.line_stride >> LOG_ATOM))
      + A'(32'(req_surface) * (launch.surface_stride >> LOG_ATOM)) + A'(req_atom);
  assign req_atoms = request_size(req_address[2:0], 32'(atoms - req_atom));
  assign req_delay = delay_of(next_request, now);
  wire ends_surface = req_atom + 25'(req_atoms) == atoms;
  wire ends_grain = ends_surface && req_surface + 14'd1 == surfaces;
  wire [13:0] line_after = req_line + req_lines;

  // beats
  logic takes;
  logic [8*ATOM-1:0] atom;
  logic busy, reads_busy;                   // the buffer is read and takes none; it will, if it is not so now
  logic between;                            // lines of an image, the second cycle
  cdma_pipes #(.BITS(8 * ATOM)) pipes (
      .clk, .rst, .beat_valid, .beat_ready, .beat_data, .busy, .takes, .data(atom)
  );
  logic [13:0] line, lines, row, surface, column;  // the grain that fills: first line, lines, line of it
  wire end_of_line = column + 14'd1 == width;
  wire end_of_surface = end_of_line && row + 14'd1 == lines;
  wire end_of_grain = takes && end_of_surface && surface + 14'd1 == surfaces;
  wire last_grain = line + lines == launch.height;

  // where an atom goes: its place among those of CBUF
  logic [E-1:0] base, image_base;           // of the launch: its last atom may be in, an image's entries not yet
  wire [E-1:0] apart = E'(surface) * E'(width) + E'(column);
  wire [E-1:0] paired = ((E'(surface >> 1) * E'(width) + E'(column)) << 1) + E'(surface[0]);
  wire is_paired = PARTS == 2 && (surface[0] || surface + 14'd1 < surfaces);  // with the surface beside it
  wire [E-1:0] offset = ((E'(line + row) * E'(launch.line_entries)) << LOG_PARTS) + (is_paired ? paired : apart);
  function automatic logic [E-1:0] wrapped(logic [E-1:0] at, logic [E-1:0] size);
    return (at >= size) ? at - size : at;
  endfunction
  wire [ENTRY_BITS-1:0] entry = ENTRY_BITS'(wrapped(base + offset, capacity << LOG_PARTS));
  wire of_pixels = launch.image && launch.channels != 1;
  logic [ATOM-1:0][7:0] elements;
  logic [ATOM-1:0][15:0] offsets;
  always_comb begin
    for (int n = 0; n < ATOM; n++) begin
      elements[n] = of_pixels ? atom[32*(n/4)+8*int'(byte_of(launch.pixel_format, 2'(n)))+:8] : atom[8*n+:8];
      offsets[n] = (launch.image && launch.means) ? launch.mean[of_pixels?n%4 : 0] : launch.offset;
    end
  end
  logic [8*ATOM-1:0] converted;
  cdma_convert #(.ELEMENTS(ATOM)) converter (
      .on(launch.convert), .is_signed(!launch.image || launch.signed_pixels), .offset(offsets), .scale(launch.scale),
      .truncate(launch.truncate), .in(elements), .out(converted)
  );

  // writes: of features atom by atom, of an image entry by entry
  typedef struct packed {
    logic                  valid;
    logic [ENTRY_BITS-1:0] entry;
    logic [8*ATOM-1:0]     data;
  } write_t;
  write_t feature, pixels, feature_write, pixels_write;
  logic [E-1:0] pixels_offset;
  assign feature.valid = takes && !launch.image;
  assign feature.entry = entry;
  assign feature.data = converted;
  cdma_pixels #(.ATOM(ATOM), .E(E)) lines_of_pixels (
      .clk, .rst, .loads, .launch, .atoms(width), .valid(takes && launch.image), .atom(converted),
      .write(pixels.valid), .write_offset(pixels_offset), .write_data(pixels.data)
  );
  assign pixels.entry = ENTRY_BITS'(wrapped(image_base + pixels_offset, capacity));
  delay #(.CYCLES(TO_WRITE), .BITS($bits(write_t))) to_write (.clk, .rst, .in(feature), .out(feature_write));
  delay #(.CYCLES(PIXELS_TO_WRITE), .BITS($bits(write_t))) pixels_to_write (
      .clk, .rst, .in(pixels), .out(pixels_write)
  );
  assign {write, write_entry, write_data} = pixels_write.valid ? pixels_write : feature_write;

  // lines on their way to CSC
  typedef struct packed {
    logic        last;
    logic [13:0] lines;
  } update_t;
  update_t ready, detour, update;
  wire update_t full = '{end_of_grain && last_grain, end_of_grain ? lines : '0};
  logic last_early, last_late, last_update;
  delay #(.CYCLES(IMAGE_DETOUR), .BITS($bits(update_t))) to_detour (
      .clk, .rst, .in(launch.image ? full : '0), .out(detour)
  );
  assign ready = launch.image ? detour : full;
  delay #(.CYCLES(TO_LINES), .BITS($bits(update_t))) to_lines (.clk, .rst, .in(ready), .out(update));
  delay #(.CYCLES(TO_LINES - DONE_EARLY)) to_early (.clk, .rst, .in(ready.last && !launch.image), .out(last_early));
  delay #(.CYCLES(IMAGE_DONE_LATE)) to_late (.clk, .rst, .in(update.last && launch.image), .out(last_late));
  assign lines_update = update.lines;
  assign last_update = update.last;
  logic [T-1:0] was_done_at;
  wire ends_kept = phase == KEPT && now == was_done_at;
  assign done = last_early || last_late || ends_kept;
  assign over = phase == DONE || last_update || ends_kept;
  assign done_at = !last_update ? was_done_at : launch.image ? now + T'(IMAGE_DONE_LATE) : now - T'(DONE_EARLY);

  always_ff @(posedge clk) begin
    if (rst) begin
      phase <= IDLE;
      kept <= NOTHING;
      launch <= '0;
      {banks, width, surfaces, grain} <= '0;
      {next_request, was_done_at} <= '0;
      {req_line, req_lines, req_surface, req_atom, occupied} <= '0;
      {busy, reads_busy, between} <= '0;
      {line, lines, row, surface, column, base, image_base} <= '0;
    end else begin
      if (starts && new_split) phase <= PEND;
      if (loads) begin
        phase <= BUSY;
        launch <= first;
        banks <= first.data_banks;
        width <= first.image ? line_atoms : one_line ? atoms_deep : first.width;
        surfaces <= (first.image || one_line) ? 14'd1 : atoms_deep;
        grain <= first_grain;
      end
      if (lie_there) begin
        phase <= KEPT;
        was_done_at <= begin_at + T'(ENABLE_TO_KEPT_DONE);
      end
      if (loads || lie_there) kept <= first.keep_data ? form : NOTHING;
      if (ends_kept) phase <= DONE;
      if (last_update) begin
        phase <= DONE;
        was_done_at <= done_at;
      end
      if (ends) phase <= IDLE;

      if (loads) begin
        next_request <= (agrees ? now : begin_at) + T'(ENABLE_TO_REQUEST)
            + T'(first.image ? IMAGE_BEHIND_WEIGHTS : BEHIND_WEIGHTS);
        {req_line, req_surface, req_atom} <= '0;
        req_lines <= smaller(first_grain, first.height);
      end else if (requests) begin
        next_request <= next_request + T'(1) + T'(ends_surface) + T'(ends_grain);
        req_atom <= ends_surface ? '0 : req_atom + 25'(req_atoms);
        if (ends_surface) req_surface <= ends_grain ? '0 : req_surface + 14'd1;
        if (ends_grain) begin
          req_line <= line_after;
          req_lines <= smaller(grain, launch.height - line_after);
        end
      end else if (blocked && release_valid) next_request <= later(next_request, now + T'(ROOM_TO_REQUEST));
      if (agrees) occupied <= '0;
      else begin
        occupied <= occupied + ((requests && ends_grain) ? E'(grain_entries) : '0)
            - (release_valid ? E'(release_entries) : '0);
      end

      reads_busy <= takes && (end_of_line || surface[1]);
      between <= reads_busy && launch.image;
      busy <= (!busy && reads_busy) || between;
      if (loads) begin
        {line, row, surface, column} <= '0;
        lines <= smaller(first_grain, first.height);
        if (agrees) base <= '0;
        image_base <= agrees ? '0 : base;
      end else if (takes) begin
        column <= end_of_line ? '0 : column + 14'd1;
        if (end_of_line) row <= end_of_surface ? '0 : row + 14'd1;
        if (end_of_surface) surface <= end_of_grain ? '0 : surface + 14'd1;
        if (end_of_grain) begin
          line <= line + lines;
          lines <= smaller(grain, launch.height - line - lines);
          if (last_grain) base <= wrapped(
              base + ((E'(launch.height) * E'(launch.line_entries)) << LOG_PARTS), capacity << LOG_PARTS);
        end
      end
    end
  end

endmodule
