"""Random launches of CDP: registers, tables, the cube as it comes, atoms to memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from hw_models.nvdla.decode import op_of
from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.op import OP, Unit
from hw_models.nvdla.registers import LE_ENTRIES, LO_ENTRIES, Settings
from hw_models.nvdla.values.cdp import cdp_of, normalise
from simulator.cosim_blocks.sdp_registers import joined
from simulator.cosim_blocks.sdp_tables import Tables, random_tables

STRIPE = 8  # columns
MAX_ATOMS = 110  # of the cube
INDEX_BITS = 38  # of a table's start and end


@dataclass
class Task:
    op: Any  # an OP row
    registers: int  # as `cdp_types::cdp_launch_t`
    inputs: list[int]  # atoms in the order in which they come
    outputs: list[int]  # atoms as written to memory
    saturates: bool  # some results are at both ends


def random_cdp_tables(random: Random) -> Tables:
    """Return tables among whose entries there are values, or sums of small squares."""
    tables = random_tables(random)
    most = (1 << INDEX_BITS - 1) - 1
    for name, entries in (("LE", LE_ENTRIES), ("LO", LO_ENTRIES)):
        near = [random.randint(-200, 50), random.randint(-9, 100), random.randint(0, 3000)]
        start = random.choice([*near * 3, random.randint(-most - 1, most)])
        select = random.choice([*[random.randint(0, 4)] * 4, random.randint(-6, 34)])
        end = start + (entries - 1 << max(select, 0)) + random.choice([0, random.randint(-9, 9)])
        tables.settings |= {f"LUT_{name}_START": start, f"LUT_{name}_END": min(end, most)}
        tables.settings[f"LUT_{name}_INDEX_SELECT"] = select
        for side in ("UFLOW", "OFLOW"):
            if random.random() < 0.7:  # what is missed goes on gently
                tables.settings[f"LUT_{name}_SLOPE_{side}_SCALE"] = random.randint(-9, 9)
                tables.settings[f"LUT_{name}_SLOPE_{side}_SHIFT"] = random.randint(0, 4)
    special = random.random()
    if special < 0.3:  # what lies below both tables goes on gently from an exponential LE
        start = random.randint(1, 300)
        tables.settings |= {
            "LUT_LE_FUNCTION": 0,
            "LUT_LE_INDEX_OFFSET": random.choice([0, random.randint(0, 6)]),
        }
        tables.settings |= {"LUT_UFLOW_PRIORITY": 0, "LUT_LE_START": start, "LUT_LO_START": start + 64}
        tables.settings |= {"LUT_LE_SLOPE_UFLOW_SCALE": random.choice([-3, -1, 1, 2])}
        tables.settings["LUT_LE_SLOPE_UFLOW_SHIFT"] = 0
    elif special < 0.6:  # sums of squares lie above both, and LO falls
        for name, scale in (("LE", 1), ("LO", -1)):
            tables.settings |= {f"LUT_{name}_START": random.randint(-200, 0), f"LUT_{name}_INDEX_SELECT": 0}
            tables.settings |= {f"LUT_{name}_SLOPE_OFLOW_SCALE": scale * random.randint(1, 99)}
        tables.settings |= {"LUT_LE_FUNCTION": 1, "LUT_OFLOW_PRIORITY": random.getrandbits(1)}
    return tables


def _table_fields(tables: Tables) -> dict[str, int]:
    """Return the tables' settings as CDP's registers have them, starts and ends in two."""
    fields = dict(tables.settings)
    for name in ("LE", "LO"):
        for end in ("START", "END"):
            value = fields.pop(f"LUT_{name}_{end}")
            fields |= {f"LUT_{name}_{end}_LOW": value & 0xFFFF_FFFF}
            fields |= {f"LUT_{name}_{end}_HIGH": value >> 32 & (1 << INDEX_BITS - 32) - 1}
    return fields


def _size(random: Random) -> tuple[int, int, int]:
    """Return lines, columns and surfaces; some cubes are thin: many parts, each of few atoms."""
    surfaces = random.choice([1, 2, 2, 3, 4])
    if random.random() < 0.1:
        return random.randint(8, 30) // surfaces + 1, random.choice([1, 1, 2]), surfaces
    height = random.choice([1, 1, 2, random.randint(1, 6)])
    most = min(MAX_ATOMS // (height * surfaces), 40)
    width = random.choice([1, 8, 8, 9, 16, 17, *[random.randint(1, 20)] * 2, most])
    return height, min(width, most), surfaces


def random_task(random: Random, preset: Mapping[str, int], tables: Tables) -> Task:
    """Return a launch: few columns and many, a narrower last stripe or none, several surfaces and lines."""
    atom = preset["atom_bytes"]
    height, width, surfaces = _size(random)
    channels = random.choice([surfaces * atom, random.randint((surfaces - 1) * atom + 1, surfaces * atom)])
    op = np.zeros(1, OP)[0]
    op["unit"] = int(Unit.CDP)
    for name, size in (("width", width), ("height", height), ("channels", channels)):
        op[name] = op[f"out_{name}"] = size
    for side in ("src", "dst"):
        op[side] = random.randrange(1 << 20) * atom
        op[f"{side}_line_stride"] = (width + random.randint(0, 3)) * atom
        op[f"{side}_surface_stride"] = op[f"{side}_line_stride"] * height + random.randint(0, 3) * atom
    op["lrn_size"] = random.choice([0, 0, 3, 5, 7, 9])
    op["lrn_product"] = random.getrandbits(1)
    launch = launch_of(
        op, preset, {"CDP": _table_fields(tables) | _fields(random)}, {"CDP": (tables.le, tables.lo)}
    )
    cdp, row = launch["CDP"], op_of(launch, atom)[0]

    noise = np.random.default_rng(random.getrandbits(32))
    reach = random.choice([8, 8, 5, 3])
    values = noise.integers(-(1 << reach - 1), 1 << reach - 1, (height, width, surfaces * atom))
    values[noise.random(values.shape) < 0.1] = random.choice([-128, 127, 0])
    pixels = values.reshape(height * width, -1).copy()
    normalise(cdp_of(cdp, narrow=True), pixels, channels)
    result = pixels.reshape(values.shape)
    return Task(
        op=row,
        registers=registers_of(row, cdp, (width, height, surfaces), channels - (surfaces - 1) * atom),
        inputs=_by_part(values, atom),
        outputs=_by_part(result, atom),
        saturates=bool((result == 127).any() and (result == -128).any()),
    )


def _fields(random: Random) -> dict[str, int]:
    """Return fields of CDP's converters: those that change nothing, and odd ones."""
    plain, gentle = random.random() < 0.6, random.random() < 0.6
    return {
        "DATIN_OFFSET": 0 if plain else random.getrandbits(8),
        "DATIN_SCALE": 1 if plain else random.choice([1, 2, 3, random.randint(-(1 << 15), (1 << 15) - 1)]),
        "DATIN_SHIFTER": 0 if plain else random.choice([0, 1, random.randint(0, 12), random.randint(0, 31)]),
        "DATOUT_OFFSET": 0 if gentle else random.choice([random.getrandbits(25), random.randint(0, 300)]),
        "DATOUT_SCALE": 1 if gentle else random.randint(-(1 << 15), (1 << 15) - 1),
        "DATOUT_SHIFTER": random.randint(0, 9) if gentle else random.choice([16, random.randint(0, 63)]),
    }


