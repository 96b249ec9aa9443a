// Which command the cycle sends: of a dram_controller, by hw_models/dram/schedule.py and maintenance.py.

  logic [RANKS-1:0][7:0] owed;  // refreshes, with those that fall due in this cycle
  logic [RANKS-1:0][L-1:0] overdue;
  logic any_owed;
  logic [1:0][7:0] size;  // of the queues
  logic [ALL-1:0] reserved;  // a bank whose row's opener waits
  logic [1:0][ALL-1:0] hit, miss;  // there is an entry of a queue for the open row, for another one,
  logic [E-1:0] hit_at[2][ALL], miss_at[2][ALL];  // and the oldest
  pick_t pick;
  logic auto;  // it is a column command that closes its row
  logic mode;
  logic [1:0] scanned;

  function automatic logic is_column(logic [3:0] command);
    return command == READ || command == WRITE;
  endfunction

  function automatic logic column_ready(logic [B-1:0] bank, logic write);
    return banks[bank].column[write] == '0 && groups[group_of(bank)].column[write] == '0;
  endfunction

  function automatic logic closable(logic [B-1:0] bank);
    return banks[bank].pre == '0 && rank[rank_of(bank)].pre == '0;
  endfunction

  // a bank has to wait for a refresh that is owed
  function automatic logic held_back(logic [B-1:0] bank);
    logic [R-1:0] r;
    r = rank_of(bank);
    return owed[r] != '0 && (refresh_mode != 2'd2 || int'(bank) % PER_RANK == int'(rank[r].next_bank));
  endfunction

  // a hit must let an older miss pass: the row has had its share
  function automatic logic capped(logic [B-1:0] bank, logic [E-1:0] index);
    capped = 1'b0;
    if (hit_cap != '0 && banks[bank].hits >= hit_cap && !reserved[bank]) begin
      for (int w = 0; w < 2; w++) if (scanned[w] && miss[w][bank] && miss_at[w][bank] < index) capped = 1'b1;
    end
  endfunction

  function automatic logic may_precharge(logic [B-1:0] bank, logic [E-1:0] index);
    logic spent;
    spent = hit_cap != '0 && banks[bank].hits >= hit_cap;
    may_precharge = !reserved[bank];
    for (int w = 0; w < 2; w++) begin
      if (guard != UNGUARDED && scanned[w] && hit[w][bank]
          && (hit_at[w][bank] < index || (guard == ALL_HITS && !spent))) begin
        may_precharge = 1'b0;
      end
    end
  endfunction

  // the next command of an entry, and whether it may be sent
  function automatic logic [4:0] wanted(logic [E-1:0] index);
    logic [B-1:0] bank;
    logic write;
    bank = entries[index].bank;
    write = entries[index].write;
    if (!banks[bank].open) return {banks[bank].act == '0 && groups[group_of(bank)].act == '0, ACTIVATE};
    if (banks[bank].row == entries[index].row) begin
      return {column_ready(bank, write) && !capped(bank, index), READ + 4'(write)};
    end
    return {closable(bank) && may_precharge(bank, index), PRECHARGE};
  endfunction

  // the policy's class of an entry: smaller is served first
  function automatic logic [4:0] class_of(logic [E-1:0] index, logic [3:0] command);
    if (scheduler == COLUMN_FIRST) return 5'(!is_column(command));
    if (scheduler == PRIORITY) return 5'(priorities[entries[index].master]);
    return '0;
  endfunction

  function automatic pick_t opener();
    opener = '0;
    for (int n = ENTRIES - 1; n >= 0; n--) begin
      if (n < int'(count) && entries[n].opener && column_ready(entries[n].bank, entries[n].write)) begin
        opener = '{valid: 1'b1, command: READ + 4'(entries[n].write), of_entry: 1'b1, index: E'(n),
                   bank: entries[n].bank};
      end
    end
  endfunction

  // the command that brings the refresh of a rank nearer: its rows are closed, then it comes
  function automatic pick_t refresh_of(logic [R-1:0] r);
    logic [B-1:0] bank;
    logic all_closed, all_closable;
    refresh_of = '0;
    all_closed = 1'b1;
    all_closable = rank[r].closing == '0;
    for (int b = 0; b < ALL; b++) begin
      if (b / PER_RANK == int'(r)) begin
        if (banks[b].open) all_closed = 1'b0;
        if (reserved[b] || (banks[b].open && !closable(B'(b)))) all_closable = 1'b0;
      end
    end
    bank = B'(int'(r) * PER_RANK);
    if (refresh_mode == 2'd2) begin
      bank = bank + B'(rank[r].next_bank);
      if (!banks[bank].open) begin
        refresh_of.valid = banks[bank].act == '0 && rank[r].refresh == '0;
        refresh_of.command = REFRESH_BANK;
      end else begin
        refresh_of.valid = !reserved[bank] && closable(bank);
        refresh_of.command = PRECHARGE;
      end
    end else if (all_closed) begin
      refresh_of.valid = rank[r].refresh == '0;
      refresh_of.command = REFRESH;
    end else begin
      refresh_of.valid = all_closable;
      refresh_of.command = PRECHARGE_ALL;
    end
    refresh_of.bank = bank;
  endfunction

  // of the ranks that owe a refresh the one that owes it longest; where the channel stops, only that
  function automatic pick_t refresh();
    pick_t one;
    logic first;
    logic [L-1:0] longest;
    refresh = '0;
    first = 1'b1;
    longest = '0;
    for (int r = 0; r < RANKS; r++) begin
      one = refresh_of(R'(r));
      if (owed[r] != '0 && (one.valid || refresh_stops_all) && (first || overdue[r] > longest)) begin
        refresh = one;
        first = 1'b0;
        longest = overdue[r];
      end
    end
  endfunction

  function automatic pick_t queued();
    logic [7:0] left;
    logic [4:0] best;
    logic ready;
    logic [3:0] command;
    queued = '0;
    best = '1;
    left = (scheduler == FCFS) ? 8'd1 : window;
    for (int n = 0; n < ENTRIES; n++) begin
      if (n < int'(count) && !entries[n].opener && scanned[entries[n].write] && left != '0) begin
        left = left - 8'd1;
        {ready, command} = wanted(E'(n));
        if (ready && !held_back(entries[n].bank) && class_of(E'(n), command) < best) begin
          best = class_of(E'(n), command);
          queued = '{valid: 1'b1, command: command, of_entry: 1'b1, index: E'(n), bank: entries[n].bank};
        end
      end
    end
  endfunction

  // a row that was not used for long
  function automatic pick_t unused();
    unused = '0;
    for (int b = ALL - 1; b >= 0; b--) begin
      if (banks[b].open && !reserved[b] && !hit[0][b] && !hit[1][b] && closable(B'(b)) && banks[b].idle == '0
          && !held_back(B'(b))) begin
        unused = '{valid: 1'b1, command: PRECHARGE, of_entry: 1'b0, index: '0, bank: B'(b)};
      end
    end
  endfunction

  // the picked entry is the last for its row
  function automatic logic is_last(logic [E-1:0] index);
    is_last = 1'b1;
    for (int n = 0; n < ENTRIES; n++) begin
      if (n < int'(count) && n != int'(index) && entries[n].bank == entries[index].bank
          && (entries[n].opener || entries[n].row == entries[index].row)) begin
        is_last = 1'b0;
      end
    end
  endfunction

  always_comb begin
    any_owed = 1'b0;
    for (int r = 0; r < RANKS; r++) begin
      owed[r] = rank[r].owed;
      overdue[r] = (rank[r].owed == '0) ? '0 : rank[r].overdue;
      if (refresh_mode != '0 && r < int'(ranks) && rank[r].due == '0) owed[r] = owed[r] + 8'd1;
      if (owed[r] != '0) any_owed = 1'b1;
    end

    size = '0;
    reserved = '0;
    hit = '0;
    miss = '0;
    for (int w = 0; w < 2; w++) for (int b = 0; b < ALL; b++) {hit_at[w][b], miss_at[w][b]} = '0;
    for (int n = ENTRIES - 1; n >= 0; n--) begin
      if (n < int'(count)) begin
        if (entries[n].opener) reserved[entries[n].bank] = 1'b1;
        else begin
          size[entries[n].write] = size[entries[n].write] + 8'd1;
          if (banks[entries[n].bank].open && banks[entries[n].bank].row == entries[n].row) begin
            hit[entries[n].write][entries[n].bank] = 1'b1;
            hit_at[entries[n].write][entries[n].bank] = E'(n);
          end else if (banks[entries[n].bank].open) begin
            miss[entries[n].write][entries[n].bank] = 1'b1;
            miss_at[entries[n].write][entries[n].bank] = E'(n);
          end
        end
      end
    end
  end

  always_comb begin
    mode = writing;
    scanned = '0;
    pick = opener();
    if (!pick.valid && any_owed) pick = refresh();
    if (!pick.valid && !(any_owed && refresh_stops_all)) begin
      if (unified) scanned = 2'b11;
      else begin
        mode = writing ? !(size[1] < low && size[0] != '0) : (size[1] > high || size[0] == '0);
        scanned = mode ? 2'b10 : 2'b01;
      end
      pick = queued();
      if (!pick.valid && page >= TIMEOUT) pick = unused();
    end
    auto = pick.valid && page == CLOSED && is_column(pick.command) && is_last(pick.index);
  end
