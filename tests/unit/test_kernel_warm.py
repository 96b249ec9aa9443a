"""The second compiler works on the very types of the event loop, or it would be work for nothing."""

import pytest

from hw_models import kernel_levels
from hw_models.jit import numba
from simulator.config.model import load
from simulator.kernel import soc, warm
from simulator.kernel.loop_types import loop_types
from simulator.kernel.nodes import settle_cache, settle_dram
from simulator.kernel.warm import compile_cores, compile_masters, compile_memory_side, is_cold, kinds_of
from simulator.results import summary
from simulator.soc.build import build_machine
from simulator.soc.run import compiled

CONFIG = {
    "system": {
        "accelerators": {"nvdla0": {"preset": "nv_small"}},
        "interconnect": {},
        "llc": {"size": "16 KiB"},
        "dram": {"standard": "DDR3-1600"},
    },
    "workloads": {
        "net": {"on": "nvdla0", "layers": [{"conv": {"input": [4, 4, 8], "kernels": 8, "kernel": 1}}]}
    },
}


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_the_memory_side_is_compiled_once_for_both():
    machine = build_machine(load(CONFIG))
    arguments = compiled(machine)
    assert not is_cold()
    systems, measures, nodes, *others = arguments
    inside = nodes._replace(wires=nodes.wires[0], buses=nodes.buses[0])
    assert tuple(map(numba.typeof, (systems[0], measures, inside, *others, 0, 0))) == loop_types()
    soc.step_events.part.compile(loop_types())  # tells the units the loop's types
    kinds, masters = kinds_of(machine.system)
    compile_memory_side(kinds)  # of other types: a TypeError
    compile_masters(masters, arguments[1], arguments[3])
    compile_cores()
    summary.settle(machine)
    assert len(settle_dram.signatures) == len(settle_cache.signatures) == 1


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_nothing_is_cold_where_the_package_comes_with_the_event_loop(tmp_path, monkeypatch):
    came = kernel_levels.Shipped(tmp_path / "package", "any")
    cache, packaged = tmp_path / "soc-0", came.folder / "soc-0"
    cache.mkdir()
    packaged.mkdir(parents=True)
    monkeypatch.setattr(warm, "folder_of", lambda path: cache)
    monkeypatch.setattr(kernel_levels, "shipped", lambda: came)
    assert is_cold()
    (packaged / "unit.soc.step_events-1.nbc").touch()
    assert not is_cold()
