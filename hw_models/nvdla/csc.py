"""CSC: cuts a convolution into packages and feeds the MACs (CSC_sg.v, CSC_dl.v, CSC_wl.v).

for kernel group { for stripe of output pixels { for channel block, kernel row, kernel column: package } }
A package takes as many cycles as its stripe has pixels, but no less than atomic-K. A stripe's last package
needs room in CACC's delivery buffer for all of its pixels. The first package needs all input lines of the
launch, and the first package of a kernel group needs its kernels.
"""

from hw_models.jit import njit
from hw_models.nvdla.cbuf import (
    DATA_BIT,
    WEIGHTS_BIT,
    data_mode,
    kernel_group_bytes,
    line_entries,
    lines_in_work,
)
from hw_models.nvdla.cdma import end_pend
from hw_models.nvdla.conv_state import CREDITS, RELEASES, STRIPES
from hw_models.nvdla.csc_release import USED, drop, release_group, release_lines
from hw_models.nvdla.groups import group_pop, mark
from hw_models.nvdla.mcif import wake
from hw_models.nvdla.names import Block, Mark, Part, Phase, Stall
from hw_models.nvdla.timing import (
    CSC_DONE_TO_READY,
    CSC_FLUSH,
    DATA_RELEASE,
    ENABLE_TO_BUSY,
    KERNELS_TO_RELEASE,
    MAC_TO_CACC_OUT,
    PEND_DETOUR,
    PEND_DETOUR_CSC,
    POP_TO_MAC,
    READY_TO_WEIGHTS,
    WINOGRAD_PIXELS,
    WINOGRAD_TAPS,
)
from hw_models.port import NEVER

_P_CSC = int(Part.CSC)
_P_CACC = int(Part.CACC)
_CSC = int(Block.CSC)
_IDLE, _PEND, _BUSY = int(Phase.IDLE), int(Phase.PEND), int(Phase.BUSY)
_WAIT_DATA, _WAIT_WEIGHTS, _WAIT_OUTPUT = int(Stall.DATA), int(Stall.WEIGHTS), int(Stall.OUTPUT)
_M_WT_FIRST, _M_DAT_FIRST = int(Mark.MAC_WT_FIRST), int(Mark.MAC_DAT_FIRST)
_M_DAT_LAST = int(Mark.MAC_DAT_LAST)


@njit
def _ceil(a, b):
    return (a + b - 1) // b


@njit
def _stripe_length(state, csc):
    """Return the length of the stripe that starts at ``csc["pixel"]`` (CSC_sg.v)."""
    left = csc["row_pixels"] - csc["pixel"]
    lower = state["atomic_k"]
    upper = 2 * lower
    if csc["image"]:
        if state["atomic_c"] >= 4 * state["atomic_k"]:  # an image's stripe begins with an entry: CSC.h
            upper *= 2
        lower = upper
    if left >= 2 * upper:
        return upper
    if left <= upper:
        return left
    return lower


