"""Random launches of the convolution core: an OP row, what lies in CBUF for it, and what SDP is to get."""

import random
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hw_models.nvdla.cbuf import line_entries, lines_in_work
from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.kept import Kept, kernel_shape, line_shape
from hw_models.nvdla.launch import Launch
from hw_models.nvdla.op import OP, InBuffer
from hw_models.nvdla.values import convolution as arithmetic
from hw_models.nvdla.values.core import convolution
from hw_models.nvdla.values.memory import Memory
from hw_models.nvdla.values.packing import UNIT_BYTES, pack_weights
from hw_models.nvdla.values.rounding import saturate
from simulator.cosim_blocks.kept_launches import draw, reached_by_keeping

MOST_CYCLES = 2500  # of a launch in the MACs
ENDS = np.array([-128, 127], np.int8)
STEEP = 0.75  # of the launches whose sums can saturate: those whose numbers are all at the ends


@dataclass
class Task:
    """A launch with its data: entries of CBUF as numbers, pixels in the order in which SDP gets them."""

    op: Any  # an OP row
    launch: Launch
    lines: list[list[int]]  # entries of each input line that CDMA fetches
    groups: list[list[int]]  # likewise of each kernel group
    pixels: list[list[int]]  # atomic-K results each
    goals: dict[str, object]  # of keeping and reusing


def _some(rng: random.Random, corners: list[int], most: int) -> int:
    """Return a corner or any number from 1 to ``most``."""
    return rng.choice(corners) if rng.random() < 0.5 else rng.randint(1, most)


def random_shape(rng: random.Random, preset: dict[str, int]) -> Any:
    """Return an OP row without banks: strides, padding and sizes that fit each other."""
    c, k = preset["atomic_c"], preset["atomic_k"]
    op = np.zeros(1, OP)[0]
    op["image"] = rng.random() < 0.2
    op["channels"] = rng.choice([1, 3, 4]) if op["image"] else _some(rng, [1, c - 1, c, c + 1, 2 * c], 3 * c)
    op["kernels"] = op["out_channels"] = _some(rng, [1, 2, k - 1, k, k + 1, 2 * k], 3 * k)
    op["kernel_width"], op["kernel_height"] = rng.choice([(1, 1), (1, 1), (3, 3), (2, 1), (1, 3), (3, 2)])
    op["stride_x"], op["stride_y"] = rng.randint(1, 3), rng.randint(1, 3)
    op["dilation_x"], op["dilation_y"] = (1 if op["image"] else rng.randint(1, 2)), rng.randint(1, 2)
    pixels = _some(rng, [1, k - 1, k, 2 * k - 1, 2 * k, 2 * k + 1, 3 * k, 4 * k - 1, 4 * k], 5 * k)
    op["out_height"] = rng.choice([h for h in range(1, 7) if pixels % h == 0])
    op["out_width"] = pixels // op["out_height"]
    for axis, size, out, before, after in (
        ("x", "width", "out_width", "pad_left", "pad_right"),
        ("y", "height", "out_height", "pad_top", "pad_bottom"),
    ):
        taps = op["kernel_width" if axis == "x" else "kernel_height"]
        span = (taps - 1) * op[f"dilation_{axis}"] + 1
        need = (op[out] - 1) * op[f"stride_{axis}"] + span
        if not (op["image"] and axis == "x"):
            op[before], op[after] = rng.randint(0, span - 1), rng.randint(0, span - 1)
        op[before] = min(op[before], need - 1)
        op[after] = min(op[after], need - 1 - op[before])
        op[size] = need - op[before] - op[after] + rng.choice([0, 0, 1])
    if rng.random() < 0.3:
        op["release"] = rng.randint(1, op["height"])
    op["fetch_grain"] = 1
    return op


