// The interconnect between masters and memory ports: the twin of hw_models/interconnect/, cycle by cycle.
//
// Requests wait at their source in two lanes, reads and writes. The oldest of each is cut at multiples of the
// burst; a piece takes the request bus of its memory port, then the answer the response bus and the source's link.
// Answers go up in order by source and id, a row for each beat of the source's port; writes are acknowledged once.
// Behind a source there may be several masters, and memory ports may answer to addresses by a map of routes.
// Data are not held: a row says only what moves, from which cycle on its reader may see it.
//
// Settings are inputs, stable from reset on. Times are cycles since reset.

module crossbar #(
    parameter int SOURCES = 3,
    parameter int MASTERS = SOURCES,  // of the system; each comes by one source or more
    parameter int PORTS = 2,    // memory ports, from 2 on
    parameter int ROUTES = 1,   // of the address map
    parameter int QUEUE = 4,    // requests of a lane
    parameter int IDS = 4,      // of a source
    parameter int SLOTS = 32,   // pieces in flight
    parameter int DOWN = 8,     // rows on the way to a port
    parameter int UP = 16,      // rows on the way to a source
    parameter int FRAME = 8,    // most slots of a TDM frame
    parameter int TRACKERS = 4, // of the coherence hub at a port
    parameter int CACHES = 0,   // 1: the hub may have caches to probe, and then uses the first port only
    localparam int UNITS = SOURCES,
    localparam int U = $clog2(UNITS),
    localparam int LANES = 2 * SOURCES,  // lane = 2 * source + write
    localparam int BUSES = 2 * PORTS,    // bus = 2 * port + write, or port where reads and writes share
    localparam int M = $clog2(MASTERS),
    localparam int P = $clog2(PORTS),
    localparam int R = $clog2(ROUTES + 1),
    localparam int L = $clog2(LANES),
    localparam int K = $clog2(BUSES),
    localparam int N = $clog2(IDS),
    localparam int I = $clog2(SLOTS),
    localparam int F = $clog2(FRAME),
    localparam int X = $clog2(TRACKERS),
    localparam int A = 16,  // of an address
    localparam int B = 9,   // of a number of bytes
    localparam int C = 24,  // of a counter
    localparam int T = 32   // of a time
) (
    input  logic clk,
    input  logic rst,

    // settings
    input  logic [1:0]                 kind,   // of arbitration
    input  logic [SOURCES-1:0][7:0]    priorities,
    input  logic [SOURCES-1:0][7:0]    weights,
    input  logic [7:0]                 slot_cycles,
    input  logic [F:0]                 slots,
    input  logic [FRAME-1:0][U-1:0]    owners,
    input  logic                       separate,      // writes have buses and links of their own
    input  logic                       cut_through,
    input  logic [2:0]                 width_shift,   // log2 of the bytes that a bus moves in a cycle
    input  logic [3:0]                 burst_shift,
    input  logic [3:0]                 interleave_shift,
    input  logic [P-1:0]               port_mask,     // 0: only the first port is used
    input  logic [R-1:0]               route_count,       // 0: ports take turns by interleave_shift and port_mask
    input  logic [ROUTES-1:0][A-1:0]   route_base,        // first address
    input  logic [ROUTES-1:0][A-1:0]   route_last,        // last address
    input  logic [ROUTES-1:0][3:0]     route_turn_shift,  // log2 of the bytes until the next route has its turn
    input  logic [ROUTES-1:0][2:0]     route_turn_bits,   // log2 of the routes that take turns; 0: takes none
    input  logic [ROUTES-1:0][P-1:0]   route_turn,
    input  logic [ROUTES-1:0][P-1:0]   route_first,       // first of its ports
    input  logic [ROUTES-1:0][P-1:0]   route_mask,        // its ports less one: a power of two of them
    input  logic [ROUTES-1:0][3:0]     route_shift,       // log2 of the bytes until the next of its ports has its turn
    input  logic [7:0]                 queue_limit,
    input  logic [7:0]                 down_limit,
    input  logic [7:0]                 up_limit,
    input  logic [1:0][7:0]            port_limit,    // reads, writes in flight at a port
    input  logic [SOURCES-1:0][7:0]    entry,
    input  logic [LANES-1:0][7:0]      latency,
    input  logic [SOURCES-1:0][7:0]    response_latency,
    input  logic [SOURCES-1:0][2:0]    port_shift,    // log2 of the width of the source's own port
    input  logic [SOURCES-1:0][7:0]    limit,
    input  logic [SOURCES-1:0][N:0]    ids,
    input  logic [SOURCES-1:0]         several,       // masters behind a source: each has streams of its own
    input  logic [M:0]                 masters,       // of the system
    input  logic [SOURCES-1:0][7:0]    id_limit,
    input  logic [SOURCES-1:0]         fifo,          // one transaction an id
    input  logic [SOURCES-1:0][7:0]    fifo_release,
    input  logic [SOURCES-1:0]         regulated,
    input  logic [SOURCES-1:0]         reclaim,
    input  logic [SOURCES-1:0][15:0]   budgets,       // bytes a period
    input  logic [15:0]                period,
    input  logic [1:0][SOURCES-1:0]    group,         // who shares the budget of reads, of writes
    input  logic [1:0][15:0]           group_budget,
    input  logic [15:0]                group_period,
    input  logic [X:0]                 trackers,        // of the coherence hub; 0: none
    input  logic [3:0]                 line_shift,      // of which one transaction at a time is under way
    input  logic [7:0]                 accept_interval,
    input  logic [7:0]                 hub_release,     // the answer's last beat until its tracker is free
    input  logic [SOURCES-1:0]         caching,         // probed by the hub, and their writes are releases
    input  logic [7:0]                 probe,           // the grant until its probe is at the last of them
    input  logic [7:0]                 probe_answer,    // of a cache
    input  logic [7:0]                 grant_blocks,    // how long a cache takes no probe from a line's first beat on
    input  logic                       until_taken,     // a write holds the hub's channels until memory takes its data,
    input  logic [7:0]                 write_lead,      // so long before memory acknowledges it
    input  logic [7:0]                 answers_ahead,   // how long ahead memory tells of its answers

    // requests
    input  logic [SOURCES-1:0]         req_valid,
    output logic [SOURCES-1:0]         req_ready,
    input  logic [SOURCES-1:0][A-1:0]  req_address,
    input  logic [SOURCES-1:0][B-1:0]  req_bytes,
    input  logic [SOURCES-1:0]         req_write,
    input  logic [SOURCES-1:0][M-1:0]  req_master,
    input  logic [SOURCES-1:0][2:0]    req_stream,
    input  logic [SOURCES-1:0][7:0]    req_tag,

    // pieces to the memory ports
    output logic [PORTS-1:0]           down_valid,
    input  logic [PORTS-1:0]           down_ready,
    output logic [PORTS-1:0][A-1:0]    down_address,
    output logic [PORTS-1:0][B-1:0]    down_bytes,
    output logic [PORTS-1:0]           down_write,
    output logic [PORTS-1:0][M-1:0]    down_master,
    output logic [PORTS-1:0][2:0]      down_stream,
    output logic [PORTS-1:0][I-1:0]    down_tag,

    // their answers; of a read they may come in parts
    input  logic [PORTS-1:0]           rsp_valid,
    input  logic [PORTS-1:0][B-1:0]    rsp_bytes,
    input  logic [PORTS-1:0][I-1:0]    rsp_tag,

    // answers to the sources
    output logic [SOURCES-1:0]         up_valid,
    input  logic [SOURCES-1:0]         up_ready,
    output logic [SOURCES-1:0][B-1:0]  up_bytes,
    output logic [SOURCES-1:0]         up_write,
    output logic [SOURCES-1:0][M-1:0]  up_master,
    output logic [SOURCES-1:0][2:0]    up_stream,
    output logic [SOURCES-1:0][7:0]    up_tag,

    // what came of it
    output logic [MASTERS-1:0][C-1:0]  reads,
    output logic [MASTERS-1:0][C-1:0]  writes,
    output logic [MASTERS-1:0][C-1:0]  read_bytes,
    output logic [MASTERS-1:0][C-1:0]  write_bytes,
    output logic [MASTERS-1:0][C-1:0]  waited,        // cycles of requests that have left, since they could
    output logic [BUSES-1:0][C-1:0]    busy_cycles,
    output logic [BUSES-1:0][C-1:0]    back_busy_cycles,

    // the hub's state
    output logic [PORTS-1:0][TRACKERS-1:0] tracking,  // a transaction
    output logic [TRACKERS-1:0]        staged,        // a piece waits for its probes' answers, or for its turn
    output logic                       onward_busy    // the channel to memory
);

  `include "arbitration.svh"

  typedef struct packed {
    logic [T-1:0] ready;
    logic [A-1:0] address;
    logic [B-1:0] bytes;
    logic [M-1:0] master;
    logic [2:0] stream;
    logic [7:0] tag;
  } row_t;

  typedef struct packed {
    logic [T-1:0] ready;
    logic [A-1:0] address;
    logic [B-1:0] bytes;
    logic write;
    logic [M-1:0] master;
    logic [2:0] stream;
    logic [I-1:0] tag;
  } down_t;

  typedef struct packed {
    logic [T-1:0] ready;
    logic [B-1:0] bytes;
    logic write;
    logic [M-1:0] master;
    logic [2:0] stream;
    logic [7:0] tag;
  } up_t;

  typedef struct {
    logic used;
    logic answered;          // at `arrived` its first beat is at the source's side
    logic given_up;          // the source has been handed all of it, and sees the last at `seen`
    logic held;              // the source had no room for all of it
    logic last;              // completes its request
    logic [L-1:0] lane;
    logic [N-1:0] id;
    logic [P-1:0] port;
    logic [B-1:0] bytes;
    logic [B-1:0] missing;   // bytes not yet answered
    logic [7:0] given;       // rows handed to the source
    logic [B-1:0] request_bytes;
    logic [M-1:0] master;
    logic [2:0] stream;
    logic [7:0] tag;
    logic tracked;           // by the hub
    logic [X-1:0] tracker;
    logic [T-1:0] arrived;
    logic [T-1:0] granted;   // the last answer's first beat is at the source's side
    logic [T-1:0] gone;      // has left its port
    logic [T-1:0] seen;
    logic followed;          // by `next` with the same id
    logic [I-1:0] next;
  } slot_t;

  typedef struct {
    logic [T-1:0] now;
    logic [7:0] slot_cycle;
    logic [F-1:0] slot;
    logic [LANES-1:0][7:0] count;
    logic [LANES-1:0][B-1:0] sent;  // bytes of the oldest request already on their way
    logic [SOURCES-1:0] write_turn;
    logic [SOURCES-1:0] head_known, head;  // which of its lanes stands first in a source's one channel
    logic [SOURCES-1:0][IDS-1:0] unanswered;  // an id's last transaction
    logic [SOURCES-1:0][IDS-1:0][T-1:0] id_until;  // when the next may go
    logic [BUSES-1:0][T-1:0] bus_free, back_free;
    logic [LANES-1:0][T-1:0] link_free;
    logic [LANES-1:0][IDS-1:0] flying;  // there is an oldest piece
    logic [LANES-1:0][IDS-1:0][I-1:0] oldest, newest;
    logic [PORTS-1:0][7:0] down_count;
    logic [SOURCES-1:0][7:0] up_count;
    logic [15:0] period_cycle, group_cycle;
    logic [SOURCES-1:0][15:0] spent, share;
    logic [15:0] pool;
    logic [1:0][15:0] group_spent;
    logic [PORTS-1:0][TRACKERS-1:0] busy;  // a tracker: its transaction is unanswered
    logic [PORTS-1:0][TRACKERS-1:0][A-1:0] line;
    logic [PORTS-1:0][TRACKERS-1:0][T-1:0] tracked_until;
    logic [MASTERS-1:0][C-1:0] reads, writes, read_bytes, write_bytes, waited;
    logic [BUSES-1:0][C-1:0] busy_cycles, back_busy_cycles;
  } state_t;

  state_t s;
  row_t rows[LANES][QUEUE];
  slot_t flight[SLOTS];
  down_t downs[PORTS][DOWN];
  up_t ups[SOURCES][UP];
  turn_t turns[BUSES];

  // One clocked process works on these registers step by step, through the functions below.
  /* verilator lint_off BLKSEQ */

  `include "crossbar_routes.svh"
  `include "crossbar_lanes.svh"
  `include "crossbar_answers.svh"
  `include "hub.svh"
  `include "hub_channels.svh"

  logic [SOURCES-1:0] accepts, pops_up;
  logic [PORTS-1:0] pops_down;
  logic [LANES-1:0] able;
  logic [UNITS-1:0] asking;
  logic [U:0] choice;
  logic [L-1:0] winner;
  logic sent;

  always_comb begin
    for (int p = 0; p < PORTS; p++) begin
      down_valid[p] = s.down_count[p] != 0 && downs[p][0].ready <= s.now;
      down_address[p] = down_valid[p] ? downs[p][0].address : '0;
      down_bytes[p] = down_valid[p] ? downs[p][0].bytes : '0;
      down_write[p] = down_valid[p] ? downs[p][0].write : '0;
      down_master[p] = down_valid[p] ? downs[p][0].master : '0;
      down_stream[p] = down_valid[p] ? downs[p][0].stream : '0;
      down_tag[p] = down_valid[p] ? downs[p][0].tag : '0;
    end
    for (int p = 0; p < PORTS; p++) begin
      for (int t = 0; t < TRACKERS; t++) tracking[p][t] = t < int'(trackers) && is_tracking(P'(p), t);
    end
    for (int m = 0; m < SOURCES; m++) begin
      req_ready[m] = s.count[2*m+int'(req_write[m])] < queue_limit;
      up_valid[m] = s.up_count[m] != 0 && ups[m][0].ready <= s.now;
      up_bytes[m] = up_valid[m] ? ups[m][0].bytes : '0;
      up_write[m] = up_valid[m] ? ups[m][0].write : '0;
      up_master[m] = up_valid[m] ? ups[m][0].master : '0;
      up_stream[m] = up_valid[m] ? ups[m][0].stream : '0;
      up_tag[m] = up_valid[m] ? ups[m][0].tag : '0;
    end
  end

  assign staged = h.staged;
  assign onward_busy = h.onward_held || h.onward_free > s.now;
  assign reads = s.reads;
  assign writes = s.writes;
  assign read_bytes = s.read_bytes;
  assign write_bytes = s.write_bytes;
  assign waited = s.waited;
  assign busy_cycles = s.busy_cycles;
  assign back_busy_cycles = s.back_busy_cycles;

  always_ff @(posedge clk) begin
    if (rst) begin
      s = '{default: '0};
      h = '{default: '0};
      s.share = budgets;
      for (int n = 0; n < SLOTS; n++) flight[n] = '{default: '0};
      for (int b = 0; b < BUSES; b++) turns[b] = '{last: U'(UNITS - 1), credit: weights};
    end else begin
      accepts = req_valid & req_ready;
      pops_up = up_valid & up_ready;
      pops_down = down_valid & down_ready;
      sent = 1'b0;
      for (int i = 0; i < LANES; i++) begin
        for (int n = 0; n < IDS; n++) begin
          if (s.flying[i][n] && flight[s.oldest[i][n]].held) deliver(L'(i), N'(n), s.now);
        end
      end

      for (int i = 0; i < LANES; i++) able[i] = examine(L'(i));
      for (int b = 0; b < BUSES; b++) begin
        asking = '0;
        for (int i = 0; i < LANES; i++) begin
          if (able[i] && bus_of(port_of(L'(i)), i[0]) == K'(b)) begin
            if (sent) able[i] = examine(L'(i));  // another bus has had places or budget in this very cycle
            asking[i / 2] = asking[i / 2] | able[i];
          end
        end
        choice = pick(kind, turns[b], asking, priorities, owners[s.slot]);
        if (choice[U]) begin
          turns[b] = granted(kind, turns[b], choice[U-1:0], weights);
          winner = {choice[U-1:0], s.write_turn[choice[U-1:0]]};
          if (!able[winner] || bus_of(port_of(winner), winner[0]) != K'(b)) winner = winner ^ L'(1);
          s.write_turn[choice[U-1:0]] = ~winner[0];
          able[winner] = 1'b0;
          send(winner);
          sent = 1'b1;
        end
      end

      if (is_probing()) begin
        take_probes();
        take_turns();
      end

      for (int n = 0; n < SLOTS; n++) begin  // what the source has seen, and has left its port
        if (flight[n].used && flight[n].given_up && flight[n].seen <= s.now && flight[n].gone <= s.now) begin
          flight[n].used = 1'b0;
        end
      end

      // what comes in, and what is taken
      for (int p = 0; p < PORTS; p++) begin
        if (rsp_valid[p]) respond(rsp_tag[p], rsp_bytes[p]);
        if (pops_down[p]) begin
          for (int n = 0; n < DOWN - 1; n++) downs[p][n] = downs[p][n+1];
          s.down_count[p] = s.down_count[p] - 8'd1;
        end
      end
      for (int m = 0; m < SOURCES; m++) begin
        if (pops_up[m]) begin
          for (int n = 0; n < UP - 1; n++) ups[m][n] = ups[m][n+1];
          s.up_count[m] = s.up_count[m] - 8'd1;
        end
        if (accepts[m]) begin
          rows[2*m+int'(req_write[m])][s.count[2*m+int'(req_write[m])][$clog2(QUEUE)-1:0]] = '{
              ready: s.now + T'(1) + T'(entry[m]), address: req_address[m], bytes: req_bytes[m],
              master: req_master[m], stream: req_stream[m], tag: req_tag[m]};
          s.count[2*m+int'(req_write[m])] = s.count[2*m+int'(req_write[m])] + 8'd1;
          if (req_write[m]) begin
            s.writes[req_master[m]] = s.writes[req_master[m]] + C'(1);
            s.write_bytes[req_master[m]] = s.write_bytes[req_master[m]] + C'(req_bytes[m]);
          end else begin
            s.reads[req_master[m]] = s.reads[req_master[m]] + C'(1);
            s.read_bytes[req_master[m]] = s.read_bytes[req_master[m]] + C'(req_bytes[m]);
          end
        end
      end

      // time goes on: TDM slots, and the regulators' periods
      s.slot_cycle = s.slot_cycle + 8'd1;
      if (s.slot_cycle == slot_cycles) begin
        s.slot_cycle = '0;
        s.slot = ((F + 1)'(s.slot) + (F + 1)'(1) == slots) ? '0 : s.slot + F'(1);
      end
      s.period_cycle = s.period_cycle + 16'd1;
      if (s.period_cycle == period) begin
        s.period_cycle = '0;
        s.pool = '0;
        for (int m = 0; m < SOURCES; m++) begin
          s.share[m] = (s.spent[m] < budgets[m]) ? s.spent[m] : budgets[m];
          if (regulated[m] && reclaim[m]) s.pool = s.pool + budgets[m] - s.share[m];
        end
        s.spent = '0;
      end
      s.group_cycle = s.group_cycle + 16'd1;
      if (s.group_cycle == group_period) begin
        s.group_cycle = '0;
        s.group_spent = '0;
      end
      s.now = s.now + T'(1);
    end
  end
  /* verilator lint_on BLKSEQ */

endmodule
