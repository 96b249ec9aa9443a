"""From register settings to the row of OP that the timing model runs: what a program sets decides.

Sizes in registers are one less than what they mean; addresses and strides are bytes.
"""

import numpy as np

from hw_models.nvdla.launch import SUB_UNITS, Launch, is_on, reads_alu, reads_mul
from hw_models.nvdla.op import OP, InBuffer, Operand, Unit
from hw_models.nvdla.registers import Settings
from hw_models.nvdla.values.pixels import FORMATS, pixel_bytes

ALU, MUL = 1, 2  # bits of `x1_work`, `x2_work`
BOTH = 2  # DATA_USE
BDMA_UNIT_BYTES = 32


def op_of(launch: Launch, atom_bytes: int) -> np.ndarray:
    """Return a launch as an OP array of one row."""
    readers = {
        Unit.CONV: _convolution,
        Unit.SDP: _sdp,
        Unit.PDP: _pdp,
        Unit.CDP: _cdp,
        Unit.RUBIK: _rubik,
        Unit.BDMA: _bdma,
    }
    found = readers[launch.unit](launch, atom_bytes)
    if _element_bytes(launch) == 2:
        _widen(found)
    ops = np.zeros(1, OP)
    for name, value in found.items():
        ops[0][name] = value
    ops[0]["unit"] = int(launch.unit)
    ops[0]["registers"] = sum(len(settings.values) for settings in launch.units.values())
    return ops


def _element_bytes(launch: Launch) -> int:
    """Return the bytes of an element: by the precision that the unit works in."""
    precisions = {
        "SDP": "PROC_PRECISION",
        "PDP": "INPUT_DATA",
        "CDP": "INPUT_DATA_TYPE",
        "RBK": "IN_PRECISION",
    }
    unit = next((name for name in precisions if name in launch.units), "")
    return 2 if unit and launch[unit][precisions[unit]] else 1


