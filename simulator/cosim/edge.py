"""One rising edge of outside masters that share a clock: what they said, what the SoC does, what they see.

Cycle n of a clock lies between its edges n and n + 1, edge 0 at time zero of the SoC. At edge n + 1 the
handshakes of cycle n take effect, and what they ask for enters the SoC at the beginning of cycle n, behind
all that happens then: so the SoC has run no further than that. It then runs to edge n + 1, and answers that
can be seen by then are on the bus in cycle n + 1. With clocks of several periods (`lag`) the SoC may be
ahead already, and requests enter at the edge that ends their cycle.
"""

from typing import NamedTuple

import numpy as np

from hw_models.axi.block import commit, present, sample
from hw_models.axi.state import Drive, Pin
from hw_models.callback import call
from hw_models.jit import inlined, njit
from hw_models.port import is_full
from hw_models.width import MASTERS
from simulator.cosim.signals import load, load_words, store_value, store_words
from simulator.kernel.soc import earliest
from simulator.kernel.wakes import wake_at_edge

ASKS_PYTHON = 2  # what `run` may say: 0 is well, 1 that time stands still
PINS, DRIVES = len(Pin), len(Drive)
ARVALID, AWVALID, WVALID = int(Pin.ARVALID), int(Pin.AWVALID), int(Pin.WVALID)
RVALID, BVALID = int(Drive.RVALID), int(Drive.BVALID)
ARID, AWID, WLAST = int(Pin.ARID), int(Pin.AWID), int(Pin.WLAST)  # first of each channel's
VALIDS = (ARVALID, AWVALID, WVALID)

CLOCK = np.dtype(
    [
        ("agents", np.int64),
        ("row", np.int64, (MASTERS,)),  # of each agent among the outside masters
        ("period_fs", np.int64),
        ("cycle", np.int64),  # that is under way
        ("lag", np.int64),  # 1: requests enter at the edge that ends their cycle
        ("skip", np.int64),  # 1: do nothing in a cycle in which nothing can happen
        ("patience", np.int64),  # cycles without a handshake, bursts in flight, after which it is stuck
        ("fault", np.int64),  # 1: an agent, or the SoC, cannot go on
        ("stuck", np.int64),  # 1: because nothing has moved for so long
        ("edges", np.int64),  # at which there was something to do
        ("until_fs", np.int64),  # what the SoC is to run to
        ("run", np.int64),  # the C function that lets it, and what that takes
        ("run_argument", np.int64),
        ("beside", np.int64),  # the C function that goes on where the loop asks for Python
    ]
)


class Held(NamedTuple):
    """What the outside masters' memory holds, and the log of their bursts."""

    store: np.void  # STORE
    keys: np.ndarray
    pool: np.ndarray
    records: np.ndarray  # RECORD
    log: np.void  # LOG


@inlined
def read_some(agent, first, end):
    for k in range(first, end):
        signal = agent["pin_signal"][k]
        if signal["bytes"] > 0:
            agent["pin"][k] = load(signal["address"], signal["bytes"])


@inlined
def read_pins(agent):
    """Take what a simulator in this process has on the bus."""
    read_some(agent, ARVALID, ARID)
    if agent["pin"][ARVALID]:
        read_some(agent, ARID, AWID)
    if agent["pin"][AWVALID]:
        read_some(agent, AWID, WLAST)
    if agent["pin"][WVALID]:
        read_some(agent, WLAST, PINS)
        load_words(agent["wdata_signal"], agent["wdata"])
        load_words(agent["wstrb_signal"], agent["wstrb"])
    if agent["reset_signal"]["bytes"] > 0:
        signal = agent["reset_signal"]
        agent["reset"] = load(signal["address"], signal["bytes"]) == agent["reset_level"]


@inlined
def is_silent(agent):
    """Tell whether the bus has no valid, and is in no reset: nobody on it can do anything at this edge."""
    for pin in VALIDS:
        signal = agent["pin_signal"][pin]
        valid = load(signal["address"], signal["bytes"]) if signal["bytes"] > 0 else agent["pin"][pin]
        if valid:
            return False
    signal = agent["reset_signal"]
    in_reset = signal["bytes"] > 0 and load(signal["address"], signal["bytes"]) == agent["reset_level"]
    return not in_reset and not agent["reset"] and not agent["drive"][RVALID] and not agent["drive"][BVALID]


@inlined
def is_quiet(clock, agents):
    """Tell whether nothing can happen at this edge: nothing is in flight and nothing new on any bus."""
    for k in range(clock["agents"]):
        agent = agents[clock["row"][k]]
        if agent["busy"] or not is_silent(agent):
            return False
    return True