def registers_of(row: Any, cdp: Settings, size: tuple[int, int, int], last_channels: int) -> int:
    """Return a launch as `cdp_types::cdp_launch_t`; ``size``: width, height, surfaces."""
    parts = [(1 - cdp["SQSUM_BYPASS"], 1), (1 - cdp["MUL_BYPASS"], 1), (cdp["NORMALZ_LEN"] + 1, 3)]
    offsets = cdp["DATIN_OFFSET"] & 0xFF, cdp["DATOUT_OFFSET"] & (1 << 25) - 1  # INT8 has no more bits
    parts += [(offsets[0], 8), (cdp["DATIN_SCALE"], 16), (cdp["DATIN_SHIFTER"], 5)]
    parts += [(offsets[1], 25), (cdp["DATOUT_SCALE"], 16), (cdp["DATOUT_SHIFTER"], 6)]
    parts += [(number, 14) for number in size] + [(last_channels, 6)]
    parts += [(row[name], 32) for name in ("src", "src_line_stride", "src_surface_stride")]
    parts += [(row[name], 32) for name in ("dst", "dst_line_stride", "dst_surface_stride")]
    return joined(parts)


def _by_part(cube: np.ndarray, atom: int) -> list[int]:
    """Return (height, width, channels) as atoms: stripes of each line, through all surfaces."""
    height, width, channels = cube.shape
    octets = (cube & 0xFF).astype(np.uint8)
    return [
        int.from_bytes(octets[y, x, first : first + atom].tobytes(), "little")
        for y in range(height)
        for stripe in range(0, width, STRIPE)
        for first in range(0, channels, atom)
        for x in range(stripe, min(stripe + STRIPE, width))
    ]
