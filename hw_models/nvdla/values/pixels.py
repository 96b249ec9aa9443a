"""Images as CDMA reads them: pixel formats, order of channels, mean and converter, padding on both sides.

Source: NVDLA hardware manual, "Pixel Format"; order of channels: first R, G, B, A (or Y, U, V, A).
"""

from typing import NamedTuple

import numpy as np

from hw_models.errors import ConfigError
from hw_models.nvdla.registers import Settings
from hw_models.nvdla.values.convolution import convert_input
from hw_models.nvdla.values.cubes import DTYPES, FP16
from hw_models.nvdla.values.float_core import convert_to_fp16, without_nan
from hw_models.nvdla.values.memory import Memory


class Format(NamedTuple):
    """Elements of a pixel: bytes of each, where each channel lies, and in how many planes."""

    name: str
    element_bytes: int
    order: tuple[int, ...]  # element of the pixel that is channel 0, 1, ...
    second_plane: int = 0  # channels that lie in a plane of their own
    packed: tuple[tuple[int, int], ...] = ()  # of a 32-bit pixel: (lowest bit, bits) of channel 0, 1, ...


_RGBA, _BGRA, _ARGB, _ABGR = (0, 1, 2, 3), (2, 1, 0, 3), (1, 2, 3, 0), (3, 2, 1, 0)
FORMATS = {  # by PIXEL_FORMAT
    0x00: Format("R8", 1, (0,)),
    0x01: Format("R10", 2, (0,)),
    0x02: Format("R12", 2, (0,)),
    0x03: Format("R16", 2, (0,)),
    0x04: Format("R16_I", 2, (0,)),
    0x05: Format("R16_F", 2, (0,)),
    0x06: Format("A16B16G16R16", 2, _RGBA),
    0x07: Format("X16B16G16R16", 2, _RGBA),
    0x08: Format("A16B16G16R16_F", 2, _RGBA),
    0x09: Format("A16Y16U16V16", 2, _BGRA),
    0x0A: Format("V16U16Y16A16", 2, _ARGB),
    0x0B: Format("A16Y16U16V16_F", 2, _BGRA),
    0x0C: Format("A8B8G8R8", 1, _RGBA),
    0x0D: Format("A8R8G8B8", 1, _BGRA),
    0x0E: Format("B8G8R8A8", 1, _ARGB),
    0x0F: Format("R8G8B8A8", 1, _ABGR),
    0x10: Format("X8B8G8R8", 1, _RGBA),
    0x11: Format("X8R8G8B8", 1, _BGRA),
    0x12: Format("B8G8R8X8", 1, _ARGB),
    0x13: Format("R8G8B8X8", 1, _ABGR),
    0x14: Format("A2B10G10R10", 4, _RGBA, packed=((0, 10), (10, 10), (20, 10), (30, 2))),
    0x15: Format("A2R10G10B10", 4, _RGBA, packed=((20, 10), (10, 10), (0, 10), (30, 2))),
    0x16: Format("B10G10R10A2", 4, _RGBA, packed=((2, 10), (12, 10), (22, 10), (0, 2))),
    0x17: Format("R10G10B10A2", 4, _RGBA, packed=((22, 10), (12, 10), (2, 10), (0, 2))),
    0x18: Format("A2Y10U10V10", 4, _RGBA, packed=((20, 10), (10, 10), (0, 10), (30, 2))),
    0x19: Format("V10U10Y10A2", 4, _RGBA, packed=((2, 10), (12, 10), (22, 10), (0, 2))),
    0x1A: Format("A8Y8U8V8", 1, _BGRA),
    0x1B: Format("V8U8Y8A8", 1, _ARGB),
    0x1C: Format("Y8___U8V8_N444", 1, (0, 2, 1), 2),
    0x1D: Format("Y8___V8U8_N444", 1, (0, 1, 2), 2),
    0x1E: Format("Y10___U10V10_N444", 2, (0, 2, 1), 2),
    0x1F: Format("Y10___V10U10_N444", 2, (0, 1, 2), 2),
    0x20: Format("Y12___U12V12_N444", 2, (0, 2, 1), 2),
    0x21: Format("Y12___V12U12_N444", 2, (0, 1, 2), 2),
    0x22: Format("Y16___U16V16_N444", 2, (0, 2, 1), 2),
    0x23: Format("Y16___V16U16_N444", 2, (0, 1, 2), 2),
}
MEANS = ("MEAN_RY", "MEAN_GU", "MEAN_BV", "MEAN_AX")
PACKED_BITS = 16  # a component of a packed pixel is its number's upper bits


