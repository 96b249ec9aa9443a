"""An outside master's port: what its bus says in a cycle becomes requests, answers become what it sees next.

    sample(agent, store, keys, pool, cycle)              the cycle that has ended: handshakes
    commit(agent)                                        what it asked for may go
    advance(agent, now, reads, writes) -> next           requests into the port's FIFOs
    respond(agent, row, now)                             an answer of the system
    present(agent, ..., cycle, read_room, write_room)    the cycle that begins: what the agent drives

A cycle without a handshake needs no `sample`, and one without `news` no `present`.
What is driven is held until it is taken. Answers are in order by id, and a read that has begun is ended
before another begins; across ids, who was answered first is first. A write is asked for when its address
and the first of its data are there, and answered when the system has and its last beat was taken.
AXI3's write data may be interleaved: a beat goes to the oldest address of its id that lacks some. A reset of
the master drops its bursts: what the system still answers is taken and forgotten.
Data are right whatever the timing: a write takes effect with its beat, a read is of the moment of its beat.
"""

import numpy as np

from hw_models.axi.bursts import NONE, ask, beat_address, beat_lanes, bytes_through, fault_of
from hw_models.axi.names import BEATS, BURSTS
from hw_models.axi.state import PENDING, Burst, Drive, Fault, Pin
from hw_models.axi.store import read_beat, write_beat
from hw_models.jit import inlined, njit
from hw_models.port import NEVER, is_full, push

ARVALID, AWVALID, WVALID = int(Pin.ARVALID), int(Pin.AWVALID), int(Pin.WVALID)
RREADY, BREADY, WLAST = int(Pin.RREADY), int(Pin.BREADY), int(Pin.WLAST)
ARID, AWID, WID = int(Pin.ARID), int(Pin.AWID), int(Pin.WID)
ARREADY, AWREADY, WREADY = int(Drive.ARREADY), int(Drive.AWREADY), int(Drive.WREADY)
RVALID, RID, RLAST = int(Drive.RVALID), int(Drive.RID), int(Drive.RLAST)
BVALID, BID = int(Drive.BVALID), int(Drive.BID)
INCR = int(Burst.INCR)
EXCLUSIVE, BAD_LAST, NO_MEMORY = int(Fault.EXCLUSIVE), int(Fault.LAST), int(Fault.MEMORY)
LOW = 2**32  # bytes: what a job may address
WINDOWS = 2**39  # from here on memories have addresses of their own


@inlined
def refuse(agent, fault, cycle, write, address, value):
    """Note the first thing that cannot be served."""
    if agent["fault"] == NONE:
        agent["fault"], agent["fault_cycle"] = fault, cycle
        agent["fault_values"][0], agent["fault_values"][1], agent["fault_values"][2] = write, address, value


@inlined
def system_address(agent, address):
    """Return where an address of the master lies in the system."""
    if 0 <= address < LOW:
        return agent["base"] + address
    if 0 <= address < WINDOWS:
        return agent["beyond"] + address
    return address & (2**62 - 1)


@inlined
def stream_of(agent, number):
    """Fold an id onto the system's streams: digits of four bits are added without carry, as a crossbar puts
    who asks into the upper ones."""
    for bits in (32, 16, 8, 4):
        number ^= (number >> bits) & ((1 << bits) - 1)
    return (number & 15) % agent["ids"]


@inlined
def new_burst(agent, side, first_pin, write, cycle):
    """Take the address on the bus: pins id, address, len, size, burst, lock from ``first_pin`` on."""
    pin = agent["pin"]
    address, beats = pin[first_pin + 1], pin[first_pin + 2] + 1
    size, kind = pin[first_pin + 3], pin[first_pin + 4]
    if agent["fixed_size"] >= 0:
        beats, size, kind = np.int64(1), agent["fixed_size"], np.int64(INCR)
    if pin[first_pin + 5] != 0:
        refuse(agent, EXCLUSIVE, cycle, write, address, pin[first_pin])
    fault = fault_of(address, beats, size, kind, agent["width"])
    if fault != NONE:
        refuse(agent, fault, cycle, write, address, pin[first_pin])
        beats, size, kind = np.int64(1), np.int64(0), np.int64(INCR)
    index = np.int64(0)
    while index < side["top"] and side["bursts"][index]["used"]:
        index += 1
    side["top"] = max(side["top"], index + 1)
    burst = side["bursts"][index]
    burst["used"], burst["id"], burst["address"] = 1, pin[first_pin], address
    burst["beats"], burst["size"], burst["kind"] = beats, size, kind
    burst["given"] = burst["arrived"] = burst["rows"] = burst["dropped"] = 0
    burst["first"], burst["next"], burst["ready_cycle"] = 1, -1, NEVER
    burst["order"], burst["begin_cycle"] = side["accepted"], cycle
    burst["issue_cycle"] = side["since"] if side["since"] >= 0 else cycle
    side["since"] = -1
    for other in range(side["top"]):
        older = side["bursts"][other]
        same = older["used"] and other != index and older["id"] == burst["id"]
        if same and older["next"] < 0 and not older["dropped"]:
            older["next"] = index
            burst["first"] = 0
    side["accepted"] += 1
    side["in_flight"] += 1
    return index


