"""Random settings of an interconnect: a config for the model, inputs that hold still for its twin."""

from typing import Any

from hw_models.cache.standalone import build_wiring
from hw_models.interconnect.build import build_interconnect
from hw_models.interconnect.names import Arbitration
from hw_models.interconnect.params import Interconnect
from hw_models.interconnect.standalone import UP
from simulator.cosim_blocks import bench
from simulator.cosim_blocks.bench import packed
from simulator.cosim_blocks.crossbar_map import AddressMap

FRAME, DEPTH, ROOM, TRACKERS = 8, 8, 16, 4  # as the RTL's parameters
NS_PER_S = 10**9
BURST = 64


class Episodes(bench.Bench):
    """The part of a bench that chooses what an episode's interconnect is."""

    ahead = 0  # cycles that memory tells of its answers before they are there

    def begin(self, episode: int) -> dict[str, int]:
        pick, number = self.random.choice, self.random.randint
        self.sources = self.parameters["SOURCES"]
        self.masters = self.parameters.get("MASTERS", self.sources)
        self.all_ports = range(self.parameters.get("PORTS", 2))
        names = [f"m{source}" for source in range(self.sources)]
        self.kind = list(Arbitration)[episode % 4]
        self.map = self._map(episode)
        self.separate, self.ports = episode // 4 % 2, self.map.ports if self.map else self._ports(episode)
        self.behind = self._behind()
        regulated, self.reclaim = pick([0, 1]), episode // 2 % 2
        self.period, self.group_period = pick([50, 90]), pick([40, 70])
        tdm = self.kind == Arbitration.TDM
        settings: dict[str, Any] = {
            "clock": "1 GHz",
            "arbitration": self.kind,
            "channels": "separate" if self.separate else "shared",
            "cut_through": pick([True, False]),
            "width": pick(["8 B", "16 B", "32 B"]),
            "latency": "3 cycles",
            "burst": f"{BURST} B",
            "queue": number(1, 4),
            "reads_in_flight": pick([2, 8, 32]),
            "writes_in_flight": pick([2, 8, 32]),
            "tdm": [pick(names) for _ in range(number(2, FRAME))] if tdm else [],
            "tdm_slot": "9 cycles",
            "period": f"{self.period} ns",
            "masters": {name: self._master(regulated) for name in names},
        }
        if pick([0, 1]):
            self.budgets = [pick([71, 200, 399]), pick([64, 199])]
            rates = [f"{-(-budget * NS_PER_S // self.group_period)} B/s" for budget in self.budgets]
            group = {"masters": names[:2], "read_budget": rates[0], "write_budget": rates[1]}
            settings["groups"] = {"g": {**group, "period": f"{self.group_period} ns"}}
        hub = self._hub()
        if hub is not None:
            settings["hub"] = hub
        params = Interconnect.model_validate(settings)
        self.widths = [pick([8, 16, 32]) for _ in names]
        self.model = build_interconnect(
            params,
            names,
            self.widths,
            self.ports,
            interleave_bytes=self.map.turn_bytes if self.map else 64,
            alone=[behind[0] if len(behind) == 1 else -1 for behind in self.behind],
            masters=self.masters,
        )[0]
        if self.map:
            self.map.fill(self.model)
        self.wires = build_wiring(DEPTH)[0]
        self.downs = [self.wires["fifo"][port] for port in self.all_ports]
        self.ups = [self.wires["fifo"][UP + source] for source in range(self.sources)]
        self.down_limit, self.up_limit = number(1, DEPTH), number(2, ROOM)
        for fifos, limit in ((self.downs, self.down_limit), (self.ups, self.up_limit)):
            for fifo in fifos:
                fifo["limit"] = limit
        return self._straps()

    def _master(self, regulated: int) -> dict[str, Any]:
        pick, number = self.random.choice, self.random.randint
        port: dict[str, Any] = {
            "outstanding": number(1, 5),
            "ids": number(1, 4),
            "outstanding_per_id": number(1, 5),
            "entry": f"{pick([0, 0, 2])} cycles",
            "latency": f"{number(1, 6)} cycles",
            "write_latency": f"{number(1, 6)} cycles",
            "response_latency": f"{number(0, 6)} cycles",
            "priority": number(0, 2),
            "weight": number(1, 3),
        }
        if pick([0, 0, 1]):
            port["fifo"] = {"release": f"{number(1, 5)} cycles"}
        if regulated and pick([0, 1, 1]):
            budget = pick([96, 160, 320, 608])
            port["budget"] = f"{-(-budget * NS_PER_S // self.period)} B/s"
            port["reclaim"] = bool(self.reclaim)
        return port

    def _map(self, episode: int) -> AddressMap | None:
        """Return the address map of an episode: of two in three, where the RTL has room for one."""
        if "ROUTES" not in self.parameters or episode % 3 == 0:
            return None
        return AddressMap(self.parameters, self.random)

    def _behind(self) -> list[list[int]]:
        """Return the masters behind each source: one each, or any where there are more of them."""
        if self.masters == self.sources:
            return [[source] for source in range(self.sources)]
        counts = [self.random.randint(1, self.masters) for _ in range(self.sources)]
        return [self.random.sample(range(self.masters), count) for count in counts]

    def _ports(self, episode: int) -> int:
        return 1 + episode // 2 % 2

    def _hub(self) -> dict[str, Any] | None:
        number = self.random.randint
        if self.random.choice([True, False]):
            return None
        return {
            "trackers": number(1, TRACKERS),
            "line": self.random.choice(["32 B", "64 B", "128 B"]),
            "accept_interval": f"{number(1, 6)} cycles",
            "release": f"{number(0, 4)} cycles",
        }

    def _straps(self) -> dict[str, int]:
        model, count = self.model, self.sources
        regulation = model["regulation"]
        own, groups = regulation["own"][:count], regulation["group"][:, :count]
        rows = regulation["rows"]
        group = [max(groups[write]) for write in range(2)]
        names = ("entry", "response_latency", "limit", "id_limit", "fifo_release")
        return {
            **{name: packed(model[name][:count], 8) for name in names},
            "kind": model["arbiters"][0]["kind"],
            "priorities": packed(model["arbiters"][0]["priority"][:count], 8),
            "weights": packed(model["arbiters"][0]["weight"][:count], 8),
            "slot_cycles": model["arbiters"][0]["slot_cycles"],
            "slots": model["arbiters"][0]["slots"],
            "owners": packed(model["arbiters"][0]["owner"][:FRAME], (count - 1).bit_length()),
            "separate": self.separate,
            "cut_through": model["cut_through"],
            "width_shift": model["width_shift"],
            "burst_shift": int(model["burst"]).bit_length() - 1,
            "interleave_shift": model["interleave_shift"],
            "port_mask": 0 if self.map else self.ports - 1,
            "queue_limit": model["queue"],
            "down_limit": self.down_limit,
            "up_limit": self.up_limit,
            "port_limit": packed(model["port_limit"], 8),
            "latency": packed(model["latency"][:count].ravel(), 8),
            "port_shift": packed(model["port_shift"][:count], 3),
            "ids": packed(model["ids"][:count], 3),
            "several": packed(model["alone"][:count] < 0, 1),
            "masters": model["masters"],
            "fifo": packed(model["fifo"][:count], 1),
            "regulated": packed([row >= 0 for row in own], 1),
            "reclaim": packed([row >= 0 and rows[row]["reclaim"] for row in own], 1),
            "budgets": packed([rows[row]["budget"] if row >= 0 else 0 for row in own], 16),
            "period": self.period,
            "group": packed((groups >= 0).ravel(), 1),
            "group_budget": packed([rows[row]["budget"] if row >= 0 else 0 for row in group], 16),
            "group_period": self.group_period,
            "trackers": model["trackers"],
            "line_shift": model["tracker_shift"],
            "accept_interval": model["accept_interval"],
            "hub_release": model["hub_release"],
            "caching": packed(model["caching"][:count], 1),
            "probe": model["probe"],
            "probe_answer": model["probe_answer"],
            "grant_blocks": model["grant_blocks"],
            "until_taken": model["write_lead"] >= 0,
            "write_lead": max(0, model["write_lead"]),
            "answers_ahead": self.ahead,
            **(self.map.straps() if self.map else {"route_count": 0}),
            **dict.fromkeys(("req_valid", "req_write", "down_ready", "rsp_valid", "up_ready"), 0),
        }
