"""The end of an operation."""

from hw_models.jit import njit
from hw_models.nvdla.mcif import wake
from hw_models.nvdla.names import Part
from hw_models.nvdla.post_timing import DONE_TO_INTERRUPT
from hw_models.nvdla.state import DONES

_P_DONE = int(Part.DONE)


@njit
def finish(state, op, slot, done):
    """An operation is over: done pulse at ``done``, interrupt a little later."""
    record = state["records"][slot]
    record["done"] = done
    record["end"] = done + DONE_TO_INTERRUPT
    row = (state["done_count"] + state["done_pending"]) % DONES
    state["done_op"][row] = op
    state["done_slot"][row] = slot
    state["done_time"][row] = done + DONE_TO_INTERRUPT
    state["done_pending"] += 1
    wake(state, _P_DONE, done + DONE_TO_INTERRUPT)
