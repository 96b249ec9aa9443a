"""Systems and jobs that do not go together: what each is told, in a line that names the key."""

import pytest

from hw_models.errors import ConfigError, ConfigErrors
from simulator.config.model import load
from simulator.config.networks import check_networks
from simulator.soc.build import build_machine

CORE, DRAM, FLASH = {"clock": "1 GHz"}, {"standard": "DDR4-2400"}, {"preset": "m1_max_ssd"}
NET = {"on": "nvdla0", "layers": [{"conv": {"input": [8, 6, 6], "kernels": 16, "kernel": 3}}]}
SOFTMAX = {"on": "nvdla0", "layers": [{"softmax": {"input": [8, 6, 6]}}]}
WALK, SRAM = {"on": "core0", "footprint": "1 MiB"}, {"size": "64 KiB", "at": "512 GiB"}
USUAL = {
    "accelerators": {"nvdla0": {"preset": "nv_small"}},
    "cores": {"core0": CORE},
    "interconnect": {},
    "dram": DRAM,
}
TOLD = [  # parts of the system, the rest of the config, what is said
    ({"interconnects": {"spare": {"below": "interconnect"}}}, {},
     "system.interconnects.spare: nothing is above it; write below: spare where its requests come from"),
    ({"interconnect": {"below": ["dram", "dram"], "interleave": "4 KiB"}}, {},
     "system.dram: interconnect are above it, and it has one port; write an interconnect in "
     "between\nsystem.interconnect.below: names one thing twice; write each once"),
    ({"interconnect": {"below": ["dram", "m"], "interleave": "3 KiB"},
     "memories": {"m": {"size": "1 GiB"}}}, {},
     "system.interconnect.interleave: 3072 B is not a power of two of at least 64 B; write 4 KiB"),
    ({"interconnect": {"below": ["dram", "m"], "interleave": "4 KiB"}, "memories": {"m": SRAM}}, {},
     "system.interconnect.interleave: memories with at: are below it, which have their own addresses; "
     "leave one of the two out"),
    ({"cores": {f"c{i}": CORE for i in range(64)}}, {},
     "system: 65 masters are too many; write at most 64"),
    ({"accelerators": {"nvdla0": {"preset": "nv_full", "cvsram": "nothing"}}}, {},
     "system.accelerators.nvdla0.cvsram: 'nothing' is not known; write one of dram, interconnect"),
    ({"accelerators": {"nvdla0": {"kind": "nothing"}}}, {},
     "system.accelerators.nvdla0.kind: 'nothing' is not known; write one of nvdla, systolic, replay"),
    ({"cores": {"core 0": CORE}}, {},
     "system.cores.core 0: 'core 0' is not a name; write letters, digits, _ and -, starting with a letter"),
    ({}, {"workloads": {"net": SOFTMAX}},
     "workloads.net.fallback: layer 'softmax_0' (softmax) needs a core; add `fallback: CORE` with the "
     "name of one"),
    ({}, {"workloads": {"net": NET}, "corunners": [WALK, WALK]},
     "corunners: two co-runners on core0; a core runs one"),
    ({}, {"workloads": {"net": NET | {"place": {"weights": "m"}}}},
     "workloads.net.place.weights: 'm' is no memory with addresses of its own below nvdla0; there is "
     "none; write at: for a memory below it"),
    ({"dram": DRAM | {"partition": {"nvdla0": [0, 1]}}, "memories": {"m": SRAM},
     "interconnect": {"below": ["dram", "m"]}}, {"workloads": {"net": NET | {"place": {"weights": "m"}}}},
     "workloads.net.place: goes with no system.dram.partition; write one of the two"),
    ({"flash": FLASH}, {"workloads": {"net": NET | {"storage": {"record": "1 MiB"}}}},
     "system.flash.writable: records, and the device can only be read; write writable: true"),
    ({"flash": FLASH | {"blocks": 4, "pages": 4, "page": "4 KiB", "channels": 1, "chips": 1, "dies": 1,
     "planes": 1}}, {"workloads": {"net": NET | {"storage": {"weights": "flash"},
     "layers": [{"fc": {"input": [4096, 1, 1], "kernels": 4096}}]}}},
     "system.flash: net needs 16777216 B on flash; 57344 B are left"),
    ({"flash": FLASH, "memories": {"m": SRAM}, "interconnect": {"below": ["dram", "m"]}},
     {"workloads": {"net": NET | {"storage": {"weights": "flash"}, "place": {"weights": "m"}}}},
     "workloads.net.place.weights: weights come from flash into DRAM; write one of the two"),
    ({"cores": {"flash": CORE}, "flash": FLASH},
     {"workloads": {"net": NET | {"storage": {"weights": "flash"}}}},
     "system.cores.flash: 'flash' is the name of the DMA of flash; choose another"),
    ({"cores": {"core0": CORE}, "flash": FLASH},
     {"workloads": {"net": NET | {"storage": {}}}, "corunners": [{"on": "flash", "footprint": "4 KiB"}]},
     "corunners.0.on: 'flash' is the name of the DMA of flash; choose another"),
]  # fmt: skip


def built(parts, rest):
    config = load({"system": USUAL | parts} | rest)
    check_networks(config)
    return build_machine(config)


@pytest.mark.parametrize(("parts", "rest", "message"), TOLD)
def test_what_does_not_go_together_is_told(parts, rest, message):
    with pytest.raises((ConfigError, ConfigErrors)) as error:
        built(parts, rest)
    assert str(error.value) == message
