"""What a person reads of a co-simulation."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from simulator.cosim_blocks.planted import Mutant
from simulator.cosim_blocks.run import Outcome


def table_lines(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table in columns of text."""
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    for row in [heads, *rows]:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip()


def run_lines(name: str, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield what each run found, then the goals that all of them reached together."""
    heads = ("block", "parameters", "seed", "transactions", "cycles", "differences", "goals", "time")
    yield from table_lines(heads, [_run_row(name, outcome) for outcome in outcomes])
    goals = dict.fromkeys(goal for outcome in outcomes for goal in outcome.goals)  # a set may lack some
    reached = {goal: sum(outcome.goals.get(goal, 0) for outcome in outcomes) for goal in goals}
    hit = sum(times > 0 for times in reached.values())
    yield f"\nfunctional coverage: {hit} of {len(reached)} goals"
    yield from table_lines(("goal", "times"), [(goal, f"{times:,}") for goal, times in reached.items()])


def _run_row(name: str, outcome: Outcome) -> tuple[str, ...]:
    parameters = " ".join(f"{key}={value}" for key, value in outcome.parameters.items())
    hit = sum(times > 0 for times in outcome.goals.values())
    return (
        name,
        parameters,
        str(outcome.seed),
        f"{outcome.transactions:,}",
        f"{outcome.cycles:,}",
        str(int(outcome.difference is not None)),
        f"{hit}/{len(outcome.goals)}",
        f"{outcome.wall_s:.1f} s",
    )


def difference_lines(outcome: Outcome, waves: Path | None) -> Iterator[str]:
    """Yield the first cycle in which model and RTL differ, side by side, and the cycles before."""
    found = outcome.difference or {}
    where = f"episode {found['episode']}, cycle {found['cycle']}"
    cycles = [*found["before"], found]
    inputs = [cycle["inputs"] for cycle in cycles]
    steady = {name: value for name, value in inputs[-1].items() if all(i.get(name) == value for i in inputs)}
    yield f"\nfirst difference: seed {outcome.seed}, {where}"
    yield f"steady inputs: {_pairs(steady)}"
    for cycle in cycles:
        changing = {name: value for name, value in cycle["inputs"].items() if name not in steady}
        yield f"cycle {cycle['cycle']}: {_pairs(changing)}"
        if cycle is not found:
            yield f"  {_pairs(cycle['model'])}"
    rows = [(name, model, found["rtl"][name]) for name, model in found["model"].items()]
    yield from table_lines(
        ("  output", "model", "RTL", ""),
        [(f"  {name}", str(a), str(b), "" if a == b else "<- differs") for name, a, b in rows],
    )
    if waves is not None:
        yield f"waveform: {waves}"


def _pairs(values: dict[str, int]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def mutant_lines(mutants: Sequence[Mutant], caught: Sequence[int | None]) -> Iterator[str]:
    """Yield a Markdown table of planted bugs and after how many cycles each was found out."""
    yield "| in | planted bug | found out after |"
    yield "| --- | --- | --- |"
    for mutant, cycles in zip(mutants, caught):
        said = f"{cycles:,} cycles" if cycles is not None else "**never**"
        yield f"| {mutant.where} | {mutant.bug} | {said} |"
    yield f"\n{sum(cycles is not None for cycles in caught)} of {len(mutants)} planted bugs found out"
