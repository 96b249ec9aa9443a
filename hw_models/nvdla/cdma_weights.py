"""CDMA's weight side: kernel groups from memory into the convolution buffer."""

from hw_models.jit import njit
from hw_models.nvdla.cbuf import (
    BUSY,
    CDMA,
    DONE,
    IDLE,
    KEPT,
    M_WT_DONE,
    M_WT_UPDT,
    P_CSC,
    P_WEIGHT,
    PEND,
    WEIGHTS_BIT,
    ceil_div,
    hand_over,
    kernel_group_bytes,
)
from hw_models.nvdla.cdma_kept import ends_kept, lie_there
from hw_models.nvdla.compression import compressed_requests, compressed_start, decodable, take_source
from hw_models.nvdla.conv_state import DOORS, RELEASES
from hw_models.nvdla.mcif import read_room, request_read, wake
from hw_models.nvdla.names import Client
from hw_models.nvdla.timing import (
    ACCEPT_TO_KERNELS,
    ENABLE_TO_WEIGHT_READ,
    KERNELS_SPACING,
    KERNELS_TO_WEIGHT_DONE,
    REQUEST_ATOMS,
    REQUEST_TO_READ,
    ROOM_TO_REQUEST,
)
from hw_models.port import NEVER

_WEIGHT = int(Client.CDMA_WEIGHT)


@njit
def weight_start(state, ops, weight, group, begin):
    index = group["op"][group["head"]]
    op = ops[index]
    weight["op"] = index
    weight["slot"] = group["slot"][group["head"]]
    weight["phase"] = BUSY
    weight["kept"] = op["keep"] & WEIGHTS_BIT
    weight["last_data_banks"] = op["data_banks"]
    weight["last_weight_banks"] = op["weight_banks"]
    weight["address"] = op["weights"]
    weight["total_bytes"] = op["weight_bytes"]
    weight["beats"] = ceil_div(op["weight_bytes"], state["dbb_bytes"])
    weight["requested"] = 0
    weight["received"] = 0
    weight["kernels"] = op["kernels"]
    weight["groups"] = ceil_div(op["kernels"], state["atomic_k"])
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
    spare = REQUEST_ATOMS * state["atom_bytes"] // state["atomic_c"]  # CDMA_wt.v counts it in atoms
    block = REQUEST_ATOMS * state["atom_bytes"]
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
    if weight["compressed"] and take_source(state, weight):
        weight["accepted"] = at
        _announce(state, weight, at)
        return
    if weight["stored"] >= weight["capacity"]:
        weight["door"][weight["waited"] % DOORS] = time
        weight["waited"] += 1
        weight["waiting"] += 1
        return
    weight["accepted"] = at
    weight["stored"] += 1
    weight["received"] += 1
    _announce(state, weight, at)


@njit
def _write_waiting(state, weight, time):
    """Write the beats that wait for room, one a cycle from ``time`` on, as far as there is room."""
    while weight["waiting"] and weight["stored"] < weight["capacity"]:
        at = max(time, weight["accepted"] + 1)
        if weight["waiting"] <= DOORS:  # those before are at the door for long
            at = max(at, weight["door"][(weight["waited"] - weight["waiting"]) % DOORS])
        weight["waiting"] -= 1
        weight["stored"] += 1
        weight["received"] += 1
        weight["accepted"] = at
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
        row = (weight["update_head"] + weight["update_count"]) % RELEASES
        weight["update_time"][row] = time + ACCEPT_TO_KERNELS
        weight["update_count"] += 1
        wake(state, P_WEIGHT, time + ACCEPT_TO_KERNELS)
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
        if marks[M_WT_UPDT] < 0:
            marks[M_WT_UPDT] = time
        wake(state, P_CSC, now)
        if weight["groups_sent"] == weight["groups"]:
            weight["phase"] = DONE
            weight["done_at"] = time + KERNELS_TO_WEIGHT_DONE
            marks[M_WT_DONE] = weight["done_at"]
            hand_over(state)


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
        _write_waiting(state, weight, time + 1)


@njit
def weight_step(state, ops, now):
    weight = state["cdma_weight"]
    _weight_updates(state, weight, now)
    if ends_kept(state, weight, M_WT_DONE, now):
        hand_over(state)
    _release_weights(state, weight, now)
    if weight["phase"] == IDLE:
        group = state["groups"][CDMA]
        if group["count"]:
            op = ops[group["op"][group["head"]]]
            begin = max(group["time"][group["head"]], weight["ready_at"])
            weight["groups_sent"] = 0
            same = op["data_banks"] == weight["last_data_banks"]
            if not same or op["weight_banks"] != weight["last_weight_banks"]:
                weight["phase"] = PEND
                weight["slot"] = group["slot"][group["head"]]
                weight["op"] = group["op"][group["head"]]
                weight["pend_since"] = begin
                wake(state, P_CSC, now)
            elif op["reuse"] & WEIGHTS_BIT and weight["kept"]:
                lie_there(weight, group, begin)
                weight["kept"] = op["keep"] & WEIGHTS_BIT
            else:
                weight_start(state, ops, weight, group, begin)
    if weight["phase"] == BUSY:
        if weight["compressed"]:
            compressed_requests(state, weight)
        else:
            _weight_requests(state, weight)
    next_time = NEVER
    if weight["update_count"]:
        next_time = weight["update_time"][weight["update_head"]]
    if weight["phase"] == KEPT:
        next_time = min(next_time, weight["done_at"])
    cbuf = state["cbuf"]
    if cbuf["weight_release_count"]:
        next_time = min(next_time, cbuf["weight_release_time"][cbuf["weight_release_head"]])
    state["wake"][P_WEIGHT] = next_time