@inlined
def end_burst(side, index):
    """Give a burst's row back; the next of its id comes to the front."""
    burst = side["bursts"][index]
    burst["used"] = 0
    if burst["next"] >= 0:
        side["bursts"][burst["next"]]["first"] = 1
    side["in_flight"] -= 1


@inlined
def note(agent, records, log, burst, write, cycle):
    """Log a burst that is done."""
    if log["count"] < len(records):
        record = records[log["count"]]
        record["write"], record["id"], record["address"] = write, burst["id"], burst["address"]
        record["beats"], record["size"], record["kind"] = burst["beats"], burst["size"], burst["kind"]
        record["issue_cycle"], record["begin_cycle"] = burst["issue_cycle"], burst["begin_cycle"]
        record["first_cycle"], record["last_cycle"] = burst["first_cycle"], burst["last_cycle"]
        record["end_cycle"], record["master"] = cycle, agent["master"]
    log["count"] += 1


@inlined
def address_of(agent, number):
    """Return where in `data_order` the address is that lacks a beat of id ``number``, -1: it is not there."""
    for k in range(agent["data_count"]):
        index = agent["data_order"][(agent["data_head"] + k) % BURSTS]
        if number < 0 or agent["write"]["bursts"][index]["id"] == number:
            return np.int64(k)
    return np.int64(-1)


@inlined
def take_beat(agent, store, keys, pool, at, order, cycle):
    """Give beat ``at`` of the data kept to the address at ``order`` of those that lack some."""
    words, strobes, last = agent["ahead_data"][at], agent["ahead_strb"][at], agent["ahead_last"][at]
    side = agent["write"]
    index = agent["data_order"][(agent["data_head"] + order) % BURSTS]
    burst = side["bursts"][index]
    beat = burst["given"]
    lanes = beat_lanes(burst, beat, agent["width"])
    address = beat_address(burst, beat)
    moved = write_beat(store, keys, pool, address, agent["width"], words, strobes, lanes)
    if moved < 0:
        refuse(agent, NO_MEMORY, cycle, np.int64(1), address, burst["id"])
    side["bytes"] += max(moved, 0)
    side["beats"] += 1
    burst["last_cycle"] = agent["ahead_cycle"][at]
    if beat == 0:
        burst["first_cycle"] = burst["last_cycle"]
        burst["issue_cycle"] = max(burst["issue_cycle"], agent["ahead_since"][at])
        stream = stream_of(agent, burst["id"])
        ask(side, index, system_address(agent, burst["address"]), 1, stream, agent["master"])
    burst["given"] += 1
    if (burst["given"] == burst["beats"]) != (last != 0):
        refuse(agent, BAD_LAST, cycle, np.int64(1), burst["address"], burst["given"])
    if burst["given"] == burst["beats"]:
        for k in range(order, 0, -1):  # those before it move up
            to, of = (agent["data_head"] + k) % BURSTS, (agent["data_head"] + k - 1) % BURSTS
            agent["data_order"][to] = agent["data_order"][of]
        agent["data_head"] = (agent["data_head"] + 1) % BURSTS
        agent["data_count"] -= 1


