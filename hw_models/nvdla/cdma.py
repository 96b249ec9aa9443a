"""CDMA: fetches feature data and weights into CBUF and hands them to CSC.

Data (CDMA_dc.v): a grain of lines at a time, surface after surface, at most 8 atoms a request. Beats go
through a shared buffer whose read side blocks its write side for a cycle at the end of a line, and after
every atom of the surfaces whose index has bit 1 set. Lines are handed over when their last atom is in.
Weights (CDMA_wt.v): in order, at most 8 atoms a request, no further than the weight banks reach; handed
over per kernel group.
"""

from hw_models.jit import inlined, njit
from hw_models.nvdla.compression import compressed_requests, compressed_start, decodable, take_source
from hw_models.nvdla.groups import group_pop
from hw_models.nvdla.mcif import read_room, request_read, wake
from hw_models.nvdla.state import (
    RELEASES,
    SKID_STAGES,
    Block,
    Client,
    Mark,
    Part,
    Phase,
)
from hw_models.nvdla.timing import (
    ACCEPT_TO_KERNELS,
    ACCEPT_TO_LINES,
    DATA_AFTER_WEIGHT,
    ENABLE_TO_WEIGHT_READ,
    HAND_OVER_TO_ENABLE,
    IMAGE_ACCEPT_TO_LINES,
    IMAGE_AFTER_WEIGHT,
    IMAGE_LINES_TO_DATA_DONE,
    KERNELS_SPACING,
    KERNELS_TO_WEIGHT_DONE,
    LINES_TO_DATA_DONE,
    REQUEST_TO_READ,
    ROOM_TO_REQUEST,
)
from hw_models.nvdla.winograd import block_lines, room_for_grain, winograd_requests
from hw_models.port import NEVER

_DATA = int(Client.CDMA_DATA)
_WEIGHT = int(Client.CDMA_WEIGHT)
_P_DATA = int(Part.CDMA_DATA)
_P_WEIGHT = int(Part.CDMA_WEIGHT)
_P_CSC = int(Part.CSC)
_CDMA = int(Block.CDMA)
_IDLE, _PEND, _BUSY, _DONE = (
    int(Phase.IDLE),
    int(Phase.PEND),
    int(Phase.BUSY),
    int(Phase.DONE),
)
_M_DAT_DONE, _M_WT_DONE = int(Mark.DAT_DONE), int(Mark.WT_DONE)
_M_DAT_UPDT, _M_WT_UPDT = int(Mark.FIRST_DAT_UPDT), int(Mark.FIRST_WT_UPDT)


@njit
def _ceil(a, b):
    return (a + b - 1) // b


@njit
def input_lines(op):
    """Return the lines that CDMA hands over for a launch; Winograd: with padding, in blocks of four."""
    if op["winograd"]:
        return _ceil(op["height"] + op["pad_top"] + op["pad_bottom"], 4) * 4
    return op["height"]


@njit
def kernel_group_bytes(state, op):
    """Return the stored bytes of one kernel group, the last one apart, and of its mask."""
    groups = _ceil(op["kernels"], state["atomic_k"])
    group = op["channels"] * op["kernel_height"] * op["kernel_width"] * state["atomic_k"]
    if op["winograd"]:
        group = _ceil(op["channels"], 4) * 4 * 16 * state["atomic_k"]
    if op["wmb_bytes"]:
        return op["weight_bytes"] // groups, _ceil(group, 8)
    return group, 0


