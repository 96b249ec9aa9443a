"""Where the time of one frame went: who worked, and when nobody did."""

import numpy as np

from workloads.program import On


def union_fs(intervals: list[tuple[int, int]]) -> int:
    """Return the length of the union of [start, end) intervals."""
    total, reached = 0, -1
    for start, end in sorted(intervals):
        if end > reached:
            total += end - max(start, reached)
            reached = end
    return total


def phases_fs(steps: np.ndarray, records: np.ndarray, begin_fs: int, waited_fs: int = 0) -> dict[str, int]:
    """Split a frame of a job's ``steps`` (STEP) by their ``records`` (STEP_RECORD), both of shape (steps,).

    ``begin_fs``: when the frame had its turn, ``waited_fs`` after it was due. Where accelerator, core and
    flash do not overlap, `waiting`, `accelerator_busy`, `cpu`, `io` and `driver` (nobody works) add up to the
    latency; `accelerator` is all but the core's time since its turn, `submissions` the runtime's calls.
    """
    busy, cpu, moving = (
        [(int(r["start_fs"]), int(r["end_fs"])) for r in records[steps["on"] == on]]
        for on in (On.ACCELERATOR, On.CORE, On.FLASH)
    )
    runs: list[tuple[int, int]] = []
    on_accelerator = steps["on"] == On.ACCELERATOR
    for submit in np.unique(steps["submit"][on_accelerator]):
        chosen = records[(steps["submit"] == submit) & on_accelerator]
        runs.append((int(chosen["start_fs"].min()), int(chosen["end_fs"].max())))
    end = int(records["end_fs"].max(initial=begin_fs))
    frame, core = end - begin_fs, union_fs(cpu)
    return {
        "accelerator": max(frame - core, 0) if busy else 0,
        "accelerator_busy": union_fs(busy),
        "driver": max(frame - union_fs(busy + cpu + moving), 0),
        "cpu": core,
        "io": union_fs(moving),
        "submissions": union_fs(runs),
        "waiting": waited_fs,
    }
