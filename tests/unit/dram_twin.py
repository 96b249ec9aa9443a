"""A DRAM controller that ticks every cycle and asks every queued request: short, slow, obviously right.

FR-FCFS of Ramulator 2.1 on one rank: openers of rows first, then refresh, then the oldest request of the
current direction whose next command may be sent.
"""

LONG_AGO = -(10**9)


class Bank:
    def __init__(self):
        self.row = None
        self.opener = None  # request that opened the row and was not served yet
        self.sent = dict.fromkeys(("ACT", "PRE", "RD", "WR"), LONG_AGO)


class Twin:
    """``t``: timings in cycles, with BL; ``place(address)`` gives (group, bank, row)."""

    def __init__(self, t, place, groups, banks, *, size=32, high=0.8, low=0.2, refresh=True):
        self.t, self.place, self.groups = t, place, groups
        self.banks = {(g, b): Bank() for g in range(groups) for b in range(banks)}
        self.reads, self.writes, self.active = [], [], []
        self.size, self.high, self.low, self.refresh = size, high * size, low * size, refresh
        self.writing, self.owed, self.refreshed, self.all_closed = False, 0, LONG_AGO, LONG_AGO
        self.commands, self.done, self.now, self.last_answer = [], {}, 0, 0

    def offer(self, number, address, write):
        """Take a request after this cycle's command; False when there is no room."""
        if any(r[1] == address for r in self.writes):
            if not write:
                self.last_answer = max(self.now + 1, self.last_answer)
            self.done[number] = self.now + 1 if write else self.last_answer
            return True
        queue = self.writes if write else self.reads
        if len(queue) == self.size:
            return False
        group, bank, row = self.place(address)
        queue.append((number, address, write, (group, bank), row))
        return True

    def tick(self):
        """One cycle: at most one command."""
        self.now += 1
        if self.refresh and self.now % self.t["tREFI"] == 0:
            self.owed += 1
        ready = [r for r in self.active if self.may(self.needed(r), r[3])]
        if ready:
            return self.send(min(ready))
        if self.owed:
            return self.try_refresh()
        if not self.writing:
            self.writing = len(self.writes) > self.high or not self.reads
        elif len(self.writes) < self.low and self.reads:
            self.writing = False
        for request in self.writes if self.writing else self.reads:
            command = self.needed(request)
            if command == "PRE" and self.banks[request[3]].opener is not None:
                continue
            if self.may(command, request[3]):
                return self.send(request)
        return None

    def needed(self, request):
        bank = self.banks[request[3]]
        if bank.row is None:
            return "ACT"
        if bank.row != request[4]:
            return "PRE"
        return "WR" if request[2] else "RD"

    def latest(self, name, where=lambda key: True):
        return max((bank.sent[name] for key, bank in self.banks.items() if where(key)), default=LONG_AGO)

    def may(self, command, key):
        t, now, own = self.t, self.now, self.banks[key].sent
        write_end = t["CWL"] + t["BL"]
        same = lambda k: k[0] == key[0]  # noqa: E731
        other = lambda k: k[0] != key[0]  # noqa: E731
        if command == "ACT":
            acts = sorted(c for c, name, _ in self.commands[-60:] if name == "ACT")
            return (
                now >= own["ACT"] + t["tRC"]
                and now >= own["PRE"] + t["tRP"]
                and now >= self.all_closed + t["tRP"]
                and now >= self.refreshed + t["tRFC"]
                and now >= self.latest("ACT", same) + t["tRRD_L"]
                and now >= self.latest("ACT", other) + t["tRRD_S"]
                and (len(acts) < 4 or now >= acts[-4] + t["tFAW"])
            )
        if command == "PRE":
            return (
                now >= own["ACT"] + t["tRAS"]
                and now >= own["RD"] + t["tRTP"]
                and now >= own["WR"] + write_end + t["tWR"]
            )
        ready = now >= own["ACT"] + t["tRCD"]
        if command == "RD":
            return (
                ready
                and now >= self.latest("RD", same) + t["tCCD_L"]
                and now >= self.latest("RD", other) + t["tCCD_S"]
                and now >= self.latest("WR", same) + write_end + t["tWTR_L"]
                and now >= self.latest("WR", other) + write_end + t["tWTR_S"]
            )
        return (
            ready
            and now >= self.latest("WR", same) + t["tCCD_L"]
            and now >= self.latest("WR", other) + t["tCCD_S"]
            and now >= self.latest("RD") + t["CL"] + t["BL"] + t["tRTW"] - t["CWL"]
        )

    def send(self, request):
        number, _, write, key, row = request
        bank, command = self.banks[key], self.needed(request)
        queue = self.active if request in self.active else self.writes if write else self.reads
        self.commands.append((self.now, command, key))
        bank.sent[command] = self.now
        if command == "PRE":
            bank.row = None
        elif command == "ACT":
            bank.row, bank.opener = row, number
            queue.remove(request)
            self.active.append(request)
        else:
            queue.remove(request)
            if bank.opener == number:
                bank.opener = None
            self.done[number] = self.now + 1 if write else self.now + self.t["CL"] + self.t["BL"]
            if not write:
                self.last_answer = self.done[number]

    def try_refresh(self):
        if any(bank.row is not None for bank in self.banks.values()):
            if not self.active and all(
                self.may("PRE", key) for key, bank in self.banks.items() if bank.row is not None
            ):
                for bank in self.banks.values():
                    bank.row = None
                self.all_closed = self.now
                self.commands.append((self.now, "PREA", None))
        elif self.now >= max(self.latest("PRE"), self.all_closed) + self.t["tRP"]:
            self.owed -= 1
            self.refreshed = self.now
            self.commands.append((self.now, "REF", None))


def run_twin(twin, trace):
    """Return (cycles of entry, cycles of answers) of ``trace``, rows of (address, write, cycle)."""
    entered = []
    for number, (address, write, cycle) in enumerate(trace):
        while twin.now < cycle + 1 or (entered and twin.now == entered[-1]):
            twin.tick()
        while not twin.offer(number, address, write):
            twin.tick()
        entered.append(twin.now)
    while len(twin.done) < len(trace):
        twin.tick()
    return entered, [twin.done[k] for k in range(len(trace))]
