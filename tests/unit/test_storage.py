"""The shared flash device: what it moves, in which order, and who waits for whom."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simulator
from hw_models.errors import ConfigError
from hw_models.flash.params import Flash
from hw_models.flash.reader import Reader
from hw_models.port import NEVER
from simulator.config import load
from simulator.machine import build_machine
from simulator.storage import Running, Storage
from simulator.system import run_machine
from workloads.program import TRANSFER, Batch, On

FLASH = {"preset": "m1_max_ssd", "writable": True, "channels": 1, "chips": 1, "blocks": 64}
SYSTEM = {
    "accelerators": {
        "nvdla0": {"preset": "nv_small", "clock": "500 MHz"},
        "nvdla1": {"preset": "nv_small", "clock": "500 MHz"},
    },
    "interconnect": {"clock": "500 MHz", "width": "8 B", "latency": "4 cycles"},
    "memory": {"bandwidth": "16 B/cycle", "latency": "50 cycles"},
    "flash": FLASH,
}
CONV = {"input": [16, 8, 8], "kernels": 64, "kernel": "3x3", "padding": 1}
LAYERS = [{"conv": CONV}, {"conv": {"kernels": 128, "kernel": "3x3", "padding": 1}}]
STORAGE = {"weights": "flash", "record": "200000 B", "chunk": "16 KiB"}


def net(on="nvdla0", **keys):
    return {"on": on, "layers": LAYERS, "storage": STORAGE} | keys


def config_of(workloads, **system):
    return {"system": SYSTEM | system, "workloads": workloads, "simulation": {"max_time": "1 s"}}


def machine_of(workloads, **system):
    machine = build_machine(load(config_of(workloads, **system)))
    run_machine(machine)
    return machine


def test_what_the_jobs_ask_for_is_what_the_device_and_the_dma_move():
    machine = machine_of({"a": net(frames=2), "b": net("nvdla1")})
    frames = sum(
        plan.frames * int(machine.storage.batches[step["index"]].transfers["bytes"].sum())
        for plan in machine.plans
        for step in machine.steps[plan.first_step : plan.first_step + plan.step_count]
        if step["on"] == On.FLASH
    )
    device, dma = machine.storage.state, machine.measures[2 + machine.storage.dma]
    assert int(device["read_bytes"] + device["write_bytes"]) == frames
    assert abs(int(dma["write_bytes"]) - int(device["read_bytes"])) < 64 * int(device["requests"])
    assert abs(int(dma["read_bytes"]) - int(device["write_bytes"])) < 64 * int(device["requests"])
    assert int(device["write_bytes"]) == 3 * 200_000
    assert machine.storage.waits() == []


def test_an_operation_starts_when_its_weights_are_there_and_fetches_run_ahead():
    machine = machine_of({"a": net()})
    plan = machine.plans[0]
    ends, begins = {}, []
    for k in range(plan.step_count):
        step, record = machine.steps[k], machine.records[k]
        if step["on"] == On.FLASH and not machine.storage.batches[step["index"]].write:
            begins.append(int(record["start_fs"]))
            for row in machine.storage.batches[step["index"]].transfers:
                ends[int(row["dram_address"])] = int(record["end_fs"])
        elif step["on"] == On.ACCELERATOR and machine.ops[step["index"]]["weight_bytes"]:
            assert ends[int(machine.ops[step["index"]]["weights"])] <= int(record["start_fs"])
    assert len(set(ends.values())) == 2
    first_op = next(k for k in range(plan.step_count) if machine.steps[k]["on"] == On.ACCELERATOR)
    assert max(begins) < int(machine.records[first_op]["end_fs"])


def test_alone_the_device_takes_what_it_takes_for_the_same_reads_by_themselves():
    machine = machine_of({"a": net(storage={"weights": "flash", "threads": 4})})
    plan, steps = machine.plans[0], machine.steps
    first = next(k for k in range(plan.step_count) if steps[k]["on"] == On.FLASH)
    rows = machine.storage.batches[steps[first]["index"]].transfers
    start, end = (int(machine.records[first][name]) for name in ("start_fs", "end_fs"))
    done = Reader(machine.storage.params).batch(
        rows["address"].copy(), rows["bytes"].copy(), threads=4, start_ps=-(-start // 1000)
    )
    dma_fs = int(rows["bytes"].sum()) * 10**15 // 4_000_000_000 + 10**9  # 4 GB/s, and 1 us to begin
    assert 0 <= end - int(done.max()) * 1000 <= dma_fs


@pytest.fixture(scope="module")
def waits():
    """Return nvdla0's waits with and without a second job on the device."""
    both = simulator.run(config_of({"a": net(), "b": net("nvdla1")})).summary["interference"]
    alone = simulator.run(config_of({"a": net()})).summary["interference"]
    return both["nvdla0"], alone["nvdla0"]


