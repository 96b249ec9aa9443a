"""The device's firmware: from requests to transactions, the map, writes, collection; and the event loop."""

import numpy as np

from hw_models.flash.engine import (
    next_use,
    release_register,
    schedule,
    serve_touched,
)
from hw_models.flash.ftl import allocate, block_at, find, owner, pick_victim, plane_at, plane_of, point
from hw_models.flash.link import fetch_command, occupy, send_up
from hw_models.flash.mapcache import mark_dirty, reserve, slot_at, slot_of, touch
from hw_models.flash.queues import enqueue, free_transaction, new_transaction, place
from hw_models.flash.state import (
    ALLOCATE,
    BEING_ERASED,
    BUS_IDLE,
    ERASE,
    ERASES,
    FREE,
    FREE_BLOCKS,
    GC_LEFT,
    GC_NEXT,
    GC_READ,
    GC_WRITE,
    IDLE,
    INFLIGHT,
    MAP_READ,
    NONE,
    ONE,
    PAGE_WORDS,
    PROGRAMMING,
    READING,
    REQUESTS,
    SLOT_FILLED,
    STATUS,
    TRANSACTIONS,
    USED,
    USER_READ,
    USER_WRITE,
    VALID,
    VICTIM,
    WAIT_HEAD,
    WAIT_TAIL,
    ZERO,
)
from hw_models.flash.waits import charge_collection, settle
from hw_models.jit import inlined, njit
from hw_models.port import NEVER
from hw_models.port import REFRESH as NOBODY_INT

NOBODY = np.int64(NOBODY_INT)  # the device's own work is charged to no master


@njit
def page_at(state, ppn):
    return state["at_page"] + PAGE_WORDS * ppn


@njit
def pages_of(state, address, size):
    """Return how many pages the ``size`` bytes from ``address`` on touch."""
    bits = state["page_bits"]
    return (address + size - 1 >> bits) - (address >> bits) + 1


@njit
def room(state, address, size):
    """Whether there are rows for one more request of ``size`` bytes, with the worst case of mapping work."""
    return (
        state["free_requests"] > 0
        and state["arrived_count"] < REQUESTS
        and state["free_transactions"] >= 4 * pages_of(state, address, size) + 64
    )


@njit
def submit(state, now, address, size, write, master, stream, tag, issued):
    """Ring the doorbell for one request at ``now``. The caller has checked `room`. Return its row."""
    i = state["free_request"]
    row = state["request"][i]
    state["free_request"] = row["next"]
    state["free_requests"] -= 1
    row["address"] = address
    row["bytes"] = size
    row["write"] = write
    row["master"] = master
    row["stream"] = stream
    row["tag"] = tag
    row["issued"] = issued
    row["submit"] = now
    row["arrival"] = fetch_command(state, now, size if write else ZERO, master)
    row["left"] = pages_of(state, address, size)
    row["version"] = 0
    state["arrived"][(state["arrived_head"] + state["arrived_count"]) % REQUESTS] = i
    state["arrived_count"] += 1
    state["requests"] += 1
    if write:
        state["write_bytes"] += size
    else:
        state["read_bytes"] += size
    return i


@inlined
def finish_request(state, r, now, time):
    """Complete request ``r``: all is there, and what was sent is across the link at ``time``."""
    row = state["request"][r]
    if row["write"] == 0 and state["forward_pages"] == 0:
        time = send_up(state, now, row["bytes"], row["master"])
    row["done"] = occupy(state, state["up"], now, time, state["completion_ps"], row["master"])
    state["done"][(state["done_head"] + state["done_count"]) % REQUESTS] = r
    state["done_count"] += 1


@inlined
def pop_done(state):
    """Take the oldest request that is done. Returns its row, to be given back with `free_request`."""
    r = state["done"][state["done_head"]]
    state["done_head"] = (state["done_head"] + 1) % REQUESTS
    state["done_count"] -= 1
    return r


