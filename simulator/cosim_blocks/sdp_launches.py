"""Random launches of SDP: registers, data and operands in memory, pixels from CACC, atoms to memory."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from hw_models.nvdla.decode import op_of
from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.launch import SUB_UNITS, Launch, reads_mul
from hw_models.nvdla.op import OP, Operand, Unit
from hw_models.nvdla.registers import LE_ENTRIES, LO_ENTRIES
from hw_models.nvdla.values.execute import Executor
from hw_models.nvdla.values.memory import Memory
from hw_models.nvdla.values.operands import sdp_operands
from hw_models.nvdla.values.sdp import EQUAL, post_process, sdp_of
from simulator.cosim_blocks.sdp_registers import BOTH, joined, readers_of, registers_of

REGION, REGIONS = 1 << 20, 16  # bytes that a launch's data lie in; used in turn
ALGORITHMS = 4
MAX_PIXELS = 48  # of a surface


@dataclass
class Task:
    op: Any  # an OP row
    registers: int  # as `sdp_types::sdp_launch_t`
    readers: int  # as `sdp_types::sdp_reader_t`
    pixels: list[list[int]]  # results of CACC, an atom each, surface by surface; none if it reads memory
    atoms: list[int]  # as written to memory
    does: dict[str, bool]  # what Y does, and operands of all


LUT_FIELDS = (  # of SDP
    *(f"LUT_{name}" for name in ("LE_FUNCTION", "LE_INDEX_OFFSET")),
    *(f"LUT_{name}_PRIORITY" for name in ("UFLOW", "OFLOW", "HYBRID")),
    *(f"LUT_{table}_{end}" for table in ("LE", "LO") for end in ("START", "END", "INDEX_SELECT")),
    *(
        f"LUT_{table}_SLOPE_{end}_{part}"
        for table in ("LE", "LO")
        for end in ("UFLOW", "OFLOW")
        for part in ("SCALE", "SHIFT")
    ),
)


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
    for name in ("BS", "BN"):
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
    fields |= {"BS_BYPASS": 1, "BN_BYPASS": 1}
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


def _aim_at_operands(random: Random, fields: dict[str, int], shape: tuple[int, int]) -> np.ndarray:
    """Let one sub-unit add and multiply, and memory see what comes of it; return small values."""
    unit = random.choice([name for name, _ in SUB_UNITS.values()])
    fields |= {f"{name}_BYPASS": int(name != unit) for name, _ in SUB_UNITS.values()}
    fields |= {f"{unit}_ALU_BYPASS": 0, f"{unit}_MUL_BYPASS": 0}
    fields |= {f"{name}_{part}_SHIFT_VALUE": 0 for name in ("BS", "BN") for part in ("ALU", "MUL")}
    fields |= {"EW_LUT_BYPASS": 1, "EW_TRUNCATE": 0, "EW_ALU_CVT_BYPASS": 1, "EW_MUL_CVT_BYPASS": 1}
    fields |= {"CVT_OFFSET": 0, "CVT_SCALE": 1, "CVT_SHIFT": random.choice([0, 4, 7])}
    return np.random.default_rng(random.getrandbits(32)).integers(-64, 64, shape)


def _values(random: Random, shape: tuple[int, int]) -> np.ndarray:
    """Return what CACC may hand over: any reach, some at the ends of 32 bits."""
    reach = random.choice([31, 31, 8, 12, 16, 20])
    noise = np.random.default_rng(random.getrandbits(32))
    values = noise.integers(-(1 << reach), 1 << reach, shape)
    values[noise.random(shape) < 0.05] = random.choice([0, -1, (1 << 31) - 1, -(1 << 31)])
    return values


def random_task(
    random: Random, preset: Mapping[str, int], tables: Tables, memory: Memory, number: int
) -> Task:
    """Return launch ``number``, its data in memory; what the twin lacks is drawn again."""
    while True:
        launch, values = _draw(random, preset, tables, number % REGIONS * REGION)
        try:
            registers, readers = registers_of(launch, preset), readers_of(launch, preset)
        except ValueError:
            continue
        break
    sdp, atom = launch["SDP"], preset["atom_bytes"]
    op = op_of(launch, atom)[0]
    _fill(random, op, atom, memory)
    if launch.unit == Unit.SDP:
        values = Executor(preset, memory).sdp_input(launch).astype(np.int64).reshape(values.shape)
    result = values.copy()
    operands = sdp_operands(launch, memory, atom, values.shape[1])
    post_process(sdp_of(sdp, has_y=True, has_lut=True), result, operands)
    return Task(
        op=op,
        registers=registers,
        readers=readers,
        pixels=_by_atom(values, atom) if launch.unit == Unit.CONV else [],
        atoms=[int.from_bytes(bytes(v & 0xFF for v in part), "little") for part in _by_atom(result, atom)],
        does={
            "ALU": not sdp["EW_ALU_BYPASS"],
            "multiplier": not sdp["EW_MUL_BYPASS"],
            "converts": not sdp["EW_ALU_CVT_BYPASS"] or not sdp["EW_MUL_CVT_BYPASS"],
            "compares": not sdp["EW_ALU_BYPASS"] and sdp["EW_ALU_ALGO"] == EQUAL,
            "small factors": any(_small_factors(launch, key) for key in SUB_UNITS),
        },
    )


def _small_factors(launch: Launch, key: str) -> bool:
    """Return whether a sub-unit's multiplier takes operands of one byte, behind those of the ALU."""
    if not reads_mul(launch["SDP"], key):
        return False
    rdma, reader = launch["SDP_RDMA"], SUB_UNITS[key][1]
    return bool(rdma[f"{reader}_DATA_USE"] == BOTH and not rdma[f"{reader}_DATA_SIZE"])


