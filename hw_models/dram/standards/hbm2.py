"""HBM2, one legacy channel of two 64-bit pseudo-channels. Data only: no logic lives here.

Sources
  [R] Ramulator 2.1, python/ramulator/dram/hbm2.py (secondary; JESD235D and vendors' typical values)
  [D] DRAMsim3, HBM2_8Gb_x128.ini (secondary): tFAW, power states, currents
  [A] our assumption
A pseudo-channel has banks, data bus and refresh of its own; both share one command bus of one command a clock
(the standard has two buses, and ACT takes two clocks).
"""

from hw_models.dram.spec import Currents, Device, ns

NAME = "HBM2"
CHANNEL_WIDTH = 128  # bits
BURST_LENGTH = 4
TRANSFERS_PER_CLOCK = 2
PSEUDO_CHANNELS = 2
PER_BANK_REFRESH = True

SPEEDS = ("1600", "2000", "2400")
USUAL: dict[str, str] = {}
CLOCK_FS = (1_250_000, 1_000_000, 833_333)

TIMINGS = {
    "CL": (10, 14, 17),  # [R]
    "CWL": (4, 5, 6),  # [R]
    "tRCD": (10, 14, 17),  # ACT to RD [R]
    "tRCDWR": (8, 12, 14),  # ACT to WR [R]
    "tRP": (10, 14, 17),  # PRE to ACT [R]
    "tRAS": (24, 34, 40),  # ACT to PRE [R]
    "tRC": (34, 48, 57),  # ACT to ACT of a bank: tRAS + tRP [R]
    "tRRD_S": (4, 4, 5),  # ACT to ACT of another bank group: 4 ns [R]
    "tRRD_L": (4, 6, 7),  # within a bank group: 6 at 1 GHz [D]
    "tFAW": (ns(30),) * 3,  # four ACTs: 30 at 1 GHz [D]
    "tCCD_S": (2, 2, 2),  # BL4 [R]
    "tCCD_L": (4, 4, 4),  # within a bank group [R]
    "tWTR_S": (5, 6, 8),  # end of write data to RD of another bank group [R]
    "tWTR_L": (6, 8, 10),  # within a bank group [R]
    "tRTP": (4, 5, 6),  # RD to PRE [R]
    "tWR": (12, 16, 19),  # end of write data to PRE [R]
    "tRTW": (2, 2, 2),  # bus turnaround between read and write data [R]
    "tRTRS": (0, 0, 0),  # pseudo-channels have a bus each
    "tREFI": (ns(3900),) * 3,  # [R]
    "tREFIpb": (ns(243.75),) * 3,  # tREFI / 16 banks of a pseudo-channel [R]
    "tRREFD": (ns(8, 4),) * 3,  # REFpb to ACT of another bank [R]
    "tXP": (ns(8),) * 3,  # power-down exit [D]
    "tCKE": (ns(8),) * 3,  # shortest power-down [D]
    "tXSR": (ns(8),) * 3,  # self-refresh exit: tRFC and this [D]
}

DEVICES = {  # of a pseudo-channel: tRFC and tRFCpb by density [R]
    "4Gb": Device(64, 4, 4, 1 << 15, 1024, 260, 160),
    "8Gb": Device(64, 4, 4, 1 << 16, 1024, 350, 160),
}
USUAL_DEVICE = "8Gb"

# half a channel of [D]
CURRENTS = Currents(
    vdd=1.2, idd0=32.5, idd2n=20, idd2p=14, idd3n=27.5, idd3p=20, idd4r=195, idd4w=250, idd5=125, idd6=15.5
)
