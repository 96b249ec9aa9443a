"""CDMA's data side: input lines from memory into the convolution buffer."""

from hw_models.jit import aside, inlined, njit
from hw_models.nvdla.cbuf import (
    BUSY,
    CDMA,
    DATA_BIT,
    DONE,
    IDLE,
    KEPT,
    M_DAT_DONE,
    M_DAT_UPDT,
    P_CSC,
    P_DATA,
    PEND,
    ceil_div,
    data_mode,
    hand_over,
    input_lines,
    line_entries,
)
from hw_models.nvdla.cdma_kept import ends_kept, lie_there
from hw_models.nvdla.conv_state import RELEASES, SKID_STAGES
from hw_models.nvdla.mcif import read_room, request_read, wake
from hw_models.nvdla.names import Client
from hw_models.nvdla.timing import (
    ACCEPT_TO_LINES,
    DATA_AFTER_WEIGHT,
    ENABLE_TO_WEIGHT_READ,
    IMAGE_ACCEPT_TO_LINES,
    IMAGE_AFTER_WEIGHT,
    IMAGE_LINES_TO_DATA_DONE,
    LINES_TO_DATA_DONE,
    REQUEST_ATOMS,
    REQUEST_TO_READ,
    ROOM_TO_REQUEST,
    WINOGRAD_LINES,
)
from hw_models.nvdla.winograd import block_lines, room_for_grain, winograd_requests
from hw_models.port import NEVER

_DATA = int(Client.CDMA_DATA)


@njit
def data_start(state, ops, data, group, begin):
    """Take the launch at the head of CDMA's groups; its first read may leave CDMA from ``begin`` on."""
    index = group["op"][group["head"]]
    op = ops[index]
    atom = state["atom_bytes"]
    data["op"] = index
    data["slot"] = group["slot"][group["head"]]
    data["phase"] = BUSY
    data["last_banks"] = op["data_banks"]
    data["kept"] = data_mode(op) if op["keep"] & DATA_BIT else 0
    data["image"] = op["image"]
    data["height"] = input_lines(op)
    data["images"] = max(1, op["batch"])
    data["batch_stride"] = op["batch_stride"] // atom
    data["winograd"] = op["winograd"]
    data["address"] = op["src"] // atom
    data["line_stride"] = op["src_line_stride"] // atom
    data["surface_stride"] = op["src_surface_stride"] // atom
    data["grain"] = 1
    if op["image"]:
        first = op["src"] % atom
        data["width"] = ceil_div(op["width"] * op["channels"] + first, atom)
        data["surfaces"] = 1
    else:
        data["width"] = op["width"]
        data["surfaces"] = ceil_div(op["channels"], atom)
        if op["width"] == 1 and op["height"] == 1 and op["surface_packed"]:
            data["width"] = data["surfaces"]  # is_packed_1x1
            data["surfaces"] = 1
        if op["line_packed"]:
            data["grain"] = max(1, op["fetch_grain"])
    if op["winograd"]:
        data["width"] = ceil_div(op["width"], state["cdma_beats_atoms"]) * state["cdma_beats_atoms"]
        data["grain"] = WINOGRAD_LINES
        data["real_lines"] = op["height"]
        data["pad_top"] = op["pad_top"]
        pads = ceil_div(op["pad_left"], REQUEST_ATOMS) + ceil_div(op["pad_right"], REQUEST_ATOMS)
        data["pad_requests"] = WINOGRAD_LINES * pads
    data["line_entries"] = line_entries(state, op)
    data["req_line"] = 0
    data["req_image"] = 0
    data["req_surface"] = 0
    data["req_atom"] = 0
    data["req_row"] = 0
    data["req_grain"] = min(data["grain"], data["height"])
    data["reserved"] = 0
    data["waits_for_room"] = 0
    after = IMAGE_AFTER_WEIGHT if op["image"] else DATA_AFTER_WEIGHT
    data["next_request"] = begin + ENABLE_TO_WEIGHT_READ + after - REQUEST_TO_READ
    data["rsp_line"] = 0
    data["rsp_image"] = 0
    data["rsp_surface"] = 0
    data["rsp_atom"] = data["rsp_column"] = 0
    data["rsp_grain"] = block_lines(data, 0) if op["winograd"] else data["req_grain"]


