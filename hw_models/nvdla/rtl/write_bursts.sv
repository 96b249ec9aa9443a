// Write bursts of SDP, PDP and CDP: each waits until its data may be on the bus, then one leaves behind the other,
// with a cycle for its command in between.

module write_bursts #(
    parameter int PLACES = 32,               // bursts, a power of two; atoms as many
    parameter int LONGEST = 32               // cycles until a burst may leave, at most
) (
    input  logic                        clk,
    input  logic                        rst,
    input  logic                        push,
    input  logic [31:0]                 address,
    input  logic [3:0]                  atoms,
    input  logic [6:0]                  cycles,        // until it may leave
    output logic                        write_valid,
    input  logic                        write_ready,
    output logic [31:0]                 write_address,
    output logic [3:0]                  write_atoms,
    output logic [$clog2(PLACES)-1:0]   first          // of its atoms, counted from reset
);

  typedef struct packed {
    logic [31:0] address;
    logic [3:0]  atoms;
  } burst_t;
  burst_t bursts[PLACES];
  logic [$clog2(PLACES)-1:0] bursts_in, bursts_out, ripened;
  wire burst_t front = bursts[bursts_out];
  logic [LONGEST-1:0] under_way;
  logic [$clog2(PLACES):0] unripe, ripe;     // whose time has come, and those that may leave
  logic [4:0] gap;
  wire ripens = (unripe != 0 || under_way[0]) && gap == 0;
  assign write_valid = ripe != 0 || ripens;
  wire leaves = write_valid && write_ready;
  assign write_address = front.address;
  assign write_atoms = front.atoms;

  always_ff @(posedge clk) begin
    if (rst) {bursts_in, bursts_out, ripened, under_way, unripe, ripe, gap, first} <= '0;
    else begin
      if (push) bursts_in <= bursts_in + 1'b1;
      under_way <= under_way >> 1;
      if (push) under_way[int'(cycles)-1] <= 1'b1;
      unripe <= unripe + ($bits(unripe))'(under_way[0]) - ($bits(unripe))'(ripens);
      ripe <= ripe + ($bits(ripe))'(ripens) - ($bits(ripe))'(leaves);
      if (ripens) begin
        gap <= 5'(bursts[ripened].atoms);
        ripened <= ripened + 1'b1;
      end else if (gap != 0) gap <= gap - 5'd1;
      if (leaves) begin
        bursts_out <= bursts_out + 1'b1;
        first <= first + ($bits(first))'(front.atoms);
      end
    end
    if (push) bursts[bursts_in] <= '{address, atoms};
  end

endmodule
