"""Values that contradict each other and files of traces that are wrong: what each is told."""

import pytest
from pydantic import ValidationError

from hw_models.axi.params import External
from hw_models.cache.params import Cache
from hw_models.cpu.params import Core, Corunner
from hw_models.dram.params import Dram
from hw_models.errors import ConfigError
from hw_models.flash.params import Flash
from hw_models.ideal.params import IdealMemory
from hw_models.interconnect.params import Interconnect
from hw_models.nvdla.params import Nvdla
from hw_models.nvdla.values.memory import Memory
from hw_models.replay.params import Replay
from hw_models.roofline.params import Roofline
from hw_models.systolic.params import Systolic
from workloads.bus.params import TraceJob
from workloads.bus.table import read_table
from workloads.llm.activity import Activity
from workloads.llm.kv_rules import KvRule
from workloads.llm.recorded import HEADER, read_recorded
from workloads.llm.serve_params import Requests
from workloads.params import NetworkJob, NetworkStorage
from workloads.traces.cfg import read_cfg
from workloads.traces.images import load_image
from workloads.traces.txn import read_txn

HEAD = ",".join(HEADER) + "\n"
VALUES = [
    (External, {"kind": "external", "width": "48 bit"},
     "width 48 bit is none of the bus; write one of 32, 64, 128, 256, 512, 1024 bit"),
    (External, {"kind": "external", "bus": "axi4_lite", "width": "128 bit"},
     "width 128 bit is none of axi4_lite; write 32 bit or 64 bit"),
    (Cache, {"size": "64 GiB"}, "134217728 sets are too many; write a size of at most 536870912 B"),
    (Cache, {"size": "64 KiB", "ports": 3}, "ports=3 is not a power of two"),
    (Cache, {"size": "64 KiB", "banks": 3, "ports": 1}, "128 sets do not divide into banks=3"),
    (Cache, {"size": "64 KiB", "banks": 2, "ports": 4}, "banks=2 do not divide into ports=4"),
    (Cache, {"size": "64 KiB", "bypass": {"nvdla0": [99]}},
     "bypass of nvdla0 needs streams from 0 to 31, not [99]"),
    (Core, {"clock": "1 GHz", "l1": "12 KiB", "l1_ways": 4},
     "l1 has 48 sets; the number of sets is a power of two"),
    (Corunner, {"on": "core0", "footprint": "1 MiB", "busy": "1 us"},
     "busy and idle go together: give both or neither"),
    (Dram, {"standard": "DDR4-2400", "scheduler": "bank_round_robin", "power_down_after": "100 cycles"},
     "bank_round_robin knows no power-down; leave power_down_after out"),
    (Dram, {"standard": "LPDDR4-3200", "scheduler": "bank_round_robin", "refresh": "per_bank"},
     "bank_round_robin refreshes whole ranks; write refresh: all_bank or none"),
    (Dram, {"standard": "DDR4-2400", "window": 1, "protect": "all_hits"},
     "protect all_hits keeps a row open for hits that window 1 does not show; write window: 64, or "
     "protect: older_hits or none"),
    (Flash, [], "Input should be a valid dictionary or instance of Flash"),
    (Flash, {"preset": "m1_max_ssd", "page": "12 KiB"}, "page of 12288 B; write a power of two"),
    (Flash, {"preset": "m1_max_ssd", "writable": True, "blocks": 1048576},
     "more than 16777216 blocks in all, of each of which tables are kept; write fewer"),
    (Flash, {"preset": "m1_max_ssd", "sequential_chunk": "4 GiB"},
     "sequential_chunk of 4294967296 B; write at most 66830336 B"),
    (IdealMemory, {"bandwidth": "0 B/cycle"}, "bandwidth must be at least 1 B/cycle"),
    (IdealMemory, {"bandwidth": "8 B/cycle", "read_beat_interval": "2 cycles"},
     "give either bandwidth or the beat intervals, not both"),
    (IdealMemory, {"latency": "0.5 cycles"},
     "'0.5 cycles' is not a whole number of cycle; write a number and one of cycle, cycles"),
    (IdealMemory, {"latency": "9223372036854775807 cycles"},
     "'9223372036854775807 cycles' is too large a number of cycles; write at most 100000000 cycle"),
    (IdealMemory, {"latency": "%s cycles" % ("1" * 200)},
     "'1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111'... "
     "is not a number of cycles; write a number and one of cycle, cycles"),
    (Interconnect, {"hub": {"line": "48 B"}}, "line 48 B is not a power of two"),
    (Interconnect, {"arbitration": "tdm"},
     "arbitration tdm and a list tdm of the slots' owners go together"),
    (Interconnect, {"width": "12 B"}, "width 12 B is not a power of two"),
    (Interconnect, {"arbitration": "tdm", "tdm": ["a"], "tdm_slot": "1 cycles", "burst": "64 B",
     "width": "8 B"}, "tdm_slot 1 cycles is shorter than a burst of 8 cycles"),
    (Nvdla, [], "Input should be a valid dictionary or instance of Nvdla"),
    (Nvdla, {"preset": "nv_small", "pdp_elements": 64},
     "pdp_elements 64 is more than an atom of 8 B, which takes at least a cycle; write at most 8"),
    (Replay, {"kind": "replay", "clock": "1 GHz", "port": "12 B"}, "port 12 B is not a power of two"),
    (Systolic, {"kind": "systolic", "port": "12 B"}, "port 12 B is not a power of two"),
    (Systolic, {"kind": "systolic", "port": "64 B", "burst": "32 B"}, "burst 32 B is less than port 64 B"),
    (Systolic, {"kind": "systolic", "weights": "64 B"},
     "weights 64 B hold no two tiles of the array; write 512 B or more"),
    (TraceJob, {"trace": "a.txt", "on": "r0"},
     "'a.txt' is no bus trace; write a file .csv, .csv.gz, .vcd, .vcd.gz, .fst"),
    (Activity, {"active": [0.1], "hot": 0.9, "context_rate": 0.4, "persistence": 0.1},
     "active 0.1 does not cover hot 0.9 at hot_rate 0.93"),
    (KvRule, {"width": "120 %"},
     "'120 %' is no share; write more than 0 % and at most 100 %, such as 25 %"),
    (KvRule, {"width": True}, "True is no share; write more than 0 % and at most 100 %, such as 25 %"),
    (KvRule, {"layers": True}, "True is no choice; write numbers such as [0, 4], 8-15, every 4, or 25 %"),
    (KvRule, {"layers": "a few"},
     "'a few' is no choice; write numbers such as [0, 4], 8-15, every 4, or 25 %"),
    (KvRule, {"bits": "many"},
     "'many' are no bits of a value; write a number such as 4.5, or a data type: int4, fp8"),
    (KvRule, {"bits": 100},
     "100 are no bits of a value; write a number such as 4.5, or a data type: int4, fp8"),
    (KvRule, {"share": {"layers": 2}, "owner": 1}, "share and owner; write one of them"),
    (KvRule, {"owner": 1, "stored": False}, "owner, and what stays of it; write a rule for each"),
    (Requests, {}, "found neither of trace and rate; write one of them"),
    (Requests, {"trace": "a.csv", "rate": "3 /min"}, "found both of trace and rate; write one of them"),
    (Requests, {"trace": "a.csv", "turns": 2},
     "a trace has its own turns and beginnings; write a rate instead"),
    (Requests, {"rate": "3 /min", "count": 3, "turns": 2, "prefix": 16},
     "found both turns and prefix; write one of them"),
    (Requests, {"rate": "3 /min"}, "requests that are drawn need a count; write count: 300"),
    (NetworkJob, {"on": "a", "network": "a.onnx", "input": {}},
     "found no input; write {NAME: [1, 3, 640, 640]}, or WIDTHxHEIGHT"),
    (NetworkJob, {"on": "a", "layers": []}, "found no layers; write at least one, or a network"),
    (NetworkStorage, {"record": "1 TiB", "chunk": "4 KiB"},
     "268435456 requests record a frame; write a larger chunk: at most 1048576"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "values", "message"), VALUES)
