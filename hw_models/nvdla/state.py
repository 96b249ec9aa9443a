"""The accelerator's state as one record, and how it is built from the parameters.

One record holds everything: parameters, the register groups of every unit, the memory interface, each
unit's own counters, and the records of finished operations. Times are cycles of the accelerator's clock.
"""

import numpy as np

from hw_models.nvdla.names import BLOCKS, CLIENTS, MARKS, PARTS, STALLS
from hw_models.nvdla.post_state import CDP_STATE, COPY_STATE, PDP_STATE, SDP_STATE

REQUESTS = 8  # DMA requests a client may have waiting at the memory interface
CREDIT_RING = 512  # more than any latency buffer holds
RECORDS = 64  # operations whose records are kept
DONES = 64  # completions kept for the reader
RETURNS = 1024  # power of two, more than beats in flight
WRITES = 64  # write bursts a client may have waiting
SOURCES = 512  # requests for weights under way, more than beats in flight and waiting
RELEASES = 64  # kernel groups and lines handed over and not yet seen

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

READER = np.dtype(
    [
        # DMA requests waiting to be split into bursts
        ("head", np.int64),
        ("count", np.int64),
        ("address", np.int64, (REQUESTS,)),
        ("beats", np.int64, (REQUESTS,)),
        ("time", np.int64, (REQUESTS,)),  # first cycle at which its first burst may be on the bus
        ("slot", np.int64, (REQUESTS,)),
        ("limit", np.int64),  # how many may wait
        ("owner", np.int64),  # Part that is woken when there is room again
        ("in_flight", np.int64),  # beats requested and not yet returned
        ("id_limit", np.int64),  # most bursts in flight of this id; 0: no limit
        ("bursts_in_flight", np.int64),
        ("burst_beats_left", np.int64),  # beats of the oldest burst that have come back
        ("part_bytes", np.int64),  # bytes that came back of a beat that is not yet whole
        ("credit", np.int64),  # beats that its latency buffer can still hold; -1: no credits
        # credits that are known to come back at a later cycle, in the order of their times
        ("credit_head", np.int64),
        ("credit_count", np.int64),
        ("credit_time", np.int64, (CREDIT_RING,)),
    ]
)

WRITER = np.dtype(
    [
        ("head", np.int64),
        ("count", np.int64),
        ("address", np.int64, (WRITES,)),
        ("beats", np.int64, (WRITES,)),
        ("bytes", np.int64, (WRITES,)),
        ("time", np.int64, (WRITES,)),  # first cycle at which it may be on the bus
        ("slot", np.int64, (WRITES,)),
        ("limit", np.int64),
        ("owner", np.int64),
        ("in_flight", np.int64),  # bursts without response
    ]
)

MCIF = np.dtype(
    [
        ("readers", READER, (CLIENTS,)),
        ("writers", WRITER, (CLIENTS,)),
        ("last_reader", np.int64),  # round robin
        ("last_writer", np.int64),
        ("next_read", np.int64),  # cycle from which the next burst may leave
        ("next_write", np.int64),
        ("read_wake", np.int64),  # when to look for one again
        ("write_wake", np.int64),
        ("reads_in_flight", np.int64),  # beats
        ("writes_in_flight", np.int64),  # beats
        ("max_reads_in_flight", np.int64),
        ("last_beat", np.int64),  # cycle of the last read beat taken
        ("returned", np.int64, (RETURNS,)),  # cycles of beats returned and not yet taken off the counter
        ("return_head", np.int64),
        ("return_count", np.int64),
        ("read_limited", np.int64),  # 1: the limit of beats in flight holds the next burst back
        ("write_limited", np.int64),
        ("read_full", np.int64),  # 1: the way out is full
        ("write_full", np.int64),
        ("taken", np.int64, (16,)),  # cycles at which CDMA took its last data beats
        ("taken_count", np.int64),
    ]
)

SKID_STAGES = 3  # registers with a skid entry between the latency FIFO and CDMA

