// Tags and replacement of the last-level cache, access by access.
//
// In a cycle with `valid`, `hit` and `way` say where the line is or will be, `evict` whether a line goes out
// for it, and which. The set is brought up to date at the clock edge.

module tag_path #(
    parameter int WAYS = 4,  // a power of two
    parameter int SETS = 8,
    parameter int LINE_BITS = 12,
    localparam int W = $clog2(WAYS),
    localparam int S = $clog2(SETS)
) (
    input  logic                 clk,
    input  logic                 rst,
    input  logic [2:0]           policy,
    input  logic [15:0]          seed,      // of the LFSR
    input  logic                 valid,
    input  logic [LINE_BITS-1:0] line,
    input  logic                 write,
    input  logic                 discard,   // predicted not to be used again
    input  logic [WAYS-1:0]      allowed,   // ways that a miss may take
    output logic                 hit,
    output logic [W-1:0]         way,
    output logic                 evict,
    output logic [LINE_BITS-1:0] victim,
    output logic                 victim_dirty
);

  `include "replacement.svh"

  logic [WAYS-1:0][LINE_BITS-1:0] lines[SETS];
  logic [WAYS-1:0] present[SETS];
  logic [WAYS-1:0] dirty[SETS];
  order_t orders[SETS];
  logic [15:0] lfsr;

  wire [S-1:0] set = line[S-1:0];

  logic [WAYS-1:0] equal;
  always_comb begin
    for (int w = 0; w < WAYS; w++) equal[w] = present[set][w] && lines[set][w] == line;
    hit = equal != '0;
    way = hit ? first_of(equal) : choose(policy, orders[set], present[set], allowed, lfsr);
    evict = valid && !hit && present[set][way];
    victim = lines[set][way];
    victim_dirty = evict && dirty[set][way];
  end

  logic [15:0] lfsr_next;
  order_t order_next;
  always_comb begin
    lfsr_next = lfsr;
    order_next = orders[set];
    if (evict) begin
      order_next = evicted(order_next, way, allowed);
      if (evicting_steps(policy)) lfsr_next = step(lfsr);
    end
    if (!hit && policy == BRRIP) lfsr_next = step(lfsr_next);
    order_next = used(order_next, way, hit ? 2'd0 : first_distance(policy, lfsr_next[4:0]), discard);
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      lfsr <= seed;
      for (int s = 0; s < SETS; s++) begin
        present[s] <= '0;
        dirty[s] <= '0;
        orders[s] <= fresh_order();
      end
    end else if (valid) begin
      lines[set][way] <= line;
      present[set][way] <= 1'b1;
      dirty[set][way] <= write || (hit && dirty[set][way]);
      orders[set] <= order_next;
      lfsr <= lfsr_next;
    end
  end

endmodule
