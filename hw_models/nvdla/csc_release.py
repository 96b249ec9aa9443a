"""What CSC gives back to CDMA: lines and kernels that a launch has used, or that the next one drops."""

from hw_models.jit import njit
from hw_models.nvdla.cbuf import DATA_BIT, P_DATA, P_WEIGHT, WEIGHTS_BIT, ceil_div, data_mode
from hw_models.nvdla.conv_state import RELEASES
from hw_models.nvdla.mcif import wake
from hw_models.nvdla.timing import DATA_DROP, WEIGHT_DROP

USED, DROPPED = 0, 1


@njit
def release_lines(state, kind, entries, time):
    """Give entries of lines back to CDMA at ``time``. ``kind``: USED or DROPPED.

    A short launch is over before what it drops is free: both may be on their way.
    """
    cbuf = state["cbuf"]
    cbuf["data_release_time"][kind] = time
    cbuf["data_release_entries"][kind] = entries
    wake(state, P_DATA, time)


@njit
def _release_weights(state, weights, mask, time):
    """Give beats of ``weights`` and of their ``mask`` back to CDMA at ``time``."""
    cbuf = state["cbuf"]
    row = (cbuf["weight_release_head"] + cbuf["weight_release_count"]) % RELEASES
    cbuf["weight_release_time"][row] = time
    cbuf["weight_release_beats"][row] = weights
    cbuf["mask_release_beats"][row] = mask
    cbuf["weight_release_count"] += 1
    wake(state, P_WEIGHT, time)


@njit
def _group_beats(state, csc, group_bytes, all_bytes):
    """Return the beats of the group in work, in whole entries of CBUF."""
    dbb = state["dbb_bytes"]
    per_entry = max(1, state["cbuf_entry_bytes"] // dbb)
    unit = per_entry * dbb
    begin = ceil_div(csc["group"] * group_bytes, unit)
    end = ceil_div((csc["group"] + 1) * group_bytes, unit)
    if csc["group"] + 1 == csc["groups"]:
        end = ceil_div(all_bytes, unit)
    return (end - begin) * per_entry


@njit
def release_group(state, csc, time):
    """Give the group's weights back to CDMA at ``time``."""
    weights = _group_beats(state, csc, csc["group_bytes"], csc["weight_bytes"])
    mask = _group_beats(state, csc, csc["mask_group_bytes"], csc["mask_bytes"])
    _release_weights(state, weights, mask, time)


@njit
def drop(state, csc, op, begin, data_pends, pends):
    """Drop what the launch before did not release and ``op`` does not reuse; a new split drops it anyway."""
    left, groups = csc["last_lines"], csc["last_groups"]
    csc["last_lines"] = csc["last_groups"] = 0
    if left and not (op["reuse"] & DATA_BIT and csc["mode"] == data_mode(op)):
        state["cbuf"]["lines"] -= left
        if not data_pends:
            release_lines(state, DROPPED, left * csc["entries"], begin + DATA_DROP)
    if groups and not (op["reuse"] & WEIGHTS_BIT or pends):
        csc["serial"] += groups
        dbb = state["dbb_bytes"]
        weights, mask = ceil_div(csc["weight_bytes"], dbb), ceil_div(csc["mask_bytes"], dbb)
        _release_weights(state, weights, mask, begin + WEIGHT_DROP)
