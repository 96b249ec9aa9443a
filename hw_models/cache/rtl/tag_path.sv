// Tags and replacement of the last-level cache: the twin of hw_models/cache/replacement.py, access by access.
//
// In a cycle with `valid`, `hit` and `way` say where the line is or will be, `evict` whether a line goes out
// for it, and which. The set is brought up to date at the clock edge. Policies are those of `policy`:
// 0 LRU, 1 tree-PLRU, 2 random, 3 SRRIP, 4 BRRIP, 5 one-bit predictions.

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

  localparam logic [2:0] LRU = 3'd0, PLRU = 3'd1, RANDOM = 3'd2, SRRIP = 3'd3, BRRIP = 3'd4;
  localparam logic [1:0] FAR = 2'd3;

  logic [WAYS-1:0][LINE_BITS-1:0] lines[SETS];
  logic [WAYS-1:0] present[SETS];
  logic [WAYS-1:0] dirty[SETS];
  logic [WAYS-1:0][W-1:0] ranks[SETS];     // LRU: 0 is the least recently used
  logic [WAYS-1:0] trees[SETS];            // PLRU: bit n is node n, 1 is the root; set: evict on the right
  logic [WAYS-1:0][1:0] distances[SETS];   // RRIP
  logic [WAYS-1:0] marked[SETS];
  logic [WAYS-1:0] discards[SETS];
  logic [15:0] lfsr;

  wire [S-1:0] set = line[S-1:0];

  function automatic logic [15:0] step(logic [15:0] value);
    return {value[0] ^ value[2] ^ value[3] ^ value[5], value[15:1]};
  endfunction

  // the way of bit number (lfsr mod number of bits) among those set in the mask
  function automatic logic [W-1:0] draw(logic [WAYS-1:0] mask, logic [15:0] value);
    logic [W:0] count, index;
    draw = '0;
    count = '0;
    for (int w = 0; w < WAYS; w++) count = count + (W + 1)'(mask[w]);
    index = (count == 0) ? '0 : (W + 1)'(value % 16'(count));
    for (int w = WAYS - 1; w >= 0; w--) begin
      count = count - (W + 1)'(mask[w]);
      if (mask[w] && count == index) draw = W'(w);
    end
  endfunction

  function automatic logic [W-1:0] follow(logic [WAYS-1:0] tree, logic [WAYS-1:0] mask);
    logic [W-1:0] node;
    logic right, possible;
    node = W'(1);
    follow = '0;
    for (int level = W - 1; level >= 0; level--) begin
      right = tree[node];
      possible = 1'b0;
      for (int w = 0; w < WAYS; w++) begin
        if (mask[w] && (w >> level) == ((int'(follow) >> level) | int'(right))) possible = 1'b1;
      end
      if (!possible) right = ~right;
      node = W'({node, right});
      follow[level] = right;
    end
  endfunction

  function automatic logic [WAYS-1:0] point_away(logic [WAYS-1:0] tree, logic [W-1:0] used);
    logic [W-1:0] node;
    point_away = tree;
    node = W'(1);
    for (int level = W - 1; level >= 0; level--) begin
      point_away[node] = ~used[level];
      node = W'({node, used[level]});
    end
  endfunction

  // look-up and choice
  logic [WAYS-1:0] empty, pool;
  logic [W-1:0] found, first_empty, choice;
  logic phase_over;
  always_comb begin
    hit = 1'b0;
    found = '0;
    first_empty = '0;
    for (int w = WAYS - 1; w >= 0; w--) begin
      if (present[set][w] && lines[set][w] == line) begin
        hit = 1'b1;
        found = W'(w);
      end
    end
    empty = allowed & ~present[set];
    for (int w = WAYS - 1; w >= 0; w--) if (empty[w]) first_empty = W'(w);

    phase_over = (allowed & (~marked[set] | discards[set])) == '0;
    pool = allowed;
    if ((allowed & discards[set]) != '0) pool = allowed & discards[set];
    else if ((allowed & ~marked[set]) != '0) pool = allowed & ~marked[set];

    choice = draw(allowed, 16'd0);  // the first
    case (policy)
      LRU: begin
        for (int w = 0; w < WAYS; w++) begin
          if (allowed[w] && ranks[set][w] < ranks[set][choice]) choice = W'(w);
        end
      end
      PLRU: choice = follow(trees[set], allowed);
      RANDOM: choice = draw(allowed, lfsr);
      SRRIP, BRRIP: begin
        for (int w = 0; w < WAYS; w++) begin
          if (allowed[w] && distances[set][w] > distances[set][choice]) choice = W'(w);
        end
      end
      default: choice = draw(pool, lfsr);
    endcase

    way = hit ? found : (empty != '0) ? first_empty : choice;
    evict = valid && !hit && empty == '0;
    victim = lines[set][way];
    victim_dirty = evict && dirty[set][way];
  end

  wire [15:0] lfsr_next = step(lfsr);

  always_ff @(posedge clk) begin
    if (rst) begin
      lfsr <= seed;
      for (int s = 0; s < SETS; s++) begin
        present[s] <= '0;
        dirty[s] <= '0;
        trees[s] <= '0;
        distances[s] <= '0;
        marked[s] <= '0;
        discards[s] <= '0;
        for (int w = 0; w < WAYS; w++) ranks[s][w] <= W'(w);
      end
    end else if (valid) begin
      lines[set][way] <= line;
      present[set][way] <= 1'b1;
      dirty[set][way] <= write || (hit && dirty[set][way]);

      for (int w = 0; w < WAYS; w++) begin
        if (ranks[set][w] > ranks[set][way]) ranks[set][w] <= ranks[set][w] - W'(1);
      end
      ranks[set][way] <= W'(WAYS - 1);
      trees[set] <= point_away(trees[set], way);

      for (int w = 0; w < WAYS; w++) begin  // the others grow older until the victim is at the far end
        if (evict && allowed[w]) distances[set][w] <= distances[set][w] + (FAR - distances[set][choice]);
      end
      if (hit) distances[set][way] <= 2'd0;
      else if (policy == BRRIP && lfsr_next[4:0] != '0) distances[set][way] <= FAR;
      else distances[set][way] <= FAR - 2'd1;

      if (evict && phase_over) begin
        marked[set] <= marked[set] & ~allowed;
        discards[set] <= discards[set] & ~allowed;
      end
      marked[set][way] <= ~discard;
      discards[set][way] <= discard;

      if ((policy == BRRIP && !hit) || (evict && policy != SRRIP && policy != BRRIP)) lfsr <= lfsr_next;
    end
  end

endmodule
