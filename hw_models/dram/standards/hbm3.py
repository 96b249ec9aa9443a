"""HBM3, one channel of two 32-bit pseudo-channels. Data only: no logic lives here.

Sources
  [R] Ramulator 2.1, python/ramulator/dram/hbm3.py (secondary; JESD238 and vendors' typical values)
  [A] our assumption
A clock is CK; data move four times a clock. A pseudo-channel has banks, data bus and refresh of its own; both
share one command bus of one command a clock (the standard has two buses and half-clock row commands).
"""

from hw_models.dram.spec import Currents, Device, ns

NAME = "HBM3"
CHANNEL_WIDTH = 64  # bits
BURST_LENGTH = 8
TRANSFERS_PER_CLOCK = 4
PSEUDO_CHANNELS = 2
PER_BANK_REFRESH = True

SPEEDS = ("4800", "5600", "6400")
USUAL: dict[str, str] = {}
CLOCK_FS = (833_333, 714_286, 625_000)

TIMINGS = {
    "CL": (18, 22, 26),  # [R]
    "CWL": (6, 8, 8),  # [R]
    "tRCD": (18, 22, 26),  # ACT to RD [R]
    "tRCDWR": (10, 12, 14),  # ACT to WR [R]
    "tRP": (18, 22, 26),  # PRE to ACT [R]
    "tRAS": (36, 42, 48),  # ACT to PRE [R]
    "tRC": (54, 64, 74),  # ACT to ACT of a bank: tRAS + tRP [R]
    "tRRD_S": (ns(2.5, 2),) * 3,  # ACT to ACT of another bank group [A]; 5 ns in [R] hides tFAW
    "tRRD_L": (ns(5, 4),) * 3,  # within a bank group [R]
    "tFAW": (ns(15, 8),) * 3,  # four ACTs [R]
    "tCCD_S": (2, 2, 2),  # BL8 [R]
    "tCCD_L": (4, 4, 4),  # within a bank group [R]
    "tWTR_S": (6, 8, 8),  # end of write data to RD of another bank group [R]
    "tWTR_L": (8, 10, 12),  # within a bank group [R]
    "tRTP": (4, 5, 6),  # RD to PRE [R]
    "tWR": (16, 20, 24),  # end of write data to PRE [R]
    "tRTW": (2, 2, 2),  # bus turnaround between read and write data (nBTR) [R]
    "tRTRS": (0, 0, 0),  # pseudo-channels have a bus each
    "tPPD": (2, 2, 2),  # PRE to PRE [R]
    "tREFI": (ns(3900),) * 3,  # [R]
    "tREFIpb": (ns(243.75),) * 3,  # tREFI / 16 banks of a pseudo-channel [R]
    "tRREFD": (ns(8, 3),) * 3,  # REFpb to ACT of another bank [R]
    "tXP": (ns(8),) * 3,  # power-down exit [A]
    "tCKE": (ns(8),) * 3,  # shortest power-down [A]
    "tXSR": (ns(8),) * 3,  # self-refresh exit: tRFC and this [A]
}

DEVICES = {  # of a pseudo-channel: tRFC and tRFCpb by density [R]
    "8Gb": Device(32, 4, 4, 1 << 15, 1024, 350, 200),
    "16Gb": Device(32, 4, 4, 1 << 16, 1024, 450, 200),
}
USUAL_DEVICE = "16Gb"

# [A] HBM2's, scaled to 1.1 V and the data rate
CURRENTS = Currents(
    vdd=1.1, idd0=35, idd2n=22, idd2p=15, idd3n=30, idd3p=22, idd4r=290, idd4w=330, idd5=150, idd6=17
)
