"""Random DRAM memories for episodes of co-simulation: standards, timings near theirs, policies."""

from functools import cache
from random import Random
from typing import Any

from hw_models.dram.names import Page, Protect, Refresh, Scheduler, WriteResponse
from hw_models.dram.params import Dram
from hw_models.dram.standards import STANDARDS

MASTERS = 4
SCHEDULERS = (Scheduler.FR_FCFS, Scheduler.FCFS, Scheduler.COLUMN_FIRST, Scheduler.PRIORITY)
MAPPINGS = (
    "interleaved",
    "linear",
    "rank bank row group column",
    "row rank bank column:3 group column, bank ^= row[0:1]",
    "row column:2 rank group bank column, bank ^= column[0:1], bank ^= row[1:2]",
)
FOCUS = (
    "tRC",
    "tRTP",
    "tFAW",
    "tRP",
    "tRTP",
    "tWTR_S",
    "tRC",
    "tRTRS",
    "tRCD",
)  # far longer, an episode each


@cache
def memories(groups: int, banks: int, ranks: int) -> list[dict[str, Any]]:
    """Return standard, device and ranks of all memories whose channel has this shape, at most ``ranks``."""
    found = []
    for standard, (module, _) in STANDARDS.items():
        for device, chip in module.DEVICES.items():
            if (chip.bank_groups, chip.banks_per_group) == (groups, banks):
                for most in (1, 2, 4):
                    if most * module.PSEUDO_CHANNELS <= ranks:
                        found.append({"standard": standard, "device": device, "ranks": most})
    return found


def random_dram(random: Random, shape: dict[str, int], episode: int) -> Dram:
    """Return a memory that a twin of ``shape``, parameters of the RTL, can be."""
    pick, number, flip = random.choice, random.randint, random.random
    known = memories(shape["GROUPS"], shape["BANKS"], shape["RANKS"])
    family = pick(sorted({STANDARDS[memory["standard"]][0].NAME for memory in known}))
    memory = pick([memory for memory in known if family == STANDARDS[memory["standard"]][0].NAME])
    module = STANDARDS[memory["standard"]][0]
    scheduler = SCHEDULERS[episode % 4]
    protect = pick([Protect.NONE, Protect.NONE, Protect.OLDER_HITS, Protect.ALL_HITS])
    if scheduler == Scheduler.FCFS and protect == Protect.ALL_HITS:
        protect = Protect.OLDER_HITS
    refreshes = [Refresh.NONE, Refresh.ALL_BANK, Refresh.ALL_BANK]
    if module.PER_BANK_REFRESH:
        refreshes += 3 * [Refresh.PER_BANK]
    refresh = pick(refreshes)
    focus = "tRC" if refresh == Refresh.PER_BANK and flip() < 0.7 else FOCUS[episode % len(FOCUS)]
    return Dram.model_validate(
        {
            **memory,
            "mapping": pick(MAPPINGS),
            "timing": _timing(random, memory, focus),
            "scheduler": scheduler,
            "read_queue": number(2, 8),
            "write_queue": number(2, 8),
            "unified_queue": flip() < 0.25,
            "window": None if protect == Protect.ALL_HITS else pick([None, None, 1, 3]),
            "write_high": pick([0.5, 0.8]),
            "write_low": pick([0.0, 0.2, 0.45]),
            "row_hit_cap": pick([0, 0, 1, 3]),
            "reserve_rows": flip() < 0.7,
            "protect": protect,
            "page": list(Page)[episode // 2 % 4],
            "page_timeout": f"{pick([4, 20, 60])} cycles",
            "refresh": refresh,
            "refresh_stops": pick(["channel", "rank"]),
            "refresh_stagger": flip() < 0.3,
            "forward_reads": flip() < 0.7,
            "merge_writes": flip() < 0.7,
            "write_response": pick(list(WriteResponse)),
            "read_response": pick(["first_beat", "last_beat"]),
            "backend_latency": f"{pick([0, 0, 5])} cycles",
            "write_backend_latency": f"{pick([0, 3])} cycles",
            "max_reads": pick([0, 0, 0, number(1, 6)]),
            "max_writes": pick([0, 0, 0, number(1, 6)]),
            "priority": {f"m{master}": number(6, 9) for master in range(MASTERS)},
        }
    )


def _timing(random: Random, memory: dict[str, Any], focus: str) -> dict[str, int]:
    """Return timings near the standard's, refreshes far shorter and more often, a few quite different."""
    usual = Dram.model_validate(memory).cycles()
    module = STANDARDS[memory["standard"]][0]
    pace = random.choice([0.3, 0.6, 1.0])
    timing = {
        "tREFI": random.randint(90, 220),
        "tRFC": random.randint(20, 60),
        "tRFCpb": random.randint(10, 30),
    }
    if module.PER_BANK_REFRESH:
        timing["tREFIpb"] = random.randint(50, 130)
    for name in module.TIMINGS:
        if name not in timing and name not in ("tXP", "tCKE", "tXSR"):
            timing[name] = round(usual[name] * pace * random.choice([1, 1, 1, 1, 0.5, 1.3, 2.0]))
    timing[focus] = random.choice([2, 3]) * usual[focus]
    timing["tRRD_L"] = max(timing["tRRD_L"], timing["tRRD_S"])  # the model takes that for granted
    return timing