def _widen(fields: dict[str, int]) -> None:
    """16-bit data are twice as many bytes, which is what a row counts; an atom has half as many elements."""
    fields["wide"] = 1
    for name in ("channels", "out_channels", "kernels"):
        if name in fields:
            fields[name] *= 2
    for key in SUB_UNITS:
        if fields.get(f"{key}_bytes"):
            fields[f"{key}_bytes"] = max(1, fields[f"{key}_bytes"] // 2)


def _convolution(launch: Launch, atom_bytes: int) -> dict[str, int]:
    cdma, csc = launch["CDMA"], launch["CSC"]
    image = cdma["DATAIN_FORMAT"]
    channels = cdma["DATAIN_CHANNEL"] + 1
    columns = (csc["WEIGHT_CHANNEL_EXT"] + 1) // channels if image else csc["WEIGHT_WIDTH_EXT"] + 1
    rows, kernels = csc["WEIGHT_HEIGHT_EXT"] + 1, csc["WEIGHT_KERNEL"] + 1
    if cdma["CONV_MODE"]:  # a kernel of 3x3 is stored as 4x4 taps
        rows, columns = rows - 1, columns - 1
    lines = csc["DATAIN_HEIGHT_EXT"] + 1
    out_width, out_height = csc["DATAOUT_WIDTH"] + 1, csc["DATAOUT_HEIGHT"] + 1
    source = cdma.address("D_DAIN_ADDR_LOW_0", "D_DAIN_ADDR_HIGH_0")
    if image and cdma["PIXEL_FORMAT"] in FORMATS:
        source += cdma["PIXEL_X_OFFSET"] * pixel_bytes(FORMATS[cdma["PIXEL_FORMAT"]])
    fields = {
        "width": cdma["DATAIN_WIDTH"] + 1,
        "height": cdma["DATAIN_HEIGHT"] + 1,
        "channels": channels,
        "src": source,
        "src_line_stride": cdma["LINE_STRIDE"],
        "src_surface_stride": cdma["SURF_STRIDE"],
        "image": image,
        "winograd": cdma["CONV_MODE"],
        "batch": cdma["BATCHES"] + 1,
        "batch_stride": cdma["BATCH_STRIDE"] if cdma["BATCHES"] else 0,
        "kernels": kernels,
        "kernel_height": rows,
        "kernel_width": columns,
        "stride_x": cdma["CONV_X_STRIDE"] + 1,
        "stride_y": cdma["CONV_Y_STRIDE"] + 1,
        "pad_left": cdma["PAD_LEFT"],
        "pad_right": cdma["PAD_RIGHT"],
        "pad_top": cdma["PAD_TOP"],
        "pad_bottom": cdma["PAD_BOTTOM"],
        "dilation_x": csc["X_DILATION_EXT"] + 1,
        "dilation_y": csc["Y_DILATION_EXT"] + 1,
        "data_banks": cdma["DATA_BANK"] + 1,
        "weight_banks": cdma["WEIGHT_BANK"] + 1,
        "fetch_grain": cdma["GRAINS"] + 1,
        "line_packed": cdma["LINE_PACKED"],
        "surface_packed": cdma["SURF_PACKED"],
        "release": csc["RLS_SLICES"] + 1,
        "reuse": _in_buffer(cdma, "DATA_REUSE", "WEIGHT_REUSE"),
        "keep": _in_buffer(cdma, "SKIP_DATA_RLS", "SKIP_WEIGHT_RLS"),
        "lines": 0 if cdma["CONV_MODE"] or lines == cdma["DATAIN_HEIGHT"] + 1 else lines,
        "weights": cdma.address("D_WEIGHT_ADDR_LOW", "D_WEIGHT_ADDR_HIGH"),
        "weight_bytes": cdma.raw("D_WEIGHT_BYTES"),
        "out_width": out_width,
        "out_height": out_height,
        "macs": out_width * out_height * kernels * rows * columns * channels * (cdma["BATCHES"] + 1),
    }
    if cdma["WEIGHT_FORMAT"]:
        fields["wmb"] = cdma.address("D_WMB_ADDR_LOW", "D_WMB_ADDR_HIGH")
        fields["wmb_bytes"] = cdma.raw("D_WMB_BYTES")
        fields["wgs"] = cdma.address("D_WGS_ADDR_LOW", "D_WGS_ADDR_HIGH")
    return fields | _behind(launch, atom_bytes)


def _in_buffer(cdma: Settings, data: str, weights: str) -> int:
    return InBuffer.DATA * cdma[data] + InBuffer.WEIGHTS * cdma[weights]


def _sdp(launch: Launch, atom_bytes: int) -> dict[str, int]:
    reader = launch["SDP_RDMA"]
    fields = {
        "width": reader["WIDTH"] + 1,
        "height": reader["HEIGHT"] + 1,
        "channels": reader["CHANNEL"] + 1,
        "src": reader.address("D_SRC_BASE_ADDR_LOW", "D_SRC_BASE_ADDR_HIGH"),
        "src_line_stride": reader["SRC_LINE_STRIDE"],
        "src_surface_stride": reader["SRC_SURFACE_STRIDE"],
        "surface_packed": 1,
        "out_width": launch["SDP"]["WIDTH"] + 1,
        "out_height": launch["SDP"]["HEIGHT"] + 1,
    }
    return fields | _behind(launch, atom_bytes)


def _behind(launch: Launch, atom_bytes: int) -> dict[str, int]:
    """Return the fields of SDP and of a PDP behind it."""
    sdp = launch["SDP"]
    fields = {
        "out_channels": sdp["CHANNEL"] + 1,
        "dst": sdp.address("D_DST_BASE_ADDR_LOW", "D_DST_BASE_ADDR_HIGH"),
        "dst_line_stride": sdp["DST_LINE_STRIDE"],
        "dst_surface_stride": sdp["DST_SURFACE_STRIDE"],
        "dst_batch_stride": sdp["DST_BATCH_STRIDE"] if sdp["BATCH_NUMBER"] else 0,
        "lut": int(is_on(sdp, "y") and not sdp["EW_LUT_BYPASS"]),
    }
    for key in SUB_UNITS:
        fields |= _sub_unit(launch, key)
    if "PDP" in launch.units:
        fields |= {"pool": 1} | _pooling(launch["PDP"]) | _target(launch["PDP"])
    return fields


def _sub_unit(launch: Launch, key: str) -> dict[str, int]:
    """Return the fields of X1, X2 or Y."""
    sdp, (name, reader) = launch["SDP"], SUB_UNITS[key]
    if not is_on(sdp, key):
        return {key: int(Operand.OFF)}
    fields = {key: int(Operand.REGISTER)}
    if key != "y":
        works = (ALU, sdp[f"{name}_ALU_BYPASS"]), (MUL, sdp[f"{name}_MUL_BYPASS"])
        fields[f"{key}_work"] = sum(bit for bit, bypassed in works if not bypassed) or -1
        prelu = not sdp[f"{name}_MUL_BYPASS"] and sdp[f"{name}_MUL_PRELU"]
        fields[f"{key}_relu"] = 2 if prelu else int(not sdp[f"{name}_RELU_BYPASS"])
    if not (reads_alu(sdp, key) or reads_mul(sdp, key)):
        return fields
    rdma = launch["SDP_RDMA"]
    each = 2 if rdma[f"{reader}_DATA_USE"] == BOTH else 1
    mode = Operand.PER_ELEMENT if rdma[f"{reader}_DATA_MODE"] else Operand.PER_KERNEL
    return fields | {
        key: int(mode),
        f"{key}_bytes": each * (2 if rdma[f"{reader}_DATA_SIZE"] else 1),
        f"{key}_address": rdma.address(f"D_{name}_BASE_ADDR_LOW", f"D_{name}_BASE_ADDR_HIGH"),
        f"{key}_line_stride": rdma[f"{name}_LINE_STRIDE"],
        f"{key}_surface_stride": rdma[f"{name}_SURFACE_STRIDE"],
    }


def _pooling(pdp: Settings) -> dict[str, int]:
    return {
        "pool_width": pdp["KERNEL_WIDTH"] + 1,
        "pool_height": pdp["KERNEL_HEIGHT"] + 1,
        "pool_stride_x": pdp["KERNEL_STRIDE_WIDTH"] + 1,
        "pool_stride_y": pdp["KERNEL_STRIDE_HEIGHT"] + 1,
        "pool_pad_left": pdp["PAD_LEFT"],
        "pool_pad_right": pdp["PAD_RIGHT"],
        "pool_pad_top": pdp["PAD_TOP"],
        "pool_pad_bottom": pdp["PAD_BOTTOM"],
        "pool_out_width": pdp["CUBE_OUT_WIDTH"] + 1,
        "pool_out_height": pdp["CUBE_OUT_HEIGHT"] + 1,
    }


def _target(unit: Settings) -> dict[str, int]:
    """Return where PDP or CDP writes."""
    return {
        "dst": unit.address("D_DST_BASE_ADDR_LOW", "D_DST_BASE_ADDR_HIGH"),
        "dst_line_stride": unit["DST_LINE_STRIDE"],
        "dst_surface_stride": unit["DST_SURFACE_STRIDE"],
    }


def _pdp(launch: Launch, atom_bytes: int) -> dict[str, int]:
    reader, pdp = launch["PDP_RDMA"], launch["PDP"]
    fields = {
        "width": reader["CUBE_IN_WIDTH"] + 1,
        "height": reader["CUBE_IN_HEIGHT"] + 1,
        "channels": reader["CUBE_IN_CHANNEL"] + 1,
        "src": reader.address("D_SRC_BASE_ADDR_LOW", "D_SRC_BASE_ADDR_HIGH"),
        "src_line_stride": reader["SRC_LINE_STRIDE"],
        "src_surface_stride": reader["SRC_SURFACE_STRIDE"],
        "surface_packed": 1,
        "out_width": pdp["CUBE_OUT_WIDTH"] + 1,
        "out_height": pdp["CUBE_OUT_HEIGHT"] + 1,
        "out_channels": reader["CUBE_IN_CHANNEL"] + 1,
    }
    pooling = _pooling(pdp)
    again = pdp["SPLIT_NUM"] * max(0, pooling["pool_width"] - pooling["pool_stride_x"])
    fields["width"] += again  # columns that parts of the cube share are read by both
    pooling["pool_pad_left"] -= again
    return fields | pooling | _target(pdp)


def _cdp(launch: Launch, atom_bytes: int) -> dict[str, int]:
    reader, cdp = launch["CDP_RDMA"], launch["CDP"]
    size = {"width": reader["WIDTH"] + 1, "height": reader["HEIGHT"] + 1, "channels": reader["CHANNEL"] + 1}
    return {
        **size,
        **{f"out_{name}": value for name, value in size.items()},
        "src": reader.address("D_SRC_BASE_ADDR_LOW", "D_SRC_BASE_ADDR_HIGH"),
        "src_line_stride": reader["SRC_LINE_STRIDE"],
        "src_surface_stride": reader["SRC_SURFACE_STRIDE"],
        "surface_packed": 1,
        "lrn_size": 0 if cdp["SQSUM_BYPASS"] else 2 * cdp["NORMALZ_LEN"] + 3,
        "lrn_product": 1 - cdp["MUL_BYPASS"],
        **_target(cdp),
    }


def _rubik(launch: Launch, atom_bytes: int) -> dict[str, int]:
    rubik = launch["RBK"]
    size = {
        "width": rubik["DATAIN_WIDTH"] + 1,
        "height": rubik["DATAIN_HEIGHT"] + 1,
        "channels": rubik["DATAIN_CHANNEL"] + 1,
    }
    return {
        **size,
        **{f"out_{name}": value for name, value in size.items()},
        "src": rubik.address("D_DAIN_ADDR_LOW", "D_DAIN_ADDR_HIGH"),
        "src_line_stride": rubik.raw("D_DAIN_LINE_STRIDE"),
        "src_surface_stride": rubik.raw("D_DAIN_SURF_STRIDE"),
        "surface_packed": 1,
        "dst": rubik.address("D_DAOUT_ADDR_LOW", "D_DAOUT_ADDR_HIGH"),
        "dst_line_stride": rubik.raw("D_DAOUT_LINE_STRIDE"),
        "dst_surface_stride": rubik.raw("D_DAOUT_SURF_STRIDE"),
    }


def _bdma(launch: Launch, atom_bytes: int) -> dict[str, int]:
    """A copy as a cube: lines of a surface, each as wide as it has atoms."""
    bdma = launch["BDMA"]
    size = {
        "width": -(-(bdma["SIZE"] + 1) * BDMA_UNIT_BYTES // atom_bytes),
        "height": bdma.raw("CFG_LINE_REPEAT") + 1,
        "channels": (bdma.raw("CFG_SURF_REPEAT") + 1) * atom_bytes,
    }
    return {
        **size,
        **{f"out_{name}": value for name, value in size.items()},
        "src": bdma.address("CFG_SRC_ADDR_LOW", "CFG_SRC_ADDR_HIGH"),
        "src_line_stride": bdma.raw("CFG_SRC_LINE"),
        "src_surface_stride": bdma.raw("CFG_SRC_SURF"),
        "surface_packed": 1,
        "dst": bdma.address("CFG_DST_ADDR_LOW", "CFG_DST_ADDR_HIGH"),
        "dst_line_stride": bdma.raw("CFG_DST_LINE"),
        "dst_surface_stride": bdma.raw("CFG_DST_SURF"),
    }
