"""The table of rules as `rtl/dram_device.sv` has it, and what the checker of logs says of a command."""

from typing import Any

import numpy as np

from hw_models.dram.names import MNEMONICS
from hw_models.dram.names import Command as Kind
from hw_models.dram.params import Dram
from hw_models.dram.protocol import Closing, Command, Measured, Refreshes, Rows
from hw_models.dram.rules import RULES, SCOPES, complete
from simulator.cosim_blocks.bench import packed

NUMBERS = {name: int(kind) for kind, name in MNEMONICS.items()} | {"AP": 15}
LEAST_BITS = 11


# the rules that a controller without power-down can meet to the clock, by their place in the table
RULE_GOALS = {
    place: f"rule met to the clock: {rule.earlier[0]} to {rule.later[0]} of one {rule.scope}"
    + (f", {rule.nth}th" if rule.nth > 1 else "")
    for place, rule in enumerate(RULES)
    if not {"PDE", "SRE", "PDX", "SRX"} & {*rule.earlier, *rule.later}
    and (rule.earlier, rule.later) != (("PREA",), ("ACT",))  # a refresh comes between them
}


class Device:
    """One channel's device. ``raised``: rules, by their place, that ask for so many clocks more."""

    def __init__(self, dram: Dram, raised: dict[int, int]):
        t = complete(dram.cycles(), dram.beats)
        self.refresh = "REFB" if dram.refresh == "per_bank" else "REF"
        shared_bus = dram.module.PSEUDO_CHANNELS == 1
        self.rules = [Measured(rule, t) for rule in RULES]
        for place, more in raised.items():
            self.rules[place].least += more
        self.used = [shared_bus or rule.scope != "other rank" for rule in RULES]
        self.interval = t["tREFI"] if self.refresh == "REF" else t["tREFIpb"]
        self.raised = bool(raised)
        self.staggered = dram.refresh_stagger  # the first refreshes come before an interval is over
        self._rows, self._refreshes, self._closing = Rows(), Refreshes(t, self.refresh), Closing(t)
        least = {rule: measured.least for rule, measured in zip(RULES, self.rules)}
        self._closing.rules = [(rule, least[rule]) for rule, _ in self._closing.rules]

    def inputs(self) -> dict[str, int]:
        """Return the table as the RTL's inputs."""
        bits = lambda names, used: sum(1 << NUMBERS[name] for name in names) if used else 0  # noqa: E731
        return {
            "rule_scope": packed([list(SCOPES).index(rule.scope) for rule in RULES], 3),
            "rule_earlier": packed([bits(rule.earlier, use) for rule, use in zip(RULES, self.used)], 16),
            "rule_later": packed([bits(rule.later, use) for rule, use in zip(RULES, self.used)], 16),
            "rule_least": packed([max(0, measured.least) for measured in self.rules], LEAST_BITS),
            "rule_fourth": packed([rule.nth == 4 for rule in RULES], 1),
            "refresh_banks": int(self.refresh == "REFB"),
            "interval": self.interval,
        }

    def check(self, line: np.void) -> dict[str, Any]:
        """Return what the device must say of a command of the model's log, and keep it.

        The command breaks nothing, unless rules are raised.
        """
        name = MNEMONICS[Kind(int(line["command"]))]
        place = (int(line[key]) for key in ("rank", "group", "bank", "row"))
        command = Command(int(line["cycle"]), name, *place)
        said = {
            "wrong_row": int(self._rows.check(command) is not None),
            "early": int(self._refreshes.check(command) is not None),
            "broken": 0,
            "met": 0,
        }
        for number, measured in enumerate(self.rules):
            if self.used[number] and name in measured.rule.later:
                measured.closest = None
                said["broken"] |= int(measured.check(command) is not None) << number
                said["met"] |= int(measured.closest == measured.least) << number
        automatic = self._closing.follow(command)
        for number, measured in enumerate(self.rules):
            if self.used[number] and name in measured.rule.earlier:
                measured.note(command)
            if automatic is not None and self.used[number] and "AP" in measured.rule.earlier:
                measured.note(automatic)
        obeys = {} if self.raised else {"broken": 0}
        return said | obeys | ({} if self.staggered else {"early": 0}) | {"wrong_row": 0}
