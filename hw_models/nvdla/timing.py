"""Latencies of the pipeline in cycles, and its fixed sizes. Data only.

Sources: [M] measured in simulation of the generated RTL (reference/README.md), the same in every
configuration and every run; file names are of the RTL that has the registers.
"""

# Register groups and start of a launch
ENABLE_TO_WEIGHT_READ = 22  # op-enable on the bus -> first weight read on AXI, CBUF's split as before [M]
PEND_DETOUR = 6  # and this much more when CDMA and CSC first agree on a new split: CDMA_wt.v, CSC_sg.v [M]
PEND_DETOUR_CSC = 4  # when CSC is the one that was late
DATA_AFTER_WEIGHT = 4  # feature data's first read comes so much later: three stages in CDMA_dc.v [M]
ENABLE_TO_KEPT_DONE = 15  # CDMA done where all lies in CBUF: CDMA_dc.v and _wt.v IDLE -> DONE, CDMA_status.v
HAND_OVER_TO_ENABLE = -9  # CDMA done -> as if the next launch had been enabled then [M]

# Memory interface, reads
REQUEST_TO_READ = 5  # CDMA's request -> AXI: MCIF_READ_IG_bpt (2), arb, spt, cvt [M]
RETURN_TO_READ = 3  # a returned beat lets the next read out: READ_eg pipe, os counter, opipe [M]
REQUEST_ATOMS = 8  # atoms a CDMA request covers at most, never across 8 atoms: CDMA_dc.v, CDMA_wt.v
RETURN_BUFFER_BEATS = 6  # beats between AXI and CDMA's shared buffer: pipes and a FIFO of 4: READ_eg.v

# CDMA to CSC
ROOM_TO_REQUEST = 3  # room in CBUF seen -> request [M]
ENABLE_TO_BUSY = 13  # op-enable on the bus -> CSC at work [M]
BEAT_TO_FIFO = 2  # beat on AXI -> offered by the latency FIFO: READ_eg's input register and FIFO
BEAT_TO_ACCEPT = 5  # beat on AXI -> CDMA's buffers: READ_eg (3), DMAIF_rdrsp (2)
IMAGE_AFTER_WEIGHT = 2  # image data's first read comes so much later [M]
ACCEPT_TO_LINES = 15  # last atom of a grain accepted -> lines seen by CSC [M]: SBUF 3, status 9
LINES_TO_DATA_DONE = -1  # CDMA's done pulse for data, counted from the last lines [M]
IMAGE_ACCEPT_TO_LINES = 23  # the same for image data: IMG_sg, IMG_pack, converter [M]
IMAGE_LINES_TO_DATA_DONE = 2  # [M]
ACCEPT_TO_KERNELS = 8  # last beat of a kernel group in -> kernels seen by CSC
KERNELS_SPACING = 2  # group announcements are so far apart: required bytes are updated in between, CDMA_wt.v
COMPRESSED_DETOUR = 2  # two arbiters on the way of compressed weights' requests: CDMA_wt.v [A]
MASK_WEIGHTS = 8  # weights that a byte of the mask (WMB) stands for, a bit each
WGS_BYTES = 4  # stored size of a kernel group: CDMA_wt.v
WGS_FIFO = 32  # sizes on their way or not yet used: CDMA_WT_wgs_fifo
WMB_TURNS = 4  # requests of the mask in a round: reset value of S_ARBITER, CDMA_single_reg.v
WEIGHT_TURNS = 16  # and of the weights
KERNELS_TO_WEIGHT_DONE = 7  # [M], status_done_cnt of 8 in CDMA_wt.v

# CSC, CMAC, CACC. Package times are those at which the first data reach the MACs
READY_TO_WEIGHTS = 25  # lines and kernels seen -> first weight in the MACs [M]
POP_TO_MAC = 24  # a package leaves CSC's queue -> its first data in the MACs; also credit -> data [M]
MAC_TO_CACC_OUT = 15  # first data of a stripe's last package -> CACC's first beat: CMAC 6, CACC 9 [M]
CREDIT_RETURN = 0  # CACC's last beat of a pixel -> credit at CSC
KERNELS_TO_RELEASE = -5  # last weights of n kernels asked for -> n cycles more and their room is free [M]
CSC_FLUSH = 48  # CSC_SG_DONE_FLUSH
CSC_DONE_TO_READY = -5  # and the next launch begins as if enabled then [M]
DATA_DROP = (
    17  # lines that the launch before left, dropped as this one begins -> free: CSC_sg.v, CSC_dl.v [M]
)
WEIGHT_DROP = 15  # the same for its kernels: CSC_sg.v, CSC_wl.v [M]
DATA_RELEASE = -1  # last data of a launch in the MACs -> its lines free for CDMA [M]

# Winograd form: a 3x3 kernel becomes 4x4 taps, 4x4 pixels of input make 2x2 of output
WINOGRAD_LINES = 4  # and columns of a block of input: CDMA_wg.v
WINOGRAD_CHANNELS = 4  # of a block: CDMA_wg.v
WINOGRAD_TAPS = 16  # of a transformed kernel
WINOGRAD_PIXELS = 4  # that a step makes: CSC_sg.v [A]
WINOGRAD_OUTPUT = 4  # outputs come in blocks of so many lines and columns

# SDP and the write path
ACKNOWLEDGE_TO_DONE = 5  # [M]
DONE_TO_INTERRUPT = 6  # GLB's status and a 3-stage synchroniser: GLB_ic.v [M]
WRITE_TO_ROOM = 1
