"""Random address maps below an interconnect: ranges of their own, and what is left, perhaps in turns."""

from collections.abc import Callable
from random import Random
from typing import Any

from simulator.cosim_blocks.bench import packed

SPACE = 1 << 16  # bytes that the RTL's addresses reach
LAST = 127 * 32  # last address that a request begins at
GOALS = (
    "a range of addresses is below one port",
    "what is left of the addresses",
    "those below take turns",
    "one of those below has two ports",
    "a range lies over another",
    "a request begins a range",
    "a request ends a range",
    "a request begins behind a range",
    "a request is cut between two below",
    "three memory ports or more",
    "two lines of the hub are one below",
)
FIELDS = {  # straps of the RTL: field of the model's route, what is less than it, bits (0: of a port)
    "route_base": ("base", 0, 16),
    "route_last": ("end", 1, 16),
    "route_turn_shift": ("turn_shift", 0, 4),
    "route_turn_bits": ("turn_bits", 0, 3),
    "route_turn": ("turn", 0, 0),
    "route_first": ("first_port", 0, 0),
    "route_mask": ("ports", 1, 0),
    "route_shift": ("port_shift", 0, 4),
}


class AddressMap:
    """Routes as a config may have them, and more: ranges over each other, and ranges beside turns.

    ``parameters`` of the RTL: PORTS and ROUTES. ``ports`` and ``turn_bytes``, across which no piece goes, are
    what an interconnect's model is built with.
    """

    def __init__(self, parameters: dict[str, int], random: Random):
        self.random, self.most = random, parameters["ROUTES"]
        self.port_bits = (parameters["PORTS"] - 1).bit_length()
        self.ports, self.turn_bytes = 0, 64
        below: list[dict[str, int]] = []
        while self.ports < parameters["PORTS"] and (len(below) < 2 or random.random() < 0.8):
            below.append(self._below(parameters["PORTS"] - self.ports))
        turns = random.choice([n for n in (1, 2, 2, 4) if n <= min(len(below), self.most)])
        self.turns, shift = turns, random.randint(5, 7)
        if turns > 1:
            self.turn_bytes = min(self.turn_bytes, 1 << shift)
        fixed = {"turn_shift": shift, "turn_bits": 0, "turn": 0}
        count = random.randint(0, self.most - turns)
        self.own = [{**fixed, **self._range(), **random.choice(below)} for _ in range(count)]
        rest = {**fixed, "base": 0, "end": SPACE, "turn_bits": turns.bit_length() - 1}
        self.routes = self.own + [{**rest, **one, "turn": turn} for turn, one in enumerate(below[-turns:])]

    def _below(self, room: int) -> dict[str, int]:
        """Return the ports of the next of those below."""
        first, shift = self.ports, self.random.randint(5, 7)
        ports = self.random.choice([1, 1, 2]) if room > 1 else 1
        if ports > 1:
            self.turn_bytes = min(self.turn_bytes, 1 << shift)
        self.ports += ports
        return {"first_port": first, "ports": ports, "port_shift": shift}

    def _range(self) -> dict[str, int]:
        base = self.random.randrange(LAST // 64) * 64
        return {"base": base, "end": base + self.random.choice([32, 64, 256, 1024])}

    def fill(self, model: Any) -> None:
        """Give the model its routes."""
        for route, values in zip(model["routes"], self.routes):
            for field, value in values.items():
                route[field] = value
        model["route_count"] = len(self.routes)

    def straps(self) -> dict[str, int]:
        """Return the RTL's settings; places beyond the last route have noise."""
        found = {"route_count": len(self.routes)}
        for name, (field, less, bits) in FIELDS.items():
            width = bits or self.port_bits
            noise = [self.random.randrange(1 << width) for _ in range(self.most - len(self.routes))]
            found[name] = packed([*(route[field] - less for route in self.routes), *noise], width)
        return found

    def address(self, size: int) -> int:
        """Return an address for a request of ``size`` bytes at or beside the edges of a range, or any."""
        if not self.own or self.random.random() < 0.6:
            return self.random.randrange(LAST // 32 + 1) * 32
        row = self.random.choice(self.own)
        return max(0, self.random.choice([row["base"], row["base"] - 32, row["end"] - size, row["end"]]))

    def route_of(self, address: int) -> dict[str, int]:
        """Return the route of an address, from the map's meaning."""
        return next(row for row in self.routes if fits(row, address))

    def cover_request(self, reach: Callable[..., None], address: int, size: int) -> None:
        route, last = self.route_of(address), self.route_of(address + size - 1)
        over = [row for row in self.own if fits(row, address) and row["first_port"] != route["first_port"]]
        reach("a range of addresses is below one port", route in self.own and route["ports"] == 1)
        reach("what is left of the addresses", self.own and route["end"] == SPACE)
        reach("those below take turns", route["turn_bits"])
        reach("one of those below has two ports", route["ports"] > 1)
        reach("a range lies over another", over)
        reach("a request begins a range", address in [row["base"] for row in self.own])
        reach("a request ends a range", address + size in [row["end"] for row in self.own])
        reach("a request begins behind a range", address in [row["end"] for row in self.own])
        reach("a request is cut between two below", route["first_port"] != last["first_port"])
        reach("three memory ports or more", self.ports > 2)

    def cover_hub(self, reach: Callable[..., None], model: Any, cycle: int) -> None:
        shift, count = int(model["tracker_shift"]), int(model["trackers"])
        for port in range(self.ports):
            busy = model["tracked_until"][port, :count] > cycle
            lines = {int(line) for line in model["tracked"][port, :count][busy]}
            below = {self.closed_up(line << shift) >> shift for line in lines}
            reach("two lines of the hub are one below", len(below) < len(lines))

    def closed_up(self, address: int) -> int:
        """Return an address as what is below sees it."""
        route = self.route_of(address)
        step = 1 << route["turn_shift"]
        return (address // step >> route["turn_bits"]) * step + address % step


def fits(row: dict[str, int], address: int) -> bool:
    turns = 1 << row["turn_bits"]
    mine = address // (1 << row["turn_shift"]) % turns == row["turn"]
    return row["base"] <= address < row["end"] and mine
