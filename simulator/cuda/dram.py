"""Memories alone, each driven by a trace, many at a time: a thread for each channel.

What `hw_models.dram.standalone.drive` does on the CPU for one memory after the other is done here in
launches over all channels of all memories: make the states, drive them, have a memory's channels wait for its
last one, report. Memories of one kind share a kernel that is compiled for it; more than fit run in waves.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from hw_models.dram.build import build_channels
from hw_models.dram.params import Dram
from hw_models.dram.standalone import PROGRESS, TRACE
from hw_models.dram.state import CHANNEL
from hw_models.errors import ConfigError
from hw_models.known import agreed
from hw_models.port import REQUEST
from simulator.cuda.arguments import CODE, All, Each, Entry, Values, Words
from simulator.cuda.doors import WARP
from simulator.cuda.dram_kernels import JOB, place, report, serve, wait_for_mates
from simulator.cuda.dram_layout import LAYOUT, LEFT_OUT, MOST_REQUESTS, known_of, reported
from simulator.cuda.layout import WORD, pack, unpack

_INDEX = np.dtype(np.int64)
Known = tuple[tuple[str, int], ...]
COMMON = (
    Entry(place, (Words(LAYOUT), All(JOB), All(_INDEX), All(_INDEX))),
    Entry(wait_for_mates, (All(JOB), All(PROGRESS))),
    Entry(report, (Words(LAYOUT), All(_INDEX), All(_INDEX))),
)
WIDTH = 3  # threads of a warp at work: channels go different ways, and wait for each other
ASIDE = ("hw_models.dram.candidates.find_first",)  # so that the caches of code hold what a channel does
REGISTERS = 96  # of a thread, so that a multiprocessor has 20 warps


def server(known: Known, values: Values = ()) -> Entry:
    """Return the kernel that drives channels of a kind (`known_of`) whose parameters have ``values``."""
    arrays = JOB, TRACE, REQUEST, PROGRESS, _INDEX, _INDEX
    return Entry(serve, (Each(LAYOUT, known, LEFT_OUT), *map(All, arrays)), values, ASIDE)


class Memory(NamedTuple):
    dram: Dram
    requests: np.ndarray  # rows of TRACE


class Ended(NamedTuple):
    """What `hw_models.dram.standalone.drive` gives back, without commands, and the channels' states."""

    accepted: np.ndarray
    done: np.ndarray
    states: np.ndarray  # rows of CHANNEL; zero in fields that no summary reads


class Wave(NamedTuple):
    """Memories that run together, as arrays of the device; those of a kind stand side by side."""

    own: list[list[np.ndarray]]  # which requests are whose, by memory and channel
    kinds: list[tuple[Known, range]]  # of which channels
    values: dict[Known, Values]  # of parameters in which all channels of a kind agree
    jobs: np.ndarray
    traces: np.ndarray
    requests: np.ndarray
    progress: np.ndarray
    positions: np.ndarray
    words: np.ndarray


def bytes_of(memory: Memory) -> int:
    """Return how much of a device's memory a memory takes at most, its trace apart."""
    rows = 2 * LAYOUT.itemsize + JOB.itemsize + REQUEST.itemsize + PROGRESS.itemsize + CODE.itemsize
    return memory.dram.channels * rows + memory.requests.size * 2 * WORD


