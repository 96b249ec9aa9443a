"""The tables of `workloads/llm/reference/memory`: what others measured or published of bytes and times."""

import csv
from pathlib import Path

import workloads.llm

FOLDER = Path(workloads.llm.__file__).parent / "reference" / "memory"


def rows_of(name: str) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with (FOLDER / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
