"""SDP from memory to memory, register by register and cycle by cycle: the slow twin of `hw_models.nvdla.sdp`.

Every register of the read path is an object that steps once a cycle, as in the RTL: latency FIFO, unpacker,
four slots, the register in front of SDP, the split into chunks, SDP_cmux and the join with X1's operand.
Returns the cycles at which the last chunk of every atom has passed the join.
"""

from collections import deque
from dataclasses import dataclass, field

BEAT_TO_FIFO, POP_TO_READ = 8, 6
FIRST_READ = 20
OUTSTANDING = 256
JOIN_TO_WRITE = 13  # all sub-units bypassed


def bursts(lines: list[int], longest: int) -> deque[int]:
    """Return the beats of each burst of consecutive ``lines``, cut at multiples of ``longest``."""
    result, address = deque(), 0
    for line in lines:
        while line:
            beats = min(line, longest - address % longest)
            result.append(beats)
            address, line = address + beats, line - beats
    return result


class Skid:
    """A register with one skid entry; `ready` is a flop."""

    def __init__(self) -> None:
        self.item: object = None
        self.skid: object = None
        self.ready = True

    def step(self, entering: object, taken: bool) -> None:
        free = taken or self.item is None
        incoming = entering if self.ready else self.skid
        if self.ready:
            self.skid = entering
        if free:
            self.item = incoming
        self.ready = free


@dataclass
class Front:
    """Latency FIFO, unpacker and slots of one read client."""

    line: int  # atoms after which the unpacker passes on what it has
    credit: int
    requests: deque[int]
    fifo: deque[int] = field(default_factory=deque)
    returns: deque[int] = field(default_factory=deque)
    slots: list[Skid] = field(default_factory=lambda: [Skid() for _ in range(4)])
    sizes: deque[int] = field(default_factory=deque)
    packed: int = 0
    column: int = 0
    pending: int = 0

    def step(self, now: int, taken: set[int]) -> None:
        go = all(self.slots[i].ready for i in range(self.pending))
        moving = self.pending if go else 0
        if moving:
            self.sizes.append(moving)
        for i, slot in enumerate(self.slots):
            slot.step(True if i < moving else None, i in taken)
        if not go:
            return
        self.pending = 0
        if self.fifo and self.fifo[0] <= now:
            self.fifo.popleft()
            self.returns.append(now + POP_TO_READ)
            self.packed, self.column = self.packed + 1, self.column + 1
            if self.packed == 4 or self.column == self.line:
                self.pending, self.packed = self.packed, 0
                self.column %= self.line


class Reads:
    """The memory interface with one burst a cycle, and memory of a fixed latency."""

    def __init__(self, latency: int, interval: int):
        self.latency, self.interval = latency, interval
        self.flying: deque[tuple[int, int]] = deque()
        self.last_grant, self.last_beat, self.last_read = -1, -(10**9), 0

    def step(self, now: int, fronts: list[Front]) -> None:
        for front in fronts:
            while front.returns and front.returns[0] <= now:
                front.returns.popleft()
                front.credit += 1
        for k in range(len(fronts)):
            index = (self.last_grant + 1 + k) % len(fronts)
            front = fronts[index]
            room = OUTSTANDING - len(self.flying)
            if front.requests and front.requests[0] <= min(front.credit, room):
                beats = front.requests.popleft()
                front.credit -= beats
                self.last_grant = index
                for _ in range(beats):
                    self.last_beat = max(now + self.latency, self.last_beat + self.interval)
                    self.flying.append((self.last_beat, index))
                break
        while self.flying and self.flying[0][0] <= now:
            self.last_read, index = self.flying.popleft()
            fronts[index].fifo.append(self.last_read + BEAT_TO_FIFO)


class Split:
    """An atom handed on in chunks."""

    def __init__(self, chunks: int):
        self.chunks, self.full, self.chunk = chunks, False, 0

    def step(self, waiting: bool, chunk_taken: bool) -> bool:
        """Return whether the waiting atom is taken this cycle."""
        last = self.chunk == self.chunks - 1
        takes = not self.full or (chunk_taken and last)
        if self.full and chunk_taken:
            self.chunk = 0 if last else self.chunk + 1
        if takes:
            self.full = waiting
        return takes


def run(preset, width, height, surfaces, latency, interval, operand=None, operand_bytes=1):
    """Return (cycles at which each atom has passed the join, cycle of the last read beat)."""
    chunks = preset["atom_bytes"] // preset["sdp_elements"]
    longest = preset["burst_beats"]
    atoms = width * height * surfaces
    fronts = [
        Front(width, preset["sdp_main_fifo_atoms"], bursts([width] * (height * surfaces), longest)),
    ]
    per_kernel = operand == "kernel"
    if operand:
        lines = [surfaces * operand_bytes] if per_kernel else [width * operand_bytes] * (height * surfaces)
        fronts.append(Front(lines[0], preset["sdp_operand_fifo_atoms"], bursts(lines, longest)))
    reads = Reads(latency, interval)
    pipe, split, cmux, core = Skid(), Split(chunks), Skid(), False
    operand_pipe, operand_split = Skid(), Split(chunks)
    select = column = operand_select = operand_pixel = fired = 0
    passed: list[int] = []
    now = FIRST_READ
    while len(passed) < atoms:
        reads.step(now, fronts)
        # X1's join: a chunk of data and, where there is one, a chunk of the operand
        if operand:
            fire = core and operand_split.full
            cmux_taken = not core or fire
        else:
            fire = cmux.item is not None
            cmux_taken = True
        if fire:
            fired += 1
            if fired % chunks == 0:
                passed.append(now)
        if operand and cmux_taken:
            core = cmux.item is not None
        chunk_taken = split.full and cmux.ready
        cmux.step(True if chunk_taken else None, cmux_taken)
        atom_taken = split.step(pipe.item is not None, chunk_taken)
        # one atom a cycle from the slots into the register in front of SDP
        main, taken = fronts[0], set()
        if main.slots[select].item is not None and pipe.ready:
            taken = {select}
            column += 1
            select = (select + 1) % 4
            if column == width:
                column = select = 0
        pipe.step(True if taken else None, atom_taken)
        main.step(now, taken)
        if operand:
            other, taken, pushed = fronts[1], set(), None
            wanted = range(operand_select, operand_select + operand_bytes)
            atom_taken = operand_split.step(operand_pipe.item is not None, fire)
            if other.sizes and operand_pipe.ready and all(other.slots[i].item is not None for i in wanted):
                pushed = True
                operand_pixel += 1
                if not per_kernel or operand_pixel % (width * height) == 0:
                    taken = set(wanted)
                    operand_select += operand_bytes
                    if operand_select == other.sizes[0]:
                        other.sizes.popleft()
                        operand_select = 0
            operand_pipe.step(pushed, atom_taken)
            other.step(now, taken)
        now += 1
    return passed, reads.last_read
