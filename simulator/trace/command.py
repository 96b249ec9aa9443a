"""`dlasim trace`: one block alone, driven by a trace file."""

from importlib import import_module
from pathlib import Path
from typing import Any

from hw_models.errors import ConfigError
from simulator.config.errors import not_one_of
from simulator.config.options import accepted
from simulator.results.numbers import flat
from simulator.results.run_folder import new_folder, prepare_out

BLOCKS = {"dram": "simulator.trace.dram", "cache": "simulator.trace.cache", "flash": "simulator.trace.flash"}


def run_trace(block: str, config: Path, trace: Path, out: Path, options: dict[str, Any]) -> None:
    """Write requests.csv and summary.json into ``out`` and print the summary. Raises ConfigError.

    Ends with exit code 1 where the check of a protocol finds something.
    """
    if block not in BLOCKS:
        raise ConfigError(not_one_of(block, list(BLOCKS)), key="BLOCK")
    if not trace.is_file():
        raise ConfigError("no such file; write the path of a trace", file=trace)
    prepare_out(out)
    function = import_module(BLOCKS[block]).trace
    options = accepted(function, options, given=3)
    with new_folder(out) as folder:
        summary = function(config, trace, folder, **options)
    for path, value in flat(summary):
        print(f"{path} = {value}")
    print(f"written to {out}")
    if summary.get("protocol", {}).get("violations"):
        raise SystemExit(1)
