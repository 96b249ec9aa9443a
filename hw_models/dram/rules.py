"""The timing rules of all standards as one table: which commands keep which distance. Data, and its look-up.

It is the source of the kernel's timing (`build.py`) and of the check of command logs (`protocol.py`). The
timings' values are in `standards/`; a standard that leaves a name out means what `SAME_AS` says.

Sources
  [J] JESD79-4 (DDR4), the timings of its commands in section 4, remembered, not seen; the others' likewise
  [V] Ramulator 1 and 2.1, the constraint lists of their standards (secondary)
  [D] DRAMsim3, src/timing.cc (secondary)
"""

from collections.abc import Mapping
from typing import NamedTuple


class Rule(NamedTuple):
    """``later`` comes at least ``least`` clocks after ``earlier``, where ``scope`` holds for the two."""

    scope: str  # key of SCOPES
    earlier: tuple[str, ...]
    later: tuple[str, ...]
    least: str  # sums of timings; of several, with commas between, the longest
    nth: int = 1  # counted back from `later`: the fourth `earlier` before it, for instance


SCOPES = {  # what two commands share, and what tells them apart
    "bank": (("rank", "group", "bank"), ()),
    "other bank": (("rank",), ("group", "bank")),
    "group": (("rank", "group"), ()),
    "other group": (("rank",), ("group",)),
    "rank": (("rank",), ()),
    "other rank": ((), ("rank",)),  # of one data bus: not where every rank is a pseudo-channel
}

READ, WRITE = ("RD", "RDA"), ("WR", "WRA")  # A: with auto-precharge
ACT, PRE, PREA, REF, REFB = ("ACT",), ("PRE",), ("PREA",), ("REF",), ("REFB",)
CLOSE = ("PRE", "AP")  # AP: the precharge that RDA and WRA start by themselves
ANY = (*ACT, *PRE, *PREA, *REF, *REFB, *READ, *WRITE)
READ_START, READ_END, WRITE_END = "CL + tDQSCK", "CL + tDQSCK + BL", "CWL + BL"  # of data, from the command

RULES = [
    # a row of a bank [J]
    Rule("bank", ACT, READ, "tRCD"),
    Rule("bank", ACT, WRITE, "tRCDWR"),
    Rule("bank", ACT, PRE, "tRAS"),
    Rule("rank", ACT, PREA, "tRAS"),
    Rule("bank", ACT, ACT, "tRC"),
    Rule("bank", CLOSE, ACT, "tRP"),
    Rule("rank", PREA, ACT, "tRPab"),
    Rule("bank", READ, PRE, "tRTP"),
    Rule("rank", ("RD",), PREA, "tRTP"),
    Rule("bank", WRITE, PRE, f"{WRITE_END} + tWR"),
    Rule("rank", ("WR",), PREA, f"{WRITE_END} + tWR"),
    Rule("rank", PRE + PREA, PRE + PREA, "tPPD"),  # LPDDR4, DDR5, GDDR6 [V]
    # activates of a rank [J]
    Rule("other group", ACT, ACT, "tRRD_S"),
    Rule("group", ACT, ACT, "tRRD_L"),
    Rule("rank", ACT, ACT, "tFAW", nth=4),
    # the data bus [J]; between ranks [V] [D]
    Rule("other group", READ, READ, "tCCD_S, BL"),
    Rule("group", READ, READ, "tCCD_L, BL"),
    Rule("other group", WRITE, WRITE, "tCCD_S_WR, BL"),
    Rule("group", WRITE, WRITE, "tCCD_L_WR, BL"),
    Rule("rank", READ, WRITE, f"{READ_END} + tRTW - CWL"),
    Rule("other group", WRITE, READ, f"{WRITE_END} + tWTR_S"),
    Rule("group", WRITE, READ, f"{WRITE_END} + tWTR_L"),
    Rule("other rank", READ, READ, "BL + tRTRS"),
    Rule("other rank", WRITE, WRITE, "BL + tWWRS"),
    Rule("other rank", READ, WRITE, f"{READ_END} + tRTRS - CWL, 1"),
    Rule("other rank", WRITE, READ, f"{WRITE_END} + tRTRS - CL - tDQSCK, 1"),
    # refresh [J]; of one bank [V]
    Rule("rank", ACT, REF, "tRC"),
    Rule("rank", CLOSE, REF, "tRP"),
    Rule("rank", PREA, REF, "tRPab"),
    Rule("rank", REF, ACT + REF, "tRFC"),
    Rule("bank", ACT, REFB, "tRC"),
    Rule("bank", CLOSE, REFB, "tRP"),
    Rule("bank", REFB, ACT + REFB, "tRFCpb"),
    Rule("other bank", REFB, ACT + REFB, "tRREFD"),
    # power-down and self-refresh [J]
    Rule("rank", ("PDE",), ("PDX",), "tCKE"),
    Rule("rank", ("SRE",), ("SRX",), "tCKE"),
    Rule("rank", ("PDX",), (*ANY, "SRE"), "tXP"),
    Rule("rank", ("SRX",), ANY, "tRFC + tXSR"),
    Rule("rank", READ, ("PDE", "SRE"), f"{READ_END} + 1"),
    Rule("rank", WRITE, ("PDE", "SRE"), f"{WRITE_END} + tWR"),
    Rule("rank", CLOSE, ("SRE",), "tRP"),
    Rule("rank", PREA, ("SRE",), "tRPab"),
    Rule("rank", REF, ("SRE",), "tRFC"),
]

SAME_AS: dict[str, str | int] = {  # a timing that a standard leaves out: clocks, or another timing
    "tDQSCK": 0,
    "tPPD": 1,
    "tRCDWR": "tRCD",
    "tRPab": "tRP",
    "tCCD_S_WR": "tCCD_S",
    "tCCD_L_WR": "tCCD_L",
    "tRREFD": "tRRD_S",
    "tWWRS": "tRTRS",
    "tREFIpb": "tREFI",
}


def complete(timings: Mapping[str, int], beats: int) -> dict[str, int]:
    """Return ``timings`` [clocks] with what a standard leaves out, and BL, the clocks of a burst's data."""
    t = {"BL": beats, **timings}
    for name, other in SAME_AS.items():
        t.setdefault(name, t[other] if isinstance(other, str) else other)
    return t


def clocks(least: str, t: Mapping[str, int]) -> int:
    """Return the value of a rule's ``least`` under timings ``t``. Raises KeyError for a name not in ``t``.

    Examples:
        >>> clocks("CL + BL - CWL, tCCD_L", {"CL": 16, "BL": 4, "CWL": 12, "tCCD_L": 6})
        8
    """
    return max(_sum(text.split(), t) for text in least.split(","))


def _sum(words: list[str], t: Mapping[str, int]) -> int:
    signs = {"+": 1, "-": -1}
    terms = zip(["+", *words[1::2]], words[::2])
    return sum(signs[sign] * (int(word) if word.isdigit() else t[word]) for sign, word in terms)


def between(t: Mapping[str, int], scope: str, earlier: str, later: str, nth: int = 1) -> int:
    """Return the clocks that the table puts between two commands of ``scope``: the longest of its rules.

    A rule of a whole rank holds for its banks and groups too. Raises KeyError if there is no rule.
    """
    scopes = (scope,) if scope in ("other rank", "rank") else (scope, "rank")
    found = [
        clocks(rule.least, t)
        for rule in RULES
        if rule.scope in scopes and earlier in rule.earlier and later in rule.later and rule.nth == nth
    ]
    if not found:
        raise KeyError(f"no rule from {earlier} to {later} of one {scope}")
    return max(found)
