"""Entries and where they wait: a list per bank and direction, with its oldest hit and miss."""

from hw_models.dram.candidates import ACT, COLUMN, OPENER, PRE, ask, forget, opener_of, stop_asking
from hw_models.dram.names import Scheduler
from hw_models.dram.schedule import is_only
from hw_models.dram.state import BUCKETS, DONE_ROWS
from hw_models.jit import inlined, njit
from hw_models.port import copy_request

IN_TURN = Scheduler.BANK_ROUND_ROBIN.code


@njit
def take_entry(state):
    """Return a free entry. The caller has checked that there is one."""
    state["free_count"] -= 1
    return state["free"][state["free_count"]]


@njit
def release_entry(state, e):
    state["free"][state["free_count"]] = e
    state["free_count"] += 1
    state["pending"] -= 1
    if state["down_after"] > 0:
        state["rank"][state["banks"][state["entries"][e]["bank"]]["rank"]]["queued"] -= 1


@njit
def take_parent(state, request, parts):
    """Return the row that will answer ``request`` once ``parts`` bursts are done."""
    state["free_parents"] -= 1
    p = state["free_parent"][state["free_parents"]]
    parent = state["parents"][p]
    parent["left"] = parts
    parent["time"] = 0
    copy_request(parent["request"], request)
    state["waiting"][request["write"]] += 1
    return p


@njit
def finish_part(state, p, time):
    """One burst of parent ``p`` is done at ``time``; after the last one the answer is known."""
    parent = state["parents"][p]
    parent["left"] -= 1
    if time > parent["time"]:
        parent["time"] = time
    if parent["left"] == 0:
        rows = state["done"]
        time = parent["time"] + state["backend"][parent["request"]["write"]]
        k = state["done_head"] + state["done_count"]
        while k > state["done_head"] and rows[(k - 1) % DONE_ROWS]["time"] > time:
            rows[k % DONE_ROWS]["time"] = rows[(k - 1) % DONE_ROWS]["time"]
            rows[k % DONE_ROWS]["parent"] = rows[(k - 1) % DONE_ROWS]["parent"]
            k -= 1
        rows[k % DONE_ROWS]["time"] = time
        rows[k % DONE_ROWS]["parent"] = p
        state["done_count"] += 1


@inlined
def look_again(state, b):
    """The command queue of bank ``b``, or its row, has changed (bank_queues.py)."""
    if state["scheduler"] == IN_TURN:
        state["soonest"][b] = 0


@inlined
def bucket(state, address):
    burst = address >> state["burst_shift"]
    return (burst ^ burst >> 7 ^ burst >> 15) & BUCKETS - 1


@inlined
def row_bucket(bank, row):
    return row + bank * 41 & BUCKETS - 1


@inlined
def note_place(state, e, change):
    """Entry ``e`` is queued (1) or not any more (-1)."""
    entry = state["entries"][e]
    w = entry["write"]
    if state["meets"] == 1:
        state["addresses"][w, bucket(state, entry["address"])] += change
    if state["deep"] == 1:
        state["rows"][w, row_bucket(entry["bank"], entry["row"])] += change


@inlined
def may_be_queued(state, w, address):
    """Return whether an entry of direction ``w`` may be for ``address``: most are told apart here."""
    return state["meets"] == 1 and state["addresses"][w, bucket(state, address)] > 0


@njit
def enqueue(state, e):
    """Entry ``e`` is queued: in its bank's list, but for an only one, which is there once another comes."""
    state["size"][state["entries"][e]["write"]] += 1
    if state["parks"] == 1 and is_only(state):
        state["parked"] = e
    else:
        unpark(state)
        append(state, e)


@inlined
def unpark(state):
    """The only entry has to be in its bank's list from now on."""
    if state["parks"] == 1 and state["parked"] >= 0:
        append(state, state["parked"])
        state["parked"] = -1


@njit
def append(state, e):
    """Append entry ``e`` to its bank's list."""
    entries = state["entries"]
    entry = entries[e]
    w = entry["write"]
    bank = state["banks"][entry["bank"]]
    tail = bank["tail"][w]
    entry["next"] = -1
    entry["previous"] = tail
    bank["tail"][w] = e
    if tail >= 0:
        entries[tail]["next"] = e
    else:
        bank["head"][w] = e
        look_again(state, entry["bank"])
        if bank["open"] < 0 or state["simple"] == 0:
            ask(state, w, ACT, entry["bank"])
    if bank["open"] == entry["row"]:
        if bank["hit"][w] < 0:
            bank["hit"][w] = e
            look_again(state, entry["bank"])
            ask(state, w, COLUMN, entry["bank"])
    elif bank["open"] >= 0 and bank["miss"][w] < 0:
        bank["miss"][w] = e
        if opener_of(state, bank) < 0:
            ask(state, w, PRE, entry["bank"])
    if state["plain"] == 1:
        last = state["youngest"]
        entry["older"] = last
        entry["younger"] = -1
        state["youngest"] = e
        if last >= 0:
            entries[last]["younger"] = e
        else:
            state["oldest"] = e


