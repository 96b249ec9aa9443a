"""Random launches of SDP: registers, data and operands in memory, pixels from CACC, atoms to memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from hw_models.nvdla.decode import op_of
from hw_models.nvdla.encode import Fields, launch_of
from hw_models.nvdla.launch import SUB_UNITS, Launch, reads_mul
from hw_models.nvdla.op import OP, Operand, Unit
from hw_models.nvdla.values.execute import Executor
from hw_models.nvdla.values.memory import Memory
from hw_models.nvdla.values.operands import sdp_operands
from hw_models.nvdla.values.sdp import EQUAL, post_process, sdp_of
from simulator.cosim_blocks.sdp_fields import aim_at_operands, aim_at_tables, any_values, random_settings
from simulator.cosim_blocks.sdp_registers import BOTH, readers_of, registers_of
from simulator.cosim_blocks.sdp_tables import Tables

REGION, REGIONS = 1 << 20, 16  # bytes that a launch's data lie in; used in turn
MAX_PIXELS = 48  # of a surface


@dataclass
class Task:
    op: Any  # an OP row
    registers: int  # as `sdp_types::sdp_launch_t`
    readers: int  # as `sdp_types::sdp_reader_t`
    pixels: list[list[int]]  # results of CACC, an atom each, surface by surface; none if it reads memory
    atoms: list[int]  # as written to memory
    does: dict[str, bool]  # what Y does, and operands of all


def random_task(
    random: Random, preset: Mapping[str, int], tables: Tables, memory: Memory, number: int
) -> Task:
    """Return launch ``number``, its data in memory; what the twin lacks is drawn again."""
    while True:
        launch, values = draw(random, preset, tables, number % REGIONS * REGION)
        try:
            registers, readers = registers_of(launch, preset), readers_of(launch, preset)
        except ValueError:
            continue
        break
    sdp, atom = launch["SDP"], preset["atom_bytes"]
    op = op_of(launch, atom)[0]
    fill(random, op, atom, memory)
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


def draw(
    random: Random,
    preset: Mapping[str, int],
    tables: Tables,
    region: int,
    units: Sequence[Unit] = (Unit.CONV, Unit.SDP),
    behind: Callable[[Any], Fields] = lambda op: {},
) -> tuple[Launch, np.ndarray]:
    """Return a launch, and what CACC hands over: (pixels, channels).

    ``region``: where its data begin, ``behind``: sets what becomes of the results, returns fields by unit.
    """
    atom = preset["atom_bytes"]
    op = np.zeros(1, OP)[0]
    op["unit"] = random.choice(units)
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
    values = any_values(random, (pixels, lanes))
    if random.random() < 0.4:
        values = aim_at_tables(random, fields, tables, (pixels, lanes))
    elif random.random() < 0.3:
        values = aim_at_operands(random, fields, (pixels, lanes))
    reader = _random_operands(random, op, fields, atom)
    extra = {"SDP": tables.settings | fields} | ({"SDP_RDMA": reader} if reader else {}) | behind(op)
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


def fill(random: Random, op: Any, atom: int, memory: Memory) -> None:
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
