"""Launches of the whole convolution pipeline as its twin's registers; random ones, their data in memory."""

from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np

from hw_models.nvdla.cbuf import line_entries
from hw_models.nvdla.decode import op_of
from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.kept import Kept
from hw_models.nvdla.launch import SUB_UNITS, Launch, is_on, reads_alu, reads_mul
from hw_models.nvdla.op import Unit
from hw_models.nvdla.values.memory import Memory
from simulator.cosim_blocks.cdma_launches import REGION, place, random_converter, random_pixels, spans
from simulator.cosim_blocks.cdma_registers import PIXELS, entry_fault, image_fault
from simulator.cosim_blocks.cdma_registers import registers_of as cdma_registers
from simulator.cosim_blocks.conv_launches import fit, random_shape
from simulator.cosim_blocks.conv_registers import registers_of as csc_registers
from simulator.cosim_blocks.kept_launches import draw
from simulator.cosim_blocks.sdp_fields import random_settings
from simulator.cosim_blocks.sdp_registers import registers_of as sdp_registers

DST = 3 * REGION // 2  # bytes from where a launch's input may lie to its output, behind its weights


SMALL = 0.3  # of the launches: small numbers, halved once or twice on their way to an output that they fit


@dataclass
class Task:
    op: Any  # an OP row
    launch: Launch
    inputs: dict[str, int]  # registers, by port
    halves: bool = False  # results are small numbers that were halved


def task_of(launch: Launch, preset: dict[str, int]) -> Task:
    """Return a launch for the twin. Raises ValueError for what it lacks."""
    if launch.unit != Unit.CONV:
        raise ValueError(f"the twin of the convolution pipeline does not do {launch.unit.name} by itself")
    atom = preset["atom_bytes"]
    op, sdp = op_of(launch, atom)[0], launch["SDP"]
    if any(reads_alu(sdp, key) or reads_mul(sdp, key) for key in SUB_UNITS):
        raise ValueError("the twin of the convolution pipeline reads no operands from memory")
    if preset["sdp_ew_elements"] and is_on(sdp, "y"):
        raise ValueError("the twin of the convolution pipeline has no Y unit")
    inputs = {
        "cdma_registers": cdma_registers(op, launch["CDMA"], preset),
        "csc_registers": csc_registers(op, launch, preset["cbuf_entry_bytes"]),
        "truncate": launch["CACC"]["CLIP_TRUNCATE"],
        "sdp_registers": sdp_registers(launch, preset),
    }
    return Task(op, launch, inputs)


def _fitting(random: Random, preset: dict[str, int], state: Any, banks: tuple[int, int]) -> Any:
    """Return a launch without places that fits into CBUF; ``banks``: the last split."""
    atom = preset["atom_bytes"]
    while True:
        op = random_shape(random, preset)
        op["surface_packed"], op["line_packed"] = random.getrandbits(1), random.getrandbits(1)
        op["fetch_grain"] = random.choice([1, 2, 3, int(op["height"])])
        if op["image"]:
            _pad(random, op, atom)
        if _is_odd(op, int(line_entries(state, op)), preset) or not fit(
            random, op, preset, state, banks, keeps_data=0.6
        ):
            continue
        return op


def random_task(
    random: Random, preset: dict[str, int], state: Any, kept: Kept, before: Any, memory: Memory
) -> Task:
    """Return a launch behind ``before``, which left what ``kept`` holds, and put its data into memory."""
    atom = preset["atom_bytes"]
    op = draw(random, preset, kept, before, lambda: _fitting(random, preset, state, kept.split))
    place(random, op, atom, int(state["launched"]))
    op["dst"] = int(op["weights"]) // REGION * REGION - REGION + DST + random.randrange(64) * atom
    op["dst_line_stride"] = (op["out_width"] + random.choice([0, 0, 1, 5])) * atom
    op["dst_surface_stride"] = op["dst_line_stride"] * op["out_height"] + random.choice([0, 8]) * atom
    noise = np.random.default_rng(random.getrandbits(32))
    small = random.random() < SMALL
    for start, size in spans(op, atom):
        low, high = (-1, 2) if small else random.choice([(0, 256), (0, 256), (0, 4), (126, 130)])
        memory.write(start, noise.integers(low, high, size).astype(np.uint8))
    extra = _small(random, op) if small else _extra(random, op)
    return replace(task_of(launch_of(op, preset, extra), preset), halves=small)


def _pad(random: Random, op: Any, atom: int) -> None:
    """Let an image begin within an atom and be padded on its way, with a line as long as before."""
    each = int(op["channels"])
    op["src"] = random.randrange(max(1, atom // each)) * each
    for side in ("pad_left", "pad_right"):
        op[side] = random.choice([1, 2, random.randint(0, 4)])
        op[side] = min(op[side], max(0, op["width"] - 1))
        op["width"] -= op[side]


def _is_odd(op: Any, entries: int, preset: dict[str, int]) -> bool:
    """Tell whether CDMA's twin does not take it: an image, or kernel groups that end within an entry."""
    each, atom = int(op["channels"]), preset["atom_bytes"]
    if preset["cbuf_entry_bytes"] > atom:
        return bool(entry_fault(op, int(op["kernel_width"] * op["kernel_height"]) * each, preset))
    return bool(op["image"]) and (each not in PIXELS or bool(image_fault(op, entries, atom)))


def _extra(random: Random, op: Any) -> dict[str, dict[str, int]]:
    """Return fields by unit of what an OP row does not say."""
    pixels = random_pixels(random, int(op["channels"])) if op["image"] else {}
    cut = random.choice([0, 0, random.randint(0, 8), random.randint(0, 31)])
    return {
        "CDMA": random_converter(random, 0.5) | pixels,
        "CSC": {"PAD_VALUE": random.choice([0, 0xFF80, 127, random.getrandbits(16)])},
        "CACC": {"CLIP_TRUNCATE": cut},
        "SDP": random_settings(random) | {"EW_BYPASS": 1, "CVT_SHIFT": random.randint(0, 14)},
    }


def _small(random: Random, op: Any) -> dict[str, dict[str, int]]:
    """Return fields by unit with which small sums are halved and not changed otherwise."""
    cut = random.getrandbits(1)
    pixels = random_pixels(random, int(op["channels"])) | {"PAD_VALUE": 1} if op["image"] else {}
    fields = random_settings(random) | dict.fromkeys(("BS_BYPASS", "BN_BYPASS", "EW_BYPASS", "CVT_SCALE"), 1)
    return {
        "CDMA": pixels,
        "CSC": {"PAD_VALUE": 1},
        "CACC": {"CLIP_TRUNCATE": cut},
        "SDP": fields | {"CVT_OFFSET": 0, "CVT_SHIFT": random.randint(1 - cut, 1)},
    }
