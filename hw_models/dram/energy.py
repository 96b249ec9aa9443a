"""Energy of a channel from counts and supply currents, as DRAMPower and Micron's power note reckon it.

A command costs what it draws above standby: ACT+PRE ``idd0*tRC - one_open*tRAS - idd2n*tRP``, where a bank
that is open draws its share of idd3n, ``one_open = idd2n + (idd3n - idd2n) / idd3n_banks``; RD and WR
``(idd4 - idd3n)`` over the burst, REF ``(idd5 - idd2n)`` over tRFC. Standby is idd3n while a rank has an
open row, idd2n otherwise; in power-down idd3p or idd2p, in self-refresh idd6. All times voltage, times the
chips of a rank. I/O and termination are not counted.
"""

import numpy as np

from hw_models.dram.names import Refresh
from hw_models.dram.params import Dram
from hw_models.dram.spec import Currents

FS_MA_V = 1e-18  # mA x V x fs in joules


def currents(dram: Dram) -> Currents:
    """Return the chip's currents with the config's laid over them."""
    return dram.module.CURRENTS._replace(**dram.currents)


def energy_j(row: np.void, dram: Dram, cycles: int) -> dict[str, float]:
    """Return joules by cause over the first ``cycles`` cycles of a channel, with their sum as "total"."""
    i, c = currents(dram), dram.cycles()
    beats = dram.module.BURST_LENGTH // dram.module.TRANSFERS_PER_CLOCK
    ranks = row["rank"][: row["ranks"]]
    open_now = ranks["open_banks"] > 0
    active = int(ranks["active_cycles"].sum() + (cycles - ranks["open_since"])[open_now].sum())
    since = cycles - ranks["down_since"]
    down = int(ranks["down_cycles"].sum() + since[(ranks["down"] == 1) & ~open_now].sum())
    active_down = int(ranks["active_down_cycles"].sum() + since[(ranks["down"] == 1) & open_now].sum())
    asleep = int(ranks["self_refresh_cycles"].sum() + since[ranks["down"] == 2].sum())
    idle = max(0, cycles * len(ranks) - active - down - asleep)
    refresh = i.idd5 - i.idd2n
    per_refresh = refresh * c["tRFC"]
    if dram.refresh == Refresh.PER_BANK:
        per_refresh = refresh * c["tRFCpb"] / int(row["banks_per_rank"])
    one_open = i.idd2n + (i.idd3n - i.idd2n) / i.idd3n_banks
    charge = {
        "activate": int(row["activates"]) * (i.idd0 * c["tRC"] - one_open * c["tRAS"] - i.idd2n * c["tRP"]),
        "read": int(row["reads"]) * (i.idd4r - i.idd3n) * beats,
        "write": int(row["writes"]) * (i.idd4w - i.idd3n) * beats,
        "refresh": int(row["refreshes"]) * per_refresh,
        "active_standby": (active - active_down) * i.idd3n,
        "precharge_standby": idle * i.idd2n,
        "power_down": down * i.idd2p + active_down * i.idd3p,
        "self_refresh": asleep * i.idd6,
    }
    scale = i.vdd * dram.chips_per_rank * int(row["period_fs"]) * FS_MA_V
    joules = {name: value * scale for name, value in charge.items()}
    return joules | {"total": sum(joules.values())}
