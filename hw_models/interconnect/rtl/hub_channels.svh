// The hub's channels, where there are caches: one brings released lines and the answers to probes, the other leads to
// memory. Twin of hub_channels.py. A cache takes its probes one at a time, and none while it gives back a line or has
// just got one; each answer takes the cache some cycles.

typedef struct {
  logic [SOURCES-1:0][X:0] probes, taken;  // on their way to a cache or unanswered; the first ones the cache has taken
  logic [SOURCES-1:0][TRACKERS-1:0][T-1:0] probe_time;  // a probe is at the cache; a taken one's answer is at the hub
  logic [SOURCES-1:0][TRACKERS-1:0][X-1:0] probe_of;    // tracker
  logic [SOURCES-1:0][T-1:0] cache_free, released_until, granted_until;
  logic [SOURCES-1:0] releasing;           // until memory takes the line
  logic [TRACKERS-1:0] staged;             // a piece waits for its probes' answers
  logic [TRACKERS-1:0][I-1:0] staged_slot;
  logic [TRACKERS-1:0][A-1:0] staged_address;
  logic [TRACKERS-1:0][7:0] staged_way;    // cycles to the memory port
  logic [TRACKERS-1:0][U:0] unanswered;    // probes
  logic [TRACKERS-1:0][T-1:0] answered;    // the last of them
  logic answers_held, onward_held;         // until memory takes a write
  logic [T-1:0] answers_free, onward_free;
  logic [U-1:0] answers_turn;              // who had the channel last
} hub_t;

hub_t h;

function automatic logic is_probing();
  return CACHES != 0 && caching != 0;
endfunction

// a line that a cache gives back: it passes the hub without probes
function automatic logic is_release(logic [L-1:0] i);
  return CACHES != 0 && i[0] && caching[i[L-1:1]];
endfunction

