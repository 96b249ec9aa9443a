"""The flash device of an SoC that several jobs share, beside the event loop: who reads when, and the DMA.

A step on flash is a batch of requests. Its threads each spend the host's cost on a request (system call, a
section that one thread at a time is in, doorbell), wait, and take the next. The device works on all jobs'
requests together (`hw_models.flash`). What it has read goes into DRAM through a port of its own, the master
`flash` of the interconnect, a request at a time and in order; what it is to write comes from there. A request
is over when both are done.

The event loop runs up to the next thing that happens here, or until it asks (a step begins on flash, the DMA
has moved a request), so that the outcome is that of one loop. At equal times the loop goes first. Flash has
few events a second beside a bus: crossing into Python costs less than compiling the device into the loop.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from hw_models.cpu import block as core
from hw_models.cpu.task import Pattern
from hw_models.flash.block import run_until, take_done
from hw_models.flash.device import next_event
from hw_models.flash.host import host, serial_time
from hw_models.flash.params import Flash
from hw_models.flash.reader import Reader
from hw_models.flash.requests import room, submit
from hw_models.flash.state import PERIOD_FS, Wait
from hw_models.flash.statistics import device_summary
from hw_models.flash.waits import charged
from hw_models.port import MASTERS, NEVER
from hw_models.units import FS_PER_S
from simulator.config.topology import DMA
from simulator.soc.beside import LATER_FS, Backends
from simulator.soc.machine import Machine
from simulator.soc.storage_waits import HostWait, Line, Request, Running, Server
from workloads.program import Batch, On


class Storage(Backends):
    """The device, its host's threads and its DMA. Times are femtoseconds."""

    def __init__(self, params: Flash, batches: list[Batch], machine: Machine, *, skip: bool = True):
        """``skip``: a device that one job reads into its own memory takes each batch in one go."""
        super().__init__(batches, machine)
        self.params = params
        self.reader = Reader(params)
        self.memory, self.state = self.reader.memory, self.reader.states[0]
        self.state["masters"] = len(machine.user_names)
        self.dma = machine.core_names.index(DMA) if DMA in machine.core_names else -1
        self.alone = skip and self.dma < 0 and len(machine.plans) == 1
        self.task = len(machine.tasks) - 1
        self.hosts = host(params, 1)
        self.submit_fs, self.complete_fs = (
            int(self.hosts[0][name]) * PERIOD_FS for name in ("submit_ps", "complete_ps")
        )
        # as in a blame table; a thousand requests that wait for 10 s are beyond 64 bits
        self.waits_fs = np.zeros((MASTERS, MASTERS + 1, len(HostWait)), object)
        waits = {wait: self.waits_fs[:, :, wait] for wait in HostWait}
        self.calls = Server(waits[HostWait.HOST_BUSY], self._enter)
        self.blocked = Line(waits[HostWait.QUEUE_FULL])
        self.moves = Server(waits[HostWait.DMA_BUSY], self._start_move)
        self.requests: dict[int, Request] = {}  # in the device, by tag
        self.moves_done = 0
        self.busy_since_fs, self.busy_fs = 0, 0

    # what `simulator.soc.run` calls

    def next_fs(self) -> int:
        """Return when something happens here next, NEVER if only the loop can tell."""
        inside = int(next_event(self.state))
        inside = min(inside * PERIOD_FS, LATER_FS) if inside < NEVER else int(NEVER)
        return min(inside, super().next_fs())

    def serve(self) -> None:
        """Take what the loop asks for: what the DMA has moved, and steps that began."""
        if self.dma >= 0 and self.machine.cores[self.dma]["finished"] > self.moves_done:
            self.moves_done += 1
            self._moved(int(self.machine.system[0]["now_fs"]))
        super().serve()

    def advance(self, until_fs: int) -> None:
        """Do all that happens up to ``until_fs``, in order of time."""
        while True:
            inside = int(next_event(self.state))
            outside = self.events[0][0] if self.events else int(NEVER)
            if inside < NEVER and inside * PERIOD_FS <= min(outside, until_fs):
                run_until(self.state, self.memory, min(outside, until_fs) // PERIOD_FS)
                while self.state["done_count"] > 0:
                    tag, done = take_done(self.state)
                    self._at(int(done) * PERIOD_FS, self._landed, int(tag))
            elif outside <= until_fs:
                self._next_event()
            else:
                return

    def waits(self) -> list[str]:
        """Say what is under way, for a run that cannot go on."""
        parts = [
            (len(self.requests), "requests are in the flash device"),
            (len(self.blocked), "requests wait for a place in the flash device"),
            (len(self.moves) + (self.moves.serving is not None), "requests wait for the DMA of flash"),
        ]
        return [f"{count} {what}" for count, what in parts if count]

    def summary(self) -> dict[str, Any]:
        """Return the device's counters, and the time in which it had a request, up to now."""
        under_way_fs = int(self.machine.system[0]["now_fs"]) - self.busy_since_fs if self.requests else 0
        return device_summary(self.state, (self.busy_fs + under_way_fs) / FS_PER_S)

    def blames(self) -> Iterator[tuple[np.ndarray, int, list[str]]]:
        """Yield the tables of waits of device and host."""
        for table, period_fs, waits in ((charged(self.state), PERIOD_FS, Wait), (self.waits_fs, 1, HostWait)):
            yield table, period_fs, [f"flash_{wait.name.lower()}" for wait in waits]

    def load_kernels(self) -> None:
        """Compile, or load, what is called from here, on copies."""
        super().load_kernels()
        reader = Reader(self.params)
        if self.alone:
            reader.batch([0], [512], threads=1)
            reader.sequential(0, self.params.sequential_chunk_bytes)
            if not any(batch.write for batch in self.batches):
                return
        states, memory = reader.states, reader.memory
        serial_time(self.hosts, 1)
        room(states[0], 0, 1)
        submit(states[0], 0, 0, 1, 0, 0, 0, 0, 0)
        next_event(states[0])
        run_until(states[0], memory, 10**12)
        take_done(states[0])
        if self.dma >= 0:
            core.start(self.machine.cores.copy()[self.dma], self.machine.tasks, self.task, 0)

    # what happens here

    def _begin(self, step: int, now_fs: int) -> None:
        """A step begins: say whose it is."""
        machine = self.machine
        if machine.steps[step]["on"] == On.BACKEND:
            return super()._begin(step, now_fs)
        plan, batch = machine.plan_of(step), self.batches[int(machine.steps[step]["index"])]
        machine.clerk.storage.begin(machine.user_of(plan), step, plan.frames_done(machine))
        if self.alone and not batch.write:
            end_fs = self._read_at_once(batch, now_fs)
            self.busy_fs += end_fs - now_fs
            return self._at(end_fs, self._end, step, plan.index)
        return self._wake_threads(Running(step, plan.index, machine.user_of(plan), batch), now_fs)

    def _end(self, step: int, job: int, now_fs: int) -> None:
        machine = self.machine
        if machine.steps[step]["on"] == On.FLASH:
            machine.clerk.storage.end(machine.user_of(machine.plans[job]), step)
        super()._end(step, job, now_fs)

    def _read_at_once(self, batch: Batch, now_fs: int) -> int:
        """Return when a batch that has the device to itself is over, its host's part included."""
        rows, start_ps = batch.transfers, -(-now_fs // PERIOD_FS)
        if batch.in_order:
            size = int(rows["bytes"].sum())
            return self.reader.sequential(int(rows["address"][0]), size, start_ps=start_ps) * PERIOD_FS
        done = self.reader.batch(rows["address"], rows["bytes"], threads=batch.threads, start_ps=start_ps)
        return int(done.max()) * PERIOD_FS

    def _wake_threads(self, running: Running, now_fs: int) -> None:
        for _ in range(min(running.batch.threads, running.left)):
            self._at(now_fs, self._thread, running)

    def _thread(self, running: Running, now_fs: int) -> None:
        """A thread is free: it takes the next request into the system call."""
        k = running.taken
        if k < len(running.batch.transfers):
            running.taken += 1
            self._at(now_fs + self.submit_fs, self._call, running, k)

    def _call(self, running: Running, k: int, now_fs: int) -> None:
        """A thread has come to the serial section."""
        self.calls.join((running, k), now_fs)

    def _enter(self, running: Running, k: int, now_fs: int) -> None:
        """A thread is in the serial section."""
        size = int(running.batch.transfers[k]["bytes"])
        self._at(now_fs + serial_time(self.hosts, size) * PERIOD_FS, self._ring)

    def _ring(self, now_fs: int) -> None:
        """The doorbell: a read goes to the device, of a write first the data is fetched."""
        running, k = self.calls.done(now_fs)
        if running.batch.write and self.dma >= 0:
            self.moves.join((running, k), now_fs)
        else:
            self._submit(running, k, now_fs)

    def _submit(self, running: Running, k: int, now_fs: int) -> None:
        """Hand a request to the device; if that is full, it waits until one ends, behind those that do so."""
        self.blocked.join((running, k), now_fs)
        if len(self.blocked) == 1:
            self._submit_blocked(now_fs)

    def _submit_blocked(self, now_fs: int) -> None:
        while self.blocked and len(self.requests) < self.params.queue_depth:
            running, k = self.blocked.requests[0]
            row = running.batch.transfers[k]
            address, size = int(row["address"]), int(row["bytes"])
            if not room(self.state, address, size):
                return
            if not self.requests:
                self.busy_since_fs = now_fs
            tag = self.order
            self.order += 1
            self.requests[tag] = self.blocked.take(now_fs)
            write = int(running.batch.write)
            now_ps = -(-now_fs // PERIOD_FS)
            submit(self.state, now_ps, address, size, write, running.master, 0, tag, now_fs)

    def _landed(self, tag: int, now_fs: int) -> None:
        """The device is done with a request: what it has read is at the host's end of the link."""
        running, k = self.requests.pop(tag)
        if not self.requests:
            self.busy_fs += now_fs - self.busy_since_fs
        self.blocked.ended(running.master, now_fs)
        self._submit_blocked(now_fs)
        if running.batch.write or self.dma < 0:
            self._over(running, now_fs)
        else:
            self.moves.join((running, k), now_fs)

    def _start_move(self, running: Running, k: int, now_fs: int) -> None:
        """The DMA begins to move a request's data."""
        machine, system = self.machine, self.machine.system[0]
        master, plan = len(machine.accelerator_names) + self.dma, machine.plans[running.job]
        machine.clerk.turn(master, running.step, plan.frames_done(machine))
        row, task = running.batch.transfers[k], machine.tasks[self.task]
        task["read_bytes"] = task["write_bytes"] = 0
        kind = "read" if running.batch.write else "write"
        task[f"{kind}_address"], task[f"{kind}_bytes"] = row["dram_address"], row["bytes"]
        task["pattern"], task["passes"] = int(Pattern.STREAM), 1
        unit = int(system["master_unit"]) + master
        period = int(system["period_fs"][unit])
        cycle = -(-now_fs // period)
        core.start(machine.cores[self.dma], machine.tasks, self.task, cycle)
        self._wake(unit, cycle * period)

    def _moved(self, now_fs: int) -> None:
        """The DMA is done with a request."""
        running, k = self.moves.done(now_fs)
        if running.batch.write:
            self._submit(running, k, now_fs)
        else:
            self._over(running, now_fs)

    def _over(self, running: Running, now_fs: int) -> None:
        """A request is over: its thread sees the completion and goes on."""
        done_fs = now_fs + self.complete_fs
        running.left -= 1
        self._at(done_fs, self._thread, running)
        if running.left == 0:
            self._at(done_fs, self._end, running.step, running.job)


def dma_row(tasks: np.ndarray) -> np.ndarray:
    """Return ``tasks`` with a row behind them for what the DMA does."""
    return np.concatenate([tasks, np.zeros(1, tasks.dtype)])
