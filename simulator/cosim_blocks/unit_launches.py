"""Launches of SDP, PDP and CDP from memory as their twins' registers; what those lack is refused in words."""

from collections import deque
from typing import Any, NamedTuple

import numpy as np

from hw_models.nvdla.decode import op_of
from hw_models.nvdla.launch import Launch, is_on
from hw_models.nvdla.op import Unit
from hw_models.nvdla.registers import Settings
from simulator.cosim_blocks.cdp_launches import registers_of as cdp_registers
from simulator.cosim_blocks.pdp_launches import registers_of as pdp_registers
from simulator.cosim_blocks.sdp_registers import readers_of
from simulator.cosim_blocks.sdp_registers import registers_of as sdp_registers
from simulator.cosim_blocks.sdp_tables import LUT_FIELDS, Tables

LONGEST = 8  # windows of PDP's twin
COLUMNS = 128  # of PDP's twin's output
PDP_UNIT, BOTH_UNITS = 2, 3  # bits of SDP with PDP behind it


class Told(NamedTuple):
    """What a twin is told of a launch."""

    inputs: dict[str, int]  # registers by port
    tables: deque[dict[str, int]]  # inputs that load its tables
    again: int = 0  # columns of a line that are read before its first, and do not count
    units: int = 1  # bits of the op-enable: several units of the twin work
    done: int = 1  # bit of the done pulse that ends it


def sdp_task(launch: Launch, preset: dict[str, int]) -> Told:
    """Return a launch of SDP with its look-up tables. Raises ValueError for what the twin lacks."""
    sdp, has_y = launch["SDP"], preset["sdp_ew_elements"] > 0
    if has_y and is_on(sdp, "y") and preset["sdp_ew_elements"] != preset["sdp_elements"]:
        raise ValueError("the twin of SDP has a Y unit as wide as the others")
    pools = bool(sdp["OUTPUT_DST"])
    registers, readers = sdp_registers(launch, preset, pools=pools), readers_of(launch, preset)
    name = "sdp_registers" if pools else "registers"
    found = Told({name: registers, "reader_registers": readers, "lut": 0}, deque())
    if has_y and is_on(sdp, "y") and not sdp["EW_LUT_BYPASS"]:
        le, lo = sdp.tables if sdp.tables else (np.zeros(0, np.int64), np.zeros(0, np.int64))
        tables = Tables({name: sdp[name] for name in LUT_FIELDS}, le, lo)
        found = found._replace(inputs=found.inputs | {"lut": tables.packed}, tables=tables.writes())
    if not pools:
        return found
    op = op_of(launch, preset["atom_bytes"])[0]
    size = int(op["out_width"]), int(op["out_height"]), int(op["out_channels"])
    pooling = {"pdp_registers": pooling_of(launch, op, size, 0, preset["atom_bytes"])}
    return found._replace(inputs=found.inputs | pooling, units=BOTH_UNITS, done=PDP_UNIT)


def pdp_task(launch: Launch, preset: dict[str, int]) -> Told:
    """Return a launch of PDP. Raises ValueError for what the twin lacks."""
    op = op_of(launch, preset["atom_bytes"])[0]
    again = int(op["width"]) - launch["PDP_RDMA"]["CUBE_IN_WIDTH"] - 1
    size = int(op["width"]), int(op["height"]), int(op["channels"])
    return Told({"registers": pooling_of(launch, op, size, again, preset["atom_bytes"])}, deque(), again)


def pooling_of(launch: Launch, op: Any, size: tuple[int, int, int], again: int, atom: int) -> int:
    """Return PDP's registers for an input of ``size``, of which it gets some columns ``again``."""
    pdp = launch["PDP"]
    if pdp["INPUT_DATA"]:
        raise ValueError("the twin of PDP is of INT8; write INPUT_DATA 0")
    if max(op["pool_width"], op["pool_height"]) > LONGEST:
        raise ValueError(f"the twin of PDP has windows of up to {LONGEST}")
    if op["pool_out_width"] > COLUMNS:
        raise ValueError(f"the twin of PDP has {COLUMNS} columns, found {op['pool_out_width']}")
    width, height, channels = size
    return pdp_registers(op, pdp, launch.unit != Unit.PDP, (width, height, -(-channels // atom)), again)


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


def told_of(launch: Launch, preset: dict[str, int]) -> Told:
    """Return what the launch's twin is told of it. Raises ValueError for what that lacks."""
    if launch.unit not in TASKS:
        raise ValueError(f"no twin plays {launch.unit.name}")
    return TASKS[launch.unit](launch, preset)
