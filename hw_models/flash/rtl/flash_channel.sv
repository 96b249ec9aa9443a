// One channel of a flash device, its dies and its bus: the twin of hw_models/flash/engine.py and queues.py, cycle by
// cycle.
//
// Whoever translates addresses adds page operations, each in a place of the table (`tag`) until it is done. They
// wait by die and class, oldest `order` first. The bus sends commands to dies, chips in turn, and moves what was
// read; a command takes equal pages of several planes along; a read may suspend a program or an erase. Data are not
// held: a row says how many bytes cross the bus.
//
// Settings are inputs, stable from reset on; times are cycles, a command and the data of a row take at least one.
// Orders and the table are finite: of two rows in the table, orders must not lie 2**15 or more apart.

module flash_channel #(
    parameter int CHIPS = 2,
    parameter int CHIP_DIES = 2,
    parameter int PLANES = 2,    // of a die, at most 4
    parameter int ENTRIES = 16,  // rows of the table
    localparam int DIES = CHIPS * CHIP_DIES,
    localparam int H = CHIPS > 1 ? $clog2(CHIPS) : 1,
    localparam int D = DIES > 1 ? $clog2(DIES) : 1,
    localparam int E = $clog2(ENTRIES),
    localparam int O = 16,  // of an order
    localparam int C = 24,  // of a counter
    localparam int T = 16   // of a time
) (
    input  logic clk,
    input  logic rst,

    // settings
    input  logic         independent,  // dies work each for itself; else a chip runs one command at a time
    input  logic         cache_read,   // a die reads the next pages while the last leave its register
    input  logic         multiplane,
    input  logic         suspends,
    input  logic [7:0]   max_suspensions,  // of a command
    input  logic [T-1:0] suspend_time,
    input  logic [T-1:0] suspend_worth,    // what has no more than this to go is not suspended
    input  logic [T-1:0] read_time,
    input  logic [T-1:0] program_time,
    input  logic [T-1:0] erase_time,
    input  logic [7:0]   read_command,
    input  logic [7:0]   read_command_plane,  // more for each further plane
    input  logic [7:0]   program_command,
    input  logic [7:0]   program_command_plane,
    input  logic [7:0]   erase_command,
    input  logic [7:0]   data_setup,
    input  logic [7:0]   byte_eighths,  // cycles that eight bytes take on the bus

    // a page operation, put in the queue of its die and class before anything else happens in the cycle
    input  logic         add_valid,
    input  logic [E-1:0] add_tag,
    input  logic [2:0]   add_kind,  // reads: 0 map, 1 host, 2 collection; writes: 3 host, 4 collection; 5 erase
    input  logic [D-1:0] add_die,
    input  logic [1:0]   add_plane,
    input  logic [7:0]   add_page,
    input  logic [7:0]   add_bytes,
    input  logic [O-1:0] add_order,

    // one that data which arrive in this cycle let go: behind what the dies are done with, before the bus is given
    input  logic         then_valid,
    input  logic [E-1:0] then_tag,
    input  logic [2:0]   then_kind,
    input  logic [D-1:0] then_die,
    input  logic [1:0]   then_plane,
    input  logic [7:0]   then_page,
    input  logic [7:0]   then_bytes,
    input  logic [O-1:0] then_order,

    // what came of the last cycle
    output logic [ENTRIES-1:0]   done,     // page operations that are over
    output logic [ENTRIES-1:0]   queued,
    output logic [ENTRIES-1:0]   in_array,
    output logic [ENTRIES-1:0]   stopped,
    output logic [ENTRIES-1:0]   ready,    // their data wait for the bus
    output logic                 moving,   // the bus moves the data of `moving_tag`
    output logic [E-1:0]         moving_tag,
    output logic [T-1:0]         bus_left, // cycles until command or data are through
    output logic [H-1:0]         turn,     // the chip that is asked first
    output logic [DIES-1:0][1:0] doing,    // 0 nothing, 1 reads, 2 programs, 3 erases
    output logic [DIES-1:0][T-1:0] left,   // cycles that the array still needs
    output logic [DIES-1:0][2:0] leaving,  // pages in the register that wait for the bus
    output logic [DIES-1:0]      held,     // the array is done, the register is not free
    output logic [C-1:0]         bus_busy, // cycles of data
    output logic [C-1:0]         read_commands,
    output logic [C-1:0]         multiplane_reads,
    output logic [C-1:0]         suspensions
);

  localparam logic [2:0] MAP_READ = 3'd0, GC_READ = 3'd2, USER_WRITE = 3'd3, GC_WRITE = 3'd4, ERASE = 3'd5;
  localparam logic [1:0] IDLE = 2'd0, READING = 2'd1, PROGRAMMING = 2'd2, ERASING = 2'd3;
  localparam logic [1:0] COMMAND = 2'd1, DATA = 2'd2;  // of the bus
  localparam logic [2:0] FREE = 3'd0, QUEUED = 3'd1, ARRAY = 3'd2, STOPPED = 3'd3, READY = 3'd4, MOVING = 3'd5;

  typedef struct packed {
    logic [2:0] state;
    logic [2:0] kind;
    logic [D-1:0] die;
    logic [1:0] plane;
    logic [7:0] page;
    logic [7:0] bytes;
    logic [O-1:0] order;  // in the queues of dies; of data that wait, in the queue of the bus
    logic [1:0] place;    // among those of one command
  } entry_t;

  typedef struct packed {
    logic [1:0] doing;
    logic [T-1:0] left;
    logic held;
    logic [2:0] leaving;
    logic stops;  // a command is suspended
    logic [1:0] stopped_doing;
    logic [T-1:0] remaining;
    logic [7:0] suspensions;  // of the program or erase under way
  } die_t;

  typedef struct packed {
    logic [D-1:0] die;
    logic [1:0] what;  // IDLE: nothing
    logic [T-1:0] wait_before;
  } choice_t;

  entry_t entries[ENTRIES];
  die_t dies[DIES];
  logic [1:0] bus;
  logic [O-1:0] arrivals;  // data that have begun to wait for the bus

  always_comb begin
    for (int n = 0; n < ENTRIES; n++) begin
      queued[n] = entries[n].state == QUEUED;
      in_array[n] = entries[n].state == ARRAY;
      stopped[n] = entries[n].state == STOPPED;
      ready[n] = entries[n].state == READY;
    end
    for (int d = 0; d < DIES; d++) begin
      doing[d] = dies[d].doing;
      left[d] = dies[d].left;
      leaving[d] = dies[d].leaving;
      held[d] = dies[d].held;
    end
    moving = bus == DATA;
  end

  // One clocked process works on these registers step by step, through the functions below.
  /* verilator lint_off BLKSEQ */

  function automatic logic goes_first(logic [E-1:0] a, logic [E-1:0] b);
    logic [O-1:0] ahead;
    ahead = entries[a].order - entries[b].order;
    return entries[a].kind < entries[b].kind || (entries[a].kind == entries[b].kind && ahead[O-1]);
  endfunction

  function automatic logic waits(logic [E-1:0] n, logic [D-1:0] d, logic [2:0] first, logic [2:0] last);
    return entries[n].state == QUEUED && entries[n].die == d && entries[n].kind >= first && entries[n].kind <= last;
  endfunction

  function automatic logic any_waits(logic [D-1:0] d, logic [2:0] first, logic [2:0] last);
    any_waits = 1'b0;
    for (int n = 0; n < ENTRIES; n++) any_waits = any_waits || waits(E'(n), d, first, last);
  endfunction

  // cycles that a row's data hold the bus, without the time before
  function automatic logic [T-1:0] data_time(logic [7:0] bytes);
    return (T'(bytes) * T'(byte_eighths)) >> 3;
  endfunction

  // the array of a die is done, its register is free: its pages wait for the bus
  function automatic void release_register(logic [D-1:0] d);
    dies[d].leaving = '0;
    for (int place = 0; place < PLANES; place++) begin
      for (int n = 0; n < ENTRIES; n++) begin
        if (entries[n].state == ARRAY && entries[n].die == d && entries[n].place == 2'(place)) begin
          entries[n].state = READY;
          entries[n].order = arrivals;
          arrivals = arrivals + O'(1);
          dies[d].leaving = dies[d].leaving + 3'd1;
        end
      end
    end
    dies[d].doing = IDLE;
    dies[d].held = 1'b0;
  endfunction

  function automatic void array_done(logic [D-1:0] d);
    if (dies[d].doing == READING) begin
      if (dies[d].leaving != 0) dies[d].held = 1'b1;
      else release_register(d);
      return;
    end
    dies[d].doing = IDLE;
    for (int n = 0; n < ENTRIES; n++) begin
      if (entries[n].state == ARRAY && entries[n].die == d) begin
        entries[n].state = FREE;
        done[n] = 1'b1;
      end
    end
  endfunction

  function automatic logic can_suspend(logic [D-1:0] d);
    return suspends && (dies[d].doing == PROGRAMMING || dies[d].doing == ERASING) && !dies[d].stops &&
           dies[d].suspensions < max_suspensions && dies[d].left > suspend_worth;
  endfunction

  function automatic void suspend(logic [D-1:0] d);
    for (int n = 0; n < ENTRIES; n++) begin
      if (entries[n].state == ARRAY && entries[n].die == d) entries[n].state = STOPPED;
    end
    dies[d].stops = 1'b1;
    dies[d].stopped_doing = dies[d].doing;
    dies[d].remaining = dies[d].left;
    dies[d].suspensions = dies[d].suspensions + 8'd1;
    dies[d].doing = IDLE;
    dies[d].left = '0;
    suspensions = suspensions + C'(1);
  endfunction

  function automatic void resume(logic [D-1:0] d);
    for (int n = 0; n < ENTRIES; n++) begin
      if (entries[n].state == STOPPED && entries[n].die == d) entries[n].state = ARRAY;
    end
    dies[d].stops = 1'b0;
    dies[d].doing = dies[d].stopped_doing;
    dies[d].left = dies[d].remaining;
  endfunction

  // Take the oldest row of the most urgent class, then for each further plane the oldest one with the same page,
  // and send the command. `wait_before`: cycles that the bus is held before.
  function automatic void serve_die(logic [D-1:0] d, logic [1:0] what, logic [T-1:0] wait_before);
    logic [2:0] first, last;
    logic [3:0] planes;
    logic [7:0] page;
    logic found;
    logic [E-1:0] best;
    logic [T-1:0] data, command, array;
    logic [2:0] taken;
    first = (what == READING) ? MAP_READ : (what == PROGRAMMING) ? USER_WRITE : ERASE;
    last = (what == READING) ? GC_READ : (what == PROGRAMMING) ? GC_WRITE : ERASE;
    planes = '0;
    page = '0;
    data = '0;
    taken = '0;
    for (int place = 0; place < PLANES; place++) begin
      found = 1'b0;
      best = '0;
      for (int n = 0; n < ENTRIES; n++) begin
        if (waits(E'(n), d, first, last) &&
            (place == 0 || (multiplane && entries[n].page == page && !planes[entries[n].plane])) &&
            (!found || goes_first(E'(n), best))) begin
          found = 1'b1;
          best = E'(n);
        end
      end
      if (found) begin
        entries[best].state = ARRAY;
        entries[best].place = 2'(place);
        planes[entries[best].plane] = 1'b1;
        page = entries[best].page;
        data = data + data_time(entries[best].bytes);
        taken = taken + 3'd1;
      end
    end
    command = T'(erase_command);
    array = erase_time;
    if (what == READING) begin
      command = T'(read_command) + T'(taken - 3'd1) * T'(read_command_plane);
      array = read_time;
      read_commands = read_commands + C'(1);
      if (taken > 3'd1) multiplane_reads = multiplane_reads + C'(1);
    end else begin
      if (what == PROGRAMMING) begin
        command = T'(program_command) + T'(taken - 3'd1) * T'(program_command_plane) + data;
        array = program_time;
        bus_busy = bus_busy + C'(data);
      end
      dies[d].suspensions = '0;
    end
    dies[d].doing = what;
    dies[d].left = wait_before + command + array;
    bus = COMMAND;
    bus_left = wait_before + command;
  endfunction

  // a die that works for itself: its next command, if it can take one; a read may suspend what it does
  function automatic choice_t for_die(logic [D-1:0] d);
    for_die = '{die: d, what: IDLE, wait_before: '0};
    if (any_waits(d, MAP_READ, GC_READ)) begin
      if (can_suspend(d)) begin
        suspend(d);
        for_die.wait_before = suspend_time;
      end
      if (dies[d].doing == IDLE && (dies[d].leaving == 0 || cache_read)) for_die.what = READING;
    end else if (dies[d].doing == IDLE && dies[d].leaving == 0) begin
      if (dies[d].stops) resume(d);
      else if (any_waits(d, USER_WRITE, GC_WRITE)) for_die.what = PROGRAMMING;
      else if (any_waits(d, ERASE, ERASE)) for_die.what = ERASING;
    end
  endfunction

  // the most urgent row of a chip that must be idle as a whole
  function automatic choice_t for_chip(logic [H-1:0] chip);
    logic found, busy;
    logic [E-1:0] best;
    found = 1'b0;
    busy = 1'b0;
    best = '0;
    for (int d = 0; d < DIES; d++) begin
      if (d / CHIP_DIES == int'(chip)) busy = busy || dies[d].doing != IDLE || dies[d].leaving != 0;
    end
    for (int n = 0; n < ENTRIES; n++) begin
      if (int'(entries[n].die) / CHIP_DIES == int'(chip) && entries[n].state == QUEUED &&
          (!found || goes_first(E'(n), best))) begin
        found = 1'b1;
        best = E'(n);
      end
    end
    for_chip = '{die: entries[best].die, what: IDLE, wait_before: '0};
    if (found && !busy) begin
      for_chip.what = (entries[best].kind <= GC_READ) ? READING : (entries[best].kind == ERASE) ? ERASING : PROGRAMMING;
    end
  endfunction

  // the chips in turn, until one of them uses the bus
  function automatic choice_t for_channel();
    for_channel = '0;
    for (int n = 0; n < CHIPS; n++) begin
      if (for_channel.what == IDLE) begin
        for (int d = 0; d < DIES; d++) begin
          if (independent && d / CHIP_DIES == int'(turn) && for_channel.what == IDLE) for_channel = for_die(D'(d));
        end
        if (!independent) for_channel = for_chip(turn);
        turn = (turn == H'(CHIPS - 1)) ? '0 : turn + H'(1);
      end
    end
  endfunction

  // read data go before commands; with cache reads the short command goes first, the data hide behind its array time
  function automatic void next_use();
    logic found;
    logic [E-1:0] best;
    choice_t choice;
    bus = IDLE;
    found = 1'b0;
    best = '0;
    for (int n = 0; n < ENTRIES; n++) begin
      if (entries[n].state == READY && (!found || goes_first(E'(n), best))) begin
        found = 1'b1;
        best = E'(n);
      end
    end
    choice = '0;
    if (cache_read || !found) choice = for_channel();
    if (choice.what != IDLE) begin
      serve_die(choice.die, choice.what, choice.wait_before);
    end else if (found) begin
      entries[best].state = MOVING;
      moving_tag = best;
      bus = DATA;
      bus_left = T'(data_setup) + data_time(entries[best].bytes);
      bus_busy = bus_busy + C'(bus_left);
    end
  endfunction

  // the data on the bus are through
  function automatic void arrive();
    logic [D-1:0] d;
    d = entries[moving_tag].die;
    entries[moving_tag].state = FREE;
    done[moving_tag] = 1'b1;
    dies[d].leaving = dies[d].leaving - 3'd1;
    if (dies[d].leaving == 0 && dies[d].held) release_register(d);
  endfunction

  always_ff @(posedge clk) begin
    done = '0;
    if (rst) begin
      for (int n = 0; n < ENTRIES; n++) entries[n] = '0;
      for (int d = 0; d < DIES; d++) dies[d] = '0;
      bus = IDLE;
      bus_left = '0;
      moving_tag = '0;
      turn = '0;
      arrivals = '0;
      bus_busy = '0;
      read_commands = '0;
      multiplane_reads = '0;
      suspensions = '0;
    end else begin
      if (bus_left != 0) bus_left = bus_left - T'(1);
      for (int d = 0; d < DIES; d++) if (dies[d].left != 0) dies[d].left = dies[d].left - T'(1);
      if (add_valid) begin
        entries[add_tag] = '{
            state: QUEUED, kind: add_kind, die: add_die, plane: add_plane, page: add_page, bytes: add_bytes,
            order: add_order, place: '0};
        if (bus_left == 0 && bus != DATA) next_use();
      end
      for (int d = 0; d < DIES; d++) begin
        if (dies[d].doing != IDLE && !dies[d].held && dies[d].left == 0) array_done(D'(d));
      end
      if (bus_left == 0) begin
        if (bus == DATA) arrive();
        if (then_valid) begin
          entries[then_tag] = '{
              state: QUEUED, kind: then_kind, die: then_die, plane: then_plane, page: then_page, bytes: then_bytes,
              order: then_order, place: '0};
        end
        next_use();
      end
    end
  end
  /* verilator lint_on BLKSEQ */

endmodule
