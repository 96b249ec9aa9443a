"""SDP: takes pixels from CACC or from memory, joins operands, hands atoms to the write path or to PDP.

Each atom's way is a handful of times: when it enters (`wait_time`), when it meets its operands (the join),
when its last chunk is on the bus. The join waits for the latest of data, operands, the atom before, and
room behind. Registers between the entry and the join hold a few chunks: so many atoms may wait there.
"""

from hw_models.jit import aside, inlined, njit
from hw_models.nvdla.groups import group_pop
from hw_models.nvdla.mcif import wake
from hw_models.nvdla.names import Block, Mark, Part, Stall
from hw_models.nvdla.pdp import pdp_take
from hw_models.nvdla.post_state import CHAINS, ENDING, HISTORY, LONG_AGO
from hw_models.nvdla.post_timing import (
    CACC_LATE_READY,
    KERNEL_AHEAD,
    KERNEL_TO_SLOTS,
    OPERAND_AHEAD,
    PDP_OUTPUTS,
    PDP_SLACK_CHUNKS,
    SDP_AGAIN,
    SDP_ATOMS_TO_BUS,
    SDP_TO_PASSED,
    SDP_TO_WRITE,
    WRITE_TO_ROOM,
)
from hw_models.nvdla.rdma import (
    chain_advance,
    chain_beat,
    chain_front,
    chain_release,
    chain_take,
)
from hw_models.nvdla.sdp_start import start
from hw_models.nvdla.sdp_write import gather, hand_over
from hw_models.port import NEVER

_P_SDP = int(Part.SDP)
_P_RDMA = int(Part.SDP_RDMA)
_P_CACC = int(Part.CACC)
_SDP = int(Block.SDP)
_RDMA = int(Block.SDP_RDMA)
_OPERANDS, _DATA, _OUTPUT = int(Stall.OPERANDS), int(Stall.DATA), int(Stall.OUTPUT)
_LAST_READ = int(Mark.LAST_READ)


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


@inlined
def _joined_at(sdp, back):
    """Return the cycle at which the atom ``back`` before the next has met its operands."""
    return sdp["history"][(sdp["joined"] - back) % HISTORY]


@inlined
def _entry_at(sdp):
    """Return the cycle from which another atom may enter; NEVER: one in front waits for its operand."""
    if sdp["wait_count"] >= sdp["depth"]:
        return NEVER
    time = _joined_at(sdp, sdp["depth"] - sdp["wait_count"]) + sdp["depth"] * sdp["period"]
    return time + CACC_LATE_READY if sdp["flying"] else time


@inlined
def is_full(sdp):
    """Tell whether as many atoms as there is room for are on their way to the bus."""
    return sdp["in_pipe"] + sdp["wait_count"] >= SDP_ATOMS_TO_BUS


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
    return not is_full(sdp)


@inlined
def takes_surely(state, time, slot):
    """Tell ahead of ``time`` whether SDP takes a pixel of launch ``slot`` then, whatever happens meanwhile.

    Not the launch's last: at its time CACC's registers are free for another.
    """
    sdp = state["sdp"]
    if not sdp["busy"] or sdp["slot"] != slot or sdp["to_pdp"] or sdp["joined"] + 1 >= sdp["atoms"]:
        return False
    if sdp["wait_count"] or (sdp["rdma"] and sdp["wanting"]) or is_full(sdp):
        return False
    return _entry_at(sdp) <= time


