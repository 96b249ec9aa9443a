"""What CDMA writes into CBUF: which entry in which cycle, and its content."""

from collections import deque
from typing import Any

from hw_models.nvdla.op import InBuffer
from simulator.cosim_blocks.cdma_launches import Task
from simulator.cosim_blocks.cdma_pixels import Lines, shape_of

TO_WRITE = 6  # cycles from an atom's being taken to its write
PIXELS_TO_WRITE = 2  # cycles from an entry's being complete to its write


class Writes:
    """Told of launches, and of the cycles in which atoms are taken; `data` and `weights` by cycle."""

    def __init__(self, depth: int, atom_bytes: int):
        self.depth, self.atom_bytes = depth, atom_bytes
        self.split = (0, 0)  # entries of data and weights that the last launch asks for
        self.data_base, self.weight_position = 0, 0
        self.data_to_come: deque[tuple[int, int]] = deque()  # (entry, content)
        self.weights_to_come: deque[tuple[int, int]] = deque()
        self.data: dict[int, tuple[int, int]] = {}
        self.weights: dict[int, tuple[int, int]] = {}
        self.pixels = Lines()
        self.column = 0  # of an image's line, atoms taken

    def launch(self, task: Task) -> tuple[bool, bool]:
        """Note where a launch's data and weights go. Returns which go around their banks' end."""
        op = task.op
        data, weights = int(op["data_banks"]) * self.depth, int(op["weight_banks"]) * self.depth
        if data != self.split[0]:
            self.data_base = 0
        if (data, weights) != self.split:
            self.weight_position = 0
        self.split = data, weights
        self.data_to_come.extend(((self.data_base + entry) % data, content) for entry, content in task.data)
        lines = int(op["height"]) if task.fetched & InBuffer.DATA else 0
        data_end = self.data_base + lines * task.line_entries
        self.data_base = data_end % data
        weights_end = self.weight_position + len(task.weights)
        places = range(self.weight_position, weights_end)
        self.weights_to_come.extend((data + n % weights, word) for n, word in zip(places, task.weights))
        self.weight_position = weights_end % weights
        return data_end > data, weights_end > weights

    def take_atom(self, op: Any, line_entries: int, at: int) -> None:
        """An atom of data is taken: a feature's is an entry, an image's has pixels of one or two."""
        if not op["image"]:
            self.data[at + TO_WRITE] = self.data_to_come.popleft()
            return
        shape = shape_of(op, line_entries, self.atom_bytes)
        self.pixels.take(at, shape, self.column == 0)
        self.column = (self.column + 1) % shape.atoms

    def take_weight(self, at: int) -> None:
        self.weights[at] = self.weights_to_come.popleft()

    def data_in(self, cycle: int) -> dict[str, int]:
        """Return what the RTL writes of data in a cycle."""
        if self.pixels.step(cycle):
            self.data[cycle + PIXELS_TO_WRITE] = self.data_to_come.popleft()
        if cycle not in self.data:
            return {"data_write": 0}
        entry, content = self.data.pop(cycle)
        return {"data_write": 1, "data_entry": entry, "data": content}

    def weights_in(self, cycle: int) -> dict[str, int]:
        """Likewise of weights."""
        if cycle not in self.weights:
            return {"weight_write": 0}
        entry, content = self.weights.pop(cycle)
        return {"weight_write": 1, "weight_entry": entry, "weights": content}
