"""What each command does to the device: states of banks, and the earliest times of later commands."""

from hw_models.dram.candidates import ACT, COLUMN, IN_TURN, OPENER, PRE, UNKNOWN, forget
from hw_models.dram.names import Command, Page
from hw_models.dram.queues import classify, declassify
from hw_models.dram.state import TO_ACT, TO_READ
from hw_models.jit import inlined, njit

READ = int(Command.READ)
READ_AUTO = int(Command.READ_AUTO)
ACTIVATE = int(Command.ACTIVATE)
PRECHARGE = int(Command.PRECHARGE)
PRECHARGE_ALL = int(Command.PRECHARGE_ALL)
REFRESH = int(Command.REFRESH)
REFRESH_BANK = int(Command.REFRESH_BANK)
CLOSED_PAGE = Page.CLOSED.code


@njit
def log(state, time, command, rank, b, row, column):
    """Keep one command for the reader of the log, when there is one."""
    if state["log_on"] == 0:
        return
    line = state["log"][state["log_count"]]
    line["channel"] = state["number"]
    line["cycle"] = time
    line["command"] = command
    line["rank"] = rank
    line["group"] = -1
    line["bank"] = -1
    if b >= 0:
        group = state["banks"][b]["group"]
        line["group"] = group - rank * state["groups"]
        line["bank"] = b - group * state["banks_per_group"]
    line["row"] = row
    line["column"] = column
    state["log_count"] += 1


@inlined
def note_command(state, rank, time):
    """A rank goes down some time after its last command."""
    if state["down_after"] > 0:
        rank["last"] = time


@njit
def activate(state, b, row, time):
    t = state["t"]
    bank = state["banks"][b]
    rank = state["rank"][bank["rank"]]
    note_command(state, rank, time)
    bank["open"] = row
    note_use(state, bank, time, False)
    bank["act"] = time + t["rc"]
    bank["pre"] = time + t["ras"]
    bank["column"][0] = time + t["rcd"][0]
    bank["column"][1] = time + t["rcd"][1]
    oldest = rank["oldest_act"]
    rank["acts"][oldest] = time
    oldest = (oldest + 1) & 3
    rank["oldest_act"] = oldest
    window = rank["acts"][oldest] + t["faw"]
    same = time + t["act_gap"][0]
    other = time + t["act_gap"][1]
    if window > other:
        other = window
        if window > same:
            same = window
    first = bank["rank"] * state["groups"]
    for g in range(first, first + state["groups"]):
        group = state["group"][g]
        at = same if g == bank["group"] else other
        if at > group["earliest"][TO_ACT]:
            group["earliest"][TO_ACT] = at
    forget(state, ACT)
    if time + t["rc"] > rank["refresh"]:
        rank["refresh"] = time + t["rc"]
    if rank["open_banks"] == 0:
        rank["open_since"] = time if time > rank["idle_since"] else rank["idle_since"]
    rank["open_banks"] += 1
    state["activates"] += 1
    classify(state, b)
    log(state, time, ACTIVATE, bank["rank"], b, row, -1)


@njit
def close_bank(state, b, time):
    """Bank ``b`` starts to precharge at ``time``."""
    t = state["t"]
    bank = state["banks"][b]
    rank = state["rank"][bank["rank"]]
    bank["open"] = -1
    if time + t["rp"] > bank["act"]:
        bank["act"] = time + t["rp"]
    if time + t["rp"] > rank["refresh"]:
        rank["refresh"] = time + t["rp"]
    rank["open_banks"] -= 1
    if rank["open_banks"] == 0:
        rank["active_cycles"] += time - rank["open_since"]
        rank["idle_since"] = time
    declassify(state, b)


@njit
def note_precharge(state, r, time):
    """The next PRE of rank ``r`` keeps its distance."""
    note_command(state, state["rank"][r], time)
    if state["t"]["ppd"] > 1:
        for g in range(r * state["groups"], (r + 1) * state["groups"]):
            state["group"][g]["pre"] = time + state["t"]["ppd"]
        forget(state, PRE)


@njit
def precharge(state, b, time):
    close_bank(state, b, time)
    note_precharge(state, state["banks"][b]["rank"], time)
    state["precharges"] += 1
    log(state, time, PRECHARGE, state["banks"][b]["rank"], b, -1, -1)


@njit
def precharge_all(state, r, time):
    first = r * state["banks_per_rank"]
    extra = state["t"]["rp_all"] - state["t"]["rp"]
    for b in range(first, first + state["banks_per_rank"]):
        bank = state["banks"][b]
        if bank["open"] >= 0:
            close_bank(state, b, time)
            state["closed_by_all"] += 1
        if time + state["t"]["rp_all"] > bank["act"]:
            bank["act"] = time + state["t"]["rp_all"]
    forget(state, ACT)
    rank = state["rank"][r]
    if time + state["t"]["rp"] + extra > rank["refresh"]:
        rank["refresh"] = time + state["t"]["rp"] + extra
    note_precharge(state, r, time)
    state["precharge_alls"] += 1
    log(state, time, PRECHARGE_ALL, r, -1, -1, -1)


