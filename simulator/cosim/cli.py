"""What `dlasim cosim` checks before it builds, and prints when it has run."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from hw_models.errors import ConfigError
from simulator.cli.terminal import output_console, print_run
from simulator.config.model import load
from simulator.cosim.command import Bench, bench_of, check_config, run_bench, told
from simulator.cosim.limits import NO_LIMITS, Limits
from simulator.cosim.verilator import Design
from simulator.report.run import Run
from simulator.results.run_folder import prepare_out

ADAPTERS = Path(__file__).parent / "rtl"
FRONT_ENDS = ("auto", "verilator", "cocotb")


def cosim_command(
    top: str,
    sources: Sequence[Path],
    test: str,
    config: Path,
    out: Path,
    *,
    settings: Sequence[str] = (),
    seed: int | None = None,
    testcase: str | None = None,
    parameters: Sequence[str] = (),
    defines: Sequence[str] = (),
    includes: Sequence[Path] = (),
    arguments: Sequence[str] = (),
    simulator: str = "verilator",
    front_end: str = "auto",
    limits: Limits = NO_LIMITS,
    plots: bool = True,
) -> int:
    """Run the tests; write ``out`` and print what matters. Returns how many failed. Raises ConfigError."""
    loaded = load(config, settings=settings, seed=seed)
    check_config(loaded)
    sources = [_found(source) for source in sources]
    for parameter in parameters:
        if "=" not in parameter:
            raise ConfigError("no value; write NAME=VALUE", key=f"--parameter {parameter}")
    if front_end not in FRONT_ENDS:
        raise ConfigError(
            f"is not known; write one of {', '.join(FRONT_ENDS)}", key=f"--front-end {front_end}"
        )
    module, path = bench_of(test)
    _check_simulator(simulator)
    prepare_out(out)
    design = Design(top, tuple(sources), tuple(parameters), tuple(defines), tuple(includes), tuple(arguments))
    seed_used = loaded.simulation.seed
    bench = Bench(design, module, path, testcase, simulator, front_end, seed_used, limits)
    failed = run_bench(bench, loaded, out, plots=plots)
    console = output_console()
    runs = told(out)
    if not runs and not failed:
        print(f"no test has made a System, so there is nothing of {config} in {out}", file=sys.stderr)
    for _, result in runs:
        print_run(console, Run.of(result), out)
    if (out / "failure.vcd").is_file():
        print(f"waveform of the end of the run: {out / 'failure.vcd'}")
    return failed


def _found(source: Path) -> Path:
    """Return where a source is: of the user's, or an adapter of ours. Raises ConfigError."""
    if source.is_file():
        return source
    adapters = {path.name: path for path in sorted(ADAPTERS.glob("*.sv"))}
    if str(source) not in adapters:
        names = ", ".join(adapters)
        message = f"no such file; write a source of the design, or an adapter: {names}"
        raise ConfigError(message, key=f"--sources {source}")
    return adapters[str(source)]


def _check_simulator(name: str) -> None:
    """Raise ConfigError unless cocotb knows the simulator and it can be found."""
    try:
        from cocotb_tools.runner import get_runner
    except ImportError:
        raise ConfigError("cocotb is missing; pip install cocotb", key="--simulator") from None
    try:
        get_runner(name)
    except (ValueError, NotImplementedError, SystemExit):
        programs = {"icarus": "iverilog", "questa": "vsim"}
        there = shutil.which(programs.get(name, name)) is not None
        what = "not one of cocotb's" if there else "not found"
        message = f"{what}; write one that is installed, such as verilator"
        raise ConfigError(message, key=f"--simulator {name}") from None
