"""Lists threaded through the transaction table: free rows, queues of dies, data waiting for a bus."""

from hw_models.flash.state import GC_READ, MAP_READ, NONE
from hw_models.flash.waits import settle, wait_for_bus, wait_for_die
from hw_models.jit import inlined, njit


@njit
def new_transaction(state, kind, request, master, lpn, size):
    """Return a fresh row. The caller has made sure that one is free (see `room`)."""
    i = state["free_transaction"]
    if i == NONE:
        raise OverflowError("flash: too many transactions in flight; lower queue_depth or the request size")
    row = state["transaction"][i]
    state["free_transaction"] = row["next"]
    state["free_transactions"] -= 1
    row["next"] = NONE
    row["kind"] = kind
    row["request"] = request
    row["master"] = master
    row["lpn"] = lpn
    row["bytes"] = size
    row["sectors"] = 0
    row["ppn"] = NONE
    row["version"] = 0
    row["then"] = NONE
    row["wait_head"] = NONE
    row["wait_tail"] = NONE
    return i


@njit
def free_transaction(state, i):
    state["transaction"][i]["request"] = NONE
    state["transaction"][i]["next"] = state["free_transaction"]
    state["free_transaction"] = i
    state["free_transactions"] += 1


@njit
def place(state, i, ppn):
    """Tell transaction ``i`` which physical page it works on."""
    row = state["transaction"][i]
    row["ppn"] = ppn
    plane = ppn // (state["blocks"] * state["pages"])
    row["die"] = state["die_of_plane"][plane]
    row["plane"] = plane - row["die"] * state["planes"]
    row["page"] = ppn % state["pages"]


@inlined
def draw_order(state, i):
    """Give transaction ``i`` its place behind all that have one."""
    state["transaction"][i]["order"] = state["order"]
    state["order"] += 1


@njit
def enqueue(state, i, now):
    """Put transaction ``i`` behind all others in the queue of its die and class."""
    draw_order(state, i)
    line_up(state, i, now)


@njit
def line_up(state, i, now):
    """Put transaction ``i`` in the queue of its die and class, at the place that its order says."""
    row = state["transaction"][i]
    die = state["die"][row["die"]]
    kind = row["kind"]
    settle(state, row["die"], now)
    wait_for_die(state, i)
    before, after = die["tail"][kind], NONE
    if before != NONE and state["transaction"][before]["order"] > row["order"]:
        before, after = NONE, die["head"][kind]
        while state["transaction"][after]["order"] < row["order"]:
            before, after = after, state["transaction"][after]["next"]
    row["next"] = after
    if before == NONE:
        die["head"][kind] = i
    else:
        state["transaction"][before]["next"] = i
    if after == NONE:
        die["tail"][kind] = i
    die["queued"] += 1
    if kind <= GC_READ:
        die["queued_reads"] += 1
    channel = die["channel"]
    state["channel"][channel]["waiting"] += 1
    state["touched"] |= 1 << channel


@inlined
def unlink(state, d, kind, before, i):
    """Take transaction ``i``, which follows ``before`` (NONE: is first), out of a queue of die ``d``."""
    die = state["die"][d]
    after = state["transaction"][i]["next"]
    if before == NONE:
        die["head"][kind] = after
    else:
        state["transaction"][before]["next"] = after
    if after == NONE:
        die["tail"][kind] = before
    die["queued"] -= 1
    if kind <= GC_READ:
        die["queued_reads"] -= 1
    state["channel"][die["channel"]]["waiting"] -= 1


@inlined
def gather(state, d, first_class, last_class):
    """Move one command's transactions from the queues of die ``d`` to its active list; return how many.

    The first is the oldest of the most urgent class; then, for each further plane, the oldest with the
    same page number (a multi-plane command addresses equal pages).
    """
    die = state["die"][d]
    taken, planes, page = 0, 0, NONE
    for kind in range(first_class, last_class + 1):
        before, i = NONE, die["head"][kind]
        while i != NONE:
            row = state["transaction"][i]
            after = row["next"]
            if taken == 0 or (row["page"] == page and not planes >> row["plane"] & 1):
                unlink(state, d, kind, before, i)
                die["active"][taken] = i
                taken += 1
                planes |= 1 << row["plane"]
                page = row["page"]
                if taken == state["planes"] or not state["multiplane"]:
                    die["actives"] = taken
                    return taken
            else:
                before = i
            i = after
    die["actives"] = taken
    return taken


@inlined
def oldest(state, d, first_class, last_class):
    """Return the sequence number of what `gather` would take first, -1 when the queues are empty."""
    die = state["die"][d]
    for kind in range(first_class, last_class + 1):
        if die["head"][kind] != NONE:
            return kind * 2**56 + state["transaction"][die["head"][kind]]["order"]
    return NONE


@inlined
def push_ready(state, channel, i, now):
    """Queue the read data of transaction ``i`` for the bus, by its class."""
    wait_for_bus(state, channel, i, now)
    row = state["channel"][channel]
    kind = state["transaction"][i]["kind"]
    state["transaction"][i]["next"] = NONE
    if row["head"][kind] == NONE:
        row["head"][kind] = i
    else:
        state["transaction"][row["tail"][kind]]["next"] = i
    row["tail"][kind] = i
    row["waiting"] += 1


@inlined
def pop_ready(state, channel):
    """Take the next read data for the bus: mapping, then host, then collection. NONE if there is none."""
    row = state["channel"][channel]
    for kind in range(MAP_READ, GC_READ + 1):
        i = row["head"][kind]
        if i != NONE:
            row["head"][kind] = state["transaction"][i]["next"]
            row["waiting"] -= 1
            return i
    return NONE
