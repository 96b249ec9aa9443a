"""The AXI checker: each rule broken on purpose is named with its channel and cycle; legal traffic is not."""

import random

import pytest

from simulator.cosim.axi_checker import AxiChecker
from simulator.cosim.axi_rules import RULES, Version

AR = {
    "arvalid": 1,
    "arready": 1,
    "arid": 1,
    "araddr": 0x1000,
    "arlen": 1,
    "arsize": 3,
    "arburst": 1,
    "arlock": 0,
    "arcache": 3,
}
AW = {name.replace("ar", "aw", 1): value for name, value in AR.items()}
R0, R1 = ({"rvalid": 1, "rready": 1, "rid": 1, "rdata": 7, "rresp": 0, "rlast": last} for last in (0, 1))
W0, W1 = ({"wvalid": 1, "wready": 1, "wdata": 5, "wstrb": 255, "wlast": last} for last in (0, 1))
B = {"bvalid": 1, "bready": 1, "bid": 1, "bresp": 0}
IDLE = {f"{channel}{name}": 0 for channel in ("ar", "aw", "r", "w", "b") for name in ("valid", "ready")}


def check(cycles, version=Version.AXI4, width=8, reset=()):
    checker = AxiChecker(width, version)
    for cycle, values in enumerate(cycles):
        checker.step({**IDLE, **values}, cycle in reset)
    return [(v.rule, v.channel, v.cycle) for v in checker.violations]


@pytest.mark.parametrize(
    "cycles",
    [
        [AR, R0, R1],
        [AW, W0, W1, B],
        [W0, W1, AW, B],  # data before their address
        [W0, {**AW, **W1}, B],
        [{**AR, "arready": 0}, AR, R0, {**R1, "rready": 0}, R1],
        [AR, {**AR, "arid": 2}, {**R0, "rid": 2}, R0, {**R1, "rid": 2}, R1],  # ids overtake each other
        [AW, {**AW, "awaddr": 0x1004, "awlen": 0}, W0, W1, {**W1, "wstrb": 0xF0}, B, B],
        [{**AR, "arburst": 2, "araddr": 0xFF8}, R0, R1],  # wraps at 4 KiB
        [{**AW, "awlen": 255, "awaddr": 0x2000}, *255 * [W0], W1, B],
        [{**AR, "arlock": 1}, {**R0, "rresp": 1}, {**R1, "rresp": 1}],
        [AR, {**R0, "rdata": None}, R1],  # unused lanes may be unknown
    ],
)  # fmt: skip
def test_legal_traffic_breaks_no_rule(cycles):
    assert check(cycles) == []