class Memories:
    """Memories on a device."""

    def __init__(self, device: Any, width: int = WIDTH, registers: int = REGISTERS):
        self.device, self.width, self.registers = device, width, registers
        self._common = device.load(COMMON)
        self._servers: dict[tuple[Known, Values], Any] = {}
        self._reported = reported()

    def run(self, memories: Sequence[Memory]) -> Iterator[tuple[int, Ended]]:
        """Yield each memory's number and how it ended, in waves of as many as fit. Raises ConfigError."""
        for numbers in self.waves(memories):
            wave = prepare([memories[k] for k in numbers])
            running = Running(self, wave)
            running.simulate()
            yield from zip(numbers, running.collect())

    def waves(self, memories: Sequence[Memory]) -> Iterator[list[int]]:
        """Yield numbers of memories that fit together, those that take the same ways side by side."""
        room, used = self.device.room(), 0
        efforts = {id(trace): effort(trace) for _, trace in memories}
        wave: list[int] = []
        traces: set[int] = set()
        for number in sorted(range(len(memories)), key=lambda k: _way(memories[k], efforts)):
            memory = memories[number]
            size, shared = bytes_of(memory), memory.requests.nbytes
            if size + shared > room:
                what = f"a point takes {size + shared} B of memory"
                raise ConfigError(
                    f"{what}, {self.device.name} has {room} B; write a shorter trace", key="--device"
                )
            if memory.requests.size > MOST_REQUESTS:
                raise ConfigError(f"the trace has more than {MOST_REQUESTS} requests", key="--device")
            if used + size + shared * (id(memory.requests) not in traces) > room:
                yield wave
                wave, used, traces = [], 0, set()
            used += size + shared * (id(memory.requests) not in traces)
            traces.add(id(memory.requests))
            wave.append(number)
        if wave:
            yield wave

    def server(self, *kind: Any) -> Any:
        """Return the kernel of a kind, compiled at the first call (`server`)."""
        if kind not in self._servers:
            self._servers[kind] = self.device.load([server(*kind)], self.registers)["serve"]
        return self._servers[kind]


class Running:
    """A wave on a device."""

    def __init__(self, memories: Memories, wave: Wave):
        self.memories, self.wave, self.device = memories, wave, memories.device
        give, count = self._give, wave.jobs.size
        last = wave.jobs[-1]
        self.total = int(last["times"] + last["last"] - last["first"])
        self.codes = self.device.zeros(count * CODE.itemsize)
        self.states = self.device.zeros(count * LAYOUT.itemsize), count
        self.jobs, self.traces, self.requests = give(wave.jobs), give(wave.traces), give(wave.requests)
        self.progress = give(wave.progress)
        self.accepted, self.done = (give(np.full(self.total, -1)) for _ in range(2))
        self.filled = give(wave.positions), give(wave.words)
        self.shown = give(memories._reported)
        self.told = self.device.zeros(count * self.shown[1] * WORD), count * self.shown[1]
        self.servers = [
            (memories.server(known, wave.values[known]), channels) for known, channels in wave.kinds
        ]

    def _give(self, array: np.ndarray) -> tuple[Any, int]:
        return self.device.put(array), array.size

    def simulate(self) -> None:
        """Run all channels to the end of the last one of their memory."""
        self._all("place", self.states, self.jobs, *self.filled)
        self._serve()
        self._all("wait_for_mates", self.jobs, self.progress)
        self._serve()
        self._all("report", self.states, self.shown, self.told)

    def _all(self, name: str, *arrays: tuple[Any, int]) -> None:
        count = self.wave.jobs.size
        self.device.launch(self.memories._common[name], range(count), self.codes, arrays, WARP)
        self.device.wait(self.codes, count)

    def _serve(self) -> None:
        drive = self.states, self.jobs, self.traces, self.requests, self.progress, self.accepted, self.done
        for function, channels in self.servers:
            self.device.launch(function, channels, self.codes, drive, self.memories.width)
        self.device.wait(self.codes, self.wave.jobs.size)

    def collect(self) -> Iterator[Ended]:
        """Bring back and yield how each memory ended, in the order of the wave; the device forgets it."""
        times = np.empty((2, self.total), _INDEX)
        self.device.get(self.accepted[0], times[0])
        self.device.get(self.done[0], times[1])
        reports = self.device.get(self.told[0], np.empty((self.wave.jobs.size, self.shown[1]), _INDEX))
        self.device.free()
        job = 0
        for own in self.wave.own:
            jobs = slice(job, job + len(own))
            yield _ended(own, self.wave.jobs[jobs], times, reports[jobs], self.memories._reported)
            job += len(own)


def _ended(
    own: list[np.ndarray], jobs: np.ndarray, times: np.ndarray, reports: np.ndarray, positions: np.ndarray
) -> Ended:
    found = np.full((2, sum(each.size for each in own)), -1)
    for mine, job in zip(own, jobs):
        found[:, mine] = times[:, job["times"] : job["times"] + mine.size]
    rows = np.zeros(len(own), LAYOUT)
    _words(rows)[:, positions] = reports
    return Ended(found[0], found[1], unpack(rows, CHANNEL))


