"""Launches that keep what lies in CBUF and reuse it, drawn so that each finds what it works on."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from hw_models.nvdla.cbuf import data_mode, input_lines, lines_in_work
from hw_models.nvdla.kept import Kept, kernel_shape, line_shape
from hw_models.nvdla.op import InBuffer

DATA, WEIGHTS = int(InBuffer.DATA), int(InBuffer.WEIGHTS)
LIKE_THE_LAST = 0.5  # chance that a launch has the shape of the one before
NEW_SPLIT = 0.2  # of these: chance of a new split, where there is room for one
KEPT_GOALS = (
    "lines are reused",
    "kernels are reused",
    "lines and kernels are reused",
    "lines that were left are reused with new ones",
    "a reuse where nothing was kept",
    "kept lines are dropped",
    "kept kernels are dropped",
    "kept and reused again",
    "a new split drops what was to be reused",
)


def draw(random: Random, preset: Mapping[str, int], kept: Kept, before: Any, fresh: Callable[[], Any]) -> Any:
    """Return a launch behind ``before``, like it or ``fresh``, that finds in ``kept`` what it works on."""
    while True:
        like = before is not None and random.random() < LIKE_THE_LAST
        op = _like(random, kept, before, preset) if like else fresh()
        most = DATA | WEIGHTS
        op["reuse"] |= random.choice([0, DATA, WEIGHTS, most, most] if like else [0, 0, most])
        op["keep"] = random.choice([0, 0, DATA, WEIGHTS, most, most])
        if _finds_its_own(kept, op, preset):
            return op


def _like(random: Random, kept: Kept, before: Any, preset: Mapping[str, int]) -> Any:
    """Return a launch of the same shape; perhaps it has a bank more, or fetches what left lines lack."""
    op = before.copy()
    count = int(lines_in_work(before))
    op["height"], op["lines"], op["reuse"] = count, 0, 0
    op["release"] = random.choice([0, random.randint(1, count), random.randint(1, count)])
    op["src"] %= preset["atom_bytes"]  # an image's first byte within its atom
    if op["data_banks"] + op["weight_banks"] < preset["cbuf_banks"] and random.random() < NEW_SPLIT:
        op[random.choice(["data_banks", "weight_banks"])] += 1
    if 0 < kept.left < count and not kept.keeps & DATA:
        op["height"], op["lines"], op["reuse"] = count - kept.left, count, DATA
    op["fetch_grain"] = min(int(op["fetch_grain"]), int(op["height"]))
    return op


def _finds_its_own(kept: Kept, op: Any, preset: Mapping[str, int]) -> bool:
    trial = replace(kept, lines=list(kept.lines))
    fetched, count = trial.begin(op), int(lines_in_work(op))
    shapes = [shape for shape, _ in trial.lines]
    shapes += [line_shape(op)] * int(input_lines(op)) if fetched & DATA else []
    if shapes != [line_shape(op)] * count:
        return False
    if not fetched & WEIGHTS and trial.kernels[0] != kernel_shape(op):
        return False
    room = int(op["weight_banks"]) * preset["cbuf_depth"] * preset["cbuf_entry_bytes"]
    return not op["keep"] & WEIGHTS or int(op["weight_bytes"]) <= room


def reached_by_keeping(kept: Kept, op: Any) -> dict[str, object]:
    """Return KEPT_GOALS, each with whether a launch reaches it behind what ``kept`` holds."""
    trial = replace(kept, lines=list(kept.lines))
    fetched = trial.begin(op)
    lines, kernels = not fetched & DATA, not fetched & WEIGHTS
    same = kept.split == trial.split
    form = kept.form == data_mode(op)
    return dict(
        zip(
            KEPT_GOALS,
            (
                lines,
                kernels,
                lines and kernels,
                bool(trial.lines) and fetched & DATA,
                op["reuse"] and not kept.keeps and not kept.left,
                same and kept.keeps & DATA and not trial.lines,
                same and kept.keeps & WEIGHTS and not kernels,
                (lines or kernels) and op["keep"] & ~fetched,
                not same and op["reuse"] & kept.keeps and form,
            ),
            strict=True,
        )
    )
