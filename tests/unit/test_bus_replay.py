"""A recorded bus trace as a workload: its dependencies, and the same cycles in the same memory system."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simulator
from hw_models.errors import ConfigError
from hw_models.ideal.params import IdealMemory
from hw_models.replay.params import Replay
from hw_models.replay.standalone import simulate
from simulator.results.run_folder import write_table as write_columns
from workloads.bus.infer import dependencies_of
from workloads.bus.program import trace_ops
from workloads.bus.recording import UNKNOWN, Recording, channels, empty
from workloads.bus.table import read_table, write_table

SIZE = 64
SYSTEMS = {
    "ideal": {"memory": {"latency": "50 cycles", "bandwidth": "8 B/cycle"}},
    "fast": {"memory": {"latency": "10 cycles", "bandwidth": "8 B/cycle"}},
    "dram": {
        "interconnect": {"clock": "1 GHz", "width": "16 B", "latency": "4 cycles"},
        "llc": {"size": "64 KiB", "ways": 4},
        "dram": {"standard": "DDR4-2400"},
    },
    "slow": {
        "interconnect": {"clock": "700 MHz", "width": "8 B", "latency": "10 cycles"},
        "dram": {"standard": "LPDDR4-3200"},
    },
}


def copy_engine(blocks, outstanding=4):
    """Return a DMA that copies blocks: a write 4 cycles behind its read, so many blocks under way."""
    rows = empty(2 * blocks)
    reads, writes = rows[0::2], rows[1::2]
    reads["write"], writes["write"] = 0, 1
    reads["address"], writes["address"] = 0x8000_0000, 0x8010_0000
    rows["address"] += np.repeat(np.arange(blocks) * SIZE, 2)
    rows["bytes"] = SIZE
    reads["gap"], writes["gap"] = 1, SIZE // 8
    reads["gap"][0] = 0
    writes["after"][:, 0], writes["delay"][:, 0] = 2 * np.arange(blocks), 4
    reads["after"][outstanding:, 0] = 2 * np.arange(blocks - outstanding) + 1
    reads["delay"][outstanding:, 0] = 2
    return Recording(rows, True)


def run(trace, memory, clock="1 GHz", **job):
    system = {"accelerators": {"dma0": {"kind": "replay", "clock": clock}}, **SYSTEMS[memory]}
    return simulator.run(
        {"system": system, "workloads": {"copy": {"trace": str(trace), "on": "dma0", **job}}}
    )


def cycles(result):
    return int(result.ops["cycles"][0])


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    path = tmp_path_factory.mktemp("bus") / "engine.csv"
    write_table(path, copy_engine(100))
    return path


@pytest.mark.parametrize("recorded_in", ["ideal", "fast", "dram", "slow"])
def test_a_run_replays_to_the_cycle_where_it_was_recorded_and_within_12_percent_elsewhere(
    engine, tmp_path, recorded_in
):
    """The replay knows times alone; ``engine`` knows what really waits for what."""
    first = run(engine, recorded_in)
    recording = tmp_path / "recorded.csv"
    write_columns(recording, first.transactions["copy"])
    again = run(recording, recorded_in)
    for name in ("write", "address", "issue", "done"):
        assert again.transactions["copy"][name].tolist() == first.transactions["copy"][name].tolist()
    for memory in SYSTEMS:
        assert cycles(run(recording, memory)) == pytest.approx(cycles(run(engine, memory)), rel=0.12)


def test_a_clock_changes_the_delays_and_a_slower_memory_the_rest(engine):
    alone = cycles(run(engine, "fast"))
    assert alone < cycles(run(engine, "ideal")) < cycles(run(engine, "slow"))
    halved = run(engine, "slow", clock="350 MHz")
    assert cycles(halved) < cycles(run(engine, "slow"))
    assert halved.summary["workloads"]["copy"]["latency_s"] > 100 * SIZE / 8 / 350e6


def test_what_came_before_the_first_issue_is_left_out_or_kept(tmp_path):
    rows = empty(3)
    rows["write"], rows["bytes"] = [0, 0, 1], 8
    rows["issue"], rows["done"] = [100, 101, 170], [150, 151, 220]
    write_table(tmp_path / "late.csv", Recording(rows, False))
    without, with_ = (run(tmp_path / "late.csv", "ideal", lead_in=kept) for kept in (False, True))
    assert without.transactions["copy"]["issue"].tolist() == [0, 1, 70]
    assert with_.transactions["copy"]["issue"].tolist() == [100, 101, 170]


def test_a_recording_is_swept_over_memory_systems(engine):
    system = {"accelerators": {"dma0": {"kind": "replay", "clock": "1 GHz"}}, **SYSTEMS["ideal"]}
    base = {"system": system, "workloads": {"copy": {"trace": str(engine), "on": "dma0"}}}
    axes = {"system.memory.latency": ["10 cycles", "50 cycles"]}
    table = simulator.sweep(
        {"base": base, "axes": axes, "objectives": {"workloads.copy.latency_s": "minimize"}}
    )
    latencies = [row["workloads.copy.latency_s"] for row in table.rows]
    assert latencies == pytest.approx([cycles(run(engine, name)) * 1e-9 for name in ("fast", "ideal")])


def test_every_byte_of_a_trace_is_moved_and_its_frames_are_alike(engine):
    result = run(engine, "ideal", frames=3)
    job, master = result.summary["workloads"]["copy"], result.summary["masters"]["dma0"]
    assert (job["read_bytes"], job["write_bytes"]) == (100 * SIZE, 100 * SIZE)
    assert (master["read_bytes"], master["write_bytes"]) == (300 * SIZE, 300 * SIZE)
    assert cycles(result) == cycles(run(engine, "ideal"))


def issues_of(rows, dependencies):
    """Return when each transaction goes out if all end as recorded: the rules, one transaction at a time."""
    issues = np.zeros(len(rows), np.int64)
    for write, order in enumerate(channels(rows)):
        before = rows["issue"].min()
        for place, number in enumerate(order):
            ready = before + dependencies.gap[number]
            for other, delay in zip(dependencies.after[number], dependencies.delay[number]):
                if other != UNKNOWN:
                    ready = max(ready, rows["done"][other] + delay)
            gone, limit = order[:place], dependencies.limit[write]
            accepted, done = rows["accept"][gone], rows["done"][gone]
            for k, end in enumerate(np.sort(done)):
                if (accepted < end).sum() - k == limit and end <= rows["issue"][number]:
                    ready = max(ready, end + dependencies.turnaround[write])
            assert (done > rows["issue"][number]).sum() < limit
            issues[number] = ready
            before = rows["accept"][number]
    return issues


@settings(max_examples=150)
@given(st.integers(0, 2**32 - 1), st.integers(1, 24), st.booleans())
def test_the_ends_of_any_recording_give_its_issues_again(seed, count, regular):
    rng = np.random.default_rng(seed)
    rows = empty(count)
    rows["write"] = rng.integers(0, 2, count)
    rows["bytes"] = rng.choice([32, 64], count)
    rows["issue"] = np.cumsum(rng.choice([0, 1, 4, 30], count))
    rows["accept"] = rows["issue"]
    rows["done"] = rows["issue"] + (rng.integers(20, 23, count) if regular else rng.integers(1, 60, count))
    dependencies = dependencies_of(Recording(rows, False))
    assert issues_of(rows, dependencies).tolist() == rows["issue"].tolist()


def test_a_transaction_goes_exactly_when_the_last_that_it_waits_for_allows():
    """Reads of one beat in front of 10 cycles of latency: a beat at 10, 15, then 3 more cycles."""
    rows = empty(3)
    rows["bytes"], rows["gap"] = 8, [0, 5, 1]
    rows["after"][2, :2], rows["delay"][2, :2] = (0, 1), (7, 3)
    ops = trace_ops(Recording(rows, True), dependencies_of(Recording(rows, True)), PARAMS)
    end, _ = simulate(PARAMS, IdealMemory(latency="10 cycles").timings(8), ops)
    assert ops["issued"][1:].tolist() == [0, 5, 18]
    assert (ops["done"][1:].tolist(), end) == ([10, 15, 28], 28)


PARAMS = Replay(kind="replay", clock="1 GHz", outstanding_reads=2)


def test_as_many_are_in_flight_as_the_port_allows():
    rows = empty(4)
    rows["bytes"], rows["gap"] = 8, 1
    recording = Recording(rows, True)
    rows["after"][:, 0] = UNKNOWN
    ops = trace_ops(recording, dependencies_of(recording), PARAMS)
    _, records = simulate(PARAMS, IdealMemory(latency="10 cycles").timings(8), ops)
    assert ops["issued"][1:].tolist() == [1, 2, 11, 12]
    assert records["stall"][0].tolist() == [0, 8]


def test_a_table_comes_back_as_it_was_written(tmp_path):
    recording = copy_engine(5)
    recording.transactions["issue"] = np.arange(10) * 3
    recording.transactions["accept"] = recording.transactions["issue"] + 1
    recording.transactions["done"] = recording.transactions["issue"] + 20
    for name in ("a.csv", "a.csv.gz"):
        write_table(tmp_path / name, recording)
        again = read_table(tmp_path / name)
        assert again.has_dependencies
        assert (again.transactions == recording.transactions).all()


HEAD = "write,address,bytes,issue,done\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "0,0,64,5,4\n", ":2: done at 4 before it is issued at 5; write cycles in order"),
        ("write,address,bytes,issue,accept,done\n0,0,64,5,4,9\n", ":2: accepted at 4 before it is issued at 5; write cycles in order"),
        (HEAD + "2,0,64,5,9\n", ":2: write is 2; write 1 for a write, 0 for a read"),
        (HEAD + "0,4080,64,5,9\n", ":2: 64 B at 0xff0 cross 4096 B; write bursts that AXI allows"),
        (HEAD + "0,0,64,5\n", ":2: 4 values under 5 columns; write one each"),
        (HEAD + "0,x,64,5,9\n", ":2: address 'x' is not a number; write 0 or more, hexadecimal with 0x"),
        (HEAD + "0,0,64,,9\n", ":2: no times and no column after; write issue and done of every transaction, or after"),
        ("write,adress\n", ":1: 'adress' is no column of a bus trace; there are transaction, write, id, address, bytes, issue, accept, first, last, done, gap, after"),
        ("write,bytes\n", ":1: column address is missing; write write, address, bytes and what else is known"),
        (HEAD, ": no transactions; write lines such as 12,1,0,0x80001000,64,310,310,303,310,342,1,11+4 9+0"),
        ("write,address,bytes,after\n0,0,8,1\n0,0,8,\n", ": transaction 0 waits for 1, which goes behind it; write one that ends before"),
        ("write,address,bytes,after\n0,0,8,7\n", ": transaction 0 waits for 7; there are 1"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_table_is_told_with_its_line(tmp_path, text, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        run(path, "ideal")
    assert str(error.value) == f"{path}{message}"


def test_what_replays_computes_nothing_and_what_computes_replays_nothing(engine):
    layers = [{"conv": {"input": [4, 4, 8], "kernels": 8, "kernel": "1x1"}}]
    system = {"accelerators": {"a": {"kind": "replay", "clock": "1 GHz"}, "n": {"preset": "nv_small"}}}
    system |= SYSTEMS["dram"]
    with pytest.raises(ConfigError, match="a is of kind replay, which computes nothing; write a trace, or"):
        simulator.run({"system": system, "workloads": {"x": {"layers": layers, "on": "a"}}})
    with pytest.raises(ConfigError, match="n is of kind nvdla, which replays no trace; write one of kind"):
        simulator.run({"system": system, "workloads": {"x": {"trace": str(engine), "on": "n"}}})