@njit
def refresh_rank(state, r, time):
    t = state["t"]
    rank = state["rank"][r]
    end = time + t["rfc"]
    rank["refresh"] = end
    rank["refreshing"] = end
    note_command(state, rank, time)
    first = r * state["groups"]
    for g in range(first, first + state["groups"]):
        if end > state["group"][g]["earliest"][TO_ACT]:
            state["group"][g]["earliest"][TO_ACT] = end
    forget(state, ACT)
    state["refreshes"] += 1
    log(state, time, REFRESH, r, -1, -1, -1)


@njit
def refresh_bank(state, b, time):
    t = state["t"]
    bank = state["banks"][b]
    rank = state["rank"][bank["rank"]]
    bank["act"] = time + t["rfc_bank"]
    note_command(state, rank, time)
    if time + t["rfc_bank"] > rank["refreshing"]:
        rank["refreshing"] = time + t["rfc_bank"]
    gap = time + t["refresh_gap"]
    if gap > rank["refresh"]:
        rank["refresh"] = gap
    first = bank["rank"] * state["groups"]
    for g in range(first, first + state["groups"]):
        if gap > state["group"][g]["earliest"][TO_ACT]:
            state["group"][g]["earliest"][TO_ACT] = gap
    forget(state, ACT)
    state["refreshes"] += 1
    log(state, time, REFRESH_BANK, bank["rank"], b, -1, -1)


@inlined
def hold_columns(state, bank, w, time):
    """RD and WR of all groups keep their distance from one of ``bank`` at ``time``."""
    gap = state["t"]["gap"][w]
    first = bank["rank"] * state["groups"]
    read_at = time + gap[0, 1]
    write_at = time + gap[1, 1]
    for g in range(first, first + state["groups"]):
        group = state["group"][g]
        if read_at > group["earliest"][TO_READ]:
            group["earliest"][TO_READ] = read_at
        if write_at > group["earliest"][TO_READ + 1]:
            group["earliest"][TO_READ + 1] = write_at
    group = state["group"][bank["group"]]
    group["earliest"][TO_READ] = max(group["earliest"][TO_READ], time + gap[0, 0])
    group["earliest"][TO_READ + 1] = max(group["earliest"][TO_READ + 1], time + gap[1, 0])
    if state["shared_bus"] == 1 and state["ranks"] > 1:
        read_at = time + gap[0, 2]
        write_at = time + gap[1, 2]
        for g in range(state["ranks"] * state["groups"]):
            if g < first or g >= first + state["groups"]:
                group = state["group"][g]
                group["earliest"][TO_READ] = max(group["earliest"][TO_READ], read_at)
                group["earliest"][TO_READ + 1] = max(group["earliest"][TO_READ + 1], write_at)
    forget(state, COLUMN)
    forget(state, OPENER)


@inlined
def note_use(state, bank, time, more):
    """The row of ``bank`` is opened, or has one access ``more``: for policies that ask for it."""
    if state["hit_cap"] > 0 or state["scheduler"] == IN_TURN:
        bank["hits"] = bank["hits"] + 1 if more else 0
    if state["page"] > CLOSED_PAGE:
        bank["used"] = time


@inlined
def column(state, b, w, time, auto, column_address):
    """RD or WR in bank ``b``, with auto-precharge if ``auto``."""
    t = state["t"]
    bank = state["banks"][b]
    note_use(state, bank, time, True)
    rank = state["rank"][bank["rank"]]
    note_command(state, rank, time)
    if state["down_after"] > 0:
        rank["quiet"] = max(rank["quiet"], time + t["data"][0] + 1 if w == 0 else time + t["to_pre"][1])
    if time + t["to_pre"][w] > bank["pre"]:
        bank["pre"] = time + t["to_pre"][w]
        if state["simple"] == 1:
            for v in range(2):
                if state["first"][v, PRE] == b and state["asking"][v, PRE] > 0:
                    state["first_time"][v, PRE] = UNKNOWN
    hold_columns(state, bank, w, time)
    if w == 0:
        state["reads"] += 1
    else:
        state["writes"] += 1
    if auto:
        start = bank["pre"]
        rank["closing"] = max(rank["closing"], start)
        close_bank(state, b, start)
        state["precharges"] += 1
        log(state, time, READ_AUTO + w, bank["rank"], b, -1, column_address)
    else:
        log(state, time, READ + w, bank["rank"], b, bank["open"], column_address)
