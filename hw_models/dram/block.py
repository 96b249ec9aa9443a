"""The channel's two functions, `accept` and `advance`, and what they share.

In every cycle the controller sends a command first and takes a request second, whatever the order in
which the two functions are called. Idle cycles, refreshes of an idle device included, are made up for
when the next call comes.
"""

import numpy as np

from hw_models.dram.bank_queues import choose_in_turn
from hw_models.dram.execute import execute
from hw_models.dram.lines import find_queued, line_up, make_room
from hw_models.dram.names import Page, Scheduler, WriteResponse
from hw_models.dram.queues import (
    enqueue,
    find_write,
    finish_part,
    may_be_queued,
    note_place,
    openers,
    take_entry,
    take_parent,
    unpark,
)
from hw_models.dram.schedule import choose, choose_again
from hw_models.dram.state import DONE_ROWS, LOG_ROWS, STALE, Field
from hw_models.dram.waits import (
    note_admission,
    note_entry,
    note_refusal,
)
from hw_models.jit import aside, inlined, njit
from hw_models.port import FIFO_ROWS, NEVER, copy_request

BANK_FIELD = int(Field.BANK)
ROW_FIELD = int(Field.ROW)
SIMPLE_SEGMENTS = len(Field)  # one of each field, before all others
ACCEPTED = WriteResponse.ACCEPTED.code
IN_TURN = Scheduler.BANK_ROUND_ROBIN.code
CLOSED_PAGE = Page.CLOSED.code
GUARD_ROWS = 8  # answers that one request can add


@inlined
def locate(state, entry, address):
    """Fill bank, row and column of ``entry`` from a byte address."""
    bank = address >> state["bank_shift"] & state["bank_mask"]
    row = address >> state["row_shift"] & state["row_mask"]
    col = address >> state["column_shift"] & state["column_mask"]
    for k in range(SIMPLE_SEGMENTS, state["segments"]):
        piece = state["segment"][k]
        bits = (address >> piece[1] & piece[2]) << piece[3]
        if piece[0] == BANK_FIELD:
            bank ^= bits
        elif piece[0] == ROW_FIELD:
            row ^= bits
        else:
            col ^= bits
    entry["bank"] = bank
    entry["row"] = row
    entry["column"] = col


@njit
def choose_next(state):
    if state["scheduler"] == IN_TURN:
        choose_in_turn(state)
    else:
        unpark(state)
        choose(state)


@inlined
def alone_until(state, now):
    """Return up to when, in cycle ``now``, `execute` may send all commands of the only entry that is left."""
    return now if state["log_on"] == 0 and state["page"] <= CLOSED_PAGE else np.int64(-1)


@inlined
def send_due(state, now):
    """Send every command that is due up to and including cycle ``now``, as far as the log has room.

    What comes after ``now`` is not yet chosen if the last command was sent in this very cycle.
    """
    until = alone_until(state, now)
    while state["chosen_time"] <= now:
        if state["chosen_time"] == STALE:
            if state["next"] > now:
                return
            choose_next(state)
        elif state["log_on"] == 1 and state["log_count"] == LOG_ROWS:
            return
        else:
            execute(state, until)


@inlined
def catch_up(state, now):
    """Send what is due up to cycle ``now`` and choose what comes next."""
    send_due(state, now)
    if state["chosen_time"] == STALE:
        choose_next(state)


@njit
def answered_at_once(state, request, entry, now):
    """Answer a read from a queued write, merge a write into one. Returns whether it could be done."""
    w = request["write"]
    if (w == 0 and state["forward"] == 0) or (w == 1 and state["merge"] == 0):
        return False
    unpark(state)
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


@inlined
def take(state, request, now):
    """Queue ``request`` if there is room."""
    w = request["write"]
    shift = state["burst_shift"]
    first = request["address"] >> shift
    parts = (request["address"] + request["bytes"] - 1 >> shift) - first + 1
    most = state["outstanding"][w] if state["hold"] == 1 else np.int64(0)
    if most > 0 and state["waiting"][w] >= most:
        return False
    if state["done_count"] + GUARD_ROWS > DONE_ROWS or state["free_count"] < parts + GUARD_ROWS:
        return False
    room = has_room(state, w, parts)
    if state["scheduler"] == IN_TURN and not room:
        if w == 1:
            make_room(state)
        return False  # DRAMsim3 asks for room before it looks for the address
    met = parts == 1 and may_be_queued(state, 1, first << shift)
    if not room and not met:
        return False
    entry = state["entries"][state["free"][state["free_count"] - 1]]
    entry["address"] = first << shift
    locate(state, entry, entry["address"])
    if met and answered_at_once(state, request, entry, now):
        return True
    if not room:
        return False
    if now >= state["next"]:
        if state["unified"] == 0:
            state["writing"] = state["writing_next"]
        state["next"] = now + 1
    p = take_parent(state, request, parts)
    queue_up(state, request, p, now)
    if parts > 1:
        queue_rest(state, request, p, now, parts)
    return True


