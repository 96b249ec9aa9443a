"""From a row of OP to the registers that make a driver's launch of it: the way back from `decode`.

What a row does not say (converters, ALUs, look-up tables) comes as fields by unit; all else is at rest.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hw_models.nvdla.encode_conv import convolution
from hw_models.nvdla.launch import SUB_UNITS, Launch
from hw_models.nvdla.op import Operand, Unit
from hw_models.nvdla.register_builder import Builder

Fields = dict[str, dict[str, int]]  # by unit


def launch_of(
    op: Any,
    preset: Mapping[str, int],
    extra: Fields,
    tables: dict[str, tuple[np.ndarray, np.ndarray]] | None = None,
) -> Launch:
    """Return the launch of an OP row; ``extra``: further fields by unit, ``tables``: LE and LO by unit."""
    unit = Unit(int(op["unit"]))
    makers = {
        Unit.CONV: _conv,
        Unit.SDP: _sdp,
        Unit.PDP: _pdp,
        Unit.CDP: _cdp,
        Unit.RUBIK: _rubik,
        Unit.BDMA: _bdma,
    }
    builders = makers[unit](op, preset)
    for name, values in extra.items():
        builders[name].fields(values)
    found = tables or {}
    return Launch(unit, {name: builder.settings(found.get(name)) for name, builder in builders.items()})


def _behind(op: Any, flying: bool) -> dict[str, Builder]:
    """Return SDP, its reader if it has work, and PDP if it pools on the fly."""
    sdp = Builder("SDP")
    pooled = bool(op["pool"])
    sdp.fields(
        {
            "WIDTH": int(op["out_width"]) - 1,
            "HEIGHT": int(op["out_height"]) - 1,
            "CHANNEL": int(op["out_channels"]) - 1,
            "FLYING_MODE": int(flying),
            "OUTPUT_DST": int(pooled),
            "BATCH_NUMBER": max(int(op["batch"]), 1) - 1 if flying else 0,
            "DST_RAM_TYPE": 1,
            "PROC_PRECISION": 0,
            "OUT_PRECISION": 0,
            "CVT_SCALE": 1,
            "DST_LINE_STRIDE": int(op["dst_line_stride"]),
            "DST_SURFACE_STRIDE": int(op["dst_surface_stride"]),
            "DST_BATCH_STRIDE": int(op["dst_batch_stride"]),
        }
    )
    sdp.address("D_DST_BASE_ADDR_LOW", "D_DST_BASE_ADDR_HIGH", int(op["dst"]))
    builders = {"SDP": sdp}
    reader = Builder("SDP_RDMA")
    reader.fields(
        {
            "WIDTH": int(op["out_width"]) - 1,
            "HEIGHT": int(op["out_height"]) - 1,
            "CHANNEL": int(op["out_channels"]) - 1,
            "FLYING_MODE": int(flying),
            "IN_PRECISION": 0,
            "PROC_PRECISION": 0,
            "OUT_PRECISION": 0,
            "SRC_RAM_TYPE": 1,
        }
    )
    works = not flying
    for key, (name, port) in SUB_UNITS.items():
        mode = int(op[key])
        sdp.field(f"{name}_BYPASS", int(mode == Operand.OFF and not (key == "y" and op["lut"])))
        if key == "y":
            sdp.field("EW_LUT_BYPASS", int(not op["lut"]))
        if mode < Operand.PER_KERNEL:
            continue
        works = True
        reader.fields(
            {
                f"{port}_DISABLE": 0,
                f"{port}_DATA_MODE": int(mode == Operand.PER_ELEMENT),
                f"{port}_RAM_TYPE": 1,
                f"{name}_LINE_STRIDE": int(op[f"{key}_line_stride"]),
                f"{name}_SURFACE_STRIDE": int(op[f"{key}_surface_stride"]),
            }
        )
        low, high = f"D_{name}_BASE_ADDR_LOW", f"D_{name}_BASE_ADDR_HIGH"
        reader.address(low, high, int(op[f"{key}_address"]))
    if works:
        builders["SDP_RDMA"] = reader
    if pooled:
        source = op["out_width"], op["out_height"], op["out_channels"]
        builders["PDP"] = _pooling(op, tuple(int(size) for size in source), flying=True)
    return builders


def _conv(op: Any, preset: Mapping[str, int]) -> dict[str, Builder]:
    return convolution(op, preset) | _behind(op, True)


def _sdp(op: Any, preset: Mapping[str, int]) -> dict[str, Builder]:
    builders = _behind(op, False)
    reader = builders["SDP_RDMA"]
    reader.fields(
        {
            "WIDTH": int(op["width"]) - 1,
            "HEIGHT": int(op["height"]) - 1,
            "CHANNEL": int(op["channels"]) - 1,
            "SRC_LINE_STRIDE": int(op["src_line_stride"]),
            "SRC_SURFACE_STRIDE": int(op["src_surface_stride"]),
        }
    )
    reader.address("D_SRC_BASE_ADDR_LOW", "D_SRC_BASE_ADDR_HIGH", int(op["src"]))
    return builders


def _pooling(op: Any, source: tuple[int, ...], flying: bool) -> Builder:
    pdp = Builder("PDP")
    width, height, channels = source
    pdp.fields(
        {
            "CUBE_IN_WIDTH": width - 1,
            "CUBE_IN_HEIGHT": height - 1,
            "CUBE_IN_CHANNEL": channels - 1,
            "CUBE_OUT_WIDTH": int(op["pool_out_width"]) - 1,
            "CUBE_OUT_HEIGHT": int(op["pool_out_height"]) - 1,
            "CUBE_OUT_CHANNEL": channels - 1,
            "FLYING_MODE": int(not flying),
            "INPUT_DATA": 0,
            "DST_RAM_TYPE": 1,
            "KERNEL_WIDTH": int(op["pool_width"]) - 1,
            "KERNEL_HEIGHT": int(op["pool_height"]) - 1,
            "KERNEL_STRIDE_WIDTH": int(op["pool_stride_x"]) - 1,
            "KERNEL_STRIDE_HEIGHT": int(op["pool_stride_y"]) - 1,
            "PAD_LEFT": int(op["pool_pad_left"]),
            "PAD_RIGHT": int(op["pool_pad_right"]),
            "PAD_TOP": int(op["pool_pad_top"]),
            "PAD_BOTTOM": int(op["pool_pad_bottom"]),
            "DST_LINE_STRIDE": int(op["dst_line_stride"]),
            "DST_SURFACE_STRIDE": int(op["dst_surface_stride"]),
        }
    )
    pdp.address("D_DST_BASE_ADDR_LOW", "D_DST_BASE_ADDR_HIGH", int(op["dst"]))
    return pdp


def _pdp(op: Any, preset: Mapping[str, int]) -> dict[str, Builder]:
    source = int(op["width"]), int(op["height"]), int(op["channels"])
    reader = Builder("PDP_RDMA")
    reader.fields(
        {
            "CUBE_IN_WIDTH": source[0] - 1,
            "CUBE_IN_HEIGHT": source[1] - 1,
            "CUBE_IN_CHANNEL": source[2] - 1,
            "FLYING_MODE": 1,
            "INPUT_DATA": 0,
            "SRC_RAM_TYPE": 1,
            "SRC_LINE_STRIDE": int(op["src_line_stride"]),
            "SRC_SURFACE_STRIDE": int(op["src_surface_stride"]),
            "KERNEL_WIDTH": int(op["pool_width"]) - 1,
            "KERNEL_STRIDE_WIDTH": int(op["pool_stride_x"]) - 1,
            "PAD_WIDTH": int(op["pool_pad_left"]),
        }
    )
    reader.address("D_SRC_BASE_ADDR_LOW", "D_SRC_BASE_ADDR_HIGH", int(op["src"]))
    return {"PDP_RDMA": reader, "PDP": _pooling(op, source, flying=False)}


def _cdp(op: Any, preset: Mapping[str, int]) -> dict[str, Builder]:
    reader, cdp = Builder("CDP_RDMA"), Builder("CDP")
    reader.fields(
        {
            "WIDTH": int(op["width"]) - 1,
            "HEIGHT": int(op["height"]) - 1,
            "CHANNEL": int(op["channels"]) - 1,
            "SRC_LINE_STRIDE": int(op["src_line_stride"]),
            "SRC_SURFACE_STRIDE": int(op["src_surface_stride"]),
            "SRC_RAM_TYPE": 1,
            "INPUT_DATA": 0,
        }
    )
    reader.address("D_SRC_BASE_ADDR_LOW", "D_SRC_BASE_ADDR_HIGH", int(op["src"]))
    cdp.fields(
        {
            "INPUT_DATA_TYPE": 0,
            "NORMALZ_LEN": (max(int(op["lrn_size"]), 3) - 3) // 2,
            "SQSUM_BYPASS": int(op["lrn_size"] == 0),
            "MUL_BYPASS": 1 - int(op["lrn_product"]),
            "DST_LINE_STRIDE": int(op["dst_line_stride"]),
            "DST_SURFACE_STRIDE": int(op["dst_surface_stride"]),
            "DST_RAM_TYPE": 1,
        }
    )
    cdp.address("D_DST_BASE_ADDR_LOW", "D_DST_BASE_ADDR_HIGH", int(op["dst"]))
    return {"CDP_RDMA": reader, "CDP": cdp}


def _rubik(op: Any, preset: Mapping[str, int]) -> dict[str, Builder]:
    rubik = Builder("RBK")
    rubik.fields(
        {
            "IN_PRECISION": 0,
            "DATAIN_WIDTH": int(op["width"]) - 1,
            "DATAIN_HEIGHT": int(op["height"]) - 1,
            "DATAIN_CHANNEL": int(op["channels"]) - 1,
            "DATAIN_RAM_TYPE": 1,
            "DATAOUT_RAM_TYPE": 1,
        }
    )
    rubik.address("D_DAIN_ADDR_LOW", "D_DAIN_ADDR_HIGH", int(op["src"]))
    rubik.address("D_DAOUT_ADDR_LOW", "D_DAOUT_ADDR_HIGH", int(op["dst"]))
    rubik.values |= {
        "D_DAIN_LINE_STRIDE": int(op["src_line_stride"]),
        "D_DAIN_SURF_STRIDE": int(op["src_surface_stride"]),
        "D_DAOUT_LINE_STRIDE": int(op["dst_line_stride"]),
        "D_DAOUT_SURF_STRIDE": int(op["dst_surface_stride"]),
    }
    return {"RBK": rubik}


def _bdma(op: Any, preset: Mapping[str, int]) -> dict[str, Builder]:
    atom = preset["atom_bytes"]
    bdma = Builder("BDMA")
    bdma.field("SIZE", int(op["width"]) * atom // 32 - 1)
    bdma.address("CFG_SRC_ADDR_LOW", "CFG_SRC_ADDR_HIGH", int(op["src"]))
    bdma.address("CFG_DST_ADDR_LOW", "CFG_DST_ADDR_HIGH", int(op["dst"]))
    bdma.values |= {
        "CFG_CMD": 3,
        "CFG_LINE_REPEAT": int(op["height"]) - 1,
        "CFG_SRC_LINE": int(op["src_line_stride"]),
        "CFG_DST_LINE": int(op["dst_line_stride"]),
        "CFG_SURF_REPEAT": -(-int(op["channels"]) // atom) - 1,
        "CFG_SRC_SURF": int(op["src_surface_stride"]),
        "CFG_DST_SURF": int(op["dst_surface_stride"]),
    }
    return {"BDMA": bdma}