PLANTED = {
    "VALID_IN_RESET": ([AR], {"reset": [0]}, ("ar", 0)),
    "VALID_UNKNOWN": ([{"rvalid": None}], {}, ("r", 0)),
    "PAYLOAD_UNKNOWN": ([{**AR, "araddr": None}], {}, ("ar", 0)),
    "VALID_DROPPED": ([{}, {**AW, "awready": 0}, {}], {}, ("aw", 2)),
    "PAYLOAD_CHANGED": ([{**W0, "wready": 0}, {**W0, "wdata": 6}], {}, ("w", 1)),
    "BURST_RESERVED": ([{**AR, "arburst": 3}], {}, ("ar", 0)),
    "BURST_LENGTH": ([{**AR, "arlen": 16, "arburst": 0}], {}, ("ar", 0)),
    "BURST_SIZE": ([{**AR, "arsize": 4}], {}, ("ar", 0)),
    "BURST_CROSSES_4K": ([{**AW, "awaddr": 0xFF8}], {}, ("aw", 0)),
    "WRAP_LENGTH": ([{**AR, "arburst": 2, "arlen": 2}], {}, ("ar", 0)),
    "WRAP_ALIGNMENT": ([{**AR, "arburst": 2, "araddr": 0x1004}], {}, ("ar", 0)),
    "CACHE_RESERVED": ([{**AR, "arcache": 0b0101}], {}, ("ar", 0)),
    "LOCK_RESERVED": ([{**AR, "arlock": 2}], {}, ("ar", 0)),
    "EXCLUSIVE_SIZE": ([{**AR, "arlock": 1, "arlen": 2}], {}, ("ar", 0)),
    "EXCLUSIVE_ALIGNMENT": ([{**AR, "arlock": 1, "araddr": 0x1008}], {}, ("ar", 0)),
    "WLAST_PLACE": ([AW, W1], {}, ("w", 1)),
    "STROBE_OUTSIDE": ([{**AW, "awaddr": 0x1004}, W0], {}, ("w", 1)),
    "WDATA_ORDER": (
        [{**AW, "awid": 2}, AW, {**W0, "wid": 1}],
        {"version": Version.AXI3},
        ("w", 2),
    ),
    "RLAST_PLACE": ([AR, R1], {}, ("r", 1)),
    "READ_ID": ([AR, {**R0, "rid": 3}], {}, ("r", 1)),
    "RESPONSE_ID": ([AW, W0, W1, {**B, "bid": 3}], {}, ("b", 3)),
    "RESPONSE_EARLY": ([AW, W0, {**W1, **B}], {}, ("b", 2)),
    "EXOKAY": ([AW, W0, W1, {**B, "bresp": 1}], {}, ("b", 3)),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_named_with_its_channel_and_cycle(rule):
    cycles, how, where = PLANTED[rule]
    cycles = [{"wid": 0, **values} for values in cycles] if how.get("version") else cycles
    assert check(cycles, **how) == [(rule, *where)]


@pytest.mark.parametrize(
    ("cycles", "how", "rule"),
    [
        ([AW, W0, W0], {}, "WLAST_PLACE"),
        ([W1, AW], {}, "WLAST_PLACE"),  # told when the address comes
        ([AR, R0, R0], {}, "RLAST_PLACE"),
        ([AR, R0, R1, R1], {}, "READ_ID"),
        ([{**AR, **R0}], {}, "READ_ID"),  # not in the cycle of its address
        ([{**AR, "arlen": 16}], {"version": Version.AXI3}, "BURST_LENGTH"),
        ([{**AR, "arlock": 3}], {"version": Version.AXI3}, "LOCK_RESERVED"),
        ([AW, W0, W1, B, B], {}, "RESPONSE_ID"),
    ],
)
def test_further_ways_to_break_a_rule(cycles, how, rule):
    assert [found for found, _, _ in check(cycles, **how)] == [rule]


def test_a_message_says_where_what_and_what_would_be_right():
    checker = AxiChecker(8)
    checker.step({**IDLE, **AW, "awaddr": 0xFF8})
    assert str(checker.violations[0]) == (
        "cycle 0: AW: BURST_CROSSES_4K: 2 beats of 8 B (id 1, 0xff8); a burst stays within 4 KiB (IHI 0022H, A3.4.1)"
    )


def test_random_legal_traffic_of_many_ids_breaks_no_rule():
    rng, checker = random.Random(3), AxiChecker(8)
    reads, writes, data, answers = [], [], [], []
    for _ in range(3000):
        values = dict(IDLE)
        if answers and rng.random() < 0.5:
            values |= {"bvalid": 1, "bready": 1, "bid": answers.pop(0), "bresp": 0}
        if reads and rng.random() < 0.7:
            name = rng.choice(sorted({r[0] for r in reads}))
            burst = next(r for r in reads if r[0] == name)
            burst[1] -= 1
            values |= {"rvalid": 1, "rready": 1, "rid": name, "rresp": 0, "rlast": int(burst[1] == 0)}
            if burst[1] == 0:
                reads.remove(burst)
        if rng.random() < 0.4:
            name, beats = rng.randrange(4), rng.choice([1, 2, 16])
            values |= {**AR, "arid": name, "arlen": beats - 1, "araddr": 4096 * rng.randrange(9)}
            reads.append([name, beats])
        if data and rng.random() < 0.8:
            data[0][1] -= 1
            values |= {**W0, "wlast": int(data[0][1] == 0)}
            if data[0][1] == 0:
                writes.append(data.pop(0)[0])
        if rng.random() < 0.2:
            name, beats = rng.randrange(4), rng.choice([1, 3])
            values |= {**AW, "awid": name, "awlen": beats - 1}
            data.append([name, beats])
        checker.step(values)
        answers += writes
        writes.clear()
    assert checker.violations == []
