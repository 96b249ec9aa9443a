"""What the controller keeps of its banks (`candidates.py`) is what a look at every queued entry finds."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.cache.standalone import build_wiring
from hw_models.dram.bank_queues import PLACES
from hw_models.dram.block import accept, advance
from hw_models.dram.build import build_channels
from hw_models.dram.candidates import ACT, COLUMN, LINE, OPENER, PRE
from hw_models.dram.params import Dram
from hw_models.dram.state import TO_ACT, TO_READ
from hw_models.port import FIFO_ROWS, NEVER, REQUEST, pop

BANKS = (0, 1, 6, 15)
KEYS = {"standard": "DDR4-2400R", "mapping": "row rank group bank column", "bank_queue": 4}
POLICIES = {
    "scheduler": st.sampled_from(["fr_fcfs", "fr_fcfs", "column_first", "bank_round_robin"]),
    "page": st.sampled_from(["open", "closed", "timeout"]),
    "page_timeout": st.just("40 cycles"),
    "unified_queue": st.booleans(),
    "reserve_rows": st.booleans(),
    "read_queue": st.sampled_from([4, 16]),
    "write_queue": st.sampled_from([4, 16]),
    "refresh": st.sampled_from(["all_bank", "all_bank", "none"]),
    "timing": st.sampled_from([{}, {"tREFI": 300, "tRFC": 60}]),
}


def waiting(state: np.void, bank: np.void, w: int) -> list[tuple[int, int]]:
    """Return (order, row) of the entries of one queue of a bank, oldest first."""
    found, e = [], int(bank["head"][w])
    while e >= 0:
        entry = state["entries"][e]
        found.append((int(entry["order"]), int(entry["row"])))
        e = int(entry["next"])
    return found


def asked_for(state: np.void, bank: np.void, w: int) -> dict[int, tuple[int, int]]:
    """Return what a bank asks for: of each kind of command its earliest time and the age of its request."""
    group, queue, row = state["group"][bank["group"]], waiting(state, bank, w), int(bank["open"])
    column = max(int(bank["column"][w]), int(group["earliest"][TO_READ + w]))
    found = {}
    if bank["active"] >= 0 and state["entries"][bank["active"]]["write"] == w:
        found[OPENER] = column, int(state["entries"][bank["active"]]["order"])
    if row < 0 and queue:
        found[ACT] = max(int(bank["act"]), int(group["earliest"][TO_ACT])), queue[0][0]
    hits, misses = ([order for order, other in queue if (other == row) == same] for same in (True, False))
    if row >= 0 and hits:
        found[COLUMN] = column, hits[0]
    if row >= 0 and misses and bank["active"] < 0:
        found[PRE] = max(int(bank["pre"]), int(group["pre"])), misses[0]
    return found


def in_line(state: np.void, w: int, b: int) -> int:
    """Return how many entries stand in line for a bank."""
    count, e = 0, int(state["in_line"][w, b])
    while e >= 0:
        assert (state["entries"][e]["write"], state["entries"][e]["bank"]) == (w, b)
        count, e = count + 1, int(state["entries"][e]["next"])
    return count


def check_queues(state: np.void) -> None:
    """What the controller keeps of the lines and command queues of DRAMsim3."""
    banks = {b: state["banks"][b] for b in BANKS}
    counts = {
        b: int(bank["active"] >= 0) + sum(len(waiting(state, bank, w)) for w in range(2))
        for b, bank in banks.items()
    }
    full = [b for b in BANKS if counts[b] == state["bank_capacity"]]
    assert state["busy_banks"][: state["busy_count"]].tolist() == [b for b in BANKS if counts[b]]
    for w in range(2):
        line = [b for b in BANKS if state["in_line"][w, b] >= 0]
        count = int(state["asking"][w, LINE])
        asking = sorted(state["asking_banks"][w, LINE, :count].tolist())
        assert asking == [b for b in line if b not in full]
        assert state["line_size"][w] == sum(in_line(state, w, b) for b in line)
        for b in BANKS:
            kinds = asked_for(state, state["banks"][b], w)
            if state["rank"][state["banks"][b]["rank"]]["owed"] > 0 or state["banks"][b]["active"] >= 0:
                continue  # its queue waits
            assert all(
                state["soonest"][b] // PLACES <= kinds[kind][0] for kind in (ACT, COLUMN) if kind in kinds
            )


def check(state: np.void) -> None:
    start = int(state["next"])
    for w in range(2):
        found = {b: asked_for(state, state["banks"][b], w) for b in BANKS}
        for kind in (OPENER, ACT, COLUMN, PRE):
            ready = {b: kinds[kind] for b, kinds in found.items() if kind in kinds}
            if kind != OPENER and state["simple"] == 0:  # banks that have requests, whatever they ask for
                own = [b for b in BANKS if kind == ACT and waiting(state, state["banks"][b], w)]
                count = int(state["asking"][w, kind])
                assert sorted(state["asking_banks"][w, kind, :count].tolist()) == own
                continue
            count = int(state["asking"][w, kind])
            assert sorted(state["asking_banks"][w, kind, :count].tolist()) == sorted(ready)
            time = int(state["first_time"][w, kind])
            if not ready or time == NEVER:
                assert (len(ready), time) == (0, NEVER)
            elif time >= start:  # else it is to be looked for
                first = min(ready, key=lambda b: (max(ready[b][0], start), ready[b][1]))
                known = state["first"][w, kind], time, state["first_order"][w, kind]
                assert known == (first, max(ready[first][0], start), ready[first][1])


@settings(max_examples=40)
@given(st.fixed_dictionaries(POLICIES), st.integers(0, 2**31), st.sampled_from([0, 5, 40]))
def test_lists_and_first_banks_are_those_of_a_look_at_every_entry(policy, seed, gap):
    rng = np.random.default_rng(seed)
    dram = Dram.model_validate(KEYS | policy)
    state, up = build_channels(dram)[0], build_wiring(FIFO_ROWS)[0]["fifo"][0]
    request, now = np.zeros(1, REQUEST)[0], 1
    request["bytes"] = dram.burst_bytes
    look = check_queues if policy["scheduler"] == "bank_round_robin" else check
    for _ in range(60):
        bank, row, column = rng.choice(BANKS), rng.integers(3), rng.integers(4)
        request["address"], request["write"] = row << 17 | bank << 13 | column << 6, rng.random() < 0.4
        while not accept(state, request, now):
            look(state)
            now = max(now + 1, min(int(advance(state, now, up)), now + 50))
        look(state)
        advance(state, now, up)
        look(state)
        while up["count"] > 0:
            pop(up)
        now += int(rng.integers(1, gap + 2))
