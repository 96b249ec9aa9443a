"""Numbers, lists and anchors that no machine can count or hold: one line each, in little time and memory."""

import pytest

from hw_models.errors import ConfigError
from simulator.config.model import load

CONFIG = {
    "system": {"accelerators": {"nvdla0": {}}, "dram": {"standard": "DDR3-1600"}},
    "workloads": {"j0": {"on": "nvdla0", "layers": [{"pool": {"input": [4, 4, 8]}}]}},
}
DIGITS = "9" * 5000
TOO_LARGE = "is too large; write at most 9223372036854775807"
ALIASES = (
    "{" + ", ".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9 if n else ['1'])}]" for n in range(12)) + "}"
)

TOLD = {
    f"simulation.seed={DIGITS}": f"simulation.seed: a number of 5000 digits {TOO_LARGE}",
    f"simulation.seed=0x{DIGITS}": f"a number of 5001 digits {TOO_LARGE}",
    "simulation.seed=9223372036854775808": f"simulation.seed: a number of 19 digits {TOO_LARGE}",
    "simulation.seed=²": "simulation.seed: found the text '²'; write a whole number",
    "workloads.j0.layers.²=3": "workloads.j0.layers.²: '²' is not an item of a list of 1; write a number from 0",
    f"workloads.j0.layers.{DIGITS}=3": "is not an item of a list of 1; write a number from 0",
    f"system.accelerators.nvdla0.clock={DIGITS} GHz": "is not a clock frequency; write a number and one of Hz",
    "system.accelerators.nvdla0.clock=1e999999999 GHz": "is not a clock frequency; write a number and one of Hz",
    "system.dram.write_high=1e999": f"system.dram.write_high: 1e999 {TOO_LARGE}",
    f"workloads.j0.layers={'[' * 1800}{']' * 1800}": "workloads.j0.layers: ",
    f"workloads.j0.layers={'[' * 200}{']' * 200}": "nested more than 100 deep; write at most that",
    "workloads.j0.layers=&a [*a]": "nested more than 100 deep; write at most that",
    f"workloads.j0={ALIASES}": "more than 1000000 values, aliases written out; write fewer",
    "system.dram.timing={tREFI: 0}": "timing tREFI 0 is no longer than tRFC 208: there is time for nothing but "
    "refreshes; write tREFI: 2080, or refresh: none",
    "workloads.j0.frames=1000000": "workloads.j0.frames: 1000000 is too large; write at most 100000",
}


@pytest.mark.parametrize("setting", TOLD, ids=lambda text: text[:40])
def test_told_in_one_short_line(setting):
    with pytest.raises(ConfigError) as error:
        load(CONFIG, settings=[setting])
    said = str(error.value)
    assert TOLD[setting] in said
    assert "\n" not in said
    assert len(said) < 500


def test_numbers_of_python_too():
    with pytest.raises(ConfigError, match="a number is too large"):
        load(CONFIG | {"simulation": {"seed": 2**64}})
