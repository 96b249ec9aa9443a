// A register with one skid entry, whose `ready` is a flop: it takes nothing in the cycle after one in which its item
// stood still.

module skid #(
    parameter int BITS = 8
) (
    input  logic            clk,
    input  logic            rst,
    input  logic            in_valid,
    output logic            in_ready,
    input  logic [BITS-1:0] in,
    output logic            out_valid,
    input  logic            out_ready,
    output logic [BITS-1:0] out
);

  logic waits;                              // one stands in the skid entry
  logic [BITS-1:0] waiting;
  wire enters = in_valid && in_ready;
  wire stands = out_valid && !out_ready;

  always_ff @(posedge clk) begin
    if (rst) begin
      {out_valid, waits} <= '0;
      in_ready <= 1'b1;
    end else begin
      in_ready <= !stands;
      out_valid <= stands || waits || enters;
      waits <= stands && (waits || enters);
    end
    if (!stands) out <= waits ? waiting : in;
    if (stands && enters) waiting <= in;
  end

endmodule