@inlined
def hear(clock, agents, store, keys, pool, records, log):
    """Take the handshakes of the cycle that ends. Returns whether they ask the SoC for something."""
    asks = False
    for k in range(clock["agents"]):
        agent = agents[clock["row"][k]]
        if clock["skip"] and is_silent(agent):
            continue
        read_pins(agent)
        asks |= sample(agent, store, keys, pool, records, log, clock["cycle"])
    return asks


@inlined
def enter(clock, system, agents, time_fs):
    """Let what was asked for enter the SoC at ``time_fs``, or where another clock has brought it since."""
    period_fs = clock["period_fs"]
    time_fs = max(time_fs, -(-system["now_fs"] // period_fs) * period_fs)
    for k in range(clock["agents"]):
        agent = agents[clock["row"][k]]
        if agent["read"]["fresh"] + agent["write"]["fresh"] > 0:
            commit(agent)
            wake_at_edge(system, system["master_unit"] + agent["master"], time_fs)


@inlined
def in_flight(clock, agents):
    """Return how many bursts wait for the SoC."""
    count = np.int64(0)
    for k in range(clock["agents"]):
        agent = agents[clock["row"][k]]
        count += agent["read"]["in_flight"] + agent["write"]["in_flight"]
    return count


@inlined
def show(clock, system, wires, agents, store, keys, pool):
    """Drive the cycle that begins, and note who cannot go on. Returns whether anything may be new."""
    changed = False
    for k in range(clock["agents"]):
        agent = agents[clock["row"][k]]
        if agent["news"] or not clock["skip"]:
            down = system["node"][system["master_unit"] + agent["master"]]["down"]
            reads, writes = wires["fifo"][down], wires["fifo"][down + 1]
            present(agent, store, keys, pool, not is_full(reads), not is_full(writes))
            changed = True
        flying = agent["read"]["in_flight"] + agent["write"]["in_flight"] + agent["ahead_count"]
        clock["fault"] |= agent["fault"] != 0
        if flying == 0:
            agent["moved_cycle"] = clock["cycle"]
        elif clock["cycle"] - agent["moved_cycle"] > clock["patience"]:
            clock["fault"] = clock["stuck"] = 1
    return changed


@njit
def drive_signals(clock, agents):
    """Put what is driven into the signals of a simulator in this process. Returns whether any changed."""
    changed = False
    for k in range(clock["agents"]):
        agent = agents[clock["row"][k]]
        if not agent["changed"]:
            continue
        agent["changed"] = 0
        for d in range(DRIVES):
            signal = agent["drive_signal"][d]
            if signal["bytes"] > 0 and load(signal["address"], signal["bytes"]) != agent["drive"][d]:
                store_value(signal["address"], signal["bytes"], agent["drive"][d])
                changed = True
        if agent["drive"][RVALID]:
            changed |= store_words(agent["rdata_signal"], agent["rdata"])
    return changed


@inlined
def next_fs(system):
    """Return when something happens in the SoC next."""
    _, time_fs = earliest(system)
    return time_fs


@inlined
def run_to(clock, limit_fs):
    """Run the SoC through all that happens up to ``limit_fs``: by its address, or it would be compiled in."""
    clock["until_fs"] = limit_fs
    said = call(clock["run"], clock["run_argument"])
    if said == ASKS_PYTHON:
        said = call(clock["beside"], np.int64(0))
    if said:  # time stands still
        clock["fault"] = clock["stuck"] = 1


@inlined
def skip(clock, agents):
    """Let an edge pass at which nothing can happen, or after a fault. Returns whether it did."""
    if clock["fault"]:
        return True
    quiet = clock["skip"] and is_quiet(clock, agents)
    clock["cycle"] += quiet
    return quiet


@inlined
def edge(clock, system, wires, agents, held):
    """End a cycle of a clock and begin the next. Returns whether what is driven may be new.

    ``agents``: AGENT rows; ``held``: Held.
    """
    store, keys, pool = held.store, held.keys, held.pool
    clock["edges"] += 1
    if hear(clock, agents, store, keys, pool, held.records, held.log):
        time_fs = (clock["cycle"] + clock["lag"]) * clock["period_fs"]
        run_to(clock, time_fs)
        enter(clock, system, agents, time_fs)
    clock["cycle"] += 1
    now_fs = clock["cycle"] * clock["period_fs"]
    if not clock["skip"] or (in_flight(clock, agents) > 0 and next_fs(system) <= now_fs):
        run_to(clock, now_fs)
    return show(clock, system, wires, agents, store, keys, pool)