def pixel_bytes(form: Format) -> int:
    """Return the bytes of a pixel in the first plane."""
    return form.element_bytes * (1 if form.packed else len(form.order) - form.second_plane)


def _plane(
    memory: Memory, address: int, stride: int, offset: int, size: tuple[int, int], kind: np.dtype, each: int
) -> np.ndarray:
    """Return (height, width, each) elements of a plane from column ``offset`` on."""
    height, width = size
    pixel = kind.itemsize * each
    lines = [memory.read(address + y * stride + offset * pixel, width * pixel) for y in range(height)]
    return np.concatenate(lines).view(kind).reshape(height, width, each)


def read_pixels(cdma: Settings, memory: Memory, atom_bytes: int) -> np.ndarray:
    """Return an image as CBUF holds it, (height, left + width + right, channels). Raises ConfigError."""
    form = FORMATS.get(cdma["PIXEL_FORMAT"])
    if form is None:
        raise ConfigError(f"pixel format {cdma['PIXEL_FORMAT']:#x}: its values are not computed")
    size = cdma["DATAIN_HEIGHT"] + 1, cdma["DATAIN_WIDTH"] + 1
    signed = cdma["PIXEL_SIGN_OVERRIDE"] == 1
    code = {1: "i1", 2: "i2", 4: "u4"}[form.element_bytes] if signed or form.packed else None
    kind = np.dtype(code or f"u{form.element_bytes}")
    address = cdma.address("D_DAIN_ADDR_LOW_0", "D_DAIN_ADDR_HIGH_0")
    first = len(form.order) - form.second_plane if not form.packed else 1
    data = _plane(memory, address, cdma["LINE_STRIDE"], cdma["PIXEL_X_OFFSET"], size, kind, first)
    if form.second_plane:
        second = cdma.address("D_DAIN_ADDR_LOW_1", "D_DAIN_ADDR_HIGH_1")
        stride = cdma["UV_LINE_STRIDE"]
        offset = cdma["PIXEL_X_OFFSET"] % max(1, atom_bytes // (2 * form.element_bytes))
        data = np.concatenate(
            [data, _plane(memory, second, stride, offset, size, kind, form.second_plane)], axis=2
        )
    wide = data.astype(np.int64)
    if form.packed:
        parts = [
            ((wide[:, :, 0] >> low) & ((1 << bits) - 1)) << (PACKED_BITS - bits) for low, bits in form.packed
        ]
        wide = np.stack(parts, axis=2)
    else:
        wide = wide[:, :, list(form.order)]
    return _converted(cdma, np.ascontiguousarray(wide), floats=form.name.endswith("_F"))


def _converted(cdma: Settings, wide: np.ndarray, *, floats: bool) -> np.ndarray:
    """Return pixels behind mean and converter, which FP16 passes, padded on both sides."""
    kind = DTYPES[cdma["PROC_PRECISION"]]
    height, width, channels = wide.shape
    if floats and cdma["NAN_TO_ZERO"]:
        wide = without_nan(wide & 0xFFFF)
    if cdma["CVT_EN"] and not floats:
        offsets = np.full(channels, cdma.signed("CVT_OFFSET"), np.int64)
        if cdma["MEAN_FORMAT"]:
            offsets = np.array([cdma.signed(name) for name in MEANS[:channels]], np.int64)
        flat = wide.reshape(-1, channels)
        scale, cut = cdma.signed("CVT_SCALE"), cdma["CVT_TRUNCATE"]
        if kind == FP16:
            convert_to_fp16(flat, offsets, scale, cut)
        else:
            convert_input(flat, offsets, scale, cut, 8 * kind.itemsize)
        wide = flat.reshape(height, width, channels)
    pad = np.array(cdma["PAD_VALUE"] & 0xFFFF, np.uint16).astype(kind)
    out = np.full((height, cdma["PAD_LEFT"] + width + cdma["PAD_RIGHT"], channels), pad, kind)
    out[:, cdma["PAD_LEFT"] : cdma["PAD_LEFT"] + width] = wide.astype(kind)
    return out
