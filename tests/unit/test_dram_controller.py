"""The controller against its ticking twin, its own plain way, and the rules of its policies."""

import numpy as np
import pytest
from dram_twin import Twin, run_twin
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hw_models.blame import Cause
from hw_models.dram.block import accept, advance
from hw_models.dram.build import build_channels
from hw_models.dram.names import MNEMONICS
from hw_models.dram.params import Dram
from hw_models.dram.standalone import TRACE, drive
from hw_models.port import FIFO, FIFO_ROWS, NEVER, REFRESH, REQUEST, front, pop

DDR4 = {"standard": "DDR4-2400R", "mapping": "linear"}
CONFLICT = 1 << 17  # next row of the same bank


def memory(**keys) -> Dram:
    return Dram.model_validate(DDR4 | keys)


def random_trace(seed: int, count: int, *, gap: int, rows: int = 3, writes: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    trace = np.zeros(count, TRACE)
    bank = rng.integers(0, 16, count)
    trace["address"] = rng.integers(0, rows, count) << 17 | bank << 13 | rng.integers(0, 128, count) << 6
    trace["write"] = rng.random(count) < writes
    trace["cycle"] = np.cumsum(rng.integers(0, gap + 1, count))
    return trace


def run(dram: Dram, trace: np.ndarray):
    return drive(dram, build_channels(dram), trace, commands=True)


def commands(log: np.ndarray) -> list[tuple[int, str]]:
    return [(int(c), MNEMONICS[int(k)]) for c, k in zip(log["cycle"], log["command"])]


def reads(*rows: tuple[int, int]) -> np.ndarray:
    """Return a trace of reads at (address, cycle)."""
    return np.array([(address, 0, cycle) for address, cycle in rows], TRACE)


@pytest.mark.parametrize(("seed", "gap", "rows"), [(1, 0, 3), (2, 12, 500), (3, 120, 2)])
def test_every_time_equals_that_of_a_controller_that_ticks(seed, gap, rows):
    dram = memory(timing={"tREFI": 1500, "tRFC": 100}, read_queue=12, write_queue=12, write_response="issued")
    trace = random_trace(seed, 400, gap=gap, rows=rows)
    timings = dram.cycles() | {"BL": 4}
    place = lambda a: (a >> 13 & 3, a >> 15 & 3, a >> 17)  # noqa: E731
    twin = Twin(timings, place, 4, 4, size=12)
    entered, done = run_twin(twin, trace.tolist())
    accepted, answers, log = run(dram, trace)
    assert accepted.tolist() == entered
    assert answers.tolist() == done
    assert [(c, name) for c, name, _ in twin.commands] == commands(log)[: len(twin.commands)]


POLICIES = {
    "ramulator2": {},
    "guard": {"protect": "older_hits"},
    "all hits": {"protect": "all_hits", "reserve_rows": False},
    "cap": {"row_hit_cap": 4},
    "column first": {"scheduler": "column_first", "protect": "all_hits", "reserve_rows": False},
    "unified": {"unified_queue": True, "scheduler": "column_first", "protect": "all_hits"},
    "closed": {"page": "closed"},
    "two ranks": {"ranks": 2, "refresh_stops": "rank", "refresh_stagger": True},
    "power": {"power_down_after": "50 cycles", "self_refresh_after": "3000 cycles"},
    "timeout": {"page": "timeout", "page_timeout": "40 cycles"},
}


@pytest.mark.parametrize("name", POLICIES)
def test_shortcuts_change_no_time(name):
    for gap in (0, 10, 150):
        trace = random_trace(7, 600, gap=gap)
        fast = run(memory(**POLICIES[name]), trace)
        slow = run(memory(**POLICIES[name], shortcuts=False), trace)
        for a, b in zip(fast, slow):
            assert np.array_equal(a, b)


SHORT_ROWS = {"tRP": 4, "tRCD": 4, "tRC": 12, "tRTP": 2, "tWR": 4, "tRAS": 8} | {"tWTR_S": 30, "tWTR_L": 30}


@settings(max_examples=150)
@given(
    st.fixed_dictionaries(
        {
            "scheduler": st.sampled_from(["fr_fcfs", "fr_fcfs", "column_first"]),
            "protect": st.sampled_from(["none", "none", "older_hits", "all_hits"]),
            "page": st.sampled_from(["open", "closed", "timeout", "adaptive"]),
            "page_timeout": st.sampled_from(["20 cycles", "60 cycles"]),
            "unified_queue": st.booleans(),
            "reserve_rows": st.booleans(),
            "row_hit_cap": st.sampled_from([0, 0, 2]),
            "read_queue": st.sampled_from([4, 8, 32]),
            "write_queue": st.sampled_from([4, 8, 32]),
            "timing": st.sampled_from([{}, SHORT_ROWS]),
        }
    ),
    st.integers(0, 2**31),
    st.sampled_from([0, 6, 30]),
    st.integers(1, 3),
)
def test_shortcuts_of_any_policy_change_no_time(policy, seed, gap, rows):
    trace = random_trace(seed, 250, gap=gap, rows=rows)
    trace["address"] &= ~(7 << 14)  # in two banks
    fast, slow = (run(memory(**policy, shortcuts=shortcuts), trace) for shortcuts in (True, False))
    for a, b in zip(fast, slow):
        assert np.array_equal(a, b)


def test_pure_latencies_are_those_of_all_references():
    hit, closed, conflict = 21, 37, 53  # 1 + CL + BL/2, + tRCD, + tRP
    trace = reads((0, 0), (64, 500), (CONFLICT, 1000))
    accepted, done, _ = run(memory(refresh="none"), trace)
    assert (done - accepted).tolist() == [closed, hit, conflict]


def test_an_idle_rank_is_refreshed_when_due():
    trace = reads(*((bank << 13, 200 * bank) for bank in range(16)), (0, 20_000))
    log = commands(run(memory(), trace)[2])
    assert [c for c in log if c[1] in ("PREA", "REF")] == [(9360, "PREA"), (9376, "REF"), (18720, "REF")]


def test_an_open_idle_rank_is_closed_again_before_its_next_refresh():
    trace = reads((0, 0), (0, 10_000), (0, 20_000))
    log = [c for c in commands(run(memory(), trace)[2]) if c[1] in ("PREA", "REF")]
    assert log == [(9360, "PREA"), (9376, "REF"), (18720, "PREA"), (18736, "REF")]


def test_fcfs_serves_in_order_of_entry():
    trace = random_trace(3, 200, gap=0, writes=0)
    _, done, _ = run(memory(scheduler="fcfs", reserve_rows=False), trace)
    assert (np.diff(done) > 0).all()


def test_a_capped_row_yields_to_a_waiting_one():
    trace = reads((0, 0), (CONFLICT, 0), *((64 * k, 0) for k in range(1, 20)))
    done = {cap: run(memory(row_hit_cap=cap, protect="all_hits", refresh="none"), trace)[1] for cap in (0, 4)}
    assert (done[0] < done[0][1]).sum() == 20
    assert (done[4] < done[4][1]).sum() == 4


def test_closed_page_precharges_with_the_last_hit():
    trace = reads((0, 0), (64, 0), (128, 0))
    log = commands(run(memory(page="closed", refresh="none"), trace)[2])
    assert [name for _, name in log] == ["ACT", "RD", "RD", "RDA"]


def test_timeout_page_closes_an_unused_row():
    trace = reads((0, 0), (CONFLICT, 1000))
    log = commands(run(memory(page="timeout", page_timeout="100 cycles", refresh="none"), trace)[2])
    assert log[:3] == [(2, "ACT"), (18, "RD"), (118, "PRE")]


def test_adaptive_page_waits_longer_where_it_closed_too_early():
    again = reads(*((0, 400 * k) for k in range(12)))
    fixed, adaptive = (
        sum(
            name == "ACT"
            for _, name in commands(
                run(memory(page=page, page_timeout="100 cycles", refresh="none"), again)[2]
            )
        )
        for page in ("timeout", "adaptive")
    )
    assert fixed == 12
    assert adaptive < 6


def test_power_down_costs_its_exit_and_no_more():
    trace = reads((0, 0), (64, 1000))
    keys = {"refresh": "none", "power_down_after": "100 cycles"}
    accepted, done, log = run(memory(**keys), trace)
    assert commands(log)[2:] == [(118, "PDE"), (1002, "PDX"), (1010, "RD"), *commands(log)[5:]]
    assert done[1] - accepted[1] == 21 + 8  # tXP


class Port:
    """Drives one channel as the event loop does."""

    def __init__(self, dram: Dram, masters=("a", "b", "c")):
        self.state, self.out = build_channels(dram, masters)[0], np.zeros(1, FIFO)[0]
        self.out["limit"] = FIFO_ROWS
        self.request, self.answers, self.now = np.zeros(1, REQUEST)[0], {}, 0

    def collect(self):
        wake = advance(self.state, self.now, self.out)
        while self.out["count"]:
            row = front(self.out)
            assert int(row["tag"]) not in self.answers
            self.answers[int(row["tag"])] = (int(row["time"]), int(row["master"]), int(row["stream"]))
            pop(self.out)
        return wake

    def send(self, tag, address, size, write, master, *, advance_first=False, spurious=False):
        for name, value in (("tag", tag), ("address", address), ("bytes", size), ("write", write)):
            self.request[name] = value
        self.request["master"], self.request["stream"] = master, tag % 5
        if advance_first:
            self.collect()
        while not accept(self.state, self.request, self.now):
            wake = self.collect()
            assert wake > self.now, "refused, and nothing will happen"
            self.now = min(wake, self.now + 3) if spurious else wake
        self.collect()

    def wait(self, cycles):
        """Let cycles pass. Where answers are held, each is taken at its time: that gives a place back."""
        end = self.now + cycles
        while self.state["hold"] and (wake := self.collect()) <= end:
            self.now = wake
        self.now = end

    def finish(self):
        while (wake := self.collect()) < NEVER:
            self.now = wake


def drive_port(port: Port, requests, **style):
    for tag, (gap, address, size, write, master) in enumerate(requests):
        port.wait(gap)
        port.send(tag, address * 64, size * 64, write, master, **style)
    port.finish()
    return port.answers


REQUESTS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 5, 400, 12_000]),
        st.integers(0, 2**14),
        st.integers(1, 4),
        st.booleans(),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=120,
)
SHAPES = [
    {},
    {"scheduler": "bank_round_robin", "reserve_rows": False},
    {"max_reads": 6, "max_writes": 6, "ranks": 2},
    {"scheduler": "priority", "priority": {"a": 0, "c": 15}},
    {"scheduler": "bliss", "page": "adaptive"},
    {"standard": "LPDDR4-3200", "refresh": "per_bank", "refresh_stops": "rank"},
    {"standard": "HBM2-2000", "power_down_after": "40 cycles"},
]


