"""The channel's two functions, `accept` and `advance`, and what they share.

In every cycle the controller sends a command first and takes a request second, whatever the order in
which the two functions are called. Idle cycles, refreshes of an idle device included, are made up for
when the next call comes.
"""

from hw_models.dram.bank_queues import choose_in_turn, find_queued, limit_choice, move_one, stand_in_line
from hw_models.dram.device import activate, column, precharge, precharge_all, refresh_bank, refresh_rank
from hw_models.dram.power import (
    ENTER_POWER_DOWN,
    ENTER_SELF_REFRESH,
    EXIT_POWER_DOWN,
    EXIT_SELF_REFRESH,
    come_up,
    earliest_due,
    go_down,
)
from hw_models.dram.queues import (
    dequeue,
    enqueue,
    find_write,
    finish_part,
    release_entry,
    reserve,
    take_entry,
    take_parent,
    unreserve,
)
from hw_models.dram.schedule import choose, choose_again
from hw_models.dram.state import DONE_ROWS, LOG_ROWS, Command, Field, Page, Refresh, Scheduler, WriteAnswer
from hw_models.dram.waits import (
    note_admission,
    note_entry,
    note_first_command,
    note_refresh,
    note_refusal,
    note_service,
)
from hw_models.jit import njit
from hw_models.port import FIFO_ROWS, NEVER, copy_request
from hw_models.port import REFRESH as REFRESHER

READ = int(Command.READ)
WRITE = int(Command.WRITE)
ACTIVATE = int(Command.ACTIVATE)
PRECHARGE = int(Command.PRECHARGE)
PRECHARGE_ALL = int(Command.PRECHARGE_ALL)
REFRESH = int(Command.REFRESH)
WAKE = int(Command.WAKE)
BANK_FIELD = int(Field.BANK)
ROW_FIELD = int(Field.ROW)
COLUMN_FIELD = int(Field.COLUMN)
ACCEPTED = int(WriteAnswer.ACCEPTED)
ISSUED = int(WriteAnswer.ISSUED)
ALL_BANK = int(Refresh.ALL_BANK)
PER_BANK = int(Refresh.PER_BANK)
CLOSED_PAGE = int(Page.CLOSED)
ADAPTIVE_PAGE = int(Page.ADAPTIVE)
BLISS = int(Scheduler.BLISS)
IN_TURN = int(Scheduler.BANK_ROUND_ROBIN)
GUARD_ROWS = 8  # answers that one request can add


@njit
def locate(state, entry, address):
    """Fill bank, row and column of ``entry`` from a byte address."""
    bank = 0
    row = 0
    col = 0
    for k in range(state["segments"]):
        piece = state["segment"][k]
        bits = (address >> piece[1] & piece[2]) << piece[3]
        if piece[0] == BANK_FIELD:
            bank ^= bits
        elif piece[0] == ROW_FIELD:
            row ^= bits
        elif piece[0] == COLUMN_FIELD:
            col ^= bits
    entry["bank"] = bank
    entry["row"] = row
    entry["column"] = col


@njit
def count_first_command(state, e, command, time):
    entry = state["entries"][e]
    if entry["seen"] == 0:
        entry["seen"] = 1
        if state["masters"] > 0:
            note_first_command(state, e, command, time)
        if command == ACTIVATE:
            state["row_misses"] += 1
        elif command == PRECHARGE:
            state["row_conflicts"] += 1
        else:
            state["row_hits"] += 1


@njit
def count_streak(state, master):
    """A master that is served several times in a row goes to the end of the line for a while."""
    if master != state["last_master"]:
        state["last_master"] = master
        state["streak"] = 0
    state["streak"] += 1
    if state["streak"] >= state["bliss_streak"]:
        state["blacklist"] |= 1 << master


@njit
def adapt_timeout(state, bank, row):
    """A row closed too early makes its bank wait twice as long, a row kept too long half as long."""
    if row == bank["closed_row"]:
        bank["timeout"] = min(2 * bank["timeout"], 64 * state["page_timeout"])
    bank["closed_row"] = -1


@njit
def serve(state, e, time):
    """The RD or WR of entry ``e``, at ``time``."""
    t = state["t"]
    entry = state["entries"][e]
    b = entry["bank"]
    w = entry["write"]
    bank = state["banks"][b]
    if state["masters"] > 0:
        note_service(state, e, time)
    if state["scheduler"] == BLISS:
        count_streak(state, entry["master"])
    if bank["active"] == e:
        unreserve(state, b)
    else:
        dequeue(state, e)
    auto = state["page"] == CLOSED_PAGE and bank["active"] < 0 and bank["hit"][0] < 0 and bank["hit"][1] < 0
    column(state, b, w, time, auto, entry["column"])
    if w == 0:
        done = time + t["data"][0]
        state["last_read_done"] = done
        finish_part(state, entry["parent"], done)
    elif state["write_answer"] != ACCEPTED:
        done = time + 1 if state["write_answer"] == ISSUED else time + t["data"][1]
        finish_part(state, entry["parent"], done)
    if state["scheduler"] == IN_TURN:
        bank["count"] -= 1
        state["moving"] = 1
        state["turn"] = b
        twin = entry["twin"]
        while twin >= 0:
            finish_part(state, state["entries"][twin]["parent"], time + t["data"][0])
            following = state["entries"][twin]["twin"]
            release_entry(state, twin)
            twin = following
    release_entry(state, e)


