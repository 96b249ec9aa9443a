"""Who is who in NVDLA: memory clients, parts, blocks, phases, stalls and marks of an operation."""

from enum import IntEnum


class Client(IntEnum):
    """AXI ids of the memory interface, for reads and writes (NV_NVDLA_MCIF_define.vh)."""

    BDMA = 0
    SDP = 1  # SDP main: the cube when it comes from memory; writes
    PDP = 2
    CDP = 3
    RUBIK = 4
    SDP_B = 5  # X1 operands
    SDP_N = 6  # X2 operands
    SDP_E = 7  # Y operands
    CDMA_DATA = 8
    CDMA_WEIGHT = 9


CLIENTS = 10


class Part(IntEnum):
    """Things that wake up. In one cycle they act in this order."""

    CDMA_DATA = 0
    CDMA_WEIGHT = 1
    CSC = 2
    CACC = 3
    SDP_RDMA = 4
    SDP = 5
    PDP = 6
    CDP = 7
    COPY = 8  # BDMA and RUBIK
    READ = 9  # MCIF read arbiter
    WRITE = 10  # MCIF write arbiter
    DONE = 11  # interrupts


PARTS = 12
OFTEN = (Part.CACC, Part.READ, Part.WRITE)  # act at most requests; all others together are looked at as one


class Block(IntEnum):
    """Units with two register groups and a consumer pointer of their own."""

    CDMA = 0
    CSC = 1
    CACC = 2  # CMAC's groups go along with it
    SDP_RDMA = 3
    SDP = 4
    PDP_RDMA = 5
    PDP = 6
    CDP_RDMA = 7
    CDP = 8
    BDMA = 9
    RUBIK = 10


BLOCKS = 11


class Phase(IntEnum):
    IDLE = 0
    PEND = 1  # CBUF's split changes: CDMA and CSC wait for each other
    BUSY = 2
    DONE = 3
    KEPT = 4  # what it would fetch lies in CBUF from the launch before


class Stall(IntEnum):
    """What kept the MAC array (or, without a convolution, the unit) from working."""

    DATA = 0  # input not yet in CBUF
    WEIGHTS = 1  # kernel group not yet in CBUF
    OUTPUT = 2  # CACC's delivery buffer full: SDP or the write path is slower
    OPERANDS = 3  # SDP waits for its operands
    ACKNOWLEDGE = 4  # last write issued, response outstanding
    PROGRAM = 5  # start-up of the pipeline, from op-enable to the first request


STALLS = 6


class Mark(IntEnum):
    """Internal timestamps, named as in the reference tables."""

    DAT_DONE = 0
    WT_DONE = 1
    FIRST_DAT_UPDT = 2
    FIRST_WT_UPDT = 3
    MAC_WT_FIRST = 4
    MAC_DAT_FIRST = 5
    MAC_DAT_LAST = 6
    CACC2SDP_FIRST = 7
    CACC2SDP_LAST = 8
    FIRST_WRITE = 9
    LAST_WRITE = 10
    LAST_READ = 11


MARKS = 12

OWNERS = {
    Client.BDMA: Part.COPY,
    Client.SDP: Part.SDP_RDMA,
    Client.PDP: Part.PDP,
    Client.CDP: Part.CDP,
    Client.RUBIK: Part.COPY,
    Client.SDP_B: Part.SDP_RDMA,
    Client.SDP_N: Part.SDP_RDMA,
    Client.SDP_E: Part.SDP_RDMA,
    Client.CDMA_DATA: Part.CDMA_DATA,
    Client.CDMA_WEIGHT: Part.CDMA_WEIGHT,
}
