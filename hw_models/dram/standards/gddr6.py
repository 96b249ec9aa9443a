"""GDDR6, one 16-bit channel of a chip of two. Data only: no logic lives here.

Sources
  [R] Ramulator 2.1, python/ramulator/dram/gddr6.py (secondary; a Samsung 8 Gb data sheet), 1.75 GHz, 1.35 V,
      scaled by time to the other speeds
  [D] DRAMsim3, GDDR5X_8Gb_x32.ini (secondary): column distances of BL16, currents
  [A] our assumption
"""

from hw_models.dram.spec import Currents, Device, ns

NAME = "GDDR6"
CHANNEL_WIDTH = 16  # bits
BURST_LENGTH = 16
TRANSFERS_PER_CLOCK = 8  # a clock is CK
PSEUDO_CHANNELS = 1
PER_BANK_REFRESH = True

SPEEDS = ("12000", "14000", "16000")
USUAL: dict[str, str] = {}
CLOCK_FS = (666_667, 571_429, 500_000)  # CK

TIMINGS = {
    "CL": (20, 24, 27),  # 14000 [R], others [A]
    "CWL": (6, 6, 7),  # 14000 [R], others [A]
    "tRCD": (ns(14.8),) * 3,  # ACT to RD: 26 at 14000 [R]
    "tRCDWR": (ns(9.1),) * 3,  # ACT to WR: 16 at 14000 [R]
    "tRP": (ns(14.8),) * 3,  # PRE to ACT: 26 at 14000 [R]
    "tRAS": (ns(30.2),) * 3,  # ACT to PRE: 53 at 14000 [R]
    "tRC": (69, 79, 91),  # ACT to ACT of a bank, tRAS + tRP: 14000 [R]
    "tRRD_S": (ns(4, 2),) * 3,  # ACT to ACT: 7 at 14000 [R]
    "tRRD_L": (ns(4, 2),) * 3,  # within a bank group [R]
    "tFAW": (ns(16, 8),) * 3,  # four ACTs: 28 at 14000 [R]
    "tCCD_S": (2, 2, 2),  # BL16 [D]
    "tCCD_L": (3, 3, 3),  # within a bank group [D]
    "tWTR_S": (ns(5.1),) * 3,  # end of write data to RD of another bank group: 9 at 14000 [R]
    "tWTR_L": (ns(6.2),) * 3,  # within a bank group: 11 at 14000 [R]
    "tRTP": (4, 4, 4),  # RD to PRE [R]
    "tWR": (ns(14.8),) * 3,  # end of write data to PRE: 26 at 14000 [R]
    "tRTW": (2, 2, 2),  # bus turnaround between read and write data [A]
    "tRTRS": (0, 0, 0),  # one rank
    "tREFI": (ns(1900),) * 3,  # 3333 at 14000 [R]
    "tREFIpb": (ns(118.75),) * 3,  # tREFI / 16 banks
    "tRREFD": (ns(8, 2),) * 3,  # REFpb to ACT of another bank: 14 at 14000 [R]
    "tXP": (ns(6.7),) * 3,  # power-down exit: 10 at 1.5 GHz [D]
    "tCKE": (ns(6.7),) * 3,  # shortest power-down [A]
    "tXSR": (ns(8),) * 3,  # self-refresh exit: tRFC and this: 12 at 1.5 GHz [D]
}

DEVICES = {  # one of the two channels; 210 and 105 clocks at 14000 [R]
    "8Gb_x16": Device(16, 4, 4, 1 << 14, 2048, 120, 60),
    "16Gb_x16": Device(16, 4, 4, 1 << 15, 2048, 120, 60),
}
USUAL_DEVICE = "8Gb_x16"

# half a chip of GDDR5X [D]
CURRENTS = Currents(
    vdd=1.35,
    idd0=37.5,
    idd2n=22.5,
    idd2p=15,
    idd3n=27.5,
    idd3p=20,
    idd4r=105.5,
    idd4w=99,
    idd5=143,
    idd6=17.5,
)