@njit
def _start(state, ops, csc, begin):
    group = state["groups"][_CSC]
    index = group["op"][group["head"]]
    op = ops[index]
    csc["op"] = index
    csc["slot"] = group["slot"][group["head"]]
    csc["phase"] = _BUSY
    csc["busy_since"] = begin
    csc["last_data_banks"] = op["data_banks"]
    csc["last_weight_banks"] = op["weight_banks"]
    csc["image"] = op["image"]
    csc["mode"] = data_mode(op)
    csc["keep"] = op["keep"]
    csc["height"] = lines_in_work(op)
    csc["images"] = max(1, op["batch"])
    csc["step_pixels"] = WINOGRAD_PIXELS if op["winograd"] else csc["images"]
    csc["groups"] = _ceil(op["kernels"], state["atomic_k"])
    csc["last_group_kernels"] = op["kernels"] - (csc["groups"] - 1) * state["atomic_k"]
    channels = op["channels"] >> op["wide"]
    columns = op["kernel_width"]
    if op["image"]:
        channels *= op["kernel_width"]
        columns = 1
    csc["packages"] = _ceil(channels, state["atomic_c"]) * op["kernel_height"] * columns
    if op["winograd"]:  # so many channels as have all their taps in a cell of atomic-C
        csc["packages"] = _ceil(channels, state["atomic_c"] // WINOGRAD_TAPS)
    csc["row_pixels"] = op["out_width"] if op["image"] else op["out_width"] * op["out_height"]
    if op["winograd"]:
        csc["row_pixels"] = csc["row_pixels"] // WINOGRAD_PIXELS
    csc["rows"] = op["out_height"] if op["image"] else 1
    csc["entries"] = line_entries(state, op)
    csc["release"] = op["release"] if op["release"] and not op["winograd"] else csc["height"]
    if csc["keep"] & DATA_BIT:
        csc["release"] = 0
    csc["group_bytes"], csc["mask_group_bytes"] = kernel_group_bytes(state, op)
    csc["mask_bytes"] = op["wmb_bytes"]
    csc["weight_bytes"] = op["weight_bytes"]
    csc["group"] = 0
    csc["row"] = 0
    csc["pixel"] = 0
    csc["loaded"] = 0
    csc["lines_checked"] = 0
    csc["next_package"] = 0
    csc["pending_package"] = 0


@njit
def _begin_launch(state, ops, csc, now):
    group = state["groups"][_CSC]
    if group["count"] == 0:
        return
    op = ops[group["op"][group["head"]]]
    begin = max(group["time"][group["head"]], csc["ready_at"])
    if begin > now:
        wake(state, _P_CSC, begin)
        return
    data_pends = op["data_banks"] != csc["last_data_banks"]
    pends = data_pends or op["weight_banks"] != csc["last_weight_banks"]
    drop(state, csc, op, begin, data_pends, pends)
    if pends:
        csc["phase"] = _PEND
        csc["slot"] = group["slot"][group["head"]]
        csc["pend_since"] = begin
        csc["data_pends"] = data_pends
    else:
        _start(state, ops, csc, begin + ENABLE_TO_BUSY)


@njit
def _try_end_pend(state, ops, csc):
    data, weight = state["cdma_data"], state["cdma_weight"]
    if weight["phase"] != _PEND or weight["slot"] != csc["slot"]:
        return
    since = weight["pend_since"]
    if csc["data_pends"]:
        if data["phase"] != _PEND or data["slot"] != csc["slot"]:
            return
        since = max(since, data["pend_since"])
    state["cbuf"]["groups"] = csc["serial"]
    since = max(since + PEND_DETOUR, csc["pend_since"] + PEND_DETOUR_CSC)
    end_pend(state, ops, since)
    _start(state, ops, csc, since)


@njit
def _kernels(state, csc):
    """Return the kernels of the group in work."""
    return state["atomic_k"] if csc["group"] + 1 < csc["groups"] else csc["last_group_kernels"]


@njit
def _load(state, csc):
    """Return 1 when lines and kernels for the group in work are there; sets the next package's time."""
    cbuf = state["cbuf"]
    if not csc["lines_checked"]:
        if cbuf["lines"] < csc["height"]:
            csc["waits_for"] = _WAIT_DATA
            return 0
        csc["lines_checked"] = 1
        csc["lines_at"] = cbuf["lines_time"]
    if cbuf["groups"] <= csc["serial"]:
        csc["waits_for"] = _WAIT_WEIGHTS
        return 0
    kernels = _kernels(state, csc)
    there = max(cbuf["group_time"][csc["serial"] % RELEASES], csc["busy_since"])
    if csc["group"] == 0:
        there = max(there, csc["lines_at"])
    weights = there + READY_TO_WEIGHTS
    if csc["group"] == 0:
        mark(state, csc["slot"], _M_WT_FIRST, weights)
        record = state["records"][csc["slot"]]
        record["stall"][csc["waits_for"]] += max(0, there - csc["busy_since"])
    else:
        late = weights + max(kernels, 2) - csc["next_package"]
        if late > 0:
            state["records"][csc["slot"]]["stall"][_WAIT_WEIGHTS] += late
    csc["next_package"] = max(csc["next_package"], weights + max(kernels, 2))
    csc["popped"] = max(csc["popped"], weights)
    csc["loaded"] = 1
    csc["serial"] += 1
    return 1


@njit
def _end_stripe(state, csc, package, length, slot):
    """The last package of a stripe is on its way: CACC gets the pixels, the next stripe is set up."""
    cacc = state["cacc"]
    cycles, pixels = length * csc["images"], length * csc["step_pixels"]
    spacing = max(cycles, state["atomic_k"])
    csc["credits_used"] += pixels
    row = (cacc["head"] + cacc["count"]) % STRIPES
    cacc["first"][row] = package + MAC_TO_CACC_OUT
    cacc["pixels"][row] = pixels
    cacc["slot"][row] = slot
    cacc["last"][row] = 0
    cacc["count"] += 1
    if cacc["count"] == 1:
        wake(state, _P_CACC, max(cacc["first"][row], cacc["next_pixel"]))
    record = state["records"][slot]
    record["mac_cycles"] += cycles * csc["packages"]
    record["mark"][_M_DAT_LAST] = package + cycles - 1
    csc["popped"] = package
    csc["next_package"] = package + spacing
    csc["pending_package"] = 0
    csc["pixel"] += length
    if csc["pixel"] < csc["row_pixels"]:
        return 0
    csc["pixel"] = 0
    csc["row"] += 1
    if csc["row"] < csc["rows"]:
        return 0
    csc["row"] = 0
    csc["group"] += 1
    csc["loaded"] = 0
    if csc["group"] < csc["groups"]:
        return 0
    cacc["last"][row] = 1
    cbuf = state["cbuf"]
    cbuf["lines"] -= csc["release"]
    csc["last_lines"] = csc["height"] - csc["release"]
    if csc["release"]:
        release_lines(state, USED, csc["release"] * csc["entries"], package + cycles + DATA_RELEASE)
    if csc["keep"] & WEIGHTS_BIT:
        csc["serial"] -= csc["groups"]
        csc["last_groups"] = csc["groups"]
    csc["phase"] = _IDLE
    csc["ready_at"] = package - POP_TO_MAC + cycles + CSC_FLUSH + CSC_DONE_TO_READY
    group_pop(state, _CSC)
    return 1


@njit
def csc_step(state, ops, now):
    csc = state["csc"]
    cacc = state["cacc"]
    state["wake"][_P_CSC] = NEVER
    if csc["phase"] == _IDLE:
        _begin_launch(state, ops, csc, now)
    if csc["phase"] == _PEND:
        _try_end_pend(state, ops, csc)
    while csc["phase"] == _BUSY:
        if not csc["loaded"] and not _load(state, csc):
            return
        if not csc["pending_package"]:
            csc["stripe"] = _stripe_length(state, csc)
            spacing = max(csc["stripe"] * csc["images"], state["atomic_k"])
            csc["last_package"] = csc["next_package"] + (csc["packages"] - 1) * spacing
            csc["pending_package"] = 1
            ends_group = csc["pixel"] + csc["stripe"] == csc["row_pixels"] and csc["row"] + 1 == csc["rows"]
            if ends_group and not csc["keep"] & WEIGHTS_BIT:
                # the last package's kernels are asked for with the data of the package before
                before = csc["last_package"] - spacing if csc["packages"] > 1 else csc["popped"]
                release_group(state, csc, before + _kernels(state, csc) + KERNELS_TO_RELEASE)
            mark(state, csc["slot"], _M_DAT_FIRST, csc["next_package"])
        if csc["last_package"] - POP_TO_MAC > now:
            state["wake"][_P_CSC] = csc["last_package"] - POP_TO_MAC
            return
        package = csc["last_package"]
        need = csc["credits_used"] + csc["stripe"] * csc["step_pixels"] - cacc["credits"]
        if need > 0:
            if cacc["credits_returned"] < need:
                cacc["wanted"] = need
                return
            returned = cacc["credit_time"][(need - 1) % CREDITS]
            if returned > now:
                state["wake"][_P_CSC] = returned
                return
            package = max(package, returned + POP_TO_MAC)
            state["records"][csc["slot"]]["stall"][_WAIT_OUTPUT] += package - csc["last_package"]
        if _end_stripe(state, csc, package, csc["stripe"], csc["slot"]):
            wake(state, _P_CSC, max(csc["ready_at"], now))
