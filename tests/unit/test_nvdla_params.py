"""An accelerator's numbers: what the preset gives, what a config may replace, what cannot be."""

import pytest

from hw_models.nvdla.params import Nvdla
from hw_models.nvdla.presets import PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_gives_every_number(preset):
    values = Nvdla.model_validate({"preset": preset}).values()
    assert values == {name: int(value) for name, value in PRESETS[preset].items()} | {
        "id_limit": 0,
        "cvsram": 0,
    }


def test_a_config_replaces_numbers_of_the_preset():
    values = Nvdla.model_validate({"preset": "nv_large", "cbuf_banks": 8}).values()
    assert values == Nvdla.model_validate({"preset": "nv_large"}).values() | {"cbuf_banks": 8}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("atomic_c", 7, "atomic_c 7 is not a power of two"),
        ("atomic_k", 64, "atom_bytes 32 is not atomic_k 64; an atom is a kernel group: change both"),
        ("dbb_bytes", 16, "an atom of 32 B does not fit dbb_bytes 16 and cbuf_entry_bytes 64"),
    ],
)
def test_sizes_that_do_not_fit_each_other_are_refused(field, value, said):
    with pytest.raises(ValueError, match=said):
        Nvdla.model_validate({"preset": "nv_large", field: value})


def test_nv_small_256_is_nv_small_with_a_wider_array():
    """Its specification file (branches master and nv_small): no EW, single beats, LATENCY_64 over 64 bits."""
    wider = {"atomic_c": 32, "cbuf_entry_bytes": 32, "cbuf_depth": 128}
    assert PRESETS["nv_small_256"] == PRESETS["nv_small"] | wider
