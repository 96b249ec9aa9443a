// A DRAM controller of one channel: the twin of hw_models/dram/, cycle by cycle.
//
// Requests of one burst wait in one table, the oldest first. In every cycle at most one command is sent: the
// column command of a row's opener, else a refresh that is owed, else what the policy picks of the queue that is
// served (schedule.svh), else a row is closed that nobody has used for long. Then a request is taken. Answers wait
// in order of their cycles. Data are not held.
//
// Every wait is a counter that runs down: nothing is a time, nothing wraps around. Settings are inputs, stable from
// reset on; the table has room for both queues and for openers, `answers` for every request not yet answered.

module dram_controller
  import dram_types::*;
#(
    parameter int RANKS = 2,     // a power of two, as the next two
    parameter int GROUPS = 4,    // bank groups of a rank
    parameter int BANKS = 4,     // of a group
    parameter int ENTRIES = 32,  // a power of two
    parameter int ANSWERS = 32,  // likewise
    parameter int MASTERS = 4,   // a power of two from 2 on
    localparam int PER_RANK = GROUPS * BANKS,
    localparam int ALL = RANKS * PER_RANK,
    localparam int B = $clog2(ALL),
    localparam int R = (RANKS > 1) ? $clog2(RANKS) : 1,
    localparam int G = (RANKS * GROUPS > 1) ? $clog2(RANKS * GROUPS) : 1,
    localparam int E = $clog2(ENTRIES),
    localparam int M = $clog2(MASTERS),
    localparam int A = 36,    // of an address
    localparam int ROW = 8,
    localparam int COLUMN = 10,
    localparam int W = 12,    // of a wait
    localparam int L = 16,    // of a long one
    localparam int C = 16     // of a counter
) (
    `include "dram_ports.svh"
);

  typedef struct packed {
    logic [B-1:0] bank;
    logic [ROW-1:0] row;
    logic [COLUMN-1:0] column;
    logic write;
    logic [M-1:0] master;
    logic [7:0] tag;
    logic seen;    // its first command was counted as hit, miss or conflict
    logic opener;  // it has opened its row: out of its queue, and first to be served
  } entry_t;

  typedef struct packed {
    logic open;
    logic [ROW-1:0] row;
    logic [7:0] hits;  // column commands since the ACT
    logic [W-1:0] act, pre;
    logic [1:0][W-1:0] column;
    logic [L-1:0] idle, timeout;
    logic was_closed;  // for being idle,
    logic [ROW-1:0] closed_row;
  } bank_t;

  typedef struct packed {
    logic [W-1:0] act;
    logic [1:0][W-1:0] column;
  } group_t;

  typedef struct packed {
    logic [2:0][W-1:0] faw;  // of the last three ACTs
    logic [W-1:0] pre, refresh, closing;
    logic [L-1:0] due;
    logic [7:0] owed;
    logic [L-1:0] overdue;  // since when, as long as one is owed
    logic [$clog2(PER_RANK)-1:0] next_bank;
  } rank_t;

  typedef struct packed {
    logic [W-1:0] left;
    logic write;
    logic [7:0] tag;
  } answer_t;

  typedef struct packed {
    logic valid;
    logic [3:0] command;
    logic of_entry;
    logic [E-1:0] index;
    logic [B-1:0] bank;
  } pick_t;

  entry_t entries[ENTRIES];
  logic [E:0] count;
  bank_t banks[ALL];
  group_t groups[RANKS*GROUPS];
  rank_t rank[RANKS];
  answer_t answers[ANSWERS];
  logic [7:0] answer_count;
  logic [W-1:0] last_read;  // until the latest answer of a read
  logic writing;

  typedef struct packed {
    logic [C-1:0] reads, writes, activates, precharges, precharge_alls, closed_by_all, refreshes;
    logic [C-1:0] row_hits, row_misses, row_conflicts, forwarded, merged;
  } counts_t;
  counts_t counts;
  assign {reads, writes, activates, precharges, precharge_alls, closed_by_all, refreshes, row_hits, row_misses,
          row_conflicts, forwarded, merged} = counts;

  function automatic logic [R-1:0] rank_of(logic [B-1:0] bank);
    return R'(int'(bank) / PER_RANK);
  endfunction

  function automatic logic [G-1:0] group_of(logic [B-1:0] bank);
    return G'(int'(bank) / BANKS);
  endfunction

  `include "schedule.svh"

  // what comes in, after the command of the cycle

  logic [B-1:0] req_bank;
  logic [ROW-1:0] req_row;
  logic [COLUMN-1:0] req_column;
  logic queued_write, at_once, room, allowed, takes, leaves;
  logic [1:0][7:0] unanswered;

  always_comb begin
    for (int n = 0; n < B; n++) req_bank[n] = ^(req_address & bank_mask[n]);
    for (int n = 0; n < ROW; n++) req_row[n] = ^(req_address & row_mask[n]);
    for (int n = 0; n < COLUMN; n++) req_column[n] = ^(req_address & column_mask[n]);

    queued_write = 1'b0;
    unanswered = '0;
    for (int n = 0; n < ENTRIES; n++) begin
      if (n < int'(count)) begin
        if (entries[n].write && !entries[n].opener && !(leaves && n == int'(pick.index))
            && {entries[n].bank, entries[n].row, entries[n].column} == {req_bank, req_row, req_column}) begin
          queued_write = 1'b1;
        end
        if (!entries[n].write || write_answer != ACCEPTED) begin
          unanswered[entries[n].write] = unanswered[entries[n].write] + 8'd1;
        end
      end
    end
    for (int n = 0; n < ANSWERS; n++) begin
      if (n < int'(answer_count) && answers[n].left != '0) begin
        unanswered[answers[n].write] = unanswered[answers[n].write] + 8'd1;
      end
    end
    at_once = queued_write && (req_write ? merge : forward);
    room = unified
        ? size[0] + size[1] - 8'(leaves) < capacity[0]
        : size[req_write] - 8'(leaves && entries[pick.index].write == req_write) < capacity[req_write];
    allowed = outstanding[req_write] == '0 || unanswered[req_write] < outstanding[req_write];
    req_ready = allowed && (at_once || room) && count < (E + 1)'(ENTRIES - 1)
        && int'(answer_count) + int'(count) < ANSWERS - 1;
    takes = req_valid && req_ready;
  end
  // the picked entry leaves its queue: it is served, or owns the row that it opens
  assign leaves = pick.valid && pick.of_entry && !entries[pick.index].opener
      && (is_column(pick.command) || (pick.command == ACTIVATE && reserve));

  assign up_valid = answer_count != '0 && answers[0].left == '0;
  assign up_write = answers[0].write;
  assign up_tag = answers[0].tag;
  assign cmd_valid = pick.valid;
  assign cmd = auto ? pick.command + (READ_AUTO - READ) : pick.command;
  assign cmd_bank = pick.bank;
  assign cmd_row = entries[pick.index].row;
  assign cmd_column = entries[pick.index].column;
  assign reads_queued = size[0];
  assign writes_queued = size[1];
  assign draining = mode;
  always_comb begin
    refreshes_owed = '0;
    for (int r = 0; r < RANKS; r++) refreshes_owed = refreshes_owed + owed[r];
  end

  // One clocked process works on the registers step by step, through the functions below.
  /* verilator lint_off BLKSEQ */

  // how long from the next cycle on, for something `distance` after this one
  function automatic logic [W-1:0] from_next(logic [W-1:0] distance);
    return (distance == '0) ? '0 : distance - W'(1);
  endfunction

  function automatic logic [W-1:0] longer(logic [W-1:0] a, logic [W-1:0] b);
    return (a > b) ? a : b;
  endfunction

  function automatic logic [W-1:0] less(logic [W-1:0] left);
    return (left == '0) ? '0 : left - W'(1);
  endfunction

  task automatic pass_a_cycle();
    for (int b = 0; b < ALL; b++) begin
      banks[b].act = less(banks[b].act);
      banks[b].pre = less(banks[b].pre);
      for (int w = 0; w < 2; w++) banks[b].column[w] = less(banks[b].column[w]);
      if (banks[b].idle != '0) banks[b].idle = banks[b].idle - L'(1);
    end
    for (int g = 0; g < RANKS * GROUPS; g++) begin
      groups[g].act = less(groups[g].act);
      for (int w = 0; w < 2; w++) groups[g].column[w] = less(groups[g].column[w]);
    end
    for (int r = 0; r < RANKS; r++) begin
      for (int n = 0; n < 3; n++) rank[r].faw[n] = less(rank[r].faw[n]);
      rank[r].pre = less(rank[r].pre);
      rank[r].refresh = less(rank[r].refresh);
      rank[r].closing = less(rank[r].closing);
      rank[r].overdue = overdue[r] + L'(1);
      rank[r].owed = owed[r];
      rank[r].due = (rank[r].due == '0) ? refi - L'(1) : rank[r].due - L'(1);
    end
    for (int n = 0; n < ANSWERS; n++) answers[n].left = less(answers[n].left);
    last_read = less(last_read);
  endtask

  // answer in `left` cycles from the next on, behind those of the same cycle
  function automatic void answer(logic write, logic [7:0] tag, logic [W-1:0] left);
    logic [7:0] place;
    logic [W-1:0] due;
    due = left + W'(backend[write]);
    place = '0;
    for (int n = 0; n < ANSWERS; n++) begin
      if (n < int'(answer_count) && answers[n].left <= due) place = place + 8'd1;
    end
    for (int n = ANSWERS - 1; n > 0; n--) if (n > int'(place)) answers[n] = answers[n-1];
    answers[place[$clog2(ANSWERS)-1:0]] = '{left: due, write: write, tag: tag};
    answer_count = answer_count + 8'd1;
  endfunction

  function automatic void count_first_command(logic [E-1:0] index, logic [3:0] command);
    if (!entries[index].seen) begin
      if (command == ACTIVATE) counts.row_misses = counts.row_misses + C'(1);
      else if (command == PRECHARGE) counts.row_conflicts = counts.row_conflicts + C'(1);
      else counts.row_hits = counts.row_hits + C'(1);
    end
    entries[index].seen = 1'b1;
  endfunction

  // the row of a bank is closed, `left` cycles from the next on another one may be opened
  function automatic void close(logic [B-1:0] bank, logic [W-1:0] left);
    banks[bank].open = 1'b0;
    banks[bank].act = longer(banks[bank].act, left);
    rank[rank_of(bank)].refresh = longer(rank[rank_of(bank)].refresh, left);
  endfunction

  function automatic void hold_activates(logic [R-1:0] r, logic [W-1:0] left);
    for (int g = 0; g < RANKS * GROUPS; g++) begin
      if (g / GROUPS == int'(r)) groups[g].act = longer(groups[g].act, left);
    end
  endfunction

  function automatic void pay_refresh(logic [R-1:0] r);
    rank[r].owed = rank[r].owed - 8'd1;
    rank[r].overdue = rank[r].overdue - refi;
  endfunction

  function automatic void activate(logic [E-1:0] index);
    logic [B-1:0] bank;
    logic [R-1:0] r;
    logic [W-1:0] fourth;
    bank = entries[index].bank;
    r = rank_of(bank);
    if (reserve) entries[index].opener = 1'b1;
    if (page == ADAPTIVE) begin
      if (banks[bank].was_closed && banks[bank].closed_row == entries[index].row) begin
        banks[bank].timeout = (banks[bank].timeout << 1 < L'(page_timeout) << 6)
            ? banks[bank].timeout << 1 : L'(page_timeout) << 6;
      end
      banks[bank].was_closed = 1'b0;
    end
    banks[bank].open = 1'b1;
    banks[bank].row = entries[index].row;
    banks[bank].hits = '0;
    banks[bank].idle = banks[bank].timeout - L'(1);
    banks[bank].act = from_next(rc);
    banks[bank].pre = from_next(ras);
    for (int w = 0; w < 2; w++) banks[bank].column[w] = from_next(rcd[w]);
    fourth = rank[r].faw[2];
    rank[r].faw = {rank[r].faw[1:0], from_next(faw)};
    for (int g = 0; g < RANKS * GROUPS; g++) begin
      if (g / GROUPS == int'(r)) begin
        groups[g].act = longer(groups[g].act, fourth);
        groups[g].act = longer(groups[g].act, from_next(act_gap[g != int'(group_of(bank))]));
      end
    end
    rank[r].refresh = longer(rank[r].refresh, from_next(rc));
    counts.activates = counts.activates + C'(1);
  endfunction

  function automatic void precharge(logic [B-1:0] bank);
    close(bank, from_next(rp));
    rank[rank_of(bank)].pre = from_next(ppd);
    counts.precharges = counts.precharges + C'(1);
  endfunction

  function automatic void precharge_all(logic [R-1:0] r);
    for (int b = 0; b < ALL; b++) begin
      if (b / PER_RANK == int'(r)) begin
        if (banks[b].open) begin
          close(B'(b), from_next(rp));
          counts.closed_by_all = counts.closed_by_all + C'(1);
        end
        banks[b].act = longer(banks[b].act, from_next(rp_all));
      end
    end
    rank[r].refresh = longer(rank[r].refresh, from_next(rp_all));
    rank[r].pre = from_next(ppd);
    counts.precharge_alls = counts.precharge_alls + C'(1);
  endfunction

  function automatic void refresh_rank(logic [R-1:0] r);
    rank[r].refresh = from_next(rfc);
    hold_activates(r, from_next(rfc));
    counts.refreshes = counts.refreshes + C'(1);
    pay_refresh(r);
  endfunction

  function automatic void refresh_bank(logic [B-1:0] bank);
    logic [R-1:0] r;
    r = rank_of(bank);
    banks[bank].act = from_next(rfc_bank);
    rank[r].refresh = longer(rank[r].refresh, from_next(refresh_gap));
    hold_activates(r, from_next(refresh_gap));
    rank[r].next_bank = rank[r].next_bank + 1'b1;
    counts.refreshes = counts.refreshes + C'(1);
    pay_refresh(r);
  endfunction

  // RD or WR of an entry, which is then gone
  function automatic void serve(logic [E-1:0] index, logic closes);
    logic [B-1:0] bank;
    logic write;
    logic [7:0] tag;
    bank = entries[index].bank;
    write = entries[index].write;
    tag = entries[index].tag;
    for (int n = 0; n < ENTRIES - 1; n++) if (n >= int'(index)) entries[n] = entries[n+1];
    count = count - 1'b1;
    if (banks[bank].hits != '1) banks[bank].hits = banks[bank].hits + 8'd1;
    banks[bank].idle = banks[bank].timeout - L'(1);
    banks[bank].pre = longer(banks[bank].pre, from_next(to_pre[write]));
    for (int g = 0; g < RANKS * GROUPS; g++) begin
      for (int w = 0; w < 2; w++) begin
        if (g / GROUPS == int'(rank_of(bank))) begin
          groups[g].column[w] = longer(groups[g].column[w], from_next(gap[write][w][1]));
        end else if (shared_bus) begin
          groups[g].column[w] = longer(groups[g].column[w], from_next(gap[write][w][2]));
        end
        if (g == int'(group_of(bank))) begin
          groups[g].column[w] = longer(groups[g].column[w], from_next(gap[write][w][0]));
        end
      end
    end
    if (closes) begin
      rank[rank_of(bank)].closing = longer(rank[rank_of(bank)].closing, banks[bank].pre);
      close(bank, banks[bank].pre + rp);
      counts.precharges = counts.precharges + C'(1);
    end
    if (write) begin
      counts.writes = counts.writes + C'(1);
      if (write_answer != ACCEPTED) begin
        answer(1'b1, tag, (write_answer == ISSUED) ? '0 : from_next(data[1]));
      end
    end else begin
      counts.reads = counts.reads + C'(1);
      last_read = from_next(data[0]);
      answer(1'b0, tag, last_read);
    end
  endfunction

  function automatic void take();
    if (at_once) begin
      if (req_write) counts.merged = counts.merged + C'(1);
      else counts.forwarded = counts.forwarded + C'(1);
      answer(req_write, req_tag, req_write ? '0 : last_read);  // behind the reads whose data are still to come
    end else begin
      entries[count[E-1:0]] = '{bank: req_bank, row: req_row, column: req_column, write: req_write,
                                master: req_master, tag: req_tag, seen: 1'b0, opener: 1'b0};
      count = count + 1'b1;
      if (req_write && write_answer == ACCEPTED) answer(1'b1, req_tag, '0);
    end
  endfunction

  logic pops;

  always_ff @(posedge clk) begin
    if (rst) begin
      count = '0;
      answer_count = '0;
      last_read = '0;
      writing = 1'b0;
      counts = '0;
      for (int n = 0; n < ENTRIES; n++) entries[n] = '0;
      for (int n = 0; n < ANSWERS; n++) answers[n] = '0;
      for (int g = 0; g < RANKS * GROUPS; g++) groups[g] = '0;
      for (int b = 0; b < ALL; b++) begin
        banks[b] = '0;
        banks[b].timeout = L'(page_timeout);
      end
      for (int r = 0; r < RANKS; r++) begin
        rank[r] = '0;
        rank[r].due = first_refresh[r] - L'(1);  // the first cycle is cycle 1
      end
    end else begin
      pops = up_valid && up_ready;
      pass_a_cycle();
      if (pops) begin
        for (int n = 0; n < ANSWERS - 1; n++) answers[n] = answers[n+1];
        answer_count = answer_count - 8'd1;
      end
      writing = mode;
      if (pick.valid) begin
        if (pick.of_entry) count_first_command(pick.index, pick.command);
        if (pick.command == ACTIVATE) activate(pick.index);
        else if (pick.command == PRECHARGE) begin
          if (page == ADAPTIVE && pick.of_entry) begin
            banks[pick.bank].timeout = (banks[pick.bank].timeout >> 1 > L'(page_timeout >> 2))
                ? banks[pick.bank].timeout >> 1 : L'(page_timeout >> 2);
          end else if (!pick.of_entry && !any_owed) begin
            banks[pick.bank].was_closed = 1'b1;
            banks[pick.bank].closed_row = banks[pick.bank].row;
          end
          precharge(pick.bank);
        end else if (pick.command == PRECHARGE_ALL) precharge_all(rank_of(pick.bank));
        else if (pick.command == REFRESH) refresh_rank(rank_of(pick.bank));
        else if (pick.command == REFRESH_BANK) refresh_bank(pick.bank);
        else serve(pick.index, auto);
      end
      if (takes) take();
    end
  end
  /* verilator lint_on BLKSEQ */

endmodule