// send out the probes of a transaction, one cache a cycle, not its own, and keep its piece until they are answered
function automatic void stage(logic [L-1:0] i, logic [X-1:0] t, logic [I-1:0] index, logic [A-1:0] address);
  logic [T-1:0] arrives, soonest;
  logic [7:0] others;
  others = '1;
  for (int m = 0; m < SOURCES; m++) others = others + 8'(caching[m]);
  arrives = s.now + ((probe > others) ? T'(probe - others) : T'(0));
  h.unanswered[t] = '0;
  soonest = arrives;
  for (int m = 0; m < SOURCES; m++) begin
    if (caching[m] && U'(m) != i[L-1:1]) begin
      h.probe_time[m][h.probes[m][X-1:0]] = arrives;
      h.probe_of[m][h.probes[m][X-1:0]] = t;
      h.probes[m] = h.probes[m] + (X + 1)'(1);
      h.unanswered[t] = h.unanswered[t] + (U + 1)'(1);
      soonest = arrives + T'(probe_answer);
      arrives = arrives + T'(1);
    end
  end
  h.answered[t] = soonest;
  soonest = soonest + T'(1);
  h.staged[t] = 1'b1;
  h.staged_slot[t] = index;
  h.staged_address[t] = address;
  h.staged_way[t] = (s.now + T'(latency[i]) > soonest) ? 8'(s.now + T'(latency[i]) - soonest) : 8'd0;
endfunction

// each cache takes the probe that has waited longest, unless something keeps it from that
function automatic void take_probes();
  logic blocked;
  for (int n = 0; n < SLOTS; n++) begin
    if (flight[n].used && flight[n].answered && !flight[n].lane[0] && flight[n].granted == s.now) begin
      h.granted_until[flight[n].lane[L-1:1]] = s.now + T'(grant_blocks);
    end
  end
  for (int m = 0; m < SOURCES; m++) begin
    blocked = (s.count[2*m+1] != 0 && rows[2*m+1][0].ready <= s.now) || h.releasing[m] ||
              h.released_until[m] > s.now || h.granted_until[m] > s.now;
    if (h.taken[m] < h.probes[m] && h.probe_time[m][h.taken[m][X-1:0]] <= s.now && h.cache_free[m] <= s.now &&
        !blocked) begin
      h.cache_free[m] = s.now + T'(probe_answer);
      h.probe_time[m][h.taken[m][X-1:0]] = h.cache_free[m];
      h.taken[m] = h.taken[m] + (X + 1)'(1);
    end
  end
endfunction

// let a cache's oldest answer through
function automatic void take_answer(logic [U-1:0] cache);
  logic [X-1:0] t;
  t = h.probe_of[cache][0];
  for (int n = 0; n < TRACKERS - 1; n++) begin
    h.probe_time[cache][n] = h.probe_time[cache][n+1];
    h.probe_of[cache][n] = h.probe_of[cache][n+1];
  end
  h.probes[cache] = h.probes[cache] - (X + 1)'(1);
  h.taken[cache] = h.taken[cache] - (X + 1)'(1);
  h.unanswered[t] = h.unanswered[t] - (U + 1)'(1);
  h.answered[t] = s.now;
  h.answers_free = s.now + T'(1);
endfunction

// keep the channel to memory for a write: for its beats, or until memory takes its data
function automatic void hold(logic [T-1:0] moving);
  h.onward_free = s.now + moving;
  h.onward_held = until_taken;
endfunction

// pass a released line on: both channels are its own until memory takes it
function automatic void send_release(logic [U-1:0] cache);
  logic [L-1:0] i;
  logic [B-1:0] bytes;
  logic [T-1:0] moving;
  logic [I-1:0] index;
  i = {cache, 1'b1};
  bytes = size_of(i);
  moving = beats(cache, bytes);
  index = take_slot(i, '0, 1'b0);
  push_down('0, row_down(index, s.now + T'(1), address_of(i)));
  spend(cache, 1'b1, bytes);
  s.busy_cycles[bus_of('0, 1'b1)] = s.busy_cycles[bus_of('0, 1'b1)] + C'(moving);
  hold(moving);
  h.answers_free = h.onward_free;
  h.answers_held = h.onward_held;
  h.released_until[cache] = h.onward_free;
  h.releasing[cache] = h.onward_held;
  leave(i, bytes);
endfunction

// memory takes the data of a write, the only one under way: its channels are free from `free` on
function automatic void let_go(logic [I-1:0] index, logic [T-1:0] free);
  if (h.onward_held) begin
    h.onward_held = 1'b0;
    h.onward_free = free;
    if (h.answers_held) begin
      h.answers_held = 1'b0;
      h.answers_free = free;
      h.releasing[flight[index].lane[L-1:1]] = 1'b0;
      h.released_until[flight[index].lane[L-1:1]] = free;
    end
  end
endfunction

// send on what a tracker keeps
function automatic void send_staged(logic [X-1:0] t);
  logic [I-1:0] index;
  logic [L-1:0] i;
  index = h.staged_slot[t];
  i = flight[index].lane;
  push_down('0, row_down(index, s.now + T'(h.staged_way[t]), h.staged_address[t]));
  h.staged[t] = 1'b0;
  h.onward_free = s.now + T'(1);
  if (i[0]) hold(beats(i[L-1:1], flight[index].bytes));
endfunction

// can the way to memory take something in this cycle?
function automatic logic is_onward_free();
  return !h.onward_held && h.onward_free <= s.now && s.down_count[0] < down_limit;
endfunction

// give both channels to who is next: releases go before what has waited for answers
function automatic void take_turns();
  logic [U-1:0] cache;
  logic [L-1:0] i;
  logic answers, releases, done;
  cache = h.answers_turn;
  done = h.answers_held || h.answers_free > s.now;
  for (int n = 0; n < SOURCES; n++) begin
    cache = (cache == U'(SOURCES - 1)) ? '0 : cache + U'(1);
    i = {cache, 1'b1};
    answers = h.taken[cache] != 0 && h.probe_time[cache][0] <= s.now;
    releases = caching[cache] && s.count[i] != 0 && rows[i][0].ready + T'(latency[i]) <= s.now + T'(1) &&
               within_budget(cache, 1'b1, size_of(i)) && is_onward_free() && has_slot();
    if (!done && (answers || releases)) begin
      done = 1'b1;
      h.answers_turn = cache;
      if (answers) take_answer(cache);
      else send_release(cache);
    end
  end
  for (int t = 0; t < TRACKERS; t++) begin
    if (h.staged[t] && h.unanswered[t] == 0 && h.answered[t] < s.now && is_onward_free()) send_staged(X'(t));
  end
endfunction