@inlined
def take_write(agent, store, keys, pool, cycle):
    """Take a write's address and beat, each if it is there; data ahead of all addresses are kept."""
    pin, drive, side = agent["pin"], agent["drive"], agent["write"]
    if pin[AWVALID]:
        if drive[AWREADY]:
            index = new_burst(agent, side, AWID, np.int64(1), cycle)
            agent["data_order"][(agent["data_head"] + agent["data_count"]) % BURSTS] = index
            agent["data_count"] += 1
            agent["moved_cycle"] = cycle
        else:
            side["address_waits"] += 1
            side["since"] = cycle if side["since"] < 0 else side["since"]
    if pin[WVALID]:
        if drive[WREADY]:
            at = (agent["ahead_head"] + agent["ahead_count"]) % BEATS
            agent["ahead_data"][at, :] = agent["wdata"]
            agent["ahead_strb"][at, :] = agent["wstrb"]
            agent["ahead_last"][at], agent["ahead_id"][at] = pin[WLAST], pin[WID]
            agent["ahead_since"][at] = agent["data_since"] if agent["data_since"] >= 0 else cycle
            agent["ahead_cycle"][at], agent["data_since"] = cycle, -1
            agent["ahead_count"] += 1
            agent["moved_cycle"] = cycle
        else:
            agent["data_waits"] += 1
            agent["data_since"] = cycle if agent["data_since"] < 0 else agent["data_since"]
    while agent["ahead_count"] > 0:
        at = agent["ahead_head"]
        order = address_of(agent, agent["ahead_id"][at])
        if order < 0:
            break
        take_beat(agent, store, keys, pool, at, order, cycle)
        agent["ahead_head"] = (at + 1) % BEATS
        agent["ahead_count"] -= 1


@inlined
def is_answered(burst, write):
    """Tell whether the system owes nothing more for a burst."""
    return burst["rows"] <= 0 if write else burst["arrived"] >= bytes_through(burst, burst["beats"] - 1)


@inlined
def drop(side, write):
    """Forget what is in flight; rows are kept until the system has answered."""
    for index in range(side["top"]):
        burst = side["bursts"][index]
        burst["dropped"], burst["next"] = burst["used"], -1
        if burst["used"] and is_answered(burst, write):
            end_burst(side, index)
    side["offered"] = side["since"] = -1


@inlined
def drop_all(agent):
    """Forget all of a master that is in reset."""
    drop(agent["read"], False)
    drop(agent["write"], True)
    agent["data_count"] = agent["ahead_count"] = 0
    agent["data_since"] = -1
    agent["drive"][RVALID] = agent["drive"][BVALID] = 0


@njit
def sample(agent, store, keys, pool, records, log, cycle):
    """Let every handshake of the cycle that has ended take effect. Returns whether it asks for something."""
    pin, drive = agent["pin"], agent["drive"]
    reads, writes = agent["read"], agent["write"]
    agent["news"] = 1
    if agent["reset"]:
        drop_all(agent)
        return reads["fresh"] + writes["fresh"] > 0
    if drive[RVALID]:
        if pin[RREADY]:
            burst = reads["bursts"][reads["offered"]]
            reads["beats"] += 1
            reads["bytes"] += bytes_through(burst, burst["given"])
            reads["bytes"] -= bytes_through(burst, burst["given"] - 1) if burst["given"] else 0
            burst["first_cycle"] = cycle if burst["given"] == 0 else burst["first_cycle"]
            burst["last_cycle"] = cycle
            burst["given"] += 1
            agent["moved_cycle"] = cycle
            drive[RVALID] = 0
            if burst["given"] == burst["beats"]:
                note(agent, records, log, burst, np.int64(0), cycle)
                end_burst(reads, reads["offered"])
                reads["offered"] = -1
        else:
            reads["answer_waits"] += 1
    if drive[BVALID]:
        if pin[BREADY]:
            note(agent, records, log, writes["bursts"][writes["offered"]], np.int64(1), cycle)
            end_burst(writes, writes["offered"])
            writes["offered"] = -1
            agent["moved_cycle"] = cycle
            drive[BVALID] = 0
        else:
            writes["answer_waits"] += 1
    if pin[ARVALID]:
        if drive[ARREADY]:
            index = new_burst(agent, reads, ARID, np.int64(0), cycle)
            burst = reads["bursts"][index]
            stream = stream_of(agent, burst["id"])
            ask(reads, index, system_address(agent, burst["address"]), 0, stream, agent["master"])
            agent["moved_cycle"] = cycle
        else:
            reads["address_waits"] += 1
            reads["since"] = cycle if reads["since"] < 0 else reads["since"]
    take_write(agent, store, keys, pool, cycle)
    return reads["fresh"] + writes["fresh"] > 0


@inlined
def commit(agent):
    """Let what was asked for in the cycle that has ended go to the system."""
    for side in (agent["read"], agent["write"]):
        side["pending_count"] += side["fresh"]
        side["fresh"] = 0


