"""Sending the chosen command: what it does to queues, device, accounts and counters."""

from hw_models.dram.candidates import ACT, COLUMN, opener_of
from hw_models.dram.device import activate, column, precharge, precharge_all, refresh_bank, refresh_rank
from hw_models.dram.lines import leave_queue, move_one
from hw_models.dram.names import Command, Page, Scheduler, WriteResponse
from hw_models.dram.power import (
    ENTER_POWER_DOWN,
    ENTER_SELF_REFRESH,
    EXIT_POWER_DOWN,
    EXIT_SELF_REFRESH,
    come_up,
    earliest_due,
    go_down,
)
from hw_models.dram.queues import dequeue, finish_part, release_entry, reserve, serve_opener, unreserve
from hw_models.dram.schedule import choose_nothing, goes_on, is_only
from hw_models.dram.state import STALE
from hw_models.dram.waits import note_first_command, note_refresh, note_service
from hw_models.jit import inlined, njit
from hw_models.port import REFRESH as REFRESHER

READ = int(Command.READ)
ACTIVATE = int(Command.ACTIVATE)
PRECHARGE = int(Command.PRECHARGE)
PRECHARGE_ALL = int(Command.PRECHARGE_ALL)
REFRESH = int(Command.REFRESH)
WAKE = int(Command.WAKE)
ACCEPTED = WriteResponse.ACCEPTED.code
ISSUED = WriteResponse.ISSUED.code
CLOSED_PAGE = Page.CLOSED.code
ADAPTIVE_PAGE = Page.ADAPTIVE.code
BLISS = Scheduler.BLISS.code
IN_TURN = Scheduler.BANK_ROUND_ROBIN.code


@inlined
def count_first_command(state, e, command, time):
    if state["entries"][e]["seen"] == 0:
        state["entries"][e]["seen"] = 1
        count_command(state, e, command, time)


@njit
def count_command(state, e, command, time):
    """The first command of entry ``e`` is a row hit, miss or conflict."""
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


@inlined
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
    opener = opener_of(state, bank) == e
    if opener:
        serve_opener(state, b)
    else:
        dequeue(state, e)
    wanted = opener_of(state, bank) >= 0 or bank["hit"][0] >= 0 or bank["hit"][1] >= 0
    auto = state["page"] == CLOSED_PAGE and not wanted
    column(state, b, w, time, auto, entry["column"])
    if opener:
        unreserve(state, b)
    state["data_end"] = max(state["data_end"], time + t["moved"][w])
    if w == 0:
        done = time + t["data"][0]
        state["last_read_done"] = done
        finish_part(state, entry["parent"], done)
    elif state["write_answer"] != ACCEPTED:
        done = time + 1 if state["write_answer"] == ISSUED else time + t["data"][1]
        finish_part(state, entry["parent"], done)
    if state["scheduler"] == IN_TURN:
        leave_queue(state, b)
        state["moving"] = 1
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
        first = r * state["banks_per_rank"]
        for b in range(first, first + state["banks_per_rank"]):
            state["soonest"][b] = 0


@inlined
def pass_cycle(state, time):
    """A command is sent at cycle ``time``."""
    if state["unified"] == 0:
        state["writing"] = state["writing_next"]
    state["next"] = time + 1


@inlined
def make_way(state, e, b, time):
    """The PRE of bank ``b`` for entry ``e``, at ``time``."""
    count_first_command(state, e, PRECHARGE, time)
    if state["page"] == ADAPTIVE_PAGE:
        bank = state["banks"][b]
        bank["timeout"] = max(bank["timeout"] // 2, state["page_timeout"] // 4)
    precharge(state, b, time)


@inlined
def open_row(state, e, b, time):
    """The ACT of bank ``b`` for entry ``e``, at ``time``."""
    entry = state["entries"][e]
    count_first_command(state, e, ACTIVATE, time)
    if state["reserve"] == 1:
        reserve(state, e)
    if state["page"] == ADAPTIVE_PAGE:
        adapt_timeout(state, state["banks"][b], entry["row"])
    activate(state, b, entry["row"], time)
    state["banks"][b]["opener"] = entry["master"]


@njit
def wake_up(state, time):
    """Refreshes fall due, or an entry may move to its bank's queue, at cycle ``time``."""
    if time > state["next"]:
        state["writing"] = state["writing_next"]
    state["next"] = time
    if state["due"] <= time:
        fall_due(state, time)
    if state["moving"] == 1 and state["moved_at"] < time:
        move_one(state)
        state["moved_at"] = time


@njit
def maintain(state, command, b, time):
    """A command of bank or rank ``b`` that no entry asks for, at ``time``."""
    if command == PRECHARGE:
        if state["owed"] > 0:
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
        rank["refresh_bank"] += 1
        if rank["refresh_bank"] == state["banks_per_rank"]:
            rank["refresh_bank"] = 0
        pay_refresh(state, r)


@njit
def execute(state, until):
    """Send the chosen command at its cycle; if one entry is left, all its commands up to cycle ``until``."""
    time = state["chosen_time"]
    command = state["chosen"]
    e = state["chosen_entry"]
    b = state["chosen_bank"]
    state["chosen_time"] = STALE
    if command == WAKE:
        wake_up(state, time)
        return
    pass_cycle(state, time)
    if command > PRECHARGE or e < 0:
        maintain(state, command, b, time)
        return
    if state["scheduler"] == IN_TURN:
        state["turn"] = b
    only = is_only(state)
    if command == PRECHARGE:
        make_way(state, e, b, time)
        if not only:
            return
        time = goes_on(state, e, b, ACT, ACTIVATE, until)
        if time > until:
            return
        pass_cycle(state, time)
        command = ACTIVATE
    if command == ACTIVATE:
        open_row(state, e, b, time)
        if not only:
            return
        time = goes_on(state, e, b, COLUMN, READ + state["entries"][e]["write"], until)
        if time > until:
            return
        pass_cycle(state, time)
        command = READ
    count_first_command(state, e, READ, time)
    serve(state, e, time)
    if only:
        choose_nothing(state)
