"""A convolution's registers: of its DMA, its sequencer, its MACs and its accumulator."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from hw_models.nvdla.op import InBuffer
from hw_models.nvdla.register_builder import Builder
from hw_models.nvdla.timing import WINOGRAD_LINES

A8B8G8R8, R8 = 0x0C, 0x00  # pixel formats of four channels and of one


class _Sizes(NamedTuple):
    """What two units or more are told: an image's kernel is as wide as its channels, in one column."""

    columns: int  # of a kernel as it is stored
    rows: int
    kernel_channels: int
    in_cbuf: int  # pixels of an input line in CBUF
    lines: int  # of input in CBUF
    entries: int  # of CBUF, for an input line


def convolution(op: Any, preset: Mapping[str, int]) -> dict[str, Builder]:
    """Return the builders of CDMA, CSC, both CMACs and CACC for an OP row."""
    sizes = _sizes(op, preset)
    macs = {name: Builder(name) for name in ("CMAC_A", "CMAC_B")}
    for mac in macs.values():
        mac.fields({"CONV_MODE": int(op["winograd"]), "PROC_PRECISION": 0})
    return {"CDMA": _cdma(op, sizes, preset["atom_bytes"]), "CSC": _csc(op, sizes), **macs, "CACC": _cacc(op)}


