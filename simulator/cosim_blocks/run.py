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
    told: list[int]  # what the bench has to say beside
    wall_s: float


def run_case(
    block: Block,
    parameters: dict[str, int],
    seed: int,
    transactions: int,
    *,
    mutants: list[Mutant],
    compiled: bool = False,
    waves: Path | None = None,
    keep: Path | None = None,
    options: dict[str, Any] | None = None,
) -> Outcome:
    """Step model and twin through random traffic until ``transactions`` or their first difference.

    ``mutants`` are compiled in, none is in force. ``compiled``: the model as the simulator compiles it; else
    as plain Python. ``waves``: file to write, ``keep``: folder for log and coverage, ``options``: of the
    bench. Raises RuntimeError if the simulation ends without a result.
    """
    folder = build(block, parameters, mutants, waves is not None)
    traced = ["--trace", "--trace-file", str(waves)] if waves is not None else []
    case = {"seed": seed, "transactions": transactions, "parameters": parameters, "hunt": []}
    case["options"] = options or {}
    begin = time.perf_counter()
    found, failed = _simulate(block, folder, case, traced, keep, compiled)
    if failed != (found["difference"] is not None):
        raise RuntimeError(f"{block.top}, seed {seed}: cocotb and the bench do not agree")
    return Outcome(parameters, seed, wall_s=time.perf_counter() - begin, **found)


def hunt(
    block: Block, mutants: list[Mutant], hunted: list[Mutant], seed: int, transactions: int
) -> list[int | None]:
    """Return after how many cycles each of ``hunted`` is found out, None where it is not."""
    folder = build(block, block.sets[0], mutants)
    wanted = [mutant._asdict() for mutant in hunted]
    case = {"seed": seed, "transactions": transactions, "parameters": block.sets[0], "hunt": wanted}
    case["options"] = {}
    found, failed = _simulate(block, folder, case)
    if failed:
        raise RuntimeError(f"{block.top}, seed {seed}: the hunt for planted bugs broke off")
    return found


def _simulate(
    block: Block,
    folder: Path,
    case: dict[str, Any],
    arguments: list[str] | None = None,
    keep: Path | None = None,
    compiled: bool = False,
) -> tuple[Any, bool]:
    """Run the simulator's process. Returns its result and whether cocotb counts a failure.

    The failures in cocotb's own results are what counts: only under pytest its runner raises anything.
    """
    from cocotb_tools.runner import get_results, get_runner

    if str(ROOT) not in sys.path:  # the simulator's Python starts from ours
        sys.path.append(str(ROOT))
    with tempfile.TemporaryDirectory() as temporary:
        work, place = Path(temporary), (keep or Path(temporary)).resolve()
        place.mkdir(parents=True, exist_ok=True)
        stem = f"{block.top}-{'-'.join(map(str, case['parameters'].values()))}-{case['seed']}"
        log, result, results = place / f"{stem}.log", work / "result.json", work / "results.xml"
        files = {"bench": block.bench, "result": str(result), "coverage": str(place / f"{stem}.coverage.xml")}
        environment = {CASE: json.dumps(case | files), "NUMBA_DISABLE_JIT": "0" if compiled else "1"}
        with verilator_environment(), suppress(SystemExit, RuntimeError):
            get_runner("verilator").test(
                test_module="simulator.cosim_blocks.inside",
                hdl_toplevel=block.top,
                hdl_toplevel_lang="verilog",
                build_dir=folder,
                test_dir=work,
                seed=case["seed"],
                test_args=arguments or [],
                extra_env=environment,
                results_xml=str(results),
                log_file=log,
            )
        tests, failures = get_results(results) if results.is_file() else (0, 0)
        if tests == 0 or not result.is_file():
            raise RuntimeError(f"{block.top}, seed {case['seed']}: no result\n{log.read_text()[-3000:]}")
        return json.loads(result.read_text()), failures > 0
