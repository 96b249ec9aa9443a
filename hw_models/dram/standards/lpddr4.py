"""LPDDR4, one 32-bit channel of two x16 dies side by side. Data only: no logic lives here.

Sources
  [J] JESD209-4, as quoted by Ramulator 1 (LPDDR4.cpp) and DRAMSys (JEDEC_8Gb_LPDDR4-3200_16bit.json)
  [A] our assumption
"""

from hw_models.dram.spec import Currents, Device, ns

NAME = "LPDDR4"
CHANNEL_WIDTH = 32  # bits
BURST_LENGTH = 16
TRANSFERS_PER_CLOCK = 2
PSEUDO_CHANNELS = 1
PER_BANK_REFRESH = True

SPEEDS = ("1600", "2400", "3200", "4266")
USUAL: dict[str, str] = {}
CLOCK_FS = (1_250_000, 833_333, 625_000, 468_750)  # tCK of the data rate

TIMINGS = {
    "CL": (14, 24, 28, 36),  # RL without DBI [J]
    "CWL": (8, 12, 14, 18),  # WL, set A [J]
    "tDQSCK": (ns(3.5),) * 4,  # read strobe after RL: longest [J]
    "tRCD": (ns(18, 4),) * 4,  # ACT to RD or WR [J]
    "tRP": (ns(18, 4),) * 4,  # PRE of a bank to ACT [J]
    "tRPab": (ns(21, 4),) * 4,  # PRE of all banks to ACT [J]
    "tRAS": (ns(42, 3),) * 4,  # ACT to PRE [J]
    "tRC": (ns(60),) * 4,  # ACT to ACT of a bank: tRAS + tRPpb [J]
    "tRRD_S": (ns(10, 4), ns(10, 4), ns(10, 4), ns(7.5, 4)),  # ACT to ACT of another bank [J]
    "tRRD_L": (ns(10, 4), ns(10, 4), ns(10, 4), ns(7.5, 4)),  # no bank groups: the same [J]
    "tFAW": (ns(40), ns(40), ns(40), ns(30)),  # four ACTs [J]
    "tCCD_S": (8, 8, 8, 8),  # BL16 [J]
    "tCCD_L": (8, 8, 8, 8),  # no bank groups: the same [J]
    "tWTR_S": (ns(10, 8),) * 4,  # end of write data to RD [J]
    "tWTR_L": (ns(10, 8),) * 4,  # no bank groups: the same [J]
    "tRTP": (ns(7.5, 8),) * 4,  # RD to PRE [J]
    "tWR": (ns(18, 6),) * 4,  # end of write data to PRE [J]
    "tRTW": (2, 2, 2, 2),  # bus turnaround between read and write data [A]
    "tRTRS": (4, 4, 4, 4),  # bus turnaround between ranks: strobe offsets [A]
    "tPPD": (4, 4, 4, 4),  # PRE to PRE [J]
    "tREFI": (ns(3904),) * 4,  # [J]
    "tREFIpb": (ns(488),) * 4,  # tREFI / 8 banks [J]
    "tXP": (ns(7.5, 5),) * 4,  # power-down exit [J]
    "tCKE": (ns(7.5, 4),) * 4,  # shortest power-down [J]
    "tXSR": (ns(7.5),) * 4,  # self-refresh exit: tRFC and this [J]
}

DEVICES = {  # per x16 die; tRFCab and tRFCpb by density [J]
    "4Gb_x16": Device(16, 1, 8, 1 << 15, 2048, 180, 90),
    "8Gb_x16": Device(16, 1, 8, 1 << 16, 2048, 280, 140),
    "16Gb_x16": Device(16, 1, 8, 1 << 17, 2048, 380, 190),
}
USUAL_DEVICE = "8Gb_x16"

CURRENTS = Currents(
    vdd=1.1, idd0=22, idd2n=12, idd2p=2.5, idd3n=15, idd3p=6, idd4r=230, idd4w=190, idd5=56, idd6=2
)  # [A] order of a Micron 8Gb part
