"""Flash parameters: presets, overrides, tables, and what is refused."""

import pytest
from pydantic import ValidationError

from hw_models.flash.params import Flash
from hw_models.flash.tables.links import LINKS
from hw_models.flash.tables.nand import BUSES, CELLS
from hw_models.flash.tables.presets import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_complete_and_survives_a_round_trip(name):
    params = Flash(preset=name)
    assert Flash.model_validate(params.model_dump(mode="json", by_alias=True)) == params


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_type_gives_its_times(cell):
    params = Flash(preset="m1_max_ssd", cell=cell)
    assert params.read_fs < params.program_fs < params.erase_fs


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("bus", BUSES)
def test_every_link_and_bus_can_be_named(link, bus):
    params = Flash(preset="m1_max_ssd", link=link, bus=bus)
    assert params.link_bytes_per_s > 10**9
    assert params.bus_bytes_per_s >= 50 * 10**6


def test_what_is_given_wins_over_preset_and_tables():
    params = Flash(preset="m1_max_ssd", read_time="33 us", link_rate="3 GB/s", host={"serial": "1 us"})
    assert (params.read_fs, params.link_bytes_per_s) == (33 * 10**9, 3 * 10**9)
    assert params.host.serial_fs == 10**9
    assert params.host.submit_fs == 3 * 10**9  # the preset's


def test_capacity_is_what_over_provisioning_leaves():
    params = Flash(preset="mqsim_default")
    assert params.physical_pages * params.page_bytes == 512 * 2**30
    assert params.capacity_bytes == 512 * 2**30 * 93 // 100 // 8192 * 8192


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "m3"}, "'m3' is not a known preset; known: mqsim_default, m1_max_ssd"),
        ({"bus": "warp"}, "'warp' is not a known bus; known: sdr_50"),
        ({"link": "sata"}, "'sata' is not a known link; known: mqsim_pcie"),
        ({"page": 4096}, "4096 is not a size"),
        ({"overprovisioning": "7"}, "'7' is not a percentage; write a number and one of %"),
        ({"channels": 32, "chips": 8}, "1024 dies; at most 256 are modelled"),
        ({"independent_dies": False}, "suspend needs independent_dies: true"),
        (
            {"writable": True, "blocks": 16},
            "overprovisioning leaves 1 spare blocks in a plane; writing needs 3",
        ),
        ({"read_time": "1 fs"}, "read_fs must be whole picoseconds"),
    ],
)
def test_mistakes_are_refused(changes, message):
    with pytest.raises(ValidationError) as error:
        Flash(**{"preset": "m1_max_ssd", **changes})
    assert message in str(error.value)
