"""State of the units behind the accumulator (SDP, PDP, CDP) and of the copy engines (BDMA, RUBIK)."""

from typing import Any

import numpy as np

from hw_models.nvdla.op import OP
from hw_models.nvdla.post_timing import COPY_FIFO_BEATS
from hw_models.port import NEVER

LONG_AGO = -(2**40)  # "it happened before anything that matters"
CHAINS = 4  # read paths of SDP: its own input, X1, X2, Y
ARRIVALS = 512  # atoms in a latency FIFO at most
GROUPS_WAITING = 16
ENDING = 4  # launches of SDP whose last responses are outstanding, at most
HISTORY = 8  # power of two, atoms remembered at SDP's join
SDP_CLIENTS = (1, 5, 6, 7)  # AXI ids of the chains (Client.SDP, SDP_B, SDP_N, SDP_E)

SKID = np.dtype(  # a pipeline register with one skid entry: the last two items that entered
    [
        ("old_in", np.int64),  # cycle at which the older one entered the register
        ("old_out", np.int64),  # cycle at which it left, NEVER: not yet known
        ("asked", np.int64),  # cycle at which the younger one was taken (it may wait in the skid entry)
        ("new_in", np.int64),
        ("new_out", np.int64),
    ]
)

CHAIN = np.dtype(  # RDMA of one SDP input: latency FIFO, unpacker, four slots, register in front of SDP
    [
        ("on", np.int64),
        ("client", np.int64),
        ("slot", np.int64),
        ("per_kernel", np.int64),
        ("unit", np.int64),  # atoms of the operand for one atom of the cube
        ("line_atoms", np.int64),  # after so many atoms the unpacker passes on what it has
        ("beat_atoms", np.int64),  # atoms a beat
        # requests still to be made: lines of the cube
        ("line", np.int64),
        ("lines", np.int64),  # a surface
        ("surface", np.int64),
        ("surfaces", np.int64),
        ("line_beats", np.int64),
        ("address", np.int64),
        ("line_stride", np.int64),
        ("surface_stride", np.int64),
        ("next_request", np.int64),
        # latency FIFO
        ("arrive_column", np.int64),  # atoms of the line that have arrived
        ("head", np.int64),
        ("count", np.int64),
        ("time", np.int64, (ARRIVALS,)),
        # unpacker
        ("packed", np.int64),
        ("column", np.int64),
        ("beat_atom", np.int64),  # atoms of the beat in work that have gone
        ("popped", np.int64),  # cycle of the last pop
        ("pending", np.int64),  # atoms gathered and not yet passed on
        ("pending_time", np.int64),
        ("moved", np.int64),  # cycle of the last passing on
        # slots, and the groups in them
        ("slots", SKID, (4,)),
        ("group_head", np.int64),
        ("group_count", np.int64),
        ("group_size", np.int64, (GROUPS_WAITING,)),
        ("select", np.int64),  # next atom of the head group
        ("last_push", np.int64),
        ("pipe", SKID),
        # operands: the one that waits at the join
        ("held", np.int64),
        ("taken", np.int64),  # cycle at which it was taken
        ("free", np.int64),  # cycle from which the next may be taken
    ]
)

