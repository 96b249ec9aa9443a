// Replacement of one set: the twin of hw_models/cache/replacement.py. Included by modules with WAYS, a power of
// two from 2 on, and W = $clog2(WAYS). Policies are those of the model: 0 LRU, 1 tree-PLRU, 2 random, 3 SRRIP,
// 4 BRRIP, 5 one-bit predictions.

localparam logic [2:0] LRU = 3'd0, PLRU = 3'd1, RANDOM = 3'd2, SRRIP = 3'd3, BRRIP = 3'd4, PREDICTED = 3'd5;
localparam logic [1:0] FAR = 2'd3;

typedef struct packed {
  logic [WAYS-1:0][W-1:0] ranks;      // LRU: 0 is the least recently used
  logic [WAYS-1:0] tree;              // PLRU: bit n is node n, 1 is the root; set: evict on the right
  logic [WAYS-1:0][1:0] distances;    // RRIP
  logic [WAYS-1:0] marked;
  logic [WAYS-1:0] discards;
} order_t;

function automatic order_t fresh_order();
  fresh_order = '0;
  for (int w = 0; w < WAYS; w++) fresh_order.ranks[w] = W'(w);
endfunction

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

function automatic logic [WAYS-1:0] point_away(logic [WAYS-1:0] tree, logic [W-1:0] place);
  logic [W-1:0] node;
  point_away = tree;
  node = W'(1);
  for (int level = W - 1; level >= 0; level--) begin
    point_away[node] = ~place[level];
    node = W'({node, place[level]});
  end
endfunction

function automatic logic [W-1:0] first_of(logic [WAYS-1:0] mask);
  first_of = '0;
  for (int w = WAYS - 1; w >= 0; w--) if (mask[w]) first_of = W'(w);
endfunction

// the way that a miss takes: the first empty one, else the policy's
function automatic logic [W-1:0] choose(
    logic [2:0] kind, order_t order, logic [WAYS-1:0] present, logic [WAYS-1:0] mask, logic [15:0] value
);
  logic [WAYS-1:0] pool;
  pool = mask;
  if ((mask & order.discards) != '0) pool = mask & order.discards;
  else if ((mask & ~order.marked) != '0) pool = mask & ~order.marked;
  choose = first_of(mask);
  case (kind)
    LRU: begin
      for (int w = 0; w < WAYS; w++) begin
        if (mask[w] && order.ranks[w] < order.ranks[choose]) choose = W'(w);
      end
    end
    PLRU: choose = follow(order.tree, mask);
    RANDOM: choose = draw(mask, value);
    SRRIP, BRRIP: begin
      for (int w = 0; w < WAYS; w++) begin
        if (mask[w] && order.distances[w] > order.distances[choose]) choose = W'(w);
      end
    end
    default: choose = draw(pool, value);
  endcase
  if ((mask & ~present) != '0) choose = first_of(mask & ~present);
endfunction

// the set after a line in `place`, as chosen, has gone out
function automatic order_t evicted(
    order_t order, logic [W-1:0] place, logic [WAYS-1:0] mask
);
  evicted = order;
  for (int w = 0; w < WAYS; w++) begin  // all grow older until the victim is at the far end
    if (mask[w]) evicted.distances[w] = order.distances[w] + (FAR - order.distances[place]);
  end
  if ((mask & (~order.marked | order.discards)) == '0) begin  // a new phase
    evicted.marked = order.marked & ~mask;
    evicted.discards = order.discards & ~mask;
  end
endfunction

// the set after a use of `place`; `distance`: of a line that has just come
function automatic order_t used(order_t order, logic [W-1:0] place, logic [1:0] distance, logic gone);
  used = order;
  for (int w = 0; w < WAYS; w++) begin
    if (order.ranks[w] > order.ranks[place]) used.ranks[w] = order.ranks[w] - W'(1);
  end
  used.ranks[place] = W'(WAYS - 1);
  used.tree = point_away(order.tree, place);
  used.distances[place] = distance;
  used.marked[place] = ~gone;
  used.discards[place] = gone;
endfunction

function automatic logic [1:0] first_distance(logic [2:0] kind, logic [4:0] dice);
  return (kind == BRRIP && dice != '0) ? FAR : FAR - 2'd1;
endfunction

function automatic logic evicting_steps(logic [2:0] kind);
  return kind == RANDOM || kind == PREDICTED;
endfunction
