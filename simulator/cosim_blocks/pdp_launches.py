"""Random launches of PDP: registers, the cube as it comes, atoms to memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from hw_models.nvdla.decode import op_of
from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.op import OP, Unit
from hw_models.nvdla.registers import Settings
from hw_models.nvdla.values.pdp import AVERAGE, MAXIMUM, MINIMUM, pool_cube, pool_of
from simulator.cosim_blocks.sdp_registers import joined

LONGEST = 8  # window, elements
MAX_ATOMS = 120  # of the input


@dataclass
class Task:
    op: Any  # an OP row
    registers: int  # as `pdp_types::pdp_launch_t`
    flying: bool
    method: int
    inputs: list[int]  # atoms in the order in which they come
    outputs: list[int]  # atoms as written to memory
    does: dict[str, bool]  # goals that its values reach


def axis(random: Random, size: int) -> dict[str, int]:
    """Return window, stride, padding and number of windows across ``size`` elements."""
    while True:
        if size > 1 and random.random() < 0.4:  # some windows end a stride or more beyond the edge
            window = random.randint(3, LONGEST)
            before, behind = random.choice([((window - 1) // 2, window // 2), (window - 1, window - 1)])
            outputs = size + before + behind - window + 1
            return {"window": window, "stride": 1, "before": before, "behind": behind, "outputs": outputs}
        window = random.choice([1, 2, 3, 3, LONGEST, random.randint(1, LONGEST)])
        stride = random.choice([1, 2, window, min(size, 16), random.randint(1, 16)])
        before, behind = (random.choice([0, 0, window - 1, random.randint(0, window - 1)]) for _ in range(2))
        outputs = (size + before + behind - window) // stride + 1
        if outputs >= 1:
            return {
                "window": window,
                "stride": stride,
                "before": before,
                "behind": min(behind, max(0, (outputs - 1) * stride + window - size - before)),
                "outputs": outputs,
            }


def random_task(random: Random, preset: Mapping[str, int]) -> Task:
    """Return a launch from memory, some with the cube read in parts, or behind a convolution."""
    atom, flying = preset["atom_bytes"], random.random() < 0.5
    op = np.zeros(1, OP)[0]
    surfaces = random.choice([1, 2, 2, 3])
    height = random.choice([1, random.randint(1, 4), random.randint(1, 12)])
    most = MAX_ATOMS // (height * surfaces)
    width = random.choice([1, random.randint(1, most), random.randint(1, most), most])
    channels = random.randint((surfaces - 1) * atom + 1, surfaces * atom)
    across, down = axis(random, width), axis(random, height)
    _shape(op, flying, (width, height, channels))
    set_windows(op, across, down)
    for side in ("src", "dst"):
        columns, lines = (width, height) if side == "src" else (across["outputs"], down["outputs"])
        op[side] = random.randrange(1 << 20) * atom
        op[f"{side}_line_stride"] = (columns + random.randint(0, 3)) * atom
        op[f"{side}_surface_stride"] = op[f"{side}_line_stride"] * lines + random.randint(0, 3) * atom
    fields = any_fields(random, across["window"], down["window"])
    if not flying and random.random() < 0.5:
        fields["SPLIT_NUM"] = random.randint(1, 3)
    launch = launch_of(op, preset, {"PDP": fields})
    pdp, row = launch["PDP"], op_of(launch, atom)[0]
    again = 0 if flying else int(row["width"]) - width  # columns that parts of the cube share

    noise = np.random.default_rng(random.getrandbits(32))
    values = noise.integers(-128, 128, (height, width + again, surfaces * atom))
    values[noise.random(values.shape) < 0.1] = random.choice([-128, 127, 0])
    result = np.zeros((down["outputs"], across["outputs"], surfaces * atom), np.int64)
    pool_cube(pool_of(pdp), values[:, again:], result)
    return Task(
        op=row,
        registers=registers_of(row, pdp, flying, (width + again, height, surfaces), again),
        flying=flying,
        method=pdp["POOLING_METHOD"],
        inputs=_by_atom(values, atom),
        outputs=_by_atom(result, atom),
        does={
            "padding adds to averages": pdp["POOLING_METHOD"] == AVERAGE and bool(across["before"]),
            "an average of more than 8 bits": bool((abs(result) > 128).any()),
        },
    )


def set_windows(op: Any, across: dict[str, int], down: dict[str, int]) -> None:
    for key, axis, first, last in (("x", across, "left", "right"), ("y", down, "top", "bottom")):
        name = "width" if key == "x" else "height"
        op[f"pool_{name}"], op[f"pool_stride_{key}"] = axis["window"], axis["stride"]
        op[f"pool_pad_{first}"], op[f"pool_pad_{last}"] = axis["before"], axis["behind"]
        op[f"pool_out_{name}"] = axis["outputs"]


def _shape(op: Any, flying: bool, shape: tuple[int, int, int]) -> None:
    """Set the cube that PDP takes, and what a convolution before it needs besides."""
    op["unit"], op["pool"] = int(Unit.CONV if flying else Unit.PDP), int(flying)
    op["kernel_height"] = op["kernel_width"] = 1
    op["stride_x"] = op["stride_y"] = op["data_banks"] = op["weight_banks"] = op["fetch_grain"] = 1
    for name, size in zip(("width", "height", "channels"), shape):
        op[name] = op[f"out_{name}"] = size
    op["kernels"] = shape[2]


def any_fields(random: Random, width: int, height: int) -> dict[str, int]:
    """Return fields of PDP beside the shape: of averages that divide as they should, and of odd ones."""
    plain = random.random() < 0.5
    most = random.choice([9, 200, (1 << 18) - 1])
    return {
        "POOLING_METHOD": random.choice([AVERAGE, AVERAGE, MAXIMUM, MINIMUM]),
        "RECIP_KERNEL_WIDTH": (1 << 16) // width if plain else random.getrandbits(17),
        "RECIP_KERNEL_HEIGHT": (1 << 16) // height if plain else random.getrandbits(17),
        **{f"PAD_VALUE_{count}X": random.randint(-most - 1, most) for count in range(1, 8)},
    }


def registers_of(row: Any, pdp: Settings, flying: bool, shape: tuple[int, int, int], again: int) -> int:
    """Return a launch as `pdp_types::pdp_launch_t`; ``shape``: width with the columns read ``again``."""
    width, height, surfaces = shape
    parts = [(flying, 1), (surfaces, 14)]
    for name, axis, size, side in (("WIDTH", "LEFT", width, again), ("HEIGHT", "TOP", height, None)):
        parts += [(size, 14), (pdp[f"KERNEL_{name}"] + 1, 4), (pdp[f"KERNEL_STRIDE_{name}"] + 1, 5)]
        parts += [(pdp[f"PAD_{axis}"], 3), (pdp[f"CUBE_OUT_{name}"] + 1, 14)]
        parts += [] if side is None else [(side, 12)]
    parts += [(pdp["POOLING_METHOD"], 2), (pdp["RECIP_KERNEL_WIDTH"], 17), (pdp["RECIP_KERNEL_HEIGHT"], 17)]
    parts += [(pdp[f"PAD_VALUE_{count}X"], 19) for count in range(7, 0, -1)] + [(0, 19)]
    parts += [(row[name], 32) for name in ("src", "src_line_stride", "src_surface_stride")]
    parts += [(row[name], 32) for name in ("dst", "dst_line_stride", "dst_surface_stride")]
    return joined(parts)


def _by_atom(cube: np.ndarray, atom: int) -> list[int]:
    """Return (height, width, channels) as atoms, surface by surface."""
    flat = (cube & 0xFF).astype(np.uint8).reshape(-1, cube.shape[2])
    return [
        int.from_bytes(row.tobytes(), "little")
        for first in range(0, cube.shape[2], atom)
        for row in flat[:, first : first + atom]
    ]