def _draw(
    random: Random, preset: Mapping[str, int], tables: Tables, region: int
) -> tuple[Launch, np.ndarray]:
    """Return a launch, and what CACC hands over: (pixels, channels); ``region``: where its data begin."""
    atom = preset["atom_bytes"]
    op = np.zeros(1, OP)[0]
    op["unit"] = random.choice([Unit.CONV, Unit.SDP])
    op["kernel_height"] = op["kernel_width"] = 1
    op["stride_x"] = op["stride_y"] = op["data_banks"] = op["weight_banks"] = op["fetch_grain"] = 1
    op["out_height"] = random.choice([1, 1, 2, 3, random.randint(1, 6)])
    surfaces = random.choice([1, 1, 2, 3, random.randint(4, 8)])
    most = MAX_PIXELS // int(op["out_height"]) // (2 if surfaces > 3 else 1)
    op["out_width"] = random.choice([1, 2, random.randint(1, most)])
    op["kernels"] = op["out_channels"] = random.randint((surfaces - 1) * atom + 1, surfaces * atom)
    op["width"], op["height"], op["channels"] = op["out_width"], op["out_height"], op["out_channels"]
    op["dst"] = random.randrange(1 << 20) * atom
    op["src"] = region
    for side in ("dst", "src"):
        op[f"{side}_line_stride"] = (op["out_width"] + random.randint(0, 3)) * atom
        lines = op[f"{side}_line_stride"] * op["out_height"]
        op[f"{side}_surface_stride"] = lines + random.randint(0, 3) * atom
    pixels, lanes = int(op["out_width"] * op["out_height"]), surfaces * atom
    fields = random_settings(random)
    if random.random() < 0.2:
        fields["EW_ALU_ALGO"] = EQUAL
    values = _values(random, (pixels, lanes))
    if random.random() < 0.4:
        values = _aim_at_tables(random, fields, tables, (pixels, lanes))
    elif random.random() < 0.3:
        values = _aim_at_operands(random, fields, (pixels, lanes))
    reader = _random_operands(random, op, fields, atom)
    extra = {"SDP": tables.settings | fields} | ({"SDP_RDMA": reader} if reader else {})
    return launch_of(op, preset, extra, {"SDP": (tables.le, tables.lo)}), values


def _random_operands(random: Random, op: Any, fields: dict[str, int], atom: int) -> dict[str, int]:
    """Let sub-units take operands from memory. Returns fields of SDP_RDMA."""
    found: dict[str, int] = {}
    for number, (key, (name, reader)) in enumerate(SUB_UNITS.items()):
        op[key] = Operand.OFF if fields[f"{name}_BYPASS"] else Operand.REGISTER
        sources = {part: random.getrandbits(1) for part in ("ALU", "MUL")}
        reads = any(source and not fields[f"{name}_{part}_BYPASS"] for part, source in sources.items())
        if not op[key] or not reads:
            continue
        fields |= {f"{name}_{part}_SRC": source for part, source in sources.items()}
        use, wide = random.choice([0, 1, BOTH, BOTH]), random.getrandbits(1)
        found |= {f"{reader}_DATA_USE": use, f"{reader}_DATA_SIZE": wide}
        each = (2 if use == BOTH else 1) * (1 + wide) * atom
        op[key] = random.choice([Operand.PER_KERNEL, Operand.PER_ELEMENT])
        op[f"{key}_address"] = op["src"] + (number + 1) * REGION // 4 + random.randrange(64) * atom
        op[f"{key}_line_stride"] = op["out_width"] * each + random.randint(0, 3) * atom
        lines = op[f"{key}_line_stride"] * op["out_height"]
        op[f"{key}_surface_stride"] = lines + random.randint(0, 3) * atom
    return found


def _fill(random: Random, op: Any, atom: int, memory: Memory) -> None:
    """Put something where a launch reads."""
    noise = np.random.default_rng(random.getrandbits(32))
    surfaces = -(-int(op["out_channels"]) // atom)
    stored = [(key, f"{key}_address") for key in SUB_UNITS if op[key] >= Operand.PER_KERNEL]
    for name, address in [("src", "src"), *stored]:
        stride = int(max(op[f"{name}_surface_stride"], 4 * atom))
        low, high = random.choice([(0, 256), (0, 256), (0, 4), (126, 130)])
        memory.write(int(op[address]), noise.integers(low, high, stride * surfaces).astype(np.uint8))


def _by_atom(cube: np.ndarray, atom: int) -> list[list[int]]:
    """Return (pixels, channels) as atoms, surface by surface."""
    return [row.tolist() for c in range(0, cube.shape[1], atom) for row in cube[:, c : c + atom]]
