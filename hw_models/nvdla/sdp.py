"""SDP: takes pixels from CACC or from memory, joins operands, hands atoms to the write path or to PDP.

Each atom's way is a handful of times: when it enters (`wait_time`), when it meets its operands (the join),
when its last chunk is on the bus. The join waits for the latest of data, operands, the atom before, and
room behind. Registers between the entry and the join hold a few chunks: so many atoms may wait there.
"""

from hw_models.jit import njit
from hw_models.nvdla.done import finish
from hw_models.nvdla.groups import group_pop
from hw_models.nvdla.mcif import request_write, wake
from hw_models.nvdla.names import Block, Client, Mark, Part, Stall
from hw_models.nvdla.op import Operand, Unit
from hw_models.nvdla.pdp import pdp_take
from hw_models.nvdla.post_state import CHAINS, ENDING, HISTORY, LONG_AGO
from hw_models.nvdla.post_timing import (
    ACKNOWLEDGE_TO_DONE,
    CACC_LATE_READY,
    CHUNKS_BEFORE_JOIN_CACC,
    CHUNKS_BEFORE_JOIN_RDMA,
    ENABLE_TO_RDMA_READ,
    OPERAND_AHEAD,
    PDP_OUTPUTS,
    PDP_SLACK_CHUNKS,
    SDP_ATOMS_TO_BUS,
    SDP_TO_WRITE,
    WRITE_GAP,
    WRITE_TO_ROOM,
    X_ALU,
    X_BASE,
    X_MUL,
    Y_BASE,
    Y_LUT,
)
from hw_models.nvdla.rdma import (
    chain_advance,
    chain_beat,
    chain_front,
    chain_release,
    chain_request,
    chain_start,
    chain_take,
)
from hw_models.port import NEVER

_P_SDP = int(Part.SDP)
_P_RDMA = int(Part.SDP_RDMA)
_P_CACC = int(Part.CACC)
_SDP = int(Block.SDP)
_RDMA = int(Block.SDP_RDMA)
_CLIENT = int(Client.SDP)
_OFF, _PER_KERNEL, _PER_ELEMENT = int(Operand.OFF), int(Operand.PER_KERNEL), int(Operand.PER_ELEMENT)
_CONV = int(Unit.CONV)
_OPERANDS, _DATA, _OUTPUT = int(Stall.OPERANDS), int(Stall.DATA), int(Stall.OUTPUT)
_ACKNOWLEDGE, _PROGRAM = int(Stall.ACKNOWLEDGE), int(Stall.PROGRAM)
_LAST_WRITE, _LAST_READ = int(Mark.LAST_WRITE), int(Mark.LAST_READ)
_PRELU = 2


@njit
def needs_rdma(op):
    """Return whether a launch of SDP reads memory itself."""
    operand = op["x1"] >= _PER_KERNEL or op["x2"] >= _PER_KERNEL or op["y"] >= _PER_KERNEL
    return op["unit"] != _CONV or operand


@njit
def _x_latency(kind, element_bytes, relu, work):
    """Return the cycles that X1 or X2 adds."""
    if kind == _OFF:
        return 0
    if work:
        return X_BASE + (X_ALU if work > 0 and work & 1 else 0) + (X_MUL if work > 0 and work & 2 else 0)
    if relu == _PRELU:
        return X_BASE + X_MUL
    if kind < _PER_KERNEL:
        return X_BASE
    return X_BASE + X_ALU + (X_MUL if element_bytes >= 4 else 0)


@njit
def _start_operand(state, op, index, kind, element_bytes, address, line_stride, surface_stride, time):
    sdp = state["sdp"]
    chain = sdp["chains"][index]
    if kind < _PER_KERNEL:
        return
    atom = state["atom_bytes"]
    surfaces = (op["out_channels"] + atom - 1) // atom
    chain["per_kernel"] = kind == _PER_KERNEL
    chain["unit"] = element_bytes
    chain["address"] = address
    chain["line_stride"] = line_stride
    chain["surface_stride"] = surface_stride
    if kind == _PER_KERNEL or (op["out_width"] == 1 and op["out_height"] == 1):
        chain_start(state, chain, sdp["rdma_slot"], 1, 1, surfaces * element_bytes, time)
    else:
        line = op["out_width"] * element_bytes
        chain_start(state, chain, sdp["rdma_slot"], op["out_height"], surfaces, line, time)


