"""CDP: local response normalisation across channels, from memory to memory.

A part is up to eight columns of one surface of one line: CDP walks them through all surfaces before the
next eight (a stripe), and each of them chunk by chunk of its atoms, a column a cycle. A result waits for
neighbours four channels behind it, so a part is complete when the next one's first chunks have entered;
behind the last surface of a stripe the next stripe's do it. Columns that the next stripe does not have, and
those of the last one, hold the input up. A part is a write command: it leaves burst by burst once it is
complete.
"""

from hw_models.jit import njit
from hw_models.nvdla.bursts import beats_of, send_burst
from hw_models.nvdla.done import finish
from hw_models.nvdla.groups import group_pop
from hw_models.nvdla.mcif import read_room, request_read, return_credit, wake
from hw_models.nvdla.names import Block, Client, Mark, Part, Stall
from hw_models.nvdla.post_state import ARRIVALS, LONG_AGO, PARTS_WAITING, REORDERED
from hw_models.nvdla.post_timing import (
    ACKNOWLEDGE_TO_DONE,
    CDP_BEAT_TO_FIFO,
    CDP_FIRST_ATOM,
    CDP_LEAVE_TO_POP,
    CDP_NEIGHBOURS,
    CDP_OUTPUTS,
    CDP_PARTS,
    CDP_POP_TO_READ,
    CDP_PRODUCT,
    CDP_REORDER_ATOMS,
    CDP_SQUARES,
    CDP_STRIPE_COLUMNS,
    CDP_TO_WRITE,
    ENABLE_TO_RDMA_READ,
)
from hw_models.port import NEVER

_CDP = int(Block.CDP)
_P_CDP = int(Part.CDP)
_CLIENT = int(Client.CDP)
_LAST_READ, _LAST_WRITE = int(Mark.LAST_READ), int(Mark.LAST_WRITE)
_DATA, _ACKNOWLEDGE, _PROGRAM = int(Stall.DATA), int(Stall.ACKNOWLEDGE), int(Stall.PROGRAM)


@njit
def _columns(op, x):
    """Return the columns of the part that begins at ``x``."""
    return min(CDP_STRIPE_COLUMNS, op["width"] - x)


