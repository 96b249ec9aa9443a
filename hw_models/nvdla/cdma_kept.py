"""A side of CDMA that fetches nothing: what the launch works on lies in CBUF from the one before."""

from hw_models.jit import njit
from hw_models.nvdla.cbuf import DONE, KEPT
from hw_models.nvdla.timing import ENABLE_TO_KEPT_DONE


@njit
def lie_there(side, group, begin):
    """Take the launch at the head of CDMA's groups for ``side``, the row of data or of weights."""
    side["op"] = group["op"][group["head"]]
    side["slot"] = group["slot"][group["head"]]
    side["phase"] = KEPT
    side["done_at"] = begin + ENABLE_TO_KEPT_DONE


@njit
def ends_kept(state, side, mark, now):
    """Return 1 if the side is done at ``now`` with a launch that it fetched nothing for; sets its mark."""
    if side["phase"] != KEPT or side["done_at"] > now:
        return 0
    side["phase"] = DONE
    state["records"][side["slot"]]["mark"][mark] = side["done_at"]
    return 1