@aside
def queue_rest(state, request, p, now, parts):
    """Queue the bursts of ``request`` behind the first of its ``parts``."""
    first = request["address"] >> state["burst_shift"]
    for k in range(1, parts):
        entry = state["entries"][state["free"][state["free_count"] - 1]]
        entry["address"] = first + k << state["burst_shift"]
        locate(state, entry, entry["address"])
        queue_up(state, request, p, now)


@inlined
def queue_up(state, request, p, now):
    """A burst of ``request``, of parent ``p``, comes in at cycle ``now``: the next free entry is placed."""
    e = take_entry(state)
    entry = state["entries"][e]
    entry["write"] = request["write"]
    entry["master"] = request["master"]
    entry["parent"] = p
    order = state["order"]
    entry["order"] = order
    entry["arrived"] = now
    entry["seen"] = 0
    state["order"] = order + 1
    state["pending"] += 1
    if state["down_after"] > 0:
        state["rank"][state["banks"][entry["bank"]]["rank"]]["queued"] += 1
    if state["scheduler"] == IN_TURN:
        line_up(state, e)
    else:
        if state["masters"] > 0:
            note_entry(state, e)
        note_place(state, e, 1)
        enqueue(state, e)
        if state["chosen_time"] != STALE:
            choose_again(state, e)
    if request["write"] == 1 and state["write_answer"] == ACCEPTED:
        finish_part(state, p, now + 1)


@njit
def admit(state, request, now):
    """Take ``request``, the command of cycle ``now`` being sent; False when its queue is full."""
    if take(state, request, now):
        note_admission(state, request["master"], now)
        return True
    note_refusal(state, now)
    return False


@inlined
def let_in(state, request, now):
    """Tell whether the oldest request is through the FIFO in front: a cycle, or as long as a write's data."""
    if state["entering"] < 0:
        beats = np.int64(1)
        if request["write"]:
            beats = max(beats, (request["bytes"] + (1 << state["gate_shift"]) - 1) >> state["gate_shift"])
        state["entering"] = max(now + beats, state["entered"] + 1)
    return state["entering"] <= now


@njit
def accept(state, request, now):
    """Take ``request`` after the command of cycle ``now``; False when its queue is full."""
    if state["gated"] and not let_in(state, request, now):
        return False
    send_due(state, now)
    if not admit(state, request, now):
        return False
    if state["gated"]:
        state["entering"], state["entered"] = -1, now
    return True


@njit
def deliver(fifo, request, time):
    """Insert an answer into ``fifo``, whose rows are ordered by time. The caller has checked for room."""
    rows = fifo["rows"]
    k = fifo["head"] + fifo["count"]
    while k > fifo["head"] and rows[(k - 1) % FIFO_ROWS]["time"] > time:
        copy_request(rows[k % FIFO_ROWS], rows[(k - 1) % FIFO_ROWS])
        k -= 1
    copy_request(rows[k % FIFO_ROWS], request)
    rows[k % FIFO_ROWS]["time"] = time
    fifo["count"] += 1


@inlined
def drop_answer(state, p):
    """Forget the oldest known answer, that of parent ``p``."""
    state["waiting"][state["parents"][p]["request"]["write"]] -= 1
    free = state["free_parents"]
    state["free_parent"][free] = p
    state["free_parents"] = free + 1
    state["done_count"] -= 1
    state["done_head"] = (state["done_head"] + 1) % DONE_ROWS if state["done_count"] > 0 else 0


@njit
def busy(state):
    """Return whether anything is left to send. With DRAMsim3's rule the last few writes are never drained."""
    if state["scheduler"] == IN_TURN and state["moving"] == 0:
        return state["size"][0] + state["size"][1] + openers(state) > 0
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
    again = NEVER
    while state["done_count"] > 0 and out["count"] < out["limit"]:
        answer = state["done"][state["done_head"]]
        p = answer["parent"]
        if state["hold"] == 1 and answer["time"] > now:
            break
        deliver(out, state["parents"][p]["request"], answer["time"])
        drop_answer(state, p)
        if state["hold"] == 1 and state["refused"] == 1:
            again = now + 1  # the request that was refused may be one for the place just given up
    if state["entering"] > now:
        again = min(again, state["entering"])
    return min(again, wake(state))
