"""What each axis does to each objective: mean per value, and the share of the variance that it explains.

On a full grid the share of an axis is its first-order Sobol' index (Saltelli et al., Global Sensitivity
Analysis, 2008, section 1.2.9), and the rest is interaction. Other samples: `SALib`, where it is installed,
estimates the indices from the points as they are (RBD-FAST).
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from simulator.sweeps.outcome import SweepOutcome

LEAST_POINTS = 64  # RBD-FAST's harmonics need more
COLUMNS = ("objective", "axis", "value", "points", "mean", "difference", "share_of_variance")


def write_effects(outcome: SweepOutcome, folder: Path) -> None:
    """Write effects.csv, and sobol.csv where SALib can make it."""
    _write(folder / "effects.csv", COLUMNS, effects(outcome))
    indices = sobol_indices(outcome)
    if indices:
        _write(folder / "sobol.csv", ("objective", "axis", "s1", "s1_conf"), indices)


def effects(outcome: SweepOutcome) -> list[dict[str, Any]]:
    """Return a row for each objective, axis and value over the points that ran."""
    ran = [row for row in outcome.rows if not row["error"]]
    rows: list[dict[str, Any]] = []
    for objective in outcome.objectives if ran else ():
        everything = np.array([row[objective] for row in ran], float)
        for axis in outcome.axes:
            groups: dict[Any, list[float]] = {}
            for row in ran:
                groups.setdefault(row[axis], []).append(row[objective])
            means = {value: float(np.mean(found)) for value, found in groups.items()}
            spread = sum(len(groups[v]) * (m - everything.mean()) ** 2 for v, m in means.items())
            total = float(((everything - everything.mean()) ** 2).sum())
            for value, mean in means.items():
                rows.append(
                    {
                        "objective": objective, "axis": axis, "value": value, "points": len(groups[value]),
                        "mean": mean, "difference": mean - float(everything.mean()),
                        "share_of_variance": round(float(spread) / total, 12) if total else 0.0,
                    }
                )  # fmt: skip
    return rows


def sobol_indices(outcome: SweepOutcome) -> list[dict[str, Any]]:
    """Return first-order indices by SALib's RBD-FAST; none where it is missing, or points are too few."""
    try:
        from SALib.analyze import rbd_fast
    except ImportError:
        return []
    ran = [row for row in outcome.rows if not row["error"]]
    if len(ran) <= LEAST_POINTS:
        return []
    np.random.default_rng(1).shuffle(ran)  # RBD-FAST sorts by an axis: ties must not follow another one
    places = np.array([[_place(outcome, axis, row[axis]) for axis in outcome.axes] for row in ran], float)
    problem = {"num_vars": len(outcome.axes), "names": outcome.axes, "bounds": [[0, 1]] * len(outcome.axes)}
    rows = []
    for objective in outcome.objectives:
        answers = np.array([row[objective] for row in ran], float)
        if answers.min() == answers.max():
            continue
        found = rbd_fast.analyze(problem, places, answers, seed=1)
        rows += [
            {"objective": objective, "axis": axis, "s1": float(s1), "s1_conf": float(conf)}
            for axis, s1, conf in zip(outcome.axes, found["S1"], found["S1_conf"])
        ]
    return rows


def _place(outcome: SweepOutcome, axis: str, value: Any) -> float:
    """Return a value as a number: itself, or its place among the axis's values."""
    if isinstance(value, int | float):
        return float(value)
    return float(outcome.order(axis).index(value))


def _write(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
