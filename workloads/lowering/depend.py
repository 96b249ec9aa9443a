"""Which steps must be done before a step may start.

serial  each step after the one before it: the schedule of the published loadable, where no two layers overlap
data    only what the bytes demand: read after write, write after read, write after write, also between
        different buffers that the planner put at the same addresses
"""

import numpy as np

from workloads.lowering.record import StepRecord, Touch
from workloads.program import STEP

Spans = dict[str, tuple[int, int]]  # buffer -> first byte, end


def step_tables(steps: list[StepRecord], spans: Spans, schedule: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the STEP rows and the flat list of dependencies."""
    lists = _data(steps, spans) if schedule == "data" else [[i - 1] if i else [] for i in range(len(steps))]
    rows = np.zeros(len(steps), STEP)
    flat: list[int] = []
    for row, step, needed in zip(rows, steps, lists):
        row["on"], row["index"], row["submit"] = int(step.on), step.index, step.submit
        row["first_dep"], row["dep_count"] = len(flat), len(needed)
        flat.extend(needed)
    return rows, np.array(flat, np.int64)


def _data(steps: list[StepRecord], spans: Spans) -> list[list[int]]:
    shares = _sharing(spans)
    seen: dict[str, list[tuple[int, Touch]]] = {name: [] for name in spans}
    behind: list[int] = []  # bit set of everything that a step waits for, itself included
    result = []
    for number, step in enumerate(steps):
        candidates: set[int] = set()
        for touch in step.touches:
            candidates.update(n for n, other in seen[touch.buffer] if touch.meets(other))
            for rival in shares[touch.buffer]:
                candidates.update(n for n, _ in seen[rival])
        needed, covered = [], 0
        for other in sorted(candidates, reverse=True):
            if not covered >> other & 1:
                needed.append(other)
                covered |= behind[other]
        behind.append(covered | 1 << number)
        result.append(sorted(needed))
        for touch in step.touches:
            seen[touch.buffer].append((number, touch))
    return result


def _sharing(spans: Spans) -> dict[str, list[str]]:
    """Return for every buffer the others at overlapping addresses."""
    names = sorted(spans, key=lambda name: spans[name])
    shares: dict[str, list[str]] = {name: [] for name in spans}
    for i, name in enumerate(names):
        for other in names[i + 1 :]:
            if spans[other][0] >= spans[name][1]:
                break
            if spans[other][1] > spans[other][0]:
                shares[name].append(other)
                shares[other].append(name)
    return shares
