// CDMA's lines of images: the bytes of pixels, from anywhere in an atom, with padding on both sides.
//
// An entry a cycle, as soon as the atoms that it needs are there. An entry lies in two atoms, the one that was needed
// last and the next; a line that begins behind the first byte of its first entry needs a cycle for the first atom.

module cdma_pixels
  import cdma_types::*;
#(
    parameter int ATOM = 8,
    parameter int E = 17
) (
    input  logic              clk,
    input  logic              rst,
    input  logic              loads,        // a launch begins
    /* verilator lint_off UNUSEDSIGNAL */
    input  cdma_launch_t      launch,       // some of it
    /* verilator lint_on UNUSEDSIGNAL */
    input  logic [13:0]       atoms,        // of a line
    input  logic              valid,
    input  logic [8*ATOM-1:0] atom,
    output logic              write,
    output logic [E-1:0]      write_offset, // entry from the launch's first on
    output logic [8*ATOM-1:0] write_data
);

  localparam int LOG = $clog2(ATOM);
  localparam int PLACES = 8;
  localparam int W = 17;                    // of a byte's place in a line

  logic [8*ATOM-1:0] fifo[PLACES];
  logic [2:0] head, tail;
  logic [3:0] count;

  wire [2:0] each = launch.channels[2:0];   // bytes of a pixel
  wire [W-1:0] left = W'(launch.pad_left) * W'(each);
  wire [W-1:0] bytes = W'(launch.width) * W'(each);
  wire signed [W-1:0] ahead = W'(launch.address[LOG-1:0]) - left;  // of the line's first byte in its atom
  wire [LOG-1:0] shift = ahead[LOG-1:0];
  wire signed [W-1:0] whole = ahead >>> LOG;

  logic [13:0] place;                       // of the next entry in its line
  logic [E-1:0] line_offset;
  logic primed;
  logic [8*ATOM-1:0] last;
  wire primes = place == 0 && !primed && whole == 0 && shift != 0;
  wire signed [W-1:0] wanted = $signed(W'(place)) + whole + $signed(W'(shift != 0));
  wire needs = wanted >= 0 && wanted < $signed(W'(atoms));
  wire steps = count != 0 || (place != 0 && !needs);
  wire pops = steps && (primes || needs);
  wire ends = place + 14'd1 == 14'(launch.line_entries);
  wire [8*ATOM-1:0] front = fifo[head];
  wire [16*ATOM-1:0] pair = (shift == 0) ? {front, front} : {front, last};
  wire [8*ATOM-1:0] aligned = pair[{1'b0, shift, 3'd0}+:8*ATOM];
  assign write = steps && !primes;
  assign write_offset = line_offset + E'(place);
  always_comb begin
    logic [W-1:0] at;
    for (int n = 0; n < ATOM; n++) begin
      at = (W'(place) << LOG) + W'(n);
      write_data[8*n+:8] = (at >= left && at - left < bytes) ? aligned[8*n+:8] : launch.pad_value;
    end
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      {head, tail, count, place, line_offset, primed} <= '0;
    end else begin
      count <= count + 4'(valid) - 4'(pops);
      if (valid) tail <= tail + 3'd1;
      if (pops) head <= head + 3'd1;
      primed <= (primed && !write) || (steps && primes);
      if (loads) line_offset <= '0;
      else if (write) begin
        place <= ends ? '0 : place + 14'd1;
        if (ends) line_offset <= line_offset + E'(launch.line_entries);
      end
    end
    if (valid) fifo[tail] <= atom;
    if (pops) last <= front;
  end

endmodule
