"""What a job's frames say: their rate, the spread of their latencies, and whether they met the deadline."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hw_models.units import FS
from simulator.soc.machine import Machine

QUANTILES = (50, 95, 99)


def frame_figures(
    latencies_fs: np.ndarray, finished_fs: np.ndarray, deadline_fs: int | None, open_fs: Sequence[int] = ()
) -> dict[str, Any]:
    """Return the summary's figures of the frames that are done, arrays of shape (frames,) in fs.

    ``open_fs``: how long ago each frame was released that is not done; some may have missed their deadline.

    ``frames_per_s``: over the span from the first frame's start to the last one's end. A latency counts from
    the frame's release. ``per_latency_per_s``: the rate of frames that follow each other without a gap.
    """
    count = int(latencies_fs.size)
    late_fs = np.array([age_fs for age_fs in open_fs if age_fs > (deadline_fs or 0)], np.int64)
    if count == 0:
        zeros = ("latency_s", "frames_per_s", "per_latency_per_s", "latency_max_s", "latency_min_s")
        figures: dict[str, Any] = dict.fromkeys(zeros, 0.0) | {"frames": 0}
        if deadline_fs is not None and late_fs.size:
            figures["deadline"] = deadline_figures(late_fs, deadline_fs)
        return figures
    mean = float((latencies_fs * FS).mean())
    span = float((finished_fs - latencies_fs).min()), float(finished_fs.max())
    figures = {
        "latency_s": mean,
        "frames_per_s": count / ((span[1] - span[0]) * FS) if span[1] > span[0] else 0.0,
        "per_latency_per_s": 1.0 / mean if mean else 0.0,
        "frames": count,
        "latency_max_s": int(latencies_fs.max()) * FS,
        "latency_min_s": int(latencies_fs.min()) * FS,
    }
    if count > 1:
        ordered = np.sort(latencies_fs)
        figures["latency_quantiles_s"] = {
            f"p{share}": int(ordered[max(0, -(-count * share // 100) - 1)]) * FS for share in QUANTILES
        }
        figures["frame_latency_s"] = [int(x) * FS for x in latencies_fs]
    if deadline_fs is not None:
        figures["deadline"] = deadline_figures(np.append(latencies_fs, late_fs), deadline_fs)
    return figures


def deadline_figures(latencies_fs: np.ndarray, deadline_fs: int) -> dict[str, Any]:
    """Return whether every frame was done within the deadline, and by how much the worst one was not.

    Of a frame under way that is late already, the last in the array, its time until now.
    """
    worst = int(latencies_fs.argmax())
    misses = int((latencies_fs > deadline_fs).sum())
    return {
        "limit_s": deadline_fs * FS,
        "met": misses == 0,
        "frames": latencies_fs.size,
        "misses": misses,
        "worst_frame": worst,
        "worst_slack_s": (deadline_fs - int(latencies_fs[worst])) * FS,
    }


FRAME_COLUMNS = ("job", "frame", "release_s", "end_s", "latency_s", "deadline_s")


def frame_table(machine: Machine) -> dict[str, list[Any]]:
    """Return frames.csv's columns, a row a frame that is done; ``deadline_s``: from release, "" without."""
    table: dict[str, list[Any]] = {name: [] for name in FRAME_COLUMNS}
    for plan in machine.plans:
        done = 0 if plan.llm else plan.frames_done(machine)
        limit = "" if plan.deadline_fs is None else plan.deadline_fs * FS
        for frame in range(done):
            end, latency = (int(t[plan.index][frame]) for t in (machine.finished, machine.latencies))
            row = (plan.name, frame, (end - latency) * FS, end * FS, latency * FS, limit)
            for name, value in zip(FRAME_COLUMNS, row):
                table[name].append(value)
    return table
