"""The controller's command log obeys the standards, by a checker that shares no code with it."""

from functools import cache

import numpy as np
import pytest
from dram_protocol import (
    Command,
    complete,
    measure,
    refresh_errors,
    state_errors,
    timing_errors,
    violations,
)

from hw_models.dram.build import build_channels
from hw_models.dram.params import Dram
from hw_models.dram.standalone import TRACE, drive
from hw_models.dram.standards import MODULES
from simulator.trace.dram import COMMANDS

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


def log_of(dram: Dram, trace: np.ndarray) -> tuple[list[Command], np.ndarray, np.ndarray]:
    accepted, done, log = drive(dram, build_channels(dram), trace, commands=True)
    names = ("cycle", "command", "rank", "group", "bank", "row")
    commands = [Command(c, COMMANDS[k], *rest) for c, k, *rest in zip(*(log[n].tolist() for n in names))]
    return commands, accepted, done


@cache
def runs(name: str):
    """Return (memory, log, completions of reads, refresh command) of a few different runs of one standard."""
    module = MODULES[name]
    kinds: list[dict] = [{}, {"page": "closed", "scheduler": "column_first", "protect": "all_hits"}, POWER]
    if module.PER_BANK_REFRESH:
        kinds.append({"refresh": "per_bank", "refresh_stops": "rank"})
    found = []
    for seed, keys in enumerate(kinds):
        dram = memory(name, forward_reads=False, merge_writes=False, **keys)
        trace = traffic(dram, seed)
        log, _, done = log_of(dram, trace)
        refresh = "REFB" if dram.refresh == "per_bank" else "REF"
        found.append(
            (
                dram,
                log,
                np.sort(done[trace["write"] == 0]),
                refresh,
                measure(log, module.PSEUDO_CHANNELS == 1),
            )
        )
    return found


def beats(dram: Dram) -> int:
    return dram.module.BURST_LENGTH // dram.module.TRANSFERS_PER_CLOCK


def data_errors(log: list[Command], done: np.ndarray, t: dict[str, int]) -> list[str]:
    """Reads are answered in the cycle after their last beat."""
    expected = np.sort([c.cycle for c in log if c.name in ("RD", "RDA")]) + t["CL"] + t["tDQSCK"] + t["BL"]
    return (
        [] if np.array_equal(expected, done) else ["some read is answered at another time than its data come"]
    )


@pytest.mark.parametrize("name", MODULES)
def test_every_command_obeys_the_standard(name):
    for dram, log, done, refresh, _ in runs(name):
        shared = dram.module.PSEUDO_CHANNELS == 1
        assert not violations(log, dram.cycles(), beats=beats(dram), shared_bus=shared, refresh=refresh)
        assert not data_errors(log, done, complete(dram.cycles(), beats(dram)))
        assert {"RD", "WR", "ACT", "PRE"} & {c.name for c in log}


@pytest.mark.parametrize("name", MODULES)
def test_raising_any_timing_by_one_cycle_in_the_checker_fails(name):
    """Every parameter of the standard is met with no cycle to spare somewhere."""
    module = MODULES[name]
    unnoticed = []
    for parameter in parameters(module):
        for dram, log, done, refresh, measured in runs(name):
            t = complete(raised(dram.cycles(), parameter, module), beats(dram))
            if timing_errors(measured, log, t, refresh=refresh) or data_errors(log, done, t):
                break
        else:
            unnoticed.append(parameter)
    assert not unnoticed


def parameters(module) -> list[str]:
    names = [*module.TIMINGS, "tRFC"] + (["tRFCpb"] if module.PER_BANK_REFRESH else [])
    if module.PSEUDO_CHANNELS > 1 or module.NAME == "GDDR6":
        names.remove("tRTRS")  # no second rank on the bus
    one_group = next(iter(module.DEVICES.values())).bank_groups == 1
    return [n for n in names if not (one_group and n.endswith("_S"))]  # _S and _L are one parameter there


def raised(timings: dict[str, int], parameter: str, module) -> dict[str, int]:
    return timings | {parameter: timings[parameter] + 1}


def test_the_checker_sees_a_command_in_a_wrong_state():
    good = [Command(1, "ACT", 0, 0, 0, 5), Command(12, "RD", 0, 0, 0, 5)]
    assert not state_errors(good)
    assert state_errors([good[0], Command(12, "RD", 0, 0, 0, 6)])
    assert state_errors([good[0], Command(12, "ACT", 0, 0, 0, 5)])
    assert state_errors([good[0], Command(12, "REF", 0, -1, -1, -1)])
    assert state_errors([good[0], Command(1, "RD", 0, 0, 0, 5)])
    assert state_errors([Command(1, "PDE", 0, -1, -1, -1), Command(30, "ACT", 0, 0, 0, 5)])
    early = [Command(100, "REF", 0, -1, -1, -1)]
    assert refresh_errors(early, {"tREFI": 101}, "REF")
    assert not refresh_errors(early, {"tREFI": 100}, "REF")
