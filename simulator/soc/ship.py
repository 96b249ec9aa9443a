"""Compile the kernels that a package comes with: `python -m simulator.soc.ship LEVEL`.

`DLASIM_KERNELS=LEVEL pip install .` runs it on what is about to be installed (setup.py). Each of the commands
below has a cache with nothing in it but what those before compiled; what they leave goes to the package, but
for parts: whoever compiles a design's own code compiles them.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hw_models.errors import ConfigError
from hw_models.kernel_levels import LEVELS, folder_for
from hw_models.limits import NARROW, VARIABLE, WIDE
from simulator.config.errors import not_one_of

UNITS = "from simulator.soc.ship import compile_units; compile_units()"
COMMAND = "from simulator.cli.start import main; main()"
COMMANDS = (
    "run nv_small_tiny --values --no-plots",
    "run clusters --set simulation.until=1us --no-plots",
    "run camera_and_llm --set simulation.until=1ms --no-plots",
    "run llm_in_a_flash_naive --no-plots",
    "run llm_kv_spill --no-plots",
    "run llm/batch_llm --no-plots",
    "trace dram dram/ddr4_2400_ramulator2 requests.trc",
)
REQUESTS = "0x0 READ 0\n0x40 WRITE 10\n"


def compile_units() -> None:
    """Compile all units, and what Python calls in every run."""
    import simulator
    from simulator.kernel import masters, warm
    from simulator.kernel.soc_state import Kind
    from simulator.soc.build import build_machine
    from simulator.soc.run import kernel_arguments

    simulator.run("nv_small_tiny")
    _, measures, _, fleets, _ = kernel_arguments(build_machine(simulator.load("nv_small_tiny")))
    warm.compile_memory_side(set(Kind))
    warm.compile_masters(set(masters.Kind), measures, fleets)


def compile_for(level: str, work: Path) -> Path:
    """Return a folder in ``work`` with all that the commands need compiled. Raises CalledProcessError."""
    package, others = str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, (package, others))),
        "DLASIM_CACHE_DIR": str(work / "cache"),
        "DLASIM_TUNE": "0",
        "NUMBA_CPU_NAME": LEVELS[level].processor,
        "NUMBA_CPU_FEATURES": "",
    }
    (work / "requests.trc").write_text(REQUESTS)
    runs = [([UNITS], most) for most in (NARROW, WIDE)]
    runs += [([COMMAND, *each.split(), "--out", f"out{i}"], NARROW) for i, each in enumerate(COMMANDS)]
    for words, most in runs:
        subprocess.run(
            [sys.executable, "-c", *words],
            cwd=work,
            env=environment | {VARIABLE: str(most)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    return work / "cache"


def ship(level: str) -> None:
    """Put kernels for a level of processors into the package. Raises ConfigError, CalledProcessError."""
    if level not in LEVELS:
        raise ConfigError(not_one_of(level, list(LEVELS)), key="DLASIM_KERNELS")
    if LEVELS[level].lacks:
        lacking = ", ".join(LEVELS[level].lacks)
        raise ConfigError(f"this machine is no {level}: it has no {lacking}", key="DLASIM_KERNELS")
    shutil.rmtree(folder_for(level).parent, ignore_errors=True)
    with tempfile.TemporaryDirectory() as work:
        cache = compile_for(level, Path(work))
        for path in sorted(cache.rglob("*.nbc")):
            if not path.name.startswith("part."):
                target = folder_for(level) / path.relative_to(cache)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


if __name__ == "__main__":
    try:
        ship(sys.argv[1])
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
