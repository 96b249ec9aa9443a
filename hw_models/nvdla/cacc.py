"""CACC's delivery buffer: hands finished pixels (atomic-K results) to SDP and credits back to CSC."""

from hw_models.jit import njit
from hw_models.nvdla.conv_state import CREDITS, STRIPES
from hw_models.nvdla.groups import group_pop, mark
from hw_models.nvdla.mcif import wake
from hw_models.nvdla.names import Block, Mark, Part
from hw_models.nvdla.sdp import is_full, sdp_ready, sdp_take, takes_surely
from hw_models.nvdla.timing import CREDIT_RETURN
from hw_models.port import NEVER

_P_CACC = int(Part.CACC)
_P_CSC = int(Part.CSC)
_CACC = int(Block.CACC)
_M_FIRST, _M_LAST = int(Mark.CACC2SDP_FIRST), int(Mark.CACC2SDP_LAST)


@njit
def cacc_step(state, ops, now):
    """Deliver pixels due at ``now``, and those after them that SDP surely takes.

    A pixel takes its beats and one bubble (CACC_delivery_ctrl.v).
    """
    cacc = state["cacc"]
    beats = state["atomic_k"] // state["sdp_elements"]
    while cacc["count"]:
        head = cacc["head"]
        at = max(cacc["first"][head] + cacc["pixel"], cacc["next_pixel"])
        slot = cacc["slot"][head]
        if at > now and not takes_surely(state, at, slot):
            state["wake"][_P_CACC] = at
            return
        if at <= now:
            at = now
            if not sdp_ready(state, now, slot):
                state["wake"][_P_CACC] = NEVER
                cacc["blocked_since"] = now
                return
        mark(state, slot, _M_FIRST, at)
        state["records"][slot]["mark"][_M_LAST] = at + beats - 1
        cacc["next_pixel"] = at + beats + 1
        cacc["pixel"] += 1
        cacc["credit_time"][cacc["credits_returned"] % CREDITS] = at + beats + CREDIT_RETURN
        cacc["credits_returned"] += 1
        if cacc["credits_returned"] == cacc["wanted"]:
            wake(state, _P_CSC, at)
        if cacc["pixel"] == cacc["pixels"][head]:
            if cacc["last"][head]:
                group_pop(state, _CACC)
            cacc["pixel"] = 0
            cacc["head"] = (head + 1) % STRIPES
            cacc["count"] -= 1
        sdp_take(state, at)
        if is_full(state["sdp"]):  # a write that leaves is what makes room
            cacc["blocked_since"] = at
            break
    state["wake"][_P_CACC] = NEVER