@njit
def rdma_step(state, ops, now):
    """Begin the next launch of SDP's read DMA if there is one; make requests."""
    sdp = state["sdp"]
    group = state["groups"][_RDMA]
    state["wake"][_P_RDMA] = NEVER
    if not sdp["rdma_busy"]:
        if group["count"] == 0:
            return
        sdp["rdma_busy"] = 1
        sdp["rdma_op"] = group["op"][group["head"]]
        sdp["rdma_slot"] = group["slot"][group["head"]]
        op = ops[sdp["rdma_op"]]
        time = max(group["time"][group["head"]], sdp["rdma_free"]) + ENABLE_TO_RDMA_READ
        for i in range(CHAINS):
            sdp["chains"][i]["on"] = 0
        if op["unit"] != _CONV:
            state["records"][sdp["rdma_slot"]]["stall"][_PROGRAM] += ENABLE_TO_RDMA_READ
            chain = sdp["chains"][0]
            atom = state["atom_bytes"]
            surfaces = (op["channels"] + atom - 1) // atom
            chain["per_kernel"] = 0
            chain["unit"] = 1
            chain["address"] = op["src"]
            chain["line_stride"] = op["src_line_stride"]
            chain["surface_stride"] = op["src_surface_stride"]
            if op["width"] == 1 and op["height"] == 1:
                chain_start(state, chain, sdp["rdma_slot"], 1, 1, surfaces, time)
            else:
                chain_start(state, chain, sdp["rdma_slot"], op["height"], surfaces, op["width"], time)
        _start_operand(
            state, op, 1, op["x1"], op["x1_bytes"], op["x1_address"], op["x1_line_stride"],
            op["x1_surface_stride"], time,
        )  # fmt: skip
        _start_operand(
            state, op, 2, op["x2"], op["x2_bytes"], op["x2_address"], op["x2_line_stride"],
            op["x2_surface_stride"], time,
        )  # fmt: skip
        _start_operand(
            state, op, 3, op["y"], op["y_bytes"], op["y_address"], op["y_line_stride"],
            op["y_surface_stride"], time,
        )  # fmt: skip
    for i in range(CHAINS):
        if sdp["chains"][i]["on"]:
            chain_request(state, sdp["chains"][i], now)


@njit
def rdma_beat(state, index, at):
    """One beat of SDP's chain ``index`` comes from AXI at ``at``."""
    sdp = state["sdp"]
    chain = sdp["chains"][index]
    chain_beat(chain, at)
    state["records"][sdp["rdma_slot"]]["mark"][_LAST_READ] = at
    moved = chain["moved"]
    chain_advance(state, chain)
    if chain["moved"] != moved:
        sdp_flow(state)


