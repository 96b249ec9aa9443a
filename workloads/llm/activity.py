"""Which FFN neurons a token needs: parameters of the generative trace, and what they imply on average.

A neuron is cold, of the current context, or hot. A context's neurons are flagged by the predictor in bursts
(a two-state Markov chain), hot ones nearly always, cold ones never; contexts drift slowly. Among the flagged
are the truly active; a small share of the active is missed. Everything below is exact for this chain.
"""

import numpy as np
from pydantic import Field, model_validator

from hw_models.units import Block


class Activity(Block):
    """Sparsity of the FFN and its correlation over tokens. Shares are of a layer's neurons."""

    active: list[float] = Field(
        description="truly active share at equal steps from the first layer to the last", min_length=1
    )
    false_negative: float = Field(0.05, ge=0, lt=1, description="active neurons that the predictor misses")
    false_positive: float = Field(0.07, ge=0, lt=1, description="inactive neurons that it flags")
    context_rate: float = Field(gt=0, le=1, description="how often a neuron of the context is flagged")
    persistence: float = Field(ge=0, lt=1, description="chance that a context neuron simply stays as it was")
    context_tokens: float = Field(500, ge=1, description="tokens for which a neuron belongs to the context")
    hot: float = Field(0.0004, ge=0, lt=1, description="share of neurons that are nearly always flagged")
    hot_rate: float = Field(0.93, gt=0, le=1, description="how often a hot neuron is flagged")

    @model_validator(mode="after")
    def shares_fit(self) -> "Activity":
        for share in self.active:
            flagged = flagged_share(self, share)
            if not 0 < share < 1 or flagged <= self.hot * self.hot_rate:
                raise ValueError(f"active {share} does not cover hot {self.hot} at hot_rate {self.hot_rate}")
            if context_share(self, share) + self.hot > 1:
                raise ValueError(
                    f"flagged {flagged:.3f} needs more neurons than there are at {self.context_rate=}"
                )
        return self


def flagged_share(activity: Activity, active: float) -> float:
    """Return the share of neurons that the predictor flags where ``active`` of them are."""
    return (1 - activity.false_negative) * active + activity.false_positive * (1 - active)


def context_share(activity: Activity, active: float) -> float:
    """Return the share of neurons that belong to the context at any time."""
    return (flagged_share(activity, active) - activity.hot * activity.hot_rate) / activity.context_rate


def layer_active(activity: Activity, layers: int) -> np.ndarray:
    """Return the truly active share of each layer, shape (layers,)."""
    knots = activity.active
    at = np.linspace(0, len(knots) - 1, layers) if layers > 1 else np.zeros(1)
    return np.interp(at, np.arange(len(knots)), knots)


def layer_flagged(activity: Activity, layers: int) -> np.ndarray:
    """Return the flagged share of each layer, shape (layers,)."""
    return np.array([flagged_share(activity, share) for share in layer_active(activity, layers)])


def aggregated(activity: Activity, layers: int, tokens: int) -> np.ndarray:
    """Return the mean share of neurons flagged at least once in 1, 2, ..., ``tokens`` successive tokens.

    Shape (tokens,). This is s_agg of the paper; its steps are what a sliding window has to load.
    """
    curves = [_aggregated_of(activity, share, tokens) for share in layer_active(activity, layers)]
    return np.mean(curves, axis=0)


def _aggregated_of(activity: Activity, active: float, tokens: int) -> np.ndarray:
    context = context_share(activity, active)
    leave = 1 / activity.context_tokens
    enter = leave * context / (1 - activity.hot - context) if context + activity.hot < 1 else 0.0
    rise = (1 - activity.persistence) * activity.context_rate
    unflagged = np.array(  # cold, context but not flagged: who has not been seen so far
        [
            [1 - enter, enter * (1 - activity.context_rate)],
            [leave, (1 - leave) * (1 - rise)],
        ]
    )
    now = np.array([1 - activity.hot - context, context * (1 - activity.context_rate)])
    curve = np.empty(tokens)
    for token in range(tokens):
        hot = activity.hot * (1 - (1 - activity.hot_rate) ** (token + 1))
        curve[token] = 1 - activity.hot - now.sum() + hot
        now = now @ unflagged
    return curve
