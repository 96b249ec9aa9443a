"""Random launches of CDMA: registers, what lies in memory, and what is to lie in CBUF."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from hw_models.nvdla.cbuf import line_entries
from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.op import OP
from hw_models.nvdla.values.core import input_lines
from hw_models.nvdla.values.memory import Memory
from hw_models.nvdla.values.packing import UNIT_BYTES
from simulator.cosim_blocks.conv_launches import as_entries
from simulator.cosim_blocks.sdp_launches import joined

MAX_ATOMS = 160  # of the input
REGION = 1 << 26  # bytes: surfaces of a launch lie within, weights in the next
REGIONS = 32  # of either, used in turn
WIDTHS = (  # fields of `cdma_types::cdma_launch_t`, the first on top: bits of each
    ("width", 13),
    ("height", 13),
    ("channels", 13),
    ("line_packed", 1),
    ("surface_packed", 1),
    ("fetch_grain", 12),
    ("src", 32),
    ("src_line_stride", 32),
    ("src_surface_stride", 32),
    ("line_entries", 16),
    ("kernels", 13),
    ("kernel_bytes", 19),
    ("weights", 32),
    ("weight_bytes", 32),
    ("data_banks", 6),
    ("weight_banks", 6),
    ("CVT_EN", 1),
    ("CVT_OFFSET", 16),
    ("CVT_SCALE", 16),
    ("CVT_TRUNCATE", 6),
)


@dataclass
class Task:
    op: Any  # an OP row
    registers: int
    line_entries: int
    converts: bool
    data: list[tuple[int, int]]  # (entry from the launch's first on, content) in the order of the fetches
    weights: list[int]  # entries
    groups: list[int]  # entries of each kernel group


def random_task(
    random: Random, preset: dict[str, int], state: Any, banks: tuple[int, int], memory: Memory
) -> Task:
    """Return a launch that fits into CBUF and put its data into memory; ``banks``: the last split."""
    atom, depth = preset["atom_bytes"], preset["cbuf_depth"]
    keeps = banks[0] and random.random() < 0.7
    while True:
        op = _shape(random, preset)
        entries = int(line_entries(state, op))
        groups = _group_entries(op, preset)
        need = -(-int(op["height"]) * entries // depth), -(-max(groups) // depth)
        fits = need[0] <= banks[0] and need[1] <= banks[1] if keeps else sum(need) <= preset["cbuf_banks"]
        if fits and op["height"] * entries <= MAX_ATOMS:
            break
    split = banks if keeps else _split(random, need, preset["cbuf_banks"], banks[0])
    op["data_banks"], op["weight_banks"] = split
    _place(random, op, atom, int(state["launched"]))
    noise = np.random.default_rng(random.getrandbits(32))
    for start, size in _spans(op, atom):
        memory.write(start, noise.integers(0, 256, size).astype(np.uint8))
    whole = {"DATAIN_CHANNEL": -(-int(op["channels"]) // atom) * atom - 1}  # CDMA converts whole atoms
    cdma = launch_of(op, preset, {"CDMA": _converter(random) | whole})["CDMA"]
    fields = {name: int(op[name]) for name in op.dtype.names} | {
        "line_entries": entries,
        "kernel_bytes": cdma["BYTE_PER_KERNEL"] + 1,
    }
    stored = memory.read(int(op["weights"]), int(op["weight_bytes"]))
    return Task(
        op=op,
        registers=joined([(fields[n] if n in fields else cdma[n], bits) for n, bits in WIDTHS]),
        line_entries=entries,
        converts=bool(cdma["CVT_EN"]),
        data=list(_fetched(op, input_lines(cdma, memory, preset), atom)),
        weights=as_entries(stored, atom),
        groups=groups,
    )


def _shape(random: Random, preset: dict[str, int]) -> Any:
    """Return an OP row without banks and places."""
    atom, k = preset["atom_bytes"], preset["atomic_k"]
    op = np.zeros(1, OP)[0]
    if random.random() < 0.15:
        op["width"] = op["height"] = 1
    else:
        op["width"] = random.choice([1, 2, 3, 7, 8, 9, random.randint(1, 24)])
        op["height"] = random.choice([1, 2, 3, random.randint(1, 12)])
    op["channels"] = random.choice([1, atom, atom + 1, 3 * atom, 4 * atom, random.randint(1, 5 * atom)])
    op["surface_packed"] = random.random() < 0.5
    op["line_packed"] = random.random() < 0.7
    op["fetch_grain"] = random.choice([1, 2, 2, 3, int(op["height"]), 12])
    op["kernels"] = op["out_channels"] = random.choice([1, 1, k - 1, k, 2 * k, random.randint(1, 5 * k)])
    op["kernel_width"], op["kernel_height"] = random.choice([(1, 1), (1, 1), (1, 1), (2, 1), (3, 3)])
    if random.random() < 0.1:  # a kernel group is a beat
        op["channels"] = op["kernel_width"] = op["kernel_height"] = 1
        op["kernels"] = op["out_channels"] = 6 * k
    op["stride_x"] = op["stride_y"] = op["out_width"] = op["out_height"] = 1
    taps = int(op["kernel_width"] * op["kernel_height"] * op["channels"])
    op["weight_bytes"] = -(-taps * int(op["kernels"]) // UNIT_BYTES) * UNIT_BYTES
    if random.random() < 0.3:
        op["release"] = random.randint(1, op["height"])
    return op


def _split(random: Random, need: tuple[int, int], banks: int, data: int) -> tuple[int, int]:
    """Return a split that is enough, often just enough; perhaps with the last one's ``data`` banks."""
    if not (need[0] <= data <= banks - need[1]) or random.random() < 0.5:
        data = random.choice([need[0], need[0], random.randint(need[0], banks - need[1])])
    return data, random.choice([need[1], random.randint(need[1], banks - data)])


