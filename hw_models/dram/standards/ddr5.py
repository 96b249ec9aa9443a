"""DDR5 SDRAM, one 32-bit subchannel. Data only: no logic lives here.

Sources
  [R] Ramulator 2.1, python/ramulator/dram/ddr5.py (secondary; bins and tables of JESD79-5)
  [G] gem5, DDR5_4400_4x8 (secondary; Micron DDR5 core data sheet): max(8 nCK, 5 ns) and its kin
  [A] our assumption
Commands of two clocks count as one, and REFsb (the same bank of every group) is not modelled.
"""

from hw_models.dram.spec import Currents, Device, ns

NAME = "DDR5"
CHANNEL_WIDTH = 32  # bits
BURST_LENGTH = 16
TRANSFERS_PER_CLOCK = 2
PSEUDO_CHANNELS = 1
PER_BANK_REFRESH = False

SPEEDS = ("3200BN", "4800BN", "5600AN", "6400AN")
USUAL = {"3200": "3200BN", "4800": "4800BN", "5600": "5600AN", "6400": "6400AN"}
CLOCK_FS = (625_000, 416_667, 357_143, 312_500)  # tCK of the data rate

TIMINGS = {
    "CL": (26, 36, 40, 46),  # [R]
    "CWL": (24, 34, 38, 44),  # CL - 2 [R]
    "tRCD": (26, 36, 40, 46),  # ACT to RD or WR [R]
    "tRP": (26, 36, 40, 46),  # PRE to ACT [R]
    "tRAS": (52, 77, 90, 103),  # ACT to PRE: 32 ns [R]
    "tRC": (78, 113, 130, 149),  # ACT to ACT of a bank: tRAS + tRP [R]
    "tRRD_S": (8, 8, 8, 8),  # ACT to ACT of another bank group [R]
    "tRRD_L": (ns(5, 8),) * 4,  # within a bank group: max(8 nCK, 5 ns) [R]
    "tFAW": (32, 32, 32, 32),  # four ACTs, 1 KiB pages: 32 nCK, no longer time above 3200 [A]; 20 ns in [R]
    "tCCD_S": (8, 8, 8, 8),  # BL16 [R]
    "tCCD_L": (ns(5, 8),) * 4,  # RD to RD within a bank group: max(8 nCK, 5 ns) [R]
    "tCCD_S_WR": (8, 8, 8, 8),  # WR to WR of another bank group [R]
    "tCCD_L_WR": (ns(20, 32),) * 4,  # within a bank group: max(32 nCK, 20 ns) [R]
    "tWTR_S": (ns(2.5, 4),) * 4,  # end of write data to RD of another bank group [G]
    "tWTR_L": (ns(10, 16),) * 4,  # within a bank group: max(16 nCK, 10 ns) [R]
    "tRTP": (ns(7.5, 12),) * 4,  # RD to PRE: max(12 nCK, 7.5 ns) [R]
    "tWR": (ns(30),) * 4,  # end of write data to PRE [R]
    "tRTW": (4, 4, 4, 4),  # bus turnaround with pre- and postamble [R]
    "tRTRS": (2, 2, 2, 2),  # bus turnaround between ranks (nCS) [R]
    "tPPD": (2, 2, 2, 2),  # PRE to PRE [R]
    "tREFI": (ns(3900),) * 4,  # [R]
    "tXP": (ns(7.5, 8),) * 4,  # power-down exit: max(8 nCK, 7.5 ns) [A]
    "tCKE": (ns(7.5, 8),) * 4,  # shortest power-down (tPD) [A]
    "tXSR": (ns(10),) * 4,  # self-refresh exit: tRFC and this [A]
}

DEVICES = {  # rows, page and tRFC1 by density [R]
    "8Gb_x8": Device(8, 8, 2, 1 << 16, 1024, 195),
    "16Gb_x8": Device(8, 8, 4, 1 << 16, 1024, 295),
    "32Gb_x8": Device(8, 8, 4, 1 << 17, 1024, 410),
}
USUAL_DEVICE = "16Gb_x8"

# [A] of the order of a 16Gb x8 part
CURRENTS = Currents(
    vdd=1.1,
    idd0=103,
    idd2n=92,
    idd2p=88,
    idd3n=142,
    idd3p=139,
    idd4r=354,
    idd4w=356,
    idd5=277,
    idd6=102,
    idd3n_banks=32,  # with all banks open (JESD79-5 IDD3N): one open bank draws less than idd0 then
)