@njit
def _start(state, ops):
    """Begin the launch at the head of SDP's register groups."""
    sdp = state["sdp"]
    group = state["groups"][_SDP]
    sdp["op"] = group["op"][group["head"]]
    sdp["slot"] = group["slot"][group["head"]]
    sdp["busy"] = 1
    sdp["launch"] = ops[sdp["op"]]
    op = sdp["launch"]
    atom = state["atom_bytes"]
    sdp["rdma"] = needs_rdma(op)
    sdp["flying"] = op["unit"] == _CONV
    sdp["to_pdp"] = op["pool"]
    period = atom // state["sdp_elements"]
    chunks = CHUNKS_BEFORE_JOIN_CACC if sdp["flying"] else CHUNKS_BEFORE_JOIN_RDMA
    sdp["depth"] = 1 + chunks // period
    x1 = _x_latency(op["x1"], op["x1_bytes"], op["x1_relu"], op["x1_work"])
    x2 = _x_latency(op["x2"], op["x2_bytes"], op["x2_relu"], op["x2_work"])
    sdp["latency"] = x1 + x2
    if (op["y"] != _OFF or op["lut"]) and state["sdp_ew_elements"]:
        sdp["latency"] += Y_BASE + (Y_LUT if op["lut"] else 0)
        period = max(period, atom // state["sdp_ew_elements"])
    sdp["period"] = period
    sdp["before"][1] = 0
    sdp["before"][2] = x1
    sdp["before"][3] = x1 + x2
    sdp["beat_atoms"] = max(1, state["dbb_bytes"] // atom)
    sdp["columns"] = op["out_width"]
    sdp["column_stride"] = atom
    if op["batch"] > 1:  # one pixel an image: the images take the place of a line's pixels
        sdp["columns"] = op["batch"]
        sdp["column_stride"] = op["dst_batch_stride"]
    sdp["pixels"] = sdp["columns"] * op["out_height"]
    sdp["atoms"] = sdp["pixels"] * ((op["out_channels"] + atom - 1) // atom)
    sdp["wait_count"] = 0
    sdp["joined"] = 0
    sdp["pixel"] = 0
    sdp["history"][:] = LONG_AGO
    sdp["space_at"] = LONG_AGO
    sdp["surface"] = 0
    sdp["line"] = 0
    sdp["column"] = 0
    sdp["gathered"] = 0
    sdp["next_write"] = LONG_AGO
    sdp["all_sent"] = 0


@njit
def _entry_at(sdp):
    """Return the cycle from which another atom may enter; NEVER: one in front waits for its operand."""
    if sdp["wait_count"] >= sdp["depth"]:
        return NEVER
    time = sdp["history"][sdp["depth"] - sdp["wait_count"] - 1] + sdp["depth"] * sdp["period"]
    return time + CACC_LATE_READY if sdp["flying"] else time


@njit
def sdp_ready(state, now, slot):
    """Return whether SDP takes the first beat of a pixel of launch ``slot`` at ``now``.

    When not, SDP wakes CACC as soon as it does.
    """
    sdp = state["sdp"]
    if not sdp["busy"] or sdp["slot"] != slot:
        return False
    time = _entry_at(sdp)
    if sdp["to_pdp"]:
        time = max(time, _pdp_room_at(state, sdp))
    if time > now:
        wake(state, _P_SDP, time)
        return False
    return sdp["in_pipe"] + sdp["wait_count"] < SDP_ATOMS_TO_BUS


@njit
def _pdp_room_at(state, sdp):
    """Return the cycle from which an atom may meet its operands, for PDP to be in time for it.

    NEVER: PDP is still at the launch before, or its writes are stuck; it wakes SDP when that changes.
    """
    pdp = state["pdp"]
    if not pdp["busy"] or pdp["slot"] != sdp["slot"] or pdp["outputs"] >= PDP_OUTPUTS:
        return NEVER
    slack = PDP_SLACK_CHUNKS * (state["pdp"]["period"] // sdp["period"]) + 1
    return state["pdp"]["next_take"] - sdp["latency"] - slack


@njit
def sdp_take(state, now):
    """Take a pixel whose first beat comes at ``now``."""
    sdp = state["sdp"]
    sdp["wait_time"][(sdp["wait_head"] + sdp["wait_count"]) % HISTORY] = now
    sdp["wait_count"] += 1
    sdp_flow(state)


@njit
def _operands_at(state, sdp):
    """Return the earliest join that the operands of the next atom allow; NEVER: one is not yet there."""
    time = LONG_AGO
    for i in range(1, CHAINS):
        chain = sdp["chains"][i]
        if not chain["on"]:
            continue
        if not chain["held"] and (sdp["pixel"] == 0 or not chain["per_kernel"]):
            front = chain_front(chain)
            if front == NEVER:
                return NEVER
            chain["taken"] = max(front, chain["free"])
            chain["held"] = 1
            if not chain["per_kernel"]:
                chain_take(state, chain, chain["taken"])
        if chain["held"]:
            time = max(time, chain["taken"] - OPERAND_AHEAD - sdp["before"][i])
    return time


@njit
def _fetch(state, sdp):
    """Let atoms from memory enter as far as their times are known."""
    chain = sdp["chains"][0]
    while sdp["joined"] + sdp["wait_count"] < sdp["atoms"]:
        entry = _entry_at(sdp)
        if entry == NEVER:
            return
        front = chain_front(chain)
        if front == NEVER:
            return
        time = max(entry, front)
        chain_take(state, chain, time)
        sdp["wait_time"][(sdp["wait_head"] + sdp["wait_count"]) % HISTORY] = time
        sdp["wait_count"] += 1


@njit
def sdp_flow(state):
    """Let atoms meet their operands and go on, as far as everything they wait for is known."""
    sdp = state["sdp"]
    rdma = sdp["rdma"]
    if not sdp["busy"] or (rdma and not (sdp["rdma_busy"] and sdp["rdma_slot"] == sdp["slot"])):
        return
    while sdp["joined"] < sdp["atoms"]:
        if not sdp["flying"]:
            _fetch(state, sdp)
        operands = _operands_at(state, sdp) if rdma else LONG_AGO
        if sdp["wait_count"] == 0 or operands == NEVER or sdp["in_pipe"] >= SDP_ATOMS_TO_BUS:
            return
        data = max(sdp["wait_time"][sdp["wait_head"]], sdp["history"][0] + sdp["period"])
        space = _pdp_room_at(state, sdp) if sdp["to_pdp"] else sdp["space_at"]
        if space == NEVER:
            return
        time = max(max(data, operands), space)
        if not sdp["flying"] or operands > data:
            _charge(state, sdp, data, operands, space)
        _join(state, time, rdma)


@njit
def _charge(state, sdp, data, operands, space):
    """Note what the next atom waits for: input, operands, or room behind."""
    stall = state["records"][sdp["slot"]]["stall"]
    if sdp["joined"]:
        stall[_DATA] += data - sdp["history"][0] - sdp["period"]
    stall[_OPERANDS] += max(0, operands - data)
    stall[_OUTPUT] += max(0, space - max(data, operands))


@njit
def _join(state, time, rdma):
    """An atom meets its operands at ``time`` and goes on."""
    sdp = state["sdp"]
    sdp["wait_head"] = (sdp["wait_head"] + 1) % HISTORY
    sdp["wait_count"] -= 1
    for i in range(HISTORY - 1, 0, -1):
        sdp["history"][i] = sdp["history"][i - 1]
    sdp["history"][0] = time
    sdp["joined"] += 1
    sdp["pixel"] += 1
    last_pixel = sdp["pixel"] == sdp["pixels"]
    if last_pixel:
        sdp["pixel"] = 0
    if rdma:
        for i in range(1, CHAINS):
            chain = sdp["chains"][i]
            if chain["on"]:
                chain["held"] = 0
                chain["free"] = time + sdp["before"][i] + sdp["period"] + OPERAND_AHEAD
                if chain["per_kernel"] and last_pixel:
                    chain_release(chain, max(chain["taken"], sdp["history"][3] + sdp["period"] + 3))
                    chain_advance(state, chain)
        if sdp["joined"] == sdp["atoms"]:
            sdp["rdma_busy"] = 0
            sdp["rdma_free"] = time
            group_pop(state, _RDMA)
            wake(state, _P_RDMA, time + 1)
    if sdp["to_pdp"]:
        pdp_take(state, time + sdp["latency"])
        if sdp["joined"] == sdp["atoms"]:
            sdp["busy"] = 0
            group_pop(state, _SDP)
            wake(state, _P_SDP, time + 1)
    else:
        sdp["in_pipe"] += 1
        _gather(state, time + sdp["period"] - 1 + SDP_TO_WRITE + sdp["latency"])
    cacc = state["cacc"]
    if sdp["flying"] and cacc["blocked_since"] >= 0:
        entry = _entry_at(sdp)
        if entry != NEVER:
            wake(state, _P_SDP, max(entry, cacc["next_pixel"]))


@njit
def _gather(state, time):
    """Add an atom, on the bus at ``time`` at the earliest, to the write burst in work."""
    sdp = state["sdp"]
    op = sdp["launch"]
    dbb, longest = state["dbb_bytes"], state["burst_beats"]
    address = op["dst"] + sdp["surface"] * op["dst_surface_stride"] + sdp["line"] * op["dst_line_stride"]
    address += sdp["column"] * sdp["column_stride"]
    if sdp["gathered"] == 0:
        sdp["burst_address"] = address
    sdp["gathered"] += 1
    sdp["column"] += 1
    end_of_line = sdp["column"] == sdp["columns"]
    last = end_of_line or op["batch"] > 1
    if op["winograd"] and sdp["column"] % 4 == 0:  # blocks of 4x4 pixels
        last = True
        if sdp["line"] % 4 < 3:
            sdp["line"] += 1
            sdp["column"] -= 4
            end_of_line = False
        elif not end_of_line:
            sdp["line"] -= 3
    if sdp["columns"] == 1 and op["out_height"] == 1:  # all surfaces in one command: cfg_mode_1x1_pack
        last = sdp["joined"] == sdp["atoms"]
    end = address + state["atom_bytes"]
    if last or end & (dbb * longest - 1) == 0:
        beats = sdp["gathered"]
        if sdp["beat_atoms"] > 1:
            beats = (end + dbb - 1) // dbb - sdp["burst_address"] // dbb
        at = max(time, sdp["next_write"])
        request_write(state, _CLIENT, sdp["burst_address"], beats, at, sdp["slot"])
        sdp["next_write"] = at + beats + WRITE_GAP
        sdp["acks_left"] += 1
        sdp["gathered"] = 0
    if end_of_line:
        sdp["column"] = 0
        sdp["line"] += 1
        if sdp["line"] == op["out_height"]:
            sdp["line"] = 0
            sdp["surface"] += 1
            if sdp["joined"] == sdp["atoms"]:
                sdp["all_sent"] = 1


@njit
def _hand_over(state, now):
    """The last write is out: the register group is free, only its interrupt waits for the response."""
    sdp = state["sdp"]
    row = (sdp["ending_head"] + sdp["ending_count"]) % ENDING
    sdp["ending_slot"][row] = sdp["slot"]
    sdp["ending_acks"][row] = sdp["acks_left"]
    sdp["ending_count"] += 1
    sdp["acks_left"] = 0
    sdp["busy"] = 0
    sdp["all_sent"] = 0
    sdp["in_pipe"] = 0
    group_pop(state, _SDP)
    wake(state, _P_SDP, now + WRITE_TO_ROOM)


@njit
def sdp_written(state, beats, now):
    """A write burst of SDP has left at ``now``."""
    sdp = state["sdp"]
    full = sdp["in_pipe"] + sdp["wait_count"] >= SDP_ATOMS_TO_BUS
    sdp["in_pipe"] -= min(sdp["in_pipe"], beats * sdp["beat_atoms"])
    if full:
        sdp["space_at"] = now + WRITE_TO_ROOM
        sdp_flow(state)
    _wake_cacc(state, now + WRITE_TO_ROOM)
    if sdp["all_sent"] and sdp["in_pipe"] == 0 and sdp["ending_count"] < ENDING:
        _hand_over(state, now)


@njit
def _wake_cacc(state, time):
    """Let CACC try again at ``time`` if SDP has turned a pixel away."""
    cacc = state["cacc"]
    if cacc["blocked_since"] >= 0:
        cacc["blocked_since"] = -1
        wake(state, _P_CACC, max(time, cacc["next_pixel"]))


@njit
def sdp_acknowledged(state, now):
    """The memory has answered one of SDP's writes."""
    sdp = state["sdp"]
    head = sdp["ending_head"]
    if sdp["ending_count"] == 0:
        sdp["acks_left"] -= 1
        return
    sdp["ending_acks"][head] -= 1
    if sdp["ending_acks"][head]:
        return
    slot = sdp["ending_slot"][head]
    record = state["records"][slot]
    record["stall"][_ACKNOWLEDGE] += now - record["mark"][_LAST_WRITE]
    finish(state, record["op"], slot, now + ACKNOWLEDGE_TO_DONE)
    sdp["ending_head"] = (head + 1) % ENDING
    sdp["ending_count"] -= 1
    wake(state, _P_SDP, now + ACKNOWLEDGE_TO_DONE)
    if sdp["all_sent"] and sdp["in_pipe"] == 0:
        _hand_over(state, now)


@njit
def sdp_step(state, ops, now):
    """Begin the next launch if there is one; let CACC try again."""
    state["wake"][_P_SDP] = NEVER
    if not state["sdp"]["busy"] and state["groups"][_SDP]["count"]:
        _start(state, ops)
    _wake_cacc(state, now)
    sdp_flow(state)
