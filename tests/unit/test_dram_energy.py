"""Energy of a channel: every cause of every standard at least zero, more commands cost more."""

import numpy as np
import pytest

from hw_models.dram.energy import energy_j
from hw_models.dram.params import Dram
from hw_models.dram.standards import MODULES
from hw_models.dram.state import CHANNEL

NAMES = [f"{name}-{speed}" for name, module in MODULES.items() for speed in module.SPEEDS]


@pytest.fixture(params=NAMES)
def dram(request) -> Dram:
    return Dram.model_validate({"standard": request.param})


def joules(dram: Dram, **counts: int) -> dict[str, float]:
    row = np.zeros(1, CHANNEL)[0]
    row["period_fs"], row["ranks"], row["banks_per_rank"] = dram.clock_fs, 1, 16
    for name, count in counts.items():
        row[name] = count
    return energy_j(row, dram, cycles=10**6)


@pytest.mark.parametrize("command", ["activates", "reads", "writes", "refreshes"])
def test_each_command_costs_energy_and_more_of_them_more(dram, command):
    none, some, more = (joules(dram, **{command: n}) for n in (0, 100, 200))
    assert all(value >= 0 for value in more.values())
    assert none["total"] < some["total"] < more["total"]


def test_where_idd3n_has_all_banks_open_one_bank_draws_its_share():
    dram = Dram.model_validate({"standard": "DDR5-5600"})
    i, c = dram.module.CURRENTS, dram.cycles()
    one_open = 92 + (142 - 92) / 32
    charge = i.idd0 * c["tRC"] - one_open * c["tRAS"] - i.idd2n * c["tRP"]
    expected = charge * 1e-3 * i.vdd * dram.chips_per_rank * dram.clock_fs * 1e-15
    assert joules(dram, activates=1)["activate"] == pytest.approx(expected)