@njit
def line_entries(state, op):
    """Return the CBUF entries that one input line takes, of all images of a batch."""
    entry = state["cbuf_entry_bytes"]
    if op["image"]:
        return _ceil(op["width"] * op["channels"], entry)
    atoms = _ceil(op["channels"], state["atom_bytes"])
    per_entry = entry // state["atom_bytes"]
    if op["winograd"]:
        width = _ceil(op["width"] + op["pad_left"] + op["pad_right"], 4) * 4
        return _ceil(width * atoms, per_entry)
    one = op["width"] * (atoms // per_entry) + _ceil(op["width"] * (atoms % per_entry), per_entry)
    return one * max(1, op["batch"])


@njit
def _data_start(state, ops, data, group, begin):
    """Take the launch at the head of CDMA's groups; its first read may leave CDMA from ``begin`` on."""
    index = group["op"][group["head"]]
    op = ops[index]
    atom = state["atom_bytes"]
    data["op"] = index
    data["slot"] = group["slot"][group["head"]]
    data["phase"] = _BUSY
    data["last_banks"] = op["data_banks"]
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
        data["width"] = _ceil(op["width"] * op["channels"] + first, atom)
        data["surfaces"] = 1
    else:
        data["width"] = op["width"]
        data["surfaces"] = _ceil(op["channels"], atom)
        if op["width"] == 1 and op["height"] == 1 and op["surface_packed"]:
            data["width"] = data["surfaces"]  # is_packed_1x1
            data["surfaces"] = 1
        if op["line_packed"]:
            data["grain"] = max(1, op["fetch_grain"])
    if op["winograd"]:
        data["width"] = _ceil(op["width"], state["cdma_beats_atoms"]) * state["cdma_beats_atoms"]
        data["grain"] = 4
        data["real_lines"] = op["height"]
        data["pad_top"] = op["pad_top"]
        data["pad_requests"] = 4 * (_ceil(op["pad_left"], 8) + _ceil(op["pad_right"], 8))
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
    data["rsp_atom"] = 0
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
        size = min(8 - base % 8, atoms - data["req_atom"])
        request_read(
            state,
            _DATA,
            base * state["atom_bytes"],
            _ceil(size, room),
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
def _through_the_pipes(data, time):
    """Return when a beat is taken that the latency FIFO offers from ``time`` on; notes the beat's way.

    Three pipeline registers with one skid entry each (READ_eg's output, DMAIF_rdrsp twice). A register that
    cannot pass its beat on in a cycle refuses the next in the following cycle, whether its skid entry is
    taken or not (vmod/plugins/pipe.pm). `entered` and `left`: [stage, 0] the beat before last, [stage, 1]
    the last.
    """
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
    if at == data["blocked_before"]:
        at += 1
    if at == data["blocked"]:
        at += 1
    left[SKID_STAGES - 1, 1] = at
    data["accepted"] = at
    return at


@njit
def data_beat(state, time):
    """One beat of data is at CDMA's door at ``time``; return the cycle at which it is taken."""
    data = state["cdma_data"]
    atoms = min(state["cdma_beats_atoms"], data["rsp_grain"] * data["width"] - data["rsp_atom"])
    at = _through_the_pipes(data, time)
    data["rsp_atom"] += atoms
    end_of_line = data["rsp_atom"] % data["width"] == 0
    if data["image"]:
        if end_of_line:  # two cycles between lines
            data["blocked_before"] = at + 2
            data["blocked"] = at + 3
    elif (data["rsp_surface"] & 2 or end_of_line) and data["blocked"] != at + 1 and not data["winograd"]:
        data["blocked_before"] = data["blocked"]
        data["blocked"] = at + 2
    if end_of_line and data["rsp_atom"] == data["rsp_grain"] * data["width"]:
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
            wake(state, _P_DATA, seen)
    return at


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
        if marks[_M_DAT_UPDT] < 0:
            marks[_M_DAT_UPDT] = cbuf["lines_time"]
        wake(state, _P_CSC, now)
        if data["lines_sent"] == data["height"]:
            data["phase"] = _DONE
            late = IMAGE_LINES_TO_DATA_DONE if data["image"] else LINES_TO_DATA_DONE
            data["done_at"] = cbuf["lines_time"] + late
            marks[_M_DAT_DONE] = data["done_at"]
            _hand_over(state)


@njit
def _release_data(state, now):
    cbuf = state["cbuf"]
    if cbuf["data_release_time"] <= now:
        cbuf["data_used"] -= cbuf["data_release_entries"]
        data = state["cdma_data"]
        if data["waits_for_room"]:
            data["waits_for_room"] = 0
            data["next_request"] = max(data["next_request"], cbuf["data_release_time"] + ROOM_TO_REQUEST)
        cbuf["data_release_time"] = NEVER


@njit
def _hand_over(state):
    """When data and weights are both in, the register group is done."""
    data, weight = state["cdma_data"], state["cdma_weight"]
    if data["phase"] == _DONE and weight["phase"] == _DONE and data["slot"] == weight["slot"]:
        ready = max(data["done_at"], weight["done_at"]) + HAND_OVER_TO_ENABLE
        data["phase"] = weight["phase"] = _IDLE
        data["ready_at"] = weight["ready_at"] = ready
        group_pop(state, _CDMA)
        wake(state, _P_DATA, max(data["done_at"], weight["done_at"]))
        wake(state, _P_WEIGHT, max(data["done_at"], weight["done_at"]))


@njit
def data_step(state, ops, now):
    data = state["cdma_data"]
    _data_updates(state, data, now)
    _release_data(state, now)
    if data["phase"] == _IDLE:
        group = state["groups"][_CDMA]
        if group["count"]:
            op = ops[group["op"][group["head"]]]
            begin = max(group["time"][group["head"]], data["ready_at"])
            data["lines_sent"] = 0
            if op["data_banks"] != data["last_banks"]:
                data["phase"] = _PEND
                data["slot"] = group["slot"][group["head"]]
                data["op"] = group["op"][group["head"]]
                data["pend_since"] = begin
                wake(state, _P_CSC, now)
            else:
                _data_start(state, ops, data, group, begin)
    if data["phase"] == _BUSY:
        if data["winograd"]:
            winograd_requests(state, data)
        else:
            _data_requests(state, data)
    next_time = NEVER
    if data["update_count"]:
        next_time = data["update_time"][data["update_head"]]
    state["wake"][_P_DATA] = min(next_time, state["cbuf"]["data_release_time"])


@njit
def _weight_start(state, ops, weight, group, begin):
    index = group["op"][group["head"]]
    op = ops[index]
    weight["op"] = index
    weight["slot"] = group["slot"][group["head"]]
    weight["phase"] = _BUSY
    weight["last_data_banks"] = op["data_banks"]
    weight["last_weight_banks"] = op["weight_banks"]
    weight["address"] = op["weights"]
    weight["total_bytes"] = op["weight_bytes"]
    weight["beats"] = _ceil(op["weight_bytes"], state["dbb_bytes"])
    weight["requested"] = 0
    weight["received"] = 0
    weight["kernels"] = op["kernels"]
    weight["groups"] = _ceil(op["kernels"], state["atomic_k"])
    weight["group"] = 0
    weight["group_bytes"], weight["mask_group_bytes"] = kernel_group_bytes(state, op)
    weight["announced"] = 0
    weight["capacity"] = (
        op["weight_banks"] * state["cbuf_depth"] * state["cbuf_entry_bytes"] // state["dbb_bytes"]
    )
    weight["waits_for_room"] = 0
    weight["next_request"] = begin + ENABLE_TO_WEIGHT_READ - REQUEST_TO_READ
    weight["compressed"] = op["wmb_bytes"] > 0
    if weight["compressed"]:
        compressed_start(state, weight, op)


@njit
def _weight_requests(state, weight):
    dbb = state["dbb_bytes"]
    spare = 8 * state["atom_bytes"] // state["atomic_c"]  # CDMA_wt.v counts it in atoms
    block = 8 * state["atom_bytes"]
    while weight["requested"] < weight["beats"] and read_room(state, _WEIGHT) > 0:
        beats = min(
            (block - weight["address"] % block) // dbb,
            weight["beats"] - weight["requested"],
        )
        if weight["held"] + beats > weight["capacity"] + spare * state["atom_bytes"] // dbb:
            weight["waits_for_room"] = 1
            return
        request_read(
            state,
            _WEIGHT,
            weight["address"],
            beats,
            weight["next_request"] + REQUEST_TO_READ,
            weight["slot"],
        )
        weight["address"] += beats * dbb
        weight["requested"] += beats
        weight["held"] += beats
        weight["next_request"] += 1


@njit
def weight_beat(state, time):
    """One beat of weights is at CDMA's door at ``time``."""
    weight = state["cdma_weight"]
    at = max(time, weight["accepted"] + 1)
    weight["accepted"] = at
    if weight["compressed"] and take_source(state, weight):
        _announce(state, weight, at)
        return
    if weight["stored"] >= weight["capacity"]:
        weight["waiting"] += 1
        return
    weight["stored"] += 1
    weight["received"] += 1
    _announce(state, weight, at)


@njit
def _announce(state, weight, at):
    """Send word of a kernel group to CSC when its last beat was taken at ``at``."""
    if weight["group"] == weight["groups"]:
        return
    last = weight["group"] + 1 == weight["groups"]
    need = weight["total_bytes"] if last else (weight["group"] + 1) * weight["group_bytes"]
    dbb = state["dbb_bytes"]
    per_entry = max(1, state["cbuf_entry_bytes"] // dbb)
    while weight["received"] * dbb >= need and weight["received"] % per_entry == 0:
        if weight["compressed"] and not decodable(state, weight, last):
            return
        time = max(at, weight["announced"] + KERNELS_SPACING)
        weight["announced"] = time
        kernels = state["atomic_k"]
        if last:
            kernels = weight["kernels"] - (weight["groups"] - 1) * state["atomic_k"]
        row = (weight["update_head"] + weight["update_count"]) % RELEASES
        weight["update_time"][row] = time + ACCEPT_TO_KERNELS
        weight["update_kernels"][row] = kernels
        weight["update_count"] += 1
        wake(state, _P_WEIGHT, time + ACCEPT_TO_KERNELS)
        weight["group"] += 1
        if weight["group"] == weight["groups"]:
            return
        last = weight["group"] + 1 == weight["groups"]
        need = weight["total_bytes"] if last else (weight["group"] + 1) * weight["group_bytes"]


@njit
def _weight_updates(state, weight, now):
    cbuf = state["cbuf"]
    while weight["update_count"] and weight["update_time"][weight["update_head"]] <= now:
        head = weight["update_head"]
        time = weight["update_time"][head]
        weight["update_head"] = (head + 1) % RELEASES
        weight["update_count"] -= 1
        cbuf["group_time"][cbuf["groups"] % RELEASES] = time
        cbuf["groups"] += 1
        weight["groups_sent"] += 1
        marks = state["records"][weight["slot"]]["mark"]
        if marks[_M_WT_UPDT] < 0:
            marks[_M_WT_UPDT] = time
        wake(state, _P_CSC, now)
        if weight["groups_sent"] == weight["groups"]:
            weight["phase"] = _DONE
            weight["done_at"] = time + KERNELS_TO_WEIGHT_DONE
            marks[_M_WT_DONE] = weight["done_at"]
            _hand_over(state)


@njit
def _release_weights(state, weight, now):
    cbuf = state["cbuf"]
    while cbuf["weight_release_count"] and cbuf["weight_release_time"][cbuf["weight_release_head"]] <= now:
        head = cbuf["weight_release_head"]
        beats = cbuf["weight_release_beats"][head]
        time = cbuf["weight_release_time"][head]
        cbuf["weight_release_head"] = (head + 1) % RELEASES
        cbuf["weight_release_count"] -= 1
        weight["held"] -= beats
        weight["stored"] -= beats
        weight["mask_held"] -= cbuf["mask_release_beats"][head]
        if weight["waits_for_room"]:
            weight["waits_for_room"] = 0
            weight["next_request"] = max(weight["next_request"], time + ROOM_TO_REQUEST)
        at = time
        while weight["waiting"] and weight["stored"] < weight["capacity"]:
            weight["waiting"] -= 1
            weight["stored"] += 1
            weight["received"] += 1
            at += 1
            weight["accepted"] = max(weight["accepted"], at)
            _announce(state, weight, at)


@njit
def weight_step(state, ops, now):
    weight = state["cdma_weight"]
    _weight_updates(state, weight, now)
    _release_weights(state, weight, now)
    if weight["phase"] == _IDLE:
        group = state["groups"][_CDMA]
        if group["count"]:
            op = ops[group["op"][group["head"]]]
            begin = max(group["time"][group["head"]], weight["ready_at"])
            weight["groups_sent"] = 0
            same = op["data_banks"] == weight["last_data_banks"]
            if not same or op["weight_banks"] != weight["last_weight_banks"]:
                weight["phase"] = _PEND
                weight["slot"] = group["slot"][group["head"]]
                weight["op"] = group["op"][group["head"]]
                weight["pend_since"] = begin
                wake(state, _P_CSC, now)
            else:
                _weight_start(state, ops, weight, group, begin)
    if weight["phase"] == _BUSY:
        if weight["compressed"]:
            compressed_requests(state, weight)
        else:
            _weight_requests(state, weight)
    next_time = NEVER
    if weight["update_count"]:
        next_time = weight["update_time"][weight["update_head"]]
    cbuf = state["cbuf"]
    if cbuf["weight_release_count"]:
        next_time = min(next_time, cbuf["weight_release_time"][cbuf["weight_release_head"]])
    state["wake"][_P_WEIGHT] = next_time


@njit
def end_pend(state, ops, begin):
    """CDMA and CSC agree on a new split of CBUF: what is left in it is dropped, fetching begins."""
    data, weight, cbuf = state["cdma_data"], state["cdma_weight"], state["cbuf"]
    group = state["groups"][_CDMA]
    weight["held"] = 0
    weight["stored"] = 0
    weight["mask_held"] = 0
    if data["phase"] == _PEND:
        cbuf["data_used"] = 0
        cbuf["lines"] = 0
        _data_start(state, ops, data, group, begin)
        wake(state, _P_DATA, begin)
    if weight["phase"] == _PEND:
        _weight_start(state, ops, weight, group, begin)
        wake(state, _P_WEIGHT, begin)