def test_waits_in_the_device_are_charged_to_the_job_that_causes_them(waits):
    both, alone = waits
    assert any(cause.startswith("flash_") for cause in both["nvdla1"]["causes"])
    assert "nvdla1" not in alone
    assert any(cause.startswith("flash_") for cause in alone["nvdla0"]["causes"])


def test_the_order_in_which_jobs_are_listed_changes_nothing():
    jobs = {"a": net(), "b": net("nvdla1")}
    first = simulator.run(config_of(jobs)).summary
    second = simulator.run(config_of(dict(reversed(jobs.items())))).summary
    for summary in (first, second):
        for name in ("wall_s", "requests_per_wall_s", "config_sha256"):
            del summary["simulation"][name]
    assert first == second


class Watched(Storage):
    """Notes what is under way, and moves every request in a time that is known."""

    def __init__(self, batches, depth):
        system = np.zeros(1, [("now_fs", np.int64), ("started_step", np.int64, 64), ("started", np.int64),
                              ("asks", np.int64)])  # fmt: skip

        class Machine:
            core_names = ("flash",)
            tasks = np.zeros(1)

        Machine.system = system
        params = Flash.model_validate(FLASH | {"queue_depth": depth})
        super().__init__(params, batches, Machine)
        self.move_ends, self.log, self.ended = [], [], []

    def _start_move(self, now_fs):
        size = int(self.moves[0][0].batch.transfers[self.moves[0][1]]["bytes"])
        self.move_ends.append(now_fs + size * 50_000)

    def _thread(self, running, now_fs):
        if running.taken < len(running.batch.transfers):
            self.log.append((now_fs, running.step, "taken"))
        super()._thread(running, now_fs)

    def _over(self, running, now_fs):
        self.log.append((now_fs + self.params.host.complete_fs, running.step, "over"))
        super()._over(running, now_fs)

    def _submit_blocked(self, now_fs):
        super()._submit_blocked(now_fs)
        assert self.in_flight <= self.params.queue_depth

    def _end(self, running, now_fs):
        self.ended.append((running.step, now_fs))

    def run(self, begins):
        """Begin step i at begins[i] and go on to the end, the way the event loop would."""
        waiting = sorted((time, i) for i, time in enumerate(begins))
        while True:
            moving = self.move_ends[0] if self.move_ends else int(NEVER)
            begin = waiting[0][0] if waiting else int(NEVER)
            now = min(moving, begin, self.next_fs())
            if now == NEVER:
                return
            if now == begin:
                _, i = waiting.pop(0)
                self._wake_threads(Running(i, 0, i, self.batches[i]), now)
            elif now == moving:
                self.move_ends.pop(0)
                self._moved(*self.moves.popleft(), now)
            self.advance(now)


def batch_of(sizes, threads, write, place):
    rows = np.zeros(len(sizes), TRANSFER)
    rows["bytes"] = sizes
    rows["address"] = place * 2**20 + np.cumsum(sizes) - sizes
    return Batch(rows, threads, write=write)


batches = st.lists(
    st.tuples(
        st.lists(st.sampled_from([4096, 16384, 65536]), min_size=1, max_size=12),
        st.integers(1, 5),
        st.booleans(),
        st.integers(0, 500_000),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=15, deadline=None)
@given(batches, st.integers(1, 6))
def test_every_request_is_over_once_and_no_more_are_under_way_than_threads(asked, depth):
    parts = [batch_of(sizes, threads, write, k) for k, (sizes, threads, write, _) in enumerate(asked)]
    storage = Watched(parts, depth)
    storage.run([begin_ns * 10**6 for *_, begin_ns in asked])
    assert sorted(step for step, _ in storage.ended) == list(range(len(parts)))
    for step, (sizes, threads, *_) in enumerate(asked):
        log = sorted(  # at equal times a thread is through with one before it takes the next
            (time, what == "taken") for time, of, what in storage.log if of == step
        )
        assert len(log) == 2 * len(sizes)
        under_way = 0
        for _, taken in log:
            under_way += 1 if taken else -1
            assert 0 <= under_way <= threads
    total = sum(sum(sizes) for sizes, *_ in asked)
    assert int(storage.state["read_bytes"] + storage.state["write_bytes"]) == total


ERRORS = [
    ({"flash": None}, {}, "asks for flash, and there is none; write system.flash"),
    (
        {"flash": FLASH | {"writable": False}},
        {},
        "system.flash.writable: records, and the device can only be read; write writable: true",
    ),
    (
        {"accelerators": {"flash": {"preset": "nv_small", "clock": "500 MHz"}}},
        {"on": "flash"},
        "'flash' is the name of the DMA of flash; choose another",
    ),
    ({}, {"storage": {"record": "20 GiB"}}, "needs 21474836480 B on flash"),
]


@pytest.mark.parametrize(("system", "job", "said"), ERRORS)
def test_a_config_that_cannot_be_is_told_so(system, job, said):
    with pytest.raises(ConfigError, match=said):
        build_machine(load(config_of({"a": net(**job)}, **system)))
