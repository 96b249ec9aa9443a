"""Energy and area of what a chip is made of, by technology node. Data only: no logic lives here.

First order: published figures of other people's circuits, at nominal voltage, read between the nodes and
sizes that they are given for. `low` and `high` are the factors within which other published figures lie.

Sources
  [H] M. Horowitz, "Computing's energy problem", ISSCC 2014, figure 1.1.9 (45 nm, 0.9 V)
  [J] N. Jouppi et al., "Ten lessons from three generations shaped Google's TPUv4i", ISCA 2021, table 2
  [K] S. Keckler et al., "GPUs and the future of parallel computing", IEEE Micro 31(5), 2011 (28 nm)
  [S] A. Stillmaker, B. Baas, "Scaling equations for the accurate prediction of CMOS device performance from
      180 nm to 7 nm", Integration 58, 2017, table of area factors
  [W] foundries' high-density 6T cells as WikiChip Fuse collects them ("TSMC details 5 nm", 2020), 65 to
      28 nm from TSMC's IEDM papers
  [N] NVDLA Primer (nvdla.org), "Example area and performance": synthesis area at 28 and 16 nm, all memories
      included, and power at ResNet-50's frame rates, of seven sizes
  [T] N. Jouppi et al., "In-datacenter performance analysis of a tensor processing unit", ISCA 2017: 28 nm, at
      most 331 mm2, 24 % of it the 65,536 MACs of the matrix unit, 29 % the unified buffer of 24 MiB
  [R] Rocket against Cortex-A5 in TSMC 40 nm, table of the Rocket generator's page (riscv.org, 2014): dynamic
      power 0.034 against below 0.08 mW/MHz, 0.39 against 0.53 mm2 with caches of 16 KB
  [O] M. O'Connor et al., "Fine-grained DRAM", MICRO 2017: HBM2 moves a bit over its I/O for 0.80 pJ
  [D] data sheets of NAND at 3 V, currents while it reads, programs, erases: 10 mA typical, 20 mA at most
      (Numonyx NAND01G-B2B, table 23); 25 mA typical, 50 mA at most (ONFI parts of Micron)
  [A] assumed; so are `low` and `high` where no figure beside them says how far others lie
"""

from typing import NamedTuple


class Figure(NamedTuple):
    """A figure at each node that it is published for, and how far others' lie from it."""

    by_node: dict[int, float]  # nm -> value
    low: float  # factor of the least
    high: float  # factor of the most


# Chip area relative to 130 nm [S]; 28 nm read between 32 and 20
AREA_FACTOR = {130: 1.0, 90: 0.44, 65: 0.23, 45: 0.16, 32: 0.072, 20: 0.033, 16: 0.03, 14: 0.027,
               10: 0.016, 7: 0.0092}  # [S]  # fmt: skip

# INT8 multiply and 32-bit add [pJ]: 0.2 + 0.1 [H], 0.07 + 0.03 [J]. An NVDLA of 2048 MACs spends 0.28 pJ
# a MAC at 16 nm, its buffers and registers included (291 mW at 269 ResNet-50 frames of 3.9 GMAC) [N]
MAC_PJ = Figure({45: 0.3, 7: 0.1}, 0.5, 2.0)  # [H], [J]

# 64 bits read from SRAM [pJ], by its bytes: [H] and [J]. At 28 nm 256 bits from 8 KiB are 50 pJ in [K]
SRAM_PJ_PER_64_BITS = {
    8 * 2**10: Figure({45: 10.0, 7: 7.5}, 0.5, 2.0),  # [H], [J]
    32 * 2**10: Figure({45: 20.0, 7: 8.5}, 0.5, 2.0),  # [H], [J]
    2**20: Figure({45: 100.0, 7: 14.0}, 0.5, 2.0),  # [H], [J]
}
SRAM_LEAST_BYTES, SRAM_MOST_BYTES = 2**10, 2**26  # sizes to which the three are extended [A]

# A bit's cell [um2] [W]; cells are half of a macro [A] (0.27 of the TPU's buffer [T], above 0.7 of the
# largest compiled macros)
SRAM_CELL_UM2 = {65: 0.499, 45: 0.242, 28: 0.127, 16: 0.074, 14: 0.064, 10: 0.042, 7: 0.027}  # [W]
SRAM_CELL_SHARE = Figure({28: 0.5}, 0.54, 1.5)  # [A], [T]
SRAM_LEAKAGE_MW_PER_MIB = Figure({28: 20.0}, 0.15, 10.0)  # [A]; low-power to high-performance cells

# NVDLA at 28 nm: least squares over [N]'s seven rows, each met within 8 % (32 to 2048 MACs, 128 to 512 KiB)
NVDLA_REST_MM2 = Figure({28: 0.384}, 0.9, 1.1)  # [N]: all but MACs and buffer
NVDLA_MAC_UM2 = Figure({28: 1777.0}, 0.9, 1.1)  # [N]
NVDLA_BUFFER_UM2_PER_KIB = Figure({28: 3246.0}, 0.9, 1.1)  # [N]

SYSTOLIC_MAC_UM2 = Figure({28: 1212.0}, 0.5, 1.5)  # 24 % of 331 mm2 over 65,536 [T], an upper bound
LOGIC_LEAKAGE_MW_PER_MM2 = Figure({28: 10.0}, 0.2, 5.0)  # [A]

# A core at work [pJ a cycle], L1s perhaps included: [R] does not say; its area [mm2] with L1s of 16 KiB
CORE_PJ = Figure({40: 34.0}, 0.5, 3.0)  # [R]; Cortex-A5: below 80
CORE_MM2 = Figure({40: 0.39}, 0.7, 3.0)  # [R]; Cortex-A5: 0.53

WIRE_PJ_PER_BYTE_MM = Figure({28: 26.0 / 32}, 0.5, 2.0)  # 256 bits over 1 mm: 26 pJ [K]
WIRE_MM = 5.0  # [A] that a request or its data travel on the chip

# A bit over the pins of DRAM [pJ], both ends; beside what the currents of the chips say
DRAM_IO_PJ_PER_BIT = {
    "HBM": Figure({28: 0.8}, 0.5, 1.5),  # [O]
    "LPDDR": Figure({28: 2.5}, 0.5, 2.0),  # [A]
    "GDDR": Figure({28: 5.0}, 0.6, 1.6),  # [A]
    "DDR": Figure({28: 6.0}, 0.5, 1.7),  # [A]; terminated
}

FLASH_VOLTS, FLASH_AMPERES = 3.3, 0.025  # of a plane that reads, programs or erases [D]
FLASH_BUS_PJ_PER_BYTE = 8 * 6.0  # [A] between chip and controller
FLASH_LINK_PJ_PER_BYTE = 8 * 6.0  # [A] a PCIe lane, both ends
FLASH_RANGE = 0.4, 2.0  # 10 mA typical to 50 mA at most [D]
