"""A protocol checker that knows only the standards' rules: it reads a command log and nothing else.

It shares no code with the controller. Each rule is a least distance between two commands in some scope;
`closest` measures the least distance that a log really has, `violations` compares it with the rule.
"""

from collections import defaultdict
from typing import NamedTuple

COLUMN = ("RD", "WR", "RDA", "WRA")


class Command(NamedTuple):
    cycle: int
    name: str
    rank: int
    group: int
    bank: int  # within its group
    row: int


class Rule(NamedTuple):
    earlier: tuple[str, ...]
    later: tuple[str, ...]
    scope: str  # bank, other bank, group, other group, rank, other rank
    distance: str  # an expression over the timings


READS, WRITES = ("RD", "RDA"), ("WR", "WRA")
READ_END, WRITE_END = "CL + tDQSCK + BL", "CWL + BL"
ANY = ("ACT", "PRE", "PREA", "REF", "REFB", "RD", "WR", "RDA", "WRA")

RULES = [
    Rule(("ACT",), READS, "bank", "tRCD"),
    Rule(("ACT",), WRITES, "bank", "tRCDWR"),
    Rule(("ACT",), ("PRE",), "bank", "tRAS"),
    Rule(("ACT",), ("PREA",), "rank", "tRAS"),
    Rule(("ACT",), ("ACT",), "bank", "tRC"),
    Rule(("PRE",), ("ACT",), "bank", "tRP"),
    Rule(("PREA",), ("ACT",), "rank", "tRPab"),
    Rule(("RD",), ("PRE",), "bank", "tRTP"),
    Rule(("RD",), ("PREA",), "rank", "tRTP"),
    Rule(("WR",), ("PRE",), "bank", f"{WRITE_END} + tWR"),
    Rule(("WR",), ("PREA",), "rank", f"{WRITE_END} + tWR"),
    Rule(("PRE", "PREA"), ("PRE", "PREA"), "rank", "tPPD"),
    Rule(("ACT",), ("ACT",), "other group", "tRRD_S"),
    Rule(("ACT",), ("ACT",), "group", "tRRD_L"),
    Rule(READS, READS, "other group", "max(tCCD_S, BL)"),
    Rule(READS, READS, "group", "max(tCCD_L, BL)"),
    Rule(WRITES, WRITES, "other group", "max(tCCD_S_WR, BL)"),
    Rule(WRITES, WRITES, "group", "max(tCCD_L_WR, BL)"),
    Rule(READS, WRITES, "rank", f"{READ_END} + tRTW - CWL"),
    Rule(WRITES, READS, "other group", f"{WRITE_END} + tWTR_S"),
    Rule(WRITES, READS, "group", f"{WRITE_END} + tWTR_L"),
    Rule(READS, READS, "other rank", "BL + tRTRS"),
    Rule(WRITES, WRITES, "other rank", "BL + tRTRS"),
    Rule(READS, WRITES, "other rank", f"{READ_END} + tRTRS - CWL"),
    Rule(WRITES, READS, "other rank", f"{WRITE_END} + tRTRS - CL - tDQSCK"),
    Rule(("PRE",), ("REF",), "rank", "tRP"),
    Rule(("PREA",), ("REF",), "rank", "tRPab"),
    Rule(("REF",), ("ACT", "REF"), "rank", "tRFC"),
    Rule(("PRE",), ("REFB",), "bank", "tRP"),
    Rule(("ACT",), ("REFB",), "bank", "tRC"),
    Rule(("REFB",), ("ACT",), "bank", "tRFCpb"),
    Rule(("REFB",), ("ACT",), "other bank", "tRREFD"),
    Rule(("PDE",), ("PDX",), "rank", "tCKE"),
    Rule(("SRE",), ("SRX",), "rank", "tCKE"),
    Rule(("PDX",), (*ANY, "SRE"), "rank", "tXP"),
    Rule(("SRX",), ANY, "rank", "tRFC + tXSR"),
    Rule((*READS,), ("PDE", "SRE"), "rank", f"{READ_END} + 1"),
    Rule((*WRITES,), ("PDE", "SRE"), "rank", f"{WRITE_END} + tWR"),
]


def applies(scope: str, a: Command, b: Command, shared_bus: bool) -> bool:
    if scope == "other rank":
        return a.rank != b.rank and shared_bus
    if a.rank != b.rank:
        return False
    same_group = a.group == b.group
    same_bank = same_group and a.bank == b.bank
    return {
        "rank": True,
        "group": same_group,
        "other group": not same_group,
        "bank": same_bank,
        "other bank": not same_bank,
    }[scope]


def closest(log: list[Command], shared_bus: bool = True) -> dict[Rule, int]:
    """Return the least distance of every rule's commands in ``log``; rules without a pair are left out.

    Looks back at the latest command of each kind in each bank: an older one is further away.
    """
    found: dict[Rule, int] = {}
    latest: dict[str, dict[tuple[int, int, int], Command]] = defaultdict(dict)
    by_later = defaultdict(list)
    for rule in RULES:
        for name in rule.later:
            by_later[name].append(rule)
    for b in log:
        for rule in by_later[b.name]:
            for name in rule.earlier:
                for a in latest[name].values():
                    if applies(rule.scope, a, b, shared_bus):
                        found[rule] = min(found.get(rule, b.cycle - a.cycle), b.cycle - a.cycle)
        latest[b.name][b.rank, b.group, b.bank] = b
    return found


