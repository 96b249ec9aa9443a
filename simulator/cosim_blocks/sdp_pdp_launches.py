"""Random launches of SDP from memory, to PDP or to memory, and of PDP by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import numpy as np

from hw_models.nvdla.decode import op_of
from hw_models.nvdla.encode import Fields, launch_of
from hw_models.nvdla.launch import Launch
from hw_models.nvdla.op import OP, Unit
from hw_models.nvdla.values.memory import Memory
from simulator.cosim_blocks.pdp_launches import any_fields, axis, set_windows
from simulator.cosim_blocks.sdp_launches import REGION, REGIONS, draw, fill
from simulator.cosim_blocks.sdp_registers import readers_of, registers_of
from simulator.cosim_blocks.sdp_tables import Tables
from simulator.cosim_blocks.unit_launches import BOTH_UNITS, PDP_UNIT, pooling_of

SDP_UNIT = 1
MOST_ATOMS = 60  # of PDP's own input


@dataclass
class Task:
    op: Any  # an OP row
    launch: Launch
    units: int  # bits of the op-enable
    done: int  # bit of the done pulse that ends it
    inputs: dict[str, int]  # registers, by port


def random_task(
    random: Random, preset: Mapping[str, int], tables: Tables, memory: Memory, number: int
) -> Task:
    """Return launch ``number``, its data in memory; what the twin lacks is drawn again."""
    kind = random.choice((BOTH_UNITS, BOTH_UNITS, BOTH_UNITS, SDP_UNIT, PDP_UNIT))
    region, atom = number % REGIONS * REGION, preset["atom_bytes"]
    while True:
        if kind == PDP_UNIT:
            launch = _pooling(random, preset, region, memory)
        else:
            behind = partial(_behind, random, atom, kind == BOTH_UNITS, region)
            launch, _ = draw(random, preset, tables, region, (Unit.SDP,), behind)
        op = op_of(launch, atom)[0]
        try:
            inputs = _inputs(launch, op, preset, kind)
        except ValueError:
            continue
        if kind != PDP_UNIT:
            fill(random, op, atom, memory)
        return Task(op, launch, kind, PDP_UNIT if kind & PDP_UNIT else SDP_UNIT, inputs)


def _inputs(launch: Launch, op: Any, preset: Mapping[str, int], kind: int) -> dict[str, int]:
    """Return the registers of a launch, by port."""
    inputs, size = {}, "" if kind == PDP_UNIT else "out_"
    if kind & SDP_UNIT:
        inputs["sdp_registers"] = registers_of(launch, preset, pools=True)
        inputs["reader_registers"] = readers_of(launch, preset)
    if kind & PDP_UNIT:
        width, height, channels = (int(op[f"{size}{name}"]) for name in ("width", "height", "channels"))
        cube = width, height, channels
        inputs["pdp_registers"] = pooling_of(launch, op, cube, 0, preset["atom_bytes"])
    return inputs


def _behind(random: Random, atom: int, pools: bool, region: int, op: Any) -> Fields:
    """Let PDP pool, perhaps, and results go to a region of their own. Returns fields of PDP."""
    op["dst"] = region + REGIONS * REGION + random.randrange(64) * atom
    if not pools:
        return {}
    op["pool"] = 1
    return {"PDP": _windows(random, op, int(op["out_width"]), int(op["out_height"]), atom)}


def _windows(random: Random, op: Any, width: int, height: int, atom: int) -> dict[str, int]:
    """Set windows over a cube, and where outputs go. Returns fields of PDP."""
    across, down = axis(random, width), axis(random, height)
    set_windows(op, across, down)
    op["dst_line_stride"] = (across["outputs"] + random.randint(0, 3)) * atom
    op["dst_surface_stride"] = op["dst_line_stride"] * down["outputs"] + random.randint(0, 3) * atom
    return any_fields(random, across["window"], down["window"])


def _pooling(random: Random, preset: Mapping[str, int], region: int, memory: Memory) -> Launch:
    """Return a launch of PDP by itself, its input in memory."""
    atom, op = preset["atom_bytes"], np.zeros(1, OP)[0]
    op["unit"] = Unit.PDP
    surfaces, op["height"] = random.choice([1, 2]), random.randint(1, 5)
    op["width"] = random.randint(1, MOST_ATOMS // (int(op["height"]) * surfaces))
    op["channels"] = surfaces * atom
    op["src"], op["dst"] = region, region + REGIONS * REGION + random.randrange(64) * atom
    op["src_line_stride"] = op["width"] * atom
    op["src_surface_stride"] = op["src_line_stride"] * op["height"] + random.randint(0, 3) * atom
    noise = np.random.default_rng(random.getrandbits(32))
    memory.write(region, noise.integers(0, 256, int(op["src_surface_stride"]) * surfaces).astype(np.uint8))
    return launch_of(op, preset, {"PDP": _windows(random, op, int(op["width"]), int(op["height"]), atom)})