@settings(max_examples=60)
@given(REQUESTS, st.sampled_from(SHAPES))
@example([(0, 0, 1, False, 0)] * 12 + [(400, 0, 1, False, 0)], SHAPES[2])  # of six places some are free again
def test_every_request_is_answered_once_whatever_the_order_of_calls(requests, keys):
    dram = memory(**keys)
    answers = drive_port(Port(dram), requests)
    assert sorted(answers) == list(range(len(requests)))
    assert all(answers[k][1] == requests[k][4] and answers[k][2] == k % 5 for k in answers)
    for style in ({"advance_first": True}, {"spurious": True}):
        assert drive_port(Port(dram), requests, **style) == answers


@settings(max_examples=40)
@given(REQUESTS, st.sampled_from(SHAPES))
def test_charged_cycles_are_the_waiting_cycles(requests, keys):
    port = Port(memory(**keys))
    drive_port(port, requests)
    blame = port.state["blame"]
    assert blame.min() >= 0
    assert blame.sum() == port.state["waited"]


def test_a_row_opened_by_another_is_charged_to_it():
    port = Port(memory(refresh="none"))
    port.send(0, 0, 64, 0, 0)
    port.now += 500
    port.send(1, CONFLICT, 64, 0, 1)
    port.finish()
    assert port.state["blame"][1, 0, Cause.ROW_CONFLICT] == 32  # tRP + tRCD
    assert port.state["blame"][0, 0].sum() == 16  # its own tRCD


