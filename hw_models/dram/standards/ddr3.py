"""DDR3 SDRAM, 64-bit channel. Data only: no logic lives here.

Sources
  [R] Ramulator 2.1, python/ramulator/dram/ddr3.py (secondary; bins and tables of JESD79-3)
  [F] FASED, DramCommon.scala and its Micron part tables: DDR3-2133 is sg093, 14-14-14
  [M] Micron 4Gb DDR3L data sheet, currents as in DRAMsim3's DDR3_4Gb_x8_1600.ini
  [A] our assumption
"""

from hw_models.dram.spec import Currents, Device, ns

NAME = "DDR3"
CHANNEL_WIDTH = 64  # bits
BURST_LENGTH = 8
TRANSFERS_PER_CLOCK = 2
PSEUDO_CHANNELS = 1
PER_BANK_REFRESH = False

SPEEDS = ("1066F", "1333H", "1600K", "1866L", "2133N")
USUAL = {"1066": "1066F", "1333": "1333H", "1600": "1600K", "1866": "1866L", "2133": "2133N"}
CLOCK_FS = (1_875_000, 1_500_000, 1_250_000, 1_071_429, 937_500)  # tCK of the data rate

TIMINGS = {
    "CL": (7, 9, 11, 12, 14),  # [R]; 2133: [F]
    "CWL": (6, 7, 8, 9, 10),  # [R]
    "tRCD": (7, 9, 11, 12, 14),  # ACT to RD or WR [R]; 2133: [F]
    "tRP": (7, 9, 11, 12, 14),  # PRE to ACT [R]; 2133: [F]
    "tRAS": (20, 24, 28, 32, 36),  # ACT to PRE [R]
    "tRC": (27, 33, 39, 44, 50),  # ACT to ACT of a bank: tRAS + tRP [R]
    "tRRD_S": (4, 4, 5, 5, 6),  # ACT to ACT of another bank, 1 KiB pages [R]
    "tRRD_L": (4, 4, 5, 5, 6),  # no bank groups: the same [R]
    "tFAW": (20, 20, 24, 26, 27),  # four ACTs, 1 KiB pages [R]
    "tCCD_S": (4, 4, 4, 4, 4),  # RD to RD, WR to WR [R]
    "tCCD_L": (4, 4, 4, 4, 4),  # no bank groups: the same [R]
    "tWTR_S": (4, 5, 6, 7, 8),  # end of write data to RD [R]
    "tWTR_L": (4, 5, 6, 7, 8),  # no bank groups: the same [R]
    "tRTP": (4, 5, 6, 7, 8),  # RD to PRE [R]
    "tWR": (8, 10, 12, 14, 16),  # end of write data to PRE [R]
    "tRTW": (2, 2, 2, 2, 2),  # bus turnaround between read and write data [R]
    "tRTRS": (2, 2, 2, 2, 2),  # bus turnaround between ranks (nCS) [R]
    "tREFI": (ns(7800),) * 5,  # [R]
    "tXP": (ns(6, 3),) * 5,  # power-down exit: max(3 nCK, 6 ns) [A]
    "tCKE": (ns(5, 3),) * 5,  # shortest power-down: max(3 nCK, 5 ns) [A]
    "tXSR": (ns(10),) * 5,  # self-refresh exit: tRFC and this [M]
}

DEVICES = {  # rows, page and tRFC by density [R]
    "1Gb_x8": Device(8, 1, 8, 1 << 14, 1024, 110),
    "2Gb_x8": Device(8, 1, 8, 1 << 15, 1024, 160),
    "4Gb_x8": Device(8, 1, 8, 1 << 16, 1024, 260),
    "8Gb_x8": Device(8, 1, 8, 1 << 17, 1024, 350),
}
USUAL_DEVICE = "4Gb_x8"

CURRENTS = Currents(
    vdd=1.35, idd0=55, idd2n=32, idd2p=18, idd3n=38, idd3p=38, idd4r=157, idd4w=125, idd5=235, idd6=20
)  # [M]