@njit
def _start(state, ops):
    cdp = state["cdp"]
    group = state["groups"][_CDP]
    cdp["op"] = group["op"][group["head"]]
    cdp["slot"] = group["slot"][group["head"]]
    cdp["launch"] = ops[cdp["op"]]
    cdp["busy"] = 1
    op = cdp["launch"]
    atom, elements = state["atom_bytes"], state["cdp_elements"]
    cdp["squares"] = op["lrn_size"] > 0
    cdp["chunks"] = atom // elements
    cdp["behind"] = max(1, CDP_NEIGHBOURS // elements)
    cdp["latency"] = CDP_TO_WRITE
    if not cdp["squares"]:
        cdp["latency"] -= CDP_SQUARES
    if not op["lrn_product"]:
        cdp["latency"] -= CDP_PRODUCT
    cdp["surfaces"] = (op["channels"] + atom - 1) // atom
    cdp["beat_atoms"] = max(1, state["dbb_bytes"] // atom)
    cdp["request_x"] = cdp["request_y"] = cdp["request_z"] = 0
    cdp["next_request"] = max(group["time"][group["head"]], cdp["free_at"]) + ENABLE_TO_RDMA_READ
    cdp["arrive_x"] = cdp["arrive_z"] = cdp["count"] = 0
    cdp["arrive_left"] = cdp["columns"] = _columns(op, 0)
    cdp["beat_begins"] = 1
    cdp["pops"] = cdp["left"] = cdp["entered"] = 0
    cdp["popped"] = cdp["enter"] = cdp["next_write"] = LONG_AGO
    cdp["x"] = cdp["y"] = cdp["z"] = cdp["column"] = cdp["before"] = 0
    cdp["out_x"] = cdp["out_y"] = cdp["out_z"] = 0
    cdp["outputs"] = cdp["parts_count"] = cdp["parts_ready"] = cdp["gathered"] = cdp["all_sent"] = 0


@njit
def cdp_step(state, ops, now):
    """Begin the next launch if there is one; hand requests, a part each, to the memory interface."""
    cdp = state["cdp"]
    state["wake"][_P_CDP] = NEVER
    if cdp["ended"]:
        if now < cdp["free_at"]:
            wake(state, _P_CDP, cdp["free_at"])
            return
        cdp["ended"] = cdp["busy"] = 0
        group_pop(state, _CDP)
    if not cdp["busy"]:
        if state["groups"][_CDP]["count"] == 0:
            return
        _start(state, ops)
        state["records"][cdp["slot"]]["stall"][_PROGRAM] += ENABLE_TO_RDMA_READ
    op = cdp["launch"]
    while cdp["request_y"] < op["height"] and read_room(state, _CLIENT) > 0:
        address = op["src"] + cdp["request_z"] * op["src_surface_stride"]
        address += cdp["request_y"] * op["src_line_stride"] + cdp["request_x"] * state["atom_bytes"]
        beats = (_columns(op, cdp["request_x"]) + cdp["beat_atoms"] - 1) // cdp["beat_atoms"]
        time = max(cdp["next_request"], now)
        request_read(state, _CLIENT, address, beats, time, cdp["slot"])
        cdp["next_request"] = time + 1
        cdp["request_z"] += 1
        if cdp["request_z"] == cdp["surfaces"]:
            cdp["request_z"] = 0
            cdp["request_x"] += CDP_STRIPE_COLUMNS
            if cdp["request_x"] >= op["width"]:
                cdp["request_x"] = 0
                cdp["request_y"] += 1


@njit
def cdp_beat(state, at):
    """One beat for CDP comes from AXI at ``at``."""
    cdp = state["cdp"]
    atoms = min(cdp["beat_atoms"], cdp["arrive_left"])
    for i in range(atoms):
        row = (cdp["head"] + cdp["count"]) % ARRIVALS
        cdp["time"][row] = at + CDP_BEAT_TO_FIFO
        cdp["beat_end"][row] = i == atoms - 1
        cdp["count"] += 1
    cdp["arrive_left"] -= atoms
    if cdp["arrive_left"] == 0:
        cdp["arrive_z"] += 1
        if cdp["arrive_z"] == cdp["surfaces"]:
            cdp["arrive_z"] = 0
            cdp["arrive_x"] += CDP_STRIPE_COLUMNS
            if cdp["arrive_x"] >= cdp["launch"]["width"]:
                cdp["arrive_x"] = 0
        cdp["arrive_left"] = _columns(cdp["launch"], cdp["arrive_x"])
    state["records"][cdp["slot"]]["mark"][_LAST_READ] = at
    _flow(state)


@njit
def _room(cdp):
    """Return whether the next part may begin: there is room for its results, and for its command."""
    return cdp["parts_count"] < CDP_PARTS and cdp["outputs"] + cdp["columns"] <= CDP_OUTPUTS


@njit
def _flow(state):
    """Pass atoms on to the reorder FIFOs, and into the core, as far as their times are known."""
    cdp = state["cdp"]
    while True:
        if cdp["count"] and cdp["pops"] - cdp["left"] < CDP_REORDER_ATOMS:
            _pop(state)
        elif cdp["entered"] < cdp["pops"] and (cdp["column"] or _room(cdp)):
            _enter(state)
        else:
            return


@njit
def _pop(state):
    """Move an atom from the latency FIFO to the reorder FIFOs; its room lets another beat be read."""
    cdp = state["cdp"]
    number = cdp["pops"]
    head = cdp["head"]
    time = max(cdp["time"][head], cdp["popped"] + cdp["beat_begins"])
    if number >= CDP_REORDER_ATOMS:
        time = max(time, cdp["leave_time"][(number - CDP_REORDER_ATOMS) % REORDERED] + CDP_LEAVE_TO_POP)
    cdp["popped"] = time
    cdp["beat_begins"] = cdp["beat_end"][head]
    cdp["head"] = (head + 1) % ARRIVALS
    cdp["count"] -= 1
    if cdp["beat_begins"]:
        return_credit(state, _CLIENT, time + CDP_POP_TO_READ)
    cdp["ready"][number % REORDERED] = time + (CDP_FIRST_ATOM if number == 0 else 0)
    cdp["pops"] += 1


@njit
def _enter(state):
    """The next atom's first chunk enters; with the last one of a part, when its others do is known."""
    cdp = state["cdp"]
    number = cdp["entered"]
    if cdp["column"] == 0:
        row = (cdp["parts_head"] + cdp["parts_count"]) % PARTS_WAITING
        cdp["part_atoms"][row] = cdp["columns"]
        cdp["parts_count"] += 1
        cdp["outputs"] += cdp["columns"]
    ready, next_ = cdp["ready"][number % REORDERED], cdp["enter"] + 1
    if number and ready > next_:
        state["records"][cdp["slot"]]["stall"][_DATA] += ready - next_
    cdp["enter"] = max(ready, next_)
    cdp["leave_time"][number % REORDERED] = cdp["enter"]
    cdp["entered"] += 1
    cdp["column"] += 1
    if cdp["squares"] and cdp["behind"] == 1 and cdp["column"] == cdp["before"] <= cdp["columns"]:
        _complete(state, cdp["enter"])
    if cdp["column"] == cdp["columns"]:
        _part(state)


@njit
def _part(state):
    """The first chunks of a part have entered: the others follow, a column a cycle."""
    cdp = state["cdp"]
    columns, chunks, behind = cdp["columns"], cdp["chunks"], cdp["behind"]
    first = cdp["enter"]  # the last column's
    held = max(0, cdp["before"] - columns) if cdp["squares"] else 0  # columns only the stripe before has
    if chunks > 1:
        last = first + (chunks - 1) * columns + min(chunks - 1, behind) * held
        for column in range(columns):
            row = (cdp["entered"] - columns + column) % REORDERED
            cdp["leave_time"][row] = last - columns + 1 + column
    cdp["left"] += columns
    cdp["enter"] = first + (chunks - 1) * columns + behind * held
    if not cdp["squares"]:
        _complete(state, cdp["enter"])
    elif held:
        _complete(state, first + (behind - 1) * columns + behind * held)
    elif cdp["before"] and behind > 1:
        _complete(state, first + (behind - 2) * columns + cdp["before"])
    cdp["before"] = columns
    cdp["column"] = 0
    cdp["z"] += 1
    if cdp["z"] == cdp["surfaces"]:
        cdp["z"] = 0
        cdp["x"] += CDP_STRIPE_COLUMNS
        if cdp["x"] >= cdp["launch"]["width"]:
            cdp["x"] = 0
            cdp["y"] += 1
            if cdp["y"] == cdp["launch"]["height"] and cdp["squares"]:
                _complete(state, cdp["enter"] + behind * columns)
        cdp["columns"] = _columns(cdp["launch"], cdp["x"])


@njit
def _complete(state, time):
    """The next part of the output is complete at ``time``: its atoms join to bursts."""
    cdp = state["cdp"]
    op = cdp["launch"]
    dbb, atom = state["dbb_bytes"], state["atom_bytes"]
    columns = _columns(op, cdp["out_x"])
    end = op["dst"] + cdp["out_z"] * op["dst_surface_stride"] + cdp["out_y"] * op["dst_line_stride"]
    end += cdp["out_x"] * atom
    bursts = 0
    for column in range(columns):
        if cdp["gathered"] == 0:
            cdp["burst_address"] = end
        cdp["gathered"] += 1
        end += atom
        if column == columns - 1 or end & (dbb * state["burst_beats"] - 1) == 0:
            send_burst(state, cdp, _CLIENT, beats_of(state, cdp, end), time + cdp["latency"])
            bursts += 1
    cdp["part_bursts"][(cdp["parts_head"] + cdp["parts_ready"]) % PARTS_WAITING] = bursts
    cdp["parts_ready"] += 1
    cdp["out_z"] += 1
    if cdp["out_z"] == cdp["surfaces"]:
        cdp["out_z"] = 0
        cdp["out_x"] += CDP_STRIPE_COLUMNS
        if cdp["out_x"] >= op["width"]:
            cdp["out_x"] = 0
            cdp["out_y"] += 1
            cdp["all_sent"] = cdp["out_y"] == op["height"]


@njit
def cdp_written(state, now):
    """A write burst of CDP has left at ``now``; with the last one of a part there is room again."""
    cdp = state["cdp"]
    head = cdp["parts_head"]
    cdp["part_bursts"][head] -= 1
    if cdp["part_bursts"][head]:
        return
    full = cdp["column"] == 0 and not _room(cdp)  # the next part waits to begin
    cdp["outputs"] -= cdp["part_atoms"][head]
    cdp["parts_head"] = (head + 1) % PARTS_WAITING
    cdp["parts_count"] -= 1
    cdp["parts_ready"] -= 1
    if full and _room(cdp):
        cdp["enter"] = max(cdp["enter"], now)
        _flow(state)


@njit
def cdp_acknowledged(state, now):
    """The memory has answered one of CDP's writes; the last one ends the launch, then its group is free."""
    cdp = state["cdp"]
    cdp["acks_left"] -= 1
    if cdp["acks_left"] or not cdp["all_sent"]:
        return
    record = state["records"][cdp["slot"]]
    record["stall"][_ACKNOWLEDGE] += max(0, now - record["mark"][_LAST_WRITE])
    cdp["free_at"] = now + ACKNOWLEDGE_TO_DONE
    finish(state, cdp["op"], cdp["slot"], cdp["free_at"])
    cdp["ended"] = 1
    wake(state, _P_CDP, cdp["free_at"])
