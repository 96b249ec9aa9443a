"""State of the convolution pipeline: CDMA, CBUF, CSC and CACC."""

import numpy as np

SOURCES = 512  # requests for weights under way, more than beats in flight and waiting
RELEASES = 64  # kernel groups and lines handed over and not yet seen
DOORS = 8  # power of two, more beats of weights than may be between the bus and CDMA's door
SKID_STAGES = 3  # registers with a skid entry between the latency FIFO and CDMA
CREDITS = 1024  # credit returns remembered, more than any delivery buffer holds
STRIPES = 64

CDMA_DATA = np.dtype(
    [
        ("phase", np.int64),  # Phase
        ("op", np.int64),
        ("slot", np.int64),
        ("last_banks", np.int64),
        ("kept", np.int64),  # form of the lines whose release the last launch skips, 0: it does not
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
        ("rsp_column", np.int64),  # of the next atom
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
        ("kept", np.int64),  # 1: the last launch skips their release
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
        ("waited", np.int64),  # beats that ever did
        ("door", np.int64, (DOORS,)),  # cycles at which the last of these were at CDMA's door
        ("waits_for_room", np.int64),
        ("accepted", np.int64),  # cycle of the last beat written to CBUF
        ("update_head", np.int64),
        ("update_count", np.int64),
        ("update_time", np.int64, (RELEASES,)),
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
        ("data_release_time", np.int64, (2,)),  # of lines that a launch has used, of lines that it drops
        ("data_release_entries", np.int64, (2,)),
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
        ("last_groups", np.int64),  # kernel groups that it kept
        ("mode", np.int64),  # form of its lines
        ("keep", np.int64),  # bits of InBuffer, of the launch in work
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
