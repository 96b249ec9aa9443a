"""Who keeps the books of a run: what each step was charged, and the records of frames that are over.

The event loop asks for the clerk when a frame of several is over, and when its ledger is full. Victims and
culprits are numbered as `Machine.user_names`.
"""

import numpy as np

from simulator.kernel import ledger
from simulator.kernel.soc_state import ASKS_CLERK
from simulator.soc.books import Book, Frame
from simulator.soc.machine import JobPlan, Machine
from simulator.soc.phases import phases_fs
from simulator.soc.storage_accounts import StorageAccounts


class Clerk:
    """``frames`` that are told of: last, worst, all, or empty for the worst and the last of every job."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.frames = ""
        self.pages: list[np.ndarray] = []  # ENTRY rows, what the ledger had
        self.books = [Book() for _ in machine.plans]
        self.storage = StorageAccounts(machine)

    def serve(self) -> None:
        """Do what the event loop asks for."""
        self.note_frames()
        if self.machine.ledger.used[0] >= self.machine.ledger.used[1]:
            self.turn_page()
        self.machine.system[0]["asks"] &= ~ASKS_CLERK

    def turn(self, master: int, step: int, frame: int) -> None:
        """From now on a master, the DMA of flash, works for ``step``."""
        machine = self.machine
        if machine.ledger.accounts[master]["step"] != step:
            ledger.turn(machine.system[0], machine.nodes, machine.ledger, master, step, frame)
            if machine.ledger.used[0] >= machine.ledger.used[1]:
                self.turn_page()

    def close(self) -> None:
        """Enter what is left at the end of a run."""
        machine = self.machine
        self.note_frames()
        for victim in range(len(machine.master_names)):
            ledger.close(machine.system[0], machine.nodes, machine.ledger, victim)
            self.turn_page()
        self.storage.close()

    def take(self, entries: np.ndarray) -> None:
        """Take all that was charged from elsewhere, and note the frames."""
        self.pages.append(entries)
        self.note_frames()

    def entries(self) -> np.ndarray:
        """Return all that was charged until `close`, shape (n,) ENTRY; storage's tables behind the nodes'."""
        return np.concatenate([*self.pages, self.storage.entries()])

    def shown(self, plan: JobPlan) -> list[Frame]:
        """Return the frames of a job that are told of: before the first is over what is done of it."""
        book = self.books[plan.index]
        if not book.frames:
            rows = slice(plan.first_step, plan.first_step + plan.step_count)
            return [Frame(0, 0, self.machine.records[rows], self.machine.op_records_of(plan))]
        last = book.frames - 1
        numbers = {"last": [last], "worst": [book.worst.number], "all": [*book.kept]}
        return [book.kept[n] for n in numbers.get(self.frames, sorted({book.worst.number, last}))]

    def slowest(self, plan: JobPlan) -> Frame:
        """Return the frame of the longest latency among those told of, of several the first."""
        return min(self.shown(plan), key=lambda frame: (-frame.latency_fs, frame.number))

    def turn_page(self) -> None:
        """Take what the ledger has, so that it has room."""
        book = self.machine.ledger
        self.pages.append(book.entries[: book.used[0]].copy())
        book.used[0] = 0

    def note_frames(self) -> None:
        """Note the frames that are over since the last time: at most one a job."""
        for plan, book in zip(self.machine.plans, self.books):
            if plan.frames_done(self.machine) > book.frames:
                self._note_frame(plan, book)

    def _note_frame(self, plan: JobPlan, book: Book) -> None:
        machine, number = self.machine, book.frames
        records = machine.records[plan.first_step : plan.first_step + plan.step_count].copy()
        latency_fs = int(machine.latencies[plan.index, number])
        frame = Frame(number, latency_fs, records, machine.op_records_of(plan).copy())
        book.note(frame, int(machine.finished[plan.index, number]))
        begin_fs = plan.last_begin_fs(machine)
        waited_fs = begin_fs - int(machine.finished[plan.index, number]) + latency_fs
        steps = machine.steps[plan.first_step : plan.first_step + plan.step_count]
        book.phases_fs.update(phases_fs(steps, records, begin_fs, waited_fs))
        if self.frames != "all":
            book.kept = {n: frame for n, frame in book.kept.items() if n in (number, book.worst.number)}