CDMA_DATA = np.dtype(
    [
        ("phase", np.int64),  # Phase
        ("op", np.int64),
        ("slot", np.int64),
        ("last_banks", np.int64),
        ("ready_at", np.int64),  # Phase.IDLE: cycle from which the next launch may begin
        # geometry in atoms, constant during a launch
        ("width", np.int64),
        ("height", np.int64),
        ("surfaces", np.int64),
        ("grain", np.int64),  # lines a grain
        ("images", np.int64),  # of the batch
        ("batch_stride", np.int64),
        ("winograd", np.int64),
        ("pad_top", np.int64),  # Winograd only, as the next
        ("pad_requests", np.int64),  # cycles a line of blocks and surface for padding at its sides
        ("real_lines", np.int64),
        ("line_entries", np.int64),  # CBUF entries a line
        ("address", np.int64),
        ("line_stride", np.int64),
        ("surface_stride", np.int64),
        ("image", np.int64),
        # requests
        ("req_line", np.int64),  # first line of the grain in work
        ("req_image", np.int64),
        ("req_surface", np.int64),
        ("req_atom", np.int64),
        ("req_row", np.int64),  # Winograd: line of the block of four
        ("req_grain", np.int64),  # lines of the grain in work
        ("next_request", np.int64),  # cycle of the next request at the earliest
        ("pend_since", np.int64),
        ("waits_for_room", np.int64),  # 1: CBUF has no room for the grain in work
        ("reserved", np.int64),  # entries requested by finished grains and not yet handed over
        # responses
        ("rsp_line", np.int64),
        ("rsp_image", np.int64),
        ("rsp_surface", np.int64),
        ("rsp_atom", np.int64),
        ("rsp_grain", np.int64),
        ("accepted", np.int64),  # cycle of the last beat taken from the memory interface
        ("blocked", np.int64),  # cycle in which no beat is taken, the last one known
        ("blocked_before", np.int64),  # the one before
        ("asked", np.int64, (SKID_STAGES,)),  # pipes behind the latency FIFO: see _through_the_pipes
        ("entered", np.int64, (SKID_STAGES, 2)),
        ("left", np.int64, (SKID_STAGES, 2)),
        # hand-over to CSC: lines on their way through the status pipeline
        ("update_head", np.int64),
        ("update_count", np.int64),
        ("update_time", np.int64, (RELEASES,)),
        ("update_lines", np.int64, (RELEASES,)),
        ("lines_sent", np.int64),
        ("done_at", np.int64),
    ]
)

CDMA_WEIGHT = np.dtype(
    [
        ("phase", np.int64),
        ("op", np.int64),
        ("slot", np.int64),
        ("last_data_banks", np.int64),
        ("last_weight_banks", np.int64),
        ("ready_at", np.int64),
        ("address", np.int64),
        ("beats", np.int64),  # of all kernels
        ("requested", np.int64),
        ("received", np.int64),
        ("group_bytes", np.int64),
        ("total_bytes", np.int64),
        ("groups", np.int64),
        ("kernels", np.int64),
        ("group", np.int64),  # groups announced
        ("announced", np.int64),  # cycle of the last announcement
        ("capacity", np.int64),  # beats that the weight banks hold
        ("held", np.int64),  # beats requested and not yet released by CSC
        ("stored", np.int64),  # beats written to CBUF and not yet released
        ("waiting", np.int64),  # beats that arrived with CBUF full
        ("waits_for_room", np.int64),
        ("accepted", np.int64),
        ("update_head", np.int64),
        ("update_count", np.int64),
        ("update_time", np.int64, (RELEASES,)),
        ("update_kernels", np.int64, (RELEASES,)),
        ("groups_sent", np.int64),
        ("next_request", np.int64),
        ("pend_since", np.int64),
        ("done_at", np.int64),
        # compressed weights: mask (WMB) and sizes of the kernel groups (WGS)
        ("compressed", np.int64),
        ("mask_address", np.int64),
        ("mask_beats", np.int64),
        ("mask_requested", np.int64),
        ("mask_received", np.int64),
        ("mask_held", np.int64),  # beats requested and not yet released by CSC
        ("mask_capacity", np.int64),
        ("mask_group_bytes", np.int64),
        ("mask_bytes", np.int64),
        ("size_address", np.int64),
        ("sizes_requested", np.int64),
        ("sizes_received", np.int64),
        ("turn", np.int64),  # weights and mask alternate: position in the round
        ("source_head", np.int64),  # which stream each request under way belongs to
        ("source_count", np.int64),
        ("source", np.int64, (SOURCES,)),
        ("source_beats", np.int64, (SOURCES,)),
    ]
)

