"""The blocks that have an RTL twin."""

from typing import NamedTuple

CASE = "DLASIM_COSIM"  # environment variable: the case, for the simulator's process


class Block(NamedTuple):
    """One twin: its SystemVerilog, and who drives it beside the model."""

    top: str
    sources: tuple[str, ...]  # paths from hw_models/, packages first
    bench: str  # module with a class Bench, in this package
    sets: tuple[dict[str, int], ...]  # parameters of the RTL; each is a build, the first is what CI runs


BLOCKS: dict[str, Block] = {
    "arbiter": Block(
        "arbiter", ("interconnect/rtl/arbiter.sv",), "arbiter", ({"UNITS": 6}, {"UNITS": 3}, {"UNITS": 16})
    ),
    "regulator": Block(
        "regulator", ("interconnect/rtl/regulator.sv",), "regulator", ({"UNITS": 3}, {"UNITS": 8})
    ),
    "tag_path": Block(
        "tag_path",
        ("cache/rtl/tag_path.sv",),
        "tag_path",
        ({"WAYS": 4, "SETS": 8}, {"WAYS": 2, "SETS": 2}, {"WAYS": 16, "SETS": 4}),
    ),
}
