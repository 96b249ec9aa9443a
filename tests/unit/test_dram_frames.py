"""Bank partitioning: every owner's memory stays in its own banks, and no two owners share a frame."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.dram.params import Dram
from hw_models.errors import ConfigError
from hw_models.pages import PAGE_BYTES, REGION_SHIFT, DoesNotFit, Region, build_frames, translate
from simulator.config.model import load
from simulator.kernel import soc
from simulator.soc.build import build_machine
from simulator.soc.run import compiled, run_machine

MEMORIES = [
    {"standard": "DDR3-1600", "mapping": "row bank column"},
    {"standard": "DDR4-2400", "ranks": 2, "channels": 2},
    {"standard": "DDR4-2400", "mapping": "row:12 bank row:2 group row column, bank ^= row[2:4], group ^= row[6:7]"},
    {"standard": "LPDDR4-3200", "channels": 2, "mapping": "channel row bank:2 row:4 bank column"},
    {"standard": "HBM2-2000", "mapping": "bank group row rank column"},
]  # fmt: skip
OWNERS = {"a": [0, 1, 2], "b": [6, 4]}  # others: what is left


def located(dram: Dram, address: int) -> dict[str, int]:
    """Return the fields of a physical address, bit by bit from the mapping."""
    pieces, hashes = dram.pieces()
    fields = dict.fromkeys(("channel", "rank", "group", "bank", "row", "column"), 0)
    for piece in pieces + hashes:
        for bit in range(piece.bits):
            fields[piece.field] ^= (address >> (piece.shift + bit) & 1) << (piece.low + bit)
    return fields


def bank_of(dram: Dram, address: int) -> int:
    fields = located(dram, address)
    return fields["group"] * dram.chip.banks_per_group + fields["bank"]


@settings(max_examples=60)
@given(
    memory=st.sampled_from(MEMORIES),
    sizes=st.lists(st.integers(1, 40 * PAGE_BYTES), min_size=1, max_size=6),
    owners=st.permutations(["a", "b", "c", "a", "b", "d"]),
    offset=st.integers(0, PAGE_BYTES - 1),
)
def test_pages_lie_in_their_owner_s_banks_and_in_frames_of_their_own(memory, sizes, owners, offset):
    dram = Dram.model_validate(memory | {"partition": OWNERS})
    rest = sorted(set(range(dram.banks_of_a_rank)) - {0, 1, 2, 4, 6})
    regions = [Region(2 * i, owner, size, "") for i, (owner, size) in enumerate(zip(owners, sizes))]
    frames = build_frames(dram, regions)
    taken = set()
    for region in regions:
        banks = OWNERS.get(region.owner, rest)
        for page in range(-(-region.bytes // PAGE_BYTES)):
            physical = translate(frames, (region.number << REGION_SHIFT) + page * PAGE_BYTES + offset)
            assert bank_of(dram, physical) == banks[page % len(banks)]
            assert bank_of(dram, physical - offset) == bank_of(dram, physical | PAGE_BYTES - 1)
            assert physical % PAGE_BYTES == offset
            assert 0 <= physical < dram.capacity_bytes
            taken.add(physical // PAGE_BYTES)
    assert len(taken) == sum(-(-size // PAGE_BYTES) for size in sizes[: len(regions)])


def test_a_bank_has_its_share_of_the_memory_and_not_a_page_more():
    dram = Dram.model_validate({"standard": "LPDDR4-3200", "partition": {"a": [3]}})
    share = dram.capacity_bytes // 8
    whole = build_frames(dram, [Region(0, "a", share, "jobs.x")])
    assert translate(whole, share - 1) < dram.capacity_bytes
    message = r"^4096 B do not fit the 0 B that are left in banks \[3\] of a; write more banks under .*$"
    with pytest.raises(DoesNotFit, match=message) as caught:
        build_frames(dram, [Region(0, "a", share, "jobs.x"), Region(1, "a", 4096, "jobs.y")])
    assert caught.value.key == "jobs.y"


SYSTEM = {
    "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "500 MHz"}},
    "cores": {name: {"clock": "1 GHz", "outstanding": 4} for name in ("core0", "core1", "core2")},
    "interconnect": {"clock": "400 MHz", "width": "8 B"},
    "llc": {"size": "32 KiB", "ways": 4},
    "dram": {"standard": "LPDDR4-3200", "partition": {"nvdla0": [1, 6], "core1": [0, 2, 3]}},
}
LAYER = {"conv": {"input": [12, 12, 32], "kernels": 48, "kernel": "3x3", "padding": 1}}
JOB = {"net": {"on": "nvdla0", "fallback": "core0", "layers": [LAYER]}}
BANKS = {"nvdla0": {1, 6}, "core1": {0, 2, 3}, "core2": {4, 5, 7}}


def config_of(*active: str, **dram) -> dict:
    corunners = [
        {"on": name, "kind": kind, "footprint": "96 KiB"}
        for name, kind in (("core1", "bandwidth_write"), ("core2", "bandwidth_read"))
        if name in active
    ]
    return {
        "system": SYSTEM | {"dram": SYSTEM["dram"] | dram},
        "workloads": JOB if "nvdla0" in active else {},
        "corunners": corunners,
        "simulation": {} if "nvdla0" in active else {"until": "50 us"},
    }


def commanded_banks(config: dict) -> set[int]:
    """Run to the end; return the banks that ACT, RD and WR in the command log name."""
    machine = build_machine(load(config))
    until = machine.config.simulation.until
    limit_fs = until if isinstance(until, int) else 10**16  # 10 s
    channel = machine.channels[0]
    channel["log_on"] = 1
    banks: set[int] = set()
    arguments, status = compiled(machine), soc.RUNNING
    while status == soc.RUNNING:
        status = soc.run(*arguments, limit_fs, 8)
        log = channel["log"][: channel["log_count"]]
        assert len(log) < len(channel["log"])  # none was held back
        assert (log["group"] <= 0).all()  # LPDDR4 has no bank groups
        banks |= set(log["bank"][np.isin(log["command"], (1, 2, 3, 13, 14))].tolist())
        channel["log_count"] = 0
    return banks


@pytest.mark.parametrize("active", [("nvdla0",), ("core1",), ("core2",), ("core1", "core2")])
def test_the_command_log_names_only_banks_of_the_owners(active):
    assert commanded_banks(config_of(*active)) == set().union(*(BANKS[name] for name in active))


def test_without_a_partition_the_same_masters_share_banks():
    nvdla, core = (commanded_banks(config_of(name, partition={})) for name in ("nvdla0", "core1"))
    assert nvdla & core


def row_conflicts(partition: dict) -> int:
    """Return the cycles that the owners wait for rows opened by one another."""
    machine = build_machine(load(config_of("nvdla0", "core1", "core2", partition=partition)))
    run_machine(machine)
    blame = machine.channels[0]["blame"][:, :, 5]
    owner = [0, 0, 2, 3]  # nvdla0, core0 (works in nvdla0's memory), core1, core2
    return sum(int(blame[v, c]) for v in range(4) for c in range(4) if owner[v] != owner[c])


def test_nobody_waits_for_a_row_that_another_owner_opened():
    assert row_conflicts(SYSTEM["dram"]["partition"]) == 0
    assert row_conflicts({}) > 0


def test_the_same_config_runs_the_same_whatever_the_order_of_the_partition():
    runs = []
    for names in (["nvdla0", "core1"], ["nvdla0", "core1"], ["core1", "nvdla0"]):
        partition = {name: SYSTEM["dram"]["partition"][name] for name in names}
        machine = build_machine(load(config_of("nvdla0", "core1", "core2", partition=partition)))
        run_machine(machine)
        runs.append((machine.latencies.tolist(), machine.channels[0]["blame"].tobytes()))
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"partition": {"nvdla": [0]}},
            "system.dram.partition.nvdla: 'nvdla' is not known; did you mean 'nvdla0'?",
        ),
        (
            {"partition": {"nvdla0": [0, 8]}},
            "system.dram: partition of nvdla0 needs different banks from 0 to 7, not [0, 8]",
        ),
        (
            {"partition": {"nvdla0": []}},
            "system.dram: partition of nvdla0 needs different banks from 0 to 7, not []",
        ),
        (
            {"partition": {"nvdla0": [1, 1]}},
            "system.dram: partition of nvdla0 needs different banks from 0 to 7, not [1, 1]",
        ),
        (
            {"mapping": "row column:1 bank column"},
            "system.dram: partition needs banks that change between pages, yet in mapping 'row column:1 bank column' "
            "address bit 11, inside a page of 4096 B, has a say in the bank; "
            "write for instance mapping: row rank bank group column",
        ),
        (
            {"standard": "DDR4-2400", "mapping": "row bank group column, bank ^= group[0:2]"},
            "system.dram: partition needs banks hashed with rows only, yet mapping 'row bank group column, "
            "bank ^= group[0:2]' hashes bank with group; write for instance bank ^= row[0:2]",
        ),
        (
            {"partition": {"nvdla0": [0, 1, 2, 3], "core1": [4, 5, 6, 7]}},
            "corunners.1.footprint: core2 has no banks: those of system.dram.partition are all of others; "
            "leave some out, or write core2: [...] there",
        ),
    ],
)  # fmt: skip
def test_a_partition_that_cannot_be_is_told_in_one_line(changes, message):
    with pytest.raises(ConfigError) as caught:
        build_machine(load(config_of("nvdla0", "core1", "core2", **changes)))
    assert str(caught.value) == message


@pytest.mark.parametrize("memory", MEMORIES)
def test_the_mapping_that_an_error_proposes_works(memory):
    refused = memory | {"mapping": "row rank column bank group", "partition": {"a": [0]}}
    with pytest.raises(ValueError, match="write for instance mapping: ") as caught:
        Dram.model_validate(refused)
    proposed = caught.value.errors()[0]["msg"].partition("mapping: ")[2]
    Dram.model_validate(refused | {"mapping": proposed})


def test_a_co_runner_that_does_not_fit_its_banks_is_told():
    config = config_of("nvdla0", "core1", partition={"core1": [0]})
    config["corunners"][0]["footprint"] = "300 MiB"
    with pytest.raises(ConfigError) as caught:
        build_machine(load(config))
    assert str(caught.value) == (
        "corunners.0.footprint: 314572800 B do not fit the 268435456 B that are left in banks [0] of core1; "
        "write more banks under system.dram.partition, or a larger memory"
    )


def test_page_frames_anywhere_in_a_memory_stay_in_their_banks():
    config = config_of("core1")
    config["corunners"][0]["frames"] = "16 MiB"
    assert commanded_banks(config) == BANKS["core1"]
    config["corunners"][0]["frames"] = "2 GiB"  # of a DRAM of which it has three banks in eight
    with pytest.raises(ConfigError, match=r"corunners.0.frames: "):
        build_machine(load(config))