CBUF = np.dtype(
    [
        ("data_used", np.int64),  # entries handed over and not yet released
        ("lines", np.int64),  # available to CSC
        ("lines_time", np.int64),  # cycle of the last hand-over
        ("groups", np.int64),  # kernel groups ever handed over
        ("group_time", np.int64, (RELEASES,)),  # when each was, by its number % RELEASES
        # releases by CSC on their way to CDMA
        ("data_release_time", np.int64),
        ("data_release_entries", np.int64),
        ("weight_release_head", np.int64),
        ("weight_release_count", np.int64),
        ("weight_release_time", np.int64, (RELEASES,)),
        ("weight_release_beats", np.int64, (RELEASES,)),
        ("mask_release_beats", np.int64, (RELEASES,)),
    ]
)

CSC = np.dtype(  # times are those at which a package's first data reach the MACs
    [
        ("phase", np.int64),
        ("op", np.int64),
        ("slot", np.int64),
        ("last_data_banks", np.int64),
        ("last_weight_banks", np.int64),
        ("last_lines", np.int64),  # lines left in CBUF by the launch before
        ("ready_at", np.int64),
        ("height", np.int64),
        ("groups", np.int64),
        ("last_group_kernels", np.int64),
        ("packages", np.int64),  # a stripe
        ("row_pixels", np.int64),  # output pixels in which stripes are cut: all, or one line (image)
        ("rows", np.int64),
        ("group", np.int64),
        ("row", np.int64),
        ("pixel", np.int64),
        ("stripe", np.int64),  # length of the stripe in work
        ("images", np.int64),  # of the batch: cycles a step of a stripe
        ("step_pixels", np.int64),  # output pixels a step of a stripe: images, 4 in Winograd form
        ("loaded", np.int64),  # 1: kernels and lines of the group in work are there
        ("next_package", np.int64),  # earliest time of the next package
        ("last_package", np.int64),  # earliest time of the last package of the stripe in work
        ("credits_used", np.int64),  # pixels sent to CACC
        ("waits_for", np.int64),  # Stall
        ("busy_since", np.int64),
        ("pend_since", np.int64),
        ("data_pends", np.int64),
        ("image", np.int64),
        ("entries", np.int64),  # CBUF entries a line
        ("release", np.int64),  # lines to give back at the end
        ("group_bytes", np.int64),
        ("weight_bytes", np.int64),
        ("mask_group_bytes", np.int64),
        ("mask_bytes", np.int64),
        ("serial", np.int64),  # kernel groups ever used
        ("lines_checked", np.int64),
        ("lines_at", np.int64),
        ("pending_package", np.int64),  # 1: the stripe in work has been set up
        ("popped", np.int64),  # time of the last package of the stripe before
    ]
)

CREDITS = 1024  # credit returns remembered, more than any delivery buffer holds
STRIPES = 64

CACC = np.dtype(
    [
        ("credits", np.int64),  # pixels that the delivery buffer holds
        ("credits_returned", np.int64),  # ever
        ("wanted", np.int64),  # count of returns that CSC waits for
        ("credit_time", np.int64, (CREDITS,)),
        # stripes complete in the delivery buffer
        ("head", np.int64),
        ("count", np.int64),
        ("first", np.int64, (STRIPES,)),  # cycle at which its first pixel may leave
        ("pixels", np.int64, (STRIPES,)),
        ("last", np.int64, (STRIPES,)),  # 1: the last stripe of its launch
        ("slot", np.int64, (STRIPES,)),
        ("pixel", np.int64),  # pixels of the head stripe delivered
        ("next_pixel", np.int64),  # earliest cycle of the next pixel's first beat
        ("blocked_since", np.int64),  # -1: SDP takes what comes
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
        # life
        ("wake", np.int64, (PARTS,)),  # cycle at which each part acts next
        ("groups", GROUPS, (BLOCKS,)),
        ("launched", np.int64),  # operations ever enabled: record of the next one is launched % RECORDS
        ("records", RECORD, (RECORDS,)),
        ("done_pending", np.int64),  # completions whose interrupt is yet to come
        ("done_count", np.int64),  # completions ever; the newest is done_op[(done_count - 1) % DONES]
        ("taken", np.int64),  # completions that the reader has taken
        ("done_op", np.int64, (DONES,)),
        ("done_slot", np.int64, (DONES,)),
        ("done_time", np.int64, (DONES,)),  # interrupt pin
        ("cvsram", np.int64),  # 1: has the second memory interface
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