@njit
def fall_due(state, time):
    """Refreshes of cycle ``time`` are owed from now on."""
    for r in range(state["ranks"]):
        rank = state["rank"][r]
        if rank["due"] <= time:
            if rank["owed"] == 0:
                rank["owed_since"] = rank["due"]
                state["owed"] += 1
                if state["masters"] > 0:
                    note_refresh(state, time)
            rank["owed"] += 1
            rank["due"] += state["t"]["refi"]
    state["due"] = earliest_due(state)


@njit
def pay_refresh(state, r):
    rank = state["rank"][r]
    rank["owed"] -= 1
    rank["owed_since"] += state["t"]["refi"]
    if rank["owed"] == 0:
        state["owed"] -= 1


@njit
def execute(state):
    """Send the chosen command at its cycle."""
    time = state["chosen_time"]
    command = state["chosen"]
    e = state["chosen_entry"]
    b = state["chosen_bank"]
    state["stale"] = 1
    if command == WAKE:
        if time > state["next"]:
            state["writing"] = state["writing_next"]
        state["next"] = time
        if state["due"] <= time:
            fall_due(state, time)
        if state["moving"] == 1 and state["moved_at"] < time:
            move_one(state)
            state["moved_at"] = time
        return
    state["writing"] = state["writing_next"]
    state["next"] = time + 1
    if command <= WRITE:
        count_first_command(state, e, command, time)
        serve(state, e, time)
    elif command == ACTIVATE:
        state["turn"] = b
        entry = state["entries"][e]
        count_first_command(state, e, command, time)
        if state["reserve"] == 1:
            reserve(state, e)
        if state["page"] == ADAPTIVE_PAGE:
            adapt_timeout(state, state["banks"][b], entry["row"])
        activate(state, b, entry["row"], time)
        state["banks"][b]["opener"] = entry["master"]
    elif command == PRECHARGE:
        if e >= 0:
            state["turn"] = b
            count_first_command(state, e, command, time)
            if state["page"] == ADAPTIVE_PAGE:
                state["banks"][b]["timeout"] = max(
                    state["banks"][b]["timeout"] // 2, state["page_timeout"] // 4
                )
        elif state["owed"] > 0:
            state["banks"][b]["opener"] = REFRESHER
        else:
            state["banks"][b]["closed_row"] = state["banks"][b]["open"]
        precharge(state, b, time)
    elif command == PRECHARGE_ALL:
        for k in range(b * state["banks_per_rank"], (b + 1) * state["banks_per_rank"]):
            state["banks"][k]["opener"] = REFRESHER
        precharge_all(state, b, time)
    elif command == REFRESH:
        refresh_rank(state, b, time)
        pay_refresh(state, b)
    elif command in (ENTER_POWER_DOWN, ENTER_SELF_REFRESH):
        go_down(state, b, command, time)
    elif command in (EXIT_POWER_DOWN, EXIT_SELF_REFRESH):
        come_up(state, b, command, time)
    else:
        r = state["banks"][b]["rank"]
        refresh_bank(state, b, time)
        rank = state["rank"][r]
        rank["refresh_bank"] = (rank["refresh_bank"] + 1) % state["banks_per_rank"]
        pay_refresh(state, r)


@njit
def catch_up(state, now):
    """Send every command that is due up to and including cycle ``now``, as far as the log has room."""
    while True:
        if state["stale"] == 1:
            if state["scheduler"] == IN_TURN:
                choose_in_turn(state)
            else:
                choose(state)
        if state["chosen_time"] > now or state["log_count"] == LOG_ROWS:
            return
        execute(state)


@njit
def answered_at_once(state, request, entry, now):
    """Answer a read from a queued write, merge a write into one. Returns whether it could be done."""
    w = request["write"]
    if state["size"][1] + state["line_size"][1] == 0:
        return False
    if (w == 0 and state["forward"] == 0) or (w == 1 and state["merge"] == 0):
        return False
    if state["scheduler"] == IN_TURN:
        same = find_queued(state, 1, entry["bank"], entry["address"])
    else:
        same = find_write(state, entry["bank"], entry["address"])
    if same < 0:
        return False
    time = now + 1
    if w == 1:
        state["merged"] += 1
    else:
        state["forwarded"] += 1
        if state["scheduler"] != IN_TURN:  # behind the reads whose data are still to come
            time = max(time, state["last_read_done"])
            state["last_read_done"] = time
    finish_part(state, take_parent(state, request, 1), time)
    return True


