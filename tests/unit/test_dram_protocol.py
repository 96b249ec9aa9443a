"""The controller's command log obeys the standards, by a checker that shares no code with it."""

from functools import cache

import numpy as np
import pytest

from hw_models.dram.build import build_channels
from hw_models.dram.names import Refresh
from hw_models.dram.params import Dram
from hw_models.dram.protocol import Command, Report, check
from hw_models.dram.rules import clocks, complete
from hw_models.dram.standalone import TRACE, drive
from hw_models.dram.standards import MODULES
from simulator.trace.dram_check import REFRESHES, commands_of

SPEED = {"DDR3": "1600K", "DDR4": "2400R", "LPDDR4": "3200", "GDDR6": "14000"}
POWER = {"power_down_after": "60 cycles", "self_refresh_after": "2500 cycles"}


def memory(name: str, **keys) -> Dram:
    module = MODULES[name]
    ranks = 2 if module.PSEUDO_CHANNELS == 1 and name != "GDDR6" else 1
    return Dram.model_validate(
        {"standard": f"{name}-{SPEED.get(name, module.SPEEDS[-1])}", "ranks": ranks} | keys
    )


def traffic(dram: Dram, seed: int, count: int = 1500) -> np.ndarray:
    """Bursts on few rows of every bank, reads and writes in runs, idle gaps of all lengths."""
    rng = np.random.default_rng(seed)
    pieces, _ = dram.pieces()
    trace = np.zeros(count, TRACE)
    cycle = 0
    for k in range(0, count, 50):
        style = rng.integers(0, 4)
        for i in range(k, min(k + 50, count)):
            fields = {
                "rank": rng.integers(0, dram.all_ranks),
                "group": rng.integers(0, dram.chip.bank_groups),
                "bank": rng.integers(0, dram.chip.banks_per_group),
                "row": rng.integers(0, (2, 3, 1000, 1)[style]),
                "column": rng.integers(0, 1 << 30),
            }
            if style == 3:  # one row at a time
                fields |= dict.fromkeys(("rank", "group", "bank"), k // 50 % 7)
            address = 0
            for piece in pieces:
                bits = int(fields.get(piece.field, 0)) >> piece.low & ((1 << piece.bits) - 1)
                address |= bits << piece.shift
            trace[i] = address, rng.random() < (0.5, 0.1, 0.3, 0.5)[style], cycle
            cycle += int(rng.integers(0, 3)) if rng.random() < 0.9 else int(rng.integers(0, 300))
        cycle += int(rng.choice([0, 100, 1000, 6000]))
    return trace


@cache
def runs(name: str) -> list[tuple[Dram, list[Command], np.ndarray]]:
    """Return (memory, log, completions of reads) of a few different runs of one standard."""
    module = MODULES[name]
    kinds: list[dict] = [{}, {"page": "closed", "scheduler": "column_first", "protect": "all_hits"}, POWER]
    if module.PER_BANK_REFRESH:
        kinds.append({"refresh": "per_bank", "refresh_stops": "rank"})
    found = []
    for seed, keys in enumerate(kinds):
        dram = memory(name, forward_reads=False, merge_writes=False, **keys)
        trace = traffic(dram, seed)
        _, done, log = drive(dram, build_channels(dram), trace, commands=True)
        found.append((dram, list(commands_of(log)), np.sort(done[trace["write"] == 0])))
    return found


@cache
def measured(name: str) -> list[Report]:
    return [report(dram, log, timings(dram)) for dram, log, _ in runs(name)]


def report(dram: Dram, log: list[Command], t: dict[str, int]) -> Report:
    shared = dram.module.PSEUDO_CHANNELS == 1
    return check(log, t, shared_bus=shared, refresh=REFRESHES[dram.refresh])


def timings(dram: Dram, **raised: int) -> dict[str, int]:
    return complete(dram.cycles() | raised, dram.beats)


def data_errors(log: list[Command], done: np.ndarray, t: dict[str, int]) -> bool:
    """Return whether some read is not answered in the cycle after its last beat."""
    expected = np.sort([c.cycle for c in log if c.name in ("RD", "RDA")]) + t["CL"] + t["tDQSCK"] + t["BL"]
    return not np.array_equal(expected, done)


@pytest.mark.parametrize("name", MODULES)
def test_every_command_obeys_the_standard(name):
    for (dram, log, done), found in zip(runs(name), measured(name)):
        assert found.violations == []
        assert found.commands == len(log)
        assert not data_errors(log, done, timings(dram))
        assert {"RD", "WR", "ACT", "PRE"} & {c.name for c in log}


@pytest.mark.parametrize("name", MODULES)
def test_raising_any_timing_by_one_cycle_in_the_checker_fails(name):
    """Every parameter of the standard is met with no cycle to spare somewhere."""
    unnoticed = []
    for parameter in parameters(MODULES[name]):
        for (dram, log, done), found in zip(runs(name), measured(name)):
            t = timings(dram, **{parameter: dram.cycles()[parameter] + 1})
            if data_errors(log, done, t) or notices(found, t):
                break
            if parameter.startswith("tREFI") and report(dram, log, t).violations:
                break
        else:
            unnoticed.append(parameter)
    assert not unnoticed


def notices(found: Report, t: dict[str, int]) -> bool:
    """Return whether some rule asks for more under timings ``t`` than the log has."""
    return any(it.closest is not None and it.closest < clocks(it.rule.least, t) for it in found.rules)


def parameters(module) -> list[str]:
    names = [*module.TIMINGS, "tRFC"] + (["tRFCpb"] if module.PER_BANK_REFRESH else [])
    if module.PSEUDO_CHANNELS > 1 or module.NAME == "GDDR6":
        names.remove("tRTRS")  # no second rank on the bus
    one_group = next(iter(module.DEVICES.values())).bank_groups == 1
    return [n for n in names if not (one_group and n.endswith("_S"))]  # _S and _L are one parameter there


T = complete(
    dict.fromkeys((*MODULES["DDR4"].TIMINGS, "tRFC", "tRFCpb"), 10) | {"tREFI": 101, "CL": 12, "tRC": 20}, 4
)
OPENED = Command(1, "ACT", 0, 0, 0, 5)
IDLE = (0, -1, -1, -1)


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ([OPENED, Command(11, "RD", 0, 0, 0, 5)], None),
        (
            [OPENED, Command(10, "RD", 0, 0, 0, 5)],
            "RD of rank 0 group 0 bank 0 at 10: 9 clocks after ACT of rank 0 group 0 bank 0 at 1, "
            "yet tRCD is 10",
        ),
        (
            [OPENED, Command(12, "RD", 0, 0, 0, 6)],
            "RD of rank 0 group 0 bank 0 at 12: row 5 is open",
        ),
        ([OPENED, Command(12, "ACT", 0, 0, 0, 5)], "ACT of rank 0 group 0 bank 0 at 12: row 5 is open"),
        ([OPENED, Command(12, "REF", *IDLE)], "REF of rank 0 at 12: 1 rows are open"),
        ([Command(5, "WR", 0, 1, 2, 5)], "WR of rank 0 group 1 bank 2 at 5: no row is open"),
        ([Command(5, "PRE", 0, 1, 2, -1)], "PRE of rank 0 group 1 bank 2 at 5: no row is open"),
        (
            [OPENED, Command(1, "ACT", 1, 0, 0, 5)],
            "ACT of rank 1 group 0 bank 0 at 1: the bus carried a command at 1; write one a clock",
        ),
        (
            [Command(1, "PDE", *IDLE), Command(30, "ACT", 0, 0, 0, 5)],
            "ACT of rank 0 group 0 bank 0 at 30: its rank is down since PDE",
        ),
        ([Command(30, "SRX", *IDLE)], "SRX of rank 0 at 30: its rank is up"),
        ([Command(100, "REF", *IDLE)], "REF of rank 0 at 100: falls due at 101"),
        ([Command(101, "REF", *IDLE)], None),
        (
            [OPENED, Command(11, "RDA", 0, 0, 0, -1), Command(30, "ACT", 0, 0, 0, 6)],
            "ACT of rank 0 group 0 bank 0 at 30: 9 clocks after AP of rank 0 group 0 bank 0 at 21, "
            "yet tRP is 10",
        ),
    ],
)
def test_what_is_wrong_is_told_in_words(log, message):
    assert check(log, T).violations[:1] == ([message] if message else [])


def test_five_activates_need_their_window():
    log = [Command(1 + 10 * k, "ACT", 0, k % 4, k // 4, 5) for k in range(5)]
    assert not check(log, T).violations
    late = check(log, {**T, "tFAW": 41}).violations
    assert late == [
        "ACT of rank 0 group 0 bank 1 at 41: 40 clocks after ACT of rank 0 group 0 bank 0 at 1, yet tFAW is 41"
    ]


def test_without_refresh_none_is_expected():
    assert REFRESHES[Refresh.NONE] is None
    assert not check([OPENED], T, refresh=None).violations
