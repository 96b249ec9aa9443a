"""The interconnect as one would first write it down: a loop over cycles, lists, no look-ahead."""

from collections import deque


class SlowArbiter:
    def __init__(self, kind, ports, frame, slot_cycles):
        self.kind, self.ports, self.frame, self.slot_cycles = kind, ports, frame, slot_cycles
        self.order = list(range(len(ports)))  # who is asked first
        self.credit = [p["weight"] for p in ports]

    def owner(self, cycle):
        return self.frame[cycle // self.slot_cycles % len(self.frame)]

    def choose(self, wants, cycle):
        candidates = [m for m in self.order if m in wants]
        if self.kind == "tdm":
            candidates = [m for m in candidates if m == self.owner(cycle)]
        if self.kind == "priority" and candidates:
            highest = max(self.ports[m]["priority"] for m in candidates)
            candidates = [m for m in candidates if self.ports[m]["priority"] == highest]
        if self.kind == "weighted" and candidates:
            if not any(self.credit[m] for m in candidates):
                self.credit = [p["weight"] for p in self.ports]
            candidates = [m for m in candidates if self.credit[m]]
            self.credit[candidates[0]] -= 1
        if not candidates:
            return None
        at = self.order.index(candidates[0])
        self.order = self.order[at + 1 :] + self.order[: at + 1]
        return candidates[0]


class SlowBus:
    """``requests``: dicts by rising time. ``memory(address)``: its latency. Collects `down` and `up`."""

    def __init__(self, config, ports, requests, memory):
        self.c, self.ports, self.memory = config, ports, memory
        self.requests = [deque(r for r in requests if r["master"] == m) for m in range(len(ports))]
        self.left = len(requests)
        self.lanes = {(m, w): deque() for m in range(len(ports)) for w in (0, 1)}
        self.turn = [0] * len(ports)
        self.first = [None] * len(ports)  # of a fifo master's one channel: 0 a read, 1 a write
        self.fifo_free = {}  # of a fifo master's id, None: its last transaction is unanswered
        self.buses = [(p, w) for p in range(config["ports"]) for w in range(config["channels"])]
        self.arbiters = {
            b: SlowArbiter(config["kind"], ports, config["frame"], config["slot"]) for b in self.buses
        }
        self.free = dict.fromkeys(self.buses, 0)
        self.back = {b: deque() for b in self.buses}
        self.back_free = dict.fromkeys(self.buses, 0)
        self.latest_answer = dict.fromkeys(self.buses, 0)
        self.flying = []  # pieces, oldest first
        self.link_free = {}
        self.down, self.up = [], [[] for _ in ports]

    def run(self):
        cycle = 0
        while self.left and cycle < 100_000:
            self.take_requests(cycle)
            self.take_answers(cycle)
            self.flying = [p for p in self.flying if p["seen"] is None or p["seen"] > cycle]
            self.grant(cycle)
            cycle += 1
        return self

    def take_requests(self, cycle):
        for queue in self.requests:
            while queue and queue[0]["time"] <= cycle:
                lane = self.lanes[queue[0]["master"], queue[0]["write"]]
                if len(lane) == self.c["queue"]:
                    break
                r = queue.popleft()
                lane.append({**r, "sent": 0, "there": cycle + self.ports[r["master"]].get("entry", 0)})

    def width(self, master):
        return min(self.c["width"], self.ports[master]["bytes"])

    def next_piece(self, lane):
        r = lane[0]
        address = r["address"] + r["sent"]
        size = min(r["bytes"] - r["sent"], self.c["burst"] - address % self.c["burst"])
        return address, size, address // self.c["interleave"] % self.c["ports"]

    def beats(self, master, write, size):
        return -(-size // self.width(master)) if write else 1

    def may_go(self, master, write, bus, cycle):
        lane, port = self.lanes[master, write], self.ports[master]
        if not lane or lane[0]["there"] > cycle or bus[1] != write * (self.c["channels"] - 1):
            return False
        if "fifo" in port and not self.in_turn(master, write, cycle):
            return False
        _, size, where = self.next_piece(lane)
        mine = [p for p in self.flying if p["master"] == master and p["write"] == write]
        same = [p for p in mine if p["id"] == lane[0]["stream"] % port["ids"]]
        fits = cycle % self.c["slot"] + self.beats(master, write, size) <= self.c["slot"]
        return (
            where == bus[0]
            and len(mine) < port["outstanding"]
            and len(same) < port["outstanding_per_id"]
            and (self.c["kind"] != "tdm" or fits)
        )

    def in_turn(self, master, write, cycle):
        """One channel: what stands first in it stays first; an id waits for its last transaction."""
        there = [w for w in (0, 1) if (q := self.lanes[master, w]) and q[0]["there"] <= cycle]
        if self.first[master] is None:
            self.first[master] = self.turn[master] if len(there) == 2 else there[0]
        name = self.lanes[master, write][0]["stream"] % self.ports[master]["ids"]
        free = self.fifo_free.get((master, name), 0)
        return self.first[master] == write and free is not None and free <= cycle

    def grant(self, cycle):
        sent = set()
        chosen = []
        for bus in self.buses:
            if self.free[bus] > cycle:
                continue
            lanes = [k for k in self.lanes if k not in sent and self.may_go(*k, bus, cycle)]
            master = self.arbiters[bus].choose({m for m, _ in lanes}, cycle) if lanes else None
            if master is not None:
                writes = [w for m, w in lanes if m == master]
                write = self.turn[master] if self.turn[master] in writes else writes[0]
                self.turn[master] = 1 - write
                sent.add((master, write))
                chosen.append((master, write, bus))
        for master, write, bus in chosen:
            self.send(master, write, bus, cycle)

    def send(self, master, write, bus, cycle):
        lane = self.lanes[master, write]
        address, size, port = self.next_piece(lane)
        beats = self.beats(master, write, size)
        r = lane[0]
        r["sent"] += size
        there = self.ports[master].get("way", [self.c["latency"]] * 2)[write]
        at_port = cycle + there + (0 if self.c.get("cut_through") else beats - 1)
        self.first[master] = None
        self.fifo_free[master, r["stream"] % self.ports[master]["ids"]] = None
        self.down.append((at_port, port, address, size, write, master))
        self.free[bus] = cycle + beats
        answer = max(at_port + self.memory(address), self.latest_answer[port, 0])
        self.latest_answer[port, 0] = answer
        piece = {
            "master": master,
            "write": write,
            "id": r["stream"] % self.ports[master]["ids"],
            "bytes": size,
            "request": r,
            "last": r["sent"] == r["bytes"],
            "answer": answer,
            "arrived": None,
            "seen": None,
        }
        self.flying.append(piece)
        self.back[bus].append(piece)
        if piece["last"]:
            lane.popleft()

    def take_answers(self, cycle):
        for bus in self.buses:
            while self.back[bus] and self.back[bus][0]["answer"] <= cycle:
                piece = self.back[bus].popleft()
                start = max(cycle, self.back_free[bus])
                self.back_free[bus] = start + self.beats(piece["master"], not piece["write"], piece["bytes"])
                port = self.ports[piece["master"]]
                piece["arrived"] = start + port.get("back", self.c["back"])
                self.fifo_free[piece["master"], piece["id"]] = start + port.get("fifo", 0)
                self.hand_over(piece)

    def hand_over(self, piece):
        """Deliver all that is now in order with the piece's id."""
        key = piece["master"], piece["write"], piece["id"]
        for p in [p for p in self.flying if (p["master"], p["write"], p["id"]) == key]:
            if p["arrived"] is None:
                return
            if p["seen"] is None:
                self.deliver(p)

    def deliver(self, p):
        master, r = p["master"], p["request"]
        link = (master, p["write"] if self.c["channels"] == 2 else 0)
        free, port = self.link_free.get(link, 0), self.ports[master]["bytes"]
        if p["write"]:
            p["seen"] = max(free, p["arrived"])
            self.link_free[link] = p["seen"] + p["last"]
            if p["last"]:
                self.up[master].append((p["seen"], r["tag"], r["bytes"]))
        else:
            for beat in range(-(-p["bytes"] // port)):
                end = min((beat + 1) * port, p["bytes"])
                p["seen"] = free = max(free, p["arrived"] + -(-end // self.c["width"]) - 1)
                free += 1
                self.up[master].append((p["seen"], r["tag"], end - beat * port))
            self.link_free[link] = p["seen"] + 1
        if p["last"]:
            self.left -= 1
