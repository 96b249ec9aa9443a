"""A launch of SDP as its twin's registers; what the twin lacks is refused in words."""

from collections.abc import Mapping
from typing import Any

from hw_models.nvdla.decode import op_of
from hw_models.nvdla.launch import SUB_UNITS, Launch, reads_alu, reads_mul
from hw_models.nvdla.op import Operand, Unit
from hw_models.nvdla.post_timing import KERNEL_TO_SLOTS, OPERAND_AHEAD, X_ALU, X_BASE, X_MUL
from hw_models.nvdla.registers import Settings

BOTH = 2  # DATA_USE
LONGEST_AHEAD = 10  # cycles behind the join at which an operand may come in


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


def registers_of(launch: Launch, preset: Mapping[str, int], pools: bool = False) -> int:
    """Return a launch as `sdp_types::sdp_launch_t`; ``pools``: the twin has a PDP behind SDP.

    Raises ValueError for what the twin lacks.
    """
    sdp, has_y = launch["SDP"], preset["sdp_ew_elements"] > 0
    if fault := _fault(sdp, pools):
        raise ValueError(f"the twin of SDP {fault}")
    memory = {key: (reads_alu(sdp, key), reads_mul(sdp, key)) for key in SUB_UNITS}
    parts: list[tuple[int, int]] = [(launch.unit == Unit.CONV, 1), (sdp["OUTPUT_DST"], 1)]
    for key in SUB_UNITS:
        parts += _stored_parts(launch, key)
    parts += _x_parts(sdp, "BS", memory["x1"]) + _x_parts(sdp, "BN", memory["x2"])
    parts += [(has_y and 1 - sdp["EW_BYPASS"], 1), (1 - sdp["EW_ALU_BYPASS"], 1), (sdp["EW_ALU_ALGO"], 2)]
    parts += [(memory["y"][0], 1), (sdp["EW_ALU_OPERAND"], 32), *_converter_parts(sdp, "EW_ALU_CVT")]
    parts += [(1 - sdp["EW_MUL_BYPASS"], 1), (memory["y"][1], 1), (sdp["EW_MUL_OPERAND"], 32)]
    parts += [*_converter_parts(sdp, "EW_MUL_CVT"), (sdp["EW_TRUNCATE"], 10), (sdp["EW_MUL_PRELU"], 1)]
    parts += [(1 - sdp["EW_LUT_BYPASS"], 1)]
    parts += [(sdp["CVT_OFFSET"], 32), (sdp["CVT_SCALE"], 16), (sdp["CVT_SHIFT"], 6)]
    surfaces = -(-(sdp["CHANNEL"] + 1) // preset["atom_bytes"])
    parts += [(sdp["WIDTH"] + 1, 14), (sdp["HEIGHT"] + 1, 14), (surfaces, 14)]
    parts += [
        (sdp.raw("D_DST_BASE_ADDR_LOW"), 32),
        (sdp.raw("D_DST_LINE_STRIDE"), 32),
        (sdp.raw("D_DST_SURFACE_STRIDE"), 32),
    ]
    return joined(parts)


def _fault(sdp: Settings, pools: bool) -> str:
    """Return what of a launch of SDP the twin lacks, "" if nothing."""
    if sdp["OUTPUT_DST"] and not pools:
        return "has no PDP behind it"
    if sdp["OUT_PRECISION"] or sdp["PROC_PRECISION"]:
        return "is of INT8; write OUT_PRECISION and PROC_PRECISION 0"
    if sdp["BATCH_NUMBER"]:
        return "takes one image a launch"
    return ""


def _stored_parts(launch: Launch, key: str) -> list[tuple[int, int]]:
    """Return how a sub-unit's operand lies in memory, as `sdp_types::operand_t`."""
    sdp = launch["SDP"]
    if not (reads_alu(sdp, key) or reads_mul(sdp, key)):
        return [(0, 4)]
    rdma, reader = launch["SDP_RDMA"], SUB_UNITS[key][1]
    return [
        (1, 1),
        (1 - rdma[f"{reader}_DATA_MODE"], 1),
        (rdma[f"{reader}_DATA_USE"] == BOTH, 1),
        (rdma[f"{reader}_DATA_SIZE"], 1),
    ]


def readers_of(launch: Launch, preset: Mapping[str, int]) -> int:
    """Return what SDP's readers fetch, `sdp_types::sdp_reader_t` each, the input's lowest.

    Raises ValueError for what the twin lacks.
    """
    op, atom = op_of(launch, preset["atom_bytes"])[0], preset["atom_bytes"]
    if launch.unit != Unit.CONV and launch["SDP_RDMA"]["IN_PRECISION"]:
        raise ValueError("the twin of SDP is of INT8; write IN_PRECISION 0")
    if preset["dbb_bytes"] != atom:
        raise ValueError(f"the twin of SDP has beats of one atom, {atom} B here")
    ahead, words = OPERAND_AHEAD, [_input_parts(op, atom)]
    for key in SUB_UNITS:
        words.append(_operand_parts(op, key, ahead, atom, atom // preset["sdp_elements"]))
        if key != "y":
            ahead += _x_cycles(op, key)
    return joined([part for parts in reversed(words) for part in parts])


def _input_parts(op: Any, atom: int) -> list[tuple[int, int]]:
    if op["unit"] == Unit.CONV:
        return _reader_parts(0)
    surfaces, (width, height) = -(-int(op["channels"]) // atom), (int(op["width"]), int(op["height"]))
    shape = (1, 1, surfaces) if width == height == 1 else (height, surfaces, width)
    return _reader_parts(1, 0, 1, 0, *shape, op["src"], op["src_line_stride"], op["src_surface_stride"])


def _operand_parts(op: Any, key: str, ahead: int, atom: int, period: int) -> list[tuple[int, int]]:
    if op[key] < Operand.PER_KERNEL:
        return _reader_parts(0)
    per_kernel, atoms = op[key] == Operand.PER_KERNEL, int(op[f"{key}_bytes"])
    surfaces, (width, height) = (
        -(-int(op["out_channels"]) // atom),
        (int(op["out_width"]), int(op["out_height"])),
    )
    if ahead > LONGEST_AHEAD or (per_kernel and period + KERNEL_TO_SLOTS - 1 - ahead < 1):
        raise ValueError(f"the twin of SDP takes no operand of {key} {ahead} cycles behind its join")
    alone = per_kernel or width == height == 1
    shape = (1, 1, surfaces * atoms) if alone else (height, surfaces, width * atoms)
    address, line, surface = (op[f"{key}_{name}"] for name in ("address", "line_stride", "surface_stride"))
    return _reader_parts(1, per_kernel, atoms, ahead, *shape, address, line, surface)


def _reader_parts(on: int, *rest: Any) -> list[tuple[int, int]]:
    bits = (1, 3, 4, 14, 14, 16, 32, 32, 32)  # of `sdp_types::sdp_reader_t`, behind the first
    return [(on, 1), *((int(value), width) for value, width in zip(rest or (0,) * len(bits), bits))]


def _x_cycles(op: Any, key: str) -> int:
    """Return what X1 or X2 adds to an atom's way."""
    if not op[key]:
        return 0
    work = max(0, int(op[f"{key}_work"]))
    return X_BASE + (X_ALU if work & 1 else 0) + (X_MUL if work & 2 else 0)