@njit
def leave_ages(state, e):
    """Take entry ``e`` out of the list of all queued entries."""
    older = state["entries"][e]["older"]
    younger = state["entries"][e]["younger"]
    if older >= 0:
        state["entries"][older]["younger"] = younger
    else:
        state["oldest"] = younger
    if younger >= 0:
        state["entries"][younger]["older"] = older
    else:
        state["youngest"] = older


@njit
def dequeue(state, e):
    """Entry ``e`` is not queued any more; it stays an entry."""
    note_place(state, e, -1)
    state["size"][state["entries"][e]["write"]] -= 1
    if state["parks"] == 1 and state["parked"] == e:
        state["parked"] = -1
    else:
        remove(state, e)


@inlined
def remove(state, e):
    """Take entry ``e`` out of its bank's list."""
    entries = state["entries"]
    entry = entries[e]
    w = entry["write"]
    bank = state["banks"][entry["bank"]]
    after = entry["next"]
    before = entry["previous"]
    if before >= 0:
        entries[before]["next"] = after
    else:
        bank["head"][w] = after
    if after >= 0:
        entries[after]["previous"] = before
    else:
        bank["tail"][w] = before
    look_again(state, entry["bank"])
    if bank["hit"][w] == e:
        bank["hit"][w] = find_hit(state, after, w, entry["bank"], entry["row"])
        if bank["hit"][w] < 0:
            stop_asking(state, w, COLUMN, entry["bank"])
    elif bank["miss"][w] == e:
        k = after
        while k >= 0 and entries[k]["row"] == bank["open"]:
            k = entries[k]["next"]
        bank["miss"][w] = k
        if k < 0:
            stop_asking(state, w, PRE, entry["bank"])
        else:
            forget(state, PRE)
    if bank["head"][w] < 0:
        stop_asking(state, w, ACT, entry["bank"])
    if state["plain"] == 1:
        leave_ages(state, e)


@inlined
def find_hit(state, k, w, b, row):
    """Return the oldest entry for ``row`` from entry ``k`` of bank ``b`` on, -1 when there is none."""
    entries = state["entries"]
    if k >= 0 and state["deep"] == 1 and state["rows"][w, row_bucket(b, row)] == 0:
        return -1
    while k >= 0 and entries[k]["row"] != row:
        k = entries[k]["next"]
    return k


@njit
def classify(state, b):
    """Find the oldest hit and the oldest miss of both lists of bank ``b``, whose row has been opened."""
    entries = state["entries"]
    bank = state["banks"][b]
    row = bank["open"]
    look_again(state, b)
    for w in range(2):
        k = bank["head"][w]
        if k < 0:
            continue
        if state["simple"] == 1:
            stop_asking(state, w, ACT, b)
        bank["hit"][w] = find_hit(state, k, w, b, row)
        if bank["hit"][w] >= 0:
            ask(state, w, COLUMN, b)
        while k >= 0 and entries[k]["row"] == row:
            k = entries[k]["next"]
        bank["miss"][w] = k
        if k >= 0 and opener_of(state, bank) < 0:
            ask(state, w, PRE, b)
    if opener_of(state, bank) >= 0:
        ask(state, entries[bank["active"]]["write"], OPENER, b)


@njit
def declassify(state, b):
    """Bank ``b`` has been closed: none of its requests hits or misses."""
    bank = state["banks"][b]
    look_again(state, b)
    for w in range(2):
        stop_asking(state, w, COLUMN, b)
        stop_asking(state, w, PRE, b)
        bank["hit"][w] = -1
        bank["miss"][w] = -1
        if state["simple"] == 1 and bank["head"][w] >= 0:
            ask(state, w, ACT, b)


@njit
def reserve(state, e):
    """Entry ``e`` opens its row: it leaves the queue and owns the row until it is served."""
    dequeue(state, e)
    state["banks"][state["entries"][e]["bank"]]["active"] = e


@inlined
def serve_opener(state, b):
    """The opener of bank ``b`` is served."""
    bank = state["banks"][b]
    stop_asking(state, state["entries"][bank["active"]]["write"], OPENER, b)
    bank["active"] = -1
    look_again(state, b)


@inlined
def unreserve(state, b):
    """The opener of bank ``b`` has been served: its row may be closed for others."""
    bank = state["banks"][b]
    for w in range(2):
        if bank["miss"][w] >= 0:
            ask(state, w, PRE, b)


@njit
def openers(state):
    """Return how many openers of rows wait to be served."""
    return state["asking"][0, OPENER] + state["asking"][1, OPENER]


@njit
def find_write(state, b, address):
    """Return the queued write to ``address`` in bank ``b``, -1 when there is none."""
    entries = state["entries"]
    k = state["banks"][b]["head"][1]
    while k >= 0 and entries[k]["address"] != address:
        k = entries[k]["next"]
    return k
