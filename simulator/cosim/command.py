"""`dlasim cosim`: a design built, its cocotb tests run with the SoC of a config behind it, a run folder."""

import json
import os
import shutil
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hw_models.errors import ConfigError
from simulator.config.model import Config, resolved
from simulator.config.yaml_lines import yaml_text
from simulator.cosim.limits import NO_LIMITS, Limits
from simulator.cosim.verilator import Design, build
from simulator.results.run_folder import new_folder, read_run

WAVE_CYCLES = 20_000  # of the end of a failing run that its waveform shows


@dataclass(frozen=True)
class Bench:
    """What runs: a design, its tests, and by which simulator."""

    design: Design
    module: str
    path: Path  # where the module is found
    testcase: str | None = None
    simulator: str = "verilator"
    front_end: str = "auto"
    seed: int = 1
    limits: Limits = NO_LIMITS


def bench_of(test: str) -> tuple[str, Path]:
    """Return a test module's name and the folder to find it from. Raises ConfigError."""
    path = Path(test)
    if path.suffix == ".py":
        if not path.is_file():
            raise ConfigError("no such file; write a Python module with cocotb tests", key=f"--test {test}")
        return path.stem, path.resolve().parent
    here = Path.cwd()
    if not any((here / Path(*test.split("."))).with_suffix(end).is_file() for end in (".py",)):
        import importlib.util

        sys.path.insert(0, str(here))
        try:
            found = importlib.util.find_spec(test)
        except ImportError:
            found = None
        if found is None:
            message = "no such module; write its name, or the path of its .py file"
            raise ConfigError(message, key=f"--test {test}")
    return test, here


def check_config(config: Config) -> None:
    if not config.system.masters:
        raise config.locate(
            ConfigError(
                "no outside master; write masters: {dut: {kind: external, width: 64 bit}}", key="system"
            )
        )
    from simulator.soc.build import build_machine  # kernels: their width is the config's

    build_machine(config)  # raises for all that a test would meet when it makes its System


def run_bench(bench: Bench, config: Config, out: Path, *, plots: bool = True) -> int:
    """Build and run; write ``out``. Returns how many tests failed. Raises ConfigError."""
    native = bench.simulator == "verilator"
    folder = build(bench.design, waves=False) if native else None
    with new_folder(out) as new, tempfile.TemporaryDirectory(prefix="dlasim-cosim-") as work:
        temporary = new.resolve()  # the simulator runs in another folder
        failed = _simulate(bench, folder, config, temporary, Path(work))
        window, until_s = _window(temporary), bench.limits.until_s
        has_time = until_s is None or time.time() < until_s
        if failed and native and window[1] > 0 and has_time:
            traced = build(bench.design, waves=True)
            again = Path(work) / "again"
            names = ("WAVE", "WAVE_FROM_NS", "WAVE_UNTIL_NS")
            values = (temporary / "failure.vcd", *window)
            wave = {f"DLASIM_COSIM_{name}": str(value) for name, value in zip(names, values)}
            _simulate(bench, traced, config, again / "out", again, wave)
        _gather(temporary, plots)
    return failed


def _window(out: Path) -> tuple[float, float]:
    """Return when [ns] the waveform of the first failure begins and ends."""
    found = [json.loads(path.read_text()) for path in out.glob("*/clocks.json")]
    cycle_ns = max((run["cycle_ns"] for run in found), default=1.0)
    results = out / "results.xml"
    for case in ElementTree.parse(results).iter("testcase") if results.is_file() else ():
        if any(child.tag in ("failure", "error") for child in case):
            told = {item.get("name"): item.get("value") for item in case.iter("property")}
            end_ns = float(told.get("sim_time_stop") or 0)
            return end_ns - WAVE_CYCLES * cycle_ns, end_ns + cycle_ns if end_ns else 0.0
    return 0.0, 1e30


def _simulate(
    bench: Bench,
    folder: Path | None,
    config: Config,
    out: Path,
    work: Path,
    more: dict[str, str] | None = None,
) -> int:
    """Run the tests once; what their systems tell goes to ``out``. Returns how many failed.

    Raises ConfigError if no test has run.
    """
    from cocotb_tools.runner import get_results, get_runner

    work.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    written = work / "config.yaml"
    written.write_text(yaml_text(resolved(config)), encoding="utf-8")
    runner = get_runner(bench.simulator)
    design = bench.design
    if folder is None:
        folder = work / "build"
        runner.build(
            sources=list(design.sources), hdl_toplevel=design.top, build_dir=folder, always=True,
            parameters=dict(p.split("=", 1) for p in design.parameters),
            defines=dict([*d.split("=", 1), "1"][:2] for d in design.defines),
            includes=list(design.includes), build_args=list(design.arguments),
        )  # fmt: skip
    environment = {
        "DLASIM_COSIM_CONFIG": str(written), "DLASIM_COSIM_OUT": str(out),
        "DLASIM_COSIM_FRONT_END": bench.front_end,
        "COCOTB_REWRITE_ASSERTION_FILES": f"*{bench.module.split('.')[-1]}.py",  # not of all that is imported
        **bench.limits.environment(), **(more or {}),
    }  # fmt: skip
    paths = [str(bench.path), os.environ.get("PYTHONPATH", "")]
    sys.path[:0] = [path for path in paths if path]
    results = work / "results.xml"
    try:
        runner.test(
            test_module=bench.module, hdl_toplevel=design.top, hdl_toplevel_lang=_language(design),
            build_dir=folder, test_dir=work, results_xml=str(results), seed=bench.seed,
            testcase=bench.testcase, extra_env=environment,
        )  # fmt: skip
    except SystemExit:
        pass  # some failed: the results tell
    except RuntimeError as error:  # the program's end was not that of a test
        message = f"the simulator has crashed, whatever is told above: {error}"
        raise ConfigError(message, key=f"--simulator {bench.simulator}") from None
    if not results.is_file():
        message = "no test has come to its end, as told above; write a module with cocotb tests"
        raise ConfigError(message, key=f"--test {bench.module}")
    tests, failed = get_results(results)
    if tests == 0:
        key = f"--testcase {bench.testcase}" if bench.testcase else f"--test {bench.module}"
        raise ConfigError(f"no test of {bench.module} is run; write the name of one", key=key)
    shutil.copy(results, out / "results.xml")
    return int(failed)


def _language(design: Design) -> str:
    return "vhdl" if design.sources[-1].suffix in (".vhd", ".vhdl") else "verilog"


def _gather(folder: Path, plots: bool) -> None:
    """Make one run folder of what the tests' systems wrote: of one, that is it."""
    runs = sorted(path.parent for path in folder.glob("*/summary.json"))
    if len(runs) == 1:
        for path in runs[0].iterdir():
            shutil.move(path, folder / path.name)
        runs[0].rmdir()
        runs = [folder]
    if plots:
        from simulator.report.run_page import write_run_page

        for run in runs:
            write_run_page(read_run(run), run)


def told(out: Path) -> list[tuple[str, Any]]:
    """Return (name, result) of each run of ``out``."""
    runs = [out] if (out / "summary.json").is_file() else sorted(p.parent for p in out.glob("*/summary.json"))
    return [(run.name, read_run(run)) for run in runs]
