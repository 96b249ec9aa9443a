"""One door to the units behind the accumulator: SDP, PDP, CDP, and the copy engines BDMA and RUBIK."""

from hw_models.jit import aside, njit
from hw_models.nvdla.cdp import cdp_acknowledged, cdp_beat, cdp_step, cdp_written
from hw_models.nvdla.groups import group_push, group_room
from hw_models.nvdla.mcif import wake
from hw_models.nvdla.names import Block, Client, Part
from hw_models.nvdla.op import Unit
from hw_models.nvdla.pdp import pdp_beat, pdp_step, pdp_written
from hw_models.nvdla.pdp_write import pdp_acknowledged
from hw_models.nvdla.post_timing import RDMA_BEFORE_CDMA
from hw_models.nvdla.sdp import rdma_beat, sdp_step, sdp_written
from hw_models.nvdla.sdp_rdma import needs_rdma, rdma_step
from hw_models.nvdla.sdp_write import sdp_acknowledged
from hw_models.nvdla.stream import copy_step, stream_acknowledged, stream_beat, stream_written

_CONV, _SDP_UNIT, _PDP_UNIT = int(Unit.CONV), int(Unit.SDP), int(Unit.PDP)
_CDP_UNIT, _BDMA_UNIT = int(Unit.CDP), int(Unit.BDMA)
_SDP, _SDP_RDMA, _PDP = int(Block.SDP), int(Block.SDP_RDMA), int(Block.PDP)
_CDP, _BDMA, _RUBIK = int(Block.CDP), int(Block.BDMA), int(Block.RUBIK)
_P_SDP, _P_SDP_RDMA, _P_PDP = int(Part.SDP), int(Part.SDP_RDMA), int(Part.PDP)
_P_CDP, _P_COPY = int(Part.CDP), int(Part.COPY)
_C_SDP, _C_PDP, _C_X1 = int(Client.SDP), int(Client.PDP), int(Client.SDP_B)
_C_CDP, _C_BDMA = int(Client.CDP), int(Client.BDMA)


@njit
def _block(unit):
    """Return the register groups of a unit that runs from memory to memory by itself."""
    if unit == _PDP_UNIT:
        return _PDP
    if unit == _CDP_UNIT:
        return _CDP
    return _BDMA if unit == _BDMA_UNIT else _RUBIK


@njit
def post_room(state, op):
    """Return whether the register groups that ``op`` needs here are free."""
    unit = op["unit"]
    if unit not in (_CONV, _SDP_UNIT):
        return group_room(state, _block(unit))
    if not group_room(state, _SDP) or (needs_rdma(op) and not group_room(state, _SDP_RDMA)):
        return False
    return not op["pool"] or group_room(state, _PDP)


@njit
def post_enable(state, ops, index, slot, now):
    """Set the op-enable bits that ``ops[index]`` needs here. The caller saw room."""
    op = ops[index]
    unit = op["unit"]
    if unit in (_CONV, _SDP_UNIT):
        if op["pool"]:
            group_push(state, _PDP, index, slot, now)
            wake(state, _P_PDP, now)
        group_push(state, _SDP, index, slot, now)
        wake(state, _P_SDP, now)
        if needs_rdma(op):
            group_push(state, _SDP_RDMA, index, slot, now - RDMA_BEFORE_CDMA if unit == _CONV else now)
            wake(state, _P_SDP_RDMA, now)
    else:
        group_push(state, _block(unit), index, slot, now)
        if unit == _PDP_UNIT:
            wake(state, _P_PDP, now)
        else:
            wake(state, _P_CDP if unit == _CDP_UNIT else _P_COPY, now)


@njit
def _stream(state, client):
    return state["copy"]["units"][0 if client == _C_BDMA else 1]


@aside
def post_beat(state, client, at):
    """One beat of ``client`` comes from AXI at ``at``."""
    if client == _C_SDP:
        rdma_beat(state, 0, at)
    elif client == _C_PDP:
        pdp_beat(state, at)
    elif client == _C_CDP:
        cdp_beat(state, at)
    elif client >= _C_X1:
        rdma_beat(state, client - _C_X1 + 1, at)
    else:
        stream_beat(state, _stream(state, client), at)


@njit
def post_written(state, client, beats, now):
    """A write burst of ``client`` has left at ``now``."""
    if client == _C_SDP:
        sdp_written(state, beats, now)
    elif client == _C_PDP:
        pdp_written(state, beats, now)
    elif client == _C_CDP:
        cdp_written(state, now)
    else:
        stream_written(state, _stream(state, client), beats, now)


@njit
def post_acknowledged(state, client, now):
    """The memory has answered a write burst of ``client``."""
    if client == _C_SDP:
        sdp_acknowledged(state, now)
    else:
        _another_acknowledged(state, client, now)


@aside
def _another_acknowledged(state, client, now):
    if client == _C_PDP:
        pdp_acknowledged(state, now)
    elif client == _C_CDP:
        cdp_acknowledged(state, now)
    else:
        stream_acknowledged(state, _stream(state, client), now)


@aside
def post_step(state, ops, part, now):
    if part == _P_SDP:
        sdp_step(state, ops, now)
    elif part == _P_SDP_RDMA:
        rdma_step(state, ops, now)
    elif part == _P_PDP:
        pdp_step(state, ops, now)
    elif part == _P_CDP:
        cdp_step(state, ops, now)
    elif part == _P_COPY:
        copy_step(state, ops, now)
