"""The blocks that have an RTL twin."""

from typing import NamedTuple

CASE = "DLASIM_COSIM"  # environment variable: the case, for the simulator's process


class Block(NamedTuple):
    """One twin: its SystemVerilog, and who drives it beside the model."""

    top: str
    sources: tuple[str, ...]  # paths from hw_models/, packages first
    bench: str  # module with a class Bench, in this package
    sets: tuple[dict[str, int], ...]  # parameters of the RTL; each is a build, the first is what CI runs


def _nvdla(*names: str) -> tuple[str, ...]:
    return tuple(f"nvdla/rtl/{name}.sv" for name in names)


CORE_UNITS = ("csc", "csc_data", "csc_weights", "cbuf", "cmac", "cacc", "conv_core")
CDMA_UNITS = ("mcif", "cdma_convert", "cdma_pipes", "cdma_pixels", "cdma_data", "cdma_weights", "cdma")
PDP_UNITS = ("late", "pdp_values", "pdp")
SDP_UNITS = ("write_bursts", "read_start", "skid", "lut", "sdp_lane", "sdp_reader", "sdp")
SHARED = ("delay", "register_groups")
CONV_CORE = _nvdla("conv_types", *SHARED, *CORE_UNITS)
CDMA = _nvdla("post_types", "cdma_types", *SHARED, *CDMA_UNITS)
SDP = _nvdla("post_types", "sdp_types", *SHARED, *SDP_UNITS)
PDP = _nvdla("pdp_types", *SHARED, "read_start", "write_bursts", *PDP_UNITS)
SDP_PDP = _nvdla("post_types", "sdp_types", "pdp_types", *SHARED, *SDP_UNITS, *PDP_UNITS, "sdp_pdp")
CONV_PIPE = _nvdla(
    *("post_types", "conv_types", "cdma_types", "sdp_types"),
    *(*SHARED, *CORE_UNITS, *CDMA_UNITS, *SDP_UNITS, "write_port", "conv_pipe"),
)
NV_SMALL_CORE = {"ATOMIC_C": 8, "ATOMIC_K": 8, "SDP_ELEMENTS": 1, "BANKS": 32, "DEPTH": 512}
NV_SMALL_SDP = {"ATOM": 8, "ELEMENTS": 1, "BURST": 1, "FIFO": 8, "OPERAND_FIFO": 16}
NV_SMALL_PIPE = {"ATOM": 8, "BANKS": 32, "DEPTH": 512, "SDP_ELEMENTS": 1, "BURST": 1}
NV_LARGE_PIPE = {"ATOM": 32, "CHANNELS": 64, "BANKS": 16, "DEPTH": 512, "SDP_ELEMENTS": 16, "BURST": 1}
POOLED = {"SDP_FIFO": 8, "PDP_FIFO": 8, "COLUMNS": 128}
FULL_WIDTH = {"ACC_BITS": 34, "OUT_BITS": 32}

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
    "conv_core": Block(
        "conv_core",
        CONV_CORE,
        "conv_core",
        (
            NV_SMALL_CORE | {"BANKS": 8, "DEPTH": 16, "ACC_BITS": 21, "OUT_BITS": 18},  # wraps, saturates
            NV_SMALL_CORE | FULL_WIDTH,
            {"ATOMIC_C": 16, "ATOMIC_K": 16, "SDP_ELEMENTS": 4, "BANKS": 8, "DEPTH": 32} | FULL_WIDTH,
        ),
    ),
    "cdma": Block(
        "cdma",
        CDMA,
        "cdma",
        (
            {"ATOM": 8, "BANKS": 8, "DEPTH": 16},  # rings wrap, banks are full
            {"ATOM": 8, "BANKS": 32, "DEPTH": 512},
            {"ATOM": 16, "BANKS": 8, "DEPTH": 32},
        ),
    ),
    "sdp": Block(
        "sdp",
        SDP,
        "sdp",
        (
            {"ATOM": 8, "ELEMENTS": 4, "BURST": 4, "FIFO": 8, "OPERAND_FIFO": 8},
            NV_SMALL_SDP,
            {"ATOM": 16, "ELEMENTS": 16, "BURST": 4, "FIFO": 64, "OPERAND_FIFO": 32},
        ),
    ),
    "conv_pipe": Block(
        "conv_pipe",
        CONV_PIPE,
        "conv_pipe",
        (
            {"ATOM": 8, "BANKS": 8, "DEPTH": 32, "SDP_ELEMENTS": 1, "BURST": 1},
            NV_SMALL_PIPE,
            {"ATOM": 16, "BANKS": 8, "DEPTH": 32, "SDP_ELEMENTS": 4, "BURST": 4},
            {
                "ATOM": 8,
                "CHANNELS": 16,
                "BANKS": 8,
                "DEPTH": 32,
                "SDP_ELEMENTS": 2,
                "BURST": 1,
            },  # as nv_large
        ),
    ),
    "pdp": Block(
        "pdp",
        PDP,
        "pdp",
        (
            {"ATOM": 8, "ELEMENTS": 1, "SDP_ELEMENTS": 2, "BURST": 4, "FIFO": 8, "COLUMNS": 128},
            {"ATOM": 8, "ELEMENTS": 1, "SDP_ELEMENTS": 1, "BURST": 1, "FIFO": 8, "COLUMNS": 128},
            {"ATOM": 16, "ELEMENTS": 4, "SDP_ELEMENTS": 4, "BURST": 4, "FIFO": 32, "COLUMNS": 128},
        ),
    ),
    "sdp_pdp": Block(
        "sdp_pdp",
        SDP_PDP,
        "sdp_pdp",
        (
            {"ATOM": 8, "SDP_ELEMENTS": 2, "PDP_ELEMENTS": 1, "BURST": 4, "OPERAND_FIFO": 8, **POOLED},
            {"ATOM": 8, "SDP_ELEMENTS": 1, "PDP_ELEMENTS": 1, "BURST": 1, "OPERAND_FIFO": 16, **POOLED},
            {"ATOM": 16, "SDP_ELEMENTS": 8, "PDP_ELEMENTS": 4, "BURST": 4, "OPERAND_FIFO": 32, **POOLED},
        ),
    ),
    "cdp": Block(
        "cdp",
        tuple(
            f"nvdla/rtl/{name}.sv"
            for name in (
                "post_types",
                "cdp_types",
                "delay",
                "register_groups",
                "read_start",
                "write_bursts",
                "lut",
                "cdp_values",
                "cdp",
            )
        ),
        "cdp",
        (
            {"ATOM": 8, "ELEMENTS": 1, "BURST": 4, "FIFO": 32},
            {"ATOM": 8, "ELEMENTS": 1, "BURST": 1, "FIFO": 8},  # nv_small
            {"ATOM": 16, "ELEMENTS": 2, "BURST": 4, "FIFO": 32},
            {"ATOM": 32, "ELEMENTS": 8, "BURST": 1, "FIFO": 32},
        ),
    ),
    "mcif": Block("mcif", ("nvdla/rtl/mcif.sv",), "mcif", ({"CLIENTS": 4}, {"CLIENTS": 10})),
    "cache": Block(
        "cache",
        ("cache/rtl/cache.sv",),
        "cache",
        (
            {"WAYS": 4, "SETS": 4, "MSHRS": 4, "BANKS": 4, "PORTS": 2, "CHANNELS": 2},
            {"WAYS": 4, "SETS": 8, "MSHRS": 4},
            {"WAYS": 2, "SETS": 4, "MSHRS": 8},
            {"WAYS": 2, "SETS": 8, "MSHRS": 8, "BANKS": 2, "PORTS": 2, "CHANNELS": 4},
        ),
    ),
    "crossbar": Block(
        "crossbar",
        ("interconnect/rtl/crossbar.sv",),
        "crossbar",
        (
            {"SOURCES": 3, "MASTERS": 6, "PORTS": 4, "ROUTES": 5},  # buses above, an address map below
            {"SOURCES": 3},
            {"SOURCES": 2},
            {"SOURCES": 2, "MASTERS": 4, "PORTS": 3, "ROUTES": 3},
        ),
    ),
    "hub": Block(
        "crossbar",
        ("interconnect/rtl/crossbar.sv",),
        "hub",
        ({"SOURCES": 4, "SLOTS": 64, "CACHES": 1}, {"SOURCES": 2, "SLOTS": 64, "CACHES": 1}),
    ),
    "flash_channel": Block(
        "flash_channel",
        ("flash/rtl/flash_channel.sv",),
        "flash_channel",
        (
            {"CHIPS": 2, "CHIP_DIES": 2, "PLANES": 2, "ENTRIES": 16},
            {"CHIPS": 4, "CHIP_DIES": 1, "PLANES": 1, "ENTRIES": 16},
            {"CHIPS": 1, "CHIP_DIES": 2, "PLANES": 4, "ENTRIES": 32},
        ),
    ),
    "dram_controller": Block(
        "dram_channel",
        tuple(
            f"dram/rtl/{name}.sv" for name in ("dram_types", "dram_controller", "dram_device", "dram_channel")
        ),
        "dram_controller",
        (
            {"RANKS": 2, "GROUPS": 4, "BANKS": 4, "ENTRIES": 32, "ANSWERS": 64},
            {"RANKS": 1, "GROUPS": 1, "BANKS": 8, "ENTRIES": 32, "ANSWERS": 64},
            {"RANKS": 2, "GROUPS": 8, "BANKS": 2, "ENTRIES": 32, "ANSWERS": 64},
        ),
    ),
}
