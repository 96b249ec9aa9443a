"""`dlasim trace dram --check`: the commands of a run against the timing rules of their standard."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.dram import protocol
from hw_models.dram.names import MNEMONICS, Command, Refresh
from hw_models.dram.params import Dram
from hw_models.dram.rules import complete

HEADER = ("channel", "scope", "earlier", "later", "rule", "least_clocks", "closest_clocks", "pairs")
SHOWN = 20  # violations in the summary
REFRESHES = {Refresh.NONE: None, Refresh.ALL_BANK: "REF", Refresh.PER_BANK: "REFB"}


def check_log(dram: Dram, log: np.ndarray, out: Path) -> dict[str, Any]:
    """Return {commands, violations, first: [words]} of a command log, rows of LOG, and write ``out``.

    A line of ``out`` says how close a channel came to one rule: `closest_clocks`, empty if never tried.
    """
    reports = {int(channel): check_channel(dram, log, channel) for channel in np.unique(log["channel"])}
    with out.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for channel, report in reports.items():
            for it in report.rules:
                names = ("/".join(it.rule.earlier), "/".join(it.rule.later))
                count = f" [{it.rule.nth + 1} commands]" if it.rule.nth > 1 else ""
                writer.writerow(
                    [channel, it.rule.scope, *names, it.rule.least + count, it.least, it.closest, it.pairs]
                )
    found = [f"channel {channel}: {words}" for channel, it in reports.items() for words in it.violations]
    return {
        "commands": sum(it.commands for it in reports.values()),
        "violations": len(found),
        "first": found[:SHOWN],
    }


def check_channel(dram: Dram, log: np.ndarray, channel: int) -> protocol.Report:
    """Return what the checker says of one channel's commands."""
    return protocol.check(
        commands_of(log[log["channel"] == channel]),
        complete(dram.cycles(), dram.beats),
        shared_bus=dram.module.PSEUDO_CHANNELS == 1,
        refresh=REFRESHES[dram.refresh],
    )


def commands_of(log: np.ndarray) -> Iterator[protocol.Command]:
    """Yield the rows of a log as the checker reads them."""
    columns = (log[name].tolist() for name in ("cycle", "command", "rank", "group", "bank", "row"))
    for cycle, code, *place in zip(*columns):
        yield protocol.Command(cycle, MNEMONICS[Command(code)], *place)
