"""The hub with caches beside `rtl/hub_channels.svh`: as the bench of `crossbar`, with one memory port.

The caches are the model's: how long one has its hands full, and when it answers a probe, is part of the hub's
timing. Their requests and releases are the bench's, as memory is.
"""

from typing import Any

from hw_models.interconnect.regulator import held_until
from hw_models.port import is_full
from simulator.cosim_blocks.crossbar import Bench as CrossbarBench
from simulator.cosim_blocks.crossbar_episodes import TRACKERS

MOST_IN_MEMORY, MOST_HELD = 16, 4  # so that pieces in flight are never more than the RTL's slots


class Bench(CrossbarBench):
    goals = (
        "no caches",
        "a write holds the channels for its beats",
        "a write holds the channels until memory takes it",
        "memory tells of its answers ahead",
        "a cache asks, and is not probed itself",
        "nobody is there to be probed",
        "the way to memory is longer than that of the probes",
        "a request waits for a late answer to its probes",
        "a cache takes no probe while it has a line to give back",
        "a cache takes no probe while the channels are its line's",
        "a cache takes no probe because it has just got a line",
        "probes wait for a cache that answers another",
        "an answer waits for its channel",
        "answers of two caches are there in a cycle",
        "an answer and a release are there in a cycle",
        "a release goes before a request that could go",
        "a release waits for its budget",
        "a release waits for a place in the way to memory",
        "a request waits for a place behind the hub",
        "two requests could go on in a cycle",
        "a release is cut in pieces",
        "a fifo source is a cache",
    )

    def begin(self, episode: int) -> dict[str, int]:
        self.caches = 0.0 if episode % 8 == 7 else 0.7  # the share of sources that are caches
        return super().begin(episode)

    def _ports(self, episode: int) -> int:
        return 1

    def _master(self, regulated: int) -> dict[str, Any]:
        latency = f"{self.random.randint(1, 14)} cycles"
        caching = self.random.random() < self.caches
        return super()._master(regulated) | {"caching": caching, "latency": latency}

    def _hub(self) -> dict[str, Any]:
        pick, number = self.random.choice, self.random.randint
        lead = pick([None, 0, 0, number(1, 4)])
        self.ahead = pick([0, 0, 3]) + (lead or 0)
        hub: dict[str, Any] = {
            "trackers": number(1, TRACKERS),
            "line": pick(["32 B", "64 B", "64 B", "128 B"]),
            "accept_interval": f"{number(1, 6)} cycles",
            "release": f"{number(0, 4)} cycles",
            "probe": f"{number(0, 8)} cycles",
            "probe_answer": f"{number(1, 5)} cycles",
            "grant_blocks": f"{pick([0, number(1, 20)])} cycles",
        }
        return hub if lead is None else hub | {"write_lead": f"{lead} cycles"}

    def _traffic(self) -> None:
        super()._traffic()
        self.load, self.latency = self.random.choice([0.3, 1.0]), self.random.choice([1, 8])

    def drive(self, cycle: int) -> dict[str, int]:
        inputs = super().drive(cycle)
        if len(self.memory[0]) >= MOST_IN_MEMORY:
            self.down_ready = 0
        return inputs | {"down_ready": self.down_ready}

    def _answer(self, port: int, cycle: int) -> Any:
        answer = None if self.model["held"] > MOST_HELD else super()._answer(port, cycle)
        self.reach("memory tells of its answers ahead", answer and self.ahead)
        return answer

    def _look(self, cycle: int) -> None:
        staged, lines = self.model["staged"].copy(), self._lines()
        super()._look(cycle)
        for t in range(TRACKERS):
            if self.model["staged"][t] not in (-1, staged[t]):
                self._cover_grant(t)
        self._cover_channels(cycle, self._lines() != lines)
        for cache in range(self.sources):
            if self.model["caching"][cache]:
                self._cover_cache(cache, cycle)

    def _cover(self, waiting: list[list[int]], moved: int, cycle: int) -> None:
        """Leave what the bench of `crossbar` covers to it."""

    def reach(self, goal: str, happened: object = True) -> None:
        if goal in self.reached:
            super().reach(goal, happened)

    def _lines(self) -> list[tuple[int, int]]:
        """Return how many lines each source has to give back, and bytes of the first already gone."""
        lanes = self.model["lanes"][1 : 2 * self.sources : 2]
        return [(int(lane["count"]), int(lane["sent"])) for lane in lanes]

    def _cover_grant(self, t: int) -> None:
        model, reach = self.model, self.reach
        source = model["slots"][model["staged"][t]]["lane"] >> 1
        reach("a cache asks, and is not probed itself", model["caching"][source] and model["unanswered"][t])
        reach("nobody is there to be probed", model["unanswered"][t] == 0)
        reach("the way to memory is longer than that of the probes", model["staged_way"][t])
        reach("a fifo source is a cache", model["caching"][source] and model["fifo"][source])

    def _cover_channels(self, cycle: int, given_back: bool) -> None:
        model, reach = self.model, self.reach
        reach("no caches", model["caches"] == 0)
        reach("a write holds the channels until memory takes it", model["onward_slot"] >= 0)
        for_its_beats = model["write_lead"] < 0 and model["onward_free"] > cycle + 1
        reach("a write holds the channels for its beats", for_its_beats)
        staged = [t for t in range(TRACKERS) if model["staged"][t] >= 0]
        late = [t for t in staged if model["unanswered"][t] and model["staged_soonest"][t] <= cycle]
        reach("a request waits for a late answer to its probes", late)
        able = [t for t in staged if not model["unanswered"][t] and model["answered"][t] < cycle]
        reach("two requests could go on in a cycle", len(able) > 1)
        reach("a release goes before a request that could go", able and given_back)
        full = is_full(self.downs[0]) and model["onward_free"] <= cycle
        reach("a request waits for a place behind the hub", able and full)
        ready = [cache for cache in range(self.sources) if self._has_line(cache, cycle)]
        free = full and model["answers_free"] <= cycle
        reach("a release waits for a place in the way to memory", ready and free)
        answers = [c for c in range(self.sources) if model["taken"][c] and model["probe_time"][c, 0] <= cycle]
        reach("an answer waits for its channel", answers)
        reach("answers of two caches are there in a cycle", len(answers) > 1)
        reach("an answer and a release are there in a cycle", answers and ready)

    def _has_line(self, cache: int, cycle: int) -> bool:
        """Tell whether the next line that a cache gives back is at the hub."""
        lane = self.model["lanes"][2 * cache + 1]
        there = lane["rows"][lane["head"]]["time"] + self.model["latency"][cache, 1] - 1
        return bool(self.model["caching"][cache] and lane["count"] and there <= cycle)

    def _cover_cache(self, cache: int, cycle: int) -> None:
        model, reach = self.model, self.reach
        lane, taken = model["lanes"][2 * cache + 1], int(model["taken"][cache])
        reach("a release is cut in pieces", lane["sent"])
        if self._has_line(cache, cycle):
            until = held_until(model["regulation"], cache, 1, lane["size"], cycle)
            reach("a release waits for its budget", until > cycle)
        if taken >= model["probes"][cache] or model["probe_time"][cache, taken] > cycle:
            return
        waiting = lane["count"] > 0 and lane["rows"][lane["head"]]["time"] <= cycle
        releasing = model["released"][cache] > cycle
        since = cycle - model["granted_from"][cache]
        granted = ((since >= 0) & (since < model["grant_blocks"])).any()
        reach("a cache takes no probe while it has a line to give back", waiting)
        reach("a cache takes no probe while the channels are its line's", releasing and not waiting)
        got = granted and not waiting and not releasing
        reach("a cache takes no probe because it has just got a line", got)
        answering = taken and model["probe_time"][cache, taken - 1] > cycle
        reach("probes wait for a cache that answers another", answering)
