"""Which neurons tokens flag: a trace, token by token, and a cache of neurons in front of it."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from workloads.llm.activity_kernel import GenerativeTrace
from workloads.llm.coactivation import all_friends
from workloads.llm.plan import Plan, activity_of
from workloads.llm.recorded import RecordedTrace

WARM_TOKENS = 16  # of a prompt, the last that fill a cache of neurons before the first token


class Trace(Protocol):
    def step(self, layer: int) -> tuple[np.ndarray, int]: ...
    def snapshot(self, layer: int) -> Any: ...
    def restore(self, layer: int, state: Any) -> None: ...


class NeuronCache:
    """Neurons in DRAM under any policy but a window, all layers together: layer * FFN + neuron."""

    def __init__(self, plan: Plan, seed: int):
        hold, job = plan.job.held("ffn"), plan.job
        assert hold is not None
        self.ffn, trace = plan.model.shape.ffn, make_trace(plan, seed)
        layers = np.flatnonzero(plan.ranks).tolist()
        self.first = layers[0]
        warm = min(WARM_TOKENS, job.prompt) if job.offload.start == "warm" else 0
        flagged = [trace.step(layer) for _ in range(warm + job.tokens) for layer in layers]
        asked = [layers[i % len(layers)] * self.ffn + neurons for i, (neurons, _) in enumerate(flagged)]
        slots = int(plan.capacity[layers].sum())
        self.cache = hold.cache(slots, asked)
        for position, units in enumerate(asked[: warm * len(layers)]):
            if position % len(layers) == 0:
                self.cache.next_token()
            self.cache.ask(units)
        self.steps = iter(zip(asked, [active for _, active in flagged], strict=True))
        for _ in range(warm * len(layers)):
            next(self.steps)

    def next(self, layer: int) -> tuple[int, int, np.ndarray]:
        """Return how many neurons of ``layer`` the next token flags and truly uses, and which are read."""
        units, active = next(self.steps)
        if layer == self.first:
            self.cache.next_token()
        return units.size, active, self.cache.ask(units) - layer * self.ffn


def make_trace(plan: Plan, seed: int) -> Trace:
    """Return the recorded trace of the job, or a generated one."""
    shape, recorded = plan.model.shape, plan.job.offload.recorded
    if recorded is not None:
        return RecordedTrace(Path(recorded), shape.layers, shape.ffn)
    activity = activity_of(plan.job, plan.model)
    assert activity is not None
    return GenerativeTrace(activity, shape.layers, shape.ffn, seed)


def friends_of(plan: Plan, seed: int) -> np.ndarray:
    """Return each neuron's closest friend, shape (layers, neurons)."""
    return all_friends(make_trace(plan, seed + 1), plan.model.shape.layers, plan.model.shape.ffn)