@inlined
def send(side, now, fifo):
    while side["pending_count"] > 0 and not is_full(fifo):
        push(fifo, side["pending"][side["pending_head"]], now)
        side["pending_head"] = (side["pending_head"] + 1) % PENDING
        side["pending_count"] -= 1


@njit
def advance(agent, now, reads, writes):
    """Hand on requests while there is room; a FIFO that was full wakes its writer when it has some."""
    agent["news"] = 1
    send(agent["read"], now, reads)
    send(agent["write"], now, writes)
    return NEVER


@njit
def respond(agent, response, now):
    """Take an answer, or a part of a read's."""
    if response["write"]:
        burst = agent["write"]["bursts"][response["tag"]]
        burst["rows"] -= 1
        burst["ready_cycle"] = now
        if burst["dropped"] and burst["rows"] == 0:
            end_burst(agent["write"], response["tag"])
        return
    burst = agent["read"]["bursts"][response["tag"]]
    burst["arrived"] += response["bytes"]
    if burst["dropped"] and is_answered(burst, False):
        end_burst(agent["read"], response["tag"])
        return
    if burst["ready_cycle"] == NEVER and burst["arrived"] >= bytes_through(burst, np.int64(0)):
        burst["ready_cycle"] = now


@inlined
def choose(side, write):
    """Return the burst to answer next: of those that are the first of their ids, who was ready first."""
    best = np.int64(-1)
    for index in range(side["top"]):
        burst = side["bursts"][index]
        if not burst["used"] or burst["dropped"] or not burst["first"] or burst["ready_cycle"] == NEVER:
            continue
        if write and (burst["rows"] > 0 or burst["given"] < burst["beats"]):
            continue
        if best >= 0:
            other = side["bursts"][best]
            if other["ready_cycle"] < burst["ready_cycle"]:
                continue
            if other["ready_cycle"] == burst["ready_cycle"] and other["order"] < burst["order"]:
                continue
        best = np.int64(index)
    return best


@inlined
def offer_read(agent, store, keys, pool):
    """Put the next beat of read data on the bus, if there is one."""
    side, drive = agent["read"], agent["drive"]
    if side["offered"] < 0 and side["in_flight"] > 0:
        side["offered"] = choose(side, False)
    if side["offered"] < 0:
        return
    burst = side["bursts"][side["offered"]]
    if burst["arrived"] < bytes_through(burst, burst["given"]):
        return
    read_beat(store, keys, pool, beat_address(burst, burst["given"]), agent["width"], agent["rdata"])
    drive[RVALID], drive[RID] = 1, burst["id"]
    drive[RLAST] = burst["given"] + 1 == burst["beats"]


@njit
def present(agent, store, keys, pool, read_room, write_room):
    """Drive the cycle that begins. ``read_room``, ``write_room``: the port's FIFOs have room."""
    drive, reads, writes = agent["drive"], agent["read"], agent["write"]
    before = drive[ARREADY] | drive[AWREADY] << 1 | drive[WREADY] << 2 | drive[BVALID] << 3
    if drive[RVALID] == 0:
        offer_read(agent, store, keys, pool)
    if drive[BVALID] == 0 and writes["in_flight"] > 0:
        writes["offered"] = choose(writes, True)
        if writes["offered"] >= 0:
            drive[BVALID], drive[BID] = 1, writes["bursts"][writes["offered"]]["id"]
    drive[ARREADY] = read_room and reads["pending_count"] == 0 and reads["in_flight"] < agent["limit"]
    drive[AWREADY] = writes["in_flight"] < agent["limit"] and writes["pending_count"] < BURSTS
    begun = agent["data_count"] > 0 and writes["bursts"][agent["data_order"][agent["data_head"]]]["given"] > 0
    room = write_room and writes["pending_count"] == 0
    drive[WREADY] = begun or (room and agent["ahead_count"] < BEATS)
    if agent["reset"]:
        drive[ARREADY] = drive[AWREADY] = drive[WREADY] = 0
    after = drive[ARREADY] | drive[AWREADY] << 1 | drive[WREADY] << 2 | drive[BVALID] << 3
    agent["changed"], agent["news"] = 1, before != after or agent["reset"] != 0
    agent["busy"] = (
        reads["in_flight"] > 0
        or writes["in_flight"] > 0
        or agent["ahead_count"] > 0
        or before != after
        or agent["reset"] != 0
    )
