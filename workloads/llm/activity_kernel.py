"""The generative trace, one layer and one token at a time. Numba: imported only where a run starts."""

from enum import IntEnum

import numpy as np

from hw_models.jit import njit
from workloads.llm.activity import Activity, context_share, flagged_share, layer_active

ODDS_BITS = 20  # probabilities are whole parts of 2**20: three of them are drawn from one 60-bit number
ODDS_MASK = (1 << ODDS_BITS) - 1


class Neuron(IntEnum):
    COLD = 0
    UNFLAGGED = 1  # of the context, not needed by this token
    FLAGGED = 2
    HOT = 3


ODDS = np.dtype(
    [
        ("rise", np.int64),  # UNFLAGGED -> FLAGGED
        ("fall", np.int64),  # FLAGGED -> UNFLAGGED
        ("enter", np.int64),  # COLD -> context
        ("leave", np.int64),  # context -> COLD
        ("context", np.int64),  # a neuron of the context is flagged, in the long run
        ("hot", np.int64),  # a hot neuron is flagged
        ("fire", np.int64),  # a flagged neuron of the context is truly active
        ("miss", np.int64),  # an unflagged one is truly active: the predictor's false negative
    ]
)


@njit
def evolve(kind, draws, odds, flagged):
    """Move one layer on by one token; return how many neurons are flagged and how many truly active.

    kind: (neurons,) Neuron; draws: (neurons,) uniform in [0, 2**60); odds: ODDS row; flagged: (neurons,),
    filled with the flagged neurons in ascending order.
    """
    count = 0
    active = 0
    for i in range(kind.size):
        first = draws[i] & ODDS_MASK
        second = (draws[i] >> ODDS_BITS) & ODDS_MASK
        third = draws[i] >> (2 * ODDS_BITS)
        state = kind[i]
        if state == Neuron.HOT:
            if first < odds["hot"]:
                flagged[count] = i
                count += 1
                active += 1
            continue
        if state == Neuron.COLD:
            if first >= odds["enter"]:
                continue
            state = Neuron.FLAGGED if second < odds["context"] else Neuron.UNFLAGGED
        elif first < odds["leave"]:
            state = Neuron.COLD
        elif state == Neuron.UNFLAGGED:
            if second < odds["rise"]:
                state = Neuron.FLAGGED
        elif second < odds["fall"]:
            state = Neuron.UNFLAGGED
        kind[i] = state
        if state == Neuron.FLAGGED:
            flagged[count] = i
            count += 1
            if third < odds["fire"]:
                active += 1
        elif state == Neuron.UNFLAGGED and third < odds["miss"]:
            active += 1
    return count, active


class GenerativeTrace:
    """Flagged neurons of successive tokens, layer by layer, from a seed."""

    def __init__(self, activity: Activity, layers: int, neurons: int, seed: int):
        self.rng = np.random.Generator(np.random.PCG64([seed, layers, neurons]))
        self.odds = np.zeros(layers, ODDS)
        self.kind = np.empty((layers, neurons), np.int64)
        self.flagged = np.empty(neurons, np.int64)
        for layer, active in enumerate(layer_active(activity, layers)):
            self._start_layer(activity, layer, float(active))

    def _start_layer(self, activity: Activity, layer: int, active: float) -> None:
        neurons = self.kind.shape[1]
        share = context_share(activity, active)
        fill_odds(self.odds[layer], activity, active)
        start = self.rng.random(neurons)
        seen = share * activity.context_rate
        self.kind[layer] = np.select(
            [start < activity.hot, start < activity.hot + seen, start < activity.hot + share],
            [int(Neuron.HOT), int(Neuron.FLAGGED), int(Neuron.UNFLAGGED)],
            int(Neuron.COLD),
        )

    def step(self, layer: int) -> tuple[np.ndarray, int]:
        """Return the neurons flagged for the layer's next token, and how many are truly active."""
        draws = self.rng.integers(0, 1 << (3 * ODDS_BITS), self.flagged.size)
        count, active = evolve(self.kind[layer], draws, self.odds[layer], self.flagged)
        return self.flagged[:count].copy(), int(active)

    def snapshot(self, layer: int) -> np.ndarray:
        """Return the layer's state, to `restore` when tokens after it are rejected."""
        return self.kind[layer].copy()

    def restore(self, layer: int, state: np.ndarray) -> None:
        self.kind[layer] = state


def fill_odds(odds: np.void, activity: Activity, active: float) -> None:
    """Turn one layer's probabilities into whole parts of 2**ODDS_BITS."""
    share, flagged = context_share(activity, active), flagged_share(activity, active)
    hot = activity.hot * activity.hot_rate
    cold = 1 - activity.hot - share
    redraw = 1 - activity.persistence
    fire = (active * (1 - activity.false_negative) - hot) / (flagged - hot)
    probabilities = {
        "rise": redraw * activity.context_rate,
        "fall": redraw * (1 - activity.context_rate),
        "enter": share / activity.context_tokens / cold if cold > 0 else 0.0,
        "leave": 1 / activity.context_tokens if cold > 0 else 0.0,
        "context": activity.context_rate,
        "hot": activity.hot_rate,
        "fire": max(fire, 0.0),
        "miss": active * activity.false_negative / max(share - (flagged - hot), 1e-9),
    }
    for name, probability in probabilities.items():
        odds[name] = min(round(probability * (1 << ODDS_BITS)), 1 << ODDS_BITS)
