"""Registers: the table, the two groups, look-up tables, and launches put together from op-enables."""

import numpy as np
import pytest

from hw_models.nvdla.launch import Enabler
from hw_models.nvdla.op import Unit
from hw_models.nvdla.registers import BASES, RegisterFile, by_address, fields, registers


def test_table_has_places_and_reset_values_of_the_manual():
    bank = registers()["CDMA", "D_BANK"]
    assert [(part.name, part.low_bit) for part in bank.fields] == [("DATA_BANK", 0), ("WEIGHT_BANK", 16)]
    assert registers()["CDMA", "S_ARBITER"].reset == 0x3000F
    assert registers()["SDP", "D_OP_ENABLE"].offset == 0x38
    assert fields("SDP")["CVT_SHIFT"][1].bits == 6


@pytest.mark.parametrize("layout", sorted(BASES))
def test_every_register_has_an_address_of_its_own(layout):
    assert len(by_address(layout)) == len(registers())


def test_fields_of_a_register_do_not_overlap():
    for register in registers().values():
        bits = [part.mask << part.low_bit for part in register.fields]
        assert sum(bits) == np.bitwise_or.reduce(bits) <= 0xFFFFFFFF, register


def test_producer_chooses_the_group_that_is_written():
    file = RegisterFile()
    file.write("SDP", "D_DATA_CUBE_WIDTH", 7)
    file.write("SDP", "S_POINTER", 1)
    file.write("SDP", "D_DATA_CUBE_WIDTH", 9)
    assert file.settings("SDP", 0)["WIDTH"] == 7
    assert file.settings("SDP", 1)["WIDTH"] == 9
    assert file.settings("SDP")["WIDTH"] == 9


def test_read_only_fields_and_unused_bits_keep_their_reset_value():
    file = RegisterFile()
    file.write("CDMA", "S_CBUF_FLUSH_STATUS", 0xFFFFFFFF)
    file.write("SDP", "D_CVT_SHIFT", 0xFFFFFFFF)
    assert file.shared["CDMA", "S_CBUF_FLUSH_STATUS"] == 0
    assert file.settings("SDP")["CVT_SHIFT"] == 63
    assert file.settings("SDP").raw("D_CVT_SHIFT") == 63


def test_signed_fields_and_addresses_of_two_registers():
    file = RegisterFile()
    file.write("SDP", "D_CVT_OFFSET", 0xFFFFFFFE)
    file.write("SDP", "D_DST_BASE_ADDR_LOW", 0x1000)
    file.write("SDP", "D_DST_BASE_ADDR_HIGH", 0x2)
    sdp = file.settings("SDP")
    assert sdp.signed("CVT_OFFSET") == -2
    assert sdp.address("D_DST_BASE_ADDR_LOW", "D_DST_BASE_ADDR_HIGH") == 0x2_0000_1000


def test_table_entries_go_to_rising_addresses_in_twos_complement():
    file = RegisterFile()
    file.write("CDP", "S_LUT_ACCESS_CFG", 1 << 17 | 1 << 16 | 5)
    for value in (1, 0xFFFF):
        file.write("CDP", "S_LUT_ACCESS_DATA", value)
    le, lo = file.settings("CDP").tables
    assert list(lo[5:8]) == [1, -1, 0]
    assert not le.any()


def _enable(enabler, *units):
    return [launch for unit in units for launch in enabler.write(unit, "D_OP_ENABLE", 1)]


def test_convolution_is_complete_with_its_last_unit():
    enabler = Enabler()
    enabler.write("SDP", "D_FEATURE_MODE_CFG", 1)
    assert _enable(enabler, "SDP", "CACC", "CMAC_A", "CMAC_B", "CSC") == []
    assert enabler.unfinished() == ["CACC", "CMAC_A", "CMAC_B", "CSC", "SDP"]
    (launch,) = _enable(enabler, "CDMA")
    assert launch.unit == Unit.CONV
    assert "SDP_RDMA" not in launch.units


def test_sdp_from_memory_waits_for_its_reader_and_pools_on_the_fly():
    enabler = Enabler()
    enabler.write("SDP", "D_FEATURE_MODE_CFG", 2)  # to PDP
    enabler.write("PDP", "D_OPERATION_MODE_CFG", 0)
    assert _enable(enabler, "PDP", "SDP") == []
    (launch,) = _enable(enabler, "SDP_RDMA")
    assert launch.unit == Unit.SDP
    assert set(launch.units) == {"SDP", "SDP_RDMA", "PDP"}


def test_groups_take_turns():
    enabler = Enabler()
    groups = [_enable(enabler, "CDP", "CDP_RDMA")[0].groups for _ in range(3)]
    assert [group["CDP"] for group in groups] == [0, 1, 0]


def test_bdma_launches_all_queued_copies():
    enabler = Enabler()
    for line in (1, 2):
        enabler.write("BDMA", "CFG_LINE", line)
        enabler.write("BDMA", "CFG_OP", 1)
    first, second = enabler.write("BDMA", "CFG_LAUNCH0", 1)
    assert (first["BDMA"]["SIZE"], second["BDMA"]["SIZE"]) == (1, 2)
