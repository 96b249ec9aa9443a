"""What of the memory interface may be told late, in its order: then NVDLA need not be called for every beat.

An answer counts when it completes a grain of lines, a kernel group or a launch, when a request waits for it,
or when it goes to SDP, PDP, CDP or a copy engine. All others change nothing but counters.

While CDMA alone asks, and there is no room on the way out, the next bursts of its oldest request are known:
each leaves as soon as there is room. The last one is NVDLA's own: it makes room for another request.

Each is told with the cycle at which it came or went, and before anything that happens later.
"""

from hw_models.jit import inlined
from hw_models.nvdla.names import Client
from hw_models.port import FIFO_ROWS

MOST = 16  # power of two, far fewer than rows in a FIFO
_DATA, _WEIGHT = int(Client.CDMA_DATA), int(Client.CDMA_WEIGHT)


@inlined
def _before(left, unit):
    """Return how many pieces of ``unit`` come before the one with which ``left`` is there, at most MOST."""
    if left > MOST * unit:
        return MOST
    return max(0, (left - 1) // unit)


@inlined
def _beats_of_data(state, data):
    """Return the beats before the one that completes a grain."""
    surfaces = data["surfaces"] - data["rsp_surface"]
    left = surfaces * data["rsp_grain"] * data["width"] - data["rsp_atom"]
    return _before(left, max(1, state["cdma_beats_atoms"]))


@inlined
def _beats_of_weights(state, weight):
    """Return the beats before the one that completes a kernel group."""
    if weight["compressed"]:
        return 0
    need = weight["total_bytes"]
    if weight["group"] + 1 < weight["groups"]:
        need = (weight["group"] + 1) * weight["group_bytes"]
    return _before(need - weight["received"] * state["dbb_bytes"], state["dbb_bytes"])


@inlined
def quiet_answers(state):
    """Return how many of the next answers change nothing but counters, at most MOST."""
    mcif, sdp, quiet = state["mcif"][0], state["sdp"], MOST
    readers = mcif["readers"]
    if mcif["heeded"] or mcif["read_limited"] or mcif["write_limited"] or readers[_DATA]["id_limit"]:
        return 0
    if state["cvsram"] or not state["patient"]:
        return 0
    if readers[_DATA]["bursts_in_flight"]:
        quiet = _beats_of_data(state, state["cdma_data"])
    if readers[_WEIGHT]["bursts_in_flight"]:
        quiet = min(quiet, _beats_of_weights(state, state["cdma_weight"]))
    if state["burst_beats"] > 1:
        quiet //= state["burst_beats"]
    if sdp["ending_count"]:
        quiet = min(quiet, sdp["ending_acks"][sdp["ending_head"]] - 1)
    return max(0, quiet)


@inlined
def following_reads(state, out, now):
    """Return how many bursts surely follow the newest row in ``out``, whatever comes back meanwhile."""
    mcif = state["mcif"][0]
    client, asking = mcif["last_reader"], mcif["asking"]
    if client < _DATA or asking != 1 << client or out["count"] < out["limit"]:
        return 0
    if state["cvsram"] or not state["patient"]:
        return 0
    reader, longest = mcif["readers"][client], state["burst_beats"]
    head, size = reader["head"], longest * state["dbb_bytes"]
    newest = out["rows"][(out["head"] + out["count"] - 1) % FIFO_ROWS]
    if newest["bytes"] != size or newest["address"] + size != reader["address"][head]:
        return 0
    if reader["time"][head] > now or reader["id_limit"]:
        return 0
    beats = min(reader["beats"][head] - 1, state["outstanding_reads"] - mcif["reads"]["in_flight"])
    return beats // longest if longest > 1 else beats
