"""CDMA: fetches feature data and weights into CBUF and hands them to CSC.

Data (CDMA_dc.v): a grain of lines at a time, surface after surface, at most 8 atoms a request. Beats go
through a shared buffer whose read side blocks its write side for a cycle at the end of a line, and after
every atom of the surfaces whose index has bit 1 set. Lines are handed over when their last atom is in.
Weights (CDMA_wt.v): in order, at most 8 atoms a request, no further than the weight banks reach; handed
over per kernel group.
"""

from hw_models.jit import njit
from hw_models.nvdla.cbuf import CDMA, P_DATA, P_WEIGHT, PEND
from hw_models.nvdla.cdma_data import data_start
from hw_models.nvdla.cdma_weights import weight_start
from hw_models.nvdla.mcif import wake
from hw_models.port import NEVER


@njit
def end_pend(state, ops, begin):
    """CDMA and CSC agree on a new split of CBUF: what is left in it is dropped, fetching begins."""
    data, weight, cbuf = state["cdma_data"], state["cdma_weight"], state["cbuf"]
    group = state["groups"][CDMA]
    weight["held"] = 0
    weight["stored"] = 0
    weight["mask_held"] = 0
    if data["phase"] == PEND:
        cbuf["data_used"] = 0
        cbuf["data_release_time"][:] = NEVER  # of lines that are dropped: they are counted no more
        cbuf["lines"] = 0
        data_start(state, ops, data, group, begin)
        wake(state, P_DATA, begin)
    if weight["phase"] == PEND:
        weight_start(state, ops, weight, group, begin)
        wake(state, P_WEIGHT, begin)