SDP_STATE = np.dtype(
    [
        ("op", np.int64),
        ("slot", np.int64),
        ("busy", np.int64),
        ("begun", np.int64),  # cycle at which the launch began
        ("launch", OP),
        # RDMA's launch (its own register groups)
        ("rdma_busy", np.int64),
        ("rdma_op", np.int64),
        ("rdma_slot", np.int64),
        ("rdma_free", np.int64),  # cycle in which the last chunk of the launch before has gone to SDP
        # what the launch does
        ("rdma", np.int64),  # 1: it reads memory
        ("flying", np.int64),  # input from CACC
        ("to_pdp", np.int64),
        ("period", np.int64),  # cycles an atom
        ("depth", np.int64),  # atoms that may be in front of the join
        ("latency", np.int64),  # of the sub-units that are on
        ("before", np.int64, (CHAINS,)),  # latency of the sub-units in front of a chain's join
        ("pixels", np.int64),  # of a surface
        ("columns", np.int64),  # of a line
        ("column_stride", np.int64),
        ("surface_stride", np.int64),
        ("atoms", np.int64),  # of the cube
        # atoms in front of the join
        ("wait_head", np.int64),
        ("wait_count", np.int64),
        ("wait_time", np.int64, (HISTORY,)),
        # atoms that have passed it
        ("joined", np.int64),
        ("pixel", np.int64),  # of the surface in work
        ("history", np.int64, (HISTORY,)),  # cycles of the last ones, by their number % HISTORY
        ("wanting", np.int64),  # operands of the next atom that have not been taken
        ("operands_at", np.int64),  # earliest join that those which have been taken allow
        ("each", np.int64),  # 1: some operand is another one for each atom
        ("space_at", np.int64),  # cycle from which a write has made room
        ("passed_at", np.int64),  # done pulse of a launch whose output goes to PDP
        ("free_at", np.int64),  # cycle from which the next launch may begin
        ("in_pipe", np.int64),  # atoms past the join and not yet on the bus
        # position of the next atom in the output cube
        ("beat_atoms", np.int64),  # atoms a beat
        ("surface", np.int64),
        ("line", np.int64),
        ("column", np.int64),
        ("address", np.int64),
        ("one_command", np.int64),  # 1: all atoms in one
        ("gathered", np.int64),  # atoms of the write burst in work
        ("burst_address", np.int64),
        ("next_write", np.int64),  # cycle of the next burst at the earliest
        ("acks_left", np.int64),  # write bursts without response
        ("all_sent", np.int64),
        ("ending_head", np.int64),  # launches that have written all and wait for responses
        ("ending_count", np.int64),
        ("ending_slot", np.int64, (ENDING,)),
        ("ending_acks", np.int64, (ENDING,)),
        ("last_ack", np.int64),
        ("chains", CHAIN, (CHAINS,)),
    ]
)

TAKEN = 64  # atoms whose times PDP remembers, more than its reorder FIFO holds

PDP_STATE = np.dtype(
    [
        ("op", np.int64),
        ("slot", np.int64),
        ("busy", np.int64),
        ("ended", np.int64),  # 1: only the done pulse is to come
        ("launch", OP),
        ("flying", np.int64),  # input from SDP
        ("period", np.int64),  # cycles an input atom
        ("latency", np.int64),  # last chunk taken -> write on the bus
        ("width", np.int64),  # input cube in atoms
        ("height", np.int64),
        ("surfaces", np.int64),
        # requests
        ("line", np.int64),
        ("surface", np.int64),
        ("line_beats", np.int64),
        ("beat_atoms", np.int64),
        ("next_request", np.int64),
        # latency FIFO and reorder FIFO
        ("arrive_column", np.int64),
        ("pop_column", np.int64),
        ("beat_atom", np.int64),
        ("head", np.int64),
        ("count", np.int64),
        ("time", np.int64, (ARRIVALS,)),
        ("popped", np.int64),
        ("waiting", np.int64),  # atoms in the reorder FIFO
        ("ready", np.int64, (TAKEN,)),  # cycle from which the core may take each
        ("taken", np.int64),  # atoms taken by the core
        ("taken_time", np.int64, (TAKEN,)),
        ("next_take", np.int64),
        ("room_at", np.int64),  # cycle from which SDP may hand over: the launch's first, or behind a write
        # position of the next input atom
        ("x", np.int64),
        ("y", np.int64),
        ("z", np.int64),
        # windows, across and down: those that end beyond the edge by a whole stride come with the next
        # line's (surface's) elements, or need a pause when there are not enough of those
        ("flush_x", np.int64),
        ("flush_y", np.int64),
        ("pause_x", np.int64),
        ("pause_y", np.int64),
        ("drain_x", np.int64),  # windows' rows that come without input before the next atom is taken
        ("drain_y", np.int64),  # outputs likewise
        # position of the next row of a window
        ("row_x", np.int64),
        ("row_y", np.int64),
        ("row_z", np.int64),
        # output cube: position of the next atom
        ("out_x", np.int64),
        ("out_y", np.int64),
        ("out_z", np.int64),
        ("outputs", np.int64),  # atoms on their way to the bus
        ("gathered", np.int64),
        ("burst_address", np.int64),
        ("next_write", np.int64),
        ("acks_left", np.int64),
        ("all_sent", np.int64),
        ("last_ack", np.int64),
        ("input_done", np.int64),
        ("free_at", np.int64),  # done pulse of the launch before
    ]
)

PARTS_WAITING = 16  # parts between CDP's core and the bus, more than CDP_PARTS
REORDERED = 64  # atoms whose times CDP remembers, more than its reorder FIFOs hold

