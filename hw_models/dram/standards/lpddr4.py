"""LPDDR4, one 32-bit channel of two x16 dies side by side. Data only: no logic lives here.

Sources
  [D] DRAMSys, JEDEC_8Gb_LPDDR4-3200_16bit.json (secondary; JESD209-4), timings and currents
  [V] Ramulator 1, LPDDR4.cpp (secondary): which rules there are
  [J] JESD209-4 latency tables, remembered, not seen
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
    "CL": (14, 24, 28, 36),  # RL without DBI: 3200 [D], others [J]
    "CWL": (8, 12, 14, 18),  # WL, set A: 3200 [D], others [J]
    "tDQSCK": (ns(3.6),) * 4,  # read strobe after RL, longest: 6 clocks at 3200 [D]
    "tRCD": (ns(18, 4),) * 4,  # ACT to RD or WR: 29 at 3200 [D]
    "tRP": (ns(18, 4),) * 4,  # PRE of a bank to ACT: 29 at 3200 [D]
    "tRPab": (ns(21, 4),) * 4,  # PRE of all banks to ACT: 34 at 3200 [D]
    "tRAS": (ns(42, 3),) * 4,  # ACT to PRE: 68 at 3200 [D]
    "tRC": (ns(60.5),) * 4,  # ACT to ACT of a bank, tRAS + tRPpb: 97 at 3200 [D]
    "tRRD_S": (ns(10, 4), ns(10, 4), ns(10, 4), ns(7.5, 4)),  # ACT to ACT: 16 at 3200 [D]; 4266 [J]
    "tRRD_L": (ns(10, 4), ns(10, 4), ns(10, 4), ns(7.5, 4)),  # no bank groups: the same
    "tFAW": (ns(40), ns(40), ns(40), ns(30)),  # four ACTs: 64 at 3200 [D]; 4266 [J]
    "tCCD_S": (8, 8, 8, 8),  # BL16 [D]
    "tCCD_L": (8, 8, 8, 8),  # no bank groups: the same
    "tWTR_S": (ns(10, 8),) * 4,  # end of write data to RD: 16 at 3200 [D]
    "tWTR_L": (ns(10, 8),) * 4,  # no bank groups: the same
    "tRTP": (ns(7.5, 8),) * 4,  # RD to PRE: 12 at 3200 [D]
    "tWR": (ns(18, 6),) * 4,  # end of write data to PRE: 29 at 3200 [D]
    "tRTW": (1, 1, 1, 1),  # bus turnaround between read and write data [V]
    "tRTRS": (1, 1, 1, 1),  # bus turnaround between ranks [D]
    "tPPD": (4, 4, 4, 4),  # PRE to PRE [D]
    "tREFI": (ns(3904),) * 4,  # 6246 at 3200 [D]
    "tREFIpb": (ns(488),) * 4,  # tREFI / 8 banks: 780 at 3200 [D]
    "tRREFD": (ns(10, 4), ns(10, 4), ns(10, 4), ns(7.5, 4)),  # REFpb to ACT of another bank: tRRD [V]
    "tXP": (ns(7.5, 5),) * 4,  # power-down exit: 12 at 3200 [D]
    "tCKE": (ns(7.5, 4),) * 4,  # shortest power-down: 12 at 3200 [D]
    "tXSR": (ns(7.5),) * 4,  # self-refresh exit: tRFC and this; 460 at 3200 [D]
}

DEVICES = {  # per x16 die; 8Gb: 448 and 224 clocks at 3200 [D]; others [J]
    "4Gb_x16": Device(16, 1, 8, 1 << 15, 2048, 180, 90),
    "8Gb_x16": Device(16, 1, 8, 1 << 16, 2048, 280, 140),
    "16Gb_x16": Device(16, 1, 8, 1 << 17, 2048, 380, 190),
}
USUAL_DEVICE = "8Gb_x16"

# the VDD2 rail of [D]; VDD1 and VDDQ carry less than a tenth, but in idd4r
CURRENTS = Currents(
    vdd=1.1, idd0=45, idd2n=27, idd2p=3, idd3n=30, idd3p=9, idd4r=275, idd4w=210, idd5=90, idd6=0.5
)
