"""The host's threads, the device's places and the DMA of a shared flash, against a plain twin."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.flash.block import take_done
from hw_models.flash.build import build
from hw_models.flash.device import next_event, step
from hw_models.flash.params import Flash
from hw_models.flash.reader import Reader
from hw_models.flash.requests import submit
from hw_models.port import MASTERS, NEVER
from hw_models.units import END_FS
from simulator.results.blame import sums_by_key
from simulator.soc.storage import Storage
from simulator.soc.storage_accounts import StorageAccounts
from simulator.soc.storage_waits import HostWait, Line, Running
from workloads.program import TRANSFER, Batch

FLASH = {"preset": "m1_max_ssd", "writable": True, "channels": 1, "chips": 1, "blocks": 64, "preload": "10 %"}
MOVE_FS_PER_BYTE = 50_000
PS = 1000  # fs


class Watched(Storage):
    """Moves every request in a time that is known, and notes when each is over and each step ends."""

    def __init__(self, batches, params):
        system = np.zeros(1, [("now_fs", np.int64), ("started_step", np.int64, 64), ("started", np.int64),
                              ("asks", np.int64)])  # fmt: skip

        class Machine:
            core_names = ("flash",)
            user_names = tuple(f"master{i}" for i in range(len(batches)))
            tasks = np.zeros(1)

        Machine.system = system
        super().__init__(params, batches, Machine)
        self.move_end, self.landed, self.over, self.ended = int(NEVER), {}, {}, {}
        self.log = []  # time, step, whether a request was taken (else it was over)

    def _start_move(self, running, k, now_fs):
        self.move_end = now_fs + int(running.batch.transfers[k]["bytes"]) * MOVE_FS_PER_BYTE

    def _thread(self, running, now_fs):
        if running.taken < len(running.batch.transfers):
            self.log.append((now_fs, running.step, True))
        super()._thread(running, now_fs)

    def _over(self, running, now_fs):
        self.log.append((now_fs + self.complete_fs, running.step, False))
        super()._over(running, now_fs)

    def _submit_blocked(self, now_fs):
        super()._submit_blocked(now_fs)
        assert len(self.requests) <= self.params.queue_depth

    def _landed(self, tag, now_fs):
        running, k = self.requests[tag]
        self.landed[running.step, k] = now_fs
        super()._landed(tag, now_fs)

    def _moved(self, now_fs):
        running, k = self.moves.serving
        self.move_end = int(NEVER)
        super()._moved(now_fs)
        if not running.batch.write:
            self.over[running.step, k] = now_fs

    def _end(self, step, job, now_fs):
        assert step not in self.ended
        self.ended[step] = now_fs

    def run(self, begins):
        """Begin step i at begins[i] and go on to the end, the way the event loop would."""
        waiting = sorted((time, i) for i, time in enumerate(begins))
        while True:
            begin = waiting[0][0] if waiting else int(NEVER)
            now = min(self.move_end, begin, self.next_fs())
            if now == NEVER:
                return
            if now == self.move_end:
                self._moved(now)
            elif now == begin:
                _, i = waiting.pop(0)
                self._wake_threads(Running(i, 0, i, self.batches[i]), now)
            self.advance(now)


@dataclass
class Thread:
    """A thread of the twin: what it does, or waits for, and since or until when."""

    step: int
    does: str
    time: int
    k: int = -1
    joined: int = 0  # how many had joined any line before


class Twin:
    """All threads in one list, looked through from end to end for whatever comes next."""

    def __init__(self, batches, params):
        self.batches, self.params, cost = batches, params, params.host
        self.states, self.memory = build(params)
        self.threads, self.landings = [], []
        self.taken = [0] * len(batches)
        self.now, self.joined = 0, 0
        self.over, self.ended = {}, {}
        self.waits = np.zeros((len(batches), len(batches), len(HostWait)), np.int64)
        self.submit_fs, self.complete_fs = cost.submit_fs, cost.complete_fs
        self.serial_fs = cost.serial_fs
        self.per_byte = round(10**15 / cost.serial_bytes_per_s)

    def line(self, name):
        return sorted((t for t in self.threads if t.does == name), key=lambda t: t.joined)

    def busy(self, name):
        return sum(t.does == name for t in self.threads)

    def join(self, thread, name):
        self.joined += 1
        thread.does, thread.time, thread.joined = name, self.now, self.joined

    def charge(self, name, culprit, wait):
        for thread in self.line(name):
            self.waits[thread.step, culprit, wait] += self.now - thread.time
            thread.time = self.now

    def size(self, thread):
        return int(self.batches[thread.step].transfers[thread.k]["bytes"])

    def next_request(self, thread):
        thread.k = self.taken[thread.step]
        self.taken[thread.step] += 1
        thread.does, thread.time = "call", self.now + self.submit_fs
        if thread.k >= len(self.batches[thread.step].transfers):
            self.threads.remove(thread)

    def fill(self):
        """Let the first of each line in where there is room."""
        if (line := self.line("at lock")) and not self.busy("in lock"):
            held = self.serial_fs + self.size(line[0]) * self.per_byte // PS * PS
            line[0].does, line[0].time = "in lock", self.now + held
        for thread in self.line("at device"):
            if self.busy("in device") < self.params.queue_depth:
                row = self.batches[thread.step].transfers[thread.k]
                write = int(self.batches[thread.step].write)
                thread.does = "in device"
                tag = thread.step * 1000 + thread.k
                submit(
                    self.states[0],
                    -(-self.now // PS),
                    int(row["address"]),
                    int(row["bytes"]),
                    write,
                    0,
                    0,
                    tag,
                    0,
                )
        if (line := self.line("at DMA")) and not self.busy("in DMA"):
            line[0].does, line[0].time = "in DMA", self.now + self.size(line[0]) * MOVE_FS_PER_BYTE

    def come(self, thread):
        """What thread does has come to its end."""
        writes = self.batches[thread.step].write
        if thread.does == "call":
            self.join(thread, "at lock")
        elif thread.does == "in lock":
            self.charge("at lock", thread.step, HostWait.HOST_BUSY)
            self.join(thread, "at DMA" if writes else "at device")
        elif thread.does == "in DMA":
            self.charge("at DMA", thread.step, HostWait.DMA_BUSY)
            self.join(thread, "at device" if writes else "over")
        if thread.does == "over":
            self.over[thread.step, thread.k] = self.now
            thread.does, thread.time = "return", self.now + self.complete_fs
        elif thread.does == "return":
            self.ended[thread.step] = self.now
            self.next_request(thread)

    def land(self, tag):
        thread = next(t for t in self.threads if t.does == "in device" and t.step * 1000 + t.k == tag)
        self.charge("at device", thread.step, HostWait.QUEUE_FULL)
        self.join(thread, "over" if self.batches[thread.step].write else "at DMA")
        if thread.does == "over":
            self.come(thread)

    def run(self, begins):
        begins = sorted((time, i) for i, time in enumerate(begins))
        while True:
            timed = [t for t in self.threads if not t.does.startswith("at ") and t.does != "in device"]
            thread = min(timed, key=lambda t: t.time, default=None)
            inside = int(next_event(self.states[0]))
            times = [
                self.landings[0][0] if self.landings else NEVER,
                begins[0][0] if begins else NEVER,
                thread.time if thread else NEVER,
            ]
            if inside < NEVER and inside * PS <= min(times):
                step(self.states[0], self.memory, inside)
                while self.states[0]["done_count"]:
                    tag, done = take_done(self.states[0])
                    self.landings = sorted([*self.landings, (int(done) * PS, int(tag))])
                continue
            self.now = int(min(times))
            if self.now == NEVER:
                return
            if self.now == times[0]:
                self.land(self.landings.pop(0)[1])
            elif self.now == times[1]:
                _, i = begins.pop(0)
                for _ in range(min(self.batches[i].threads, len(self.batches[i].transfers))):
                    self.threads.append(Thread(i, "call", self.now))
                    self.next_request(self.threads[-1])
            else:
                self.come(thread)
            self.fill()


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
    unique_by=lambda part: part[3],
)


@settings(max_examples=60)
@given(batches, st.integers(1, 6))
def test_times_and_charges_agree_with_the_twin(asked, depth):
    parts = [batch_of(sizes, threads, write, k) for k, (sizes, threads, write, _) in enumerate(asked)]
    begins = [begin_ns * 10**6 for *_, begin_ns in asked]
    params = Flash.model_validate(FLASH | {"queue_depth": depth})
    ours, twin = Watched(parts, params), Twin(parts, params)
    ours.run(begins)
    twin.run(begins)
    assert ours.ended == twin.ended
    assert ours.over == {key: time for key, time in twin.over.items() if not parts[key[0]].write}
    assert ours.waits_fs[: len(parts), : len(parts)].tolist() == twin.waits.tolist()
    assert ours.waits_fs.sum() == twin.waits.sum()
    assert ours.waits() == []
    for number, (sizes, threads, *_) in enumerate(asked):
        log = sorted((time, taken) for time, of, taken in ours.log if of == number)  # through before it takes
        assert len(log) == 2 * len(sizes)
        under_way = np.cumsum([1 if taken else -1 for _, taken in log])
        assert 0 <= under_way.min() <= under_way.max() <= threads
    total = sum(sum(sizes) for sizes, *_ in asked)
    assert int(ours.state["read_bytes"] + ours.state["write_bytes"]) == total


@settings(max_examples=20)
@given(st.lists(st.sampled_from([4096, 16384, 65536]), min_size=1, max_size=24))
def test_one_round_of_threads_has_its_data_when_the_reader_of_a_model_alone_has_it(sizes):
    """To the picosecond: no thread reads twice, so that the DMA, which the reader has not, holds up none."""
    batch, params = batch_of(sizes, len(sizes), False, 0), Flash.model_validate(FLASH)
    ours = Watched([batch], params)
    ours.run([0])
    rows = batch.transfers
    done = Reader(params).batch(rows["address"].copy(), rows["bytes"].copy(), threads=len(sizes))
    landed = [ours.landed[0, k] + ours.complete_fs for k in range(len(sizes))]
    assert landed == (done * PS).tolist()


def test_waits_beyond_64_bits_are_booked_whole():
    class Machine:
        user_names = ("chat", "camera")
        system = np.zeros(1, [("master_unit", np.int64)])

        class storage:
            table = np.zeros((MASTERS, MASTERS + 1, len(HostWait)), object)

            @classmethod
            def blames(cls):
                yield cls.table, 1, [wait.name for wait in HostWait]

    line = Line(Machine.storage.table[:, :, HostWait.QUEUE_FULL])
    accounts = StorageAccounts(Machine)
    accounts.begin(1, step=7, frame=0)
    for k in range(10):
        line.join((Running(7, 0, 1, batch_of([4096] * 10, 10, False, 0)), k), now_fs=0)
    line.ended(0, END_FS)
    accounts.close()
    rows = accounts.entries()
    assert set(zip(rows["victim"], rows["step"], rows["culprit"], rows["cause"])) == {
        (1, 7, 0, HostWait.QUEUE_FULL)
    }
    assert rows["cycles"].min() > 0
    assert sums_by_key(np.zeros(len(rows), np.int64), rows["cycles"], 1) == [10 * END_FS]