def _words(rows: np.ndarray) -> np.ndarray:
    """Return records as words, shape (records, words)."""
    return rows.view(_INDEX).reshape(len(rows), -1)


def effort(requests: np.ndarray) -> float:
    """Return how much a trace asks of a channel, about: rows of 8 KiB a cycle, at four cycles a request."""
    cycles = np.ptp(requests["cycle"]) + 4 * requests.size
    return float(np.unique(requests["address"] >> 13).size / cycles)


def _way(memory: Memory, efforts: dict[int, float]) -> tuple:
    """Return what memories have alike that take the same ways through the code; long ones come first."""
    dram = memory.dram
    return (
        *(dram.scheduler.code, dram.page.code, dram.protect.code, dram.refresh.code, dram.unified_queue),
        *(dram.power_down_after_cycles or 0, dram.row_hit_cap > 0, dram.reserve_rows, dram.forward_reads),
        *(dram.merge_writes, dram.write_response.code, dram.max_reads > 0, dram.max_writes > 0),
        *(-memory.requests.size, -efforts[id(memory.requests)], id(memory.requests)),
        *(-dram.read_queue, -dram.write_queue, str(dram.mapping), dram.ranks, dram.row_hit_cap),
    )


def prepare(memories: Sequence[Memory]) -> Wave:
    """Return what the device is given for ``memories``."""
    templates: dict[str, tuple[int, np.ndarray]] = {}  # by parameters: where their states begin, the states
    split: dict[tuple, tuple[int, list[np.ndarray]]] = {}  # traces by channels: where they begin, which rows
    traces: list[np.ndarray] = []
    jobs: list[tuple[int, ...]] = []
    owners: list[list[np.ndarray]] = []
    kinds: list[tuple[Known, range]] = []
    alike: dict[Known, list[np.ndarray]] = {}  # states of a kind
    rows = requests = times = 0
    for dram, trace in memories:
        key = repr(dram)
        if key not in templates:
            templates[key] = rows, build_channels(dram)
            rows += dram.channels
            alike.setdefault(known_of(templates[key][1][0]), []).append(templates[key][1])
        first, states = templates[key]
        shape = id(trace), dram.channel_shift if dram.channels > 1 else 0, dram.channels
        if shape not in split:
            channel = trace["address"] >> dram.channel_shift & dram.channels - 1
            split[shape] = requests, [np.flatnonzero(channel == k) for k in range(dram.channels)]
            traces += [trace[own] for own in split[shape][1]]
            requests += trace.size
        begin, owned = split[shape]
        known, mates = known_of(states[0]), range(len(jobs), len(jobs) + dram.channels)
        if kinds and kinds[-1][0] == known:
            kinds[-1] = known, range(kinds[-1][1].start, mates.stop)
        else:
            kinds.append((known, mates))
        for k, own in enumerate(owned):
            jobs.append((first + k, begin, begin + own.size, times, mates.start, mates.stop))
            begin += own.size
            times += own.size
        owners.append(owned)
    words = np.concatenate([_words(pack(states, LAYOUT)) for _, states in templates.values()])
    positions = np.flatnonzero(words.any(axis=0))
    offered, progress = np.zeros(len(jobs), REQUEST), np.zeros(len(jobs), PROGRESS)
    offered["bytes"] = [dram.burst_bytes for dram, _ in memories for _ in range(dram.channels)]
    progress["now"] = 1
    return Wave(
        *(owners, kinds, {known: _agreed(states) for known, states in alike.items()}),
        *(np.array(jobs, JOB), np.concatenate(traces), offered, progress),
        *(positions, np.ascontiguousarray(words[:, positions])),
    )


def _agreed(states: list[np.ndarray]) -> Values:
    """Return the parameters in which channels agree, with their values."""
    rows = np.concatenate(states)
    return agreed({"CHANNEL": rows, "TIMING": rows["t"]})
