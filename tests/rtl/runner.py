"""Builds a design with the Verilator of the Python package and runs its cocotb tests."""

import os
from pathlib import Path

from cocotb_tools.runner import get_results, get_runner

from simulator.cosim_blocks.build import verilator_environment

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def build(source: Path, top: str, folder: Path):
    """Return a runner with ``source`` compiled into ``folder``, without any warning."""
    runner = get_runner("verilator")
    with verilator_environment():
        runner.build(sources=[source], hdl_toplevel=top, build_dir=folder, build_args=["-Wall"], always=True)
    return runner


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