def test_waiting_for_a_refresh_is_charged_to_refresh():
    port = Port(memory())
    port.now = 9365
    port.send(0, 0, 64, 0, 2)
    port.finish()
    blame = port.state["blame"][2]
    assert blame[REFRESH, Cause.REFRESH] == 9360 + 420 - 9366
    assert blame.sum() == blame[REFRESH, Cause.REFRESH] + 16


def test_priority_lets_the_first_master_pass():
    def mean_wait(**keys):
        port = Port(memory(refresh="none", **keys))
        rng = np.random.default_rng(1)
        sent = {}
        for tag in range(400):
            port.now += 5
            port.send(tag, int(rng.integers(0, 2**22)) << 6, 64, 0, tag % 3)
            sent[tag] = port.now
        port.finish()
        return np.mean([port.answers[k][0] - sent[k] for k in sent if k % 3 == 0])

    assert mean_wait(scheduler="priority", priority={"a": 0}) < 0.5 * mean_wait()


def test_bliss_helps_the_one_among_streams():
    def worst(**keys):
        port = Port(memory(refresh="none", protect="all_hits", **keys))
        sent = {}
        for tag in range(600):
            victim = tag % 12 == 0
            port.now += 4
            address = (tag << 17 | 1 << 13) if victim else 64 * (tag % 128) + ((tag // 600) << 17)
            port.send(tag, address, 64, 0, 0 if victim else 1)
            if victim:
                sent[tag] = port.now
        port.finish()
        return np.mean([port.answers[k][0] - sent[k] for k in sent])

    assert worst(scheduler="bliss") <= worst()


def answers_in_a_system(requests, **keys):
    """Offer (cycle, address, write, bytes) in order, every cycle; return when each was answered."""
    state = build_channels(memory(refresh="none", write_response="issued", unified_queue=True, **keys))[0]
    out, rows = np.zeros(1, FIFO)[0], np.zeros(len(requests), REQUEST)
    out["limit"] = FIFO_ROWS
    for tag, (row, request) in enumerate(zip(rows, requests)):
        row["time"], row["address"], row["write"], row["bytes"] = request
        row["tag"] = tag
    waiting, done = list(rows), {}
    for now in range(400):
        while waiting and waiting[0]["time"] <= now and accept(state, waiting[0], now):
            waiting.pop(0)
        advance(state, now, out)
        while out["count"]:
            done[int(front(out)["tag"])] = int(front(out)["time"])
            pop(out)
    return [done[tag] for tag in range(len(rows))]


def test_a_write_leaves_the_entry_fifo_with_its_last_data_and_holds_up_what_is_behind():
    warm, hit = (0, 0, 0, 64), (100, 64, 0, 64)
    plain = answers_in_a_system([warm, hit])[1]
    assert answers_in_a_system([warm, hit], entry_width="8 B")[1] == plain + 1
    write, behind = (100, 128, 1, 32), (100, 64, 0, 64)
    acknowledged = answers_in_a_system([warm, write])[1]
    both = answers_in_a_system([warm, write, behind], entry_width="8 B")
    assert both[1] == acknowledged + 4  # four beats of 8 B
    alone = answers_in_a_system([warm, (105, 64, 0, 64)])[1]
    assert both[2] > alone  # enters in the cycle after the write, at 105, and then waits for the bus to turn


def test_reads_and_writes_have_back_ends_of_their_own():
    requests = [(0, 0, 0, 64), (100, 64, 0, 64), (200, 128, 1, 64)]
    plain = answers_in_a_system(requests)
    assert answers_in_a_system(requests, backend_latency="3 cycles") == [time + 3 for time in plain]
    apart = answers_in_a_system(requests, backend_latency="3 cycles", write_backend_latency="0 cycles")
    assert apart == [plain[0] + 3, plain[1] + 3, plain[2]]


def test_one_column_command_moves_as_much_as_access_says():
    line = [(0, 0, 0, 64), (100, 0, 0, 128)]
    assert answers_in_a_system(line, access="128 B")[1] == answers_in_a_system([line[0], (100, 0, 0, 64)])[1]
    assert answers_in_a_system(line)[1] > answers_in_a_system(line, access="128 B")[1]