@njit
def part_done(state, r, now, size):
    """One page of request ``r`` is there: ``size`` bytes for the host, 0 for a page of a write."""
    row = state["request"][r]
    time = now
    if size > 0 and state["forward_pages"] == 1:
        time = send_up(state, now, size, row["master"])
    row["left"] -= 1
    if row["left"] == 0:
        finish_request(state, r, now, time)


@njit
def free_request(state, r):
    """Give the row of a request whose completion was taken from `done` back."""
    state["request"][r]["next"] = state["free_request"]
    state["free_request"] = r
    state["free_requests"] += 1


@njit
def start_program(state, memory, i, ppn, now):
    """Queue the program of transaction ``i`` to ``ppn``; until it is done, reads come from the buffer."""
    place(state, i, ppn)
    row = state["transaction"][i]
    at = page_at(state, ppn)
    if memory[at] != 0 or owner(state, memory, ppn) != NONE:
        state["violations"] += 1
    memory[at] = -(row["lpn"] + 1)
    memory[at + 1] = row["version"]
    point(state, memory, row["lpn"], ppn)
    if state["map_resident"] == 0:
        mark_dirty(state, memory, row["lpn"])
    enqueue(state, i, now)


@njit
def wait_in_plane(state, memory, plane, i, now):
    """Let the host's transaction ``i`` wait until collection has freed a block of ``plane``."""
    at = plane_at(state, plane)
    state["transaction"][i]["since"] = now
    state["transaction"][i]["next"] = NONE
    if memory[at + WAIT_HEAD] == NONE:
        memory[at + WAIT_HEAD] = i
    else:
        state["transaction"][memory[at + WAIT_TAIL]]["next"] = i
    memory[at + WAIT_TAIL] = i


@njit
def write_page(state, memory, i, now):
    """Find a page for the host write ``i``; it waits in its plane if collection must free one first."""
    row = state["transaction"][i]
    plane = plane_of(state, row["lpn"])
    at = plane_at(state, plane)
    ppn = NONE
    if memory[at + WAIT_HEAD] == NONE:
        ppn = allocate(state, memory, plane, ZERO)
    if ppn == NONE:
        wait_in_plane(state, memory, plane, i, now)
    else:
        state["version"] += 1
        row["version"] = state["version"]
        state["request"][row["request"]]["version"] = state["version"]
        start_program(state, memory, i, ppn, now)
        if state["buffer_writes"] == 1:
            part_done(state, row["request"], now, ZERO)
            row["request"] = NONE
    collect(state, memory, plane, now)


@njit
def collect(state, memory, plane, now):
    """Start collecting a block of ``plane`` if it is short of free blocks and not collecting already."""
    at = plane_at(state, plane)
    if memory[at + VICTIM] != NONE or memory[at + FREE_BLOCKS] > state["gc_threshold"]:
        return
    block = pick_victim(state, memory, plane)
    if block == NONE:
        return
    memory[at + VICTIM] = block
    memory[at + GC_LEFT] = 0
    memory[at + GC_NEXT] = block * state["pages"]
    move_on(state, memory, plane, now)


