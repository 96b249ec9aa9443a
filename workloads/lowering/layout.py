"""Feature maps in memory: surfaces of one atom of channels, line by line, and where they lie."""

from dataclasses import dataclass, replace

from workloads.graph import Shape

LINE = 64  # bytes: every buffer starts on such a boundary
WEIGHT_ALIGNMENT = 128  # bytes: weights are stored in whole multiples (NVDLA hardware manual, weight formats)


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def round_up(value: int, step: int) -> int:
    return ceil_div(value, step) * step


def merged_segments(segments: tuple[int, ...], atom: int) -> tuple[int, ...]:
    """Join runs of channels that have no gap between them."""
    result: list[int] = []
    for channels in segments:
        if result and result[-1] % atom == 0:
            result[-1] += channels
        else:
            result.append(channels)
    return tuple(result)


@dataclass(frozen=True)
class Cube:
    """A feature map inside a buffer, one byte an element.

    Each of ``segments`` starts at an atom boundary: a concatenation of 208 and 48 channels at 32 a surface
    leaves 16 unused channels behind the first. Weights are padded with zeros there.
    """

    buffer: str
    offset: int  # bytes from the start of the buffer
    shape: Shape
    segments: tuple[int, ...]
    atom: int
    pixels: bool = False  # image format: channels of a pixel side by side, no surfaces
    view: bool = False  # seen with other lines than its maker's: a touch of it touches all of them

    @property
    def stored_channels(self) -> int:
        """Channels with the gaps between segments, without the padding behind the last."""
        return sum(round_up(channels, self.atom) for channels in self.segments[:-1]) + self.segments[-1]

    @property
    def surfaces(self) -> int:
        return 1 if self.pixels else ceil_div(self.stored_channels, self.atom)

    @property
    def line_stride(self) -> int:
        if self.pixels:
            return round_up(self.shape.width * self.shape.channels, self.atom)
        return self.shape.width * self.atom

    @property
    def surface_stride(self) -> int:
        return self.line_stride * self.shape.height

    @property
    def bytes(self) -> int:
        return self.surfaces * self.surface_stride

    def at_channel(self, stored_channel: int, shape: Shape, segments: tuple[int, ...]) -> "Cube":
        """Return the part that starts at ``stored_channel``, a multiple of the atom."""
        offset = self.offset + stored_channel // self.atom * self.surface_stride
        return replace(self, offset=offset, shape=shape, segments=segments)


def feature_cube(buffer: str, shape: Shape, atom: int, segments: tuple[int, ...] = ()) -> Cube:
    return Cube(buffer, 0, shape, segments or (shape.channels,), atom)
