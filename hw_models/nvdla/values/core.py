"""A convolution from its registers: CDMA reads and converts, CSC pads, CMAC and CACC add up.

Feature maps come in surfaces; images as pixels whose channels lie side by side, and their kernels have one
column that spans columns x channels of the image.
"""

from collections.abc import Mapping

import numpy as np

from hw_models.nvdla.launch import Launch
from hw_models.nvdla.registers import Settings
from hw_models.nvdla.timing import WINOGRAD_CHANNELS
from hw_models.nvdla.values.convolution import accumulate, convert_input, truncate
from hw_models.nvdla.values.cubes import DTYPES, FP16, Cube, read_cube
from hw_models.nvdla.values.float_core import convert_to_fp16, convolve_floats, take_apart, without_nan
from hw_models.nvdla.values.memory import Memory
from hw_models.nvdla.values.packing import expand_weights, unpack_weights
from hw_models.nvdla.values.pixels import read_pixels
from hw_models.nvdla.values.winograd import unpack_winograd, winograd
from hw_models.nvdla.values.winograd_floats import winograd_floats


def convolution(
    launch: Launch, memory: Memory, preset: Mapping[str, int], kept: dict[str, np.ndarray], image: int = 0
) -> np.ndarray:
    """Return what CACC hands to SDP, shape (out_height, out_width, kernels) int64 of 32 bits, FP32 for FP16.

    ``kept`` has the data and weights that lie in CBUF already, and then both; ``image``: of a batch.
    """
    cdma, csc = launch["CDMA"], launch["CSC"]
    kind = DTYPES[cdma["PROC_PRECISION"]]
    if "data" not in kept:
        kept["data"] = input_lines(cdma, memory, preset, image)
    if "weights" not in kept:
        kept["weights"] = _weights(launch, memory, preset, kind)
    sums = _sums(csc, kept["data"], kept["weights"], preset["atomic_c"])
    if kind == FP16:
        return sums
    truncate(sums.reshape(-1), launch["CACC"]["CLIP_TRUNCATE"])
    return sums


def _sums(csc: Settings, lines: np.ndarray, weights: np.ndarray, atomic_c: int) -> np.ndarray:
    """Return CACC's sums, shape (out_height, out_width, kernels) int64."""
    out_size = csc["DATAOUT_HEIGHT"] + 1, csc["DATAOUT_WIDTH"] + 1
    if csc["CONV_MODE"]:  # CDMA has padded the lines
        channels = weights.shape[3]
        lines = _padded(lines, 0, 0, out_size[0] + 2, out_size[1] + 2, 0)[:, :, :channels]
        weights = weights[:, :, :, : lines.shape[2]]
        if lines.dtype == FP16:
            return winograd_floats(lines, weights, out_size)
        return winograd(lines, weights, out_size, csc["PRA_TRUNCATE"])
    strides = csc["CONV_Y_STRIDE_EXT"] + 1, csc["CONV_X_STRIDE_EXT"] + 1
    dilations = csc["Y_DILATION_EXT"] + 1, csc["X_DILATION_EXT"] + 1
    rows = weights.shape[1]
    value = _pad_value(csc["PAD_VALUE"], lines.dtype)
    need_height = (out_size[0] - 1) * strides[0] + (rows - 1) * dilations[0] + 1
    if csc["DATAIN_FORMAT"]:
        lines = _padded(lines, csc["PAD_TOP"], 0, need_height, lines.shape[1], value)
        lines = _spread(lines, out_size[1], strides[1], weights.shape[3])
        strides, dilations = (strides[0], 1), (dilations[0], 1)
    else:
        columns = weights.shape[2]
        need_width = (out_size[1] - 1) * strides[1] + (columns - 1) * dilations[1] + 1
        lines = _padded(lines, csc["PAD_TOP"], csc["PAD_LEFT"], need_height, need_width, value)
        lines = lines[:, :, : weights.shape[3]]
    if lines.dtype == FP16:
        out = np.zeros((*out_size, weights.shape[0]), np.int64)
        steps = np.array(strides), np.array(dilations)
        parts = take_apart(lines), take_apart(weights)
        convolve_floats(*parts, out, *steps, atomic_c, 1 << csc["Y_EXTENSION"])
        return out
    return accumulate(lines, weights, out_size, strides, dilations, atomic_c)


def _pad_value(value: int, kind: np.dtype) -> int:
    """Return a register's padding value as an element."""
    bits = 8 * kind.itemsize
    value &= (1 << bits) - 1
    return value - (1 << bits) if kind.kind == "i" and value >> (bits - 1) else value


def _padded(lines: np.ndarray, top: int, left: int, height: int, width: int, value: int) -> np.ndarray:
    """Return ``lines`` with padding, cut or filled up to (height, width)."""
    out = np.full((height, width, lines.shape[2]), value, lines.dtype)
    rows, columns = min(height - top, lines.shape[0]), min(width - left, lines.shape[1])
    out[top : top + rows, left : left + columns] = lines[:rows, :columns]
    return out