def closest_fifth_activate(log: list[Command]) -> int | None:
    times = defaultdict(list)
    for command in log:
        if command.name == "ACT":
            times[command.rank].append(command.cycle)
    return min((b - a for t in times.values() for a, b in zip(t, t[4:])), default=None)


def closest_after_auto_precharge(log: list[Command], t: dict[str, int]) -> int | None:
    """Return the least time from the start of an auto-precharge to the next ACT of its bank, in terms of tRP."""
    opened, closing, least = {}, {}, None
    for c in log:
        key = (c.rank, c.group, c.bank)
        if c.name == "ACT":
            if key in closing:
                gap = c.cycle - closing.pop(key)
                least = gap if least is None else min(least, gap)
            opened[key] = c.cycle
        elif c.name in ("RDA", "WRA"):
            last = c.cycle + (t["tRTP"] if c.name == "RDA" else t["CWL"] + t["BL"] + t["tWR"])
            closing[key] = max(opened[key] + t["tRAS"], last)
    return least


def complete(timings: dict[str, int], beats: int) -> dict[str, int]:
    """Return ``timings`` with the names that a standard leaves out because they say nothing new."""
    t = {"tDQSCK": 0, "tPPD": 1, "BL": beats, **timings}
    t.setdefault("tRCDWR", t["tRCD"])
    t.setdefault("tRPab", t["tRP"])
    t.setdefault("tCCD_S_WR", t["tCCD_S"])
    t.setdefault("tCCD_L_WR", t["tCCD_L"])
    t.setdefault("tRREFD", 1)
    return t


def violations(
    log: list[Command], timings: dict[str, int], *, beats: int, shared_bus: bool = True, refresh: str = "REF"
) -> list[str]:
    """Return what in ``log`` breaks the standard, in words; empty when nothing does."""
    return state_errors(log) + timing_errors(
        measure(log, shared_bus), log, complete(timings, beats), refresh=refresh
    )


def measure(log: list[Command], shared_bus: bool) -> tuple[dict[Rule, int], int | None]:
    return closest(log, shared_bus), closest_fifth_activate(log)


def timing_errors(
    measured: tuple[dict[Rule, int], int | None], log: list[Command], t: dict[str, int], *, refresh: str
) -> list[str]:
    errors = []
    for rule, distance in measured[0].items():
        least = eval(rule.distance, {"max": max}, t)
        if distance < least:
            errors.append(
                f"{rule.earlier} to {rule.later} of one {rule.scope}: {distance} cycles < {rule.distance}"
            )
    if measured[1] is not None and measured[1] < t["tFAW"]:
        errors.append(f"five activates in {measured[1]} cycles < tFAW")
    closed = closest_after_auto_precharge(log, t)
    if closed is not None and closed < t["tRP"]:
        errors.append(f"ACT {closed} cycles after an auto-precharge < tRP")
    return errors + refresh_errors(log, t, refresh)


def refresh_errors(log: list[Command], t: dict[str, int], name: str) -> list[str]:
    """The n-th refresh of a rank may not come before its n-th interval is over (none is pulled in)."""
    interval = t["tREFI"] if name == "REF" else t["tREFIpb"]
    count: dict[int, int] = defaultdict(int)
    start: dict[int, int] = defaultdict(int)
    errors = []
    for c in log:
        if c.name == "SRX":
            count[c.rank], start[c.rank] = 0, c.cycle
        elif c.name == name:
            count[c.rank] += 1
            if c.cycle < start[c.rank] + count[c.rank] * interval:
                errors.append(f"refresh {count[c.rank]} of rank {c.rank} at {c.cycle} comes too early")
    return errors


def state_errors(log: list[Command]) -> list[str]:
    """Commands that the state of their bank or rank forbids, and two commands in one cycle."""
    rows: dict[tuple[int, int, int], int] = {}
    down: dict[int, str] = {}
    errors = []
    previous = -1
    for c in log:
        key = (c.rank, c.group, c.bank)
        mine = [k for k in rows if k[0] == c.rank]
        if c.cycle <= previous:
            errors.append(f"{c} in the same cycle as another")
        if c.rank in down and c.name not in ("PDX", "SRX"):
            errors.append(f"{c} while its rank is in {down[c.rank]}")
        if c.name == "ACT":
            if key in rows:
                errors.append(f"{c} while row {rows[key]} is open")
            rows[key] = c.row
        elif c.name in ("RD", "WR") and rows.get(key) != c.row:
            errors.append(f"{c} while row {rows.get(key)} is open")
        elif c.name in ("PRE", "RDA", "WRA"):
            if key not in rows:
                errors.append(f"{c} while no row is open")
            rows.pop(key, None)
        elif c.name == "PREA":
            for k in mine:
                del rows[k]
        elif c.name in ("REF", "SRE") and mine:
            errors.append(f"{c} while {mine} are open")
        elif c.name == "REFB" and key in rows:
            errors.append(f"{c} while its row is open")
        if c.name in ("PDE", "SRE"):
            down[c.rank] = c.name
        elif c.name in ("PDX", "SRX"):
            down.pop(c.rank, None)
        previous = c.cycle
    return errors