def _sizes(op: Any, preset: Mapping[str, int]) -> _Sizes:
    image, channels, width = int(op["image"]), int(op["channels"]), int(op["width"])
    columns, rows = 1 if image else int(op["kernel_width"]), int(op["kernel_height"])
    kernel_channels = channels * int(op["kernel_width"]) if image else channels
    in_cbuf, lines = width + (int(op["pad_left"] + op["pad_right"]) if image else 0), int(op["height"])
    if op["winograd"]:  # kernels of 4x4 taps and whole atoms of channels, input of whole blocks
        columns, rows, atom = columns + 1, rows + 1, preset["atom_bytes"]
        kernel_channels = -(-channels // atom) * atom
        in_cbuf, lines = int(op["out_width"]) + WINOGRAD_LINES, int(op["out_height"]) + WINOGRAD_LINES
    entries = _entries(in_cbuf, channels, bool(image), preset)
    return _Sizes(columns, rows, kernel_channels, in_cbuf, lines, entries)


def _entries(width: int, channels: int, image: bool, preset: Mapping[str, int]) -> int:
    entry, atom = preset["cbuf_entry_bytes"], preset["atom_bytes"]
    if image:
        return -(-width * channels // entry)
    return feature_entries(width, -(-channels // atom), entry // atom)


def feature_entries(width: int, atoms: int, per_entry: int) -> int:
    """Return the CBUF entries of a line of features whose pixels have ``atoms`` of channels.

    What is left of the last block takes a whole, a half, a quarter, ... of an entry a pixel (CSC_dl.v,
    w_bias_int8): three atoms of four a whole one.
    """
    whole, rest = divmod(atoms, per_entry)
    part = 1 << (rest - 1).bit_length() if rest else 0
    return width * whole + -(-width * part // per_entry)


def _both(op: Any, sizes: _Sizes) -> dict[str, int]:
    """Return the fields that CDMA and CSC have alike."""
    return {
        "CONV_MODE": int(op["winograd"]),
        "IN_PRECISION": 0,
        "PROC_PRECISION": 0,
        "DATAIN_FORMAT": int(op["image"]),
        "BATCHES": max(int(op["batch"]), 1) - 1,
        "ENTRIES": sizes.entries - 1,
        "WEIGHT_FORMAT": int(op["wmb_bytes"] > 0),
        "WEIGHT_KERNEL": int(op["kernels"]) - 1,
        "DATA_REUSE": int(op["reuse"] & InBuffer.DATA > 0),
        "WEIGHT_REUSE": int(op["reuse"] & InBuffer.WEIGHTS > 0),
        "SKIP_DATA_RLS": int(op["keep"] & InBuffer.DATA > 0),
        "SKIP_WEIGHT_RLS": int(op["keep"] & InBuffer.WEIGHTS > 0),
        "PAD_LEFT": int(op["pad_left"]),
        "PAD_TOP": int(op["pad_top"]),
        "DATA_BANK": int(op["data_banks"]) - 1,
        "WEIGHT_BANK": int(op["weight_banks"]) - 1,
    }


def _cdma(op: Any, sizes: _Sizes, atom: int) -> Builder:
    cdma = Builder("CDMA")
    image, width, height, channels = (int(op[key]) for key in ("image", "width", "height", "channels"))
    kernel_bytes = sizes.kernel_channels * sizes.rows * sizes.columns
    cdma.fields(
        _both(op, sizes)
        | {
            "PIXEL_FORMAT": A8B8G8R8 if channels == 4 or not image else R8,
            "PIXEL_SIGN_OVERRIDE": image,
            "DATAIN_WIDTH": width - 1,
            "DATAIN_HEIGHT": height - 1,
            "DATAIN_CHANNEL": channels - 1,
            "DATAIN_WIDTH_EXT": width - 1,
            "DATAIN_HEIGHT_EXT": height - 1,
            "DATAIN_RAM_TYPE": 1,
            "WEIGHT_RAM_TYPE": 1,
            "LINE_STRIDE": int(op["src_line_stride"]),
            "SURF_STRIDE": int(op["src_surface_stride"]),
            "LINE_PACKED": int(op["line_packed"]),
            "SURF_PACKED": int(op["surface_packed"]),
            "BATCH_STRIDE": int(op["batch_stride"]),
            "GRAINS": int(op["fetch_grain"]) - 1,
            "BYTE_PER_KERNEL": kernel_bytes - 1,
            "CONV_X_STRIDE": int(op["stride_x"]) - 1,
            "CONV_Y_STRIDE": int(op["stride_y"]) - 1,
            "PAD_RIGHT": int(op["pad_right"]),
            "PAD_BOTTOM": int(op["pad_bottom"]),
        }
    )
    cdma.values["D_WEIGHT_BYTES"] = int(op["weight_bytes"])
    pixel, rest = divmod(int(op["src"]) % atom, channels)  # of an image, the first one in its atom
    begins_within = bool(image) and not rest
    cdma.field("PIXEL_X_OFFSET", pixel if begins_within else 0)
    source = int(op["src"]) - (pixel * channels if begins_within else 0)
    cdma.address("D_DAIN_ADDR_LOW_0", "D_DAIN_ADDR_HIGH_0", source)
    cdma.address("D_WEIGHT_ADDR_LOW", "D_WEIGHT_ADDR_HIGH", int(op["weights"]))
    if op["wmb_bytes"]:
        cdma.values["D_WMB_BYTES"] = int(op["wmb_bytes"])
        cdma.address("D_WMB_ADDR_LOW", "D_WMB_ADDR_HIGH", int(op["wmb"]))
        cdma.address("D_WGS_ADDR_LOW", "D_WGS_ADDR_HIGH", int(op["wgs"]))
    return cdma


def _csc(op: Any, sizes: _Sizes) -> Builder:
    csc = Builder("CSC")
    out_width, out_height = int(op["out_width"]), int(op["out_height"])
    csc.fields(
        _both(op, sizes)
        | {
            "DATAIN_WIDTH_EXT": sizes.in_cbuf - 1,
            "DATAIN_HEIGHT_EXT": sizes.lines - 1,
            "DATAIN_CHANNEL_EXT": int(op["channels"]) - 1,
            "WEIGHT_WIDTH_EXT": sizes.columns - 1,
            "WEIGHT_HEIGHT_EXT": sizes.rows - 1,
            "WEIGHT_CHANNEL_EXT": sizes.kernel_channels - 1,
            "DATAOUT_WIDTH": out_width - 1,
            "DATAOUT_HEIGHT": out_height - 1,
            "DATAOUT_CHANNEL": int(op["out_channels"]) - 1,
            "ATOMICS": out_width * out_height - 1,
            "RLS_SLICES": (int(op["release"]) or sizes.lines) - 1,
            "CONV_X_STRIDE_EXT": int(op["stride_x"]) - 1,
            "CONV_Y_STRIDE_EXT": int(op["stride_y"]) - 1,
            "X_DILATION_EXT": max(int(op["dilation_x"]), 1) - 1,
            "Y_DILATION_EXT": max(int(op["dilation_y"]), 1) - 1,
        }
    )
    if lines := int(op["lines"]):  # kept ones are among them
        csc.fields({"DATAIN_HEIGHT_EXT": lines - 1, "RLS_SLICES": (int(op["release"]) or lines) - 1})
    csc.values["D_WEIGHT_BYTES"] = int(op["weight_bytes"])
    return csc


def _cacc(op: Any) -> Builder:
    cacc = Builder("CACC")
    cacc.fields(
        {
            "DATAOUT_WIDTH": int(op["out_width"]) - 1,
            "DATAOUT_HEIGHT": int(op["out_height"]) - 1,
            "DATAOUT_CHANNEL": int(op["out_channels"]) - 1,
            "LINE_PACKED": 0,
        }
    )
    return cacc