def _spread(lines: np.ndarray, out_width: int, stride: int, span: int) -> np.ndarray:
    """Return, for each output column, the ``span`` elements of the line that its kernel sees."""
    height, width, channels = lines.shape
    flat = np.zeros((height, max(width * channels, (out_width - 1) * stride * channels + span)), lines.dtype)
    flat[:, : width * channels] = lines.reshape(height, -1)
    first = np.arange(out_width) * stride * channels
    return flat[:, first[:, None] + np.arange(span)[None, :]]


def input_lines(cdma: Settings, memory: Memory, preset: Mapping[str, int], image: int = 0) -> np.ndarray:
    """Return what CDMA writes into CBUF, shape (height, width, channels)."""
    kind = DTYPES[cdma["PROC_PRECISION"]]
    width, height = cdma["DATAIN_WIDTH"] + 1, cdma["DATAIN_HEIGHT"] + 1
    channels = cdma["DATAIN_CHANNEL"] + 1
    address = cdma.address("D_DAIN_ADDR_LOW_0", "D_DAIN_ADDR_HIGH_0")
    if cdma["DATAIN_FORMAT"]:
        return read_pixels(cdma, memory, preset["atom_bytes"])
    address += image * cdma["BATCH_STRIDE"]
    in_kind = DTYPES[cdma["IN_PRECISION"]]
    line_stride, surface_stride = cdma["LINE_STRIDE"], cdma["SURF_STRIDE"]
    packed = bool(cdma["SURF_PACKED"])
    cube = Cube(address, width, height, channels, line_stride, surface_stride, in_kind, packed)
    data = read_cube(memory, cube, preset["atom_bytes"])
    if cdma["CONV_MODE"]:  # whole atoms, padded in front of the converter
        top, left = cdma["PAD_TOP"], cdma["PAD_LEFT"]
        size = top + height + cdma["PAD_BOTTOM"], left + width + cdma["PAD_RIGHT"]
        data = _padded(data, top, left, *size, _pad_value(cdma["PAD_VALUE"], in_kind))
        channels = data.shape[2]
    data = data[:, :, :channels]
    if in_kind == FP16:
        return data if not cdma["NAN_TO_ZERO"] else without_nan(data)
    if not cdma["CVT_EN"]:
        return data.astype(kind)
    wide = data.astype(np.int64).reshape(-1, channels)
    offsets = np.full(channels, cdma.signed("CVT_OFFSET"), np.int64)
    scale, cut = cdma.signed("CVT_SCALE"), cdma["CVT_TRUNCATE"]
    if kind == FP16:
        convert_to_fp16(wide, offsets, scale, cut)
    else:
        convert_input(wide, offsets, scale, cut, 8 * kind.itemsize)
    return wide.reshape(data.shape).astype(kind)


def _weights(launch: Launch, memory: Memory, preset: Mapping[str, int], kind: np.dtype) -> np.ndarray:
    """Return the weights, shape (kernels, rows, columns, channels)."""
    cdma, csc = launch["CDMA"], launch["CSC"]
    shape = (
        csc["WEIGHT_KERNEL"] + 1,
        csc["WEIGHT_HEIGHT_EXT"] + 1,
        csc["WEIGHT_WIDTH_EXT"] + 1,
        csc["WEIGHT_CHANNEL_EXT"] + 1,
    )
    if cdma["CONV_MODE"]:  # whole blocks of channels are stored
        shape = (*shape[:3], -(-shape[3] // WINOGRAD_CHANNELS) * WINOGRAD_CHANNELS)
    count = int(np.prod(shape))
    address = cdma.address("D_WEIGHT_ADDR_LOW", "D_WEIGHT_ADDR_HIGH")
    atomic_k = preset["atomic_k"] // kind.itemsize
    if cdma["WEIGHT_FORMAT"]:
        mask = memory.read(cdma.address("D_WMB_ADDR_LOW", "D_WMB_ADDR_HIGH"), -(-count // 8))
        present = int(np.unpackbits(mask, bitorder="little")[:count].sum())
        packed = memory.read(address, present * kind.itemsize).view(kind)
        stored = expand_weights(packed, mask, count)
    else:
        stored = memory.read(address, count * kind.itemsize).view(kind)
    if kind == FP16 and cdma["NAN_TO_ZERO"]:
        stored = without_nan(stored)
    if cdma["CONV_MODE"]:
        return unpack_winograd(stored, shape[0], shape[3], atomic_k)
    rows_a_block = 1 << csc["Y_EXTENSION"]
    return unpack_weights(stored, shape, preset["atomic_c"], atomic_k, rows_a_block)
