"""The interconnect's state, and how it is built from its parameters."""

import numpy as np

from hw_models.blame import BLAME_SHAPE
from hw_models.interconnect.arbiter import ARBITER
from hw_models.interconnect.names import IDS, LANE_ROWS, TRACKERS
from hw_models.interconnect.regulator import REGULATION
from hw_models.interconnect.routes import ROUTE, ROUTES
from hw_models.known import before, parameters
from hw_models.port import MASTERS, REQUEST

PORTS = 16  # most ports on the memory side
SOURCES = MASTERS  # most ports on the other side: a master each, or an interconnect or cache above
LANES = 2 * SOURCES  # lane = 2 * source + write: reads and writes of a source do not block each other
BIT_SHIFT = (LANES // 32).bit_length() - 1  # log2 of the neighbouring lanes that share a bit of `waiting`
BUSES = 2 * PORTS  # bus = channels * port (+ write where channels are separate)
SLOTS = 16 * SOURCES  # most pieces in flight
GRANTS = 16  # of a cache, that may keep probes out
NOTES = 2 * SLOTS  # of pieces to be counted out

LANE = np.dtype(
    [
        ("head", np.int64),
        ("count", np.int64),
        ("refused", np.int64),  # 1: a request found no place since the last one left
        ("blocker", np.int64),  # for whom that waited in the cycle in which the last one left, -1: nobody did
        ("sent", np.int64),  # bytes of the oldest request already on their way
        # of the next piece
        ("time", np.int64),  # from which it may go
        ("address", np.int64),
        ("master", np.int64),
        ("name", np.int64),  # its transaction id
        ("size", np.int64),
        ("port", np.int64),
        ("bus", np.int64),  # that it needs
        ("ready", np.int64),  # 1: it could take the bus now
        ("retry", np.int64),  # when to look again; NEVER: something else will wake us
        # waits are charged from `since`, up to `busy_until` to the bus's owner, then to the culprit
        ("since", np.int64),
        ("busy_until", np.int64),
        ("owner", np.int64),
        ("cause", np.int64),
        ("culprit", np.int64),
        ("rows", REQUEST, (LANE_ROWS,)),
    ]
)
SLOT = np.dtype(  # a piece in flight
    [
        ("next", np.int64),  # the piece behind it with the same id, or the next free slot
        (
            "arrived",
            np.int64,
        ),  # cycle at which its answer's first beat is at the source's side; NEVER: not yet
        ("last", np.int64),  # 1: completes its request
        ("bytes", np.int64),
        ("held", np.int64),  # 1: answered, but the master's FIFO was full
        ("given", np.int64),  # rows of its answer that the master has been handed
        ("missing", np.int64),  # bytes not yet answered
        ("lane", np.int64),
        ("id", np.int64),
        ("port", np.int64),
        ("tracker", np.int64),  # of the coherence hub, -1: none
        ("request", REQUEST),  # the master's own row
    ]
)
RELEASE = np.dtype(  # pieces to be counted out at a time known already; in order of time
    [("head", np.int64), ("count", np.int64), ("time", np.int64, (NOTES,)), ("what", np.int64, (NOTES,))]
)
INTERCONNECT = np.dtype(
    [
        # parameters
        ("masters", np.int64),  # of the system
        ("sources", np.int64),  # ports on the masters' side
        ("alone", np.int64, (SOURCES,)),  # the only master behind a source, -1: several
        ("ports", np.int64),
        ("interleave_shift", np.int64),  # log2 of the bytes after which the next memory port has its turn
        ("route_count", np.int64),  # several things below: who answers to which addresses; 0: one
        ("channels", np.int64),  # 1 shared, 2 separate for reads and writes
        ("width_shift", np.int64),  # log2 of the bytes a cycle
        ("burst", np.int64),
        ("cut_through", np.int64),
        ("entry", np.int64, (SOURCES,)),
        ("latency", np.int64, (SOURCES, 2)),  # of reads, of writes
        ("response_latency", np.int64, (SOURCES,)),
        ("queue", np.int64),
        ("collects", np.int64),  # 1: some answers are to be read at their time only
        ("trackers", np.int64),  # of the coherence hub; 0: no hub
        ("tracker_shift", np.int64),
        ("accept_interval", np.int64),
        ("hub_release", np.int64),
        ("caching", np.int64, (SOURCES,)),  # 1: probed by the hub, writes are releases
        ("caches", np.int64),
        ("probe", np.int64),
        ("grant_blocks", np.int64),  # how long a cache takes no probe from its grant on
        ("granted_from", np.int64, (SOURCES, GRANTS)),  # its latest ones
        ("grants", np.int64, (SOURCES,)),
        ("tracked", np.int64, (PORTS, TRACKERS)),  # line of each tracker's latest transaction
        ("tracked_until", np.int64, (PORTS, TRACKERS)),  # when that is over; NEVER: not answered yet
        ("tracked_by", np.int64, (PORTS, TRACKERS)),
        ("tracking", np.int64, (PORTS,)),  # trackers whose transaction may not be over, a bit each
        # the hub's channels: `hub_channels`
        ("probe_answer", np.int64),
        ("write_lead", np.int64),  # -1: a write is taken at once
        ("release_lanes", np.int64),  # of what caches release, bits as those of `waiting`
        ("probing", np.int64),  # probes that are not answered, of all caches
        ("probes_from", np.int64),  # when the first of them is at a cache
        ("probes", np.int64, (SOURCES,)),  # that a cache has not answered; the oldest first
        ("taken", np.int64, (SOURCES,)),  # of them, those that it has taken
        ("probe_time", np.int64, (SOURCES, TRACKERS)),  # a probe is at the cache; its answer at the hub
        ("probe_of", np.int64, (SOURCES, TRACKERS)),  # tracker
        ("probe_next", np.int64, (SOURCES,)),  # when a cache can take one again
        ("released", np.int64, (SOURCES,)),  # until when a cache releases its latest line
        ("unanswered", np.int64, (TRACKERS,)),  # probes
        ("answered", np.int64, (TRACKERS,)),  # when the last one was, or will be at the earliest
        # `foresight`: probes that nothing keeps are not followed one by one
        ("foresees", np.int64),  # 1: whose answers' times are known is not looked at before (the same times)
        ("foreseen", np.int64),  # such trackers since the latest recall, a bit each
        ("foreseen_from", np.int64, (TRACKERS,)),  # when its first probe is at a cache
        ("foreseen_last", np.int64),  # the same of the latest
        ("foreseen_over", np.int64),  # trackers with some before, since the latest recall, that are over
        ("ahead", np.int64),  # 1: what waits for them is in the FIFO to memory as soon as its time is known
        ("kept_until", np.int64),  # by then every cache takes probes again
        ("staged", np.int64, (TRACKERS,)),  # slot of the piece that waits for them, -1: none
        ("staging", np.int64),  # trackers that have one, a bit each
        ("staged_address", np.int64, (TRACKERS,)),
        ("staged_soonest", np.int64, (TRACKERS,)),
        ("staged_way", np.int64, (TRACKERS,)),  # cycles to the memory port
        ("answers_free", np.int64),  # channel of releases and answers; NEVER: until memory takes a write
        ("answers_turn", np.int64),  # who had it last
        ("turn_from", np.int64, (SOURCES,)),  # from when on a source has something for it: `work_off`
        ("onward_free", np.int64),  # channel to memory
        ("onward_slot", np.int64),  # the write that has it until memory takes it, -1: none
        ("onward_owner", np.int64),  # whose write had it last
        ("onward_before", np.int64),  # free, before a write that has it ahead of time
        ("owner_before", np.int64),
        ("port_limit", np.int64, (2,)),  # reads, writes in flight at a memory port
        ("port_limited", np.int64),  # 1: there are slots for more; else they are not counted
        ("limit", np.int64, (SOURCES,)),
        ("ids", np.int64, (SOURCES,)),
        ("id_mask", np.int64, (SOURCES,)),  # of a stream's bits: its id, -1: ids are no power of two
        ("id_limit", np.int64, (SOURCES,)),
        ("fifo", np.int64, (SOURCES,)),  # 1: one transaction an id
        ("fifo_release", np.int64, (SOURCES,)),
        ("fifo_until", np.int64, (SOURCES, IDS)),  # when an id's next may go; NEVER: its last is unanswered
        ("fifo_head", np.int64, (SOURCES,)),  # 0 a read, 1 a write stands first in the channel; -1: undecided
        ("fifo_since", np.int64, (SOURCES,)),  # from when on the next may stand there
        ("port_shift", np.int64, (SOURCES,)),  # log2 of the width of the source's own port
        # requests
        ("waiting", np.int64),  # lanes with requests in them, a bit for 1 << BIT_SHIFT each
        ("room", np.int64),  # 1: who was refused may come again
        ("served", np.int64),  # cycle of the latest look at the lanes
        ("due", np.int64),  # when a lane or one of the hub's channels may have its turn
        ("lanes_due", np.int64),  # when a lane may
        ("turns_due", np.int64),  # when one of the hub's channels may
        ("lanes", LANE, (LANES,)),
        ("write_turn", np.int64, (SOURCES,)),  # which lane goes first where both want the same bus
        ("arbiters", ARBITER, (BUSES,)),
        ("wants", np.int64, (BUSES,)),
        ("bus_free", np.int64, (BUSES,)),
        ("bus_owner", np.int64, (BUSES,)),
        ("regulation", REGULATION),
        # in flight
        ("lane_flight", np.int64, (LANES,)),
        ("id_flight", np.int64, (LANES, IDS)),
        ("port_flight", np.int64, (2, PORTS)),
        ("port_share", np.int64, (2, PORTS, MASTERS)),  # of port_flight, by master
        ("serialised", np.int64),  # 1: some lane waits for its id's last transaction
        ("limited", np.int64),  # 1: some lane waits for pieces in flight to come back
        ("full", np.int64),  # 1: some lane waits for a memory port to take what it has
        ("awaited", np.int64),  # trackers that lanes wait for, a bit each, of all ports
        ("spared", np.int64),  # when nobody looks at the lanes if no release has come by then; 0: never
        ("next_release", np.int64),  # when the next one has, as of the latest count
        ("free_slot", np.int64),  # -1: none
        ("slots", SLOT, (SLOTS,)),
        ("oldest", np.int64, (LANES, IDS)),  # slot, -1: none in flight
        ("newest", np.int64, (LANES, IDS)),
        # responses
        ("back_free", np.int64, (BUSES,)),
        ("back_owner", np.int64, (BUSES,)),
        ("link_free", np.int64, (LANES,)),
        ("held", np.int64),  # answers that found the master's FIFO full
        (
            "gone",
            RELEASE,
            (BUSES,),
        ),  # pieces that have left their memory port, by response bus: lane + LANES * master
        ("seen", RELEASE, (LANES,)),  # slots of pieces that the master has seen, by link
        ("routes", ROUTE, (ROUTES,)),
        # what came of it
        ("reads", np.int64, (MASTERS,)),  # requests
        ("writes", np.int64, (MASTERS,)),
        ("read_bytes", np.int64, (MASTERS,)),
        ("write_bytes", np.int64, (MASTERS,)),
        ("waited", np.int64, (MASTERS,)),  # cycles of requests sent, from when they could be: as charged
        ("busy_cycles", np.int64, (BUSES,)),
        ("back_busy_cycles", np.int64, (BUSES,)),
        ("blame", np.int64, BLAME_SHAPE),
    ]
)
_STATE = {  # of the hub, beside its parameters
    *("probing", "probes_from", "foreseen", "foreseen_last", "foreseen_over", "kept_until", "staging"),
    *("answers_free", "answers_turn", "onward_free", "onward_slot", "onward_owner"),
    *("onward_before", "owner_before"),
}
parameters("INTERCONNECT", INTERCONNECT, before(INTERCONNECT, "waiting", beside=_STATE))
