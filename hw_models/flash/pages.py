"""The way of a page through translation, array and bus, for reads and writes."""

from hw_models.flash.collection import (
    NOBODY,
    collect,
    gc_read_done,
    moved,
    page_at,
    take_page,
    wait_in_plane,
    wipe,
)
from hw_models.flash.ftl import allocate, block_at, find, map_at, owner, plane_at, plane_of, point, sectors_of
from hw_models.flash.mapcache import reserve, slot_at, slot_of, touch
from hw_models.flash.names import Unwritten
from hw_models.flash.queues import draw_order, enqueue, free_transaction, line_up, new_transaction, place
from hw_models.flash.requests import part_done
from hw_models.flash.state import (
    ERASES,
    FREE,
    FREE_BLOCKS,
    GC_WRITE,
    INFLIGHT,
    MAP_READ,
    NONE,
    ONE,
    REQUESTS,
    SLOT_FILLED,
    STATUS,
    USED,
    USER_READ,
    USER_WRITE,
    VICTIM,
    WAIT_HEAD,
    ZERO,
)
from hw_models.flash.waits import charge_collection
from hw_models.jit import inlined, njit

ALLOCATE = Unwritten.ALLOCATE.code


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
        if state["by_sectors"] == 1:
            merge_sectors(state, memory, i, ppn, now)
        else:
            take_page(state, memory, i, ppn)
            enqueue(state, i, now)
        if state["buffer_writes"] == 1:
            part_done(state, row["request"], now, ZERO)
            row["request"] = NONE
    collect(state, memory, plane, now)


@inlined
def merge_sectors(state, memory, i, ppn, now):
    """Program the sectors of host write ``i`` to ``ppn``, after a read of those that hold data and stay."""
    row = state["transaction"][i]
    lpn = row["lpn"]
    old, held = find(state, memory, lpn), sectors_of(state, memory, lpn)
    stay, size = held & ~row["sectors"], ZERO
    while stay > 0:
        size += (stay & 1) << state["sector_bits"]
        stay >>= 1
    take_page(state, memory, i, ppn)
    memory[map_at(state, memory, lpn) + 2] = held | row["sectors"]
    if size == 0 or memory[page_at(state, old)] < 0:  # nothing, or still in the buffer
        enqueue(state, i, now)
        return
    draw_order(state, i)
    read = new_transaction(state, USER_READ, row["request"], row["master"], lpn, size)
    state["transaction"][read]["then"] = i
    place(state, read, old)
    enqueue(state, read, now)
    state["page_reads"] += 1


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
        memory[map_at(state, memory, row["lpn"]) + 2] = row["sectors"]
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
    if then != NONE and state["by_sectors"] == 1:
        line_up(state, then, now)
    elif then != NONE:
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
    if state["by_sectors"] == 1:
        write_page(state, memory, i, now)
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
        if slot != NONE:
            memory[slot_at(state, slot) + SLOT_FILLED] = 1
            touch(state, memory, slot)
        translated(state, memory, i, now)
        i = after


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
        first = (address & page - 1) >> state["sector_bits"]
        last = (address + size - 1 & page - 1) >> state["sector_bits"]
        state["transaction"][i]["sectors"] = (1 << last + 1) - (1 << first)
        translate(state, memory, i, now)
        address += size
