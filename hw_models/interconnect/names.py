"""What an interconnect can be told, and how large it may be: every choice and limit is written once, here."""

from enum import auto

from hw_models.choice import Choice

IDS = 16  # most transaction ids of a master
LANE_ROWS = 16  # most requests waiting at a master's port, each for reads and writes
TDM_SLOTS = 64
TRACKERS = 16  # most trackers of a coherence hub


class Arbitration(Choice):
    ROUND_ROBIN = auto()
    PRIORITY = auto()
    WEIGHTED = auto()
    TDM = auto()


class Channels(Choice):
    SHARED = auto()  # write data shares the request channel (TileLink)
    SEPARATE = auto()  # or has its own (AXI)
