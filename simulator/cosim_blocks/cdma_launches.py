"""Random launches of CDMA: registers, what lies in memory, and what is to lie in CBUF."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from hw_models.nvdla.cbuf import line_entries
from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.kept import Kept, kernel_shape, line_shape
from hw_models.nvdla.op import OP, InBuffer
from hw_models.nvdla.registers import Settings
from hw_models.nvdla.values.core import input_lines
from hw_models.nvdla.values.memory import Memory
from hw_models.nvdla.values.packing import UNIT_BYTES
from simulator.cosim_blocks.cdma_registers import PIXELS, image_fault, line_atoms, registers_of
from simulator.cosim_blocks.conv_launches import as_entries
from simulator.cosim_blocks.kept_launches import draw, reached_by_keeping

MAX_ATOMS = 160  # of the input
REGION = 1 << 26  # bytes: surfaces of a launch lie within, weights in the next
REGIONS = 32  # of either, used in turn


@dataclass
class Task:
    op: Any  # an OP row
    registers: int  # as `cdma_types::cdma_launch_t`
    line_entries: int
    cdma: Settings
    data: list[tuple[int, int]]  # (entry from the first on, content) of what is fetched, in that order
    weights: list[int]  # entries, likewise
    groups: list[int]  # entries of each kernel group
    fetched: int  # bits of InBuffer
    goals: dict[str, object]  # of keeping and reusing


def _fitting(random: Random, preset: dict[str, int], state: Any, banks: tuple[int, int]) -> Any:
    """Return a launch without places that fits into CBUF; ``banks``: the last split."""
    atom, depth = preset["atom_bytes"], preset["cbuf_depth"]
    keeps = banks[0] and random.random() < 0.7
    while True:
        op = _shape(random, preset)
        entries = int(line_entries(state, op))
        groups = _group_entries(op, preset)
        need = -(-int(op["height"]) * entries // depth), -(-max(groups) // depth)
        fits = need[0] <= banks[0] and need[1] <= banks[1] if keeps else sum(need) <= preset["cbuf_banks"]
        if fits and op["height"] * entries <= MAX_ATOMS and not image_fault(op, entries, atom):
            break
    split = banks if keeps else _split(random, need, preset["cbuf_banks"], banks[0])
    op["data_banks"], op["weight_banks"] = split
    return op


def random_task(
    random: Random, preset: dict[str, int], state: Any, kept: Kept, before: Any, memory: Memory
) -> Task:
    """Return a launch behind ``before``, which left what ``kept`` holds, and put its data into memory."""
    atom = preset["atom_bytes"]
    op = draw(random, preset, kept, before, lambda: _fitting(random, preset, state, kept.split))
    goals = reached_by_keeping(kept, op)
    fetched = kept.begin(op)
    if fetched & InBuffer.DATA:
        kept.lines += [(line_shape(op), None)] * int(op["height"])
    if fetched & InBuffer.WEIGHTS:
        kept.kernels = kernel_shape(op), None
    kept.end(op)
    place(random, op, atom, int(state["launched"]))
    noise = np.random.default_rng(random.getrandbits(32))
    for start, size in spans(op, atom):
        memory.write(start, noise.integers(0, 256, size).astype(np.uint8))
    if op["image"]:
        extra = random_pixels(random, int(op["channels"]))
    else:
        extra = {"DATAIN_CHANNEL": -(-int(op["channels"]) // atom) * atom - 1}  # CDMA converts whole atoms
    cdma = launch_of(op, preset, {"CDMA": random_converter(random, 0.8 if op["image"] else 0.5) | extra})[
        "CDMA"
    ]
    lines = input_lines(cdma, memory, preset)
    stored = memory.read(int(op["weights"]), int(op["weight_bytes"]))
    data = _packed(cdma["PAD_VALUE"], lines, atom) if op["image"] else _fetched(op, lines, atom)
    return Task(
        op=op,
        registers=registers_of(op, cdma, preset),
        line_entries=cdma["ENTRIES"] + 1,
        cdma=cdma,
        data=list(data) if fetched & InBuffer.DATA else [],
        weights=as_entries(stored, atom) if fetched & InBuffer.WEIGHTS else [],
        groups=_group_entries(op, preset),
        fetched=fetched,
        goals=goals,
    )


def _shape(random: Random, preset: dict[str, int]) -> Any:
    """Return an OP row without banks and places."""
    atom, k = preset["atom_bytes"], preset["atomic_k"]
    op = np.zeros(1, OP)[0]
    op["width"] = random.choice([1, 2, 3, 7, 8, 9, random.randint(1, 24)])
    op["height"] = random.choice([1, 2, 3, random.randint(1, 12)])
    op["channels"] = random.choice([1, atom, atom + 1, 3 * atom, 4 * atom, random.randint(1, 5 * atom)])
    op["surface_packed"] = random.random() < 0.5
    op["line_packed"] = random.random() < 0.7
    op["fetch_grain"] = random.choice([1, 2, 2, 3, int(op["height"]), 12])
    op["kernels"] = op["out_channels"] = random.choice([1, 1, k - 1, k, 2 * k, random.randint(1, 5 * k)])
    op["kernel_width"], op["kernel_height"] = random.choice([(1, 1), (1, 1), (1, 1), (2, 1), (3, 3)])
    kind = random.random()
    if kind < 0.3:
        _image(random, op, atom)
    elif kind < 0.4:  # a kernel group is a beat
        op["channels"] = op["kernel_width"] = op["kernel_height"] = 1
        op["kernels"] = op["out_channels"] = 6 * k
    elif kind < 0.55:  # one pixel over several surfaces
        op["width"] = op["height"] = 1
        op["channels"] = random.randint(2 * atom, 5 * atom)
    elif kind < 0.65:  # short requests, few weights
        op["width"], op["height"] = random.randint(1, 2), random.randint(4, 16)
        op["channels"] = random.randint(2 * atom, 5 * atom)
        op["kernels"] = op["out_channels"] = op["kernel_width"] = op["kernel_height"] = 1
    op["stride_x"] = op["stride_y"] = op["out_width"] = op["out_height"] = 1
    taps = int(op["kernel_width"] * op["kernel_height"] * op["channels"])
    op["weight_bytes"] = -(-taps * int(op["kernels"]) // UNIT_BYTES) * UNIT_BYTES
    if random.random() < 0.3:
        op["release"] = random.randint(1, op["height"])
    return op


def _image(random: Random, op: Any, atom: int) -> None:
    """Make an image of it: at least two atoms a line."""
    op["image"] = 1
    op["channels"] = each = random.choice([1, 4])
    op["width"] = random.randint(1, 8) + 2 * atom // each
    op["pad_left"], op["pad_right"] = (random.choice([0, 0, 1, 2, random.randint(0, 16)]) for _ in range(2))
    op["src"] = random.choice([0, random.randrange(atom // each) * each])  # within its atom


def random_pixels(random: Random, each: int) -> dict[str, int]:
    return {
        "PIXEL_FORMAT": random.choice(PIXELS[each]),
        "PIXEL_SIGN_OVERRIDE": random.getrandbits(1),
        "PAD_VALUE": random.choice([0, 127, 0xFF80, random.getrandbits(16)]),
        "MEAN_FORMAT": int(random.random() < 0.7),
        **{
            f"MEAN_{name}": random.getrandbits(random.choice([6, 6, 16])) for name in ("RY", "GU", "BV", "AX")
        },
    }


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


def place(random: Random, op: Any, atom: int, number: int) -> None:
    """Choose addresses and strides: anywhere an atom may begin, lines one behind the other if packed."""
    line = (line_atoms(op, atom) if op["image"] else int(op["width"])) * atom
    op["src_line_stride"] = line + (0 if op["line_packed"] else random.choice([0, 1, 8, 13]) * atom)
    surface = int(op["src_line_stride"] * op["height"])
    op["src_surface_stride"] = surface + random.choice([0, 1, 1, 8, 77]) * atom
    first = number % REGIONS * 2 * REGION
    op["src"] += first + random.randrange(64) * atom
    op["weights"] = first + REGION + random.randrange(64) * atom


def spans(op: Any, atom: int) -> Iterator[tuple[int, int]]:
    """Yield (address, bytes) of what the launch reads."""
    surfaces = 1 if op["image"] else -(-int(op["channels"]) // atom)
    if op["width"] == op["height"] == 1 and op["surface_packed"]:
        yield int(op["src"]), surfaces * atom
    else:
        for surface in range(surfaces):
            start = int(op["src"]) + surface * int(op["src_surface_stride"])
            yield start, int(op["src_line_stride"] * op["height"])
    yield int(op["weights"]), int(op["weight_bytes"])


def random_converter(random: Random, chance: float) -> dict[str, int]:
    if random.random() >= chance:
        return {}
    return {
        "CVT_EN": 1,
        "CVT_OFFSET": random.choice([0, 128, 0xFF80, random.getrandbits(16)]),
        "CVT_SCALE": random.choice([1, 1, 0xFFFF, 256, random.getrandbits(16)]),
        "CVT_TRUNCATE": random.choice([0, 0, 1, 8, random.randint(0, 30), random.randint(0, 63)]),
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


def _packed(pad: int, lines: np.ndarray, atom: int) -> Iterator[tuple[int, int]]:
    """Yield (entry, content) of an image, line by line; lines: padded, (height, width, channels)."""
    height = lines.shape[0]
    entries = -(-lines[0].size // atom)
    wide = np.full((height, entries * atom), pad & 0xFF, np.uint8).view(np.int8)
    wide[:, : lines[0].size] = lines.reshape(height, -1)
    for y in range(height):
        for entry, content in enumerate(as_entries(wide[y], atom)):
            yield y * entries + entry, content