@njit
def move_on(state, memory, plane, now):
    """Read the valid pages of the victim of ``plane``; erase it when all are safe elsewhere.

    All at once, but one at a time while other work takes half of the transactions: many planes may
    collect big blocks at the same time.
    """
    at = plane_at(state, plane)
    end = (memory[at + VICTIM] + 1) * state["pages"]
    ppn = memory[at + GC_NEXT]
    while ppn < end and (memory[at + GC_LEFT] == 0 or state["free_transactions"] > TRANSACTIONS // 2):
        lpn = owner(state, memory, ppn)
        if lpn != NONE and find(state, memory, lpn) == ppn:
            i = new_transaction(state, GC_READ, NONE, NOBODY, lpn, state["page_bytes"])
            state["transaction"][i]["version"] = memory[page_at(state, ppn) + 1]
            place(state, i, ppn)
            enqueue(state, i, now)
            state["gc_reads"] += 1
            memory[at + GC_LEFT] += 1
        ppn += 1
    memory[at + GC_NEXT] = ppn
    if memory[at + GC_LEFT] == 0:
        erase_victim(state, memory, plane, now)


@njit
def moved(state, memory, plane, now):
    """One page of the victim of ``plane`` is safe elsewhere, or was written again meanwhile."""
    memory[plane_at(state, plane) + GC_LEFT] -= 1
    move_on(state, memory, plane, now)


@njit
def erase_victim(state, memory, plane, now):
    block = memory[plane_at(state, plane) + VICTIM]
    i = new_transaction(state, ERASE, NONE, NOBODY, NONE, ZERO)
    place(state, i, block * state["pages"])
    enqueue(state, i, now)


@njit
def wipe(state, memory, block):
    """The erase of ``block`` begins: nothing in it can be read any more."""
    at = block_at(state, block)
    if memory[at + VALID] != 0:
        state["violations"] += 1
    memory[at + STATUS] = BEING_ERASED
    for ppn in range(block * state["pages"], (block + 1) * state["pages"]):
        memory[page_at(state, ppn)] = 0
        memory[page_at(state, ppn) + 1] = 0


@njit
def erased(state, memory, i, now):
    """The erase of transaction ``i`` is done: its block is free, what waited for a page gets one."""
    ppn = state["transaction"][i]["ppn"]
    block = ppn // state["pages"]
    wipe(state, memory, block)
    at = block_at(state, block)
    memory[at + STATUS] = FREE
    memory[at + USED] = 0
    memory[at + ERASES] += 1
    plane = block // state["blocks"]
    row = plane_at(state, plane)
    memory[row + FREE_BLOCKS] += 1
    memory[row + VICTIM] = NONE
    state["erases"] += 1
    free_transaction(state, i)
    i = memory[row + WAIT_HEAD]
    memory[row + WAIT_HEAD] = NONE
    while i != NONE:
        after = state["transaction"][i]["next"]
        charge_collection(state, i, now)
        if state["transaction"][i]["kind"] == USER_READ:
            read_page(state, memory, i, now)
        else:
            write_page(state, memory, i, now)
        i = after
    collect(state, memory, plane, now)


@njit
def programmed(state, memory, i, now):
    """The program of transaction ``i`` is done: its page can be read, whatever happens to the power."""
    row = state["transaction"][i]
    if row["ppn"] == NONE:  # a mapping page: only its time is modelled
        free_transaction(state, i)
        return
    at = page_at(state, row["ppn"])
    memory[at] = row["lpn"] + 1
    memory[at + 1] = row["version"]
    block = row["ppn"] // state["pages"]
    memory[block_at(state, block) + INFLIGHT] -= 1
    plane = block // state["blocks"]
    kind, request = row["kind"], row["request"]
    free_transaction(state, i)
    if kind == GC_WRITE:
        state["gc_programs"] += 1
        moved(state, memory, plane, now)
    else:
        state["page_programs"] += 1
        if request != NONE:
            part_done(state, request, now, ZERO)
    collect(state, memory, plane, now)


@njit
def read_page(state, memory, i, now):
    """Send the host read ``i`` to the page that holds its data."""
    row = state["transaction"][i]
    ppn = find(state, memory, row["lpn"])
    if ppn == NONE and state["unwritten"] == ALLOCATE:
        plane = plane_of(state, row["lpn"])
        ppn = allocate(state, memory, plane, ZERO)
        if ppn == NONE and state["version"] == 0:  # nothing to collect: nobody needs the reserved block
            ppn = allocate(state, memory, plane, ONE)
            if ppn == NONE:
                raise OverflowError("flash: no page left to lay out data in; raise overprovisioning")
        if ppn == NONE:
            wait_in_plane(state, memory, plane, i, now)
            collect(state, memory, plane, now)
            return
        memory[page_at(state, ppn)] = row["lpn"] + 1
        memory[block_at(state, ppn // state["pages"]) + INFLIGHT] -= 1
        point(state, memory, row["lpn"], ppn)
    if ppn == NONE or (state["physical_pages"] > 0 and memory[page_at(state, ppn)] < 0):
        if ppn == NONE:
            state["zero_reads"] += 1
        else:
            state["buffer_reads"] += 1
        read_done(state, memory, i, now)
        return
    place(state, i, ppn)
    enqueue(state, i, now)
    state["page_reads"] += 1


@njit
def read_done(state, memory, i, now):
    """The data of the host read ``i`` is in the controller."""
    row = state["transaction"][i]
    request, then, size = row["request"], row["then"], row["bytes"]
    free_transaction(state, i)
    if then != NONE:
        write_page(state, memory, then, now)
    else:
        part_done(state, request, now, size)


@njit
def translated(state, memory, i, now):
    """The map entry of transaction ``i`` is in the device's memory: go on."""
    row = state["transaction"][i]
    if row["kind"] == USER_READ:
        read_page(state, memory, i, now)
        return
    partial = row["bytes"] < state["page_bytes"]
    row["bytes"] = state["page_bytes"]
    if partial and find(state, memory, row["lpn"]) != NONE:
        old = new_transaction(
            state, USER_READ, row["request"], row["master"], row["lpn"], state["page_bytes"]
        )
        state["transaction"][old]["then"] = i
        read_page(state, memory, old, now)
    else:
        write_page(state, memory, i, now)


@njit
def map_place(state, i, map_page):
    """Mapping pages lie in the planes in the same order as data, one row after the other."""
    row = state["transaction"][i]
    plane = plane_of(state, map_page)
    row["die"] = state["die_of_plane"][plane]
    row["plane"] = plane - row["die"] * state["planes"]
    row["page"] = map_page // state["planes_total"] % state["pages"]


@njit
def write_back_map(state, lpn, now):
    """A changed map entry leaves the cache: its mapping page is programmed again (only the time counts)."""
    i = new_transaction(state, GC_WRITE, NONE, NOBODY, NONE, state["page_bytes"])
    map_place(state, i, lpn // state["map_entries_per_page"])
    enqueue(state, i, now)
    state["map_writes"] += 1


@inlined
def translate(state, memory, i, now):
    """Go on with transaction ``i`` now, or when the mapping page that it needs has been read."""
    row = state["transaction"][i]
    if state["map_resident"] == 1:
        translated(state, memory, i, now)
        return
    slot = slot_of(state, memory, row["lpn"])
    if slot != NONE and memory[slot_at(state, slot) + SLOT_FILLED] == 1:
        state["map_hits"] += 1
        touch(state, memory, slot)
        translated(state, memory, i, now)
        return
    state["map_misses"] += 1
    if slot == NONE:
        evicted = reserve(state, memory, row["lpn"])
        if evicted != NONE:
            write_back_map(state, evicted, now)
    at = state["at_map_read"] + row["lpn"] // state["map_entries_per_page"]
    if memory[at] == 0:
        page = row["lpn"] // state["map_entries_per_page"]
        m = new_transaction(state, MAP_READ, row["request"], row["master"], page, state["map_read_bytes"])
        map_place(state, m, page)
        enqueue(state, m, now)
        memory[at] = m + 1
        state["map_reads"] += 1
    reading = state["transaction"][memory[at] - 1]
    row["next"] = NONE
    if reading["wait_head"] == NONE:
        reading["wait_head"] = i
    else:
        state["transaction"][reading["wait_tail"]]["next"] = i
    reading["wait_tail"] = i


@njit
def map_done(state, memory, m, now):
    """A mapping page has been read: everything that waited for an entry in it goes on."""
    row = state["transaction"][m]
    memory[state["at_map_read"] + row["lpn"]] = 0
    i = row["wait_head"]
    free_transaction(state, m)
    while i != NONE:
        after = state["transaction"][i]["next"]
        slot = slot_of(state, memory, state["transaction"][i]["lpn"])
        memory[slot_at(state, slot) + SLOT_FILLED] = 1
        touch(state, memory, slot)
        translated(state, memory, i, now)
        i = after


@njit
def gc_read_done(state, memory, i, now):
    """A valid page of a victim has been read: program it elsewhere, if it still counts."""
    row = state["transaction"][i]
    plane = row["ppn"] // (state["blocks"] * state["pages"])
    if find(state, memory, row["lpn"]) != row["ppn"]:
        free_transaction(state, i)
        moved(state, memory, plane, now)
        return
    row["kind"] = GC_WRITE
    ppn = allocate(state, memory, plane, ONE)
    if ppn == NONE:
        raise RuntimeError("flash: collection has no page left to move data to")
    start_program(state, memory, i, ppn, now)


@inlined
def data_arrived(state, memory, i, now):
    """Read data of transaction ``i`` has crossed the channel."""
    row = state["transaction"][i]
    if row["kind"] != MAP_READ and state["physical_pages"] > 0 and owner(state, memory, row["ppn"]) == NONE:
        state["violations"] += 1
    if row["kind"] == MAP_READ:
        map_done(state, memory, i, now)
    elif row["kind"] == USER_READ:
        read_done(state, memory, i, now)
    else:
        gc_read_done(state, memory, i, now)


@inlined
def arrive(state, memory, now):
    """The oldest command on its way is in the device: split it into pages."""
    r = state["arrived"][state["arrived_head"]]
    state["arrived_head"] = (state["arrived_head"] + 1) % REQUESTS
    state["arrived_count"] -= 1
    row = state["request"][r]
    kind = USER_WRITE if row["write"] else USER_READ
    page = state["page_bytes"]
    address, end = row["address"], row["address"] + row["bytes"]
    while address < end:
        lpn = address >> state["page_bits"]
        size = min((lpn + 1) * page, end) - address
        i = new_transaction(state, kind, r, row["master"], lpn, size)
        translate(state, memory, i, now)
        address += size


@inlined
def array_done(state, memory, c, d, now):
    """The array of die ``d`` is ready."""
    die = state["die"][d]
    if die["doing"] == READING:
        if die["out"] > 0:  # cache read: the register still holds the previous pages
            die["held"] = 1
            state["ready"][d] = NEVER
        else:
            release_register(state, c, d, now)
        return
    settle(state, d, now)
    doing, count = die["doing"], die["actives"]
    die["doing"] = IDLE
    state["ready"][d] = NEVER
    die["actives"] = 0
    for k in range(count):
        i = die["active"][k]
        if doing == PROGRAMMING:
            programmed(state, memory, i, now)
        else:
            erased(state, memory, i, now)


@inlined
def bus_done(state, memory, c, now):
    """The bus of channel ``c`` has finished a command or a transfer."""
    channel = state["channel"][c]
    i = channel["moving"]
    channel["moving"] = NONE
    if i != NONE:
        d = state["transaction"][i]["die"]
        data_arrived(state, memory, i, now)
        settle(state, d, now)
        die = state["die"][d]
        die["out"] -= 1
        if die["out"] == 0 and die["held"] == 1:
            release_register(state, c, d, now)
    next_use(state, c, now)


@njit
def next_event(state):
    """Return the time of the next event inside the device, NEVER if only a request can wake it."""
    time = NEVER
    if state["arrived_count"] > 0:
        time = state["request"][state["arrived"][state["arrived_head"]]]["arrival"]
    for c in range(state["channels"]):
        time = min(time, state["next"][c])
    return time


@njit
def step(state, memory, now):
    """Do everything that is due at ``now``, the time of the next event."""
    state["now"] = now
    while (
        state["arrived_count"] > 0
        and state["request"][state["arrived"][state["arrived_head"]]]["arrival"] <= now
    ):
        arrive(state, memory, now)
    if state["touched"]:
        serve_touched(state, now)
    for c in range(state["channels"]):
        channel = state["channel"][c]
        if state["next"][c] > now:
            continue
        first = c * state["dies_per_channel"]
        for d in range(first, first + state["dies_per_channel"]):
            if state["ready"][d] <= now:
                array_done(state, memory, c, d, now)
        if channel["until"] <= now:
            bus_done(state, memory, c, now)
        elif channel["bus"] == BUS_IDLE:
            next_use(state, c, now)
        schedule(state, c)
        if state["touched"]:
            serve_touched(state, now)


@njit
def advance_to(state, memory, now):
    """Do everything up to and including ``now``. Return the time of the next event."""
    time = next_event(state)
    while time <= now:
        step(state, memory, time)
        time = next_event(state)
    return time