@njit
def _data_requests(state, data):
    """Queue as many requests as there is room for."""
    room = state["cdma_beats_atoms"]
    while data["req_line"] < data["height"] and read_room(state, _DATA) > 0:
        start = data["req_surface"] == 0 and data["req_atom"] == 0 and data["req_image"] == 0
        if start and not room_for_grain(state, data):
            return
        atoms = data["req_grain"] * data["width"]
        base = data["address"] + data["req_line"] * data["line_stride"]
        base += data["req_surface"] * data["surface_stride"] + data["req_atom"]
        base += data["req_image"] * data["batch_stride"]
        size = min(REQUEST_ATOMS - base % REQUEST_ATOMS, atoms - data["req_atom"])
        request_read(
            state,
            _DATA,
            base * state["atom_bytes"],
            ceil_div(size, room),
            data["next_request"] + REQUEST_TO_READ,
            data["slot"],
        )
        data["next_request"] += 1
        data["req_atom"] += size
        if data["req_atom"] == atoms:
            data["req_atom"] = 0
            data["req_surface"] += 1
            data["next_request"] += 1
            if data["req_surface"] == data["surfaces"]:
                data["req_surface"] = 0
                data["req_image"] += 1
                if data["req_image"] < data["images"]:
                    continue
                data["req_image"] = 0
                data["reserved"] += data["req_grain"] * data["line_entries"]
                data["req_line"] += data["req_grain"]
                data["req_grain"] = min(data["grain"], data["height"] - data["req_line"])
                data["next_request"] += 1


@inlined
def _through_the_door(data, at):
    """Return when a beat is taken that has come through the last pipe by ``at``."""
    if at == data["blocked_before"]:
        at += 1
    if at == data["blocked"]:
        at += 1
    data["left"][SKID_STAGES - 1, 1] = data["accepted"] = at
    return at


@inlined
def _through_the_pipes(data, time):
    """Return when a beat is taken that the latency FIFO offers from ``time`` on; notes the beat's way.

    Three pipeline registers with one skid entry each (READ_eg's output, DMAIF_rdrsp twice). A register that
    cannot pass its beat on in a cycle refuses the next in the following cycle, whether its skid entry is
    taken or not (vmod/plugins/pipe.pm). `entered` and `left`: [stage, 0] the beat before last, [stage, 1]
    the last.
    """
    entered, left, asked = data["entered"], data["left"], data["asked"]
    if time > left[SKID_STAGES - 1, 1]:  # those before have left all registers
        for stage in range(SKID_STAGES):
            asked[stage] = time + stage
            entered[stage, 1] = left[stage, 1] = time + stage + 1
        return _through_the_door(data, time + SKID_STAGES)
    return _through_the_door(data, _behind_others(data, time))


@aside
def _behind_others(data, time):
    """Return when a beat is through the pipes in which others are."""
    entered, left, asked = data["entered"], data["left"], data["asked"]
    at = time
    for stage in range(SKID_STAGES):
        at = max(at, asked[stage] + 1)
        if entered[stage, 0] + 1 <= at <= left[stage, 0]:
            at = left[stage, 0] + 1
        if entered[stage, 1] + 1 <= at <= left[stage, 1]:
            at = left[stage, 1] + 1
        asked[stage] = at
        if stage:
            left[stage - 1, 1] = at
        enters = at
        if entered[stage, 1] <= at < left[stage, 1]:
            enters = left[stage, 1]
        at = enters + 1
        entered[stage, 0] = entered[stage, 1]
        left[stage, 0] = left[stage, 1]
        entered[stage, 1] = at
    return at


@njit
def data_beat(state, time):
    """One beat of data is at CDMA's door at ``time``; return the cycle at which it is taken."""
    data = state["cdma_data"]
    atoms = min(state["cdma_beats_atoms"], data["rsp_grain"] * data["width"] - data["rsp_atom"])
    at = _through_the_pipes(data, time)
    data["rsp_atom"] += atoms
    data["rsp_column"] += atoms
    if data["rsp_column"] >= data["width"]:
        data["rsp_column"] %= data["width"]
    end_of_line = data["rsp_column"] == 0
    if data["image"]:
        if end_of_line:  # two cycles between lines
            data["blocked_before"] = at + 2
            data["blocked"] = at + 3
    elif (data["rsp_surface"] & 2 or end_of_line) and data["blocked"] != at + 1 and not data["winograd"]:
        data["blocked_before"] = data["blocked"]
        data["blocked"] = at + 2
    if end_of_line and data["rsp_atom"] == data["rsp_grain"] * data["width"]:
        _end_surface(state, data, at)
    return at