def _group_entries(op: Any, preset: dict[str, int]) -> list[int]:
    """Return the entries that each kernel group fills: all up to the last that it reaches into."""
    taps = int(op["kernel_width"] * op["kernel_height"] * op["channels"])
    size, atom = taps * preset["atomic_k"], preset["cbuf_entry_bytes"]
    count = -(-int(op["kernels"]) // preset["atomic_k"])
    ends = [-(-size * (n + 1) // atom) for n in range(count - 1)] + [int(op["weight_bytes"]) // atom]
    return [end - begin for begin, end in zip([0, *ends], ends)]


def _place(random: Random, op: Any, atom: int, number: int) -> None:
    """Choose addresses and strides: anywhere an atom may begin, lines one behind the other if packed."""
    line = int(op["width"]) * atom
    op["src_line_stride"] = line + (0 if op["line_packed"] else random.choice([0, 1, 8, 13]) * atom)
    surface = int(op["src_line_stride"] * op["height"])
    op["src_surface_stride"] = surface + random.choice([0, 1, 8, 77]) * atom
    first = number % REGIONS * 2 * REGION
    op["src"] = first + random.randrange(64) * atom
    op["weights"] = first + REGION + random.randrange(64) * atom


def _spans(op: Any, atom: int) -> Iterator[tuple[int, int]]:
    """Yield (address, bytes) of what the launch reads."""
    surfaces = -(-int(op["channels"]) // atom)
    if op["width"] == op["height"] == 1 and op["surface_packed"]:
        yield int(op["src"]), surfaces * atom
    else:
        for surface in range(surfaces):
            start = int(op["src"]) + surface * int(op["src_surface_stride"])
            yield start, int(op["src_line_stride"] * op["height"])
    yield int(op["weights"]), int(op["weight_bytes"])


def _converter(random: Random) -> dict[str, int]:
    if random.random() < 0.5:
        return {}
    return {
        "CVT_EN": 1,
        "CVT_OFFSET": random.choice([0, 128, 0xFF80, random.getrandbits(16)]),
        "CVT_SCALE": random.choice([1, 0xFFFF, 256, random.getrandbits(16)]),
        "CVT_TRUNCATE": random.choice([0, 1, 8, random.randint(0, 30), random.randint(0, 63)]),
    }


def _fetched(op: Any, lines: np.ndarray, atom: int) -> Iterator[tuple[int, int]]:
    """Yield (entry, content) by grain, surface, line and pixel; lines: (height, width, channels)."""
    height, width, channels = lines.shape
    surfaces = channels // atom
    grain = int(op["fetch_grain"]) if op["line_packed"] else 1
    for first in range(0, height, grain):
        for surface in range(surfaces):
            for y in range(first, min(first + grain, height)):
                stored = lines[y, :, surface * atom : (surface + 1) * atom]
                for x, content in enumerate(as_entries(stored, atom)):
                    yield (y * surfaces + surface) * width + x, content
