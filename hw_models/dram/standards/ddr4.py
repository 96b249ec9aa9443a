"""DDR4 SDRAM, 64-bit channel. Data only: no logic lives here.

Sources
  [R] Ramulator 2.1, python/ramulator/dram/ddr4.py (secondary; bins and tables of JESD79-4)
  [J] JESD79-4 bin letters, as Ramulator 1 has them: 2400R is 16-16-16, T 17-17-17, U 18-18-18
  [M] Micron 8Gb DDR4 data sheet (MT40A1G8), currents as in DRAMsim3's DDR4_8Gb_x8_2400.ini
  [A] our assumption
"""

from hw_models.dram.spec import Currents, Device, ns

NAME = "DDR4"
CHANNEL_WIDTH = 64  # bits
BURST_LENGTH = 8
TRANSFERS_PER_CLOCK = 2
PSEUDO_CHANNELS = 1
PER_BANK_REFRESH = False

SPEEDS = ("1600K", "1866M", "2133P", "2400R", "2400T", "2666V", "2933Y", "3200AA")
USUAL = {
    "1600": "1600K",
    "1866": "1866M",
    "2133": "2133P",
    "2400": "2400R",
    "2666": "2666V",
    "2933": "2933Y",
    "3200": "3200AA",
}
CLOCK_FS = (
    1_250_000,
    1_071_429,
    937_500,
    833_333,
    833_333,
    750_000,
    681_818,
    625_000,
)  # tCK of the data rate

TIMINGS = {
    "CL": (11, 13, 15, 16, 17, 19, 21, 22),  # [R]; 2400T: [J]
    "CWL": (9, 10, 11, 12, 12, 14, 16, 16),  # [R]
    "tRCD": (11, 13, 15, 16, 17, 19, 21, 22),  # ACT to RD or WR [R]; 2400T: [J]
    "tRP": (11, 13, 15, 16, 17, 19, 21, 22),  # PRE to ACT [R]; 2400T: [J]
    "tRAS": (28, 32, 36, 39, 39, 43, 47, 52),  # ACT to PRE [R]
    "tRC": (39, 45, 51, 55, 56, 62, 68, 74),  # ACT to ACT of a bank: tRAS + tRP [R]
    "tRRD_S": (4, 4, 4, 4, 4, 4, 4, 4),  # ACT to ACT of another bank group, 1 KiB pages [R]
    "tRRD_L": (5, 5, 6, 6, 6, 7, 8, 8),  # within a bank group, 1 KiB pages [R]
    "tFAW": (20, 22, 23, 26, 26, 28, 31, 34),  # four ACTs, 1 KiB pages [R]
    "tCCD_S": (4, 4, 4, 4, 4, 4, 4, 4),  # RD to RD, WR to WR of another bank group [R]
    "tCCD_L": (5, 5, 6, 6, 6, 7, 8, 8),  # within a bank group [R]
    "tWTR_S": (2, 3, 3, 3, 3, 4, 4, 4),  # end of write data to RD of another bank group [R]
    "tWTR_L": (6, 7, 8, 9, 9, 10, 11, 12),  # within a bank group [R]
    "tRTP": (6, 7, 8, 9, 9, 10, 11, 12),  # RD to PRE [R]
    "tWR": (12, 14, 16, 18, 18, 20, 22, 24),  # end of write data to PRE [R]
    "tRTW": (2,) * 8,  # bus turnaround between read and write data [R]
    "tRTRS": (2,) * 8,  # bus turnaround between ranks (nCS) [R]
    "tREFI": (ns(7800),) * 8,  # [R]
    "tXP": (ns(6, 4),) * 8,  # power-down exit: max(4 nCK, 6 ns) [M]
    "tCKE": (ns(5, 3),) * 8,  # shortest power-down: max(3 nCK, 5 ns) [M]
    "tXSR": (ns(10),) * 8,  # self-refresh exit: tRFC and this [M]
}

DEVICES = {  # rows, page and tRFC by density [R]
    "4Gb_x8": Device(8, 4, 4, 1 << 15, 1024, 260),
    "8Gb_x8": Device(8, 4, 4, 1 << 16, 1024, 350),
    "16Gb_x8": Device(8, 4, 4, 1 << 17, 1024, 550),
}
USUAL_DEVICE = "8Gb_x8"

CURRENTS = Currents(
    vdd=1.2, idd0=48, idd2n=34, idd2p=25, idd3n=43, idd3p=37, idd4r=135, idd4w=123, idd5=250, idd6=31
)  # [M]
