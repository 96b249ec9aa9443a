"""Neurons that are active together: each one's closest friends, and reads of a neuron with its friend.

The idea of arXiv 2312.11514 that did not work: the closest friend of nearly every neuron is one of the few
that are active all the time, so the bundle brings the same hot neurons over and over.
"""

from typing import Any

import numpy as np

TOKENS = 100  # of activity that friends are found in
CANDIDATES = 64  # friends are looked for among this many most often active neurons of the layer


def activity_matrix(trace: Any, layer: int, neurons: int, tokens: int) -> np.ndarray:
    """Return which neurons the next ``tokens`` tokens flag, shape (tokens, neurons), float32 of 0 and 1."""
    matrix = np.zeros((tokens, neurons), np.float32)
    for token in range(tokens):
        flagged, _ = trace.step(layer)
        matrix[token, flagged] = 1
    return matrix


def coactivity(matrix: np.ndarray, candidates: int = CANDIDATES) -> tuple[np.ndarray, np.ndarray]:
    """Return (candidates, share): share[c, i] of the tokens with neuron i active have candidate c active too.

    A candidate's share with itself is 0, as is that of a neuron that is never active.
    """
    counts = matrix.sum(axis=0)
    chosen = np.argsort(-counts, kind="stable")[:candidates]
    share = (matrix[:, chosen].T @ matrix) / np.maximum(counts, 1)
    share[np.arange(chosen.size), chosen] = 0
    return chosen, share


def closest_friends(matrix: np.ndarray) -> np.ndarray:
    """Return the neuron most often active together with each neuron, shape (neurons,)."""
    chosen, share = coactivity(matrix)
    return chosen[np.argmax(share, axis=0)]


def friend_shares(matrix: np.ndarray, ranks: int) -> np.ndarray:
    """Return how often the closest, second closest, ... friend is active too, mean over active neurons."""
    _, share = coactivity(matrix)
    active = matrix.any(axis=0)
    return -np.sort(-share[:, active], axis=0)[:ranks].mean(axis=1)


def all_friends(trace: Any, layers: int, neurons: int) -> np.ndarray:
    """Return the closest friends of every layer's neurons, shape (layers, neurons)."""
    return np.stack(
        [closest_friends(activity_matrix(trace, layer, neurons, TOKENS)) for layer in range(layers)]
    )


def bundles_to_read(fresh: np.ndarray, friend: np.ndarray) -> np.ndarray:
    """Return those of ``fresh`` whose bundle must be read: not brought as friend of one read before."""
    brought: set[int] = set()
    reads = []
    for neuron in fresh.tolist():
        if neuron not in brought:
            reads.append(neuron)
            brought.add(int(friend[neuron]))
    return np.array(reads, np.int64)