@aside
def _end_surface(state, data, at):
    """The last beat of a grain's surface was taken at ``at``."""
    data["rsp_atom"] = 0
    data["rsp_surface"] += 1
    if data["rsp_surface"] == data["surfaces"]:
        data["rsp_surface"] = 0
        data["rsp_image"] += 1
    if data["rsp_image"] == data["images"]:
        data["rsp_image"] = 0
        row = (data["update_head"] + data["update_count"]) % RELEASES
        seen = at + (IMAGE_ACCEPT_TO_LINES if data["image"] else ACCEPT_TO_LINES)
        data["update_time"][row] = seen
        data["update_lines"][row] = _next_grain(data)
        data["update_count"] += 1
        wake(state, P_DATA, seen)


@njit
def _next_grain(data):
    """Go on to the grain that responses fill next; return the lines of the one that is full."""
    lines = min(data["grain"], data["height"] - data["rsp_line"])
    data["rsp_grain"] = min(data["grain"], data["height"] - data["rsp_line"] - lines)
    if data["winograd"]:
        data["rsp_grain"] = block_lines(data, data["rsp_line"] + lines)
        if data["rsp_grain"] == 0:  # the last block is all padding
            lines = data["height"] - data["rsp_line"]
    data["rsp_line"] += lines
    return lines


@njit
def _data_updates(state, data, now):
    """Hand over the lines whose time has come."""
    cbuf = state["cbuf"]
    while data["update_count"] and data["update_time"][data["update_head"]] <= now:
        head = data["update_head"]
        lines = data["update_lines"][head]
        data["update_head"] = (head + 1) % RELEASES
        data["update_count"] -= 1
        cbuf["lines"] += lines
        cbuf["lines_time"] = data["update_time"][head]
        entries = lines * data["line_entries"]
        cbuf["data_used"] += entries
        data["reserved"] -= entries
        data["lines_sent"] += lines
        marks = state["records"][data["slot"]]["mark"]
        if marks[M_DAT_UPDT] < 0:
            marks[M_DAT_UPDT] = cbuf["lines_time"]
        wake(state, P_CSC, now)
        if data["lines_sent"] == data["height"]:
            data["phase"] = DONE
            late = IMAGE_LINES_TO_DATA_DONE if data["image"] else LINES_TO_DATA_DONE
            data["done_at"] = cbuf["lines_time"] + late
            marks[M_DAT_DONE] = data["done_at"]
            hand_over(state)


@njit
def _release_data(state, now):
    cbuf, data = state["cbuf"], state["cdma_data"]
    times = cbuf["data_release_time"]
    for kind in range(len(times)):
        if times[kind] > now:
            continue
        cbuf["data_used"] -= cbuf["data_release_entries"][kind]
        if data["waits_for_room"]:
            data["waits_for_room"] = 0
            data["next_request"] = max(data["next_request"], times[kind] + ROOM_TO_REQUEST)
        times[kind] = NEVER


@njit
def data_step(state, ops, now):
    data = state["cdma_data"]
    _data_updates(state, data, now)
    if ends_kept(state, data, M_DAT_DONE, now):
        hand_over(state)
    _release_data(state, now)
    if data["phase"] == IDLE:
        group = state["groups"][CDMA]
        if group["count"]:
            op = ops[group["op"][group["head"]]]
            begin = max(group["time"][group["head"]], data["ready_at"])
            data["lines_sent"] = 0
            if op["data_banks"] != data["last_banks"]:
                data["phase"] = PEND
                data["slot"] = group["slot"][group["head"]]
                data["op"] = group["op"][group["head"]]
                data["pend_since"] = begin
                wake(state, P_CSC, now)
            elif op["reuse"] & DATA_BIT and data["kept"] == data_mode(op):
                lie_there(data, group, begin)
                data["kept"] = data_mode(op) if op["keep"] & DATA_BIT else 0
            else:
                data_start(state, ops, data, group, begin)
    if data["phase"] == BUSY:
        if data["winograd"]:
            winograd_requests(state, data)
        else:
            _data_requests(state, data)
    next_time = NEVER
    if data["update_count"]:
        next_time = data["update_time"][data["update_head"]]
    if data["phase"] == KEPT:
        next_time = min(next_time, data["done_at"])
    releases = state["cbuf"]["data_release_time"]
    state["wake"][P_DATA] = min(next_time, min(releases[0], releases[1]))