CDP_STATE = np.dtype(
    [
        ("op", np.int64),
        ("slot", np.int64),
        ("busy", np.int64),
        ("ended", np.int64),  # 1: only the done pulse is to come
        ("launch", OP),
        # what the launch does
        ("squares", np.int64),
        ("chunks", np.int64),  # of an atom, one a cycle
        ("behind", np.int64),  # chunks of a column that a result waits for
        ("latency", np.int64),  # all of a result is there -> write on the bus
        ("surfaces", np.int64),
        ("beat_atoms", np.int64),
        # requests: position of the next part
        ("request_x", np.int64),
        ("request_y", np.int64),
        ("request_z", np.int64),
        ("next_request", np.int64),
        # latency FIFO and reorder FIFOs
        ("arrive_left", np.int64),  # atoms of the part that are to arrive
        ("arrive_x", np.int64),
        ("arrive_z", np.int64),
        ("head", np.int64),
        ("count", np.int64),
        ("time", np.int64, (ARRIVALS,)),
        ("beat_end", np.int64, (ARRIVALS,)),  # 1: last atom of its beat
        ("beat_begins", np.int64),  # 1: the next one is the first of its beat
        ("popped", np.int64),  # cycle of the last pop
        ("pops", np.int64),  # atoms in the reorder FIFOs or beyond
        ("ready", np.int64, (REORDERED,)),  # cycle from which the core may take each
        ("left", np.int64),  # atoms of which the last chunk's cycle is known
        ("leave_time", np.int64, (REORDERED,)),
        # core: position of the part in work
        ("x", np.int64),
        ("y", np.int64),
        ("z", np.int64),
        ("columns", np.int64),
        ("column", np.int64),  # next one whose first chunk enters
        ("entered", np.int64),  # atoms whose first chunk has entered
        ("enter", np.int64),  # cycle at which the core was last busy
        ("before", np.int64),  # columns of the part before, whose last results wait; 0: there is none
        # on their way to the bus
        ("outputs", np.int64),  # atoms
        ("parts_head", np.int64),
        ("parts_count", np.int64),
        ("parts_ready", np.int64),  # of them those that are complete
        ("part_atoms", np.int64, (PARTS_WAITING,)),
        ("part_bursts", np.int64, (PARTS_WAITING,)),  # that have not left
        # position of the next part that is complete
        ("out_x", np.int64),
        ("out_y", np.int64),
        ("out_z", np.int64),
        ("gathered", np.int64),
        ("burst_address", np.int64),
        ("next_write", np.int64),
        ("acks_left", np.int64),
        ("all_sent", np.int64),
        ("free_at", np.int64),  # done pulse of the launch before
    ]
)

STREAM_STATE = np.dtype(  # each of the copy engines
    [
        ("op", np.int64),
        ("slot", np.int64),
        ("busy", np.int64),
        ("launch", OP),
        ("block", np.int64),  # Block
        ("client", np.int64),
        ("surfaces", np.int64),
        ("period", np.int64),  # cycles an atom
        ("beat_atoms", np.int64),
        ("next_request", np.int64),
        # position of the line: of requests, of results
        ("y", np.int64, (2,)),
        ("z", np.int64, (2,)),
        ("arrive_atom", np.int64),  # column of the next atom that arrives
        ("head", np.int64),
        ("count", np.int64),
        ("time", np.int64, (ARRIVALS,)),
        ("beat_atom", np.int64),
        ("popped", np.int64),
        ("next_take", np.int64),
        ("column", np.int64),
        ("outputs", np.int64),
        ("gathered", np.int64),
        ("burst_address", np.int64),
        ("next_write", np.int64),
        ("acks_left", np.int64),
        ("all_sent", np.int64),
        ("free_at", np.int64),
    ]
)
COPY_STATE = np.dtype([("units", STREAM_STATE, (2,))])  # BDMA, RUBIK


def reset_post(state: Any) -> None:
    """Set what is not zero after reset."""
    readers = state["mcif"][0]["readers"]
    for chain, client in zip(state["sdp"]["chains"], SDP_CLIENTS):
        chain["client"] = client
        readers[client]["credit"] = state["sdp_main_fifo_atoms" if client == 1 else "sdp_operand_fifo_atoms"]
    state["sdp"]["passed_at"] = NEVER
    for unit, key in (("sdp", "rdma_free"), ("sdp", "free_at"), ("pdp", "free_at"), ("cdp", "free_at")):
        state[unit][key] = LONG_AGO
    readers[2]["credit"] = state["pdp_fifo_atoms"]
    readers[3]["credit"] = state["cdp_fifo_atoms"]
    readers[0]["credit"] = readers[4]["credit"] = COPY_FIFO_BEATS
    for stream in state["copy"]["units"]:
        stream["free_at"] = LONG_AGO
