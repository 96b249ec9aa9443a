"""What C calls at the edges of a clock: the edge, the signals after it, and the SoC's loop in between."""

from functools import cache
from typing import Any

import numpy as np

from hw_models.callback import Kept, callback
from simulator.cosim.edge import ASKS_PYTHON, drive_signals, edge, skip
from simulator.kernel.soc import ASKS, RUNNING, run

EVENTS = 20_000_000  # between two edges: more, and time stands still
STANDS_STILL = 1
FAULT = 2  # of an edge, 1: what is driven may be new
AT_EDGE, IN_SOC = Kept(), Kept()
take_edge, take_soc = AT_EDGE.take, IN_SOC.take


@cache
def compiled_run() -> Any:
    """Compile, or load, the SoC's loop for C; IN_SOC has been put down."""

    def at_run(address):
        clock, system, measures, nodes, masters, jobs = take_soc(address)
        status = run(system, measures, nodes, masters, jobs, clock["until_fs"], np.int64(EVENTS))
        if status == ASKS:
            return ASKS_PYTHON
        return STANDS_STILL if status == RUNNING else 0

    return callback(at_run)


@cache
def compiled_edge() -> tuple[Any, Any]:
    """Compile, or load, the edge and what drives the signals after it; AT_EDGE has been put down."""

    def at_edge(address):
        clock, system, wires, agents, held = take_edge(address)
        if skip(clock, agents):
            return 0
        changed = edge(clock, system, wires, agents, held)
        return np.int64(changed) + FAULT * (clock["fault"] != 0)

    def after_edge(address):
        clock, _, _, agents, _ = take_edge(address)
        return np.int64(drive_signals(clock, agents))

    return callback(at_edge), callback(after_edge)
