"""The interconnect's arbiter beside `rtl/arbiter.sv`: the same winner in every cycle."""

from hw_models.interconnect.arbiter import PRIORITY, ROUND_ROBIN, TDM, WEIGHTED, granted, pick
from hw_models.interconnect.build import build_interconnect
from hw_models.interconnect.names import Arbitration
from hw_models.interconnect.params import Interconnect
from simulator.cosim_blocks import bench
from simulator.cosim_blocks.bench import packed

KINDS = (ROUND_ROBIN, PRIORITY, WEIGHTED, TDM)
SLOTS = 8  # most of a frame in the RTL


class Bench(bench.Bench):
    goals = (
        *(f"{kind} grants" for kind in Arbitration),
        *(f"{kind} with everyone asking" for kind in Arbitration),
        "nobody asks",
        "a grant is not taken",
        "equal priorities take turns",
        "a higher priority overtakes",
        "a new round of weights",
        "a slot's owner does not ask",
        "the search wraps around",
    )
    episode_cycles = 150

    def begin(self, episode: int) -> dict[str, int]:
        units = self.parameters["UNITS"]
        names = [f"m{unit}" for unit in range(units)]
        self.kind = list(Arbitration)[episode % 4]
        ports = {
            name: {"priority": self.random.randint(0, 3), "weight": self.random.choice([1, 2, 3, 255])}
            for name in names
        }
        tdm = self.kind == Arbitration.TDM
        frame = [self.random.choice(names) for _ in range(self.random.randint(2, SLOTS))] if tdm else []
        slot = self.random.choice(["4 cycles", "5 cycles", "8 cycles"])
        params = Interconnect.model_validate(
            {"arbitration": self.kind, "masters": ports, "tdm": frame, "tdm_slot": slot}
        )
        self.model = model = build_interconnect(params, names)[0]["arbiters"][0]
        self.load = (0.15, 0.5, 1.0)[episode // 4 % 3]
        self.taking = self.random.choice([0.7, 1.0])
        self.wants = self.take = 0
        return {
            "kind": model["kind"],
            "priorities": packed(model["priority"][:units], 8),
            "weights": packed(model["weight"][:units], 8),
            "slot_cycles": model["slot_cycles"],
            "slots": model["slots"],
            "owners": packed(model["owner"][:SLOTS], (units - 1).bit_length()),
            "wants": 0,
            "take": 0,
        }

    def drive(self, cycle: int) -> dict[str, int]:
        units = self.parameters["UNITS"]
        self.wants = sum(1 << unit for unit in range(units) if self.random.random() < self.load)
        self.take = int(self.random.random() < self.taking)
        return {"wants": self.wants, "take": self.take}

    def check(self, cycle: int) -> dict[str, int]:
        winner = int(pick(self.model, self.wants, cycle))
        self._cover(winner)
        if winner < 0:
            return {"valid": 0}
        if self.take:
            granted(self.model, winner)
            self.transactions += 1
        return {"valid": 1, "winner": winner}

    def _cover(self, winner: int) -> None:
        units, model = self.parameters["UNITS"], self.model
        self.reach("nobody asks", self.wants == 0)
        self.reach("a slot's owner does not ask", self.wants and winner < 0)
        if winner < 0:
            return
        self.reach("a grant is not taken", not self.take)
        self.reach(f"{self.kind} grants", self.take)
        self.reach(f"{self.kind} with everyone asking", self.wants == (1 << units) - 1)
        asking = [unit for unit in range(units) if self.wants >> unit & 1]
        first = min(asking, key=lambda unit: (unit - int(model["last"]) - 1) % units)
        self.reach("the search wraps around", winner <= model["last"] and self.kind != Arbitration.TDM)
        if self.kind == Arbitration.PRIORITY:
            best = [unit for unit in asking if model["priority"][unit] == model["priority"][winner]]
            self.reach("equal priorities take turns", len(best) > 1)
            self.reach("a higher priority overtakes", winner != first)
        if self.kind == Arbitration.WEIGHTED:
            self.reach("a new round of weights", self.take and model["credit"][winner] == 0)
