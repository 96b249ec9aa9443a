"""Runs one case of a block: a compiled twin, parameters, a seed, perhaps a planted bug."""

import json
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from simulator.cosim_blocks.blocks import CASE, Block
from simulator.cosim_blocks.build import build, verilator_environment
from simulator.cosim_blocks.planted import ROOT, Mutant


class Outcome(NamedTuple):
    parameters: dict[str, int]
    seed: int
    transactions: int
    cycles: int
    difference: dict[str, Any] | None  # cycle, episode, inputs, model, rtl, before
    goals: dict[str, int]  # how often each was reached
    wall_s: float


def run_case(
    block: Block,
    parameters: dict[str, int],
    seed: int,
    transactions: int,
    *,
    mutants: list[Mutant],
    mutant: Mutant | None = None,
    compiled: bool = False,
    waves: Path | None = None,
    keep: Path | None = None,
) -> Outcome:
    """Step model and twin through random traffic until ``transactions`` or their first difference.

    ``compiled``: the model as the simulator compiles it; else as plain Python. ``waves``: file to write,
    ``keep``: folder for log and coverage. Raises RuntimeError if the simulation ends without a result.
    """
    folder = build(block, parameters, mutants, waves is not None)
    with tempfile.TemporaryDirectory() as temporary:
        place = keep if keep is not None else Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        stem = f"{block.top}-{'-'.join(map(str, parameters.values()))}-{seed}"
        log, result = place / f"{stem}.log", Path(temporary) / "result.json"
        planted = mutant._asdict() if mutant is not None and mutant.where == "model" else None
        case = {
            "bench": block.bench,
            "parameters": parameters,
            "seed": seed,
            "transactions": transactions,
            "planted": planted,
            "result": str(result),
            "coverage": str(place / f"{stem}.coverage.xml"),
        }
        arguments = [f"+mutant={mutant.number}"] if mutant is not None and mutant.where == "rtl" else []
        if waves is not None:
            arguments += ["--trace", "--trace-file", str(waves)]
        begin = time.perf_counter()
        failed = _simulate(block, folder, Path(temporary), log, case, arguments, compiled)
        wall_s = time.perf_counter() - begin
        if not result.is_file():
            raise RuntimeError(f"{block.top}, seed {seed}: no result\n{log.read_text()[-3000:]}")
        found = json.loads(result.read_text())
    if failed != (found["difference"] is not None):
        raise RuntimeError(f"{block.top}, seed {seed}: cocotb and the bench do not agree; see {log}")
    return Outcome(parameters, seed, wall_s=wall_s, **found)


def _simulate(
    block: Block,
    folder: Path,
    work: Path,
    log: Path,
    case: dict[str, Any],
    arguments: list[str],
    compiled: bool,
) -> bool:
    """Run the simulator's process. Returns whether cocotb counts a failure, under pytest or not."""
    from cocotb_tools.runner import get_results, get_runner

    if str(ROOT) not in sys.path:  # the simulator's Python starts from ours
        sys.path.append(str(ROOT))
    environment = {CASE: json.dumps(case), "NUMBA_DISABLE_JIT": "0" if compiled else "1"}
    results = work / "results.xml"
    with verilator_environment(), suppress(SystemExit, RuntimeError):  # under pytest a failure raises
        get_runner("verilator").test(
            test_module="simulator.cosim_blocks.inside",
            hdl_toplevel=block.top,
            hdl_toplevel_lang="verilog",
            build_dir=folder,
            test_dir=work,
            seed=case["seed"],
            test_args=arguments,
            extra_env=environment,
            results_xml=str(results),
            log_file=log,
        )
    tests, failures = get_results(results) if results.is_file() else (0, 0)
    if tests == 0:
        raise RuntimeError(f"{block.top}: nothing ran\n{log.read_text()[-3000:]}")
    return failures > 0
