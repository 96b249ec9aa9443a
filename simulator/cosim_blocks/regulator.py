"""The interconnect's regulators beside `rtl/regulator.sv`: the same verdict in every cycle."""

from hw_models.interconnect.build import build_interconnect
from hw_models.interconnect.params import Interconnect
from hw_models.interconnect.regulator import charge, may_pass
from simulator.cosim_blocks import bench
from simulator.cosim_blocks.bench import packed

NS_PER_S = 10**9
SIZES = (1, 8, 16, 32, 64)


class Bench(bench.Bench):
    """The first two episodes spend every budget to the last byte; in the others traffic is random."""

    goals = (
        "within the budget",
        "exactly the rest of the budget",
        "one byte beyond the budget",
        "beyond the budget",
        "drawn from the pool",
        "exactly the rest of the pool",
        "one byte beyond the pool",
        "beyond the pool",
        "a period begins with nothing used",
        "a period begins with all used",
        "asked in a period's last cycle",
        "asked in a period's first cycle",
        "a verdict that is not taken",
    )
    episode_cycles = 800

    def begin(self, episode: int) -> dict[str, int]:
        units = self.parameters["UNITS"]
        names = [f"m{unit}" for unit in range(units)]
        self.reclaim, self.directed = episode % 2 == 1, episode < 2
        self.period = self.random.choice([10, 20, 37])
        budgets = [self.random.randint(64, 300) for _ in names]
        masters = {
            name: {"budget": f"{-(-budget * NS_PER_S // self.period)} B/s", "reclaim": self.reclaim}
            for name, budget in zip(names, budgets)
        }
        params = Interconnect.model_validate(
            {"clock": "1 GHz", "period": f"{self.period} ns", "masters": masters}
        )
        self.model = build_interconnect(params, names)[0]["regulation"]
        self.busy = self.random.choice([0.3, 0.9])
        self.unit = self.size = self.ask = self.take = 0
        return {
            "reclaim": int(self.reclaim),
            "period": self.period,
            "budgets": packed(self.model["rows"]["budget"][:units], 16),
            "unit": 0,
            "size": 0,
            "take": 0,
        }

    def drive(self, cycle: int) -> dict[str, int]:
        units = self.parameters["UNITS"]
        quiet = cycle // 200 % 2 == 0 and not self.directed
        self.ask = int(self.random.random() < (0.05 if quiet else self.busy))
        self.unit, self.size = self.random.randrange(units), self.random.choice(SIZES)
        rest = self._rest(self.unit)
        if self.directed or self.random.random() < 0.2:  # at the edge, and one byte beyond it
            self.size = max(1, rest + self.random.choice([0, 0, 1]))
        self.take = int(self.ask and self.random.random() < 0.9)
        return {"unit": self.unit, "size": self.size, "take": self.take}

    def _rest(self, unit: int) -> int:
        """Return how many bytes the model would still let pass, as of its latest look."""
        row = self.model["rows"][unit]
        if not self.reclaim:
            return int(row["budget"] - row["used"])
        return int(max(0, row["share"] - row["used"]) + self.model["pool"])

    def check(self, cycle: int) -> dict[str, int]:
        if not self.ask:
            return {}
        row = self.model["rows"][self.unit]
        fresh, used = row["epoch"] != cycle // self.period, int(row["used"])
        verdict = bool(may_pass(self.model, self.unit, self.size, cycle))
        self._cover(cycle, verdict, fresh, used)
        if verdict and self.take:
            charge(self.model, self.unit, self.size)
        self.transactions += 1
        return {"may_pass": int(verdict)}

    def _cover(self, cycle: int, verdict: bool, fresh: bool, used: int) -> None:
        row, over = self.model["rows"][self.unit], self.size - self._rest(self.unit)
        own = int(row["share"] - row["used"])
        self.reach("a verdict that is not taken", verdict and not self.take)
        self.reach("asked in a period's last cycle", cycle % self.period == self.period - 1)
        self.reach("asked in a period's first cycle", cycle % self.period == 0)
        self.reach("a period begins with nothing used", fresh and used == 0)
        self.reach("a period begins with all used", fresh and used == row["budget"])
        if not self.reclaim:
            self.reach("within the budget", over < 0)
            self.reach("exactly the rest of the budget", over == 0)
            self.reach("one byte beyond the budget", over == 1)
            self.reach("beyond the budget", over > 1)
            return
        self.reach("drawn from the pool", verdict and self.size > own)
        self.reach("exactly the rest of the pool", over == 0 and self.size > own)
        self.reach("one byte beyond the pool", over == 1)
        self.reach("beyond the pool", over > 1)
