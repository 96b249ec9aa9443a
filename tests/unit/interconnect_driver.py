"""Runs the interconnect block in plain Python, one event at a time."""

import numpy as np

from hw_models.interconnect.block import accept, advance
from hw_models.interconnect.responses import respond
from hw_models.port import NEVER, REQUEST, WIRING, front, pop

UP = 32
FIELDS = ("address", "bytes", "write", "master")


def front_time(fifo):
    """Return the cycle at which the oldest row may be seen, NEVER when there is none."""
    return front(fifo)["time"] if fifo["count"] else NEVER


def rows_of(requests):
    rows = np.zeros(len(requests), REQUEST)
    for row, request in zip(rows, requests):
        for name, value in request.items():
            row[name] = value
        row["issued"] = 1000 + request["tag"]
    return rows


def drive(state, requests, memory, early=False, waits=None, limit=256, patient=False):
    """Drive an interconnect by its own wake times, with ``memory(address)`` cycles behind every port.

    Returns the rows that left, (time, port, address, bytes, write, master), and by master the rows that came
    back, (time, tag, bytes). ``early``: answers are handed over as soon as they are known. ``waits`` takes
    by tag the cycles from a request's entry to the grant of its last piece. ``patient``: memory takes a row
    when it is there, not as soon as it exists.
    """
    wires = np.zeros(1, WIRING)[0]
    masters, ports = int(state["masters"]), int(state["ports"])
    wires["fifo"]["limit"] = limit
    rows = rows_of(requests)
    queues = [list(rows[rows["master"] == m]) for m in range(masters)]
    answers, latest = [[] for _ in range(ports)], [0] * ports
    down, up = [], [[] for _ in range(masters)]
    now, left, entered = 0, len(requests), {}
    while left:
        wake, full = NEVER, False
        for queue in queues:
            while queue and queue[0]["time"] <= now and accept(state, queue[0], int(queue[0]["master"]), now):
                entered[int(queue.pop(0)["tag"])] = now
        for port in range(ports):
            while answers[port] and answers[port][0][0] <= now:
                respond(state, answers[port][0][1], answers[port][0][0], now, wires, 0, UP)
                answers[port].pop(0)
        wake = min(wake, advance(state, now, wires, 0, UP))
        for port in range(ports):
            fifo = wires["fifo"][port]
            while front_time(fifo) <= (now if patient else NEVER - 1):
                full |= fifo["count"] == fifo["limit"]
                row = front(fifo).copy()
                pop(fifo)
                if waits is not None:
                    tag = int(state["slots"][row["tag"]]["request"]["tag"])
                    waits[tag] = now - entered[tag]
                down.append((int(row["time"]), port, *(int(row[k]) for k in FIELDS)))
                latest[port] = max(latest[port], int(row["time"]) + memory(int(row["address"])))
                if early:
                    wake = min(wake, respond(state, row, latest[port], now, wires, 0, UP))
                else:
                    answers[port].append((latest[port], row))
            wake = min(wake, front_time(fifo))
        for m in range(masters):
            fifo = wires["fifo"][UP + m]
            while front_time(fifo) <= now:
                full |= fifo["count"] == fifo["limit"]
                row = front(fifo)
                tag = int(row["tag"])
                assert (row["issued"], row["stream"]) == (1000 + tag, requests[tag]["stream"])
                up[m].append((int(row["time"]), tag, int(row["bytes"])))
                requests[tag]["left"] = requests[tag].get("left", requests[tag]["bytes"]) - int(row["bytes"])
                left -= requests[tag]["left"] == 0
                pop(fifo)
        times = [wake, *(a[0][0] for a in answers if a), *(int(q[0]["time"]) for q in queues if q)]
        times += [int(front_time(wires["fifo"][UP + m])) for m in range(masters)]
        times.append(now + 1 if full else NEVER)
        later = [t for t in times if t > now]
        assert not left or min(later) < NEVER, "stuck"
        now = int(min(later)) if left else now
    return down, up
