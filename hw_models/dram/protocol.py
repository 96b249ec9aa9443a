"""Does a command log obey the standard? A checker that knows the rules' table, nothing of the controller.

It reads one command after the other, as a bus analyser would: which distances the rules ask for, whether the
rows are open that a command needs open, whether a refresh came before its time.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from hw_models.dram.rules import RULES, SCOPES, Rule, clocks

Place = tuple[int, ...]
CLOSED_BY = ("PRE", "RDA", "WRA")
RANK_IDLE = ("REF", "SRE")  # commands that need every row of the rank closed
EXITS = {"PDX": "PDE", "SRX": "SRE"}


class Command(NamedTuple):
    cycle: int
    name: str
    rank: int
    group: int  # of the rank, -1: the command is the whole rank's
    bank: int  # of the group
    row: int  # -1 where a command has none

    def __str__(self) -> str:
        place = f"rank {self.rank}" + (f" group {self.group} bank {self.bank}" if self.bank >= 0 else "")
        return f"{self.name} of {place} at {self.cycle}"


class Measured:
    """One rule, and how close the log comes to it."""

    def __init__(self, rule: Rule, t: Mapping[str, int]):
        self.rule, self.least = rule, clocks(rule.least, t)
        self.pairs = 0
        self.closest: int | None = None  # clocks
        self._shared, self._apart = SCOPES[rule.scope]
        self._latest: dict[Place, list[tuple[Place, Command]]] = {}

    def note(self, command: Command) -> None:
        """Keep ``command`` as an earlier one: the last ``nth`` of its place, or of the last two places."""
        latest = self._latest.setdefault(_of(command, self._shared), [])
        place = _of(command, self._apart)
        if self.rule.nth == 1:
            if any(item[0] == place and item[1].cycle > command.cycle for item in latest):
                return  # a row that closes by itself, later than this one
            latest[:] = [item for item in latest if item[0] != place][:1]
        latest.insert(0, (place, command))
        del latest[max(2, self.rule.nth) :]

    def check(self, command: Command) -> str | None:
        """Return in words what ``command`` breaks as the later one."""
        latest = self._latest.get(_of(command, self._shared), [])
        if self._apart:
            place = _of(command, self._apart)
            latest = [item for item in latest if item[0] != place]
        if len(latest) < self.rule.nth:
            return None
        earlier = latest[self.rule.nth - 1][1]
        distance = command.cycle - earlier.cycle
        self.pairs += 1
        self.closest = distance if self.closest is None else min(self.closest, distance)
        if distance >= self.least:
            return None
        return f"{command}: {distance} clocks after {earlier}, yet {self.rule.least} is {self.least}"


def _of(command: Command, names: tuple[str, ...]) -> Place:
    return tuple(getattr(command, name) for name in names)


class Report(NamedTuple):
    commands: int
    rules: list[Measured]
    violations: list[str]  # in the order of the log


def check(
    log: Iterable[Command], t: Mapping[str, int], *, shared_bus: bool = True, refresh: str | None = "REF"
) -> Report:
    """Return how the commands of one channel obey the rules under timings ``t`` (`rules.complete`).

    ``shared_bus``: the ranks share a data bus, they are no pseudo-channels. ``refresh``: the command that
    refreshes, REF or REFB; None: there is none.
    """
    rules = [Measured(rule, t) for rule in RULES if shared_bus or rule.scope != "other rank"]
    as_later, as_earlier = defaultdict(list), defaultdict(list)
    for measured in rules:
        for name in measured.rule.later:
            as_later[name].append(measured)
        for name in measured.rule.earlier:
            as_earlier[name].append(measured)
    rows, refreshes, closing = Rows(), Refreshes(t, refresh), Closing(t)
    violations: list[str] = []
    count = 0
    for command in log:
        count += 1
        found = [rows.check(command), refreshes.check(command)]
        found += [measured.check(command) for measured in as_later[command.name]]
        violations += [words for words in found if words is not None]
        for measured in as_earlier[command.name]:
            measured.note(command)
        automatic = closing.follow(command)
        if automatic is not None:
            for measured in as_earlier["AP"]:
                measured.note(automatic)
    return Report(count, rules, violations)


class Rows:
    """Which rows are open, and which ranks sleep."""

    def __init__(self) -> None:
        self.open: dict[int, dict[Place, int]] = defaultdict(dict)  # of a rank: row by group and bank
        self.down: dict[int, str] = {}
        self.previous = -1

    def check(self, c: Command) -> str | None:
        """Return in words what the state forbids about ``c``, then change the state."""
        rows, bank = self.open[c.rank], (c.group, c.bank)
        wrong = self._wrong(c, rows, rows.get(bank))
        self.previous = c.cycle
        if c.name == "ACT":
            rows[bank] = c.row
        elif c.name in CLOSED_BY:
            rows.pop(bank, None)
        elif c.name == "PREA":
            rows.clear()
        elif c.name in EXITS:
            self.down.pop(c.rank, None)
        elif c.name in EXITS.values():
            self.down[c.rank] = c.name
        return wrong

    def _wrong(self, c: Command, rows: dict[Place, int], row: int | None) -> str | None:
        down = self.down.get(c.rank)
        if c.cycle <= self.previous:
            return f"{c}: the bus carried a command at {self.previous}; write one a clock"
        if down != EXITS.get(c.name):
            return f"{c}: its rank is {f'down since {down}' if down else 'up'}"
        if (c.name in ("RD", "WR") and row != c.row) or (c.name in CLOSED_BY and row is None):
            return f"{c}: row {row} is open" if row is not None else f"{c}: no row is open"
        if c.name in ("ACT", "REFB") and row is not None:
            return f"{c}: row {row} is open"
        if c.name in RANK_IDLE and rows:
            return f"{c}: {len(rows)} rows are open"
        return None


class Refreshes:
    """The n-th refresh of a rank may not come before its n-th interval is over: none is pulled in."""

    def __init__(self, t: Mapping[str, int], name: str | None):
        self.name = name
        self.interval = t["tREFI"] if name == "REF" else t["tREFIpb"]
        self.count: dict[int, int] = defaultdict(int)
        self.start: dict[int, int] = defaultdict(int)

    def check(self, c: Command) -> str | None:
        if c.name == "SRX":  # the device refreshed itself
            self.count[c.rank], self.start[c.rank] = 0, c.cycle
        if c.name != self.name:
            return None
        self.count[c.rank] += 1
        due = self.start[c.rank] + self.count[c.rank] * self.interval
        return f"{c}: falls due at {due}" if c.cycle < due else None


class Closing:
    """When RDA and WRA close their row: the precharge AP, as early as a PRE might have come."""

    def __init__(self, t: Mapping[str, int]):
        self.rules = [(rule, clocks(rule.least, t)) for rule in RULES if "PRE" in rule.later]
        self.activated: dict[Place, int] = {}

    def follow(self, c: Command) -> Command | None:
        bank = (c.rank, c.group, c.bank)
        if c.name == "ACT":
            self.activated[bank] = c.cycle
        if c.name not in ("RDA", "WRA"):
            return None
        after = {"ACT": self.activated.get(bank, c.cycle), c.name: c.cycle}
        starts = [
            after[name] + least
            for rule, least in self.rules
            if rule.scope == "bank"
            for name in after
            if name in rule.earlier
        ]
        return c._replace(name="AP", cycle=max(starts))