def _cycles(op: Any, preset: dict[str, int]) -> int:
    channels = op["channels"] * (op["kernel_width"] if op["image"] else 1)
    columns = 1 if op["image"] else op["kernel_width"]
    packages = -(-channels // preset["atomic_c"]) * op["kernel_height"] * columns
    pixels = op["out_height"] * max(op["out_width"], preset["atomic_k"])
    return int(packages * pixels * -(-op["kernels"] // preset["atomic_k"]))


def as_entries(stored: np.ndarray, size: int) -> list[int]:
    """Return bytes as entries of CBUF, numbers of ``size`` bytes."""
    raw = stored.astype(np.uint8).tobytes()
    return [int.from_bytes(raw[i : i + size], "little") for i in range(0, len(raw), size)]


def _lines(op: Any, data: np.ndarray, noise: np.random.Generator, size: int) -> list[list[int]]:
    """Return the entries of each line; what no channel fills is noise."""
    height, width, channels = data.shape
    if op["image"]:
        wide = noise.integers(-128, 128, (height, -(-width * channels // size) * size))
        wide[:, : width * channels] = data.reshape(height, -1)
        return [as_entries(line, size) for line in wide]
    surfaces = -(-channels // size)
    wide = noise.integers(-128, 128, (height, width, surfaces * size))
    wide[:, :, :channels] = data
    by_surface = wide.reshape(height, width, surfaces, size).transpose(0, 2, 1, 3)
    return [as_entries(line, size) for line in by_surface]


def _in_order(op: Any, sums: np.ndarray, atomic_k: int) -> list[list[int]]:
    """Return pixels as CACC hands them over: kernel group by kernel group."""
    height, width, kernels = sums.shape
    wide = np.zeros((height * width, -(-kernels // atomic_k) * atomic_k), np.int64)
    wide[:, :kernels] = sums.reshape(height * width, kernels)
    return [row.tolist() for k in range(0, wide.shape[1], atomic_k) for row in wide[:, k : k + atomic_k]]


def _numbers(rng: random.Random, noise: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return INT8 of any size, all of them small, or all near one end."""
    low, high = rng.choice([(-128, 128), (-128, 128), (-8, 8), (-128, -126), (126, 128)])
    return noise.integers(low, high, shape).astype(np.int8)


def fit(
    rng: random.Random,
    op: Any,
    preset: dict[str, int],
    state: Any,
    banks: tuple[int, int],
    keeps_data: float = 0.3,
) -> bool:
    """Give a launch banks of CBUF, the last ``banks`` if it can. Returns whether it fits and is short.

    ``keeps_data``: chance that a new split is of weights alone.
    """
    size, k, depth = preset["cbuf_entry_bytes"], preset["atomic_k"], preset["cbuf_depth"]
    taps = int(op["kernel_width"] * op["kernel_height"] * op["channels"])
    op["weight_bytes"] = weight_bytes = -(-taps * int(op["kernels"]) // UNIT_BYTES) * UNIT_BYTES
    groups = -(-int(op["kernels"]) // k)
    last = weight_bytes // size - (groups - 1) * taps * k // size
    need_data = -(-int(op["height"]) * int(line_entries(state, op)) // depth)
    need_weights = -(-max(last, taps * k // size if groups > 1 else 0) // depth)
    if _cycles(op, preset) > MOST_CYCLES or need_data + need_weights > preset["cbuf_banks"]:
        return False
    if need_data <= banks[0] and need_weights <= banks[1] and rng.random() < 0.8:
        op["data_banks"], op["weight_banks"] = banks
    else:
        most = preset["cbuf_banks"] - need_weights
        keeps = need_data <= banks[0] <= most and rng.random() < keeps_data
        op["data_banks"] = banks[0] if keeps else rng.randint(need_data, most)
        op["weight_banks"] = rng.randint(need_weights, preset["cbuf_banks"] - op["data_banks"])
    return True


def _fitting(rng: random.Random, preset: dict[str, int], state: Any, banks: tuple[int, int]) -> Any:
    while not fit(rng, op := random_shape(rng, preset), preset, state, banks):
        pass
    return op


def random_task(
    rng: random.Random,
    preset: dict[str, int],
    state: Any,
    kept: Kept,
    before: Any,
    bits: tuple[int, int],
) -> Task:
    """Return a launch that fits into CBUF behind the launch ``before``, which left what ``kept`` holds.

    ``bits``: of CACC's sums and of its results.
    """
    size, k = preset["cbuf_entry_bytes"], preset["atomic_k"]
    op = draw(rng, preset, kept, before, lambda: _fitting(rng, preset, state, kept.split))
    goals = reached_by_keeping(kept, op)
    fetched = kept.begin(op)
    weight_bytes = int(op["weight_bytes"])
    group = int(op["kernel_width"] * op["kernel_height"] * op["channels"]) * k // size
    groups = -(-int(op["kernels"]) // k)

    noise = np.random.default_rng(rng.getrandbits(32))
    data = _numbers(rng, noise, (op["height"], op["width"], op["channels"]))
    columns, channels = op["kernel_width"], op["channels"]
    if op["image"]:
        columns, channels = 1, op["channels"] * op["kernel_width"]
    weights = _numbers(rng, noise, (op["kernels"], op["kernel_height"], columns, channels))
    pad_value = rng.choice([0, 0xFF80, 127, rng.getrandbits(16)])
    cut = rng.choice([0, 1, 2, 3, rng.randint(0, 12), rng.randint(0, 31)])
    steep = weights[0].size << 14 > 1 << (bits[0] - 1) and noise.random() < STEEP
    if steep and fetched == InBuffer.DATA | InBuffer.WEIGHTS and not kept.lines:
        data[:], weights[:] = noise.choice(ENDS), noise.choice(ENDS, (len(weights), 1, 1, 1))
        pad_value, cut = int(data.flat[0]) & 0xFFFF, bits[0] - bits[1] + 1  # the least that shows all sums
    lines = _lines(op, data, noise, size)
    if fetched & InBuffer.DATA:
        kept.lines += [(line_shape(op), line) for line in data]
    if fetched & InBuffer.WEIGHTS:
        kept.kernels = kernel_shape(op), weights
    in_work = np.stack([line for _, line in kept.lines[: int(lines_in_work(op))]])
    launch = launch_of(op, preset, {"CSC": {"PAD_VALUE": pad_value}, "CACC": {"CLIP_TRUNCATE": cut}})
    arithmetic.ACCUMULATOR_BITS[1] = bits[0]
    sums = convolution(launch, Memory(), preset, {"data": in_work, "weights": kept.kernels[1]})
    kept.end(op)
    narrow = np.array([saturate(value, bits[1]) for value in sums.reshape(-1).tolist()]).reshape(sums.shape)

    stored = noise.integers(-128, 128, weight_bytes)
    packed = pack_weights(weights, preset["atomic_c"], k)
    stored[: packed.size] = packed
    entries = as_entries(stored, size)
    bounds = [*range(0, groups * group, group), len(entries)]
    return Task(
        op=op,
        launch=launch,
        lines=lines if fetched & InBuffer.DATA else [],
        groups=[entries[a:b] for a, b in pairwise(bounds)] if fetched & InBuffer.WEIGHTS else [],
        pixels=_in_order(op, narrow, k),
        goals=goals,
    )
