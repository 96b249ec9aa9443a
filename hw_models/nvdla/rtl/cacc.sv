// CACC: adds up the packages of a stripe, cuts the sums, hands finished pixels to SDP and credits to CSC.
//
// The twin of hw_models/nvdla/cacc.py (delivery) and of values/convolution.py (sums). SDP takes a pixel with
// its first beat; a pixel takes its beats and one bubble.

module cacc #(
    parameter int ATOMIC_K = 8,
    parameter int SDP_ELEMENTS = 1,
    parameter int SUM_BITS = 19,
    parameter int ACC_BITS = 34,
    parameter int OUT_BITS = 32,
    parameter int SHOW = 9                  // cycles from a pixel's last sum until it may leave, at least 4
) (
    input  logic                                  clk,
    input  logic                                  rst,
    // op-enable
    input  logic                                  enable,
    input  logic [4:0]                            registers,  // places to cut
    output logic                                  room,
    // CMAC
    input  logic                                  valid,
    input  logic                                  opens,      // first pixel of a package
    input  logic                                  first,      // of the stripe's packages
    input  logic                                  last,
    input  logic                                  end_launch,
    input  logic [ATOMIC_K-1:0][SUM_BITS-1:0]     sums,
    output logic                                  credit,     // a pixel has left
    // SDP
    output logic                                  sdp_valid,
    output logic                                  sdp_first,  // first beat of a pixel: SDP may refuse it
    input  logic                                  sdp_ready,
    output logic [SDP_ELEMENTS-1:0][OUT_BITS-1:0] sdp_data,
    output logic                                  done        // the launch's last pixel is taken
);

  localparam int PIXELS = 2 * ATOMIC_K;
  localparam int P = $clog2(PIXELS);
  localparam int BEATS = ATOMIC_K / SDP_ELEMENTS;
  localparam int CUT = 16;                  // places behind the point that the shifter keeps
  localparam int WIDE = ACC_BITS + CUT;

  typedef logic signed [ACC_BITS-1:0] sum_t;

  function automatic sum_t add(sum_t a, logic signed [SUM_BITS-1:0] b);
    logic signed [ACC_BITS:0] wide;
    wide = (ACC_BITS + 1)'(a) + (ACC_BITS + 1)'(b);
    if (wide[ACC_BITS] != wide[ACC_BITS-1]) begin
      return wide[ACC_BITS] ? {1'b1, {(ACC_BITS - 1) {1'b0}}} : {1'b0, {(ACC_BITS - 1) {1'b1}}};
    end
    return ACC_BITS'(wide);
  endfunction

  // rounded half away from zero; what lies below CUT places is lost before
  function automatic logic [OUT_BITS-1:0] cut(sum_t sum, logic [4:0] shift);
    logic signed [WIDE-1:0] wide;
    logic signed [ACC_BITS:0] whole;
    wide = $signed({sum, {CUT{1'b0}}}) >>> shift;
    whole = (ACC_BITS + 1)'($signed(wide[WIDE-1:CUT]));
    if (wide[CUT-1] && (!sum[ACC_BITS-1] || wide[CUT-2:0] != '0)) whole = whole + 1'b1;
    if (whole[ACC_BITS:OUT_BITS-1] != '0 && whole[ACC_BITS:OUT_BITS-1] != '1) begin
      return whole[ACC_BITS] ? {1'b1, {(OUT_BITS - 1) {1'b0}}} : {1'b0, {(OUT_BITS - 1) {1'b1}}};
    end
    return OUT_BITS'(whole);
  endfunction

  // register groups: the head's launch is the one whose pixels are cut, until all have been
  logic [1:0][4:0] groups;
  logic cut_group, head;
  logic [1:0] count;
  assign room = count < 2;
  wire enabled = enable && room;

  // partial sums
  logic [ATOMIC_K-1:0][ACC_BITS-1:0] partial[PIXELS];
  logic [P-1:0] pixel;
  wire [P-1:0] pixel_now = opens ? '0 : pixel;
  logic [ATOMIC_K-1:0][ACC_BITS-1:0] added;
  always_comb begin
    for (int k = 0; k < ATOMIC_K; k++) begin
      added[k] = add(first ? '0 : partial[pixel_now][k], sums[k]);
    end
  end

  // complete ones, then cut
  logic complete, complete_last;
  logic [ATOMIC_K-1:0][ACC_BITS-1:0] whole;
  logic [ATOMIC_K-1:0][OUT_BITS-1:0] result;
  always_comb begin
    for (int k = 0; k < ATOMIC_K; k++) result[k] = cut(whole[k], groups[cut_group]);
  end

  // delivery buffer
  logic [ATOMIC_K-1:0][OUT_BITS-1:0] buffer[PIXELS];
  logic [PIXELS-1:0] buffer_last;
  logic [P-1:0] fill_at, take_at;
  logic shows;
  delay #(.CYCLES(SHOW - 1)) wait_to_show (.clk, .rst, .in(valid && last), .out(shows));
  logic [P:0] there;                        // pixels that may leave
  logic [$clog2(BEATS+1)-1:0] beat;         // of the pixel under way; BEATS: the bubble
  wire starts = beat == 0 && there != 0;
  assign sdp_first = starts;
  wire takes = starts && sdp_ready;
  wire flows = takes || (beat != 0 && int'(beat) < BEATS);
  assign sdp_valid = starts || (beat != 0 && int'(beat) < BEATS);
  wire leaves = flows && int'(beat) == BEATS - 1;
  assign credit = leaves;
  wire [ATOMIC_K-1:0][OUT_BITS-1:0] front = buffer[take_at];
  always_comb begin
    for (int e = 0; e < SDP_ELEMENTS; e++) begin
      sdp_data[e] = front[$clog2(ATOMIC_K)'(int'(beat) * SDP_ELEMENTS + e)];
    end
  end
  assign done = takes && buffer_last[take_at];

  always_ff @(posedge clk) begin
    if (rst) begin
      {cut_group, head, count} <= '0;
      {fill_at, take_at, there, beat} <= '0;
      complete <= 1'b0;
    end else begin
      if (enabled) groups[head ^ count[0]] <= registers;
      count <= count + 2'(enabled) - 2'(done);
      if (done) head <= !head;

      complete <= valid && last;
      if (complete) begin
        fill_at <= fill_at + 1'b1;
        if (complete_last) cut_group <= !cut_group;
      end
      there <= there + (P + 1)'(shows) - (P + 1)'(takes);
      if (flows) beat <= beat + 1'b1;
      else if (int'(beat) == BEATS) beat <= '0;
      if (leaves) take_at <= take_at + 1'b1;
    end
    if (valid) begin
      pixel <= pixel_now + 1'b1;
      partial[pixel_now] <= added;
    end
    whole <= added;
    complete_last <= end_launch;
    if (complete) begin
      buffer[fill_at] <= result;
      buffer_last[fill_at] <= complete_last;
    end
  end

endmodule