@njit
def _pdp_room_at(state, sdp):
    """Return the cycle from which an atom may meet its operands, for PDP to be in time for it.

    NEVER: PDP is still at the launch before, or its writes are stuck; it wakes SDP when that changes.
    """
    pdp = state["pdp"]
    if not pdp["busy"] or pdp["slot"] != sdp["slot"] or pdp["outputs"] >= PDP_OUTPUTS:
        return NEVER
    slack = PDP_SLACK_CHUNKS * (state["pdp"]["period"] // sdp["period"]) + 1
    return max(pdp["room_at"], pdp["next_take"] - sdp["latency"] - slack)


@njit
def sdp_take(state, now):
    """Take a pixel whose first beat comes at ``now``."""
    sdp = state["sdp"]
    sdp["wait_time"][(sdp["wait_head"] + sdp["wait_count"]) % HISTORY] = now
    sdp["wait_count"] += 1
    sdp_flow(state)


@aside
def _take_operands(state, sdp):
    """Take those operands of the next atom that are there."""
    time = LONG_AGO
    for i in range(1, CHAINS):
        chain = sdp["chains"][i]
        if not chain["on"]:
            continue
        if not chain["held"]:
            front = chain_front(chain)
            if front == NEVER:  # the others are taken nonetheless
                continue
            begun = sdp["begun"] + sdp["before"][i] + OPERAND_AHEAD  # none is taken before that
            chain["taken"] = max(max(front, chain["free"]), begun)
            chain["held"] = 1
            sdp["wanting"] -= 1
            if not chain["per_kernel"]:
                chain_take(state, chain, chain["taken"])
            elif sdp["pixels"] <= KERNEL_AHEAD:
                _let_go(state, chain, _joined_at(sdp, KERNEL_AHEAD - sdp["pixels"] + 1))
        time = max(time, chain["taken"] - OPERAND_AHEAD - sdp["before"][i])
    sdp["operands_at"] = time


@aside
def _want_operands(state, sdp, joined, last_pixel):
    """An atom has joined at ``joined``: the next wants other operands."""
    for i in range(1, CHAINS):
        chain = sdp["chains"][i]
        if chain["on"]:
            if chain["per_kernel"] and 0 < sdp["pixel"] == sdp["pixels"] - KERNEL_AHEAD:
                _let_go(state, chain, joined)
            if chain["per_kernel"] and not last_pixel:
                continue
            chain["held"] = 0
            sdp["wanting"] += 1
            chain["free"] = joined + sdp["before"][i] + sdp["period"] + OPERAND_AHEAD


@njit
def _let_go(state, chain, joined):
    """The atom before a kernel's last `KERNEL_AHEAD` joins at ``joined``: its operand leaves the slots."""
    chain_release(chain, max(chain["taken"], joined + state["sdp"]["period"] + KERNEL_TO_SLOTS))
    chain_advance(state, chain)


@aside
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
        time = max(max(entry, front), sdp["begun"])
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
        if rdma and sdp["wanting"]:
            _take_operands(state, sdp)
            if sdp["wanting"]:
                return
        if sdp["wait_count"] == 0 or sdp["in_pipe"] >= SDP_ATOMS_TO_BUS:
            return
        operands = sdp["operands_at"]
        data = max(sdp["wait_time"][sdp["wait_head"]], _joined_at(sdp, 1) + sdp["period"])
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
        stall[_DATA] += data - _joined_at(sdp, 1) - sdp["period"]
    stall[_OPERANDS] += max(0, operands - data)
    stall[_OUTPUT] += max(0, space - max(data, operands))


@aside
def _end_reading(state, sdp, joined):
    """The launch's last atom joins at ``joined``: its read DMA is free."""
    sdp["rdma_busy"] = 0
    sdp["rdma_free"] = joined + sdp["period"] - 1
    group_pop(state, _RDMA)
    wake(state, _P_RDMA, joined + 1)


@njit
def _join(state, time, rdma):
    """An atom meets its operands at ``time`` and goes on."""
    sdp = state["sdp"]
    sdp["wait_head"] = (sdp["wait_head"] + 1) % HISTORY
    sdp["wait_count"] -= 1
    sdp["history"][sdp["joined"] % HISTORY] = time
    sdp["joined"] += 1
    sdp["pixel"] += 1
    last_pixel = sdp["pixel"] == sdp["pixels"]
    if last_pixel:
        sdp["pixel"] = 0
    if rdma:
        if sdp["each"] or last_pixel or sdp["pixel"] == sdp["pixels"] - KERNEL_AHEAD:
            _want_operands(state, sdp, time, last_pixel)
        if sdp["joined"] == sdp["atoms"]:
            _end_reading(state, sdp, time)
    through = time + sdp["period"] - 1 + sdp["latency"]
    if sdp["to_pdp"]:
        pdp_take(state, time + sdp["latency"])
        if sdp["joined"] == sdp["atoms"]:
            sdp["passed_at"] = through + SDP_TO_PASSED
            wake(state, _P_SDP, sdp["passed_at"])
    else:
        sdp["in_pipe"] += 1
        gather(state, through + SDP_TO_WRITE)
    cacc = state["cacc"]
    if sdp["flying"] and cacc["blocked_since"] >= 0:
        entry = _entry_at(sdp)
        if entry != NEVER:
            wake(state, _P_SDP, max(entry, cacc["next_pixel"]))


@njit
def sdp_written(state, beats, now):
    """A write burst of SDP has left at ``now``."""
    sdp = state["sdp"]
    full = is_full(sdp)
    sdp["in_pipe"] -= min(sdp["in_pipe"], beats * sdp["beat_atoms"])
    if full:
        sdp["space_at"] = now + WRITE_TO_ROOM
        if sdp["wait_count"] or not sdp["flying"]:
            sdp_flow(state)
    _wake_cacc(state, now, now + WRITE_TO_ROOM)
    if sdp["all_sent"] and sdp["in_pipe"] == 0 and sdp["ending_count"] < ENDING:
        hand_over(state, now)


@njit
def _wake_cacc(state, now, time):
    """Let CACC go on at ``time`` if SDP has turned a pixel away: CACC may know what comes of it now."""
    cacc = state["cacc"]
    if cacc["blocked_since"] >= 0:
        cacc["blocked_since"] = -1
        if cacc["count"]:
            cacc["next_pixel"] = max(cacc["next_pixel"], time)
            wake(state, _P_CACC, now)
        else:
            wake(state, _P_CACC, max(time, cacc["next_pixel"]))


@njit
def sdp_step(state, ops, now):
    """End a launch whose atoms have gone to PDP, or begin the next if there is one; let CACC try again."""
    sdp = state["sdp"]
    state["wake"][_P_SDP] = NEVER
    if sdp["passed_at"] <= now:
        sdp["passed_at"] = NEVER
        sdp["busy"] = 0
        sdp["free_at"] = now + SDP_AGAIN
        group_pop(state, _SDP)
        wake(state, _P_SDP, sdp["free_at"])
    elif not sdp["busy"] and state["groups"][_SDP]["count"]:
        if sdp["free_at"] <= now:
            start(state, ops, now)
        else:
            wake(state, _P_SDP, sdp["free_at"])
    wake(state, _P_SDP, sdp["passed_at"])
    _wake_cacc(state, now, now)
    sdp_flow(state)
