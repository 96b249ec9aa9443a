"""The accelerator's state as one record, and how it is built from the parameters.

One record holds everything: parameters, the register groups of every unit, the memory interface, each
unit's own counters, and the records of finished operations. Times are cycles of the accelerator's clock.
"""

import numpy as np

from hw_models.known import before, parameters
from hw_models.nvdla.conv_state import CACC, CBUF, CDMA_DATA, CDMA_WEIGHT, CSC
from hw_models.nvdla.mcif_state import MCIF
from hw_models.nvdla.names import BLOCKS, CLIENTS, MARKS, PARTS, STALLS
from hw_models.nvdla.post_state import CDP_STATE, COPY_STATE, PDP_STATE, SDP_STATE

RECORDS = 64  # operations whose records are kept
DONES = 64  # completions kept for the reader

RECORD = np.dtype(
    [
        ("op", np.int64),  # row of the OP array
        ("enabled", np.int64),  # cycle of op-enable
        ("start", np.int64),  # first unit began
        ("end", np.int64),  # interrupt pin; -1 while it runs
        ("done", np.int64),  # done pulse of the last unit
        ("read_bytes", np.int64, (CLIENTS,)),
        ("read_bursts", np.int64, (CLIENTS,)),
        ("write_bytes", np.int64, (CLIENTS,)),
        ("write_bursts", np.int64, (CLIENTS,)),
        ("read_ram_types", np.int64),  # as the operation's
        ("write_ram_types", np.int64),
        ("mac_cycles", np.int64),  # cycles in which CSC hands data to the MACs
        ("stall", np.int64, (STALLS,)),
        ("mark", np.int64, (MARKS,)),  # Mark; -1: did not happen
    ]
)

GROUPS = np.dtype(  # the two register groups of a unit: a queue of at most two launches
    [
        ("head", np.int64),
        ("count", np.int64),
        ("op", np.int64, (2,)),
        ("slot", np.int64, (2,)),  # its record
        ("time", np.int64, (2,)),  # cycle of op-enable
    ]
)

NVDLA = np.dtype(
    [
        # parameters (presets.py; names explained there)
        ("atomic_c", np.int64),
        ("atomic_k", np.int64),
        ("atom_bytes", np.int64),
        ("dbb_bytes", np.int64),
        ("burst_beats", np.int64),
        ("cbuf_banks", np.int64),
        ("cbuf_depth", np.int64),
        ("cbuf_entry_bytes", np.int64),
        ("sdp_elements", np.int64),
        ("sdp_ew_elements", np.int64),
        ("pdp_elements", np.int64),
        ("cdp_elements", np.int64),
        ("sdp_main_fifo_atoms", np.int64),
        ("sdp_operand_fifo_atoms", np.int64),
        ("pdp_fifo_atoms", np.int64),
        ("cdp_fifo_atoms", np.int64),
        ("retiming", np.int64),
        ("outstanding_reads", np.int64),
        ("outstanding_writes", np.int64),
        ("bdma", np.int64),
        ("rubik", np.int64),
        ("lut", np.int64),
        ("winograd", np.int64),
        ("batch", np.int64),
        ("weight_compression", np.int64),
        ("cdma_beats_atoms", np.int64),  # atoms a beat
        ("master", np.int64),  # index in the system's list of masters
        ("cvsram", np.int64),  # 1: has the second memory interface
        ("patient", np.int64),  # 1: it may be told late of answers that change nothing (quiet.py)
        # life
        ("wake", np.int64, (PARTS,)),  # cycle at which each part acts next
        ("seldom", np.int64),  # the earliest of those that are not OFTEN
        ("groups", GROUPS, (BLOCKS,)),
        ("launched", np.int64),  # operations ever enabled: record of the next one is launched % RECORDS
        ("records", RECORD, (RECORDS,)),
        ("done_pending", np.int64),  # completions whose interrupt is yet to come
        ("done_count", np.int64),  # completions ever; the newest is done_op[(done_count - 1) % DONES]
        ("taken", np.int64),  # completions that the reader has taken
        ("done_op", np.int64, (DONES,)),
        ("done_slot", np.int64, (DONES,)),
        ("done_time", np.int64, (DONES,)),  # interrupt pin
        ("mcif", MCIF, (2,)),  # MCIF, CVIF
        ("cbuf", CBUF),
        ("cdma_data", CDMA_DATA),
        ("cdma_weight", CDMA_WEIGHT),
        ("csc", CSC),
        ("cacc", CACC),
        ("sdp", SDP_STATE),
        ("pdp", PDP_STATE),
        ("cdp", CDP_STATE),
        ("copy", COPY_STATE),
    ]
)
parameters("NVDLA", NVDLA, before(NVDLA, "wake", beside=["master"]))
