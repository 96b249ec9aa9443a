"""LPDDR5, one x16 channel in bank-group mode, BL16, CK:WCK 1:4. Data only: no logic lives here.

Sources
  [R] Ramulator 2.1, python/ramulator/dram/lpddr5.py (secondary; JESD209-5B), LPDDR5-6400
  [J] JESD209-5 latency tables, remembered, not seen
  [G] gem5, LPDDR5_6400_1x16_BG_BL32 (secondary): RL 17, one clock of RD-to-WR turnaround
  [A] our assumption
ACT-1 with ACT-2 counts as one command, and so does CAS with RD or WR.
"""

from hw_models.dram.spec import Currents, Device, ns

NAME = "LPDDR5"
CHANNEL_WIDTH = 16  # bits
BURST_LENGTH = 16
TRANSFERS_PER_CLOCK = 8  # a clock is CK
PSEUDO_CHANNELS = 1
PER_BANK_REFRESH = True

SPEEDS = ("4267", "5500", "6400")
USUAL: dict[str, str] = {}
CLOCK_FS = (1_875_000, 1_454_545, 1_250_000)  # CK

TIMINGS = {
    "CL": (12, 15, 17),  # RL: 6400 [R], others [J]
    "CWL": (6, 8, 9),  # WL, set A: 6400 [R], others [J]
    "tRCD": (ns(18, 2),) * 3,  # ACT to RD or WR: 15 at 6400 [R]
    "tRP": (ns(18, 2),) * 3,  # PRE of a bank to ACT: 15 at 6400 [R]
    "tRPab": (ns(21, 2),) * 3,  # PRE of all banks to ACT: 17 at 6400 [R]
    "tRAS": (ns(42, 3),) * 3,  # ACT to PRE: 34 at 6400 [R]
    "tRC": (ns(61),) * 3,  # ACT to ACT of a bank, tRAS + tRPpb: 49 at 6400 [R]
    "tRRD_S": (4, 4, 4),  # ACT to ACT: max(4 nCK, 5 ns) [R]
    "tRRD_L": (4, 4, 4),  # within a bank group [R]
    "tFAW": (16, 16, 16),  # four ACTs: max(16 nCK, 20 ns) [R]
    "tCCD_S": (2, 2, 2),  # RD to RD, WR to WR of another bank group [R]
    "tCCD_L": (4, 4, 4),  # within a bank group [R]
    "tWTR_S": (ns(6.25, 4),) * 3,  # end of write data to RD of another bank group: 5 at 6400 [R]
    "tWTR_L": (ns(12, 4),) * 3,  # within a bank group: 10 at 6400 [R]
    "tRTP": (ns(10, 2),) * 3,  # RD to PRE: 8 at 6400 [R]
    "tWR": (ns(34, 3),) * 3,  # end of write data to PRE: 28 at 6400 [R]
    "tRTW": (2, 2, 2),  # bus turnaround between read and write data [R]; 1 in [G]
    "tRTRS": (2, 2, 2),  # bus turnaround between ranks (nCS) [R]
    "tPPD": (2, 2, 2),  # PRE to PRE [R]
    "tREFI": (ns(3906),) * 3,  # [R]
    "tREFIpb": (ns(488),) * 3,  # [R]
    "tRREFD": (ns(7.5, 4),) * 3,  # REFpb to ACT of another bank (tpbR2act) [J]
    "tXP": (ns(7, 3),) * 3,  # power-down exit [J]
    "tCKE": (ns(7.5, 3),) * 3,  # shortest power-down [A]
    "tXSR": (ns(7.5),) * 3,  # self-refresh exit: tRFC and this [J]
}

DEVICES = {  # tRFCab and tRFCpb by density [R]
    "8Gb_x16": Device(16, 4, 4, 1 << 15, 2048, 210, 120),
    "16Gb_x16": Device(16, 4, 4, 1 << 16, 2048, 280, 160),
}
USUAL_DEVICE = "16Gb_x16"

# [A] of the order of the VDD2H rail of a x16 die
CURRENTS = Currents(
    vdd=1.05, idd0=40, idd2n=22, idd2p=3, idd3n=28, idd3p=9, idd4r=330, idd4w=270, idd5=90, idd6=0.6
)
