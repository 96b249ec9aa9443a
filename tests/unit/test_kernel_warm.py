"""The second compiler works on the very types of the event loop, or it would be work for nothing."""

import pytest

from hw_models.cache import block as cache
from hw_models.dram import block as controller
from hw_models.interconnect import block as bus
from hw_models.jit import numba, prepared
from simulator.config.model import load
from simulator.kernel.warm import compile_memory_side, is_cold
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

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
    run_machine(build_machine(load(CONFIG)))
    assert not is_cold()
    entries = (bus.accept, bus.advance, bus.respond, cache.accept, cache.advance, cache.respond)
    entries += (controller.accept, controller.advance)
    before = [prepared(entry) for entry in entries]
    compile_memory_side()
    assert [prepared(entry) for entry in entries] == [max(1, count) for count in before]
