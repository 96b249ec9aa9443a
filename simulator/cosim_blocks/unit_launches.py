"""Launches of SDP, PDP and CDP from memory as their twins' registers; what those lack is refused in words."""

from collections import deque
from typing import NamedTuple

import numpy as np

from hw_models.nvdla.decode import op_of
from hw_models.nvdla.launch import Launch, is_on
from hw_models.nvdla.op import Unit
from hw_models.nvdla.registers import Settings
from simulator.cosim_blocks.cdp_launches import registers_of as cdp_registers
from simulator.cosim_blocks.pdp_launches import registers_of as pdp_registers
from simulator.cosim_blocks.sdp_launches import LUT_FIELDS, Tables
from simulator.cosim_blocks.sdp_registers import readers_of
from simulator.cosim_blocks.sdp_registers import registers_of as sdp_registers

LONGEST = 8  # windows of PDP's twin
COLUMNS = 128  # of PDP's twin's output


class Told(NamedTuple):
    """What a twin is told of a launch."""

    inputs: dict[str, int]  # registers by port
    tables: deque[dict[str, int]]  # inputs that load its tables
    again: int = 0  # columns of a line that are read before its first, and do not count


def sdp_task(launch: Launch, preset: dict[str, int]) -> Told:
    """Return a launch of SDP with its look-up tables. Raises ValueError for what the twin lacks."""
    sdp, has_y = launch["SDP"], preset["sdp_ew_elements"] > 0
    if has_y and is_on(sdp, "y") and preset["sdp_ew_elements"] != preset["sdp_elements"]:
        raise ValueError("the twin of SDP has a Y unit as wide as the others")
    inputs = {"registers": sdp_registers(launch, preset), "reader_registers": readers_of(launch, preset)}
    if not has_y or not is_on(sdp, "y") or sdp["EW_LUT_BYPASS"]:
        return Told(inputs | {"lut": 0}, deque())
    le, lo = sdp.tables if sdp.tables else (np.zeros(0, np.int64), np.zeros(0, np.int64))
    tables = Tables({name: sdp[name] for name in LUT_FIELDS}, le, lo)
    return Told(inputs | {"lut": tables.packed}, tables.writes())


def pdp_task(launch: Launch, preset: dict[str, int]) -> Told:
    """Return a launch of PDP. Raises ValueError for what the twin lacks."""
    atom, pdp, reader = preset["atom_bytes"], launch["PDP"], launch["PDP_RDMA"]
    op = op_of(launch, atom)[0]
    if pdp["INPUT_DATA"]:
        raise ValueError("the twin of PDP is of INT8; write INPUT_DATA 0")
    if max(op["pool_width"], op["pool_height"]) > LONGEST:
        raise ValueError(f"the twin of PDP has windows of up to {LONGEST}")
    if op["pool_out_width"] > COLUMNS:
        raise ValueError(f"the twin of PDP has {COLUMNS} columns, found {op['pool_out_width']}")
    shape = int(op["width"]), int(op["height"]), -(-int(op["channels"]) // atom)
    again = int(op["width"]) - reader["CUBE_IN_WIDTH"] - 1
    return Told({"registers": pdp_registers(op, pdp, False, shape, again)}, deque(), again)


def cdp_task(launch: Launch, preset: dict[str, int]) -> Told:
    """Return a launch of CDP with its look-up tables. Raises ValueError for what the twin lacks."""
    atom, cdp = preset["atom_bytes"], launch["CDP"]
    op = op_of(launch, atom)[0]
    if cdp["INPUT_DATA_TYPE"]:
        raise ValueError("the twin of CDP is of INT8; write INPUT_DATA_TYPE 0")
    surfaces = -(-int(op["channels"]) // atom)
    size = int(op["width"]), int(op["height"]), surfaces
    registers = cdp_registers(op, cdp, size, int(op["channels"]) - (surfaces - 1) * atom)
    tables = _tables(cdp)
    return Told({"registers": registers, "lut": tables.packed}, tables.writes())


def _tables(cdp: Settings) -> Tables:
    """Return CDP's tables and their settings, starts and ends put together."""
    fields = {}
    for name in ("LE", "LO"):
        for end in ("START", "END"):
            value = cdp[f"LUT_{name}_{end}_HIGH"] << 32 | cdp[f"LUT_{name}_{end}_LOW"]
            fields[f"LUT_{name}_{end}"] = value
        fields[f"LUT_{name}_INDEX_SELECT"] = cdp[f"LUT_{name}_INDEX_SELECT"]
        for slope in ("UFLOW", "OFLOW"):
            for part in ("SCALE", "SHIFT"):
                key = f"LUT_{name}_SLOPE_{slope}_{part}"
                fields[key] = cdp[key]
    for key in ("LE_FUNCTION", "LE_INDEX_OFFSET", "UFLOW_PRIORITY", "OFLOW_PRIORITY", "HYBRID_PRIORITY"):
        fields[f"LUT_{key}"] = cdp[f"LUT_{key}"]
    le, lo = cdp.tables if cdp.tables else (np.zeros(0, np.int64), np.zeros(0, np.int64))
    return Tables(fields, le, lo)


TASKS = {Unit.SDP: sdp_task, Unit.PDP: pdp_task, Unit.CDP: cdp_task}
