"""What the bench of `crossbar` wants to see of sources with several masters behind them."""

from collections.abc import Callable
from typing import Any

from hw_models.interconnect.names import LANE_ROWS
from hw_models.port import NEVER

GOALS = (
    "several masters wait at a source",
    "masters of a source share an id",
    "masters of a source have a stream's number in common",
    "a piece waits for an id that another master of its source has",
    "a fifo source waits for another of its masters",
    "a master comes by two sources",
)


def cover(reach: Callable[..., None], model: Any, source: int, cycle: int) -> None:
    """Note what of the goals there is in a cycle at a source that several masters are behind."""
    for i in (2 * source, 2 * source + 1):
        waiting = [int(row["master"]) for row in _rows(model["lanes"][i])]
        flying = [_chain(model, i, name) for name in range(int(model["ids"][source]))]
        reach("several masters wait at a source", len(set(waiting)) > 1)
        for others in flying:
            reach("masters of a source share an id", len({master for master, _ in others}) > 1)
        pieces = {piece for others in flying for piece in others}
        streams = {stream for _, stream in pieces}
        reach("masters of a source have a stream's number in common", len(streams) < len(pieces))
        if waiting:
            _cover_head(reach, model, i, flying, cycle)
    comes = {int(row["master"]) for i in (2 * source, 2 * source + 1) for row in _rows(model["lanes"][i])}
    for other in range(2 * int(model["sources"])):
        if other >> 1 != source:
            by_others = {int(row["master"]) for row in _rows(model["lanes"][other])}
            reach("a master comes by two sources", comes & by_others)


def _cover_head(reach: Callable[..., None], model: Any, i: int, flying: list[Any], cycle: int) -> None:
    source, row = i >> 1, _rows(model["lanes"][i])[0]
    name = int(row["stream"] * model["masters"] + row["master"]) % int(model["ids"][source])
    others = {master for master, _ in flying[name]} - {int(row["master"])}
    limited = model["id_flight"][i, name] >= model["id_limit"][source]
    reach("a piece waits for an id that another master of its source has", others and limited)
    unanswered = model["fifo"][source] and model["fifo_until"][source, name] == NEVER
    reach("a fifo source waits for another of its masters", others and unanswered and row["time"] <= cycle)


def _rows(lane: Any) -> list[Any]:
    """Return the requests of a lane, the oldest first."""
    return [lane["rows"][(lane["head"] + n) % LANE_ROWS] for n in range(lane["count"])]


def _chain(model: Any, i: int, name: int) -> list[tuple[int, int]]:
    """Return (master, stream) of each piece of an id that is not answered yet, the oldest first."""
    found, index = [], int(model["oldest"][i, name])
    while index >= 0:
        request = model["slots"][index]["request"]
        found.append((int(request["master"]), int(request["stream"])))
        index = int(model["slots"][index]["next"])
    return found
