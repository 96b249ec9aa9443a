"""Latencies and depths of SDP, PDP, CDP and the copy engines, in cycles or atoms. Data only.

Sources: [R] read from the named RTL file (branch master; every `pipe -is` is a register with one skid
entry, vmod/plugins/pipe.pm); [M] measured in simulation of the generated RTL (reference/README.md), the
same in every configuration and every run; [F] first release (branch nvdlav1); [A] assumed.
"""

# Start of a launch
ENABLE_TO_RDMA_READ = 20  # op-enable of an RDMA -> its first read on AXI [M]
SDP_RDMA_AGAIN = 5  # a launch's last chunk into SDP -> first read of the next [M] nv_small_256
RDMA_BEFORE_CDMA = 11  # SDP_RDMA's op-enable comes so much before CDMA's, the launch's last write [M]

# SDP's RDMA (SDP_MRDMA_EG_din.v, SDP_RDMA_unpack.v, SDP_MRDMA_EG_dout.v)
BEAT_TO_LATENCY_FIFO = 8  # beat on AXI -> latency FIFO's output: READ_eg, DMAIF_rdrsp, FIFO [M]
POP_TO_READ = 6  # beat leaves the latency FIFO -> its credit lets a read out on AXI; 14 in all [M]
UNPACK_ATOMS = 4  # atoms gathered before they go on together, fewer at the end of a line [R]
OPERAND_AHEAD = 2  # chunk of an operand meets the data two stages behind the split: SDP_cmux, CORE_pack [R]
KERNEL_AHEAD = 3  # atoms before its last that a kernel's operand leaves the slots: registers on the way [M]
KERNEL_TO_SLOTS = 3  # and cycles behind the chunks of the atom in front of those [M]
CHUNKS_BEFORE_JOIN_RDMA = 3  # between the split of SDP's own input and X1: SDP_cmux p2 (2), CORE_pack [R]
CHUNKS_BEFORE_JOIN_CACC = 5  # and between CACC and X1: SDP_cmux p1 (2) as well [R]
CACC_LATE_READY = 1  # `ready` comes through two flops to CACC, through one to the split: SDP_cmux [R]

# SDP's pipeline, from the cycle in which an atom's last chunk enters it
SDP_TO_WRITE = 15  # to its write on AXI, all sub-units bypassed [M]
SDP_TO_PASSED = 9  # to the done pulse of a launch that writes to PDP [M] nv_small_256
SDP_AGAIN = 4  # that done pulse -> op-enable of the other register group: four flops, SDP_reg.v [R]
X_BASE = 4  # X1 or X2 switched on, as ReLU [M]
X_ALU = 2  # its ALU as well [M]
X_MUL = 1  # its multiplier (also PReLU) as well [M]
Y_BASE = 12  # Y: input and output converters, core (SDP_CORE_Y_*.v, pipe stages) [A]
Y_LUT = 14  # Y's index, look-up and interpolation (SDP_CORE_Y_idx/lut/inp.v) [A]

# Write path
ACKNOWLEDGE_TO_DONE = 5  # last write's response -> done pulse of SDP, PDP or CDP [M]
DONE_TO_INTERRUPT = 6  # GLB's status and a 3-stage synchroniser: GLB_ic.v [M]
WRITE_GAP = 1  # the splitter sends a burst's command a cycle before its beats: WRITE_IG_bpt.v [R]
SDP_ATOMS_TO_BUS = 27  # atoms between CACC and AXI when writes are slow [M] nv_large, one write in 16 cycles
WRITE_TO_ROOM = 1  # [M]

# PDP (PDP_RDMA_eg.v, PDP_CORE_preproc.v, cal1d.v, cal2d.v)
PDP_BEAT_TO_LATENCY_FIFO = 8  # beat on AXI -> latency FIFO's output [M], as SDP's
PDP_POP_TO_READ = 7  # credit; one register more than SDP's [R]; 15 in all [M]
PDP_REORDER_ATOMS = 32  # depth of the reorder FIFO behind the latency FIFO [R]
PDP_REORDER = 1  # cycle through the reorder FIFO
PDP_FIRST_ATOM = 1  # the first atom of a launch waits for the transfer counter: PDP_RDMA_eg.v [R]
PDP_TO_WRITE = 24  # last chunk of the atom that completes a window taken -> write on AXI [M]
PDP_TO_WRITE_FLYING = 29  # from SDP's first chunk, SDP bypassed, plus PDP's cycles an atom - 1 [M]
PDP_SPLIT_FIFO = 1  # more where SDP's chunk is wider than PDP's: a FIFO splits it, CORE_preproc.v [R]
PDP_INPUT_DONE = 6  # last chunk of the input taken -> done, when no response comes later [M]
PDP_AGAIN = 10  # done pulse -> first read of a launch that was already enabled [A]
PDP_OUTPUTS = 16  # outputs on their way to the bus before PDP takes no more input [A]
PDP_SLACK_CHUNKS = 10  # chunks that SDP's registers hold when PDP is the slower one [M]

# CDP: structure [R]; cycles by NVDLA's own tests (reference/traces), and the unit's RTL alone, nv_small [M]
CDP_STRIPE_COLUMNS = 8  # columns that CDP walks through all channels: CDP_RDMA_ig.v [R]
CDP_REORDER_ATOMS = 33  # FIFOs behind the latency FIFO, one for each chunk of an atom: CDP_RDMA_eg.v [M]
CDP_LEAVE_TO_POP = 2  # last chunk of an atom leaves them -> room for another beat [M]
CDP_FIRST_ATOM = 1  # the first atom of a launch is seen a cycle late: CDP_RDMA_eg.v [R]
CDP_NEIGHBOURS = 4  # channels behind a result that it may depend on: CDP_DP_bufferin_tp1.v [R]
CDP_TO_WRITE = 42  # a result's last neighbour has entered -> write: squares, LUT, interpolation, product [M]
CDP_SQUARES = 9  # fewer where squares are bypassed [M]
CDP_PRODUCT = 1  # fewer where the product is bypassed [M]
CDP_OUTPUTS = 40  # atoms between the core's input and the bus [M], eight columns wide
CDP_PARTS = 13  # commands likewise [M], one column wide
CDP_BEAT_TO_FIFO = 8  # as SDP's [M]
CDP_POP_TO_READ = 6  # as SDP's [M]

# BDMA and RUBIK: structure [F], all latencies assumed [A]
COPY_TO_WRITE = 15  # beat out of the latency FIFO -> write [A], as SDP_TO_WRITE
RUBIK_PERIOD = 2  # cycles an atom: its buffer is filled, then emptied [A]
COPY_FIFO_BEATS = 245  # beats in the latency FIFO of BDMA, RUBIK [F]
STREAM_BEAT_TO_FIFO = 8  # as SDP's [A]
STREAM_POP_TO_READ = 6  # as SDP's [A]
STREAM_OUTPUTS = 16  # atoms on their way to the bus before no more is taken [A]
