// The control path of a last-level cache: the twin of hw_models/cache/, cycle by cycle.
//
// Requests wait at their bank in one queue, or reads and writes in one each (`split`). In every cycle a bank does
// the first that it can of: the oldest fill that has come back, the oldest read, the oldest write. A miss takes an
// MSHR, a way, and rows to memory for the fill and for the victim's write-back. Whoever waits for a line is answered
// when it comes. Lines take turns over the banks, banks over the ports, addresses over the memory channels; MSHRs and
// the write-back buffer are common to the banks, which take of them in turn, the first bank first.
// Data are not held: a row says only what moves, from which cycle on its reader may see it.
//
// Settings are inputs, stable from reset on; queues and MSHRs have as many places as their limits say, at most
// what the parameters give. A request must not cross a line. Times are cycles since reset.

module cache #(
    parameter int WAYS = 4,        // a power of two
    parameter int SETS = 8,        // likewise
    parameter int LINE_SHIFT = 6,  // log2 of the bytes of a line
    parameter int LINE_BITS = 12,  // of a line's number; what is fetched ahead stays below 2**LINE_BITS
    parameter int MASTERS = 2,
    parameter int STREAMS = 4,     // of a master
    parameter int MSHRS = 4,
    parameter int TARGETS = 4,
    parameter int QUEUE = 4,
    parameter int DOWN = 8,
    parameter int UP = 8,
    parameter int DEGREE = 4,      // most lines fetched ahead of an access
    parameter int BANKS = 1,       // a power of two
    parameter int PORTS = 1,       // likewise, at most as many
    parameter int CHANNELS = 1,    // of memory, likewise
    localparam int K = BANKS > 1 ? $clog2(BANKS) : 1,
    localparam int P = PORTS > 1 ? $clog2(PORTS) : 1,
    localparam int H = CHANNELS > 1 ? $clog2(CHANNELS) : 1,
    localparam int W = $clog2(WAYS),
    localparam int S = $clog2(SETS),
    localparam int M = $clog2(MASTERS),
    localparam int R = $clog2(STREAMS),
    localparam int I = $clog2(MSHRS),
    localparam int A = LINE_BITS + LINE_SHIFT,
    localparam int B = LINE_SHIFT + 1,  // of a number of bytes
    localparam int C = 16,  // of a counter
    localparam int T = 32   // of a time
) (
    input  logic clk,
    input  logic rst,

    // settings
    input  logic [2:0]  policy,
    input  logic [15:0] seed,
    input  logic        split,
    input  logic [1:0]  conflict,   // a request whose line is on its way: 0 merges, 1 waits, 2 so does its set
    input  logic        hit_when_full,
    input  logic [1:0]  placement,  // 0 memory side, 1 inclusive, 2 exclusive
    input  logic [1:0]  prefetch,   // 0 none, 1 next line, 2 stride
    input  logic [2:0]  degree,
    input  logic [7:0]  entry_latency,
    input  logic [7:0]  hit_latency,
    input  logic [7:0]  fill_latency,   // from 1 on
    input  logic [7:0]  miss_latency,
    input  logic [7:0]  overhead,
    input  logic [7:0]  probe,
    input  logic [2:0]  width_shift,    // log2 of the bytes that the data array moves in a cycle
    input  logic [K-1:0] bank_mask,     // banks in use, less one
    input  logic [P-1:0] port_mask,
    input  logic [H-1:0] channel_mask,
    input  logic [3:0]  channel_shift,  // log2 of the bytes until the next channel has its turn
    input  logic [7:0]  queue_limit,
    input  logic [7:0]  mshr_limit,
    input  logic [7:0]  target_limit,
    input  logic [7:0]  writeback_limit,  // 0: a write-back keeps its MSHR
    input  logic [7:0]  down_limit,
    input  logic [7:0]  up_limit,
    input  logic [MASTERS-1:0][WAYS-1:0]    allowed,  // ways that a master's misses may take
    input  logic [MASTERS-1:0][STREAMS-1:0] bypass,
    input  logic [MASTERS-1:0][STREAMS-1:0] discard,

    // requests, each at the port of its line
    input  logic [PORTS-1:0]        req_valid,
    output logic [PORTS-1:0]        req_ready,
    input  logic [PORTS-1:0][A-1:0] req_address,
    input  logic [PORTS-1:0][B-1:0] req_bytes,
    input  logic [PORTS-1:0]        req_write,
    input  logic [PORTS-1:0][M-1:0] req_master,
    input  logic [PORTS-1:0][R-1:0] req_stream,
    input  logic [PORTS-1:0][7:0]   req_tag,

    // answers
    output logic [PORTS-1:0]        up_valid,
    input  logic [PORTS-1:0]        up_ready,
    output logic [PORTS-1:0][B-1:0] up_bytes,
    output logic [PORTS-1:0]        up_write,
    output logic [PORTS-1:0][M-1:0] up_master,
    output logic [PORTS-1:0][7:0]   up_tag,

    // to memory; `down_tag` is an MSHR, or MSHRS and more for a write-back
    output logic [CHANNELS-1:0]        down_valid,
    input  logic [CHANNELS-1:0]        down_ready,
    output logic [CHANNELS-1:0][A-1:0] down_address,
    output logic [CHANNELS-1:0][B-1:0] down_bytes,
    output logic [CHANNELS-1:0]        down_write,
    output logic [CHANNELS-1:0][M-1:0] down_master,
    output logic [CHANNELS-1:0][R-1:0] down_stream,
    output logic [CHANNELS-1:0][I:0]   down_tag,

    // its answers; of a read they may come in parts
    input  logic [CHANNELS-1:0]        rsp_valid,
    input  logic [CHANNELS-1:0][B-1:0] rsp_bytes,
    input  logic [CHANNELS-1:0]        rsp_write,
    input  logic [CHANNELS-1:0][I:0]   rsp_tag,

    // what is held, and what came of it
    output logic [7:0] mshrs_used,
    output logic [7:0] writebacks_used,
    output logic [MASTERS-1:0][C-1:0] hits,
    output logic [MASTERS-1:0][C-1:0] misses,
    output logic [MASTERS-1:0][C-1:0] merges,
    output logic [MASTERS-1:0][C-1:0] bypasses,
    output logic [MASTERS-1:0][C-1:0] evictions,
    output logic [MASTERS-1:0][C-1:0] writebacks,
    output logic [MASTERS-1:0][C-1:0] fills,
    output logic [MASTERS-1:0][C-1:0] prefetches,
    output logic [MASTERS-1:0][C-1:0] prefetch_hits,
    output logic [MASTERS-1:0][C-1:0] recalls,
    output logic [MASTERS-1:0][C-1:0] waited  // cycles of requests looked up, since they could be
);

  `include "replacement.svh"

  localparam logic [1:0] STALL_LINE = 2'd1, STALL_SET = 2'd2, INCLUSIVE = 2'd1, EXCLUSIVE = 2'd2;
  localparam logic [1:0] NEXT_LINE = 2'd1, STRIDE = 2'd2;
  localparam logic [2:0] FILL = 3'b001, KEEP = 3'b010, PASS = 3'b100;  // what an MSHR is kept for
  localparam logic [B-1:0] LINE_BYTES = B'(1 << LINE_SHIFT);
  localparam int D = LINE_BITS + 2;  // of the distance of two lines, with its sign

  typedef struct packed {
    logic [T-1:0] ready;  // cycle from which its reader may see it
    logic [A-1:0] address;
    logic [B-1:0] bytes;
    logic write;
    logic [M-1:0] master;
    logic [R-1:0] stream;
    logic [7:0] tag;
  } row_t;

  typedef struct packed {
    logic [2:0] used;
    logic [LINE_BITS-1:0] line;
    logic allocated;  // the line has a way
    logic [W-1:0] way;
    logic [B-1:0] missing;  // bytes still to come
    logic [7:0] targets;
    logic [7:0] served;
  } mshr_t;

  typedef struct packed {
    logic [WAYS-1:0] present;
    logic [WAYS-1:0] dirty;
    logic [WAYS-1:0] busy;
    logic [WAYS-1:0] prefetched;
    logic [WAYS-1:0][I-1:0] mshr;   // of the fill under way
    logic [WAYS-1:0][M-1:0] owner;  // who brought the line, or wrote it last
    logic [WAYS-1:0][LINE_BITS-1:0] line;
    order_t order;
  } set_t;

  typedef struct packed {
    logic [LINE_BITS-1:0] last;
    logic signed [D-1:0] step;
    logic [1:0] confidence;
  } stride_t;

  logic [T-1:0] now;
  logic [T-1:0] free[BANKS];  // cycle from which a bank can begin an access
  logic [T-1:0] last_up[PORTS];
  logic [15:0] lfsr;
  set_t sets[SETS];
  row_t rings[BANKS][2][QUEUE];
  logic [7:0] ring_count[BANKS][2];
  mshr_t mshrs[MSHRS];
  row_t targets[MSHRS][TARGETS];
  logic [I-1:0] back[BANKS][MSHRS];  // MSHRs whose fill has come back, in order
  logic [7:0] back_count[BANKS];
  row_t ups[PORTS][UP], downs[CHANNELS][DOWN];
  logic [7:0] up_count[PORTS], down_count[CHANNELS];
  logic [7:0] held, writing;  // MSHRs and places of the write-back buffer that are taken
  stride_t strides[MASTERS][STREAMS];

  typedef struct packed {
    logic [MASTERS-1:0][C-1:0] hits, misses, merges, bypasses, evictions, writebacks, fills, prefetches;
    logic [MASTERS-1:0][C-1:0] prefetch_hits, recalls, waited;
  } counts_t;
  counts_t counts;

  // One clocked process works on these registers step by step, through the functions below.
  /* verilator lint_off BLKSEQ */

  function automatic logic [T-1:0] beats(logic [B-1:0] bytes);
    return (T'(bytes) + (T'(1) << width_shift) - T'(1)) >> width_shift;
  endfunction

  function automatic logic [K-1:0] bank_of(logic [LINE_BITS-1:0] line);
    return K'(line & LINE_BITS'(bank_mask));
  endfunction

  function automatic logic [P-1:0] port_of(logic [K-1:0] bank);
    return P'(bank & K'(port_mask));
  endfunction

  function automatic logic [H-1:0] channel_of(logic [A-1:0] address);
    return H'(address >> channel_shift) & channel_mask;
  endfunction

  function automatic logic [WAYS-1:0] holding(logic [S-1:0] s, logic [LINE_BITS-1:0] line);
    for (int w = 0; w < WAYS; w++) holding[w] = sets[s].present[w] && sets[s].line[w] == line;
  endfunction

  // another MSHR's miss under way in the set of a line
  function automatic logic set_conflict(logic [S-1:0] s);
    set_conflict = 1'b0;
    for (int m = 0; m < MSHRS; m++) begin
      if (mshrs[m].used != '0 && S'(mshrs[m].line) == s) set_conflict = 1'b1;
    end
  endfunction

  function automatic void push_up(logic [P-1:0] port, row_t row, logic [T-1:0] ready);
    if (ready > last_up[port]) last_up[port] = ready;  // not before what was answered earlier
    ups[port][up_count[port][$clog2(UP)-1:0]] = row;
    ups[port][up_count[port][$clog2(UP)-1:0]].ready = last_up[port];
    up_count[port] = up_count[port] + 8'd1;
  endfunction

  function automatic void push_down(row_t row);
    logic [H-1:0] channel;
    channel = channel_of(row.address);
    downs[channel][down_count[channel][$clog2(DOWN)-1:0]] = row;
    downs[channel][down_count[channel][$clog2(DOWN)-1:0]].ready = now + T'(miss_latency);
    down_count[channel] = down_count[channel] + 8'd1;
  endfunction

  function automatic logic [I-1:0] free_mshr();
    free_mshr = '0;
    for (int m = MSHRS - 1; m >= 0; m--) if (mshrs[m].used == '0) free_mshr = I'(m);
  endfunction

  function automatic void take_mshr(
      logic [I-1:0] index, logic [2:0] reasons, logic [LINE_BITS-1:0] line, logic allocated, logic [W-1:0] way,
      logic [B-1:0] bytes
  );
    mshrs[index] = '{used: reasons, line: line, allocated: allocated, way: way, missing: bytes, targets: '0,
                     served: '0};
    held = held + 8'd1;
  endfunction

  function automatic void drop(logic [I-1:0] index, logic [2:0] reasons);
    mshrs[index].used = mshrs[index].used & ~reasons;
    if (mshrs[index].used == '0) held = held - 8'd1;
  endfunction

  function automatic void wait_for_fill(logic [I-1:0] index, row_t row);
    targets[index][mshrs[index].targets[$clog2(TARGETS)-1:0]] = row;
    mshrs[index].targets = mshrs[index].targets + 8'd1;
  endfunction

  function automatic void use_way(logic [S-1:0] s, logic [W-1:0] way, logic fresh, logic discarded);
    if (fresh && policy == BRRIP) lfsr = step(lfsr);
    sets[s].order = used(sets[s].order, way, fresh ? first_distance(policy, lfsr[4:0]) : 2'd0, discarded);
  endfunction

  function automatic void overwrite(logic [S-1:0] s, logic [W-1:0] way, logic [M-1:0] master);
    sets[s].dirty[way] = 1'b1;
    sets[s].owner[way] = master;
  endfunction

  // nothing that a line's miss takes is scarce; `spare` MSHRs stay free
  function automatic logic is_clear(logic [LINE_BITS-1:0] line, logic [W-1:0] way, logic fill, logic [7:0] spare);
    logic [S-1:0] s;
    logic dirty, keeps;
    logic [H-1:0] above, below;  // channels of the line and of its victim
    logic [7:0] rows;
    s = S'(line);
    dirty = sets[s].present[way] && sets[s].dirty[way];
    keeps = dirty && writeback_limit == 0;
    above = channel_of({line, LINE_SHIFT'(0)});
    below = dirty ? channel_of({sets[s].line[way], LINE_SHIFT'(0)}) : above;
    rows = 8'(fill) + 8'(dirty && above == below);
    is_clear = 1'b1;
    if (sets[s].busy[way]) is_clear = 1'b0;
    if ((fill || keeps) && held + spare >= mshr_limit) is_clear = 1'b0;
    if (dirty && !keeps && writing >= writeback_limit) is_clear = 1'b0;
    if (rows != 0 && down_count[above] + rows > down_limit) is_clear = 1'b0;
    if (above != below && down_count[below] >= down_limit) is_clear = 1'b0;
  endfunction

  // give `way` to a line; nothing is in the way. Returns the MSHR of the fill and the bank's cycles
  function automatic logic [I+T-1:0] allocate(
      logic [LINE_BITS-1:0] line, logic [W-1:0] way, logic [M-1:0] master, logic [R-1:0] stream, logic fill,
      logic discarded
  );
    logic [S-1:0] s;
    logic out, dirty, keeps;
    logic [I-1:0] index;
    logic [T-1:0] busy;
    s = S'(line);
    out = sets[s].present[way];
    dirty = out && sets[s].dirty[way];
    keeps = dirty && writeback_limit == 0;
    index = free_mshr();
    busy = '0;
    if (fill || keeps) take_mshr(index, (fill ? FILL : '0) | (keeps ? KEEP : '0), line, 1'b1, way, LINE_BYTES);
    if (fill) begin
      push_down('{ready: '0, address: {line, LINE_SHIFT'(0)}, bytes: LINE_BYTES, write: 1'b0, master: master,
                  stream: stream, tag: 8'(index)});
      counts.fills[master] = counts.fills[master] + C'(1);
    end
    if (out) begin
      counts.evictions[sets[s].owner[way]] = counts.evictions[sets[s].owner[way]] + C'(1);
      sets[s].order = evicted(sets[s].order, way, allowed[master]);
      if (evicting_steps(policy)) lfsr = step(lfsr);
      if (placement == INCLUSIVE) begin
        counts.recalls[sets[s].owner[way]] = counts.recalls[sets[s].owner[way]] + C'(1);
        busy = T'(probe);
      end
      if (dirty) begin
        push_down('{ready: '0, address: {sets[s].line[way], LINE_SHIFT'(0)}, bytes: LINE_BYTES, write: 1'b1,
                    master: sets[s].owner[way], stream: stream, tag: 8'(MSHRS) + (keeps ? 8'(index) : 8'd0)});
        counts.writebacks[sets[s].owner[way]] = counts.writebacks[sets[s].owner[way]] + C'(1);
        if (!keeps) writing = writing + 8'd1;
        busy = busy + beats(LINE_BYTES);
      end
    end
    sets[s].present[way] = 1'b1;
    sets[s].dirty[way] = 1'b0;
    sets[s].line[way] = line;
    sets[s].owner[way] = master;
    sets[s].busy[way] = fill;
    sets[s].mshr[way] = index;
    sets[s].prefetched[way] = 1'b0;
    use_way(s, way, 1'b1, discarded);
    return {index, busy};
  endfunction

  // a bank's oldest fill that has come back: into the array, and answers to who waits for it
  function automatic logic take_fill(logic [K-1:0] bank);
    logic [I-1:0] index;
    logic [P-1:0] port;
    index = back[bank][0];
    port = port_of(bank);
    for (int t = 0; t < TARGETS; t++) begin
      if (mshrs[index].served < mshrs[index].targets && up_count[port] < up_limit) begin
        push_up(port, targets[index][mshrs[index].served[$clog2(TARGETS)-1:0]], now + T'(fill_latency));
        mshrs[index].served = mshrs[index].served + 8'd1;
      end
    end
    if (mshrs[index].served < mshrs[index].targets) return 1'b0;
    if (mshrs[index].allocated) begin
      sets[S'(mshrs[index].line)].busy[mshrs[index].way] = 1'b0;
      free[bank] = now + beats(LINE_BYTES);
    end
    drop(index, FILL | PASS);
    for (int n = 0; n < MSHRS - 1; n++) back[bank][n] = back[bank][n+1];
    back_count[bank] = back_count[bank] - 8'd1;
    return 1'b1;
  endfunction

  // try the oldest request of a queue; Returns {done, it missed or was the first use of a prefetched line}
  function automatic logic [1:0] look_up(row_t row);
    logic [LINE_BITS-1:0] line;
    logic [P-1:0] port;
    logic [S-1:0] s;
    logic [WAYS-1:0] found;
    logic [W-1:0] way, victim;
    logic [T-1:0] took, busy;
    logic [I-1:0] index;
    logic present, fill, first, discarded;
    line = row.address[A-1:LINE_SHIFT];
    port = port_of(bank_of(line));
    s = S'(line);
    found = holding(s, line);
    present = found != '0;
    way = first_of(found);
    index = sets[s].mshr[way];
    discarded = discard[row.master][row.stream];
    first = present && sets[s].prefetched[way];
    took = beats(row.bytes);
    if (conflict == STALL_SET && set_conflict(s)) return 2'b00;
    if (!hit_when_full && held >= mshr_limit) return 2'b00;
    if (up_count[port] >= up_limit) return 2'b00;

    if (present && sets[s].busy[way]) begin
      if (conflict == STALL_LINE) return 2'b00;
      if (!row.write) begin
        if (mshrs[index].targets >= target_limit) return 2'b00;
        wait_for_fill(index, row);
        took = T'(1);
      end
      counts.merges[row.master] = counts.merges[row.master] + C'(1);
      use_way(s, way, 1'b0, discarded);
      if (row.write) begin
        overwrite(s, way, row.master);
        push_up(port, row, now + T'(hit_latency) + took - T'(1));
      end
    end else if (present) begin
      counts.hits[row.master] = counts.hits[row.master] + C'(1);
      use_way(s, way, 1'b0, discarded);
      if (row.write) begin
        overwrite(s, way, row.master);
        push_up(port, row, now + T'(hit_latency) + took - T'(1));
      end else begin
        push_up(port, row, now + T'(hit_latency));
        if (placement == EXCLUSIVE) sets[s].present[way] = 1'b0;  // the line moves up
      end
    end else if (bypass[row.master][row.stream] || (placement == EXCLUSIVE && !row.write)) begin
      if (held >= mshr_limit || down_count[channel_of(row.address)] >= down_limit) return 2'b00;
      index = free_mshr();
      take_mshr(index, PASS, line, 1'b0, '0, row.bytes);
      wait_for_fill(index, row);
      push_down('{ready: '0, address: row.address, bytes: row.bytes, write: row.write, master: row.master,
                  stream: row.stream, tag: 8'(index)});
      counts.misses[row.master] = counts.misses[row.master] + C'(1);
      counts.bypasses[row.master] = counts.bypasses[row.master] + C'(1);
      if (!row.write) took = T'(1);
    end else begin
      victim = choose(policy, sets[s].order, sets[s].present, allowed[row.master], lfsr);
      fill = !row.write || row.bytes < LINE_BYTES;
      if (!is_clear(line, victim, fill, 8'd0)) return 2'b00;
      {index, busy} = allocate(line, victim, row.master, row.stream, fill, discarded);
      counts.misses[row.master] = counts.misses[row.master] + C'(1);
      if (!row.write) begin
        wait_for_fill(index, row);
        took = T'(1) + busy;
      end else begin
        overwrite(s, victim, row.master);
        if (busy != '0) took = took + T'(1) + busy;
        push_up(port, row, now + T'(hit_latency) + took - T'(1));
      end
    end
    free[bank_of(line)] = now + T'(overhead) + took;
    counts.waited[row.master] = counts.waited[row.master] + C'(now - row.ready);
    if (first) begin
      sets[s].prefetched[way] = 1'b0;
      counts.prefetch_hits[row.master] = counts.prefetch_hits[row.master] + C'(1);
    end
    return {1'b1, first || !present};
  endfunction

  // by how many lines to fetch ahead after an access to a line, 0 for not at all
  function automatic logic signed [D-1:0] ahead_by(
      logic [LINE_BITS-1:0] line, logic [M-1:0] master, logic [R-1:0] stream, logic fresh
  );
    logic signed [D-1:0] moved;
    stride_t s;
    s = strides[master][stream];
    moved = D'(line) - D'(s.last);
    if (prefetch == NEXT_LINE) return D'(fresh);
    if (prefetch != STRIDE || moved == '0) return '0;
    s.confidence = (moved != s.step) ? 2'd1 : (s.confidence == 2'd2) ? 2'd2 : s.confidence + 2'd1;
    s.step = moved;
    s.last = line;
    strides[master][stream] = s;
    return (s.confidence == 2'd2) ? moved : '0;
  endfunction

  function automatic void fetch_ahead(logic [LINE_BITS-1:0] line, logic [M-1:0] master, logic [R-1:0] stream);
    logic [S-1:0] s;
    logic [W-1:0] way;
    logic [T-1:0] busy;
    logic [K-1:0] bank;
    s = S'(line);
    way = choose(policy, sets[s].order, sets[s].present, allowed[master], lfsr);
    if (holding(s, line) == '0 && is_clear(line, way, 1'b1, 8'd1)) begin
      busy = T'(allocate(line, way, master, stream, 1'b1, discard[master][stream]));
      sets[s].prefetched[way] = 1'b1;
      bank = bank_of(line);
      free[bank] = ((free[bank] > now) ? free[bank] : now) + T'(overhead) + T'(1) + busy;
      counts.prefetches[master] = counts.prefetches[master] + C'(1);
    end
  endfunction

  // an answer from memory
  function automatic void respond(logic [I:0] tag, logic write, logic [B-1:0] bytes);
    logic [I-1:0] index;
    logic [K-1:0] bank;
    if (tag >= (I + 1)'(MSHRS)) begin
      if (writeback_limit == 0) drop(I'(tag - (I + 1)'(MSHRS)), KEEP);
      else writing = writing - 8'd1;
    end else begin
      index = tag[I-1:0];
      mshrs[index].missing = write ? '0 : mshrs[index].missing - bytes;
      if (mshrs[index].missing == '0) begin
        bank = bank_of(mshrs[index].line);
        back[bank][back_count[bank][I-1:0]] = index;
        back_count[bank] = back_count[bank] + 8'd1;
      end
    end
  endfunction

  // what a bank can do in a cycle, and what is fetched ahead of it; returns whether a fill was taken
  function automatic logic serve(logic [K-1:0] bank);
    logic going, done, fresh;
    row_t row;
    logic signed [D-1:0] by;
    logic signed [D+3:0] next_line;
    serve = 1'b0;
    going = 1'b1;
    for (int n = 0; n < MSHRS; n++) begin  // what passed by leaves the bank free: there may be several
      if (going && free[bank] <= now && back_count[bank] != 0) begin
        going = take_fill(bank);
        serve = serve || going;
      end
    end
    done = 1'b0;
    for (int r = 0; r < 2; r++) begin
      if (!done && free[bank] <= now && ring_count[bank][r] != 0 && rings[bank][r][0].ready <= now) begin
        row = rings[bank][r][0];
        {done, fresh} = look_up(row);
        if (done) begin
          for (int n = 0; n < QUEUE - 1; n++) rings[bank][r][n] = rings[bank][r][n+1];
          ring_count[bank][r] = ring_count[bank][r] - 8'd1;
        end
      end
    end
    by = '0;
    if (done) by = ahead_by(row.address[A-1:LINE_SHIFT], row.master, row.stream, fresh);
    if (by != '0 && !bypass[row.master][row.stream]) begin
      next_line = (D + 4)'(row.address[A-1:LINE_SHIFT]);
      for (int n = 0; n < DEGREE; n++) begin
        next_line = next_line + (D + 4)'(by);
        if (n < int'(degree) && next_line >= 0) begin
          fetch_ahead(next_line[LINE_BITS-1:0], row.master, row.stream);
        end
      end
    end
  endfunction

  logic [PORTS-1:0] accepts, pops_up;
  logic [CHANNELS-1:0] pops_down;
  logic again, taken;
  logic [K-1:0] here;
  logic which;

  always_comb begin
    for (int p = 0; p < PORTS; p++) begin
      req_ready[p] = ring_count[bank_of(req_address[p][A-1:LINE_SHIFT])][split && req_write[p]] < queue_limit;
      up_valid[p] = up_count[p] != 0 && ups[p][0].ready <= now;
      up_bytes[p] = up_valid[p] ? ups[p][0].bytes : '0;
      up_write[p] = up_valid[p] ? ups[p][0].write : '0;
      up_master[p] = up_valid[p] ? ups[p][0].master : '0;
      up_tag[p] = up_valid[p] ? ups[p][0].tag : '0;
    end
    for (int c = 0; c < CHANNELS; c++) begin
      down_valid[c] = down_count[c] != 0 && downs[c][0].ready <= now;
      down_address[c] = down_valid[c] ? downs[c][0].address : '0;
      down_bytes[c] = down_valid[c] ? downs[c][0].bytes : '0;
      down_write[c] = down_valid[c] ? downs[c][0].write : '0;
      down_master[c] = down_valid[c] ? downs[c][0].master : '0;
      down_stream[c] = down_valid[c] ? downs[c][0].stream : '0;
      down_tag[c] = down_valid[c] ? downs[c][0].tag[I:0] : '0;
    end
  end

  assign mshrs_used = held;
  assign writebacks_used = writing;
  assign {hits, misses, merges, bypasses, evictions, writebacks, fills, prefetches, prefetch_hits, recalls, waited} =
      counts;

  always_ff @(posedge clk) begin
    if (rst) begin
      now = '0;
      free = '{default: '0};
      last_up = '{default: '0};
      lfsr = seed;
      for (int b = 0; b < BANKS; b++) ring_count[b] = '{default: '0};
      back_count = '{default: '0};
      up_count = '{default: '0};
      down_count = '{default: '0};
      held = '0;
      writing = '0;
      counts = '0;
      for (int m = 0; m < MSHRS; m++) mshrs[m] = '0;
      for (int m = 0; m < MASTERS; m++) for (int s = 0; s < STREAMS; s++) strides[m][s] = '0;
      for (int s = 0; s < SETS; s++) begin
        sets[s] = '0;
        sets[s].order = fresh_order();
      end
    end else begin
      accepts = req_valid & req_ready;
      pops_up = up_valid & up_ready;
      pops_down = down_valid & down_ready;
      again = 1'b1;
      for (int turn = 0; turn < 2; turn++) begin
        if (again) begin
          again = 1'b0;
          for (int b = 0; b < BANKS; b++) begin
            taken = serve(K'(b));
            if (taken && b > 0) again = 1'b1;  // a bank before it may have waited for its MSHR
          end
        end
      end

      // what comes in, and what is taken
      for (int c = 0; c < CHANNELS; c++) begin
        if (rsp_valid[c]) respond(rsp_tag[c], rsp_write[c], rsp_bytes[c]);
        if (pops_down[c]) begin
          for (int n = 0; n < DOWN - 1; n++) downs[c][n] = downs[c][n+1];
          down_count[c] = down_count[c] - 8'd1;
        end
      end
      for (int p = 0; p < PORTS; p++) begin
        if (pops_up[p]) begin
          for (int n = 0; n < UP - 1; n++) ups[p][n] = ups[p][n+1];
          up_count[p] = up_count[p] - 8'd1;
        end
        here = bank_of(req_address[p][A-1:LINE_SHIFT]);
        which = split && req_write[p];
        if (accepts[p]) begin
          rings[here][which][ring_count[here][which][$clog2(QUEUE)-1:0]] = '{
              ready: now + T'(1) + T'(entry_latency), address: req_address[p], bytes: req_bytes[p],
              write: req_write[p], master: req_master[p], stream: req_stream[p], tag: req_tag[p]};
          ring_count[here][which] = ring_count[here][which] + 8'd1;
        end
      end
      now = now + T'(1);
    end
  end
  /* verilator lint_on BLKSEQ */

endmodule