def test_values_are_told(model, values, message):
    with pytest.raises(ValidationError) as error:
        model.model_validate(values)
    assert error.value.errors()[0]["msg"].removeprefix("Value error, ") == message


def test_a_preset_that_is_no_name_is_told():
    with pytest.raises(ValidationError, match="preset 7 is not known; write one of m1_max_cpu"):
        Roofline.model_validate({"preset": 7})


def activity(path):
    return read_recorded(path, layers=2, neurons=8)


def image(path):
    return load_image(Memory(), path, 0)


FILES = [  # reader; its text, None for no file; what is said behind the file's name
    (read_cfg, "reg_write(nvdla.D_OP, 0x10000000000000000);",
     ":1: reg_write: 0x10000000000000000 is out of range; write an unsigned number of 64 bits at most"),
    (read_cfg, "reg_write(NVDLA_CDP.D_OP_ENABLE_0, 0x100000000);",
     ":1: reg_write: 0x100000000 does not fit a register of 32 bits"),
    (read_cfg, "reg_wrote(A, 1);",
     ":1: unknown command 'reg_wrote'; write one of reg_write, reg_read, reg_read_check, reg_read_expected, "
     "poll_reg_equal, poll_field_equal, mem_init, mem_load, intr_notify, sync_wait, sync_notify, check_crc, "
     "check_file, check_nothing"),
    (read_cfg, b"\xff\xfe", ": cannot be read as text; write the path of a register program"),
    (read_cfg, None, ": no such file; write the path of a register program"),
    (read_txn, "write_reg 0x1 0x2 0x3", ":1: 3 arguments; write_reg takes 2"),
    (read_txn, "write_reg zz 0x2", ":1: 'zz' is not a number; write it in hexadecimal, 0x12"),
    (read_txn, "write_rag 0x1 0x2",
     ":1: unknown command 'write_rag'; write one of write_reg, read_reg, load_mem, dump_mem, write_mem, "
     "read_mem, wait"),
    (read_txn, b"\xff\xfe", ": cannot be read as text; write the path of a register program"),
    (read_txn, None, ": no such file; write the path of a register program"),
    (image, b"\xff\xfe", ": cannot be read; a memory image is text beside its program"),
    (image, "0x12 0x3\n", ":1: '3' is not bytes in hexadecimal"),
    (image, "{offset:0x0, size:3, payload:0x1 0x2}", ":1: size:3, but 2 bytes in a packet"),
    (image, "{offset:0x0, size:2, payload:0x1 0x200}",
     ":1: a packet with what is no number; write offset and size, and bytes from 0x00 to 0xff"),
    (read_table, None, ": not a readable bus trace (No such file or directory); write csv"),
    (read_table, b"\xff\xfe",
     ": not a readable bus trace ('utf-8' codec can't decode byte 0xff in position 0: invalid start "
     "byte); write csv"),
    (read_table, "address,bytes,write,address\n", ":1: a column is written twice; write each once"),
    (read_table, "address,bytes,write\n,4,0\n", ":2: address is empty; write a number"),
    (read_table, "transaction,address,bytes,write\n1,0,4,0\n",
     ":2: transaction 1 is the 0th line; number them from 0"),
    (read_table, "address,bytes,write,after\n0,4,0,\n4,4,0,0 0 0 0 0 0 0 0 0\n",
     ":3: after names 9 transactions; write at most 4"),
    (activity, None, ": cannot be read (no such file or directory); write an activity file"),
    (activity, "token\n", ":1: first line is 'token'; write token,layer,neurons"),
    (activity, HEAD, ":1: ends after 0 of 2 layers; write every layer of every token"),
    (activity, HEAD + "0,0,1 2\n0,0,3\n", ":3: found 0,0; write token 0, layer 1 of 2"),
    (activity, HEAD + "0,0,1 2\n0,1,3\n1,0,4\n",
     ":4: ends after 1 of 2 layers; write every layer of every token"),
    (activity, HEAD + "0,0,a\n", ":2: neurons are not whole numbers; write indices"),
    (activity, HEAD + "0,0,2 1\n",
     ":2: neurons are not ascending within 0 to 7; write each index once, in order"),
    (activity, HEAD + "0,0,8\n",
     ":2: neurons are not ascending within 0 to 7; write each index once, in order"),
    (activity, HEAD + "0,0,99999999999999999999\n", ":2: neurons are not whole numbers; write indices"),
    (image, "{offset:0x0, size:1, payload:zz}",
     ":1: a packet with what is no number; write offset and size, and bytes from 0x00 to 0xff"),
    (image, "{offset:q, size:1, payload:0x1}",
     ":1: a packet with what is no number; write offset and size, and bytes from 0x00 to 0xff"),
]  # fmt: skip


@pytest.mark.parametrize(("read", "text", "message"), FILES)
def test_files_are_told_their_line(tmp_path, read, text, message):
    path = tmp_path / "file"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as error:
        read(path)
    assert str(error.value) == f"{path}{message}"
