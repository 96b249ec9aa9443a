"""From the tables to a node and a size. Between nodes and sizes figures are read on logarithmic axes."""

from collections.abc import Mapping
from math import exp, log

from hw_models.energy import tables
from hw_models.energy.tables import Figure

MIB = 2**20


def between(points: Mapping[int, float], at: float) -> float:
    """Return a positive figure at ``at``, read between (or beyond) the nearest two points on log-log axes.

    Examples:
        >>> between({1: 1.0, 100: 10.0}, 100), round(between({1: 1.0, 100: 10.0}, 10), 6)
        (10.0, 3.162278)
    """
    known = sorted(points)
    if at in points or len(known) == 1:
        return points.get(int(at), points[known[0]])
    upper = min(next((i for i, x in enumerate(known) if x > at), len(known) - 1) or 1, len(known) - 1)
    low, high = known[upper - 1], known[upper]
    share = log(at / low) / log(high / low)
    return exp((1 - share) * log(points[low]) + share * log(points[high]))


def area_factor(node: int, of: int) -> float:
    """Return the area of a circuit at ``node`` relative to that at ``of`` [nm]."""
    return between(tables.AREA_FACTOR, node) / between(tables.AREA_FACTOR, of)


def mac_pj(node: int) -> float:
    """Return the energy of an INT8 multiply-accumulate."""
    return between(tables.MAC_PJ.by_node, node)


def sram_pj_per_byte(node: int, size_bytes: int) -> float:
    """Return the energy of a byte read from, or written to, an SRAM of ``size_bytes``."""
    size = min(max(size_bytes, tables.SRAM_LEAST_BYTES), tables.SRAM_MOST_BYTES)
    by_size = {bytes_: between(f.by_node, node) for bytes_, f in tables.SRAM_PJ_PER_64_BITS.items()}
    return between(by_size, size) / 8


def sram_mm2(node: int, size_bytes: int) -> float:
    """Return the area of an SRAM, its periphery included."""
    cell = between(tables.SRAM_CELL_UM2, node)
    return 8 * size_bytes * cell / tables.SRAM_CELL_SHARE.by_node[28] / 1e6


def sram_leakage_w(size_bytes: int) -> float:
    """Return the leakage of an SRAM: the same at every node, within its wide range."""
    return tables.SRAM_LEAKAGE_MW_PER_MIB.by_node[28] * size_bytes / MIB * 1e-3


def logic_leakage_w(area_mm2: float) -> float:
    """Return the leakage of logic: by area, so that it falls with the node."""
    return tables.LOGIC_LEAKAGE_MW_PER_MM2.by_node[28] * area_mm2 * 1e-3


def nvdla_mm2(node: int, macs: int, buffer_bytes: int) -> dict[str, float]:
    """Return the area of an NVDLA: MACs, buffer, the rest."""
    scale = area_factor(node, 28)
    return {
        "macs": macs * tables.NVDLA_MAC_UM2.by_node[28] / 1e6 * scale,
        "buffer": buffer_bytes / 1024 * tables.NVDLA_BUFFER_UM2_PER_KIB.by_node[28] / 1e6 * scale,
        "rest": tables.NVDLA_REST_MM2.by_node[28] * scale,
    }


def systolic_mm2(node: int, macs: int, scratchpad_bytes: int) -> dict[str, float]:
    """Return the area of a systolic array: MACs and scratchpads."""
    scale = area_factor(node, 28)
    return {
        "macs": macs * tables.SYSTOLIC_MAC_UM2.by_node[28] / 1e6 * scale,
        "buffer": sram_mm2(node, scratchpad_bytes),
    }


def core_pj_per_cycle(node: int) -> float:
    """Return the energy of a cycle in which a core works: scaled as a multiply-accumulate is."""
    return tables.CORE_PJ.by_node[40] * mac_pj(node) / mac_pj(40)


def core_mm2(node: int) -> float:
    return tables.CORE_MM2.by_node[40] * area_factor(node, 40)


def wire_pj_per_byte(node: int) -> float:
    """Return the energy of a byte's way over the chip; wires hardly gain from a node, their drivers do."""
    figure = tables.WIRE_PJ_PER_BYTE_MM.by_node[28]
    return figure * tables.WIRE_MM * (mac_pj(node) / mac_pj(28)) ** 0.5


def dram_io_pj_per_byte(standard: str) -> float:
    """Return the energy of a byte over the pins of a DRAM standard such as "LPDDR4-3200"."""
    return 8 * dram_io(standard).by_node[28]


def dram_io(standard: str) -> Figure:
    return next(f for kind, f in tables.DRAM_IO_PJ_PER_BIT.items() if standard.startswith(kind))


def flash_cell_j(time_fs: int) -> float:
    """Return the energy of a plane that is busy with its array for ``time_fs``."""
    return tables.FLASH_VOLTS * tables.FLASH_AMPERES * time_fs * 1e-15