@njit
def has_room(state, w, parts):
    """Return whether ``parts`` more entries fit the queue. A larger request fits an empty one."""
    used = state["size"][w]
    room = state["capacity"][w]
    if state["scheduler"] == IN_TURN:
        used = state["line_size"][w]
    elif state["unified"] == 1:
        used = state["size"][0] + state["size"][1]
        room = state["capacity"][0]
    return used + parts <= room or used == 0


@njit
def take(state, request, now):
    """Queue ``request`` if there is room."""
    w = request["write"]
    shift = state["burst_shift"]
    first = request["address"] >> shift
    parts = (request["address"] + request["bytes"] - 1 >> shift) - first + 1
    if state["outstanding"][w] > 0 and state["waiting"][w] >= state["outstanding"][w]:
        return False
    if state["done_count"] + GUARD_ROWS > DONE_ROWS or state["free_count"] < parts + GUARD_ROWS:
        return False
    in_turn = state["scheduler"] == IN_TURN
    if in_turn and not has_room(state, w, parts):
        return False  # DRAMsim3 asks for room before it looks for the address
    entry = state["entries"][state["free"][state["free_count"] - 1]]
    entry["address"] = first << shift
    locate(state, entry, entry["address"])
    if parts == 1 and answered_at_once(state, request, entry, now):
        return True
    if not in_turn and not has_room(state, w, parts):
        return False
    if now >= state["next"]:
        state["writing"] = state["writing_next"]
        state["next"] = now + 1
    p = take_parent(state, request, parts)
    for k in range(parts):
        e = take_entry(state)
        entry = state["entries"][e]
        if k > 0:
            entry["address"] = first + k << shift
            locate(state, entry, entry["address"])
        entry["write"] = w
        entry["order"] = state["order"]
        entry["arrived"] = now
        entry["master"] = request["master"]
        entry["parent"] = p
        entry["seen"] = 0
        state["order"] += 1
        state["pending"] += 1
        state["rank"][state["banks"][entry["bank"]]["rank"]]["queued"] += 1
        if state["masters"] > 0:
            note_entry(state, e, now)
        if in_turn:
            line_up(state, e)
        else:
            enqueue(state, e)
            if state["stale"] == 0:
                choose_again(state, e)
        if w == 1 and state["write_answer"] == ACCEPTED:
            finish_part(state, p, now + 1)
    return True


@njit
def admit(state, request, now):
    """Take ``request``, the command of cycle ``now`` being sent; False when its queue is full."""
    if take(state, request, now):
        note_admission(state, request["master"], now)
        return True
    note_refusal(state, now)
    return False


@njit
def accept(state, request, now):
    """Take ``request`` after the command of cycle ``now``; False when its queue is full."""
    if state["stale"] == 0 or state["next"] <= now:
        catch_up(state, now)
    return admit(state, request, now)


@njit
def line_up(state, e):
    """Put entry ``e`` in line, or beside a read of the same burst that is already queued."""
    entry = state["entries"][e]
    if entry["write"] == 0 and state["merge"] == 1:
        same = find_queued(state, 0, entry["bank"], entry["address"])
        if same >= 0:
            entry["twin"] = state["entries"][same]["twin"]
            state["entries"][same]["twin"] = e
            state["merged"] += 1
            return
    stand_in_line(state, e)
    state["moving"] = 1
    if state["stale"] == 0:
        limit_choice(state)


@njit
def deliver(fifo, row):
    """Insert an answer into ``fifo``, whose rows are ordered by time. The caller has checked for room."""
    rows = fifo["rows"]
    k = fifo["head"] + fifo["count"]
    while k > fifo["head"] and rows[(k - 1) % FIFO_ROWS]["time"] > row["time"]:
        copy_request(rows[k % FIFO_ROWS], rows[(k - 1) % FIFO_ROWS])
        k -= 1
    copy_request(rows[k % FIFO_ROWS], row)
    fifo["count"] += 1


@njit
def drop_answer(state):
    """Forget the oldest known answer."""
    state["waiting"][state["done"][state["done_head"]]["write"]] -= 1
    state["done_head"] = (state["done_head"] + 1) % DONE_ROWS
    state["done_count"] -= 1


@njit
def busy(state):
    """Return whether anything is left to send. With DRAMsim3's rule the last few writes are never drained."""
    if state["scheduler"] == IN_TURN and state["moving"] == 0:
        return state["size"][0] + state["size"][1] > 0
    return state["pending"] > 0


@njit
def wake(state):
    """Return the next cycle at which anything happens inside, NEVER when all requests are served.

    The caller has caught up.
    """
    time = NEVER
    if busy(state):
        time = state["chosen_time"]
    if state["done_count"] > 0 and state["hold"] == 1:
        time = min(time, state["done"][state["done_head"]]["time"])
    return time


@njit
def advance(state, now, out):
    """Send what is due, hand over known answers, return the cycle of the next command."""
    catch_up(state, now)
    while state["done_count"] > 0 and out["count"] < out["limit"]:
        row = state["done"][state["done_head"]]
        if state["hold"] == 1 and row["time"] > now:
            break
        deliver(out, row)
        drop_answer(state)
    return wake(state)
