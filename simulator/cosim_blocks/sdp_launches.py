"""Random launches of SDP behind a convolution: registers, operands, pixels from CACC and atoms to memory."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from hw_models.nvdla.decode import op_of
from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.op import OP
from hw_models.nvdla.registers import LE_ENTRIES, LO_ENTRIES, Settings
from hw_models.nvdla.values.sdp import EQUAL, post_process, sdp_of

OPERANDS = ("x1 alu", "x1 mul", "x2 alu", "x2 mul", "y alu", "y mul")
SUB_UNITS = {"x1": "BS", "x2": "BN"}
ALGORITHMS = 4
MAX_PIXELS = 48  # of a surface


@dataclass
class Task:
    op: Any  # an OP row
    registers: int  # as `sdp_types::sdp_launch_t`
    pixels: list[list[int]]  # results of CACC, an atom each, surface by surface
    operands: list[list[list[int]]]  # OPERANDS of each element of each atom
    atoms: list[int]  # as written to memory
    does: dict[str, bool]  # what Y does


@dataclass
class Tables:
    """Look-up tables, the same for all launches of an episode."""

    settings: dict[str, int]  # fields of SDP
    le: np.ndarray
    lo: np.ndarray

    @property
    def packed(self) -> int:
        """Return the settings as `post_types::lut_t`."""
        s = self.settings
        parts = [
            (1 - s["LUT_LE_FUNCTION"], 1),
            (s["LUT_LE_INDEX_OFFSET"], 8),
            (s["LUT_UFLOW_PRIORITY"], 1),
            (s["LUT_OFLOW_PRIORITY"], 1),
            (s["LUT_HYBRID_PRIORITY"], 1),
        ]
        for name in ("LE", "LO"):
            parts += [
                (s[f"LUT_{name}_START"], 38),
                (s[f"LUT_{name}_END"], 38),
                (s[f"LUT_{name}_INDEX_SELECT"], 8),
                (s[f"LUT_{name}_SLOPE_UFLOW_SCALE"], 16),
                (s[f"LUT_{name}_SLOPE_UFLOW_SHIFT"], 5),
                (s[f"LUT_{name}_SLOPE_OFLOW_SCALE"], 16),
                (s[f"LUT_{name}_SLOPE_OFLOW_SHIFT"], 5),
            ]
        return joined(parts)

    def writes(self) -> deque[dict[str, int]]:
        """Return inputs of a twin that load the tables, an entry a cycle."""
        return deque(
            {"table_write": 1, "table_lo": lo, "table_entry": entry, "table_data": int(value) & 0xFFFF}
            for lo, table in enumerate((self.le, self.lo))
            for entry, value in enumerate(table)
        )


def joined(parts: list[tuple[int, int]]) -> int:
    """Return (value, bits) side by side, the first one on top, as a packed struct has them.

    Raises ValueError for a value that does not fit.
    """
    word = 0
    for value, bits in parts:
        if not -(1 << bits) < value < 1 << bits:
            raise ValueError(f"the twin has {bits} bits for {value}")
        word = word << bits | int(value) & ((1 << bits) - 1)
    return word


def _signed(random: Random, bits: int) -> int:
    """Return a number of ``bits``: any, near zero, or at an end."""
    most = (1 << (bits - 1)) - 1
    return random.choice(
        [
            random.randint(-most - 1, most),
            random.randint(-9, 9),
            most,
            -most - 1,
            0,
            random.randint(-200, 200),
        ]
    )


def random_tables(random: Random) -> Tables:
    exponential = random.random() < 0.5
    settings = {
        "LUT_LE_FUNCTION": int(not exponential),
        "LUT_LE_INDEX_OFFSET": random.choice(
            [0, random.randint(1, 6), random.randint(-40, 31), random.randint(-3, 5)]
        ),
    }
    for name in ("UFLOW", "OFLOW", "HYBRID"):
        settings[f"LUT_{name}_PRIORITY"] = random.getrandbits(1)
    for name in ("LE", "LO"):
        select = random.choice([random.randint(-6, 24), random.randint(0, 8)])
        start = random.choice([random.randint(-(1 << 31), 1 << 30), *[random.randint(-3000, 300)] * 2])
        settings |= {
            f"LUT_{name}_START": start,
            f"LUT_{name}_END": min(start + (1 << random.randint(0, 30)), (1 << 31) - 1),
            f"LUT_{name}_INDEX_SELECT": select,
        }
        for end in ("UFLOW", "OFLOW"):
            settings[f"LUT_{name}_SLOPE_{end}_SCALE"] = _signed(random, 16)
            settings[f"LUT_{name}_SLOPE_{end}_SHIFT"] = random.choice(
                [0, random.randint(-4, 8), random.randint(-16, 15)]
            )
    if random.random() < 0.3:  # what lies below both tables goes on gently from an exponential LE
        settings |= {"LUT_LE_FUNCTION": 0, "LUT_LE_INDEX_OFFSET": random.randint(1, 6)}
        settings |= {"LUT_UFLOW_PRIORITY": 0, "LUT_LO_START": settings["LUT_LE_START"] + 64}
        settings |= {"LUT_LE_SLOPE_UFLOW_SCALE": random.choice([-3, -1, 1, 2]), "LUT_LE_SLOPE_UFLOW_SHIFT": 0}
    bits = random.choice([8, 8, 16])
    entries = [
        np.array([_signed(random, bits) for _ in range(n)], np.int64) for n in (LE_ENTRIES, LO_ENTRIES)
    ]
    return Tables(settings, *entries)


def random_settings(random: Random) -> dict[str, int]:
    """Return fields of SDP for the sub-units and the output converter."""
    fields: dict[str, int] = {"OUT_PRECISION": 0, "PROC_PRECISION": 0}
    for name in SUB_UNITS.values():
        fields |= {
            f"{name}_BYPASS": random.getrandbits(1),
            f"{name}_ALU_BYPASS": random.getrandbits(1),
            f"{name}_ALU_ALGO": random.randrange(ALGORITHMS),
            f"{name}_ALU_SHIFT_VALUE": random.choice(
                [0, 0, 31, 63, random.randint(0, 20), random.randint(0, 63)]
            ),
            f"{name}_ALU_OPERAND": _signed(random, 16),
            f"{name}_MUL_BYPASS": random.getrandbits(1),
            f"{name}_MUL_PRELU": random.getrandbits(1),
            f"{name}_MUL_SHIFT_VALUE": random.choice([0, random.randint(0, 20), random.randint(0, 63)]),
            f"{name}_MUL_OPERAND": _signed(random, 16),
            f"{name}_RELU_BYPASS": int(random.random() < 0.7),
        }
    fields |= {
        "EW_BYPASS": random.getrandbits(1),
        "EW_ALU_BYPASS": random.getrandbits(1),
        "EW_ALU_ALGO": random.randrange(ALGORITHMS),
        "EW_ALU_OPERAND": _signed(random, 32),
        "EW_MUL_BYPASS": random.getrandbits(1),
        "EW_MUL_OPERAND": _signed(random, 32),
        "EW_MUL_PRELU": random.getrandbits(1),
        "EW_TRUNCATE": random.choice([0, random.randint(0, 31), random.randint(0, 1023)]),
        "EW_LUT_BYPASS": random.getrandbits(1),
    }
    for name in ("EW_ALU_CVT", "EW_MUL_CVT"):
        fields |= {
            f"{name}_BYPASS": random.getrandbits(1),
            f"{name}_OFFSET": _signed(random, 32),
            f"{name}_SCALE": _signed(random, 16),
            f"{name}_TRUNCATE": random.choice([0, random.randint(0, 20), random.randint(0, 63)]),
        }
    plain = random.random() < 0.5
    return fields | {
        "CVT_OFFSET": 0 if plain else _signed(random, 32),
        "CVT_SCALE": 1 if plain else _signed(random, 16),
        "CVT_SHIFT": random.choice([0, random.randint(0, 24), random.randint(0, 63)]),
    }


def _aim_at_tables(
    random: Random, fields: dict[str, int], tables: Tables, shape: tuple[int, int]
) -> np.ndarray:
    """Let values reach the tables as they are, and results memory almost; return values around entries."""
    fields |= {f"{name}_BYPASS": 1 for name in SUB_UNITS.values()}
    fields |= {"EW_BYPASS": 0, "EW_ALU_BYPASS": 1, "EW_MUL_BYPASS": 1, "EW_LUT_BYPASS": 0}
    fields |= {"CVT_OFFSET": 0, "CVT_SCALE": 1, "CVT_SHIFT": random.choice([0, 0, 1, 8, 16, 24])}
    values = np.zeros(shape[0] * shape[1], np.int64)
    for i in range(values.size):
        name, last = random.choice([("LE", LE_ENTRIES - 1), ("LO", LO_ENTRIES - 1)])
        entry = random.choice([-1, 0, 1, last - 1, last, last + 1, random.randint(-9, last + 9)])
        power = max(0, tables.settings[f"LUT_{name}_INDEX_SELECT"])
        if name == "LE" and not tables.settings["LUT_LE_FUNCTION"]:
            entry, power = 1, min(31, max(0, entry + tables.settings["LUT_LE_INDEX_OFFSET"]))
        values[i] = tables.settings[f"LUT_{name}_START"] + (entry << power)
        values[i] += random.choice([-1, 0, 0, 1, random.randint(-200, 200), random.randint(0, 1 << power)])
    return np.clip(values, -(1 << 31), (1 << 31) - 1).reshape(shape)


def _x_parts(sdp: Settings, name: str, memory: tuple[bool, bool]) -> list[tuple[int, int]]:
    return [
        (1 - sdp[f"{name}_BYPASS"], 1),
        (1 - sdp[f"{name}_ALU_BYPASS"], 1),
        (sdp[f"{name}_ALU_ALGO"], 2),
        (memory[0], 1),
        (sdp[f"{name}_ALU_SHIFT_VALUE"], 6),
        (sdp[f"{name}_ALU_OPERAND"], 16),
        (1 - sdp[f"{name}_MUL_BYPASS"], 1),
        (memory[1], 1),
        (sdp[f"{name}_MUL_SHIFT_VALUE"], 6),
        (sdp[f"{name}_MUL_OPERAND"], 16),
        (sdp[f"{name}_MUL_PRELU"], 1),
        (1 - sdp[f"{name}_RELU_BYPASS"], 1),
    ]


def _converter_parts(sdp: Settings, name: str) -> list[tuple[int, int]]:
    return [
        (1 - sdp[f"{name}_BYPASS"], 1),
        (sdp[f"{name}_OFFSET"], 32),
        (sdp[f"{name}_SCALE"], 16),
        (sdp[f"{name}_TRUNCATE"], 6),
    ]


def registers_of(sdp: Settings, memory: list[bool], surfaces: int, y_works: bool = True) -> int:
    """Return a launch as `sdp_types::sdp_launch_t`; ``memory``: which of OPERANDS come from there."""
    parts = _x_parts(sdp, "BS", (memory[0], memory[1])) + _x_parts(sdp, "BN", (memory[2], memory[3]))
    parts += [(y_works and 1 - sdp["EW_BYPASS"], 1), (1 - sdp["EW_ALU_BYPASS"], 1), (sdp["EW_ALU_ALGO"], 2)]
    parts += [(memory[4], 1), (sdp["EW_ALU_OPERAND"], 32), *_converter_parts(sdp, "EW_ALU_CVT")]
    parts += [(1 - sdp["EW_MUL_BYPASS"], 1), (memory[5], 1), (sdp["EW_MUL_OPERAND"], 32)]
    parts += [*_converter_parts(sdp, "EW_MUL_CVT"), (sdp["EW_TRUNCATE"], 10), (sdp["EW_MUL_PRELU"], 1)]
    parts += [(1 - sdp["EW_LUT_BYPASS"], 1)]
    parts += [(sdp["CVT_OFFSET"], 32), (sdp["CVT_SCALE"], 16), (sdp["CVT_SHIFT"], 6)]
    parts += [(sdp["WIDTH"] + 1, 14), (sdp["HEIGHT"] + 1, 14), (surfaces, 14)]
    parts += [
        (sdp.raw("D_DST_BASE_ADDR_LOW"), 32),
        (sdp.raw("D_DST_LINE_STRIDE"), 32),
        (sdp.raw("D_DST_SURFACE_STRIDE"), 32),
    ]
    return joined(parts)


def _values(random: Random, shape: tuple[int, int]) -> np.ndarray:
    """Return what CACC may hand over: any reach, some at the ends of 32 bits."""
    reach = random.choice([31, 31, 8, 12, 16, 20])
    noise = np.random.default_rng(random.getrandbits(32))
    values = noise.integers(-(1 << reach), 1 << reach, shape)
    values[noise.random(shape) < 0.05] = random.choice([0, -1, (1 << 31) - 1, -(1 << 31)])
    return values


def random_task(random: Random, preset: Mapping[str, int], tables: Tables) -> Task:
    """Return a launch whose operands come from registers or, as far as values go, from memory."""
    atom = preset["atom_bytes"]
    op = np.zeros(1, OP)[0]
    op["height"] = op["width"] = op["channels"] = op["kernel_height"] = op["kernel_width"] = 1
    op["stride_x"] = op["stride_y"] = op["data_banks"] = op["weight_banks"] = op["fetch_grain"] = 1
    op["out_height"] = random.choice([1, 1, 2, 3, random.randint(1, 6)])
    op["out_width"] = random.choice([1, 2, random.randint(1, MAX_PIXELS // op["out_height"])])
    surfaces = random.choice([1, 1, 2, 3])
    op["kernels"] = op["out_channels"] = random.randint((surfaces - 1) * atom + 1, surfaces * atom)
    op["dst"] = random.randrange(1 << 20) * atom
    op["dst_line_stride"] = (op["out_width"] + random.randint(0, 3)) * atom
    op["dst_surface_stride"] = op["dst_line_stride"] * op["out_height"] + random.randint(0, 3) * atom
    pixels, lanes = int(op["out_width"] * op["out_height"]), surfaces * atom
    fields = random_settings(random)
    values = _values(random, (pixels, lanes))
    if random.random() < 0.4:
        values = _aim_at_tables(random, fields, tables, (pixels, lanes))
    extra = {"SDP": tables.settings | fields}
    launch = launch_of(op, preset, extra, {"SDP": (tables.le, tables.lo)})
    sdp = launch["SDP"]

    noise = np.random.default_rng(random.getrandbits(32))
    memory = [random.random() < 0.5 for _ in OPERANDS]
    stored = noise.integers(-(1 << 15), 1 << 15, (len(OPERANDS), pixels, lanes))
    stored >>= random.choice([0, 8, 12])
    operands = stored.copy()
    for row, name in enumerate(("BS_ALU", "BS_MUL", "BN_ALU", "BN_MUL", "EW_ALU", "EW_MUL")):
        if not memory[row]:
            operands[row] = sdp.signed(f"{name}_OPERAND")
    result = values.copy()
    unit = sdp_of(sdp, has_y=True, has_lut=True)
    unit["y"]["alu_memory"], unit["y"]["mul_memory"] = memory[4:]
    post_process(unit, result, operands)
    return Task(
        op=op_of(launch, atom)[0],
        registers=registers_of(sdp, memory, surfaces),
        pixels=_by_atom(values, atom),
        operands=[list(map(list, zip(*part))) for part in zip(*(_by_atom(row, atom) for row in stored))],
        atoms=[int.from_bytes(bytes(v & 0xFF for v in part), "little") for part in _by_atom(result, atom)],
        does={
            "ALU": not sdp["EW_ALU_BYPASS"],
            "multiplier": not sdp["EW_MUL_BYPASS"],
            "converts": not sdp["EW_ALU_CVT_BYPASS"] or not sdp["EW_MUL_CVT_BYPASS"],
            "compares": not sdp["EW_ALU_BYPASS"] and sdp["EW_ALU_ALGO"] == EQUAL,
        },
    )


def _by_atom(cube: np.ndarray, atom: int) -> list[list[int]]:
    """Return (pixels, channels) as atoms, surface by surface."""
    return [row.tolist() for c in range(0, cube.shape[1], atom) for row in cube[:, c : c + atom]]
