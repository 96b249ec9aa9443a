"""The port of an outside master: data, order and back-pressure of random bursts, against a dictionary of bytes."""

import random
from collections import deque

import numpy as np
import pytest

from hw_models.axi.block import advance, commit, present, respond, sample, stream_of
from hw_models.axi.build import build_agent
from hw_models.axi.params import External
from hw_models.axi.state import LOG, RECORD, STORE, Drive, Fault, Pin
from hw_models.axi.statistics import fault_text, waits_of
from hw_models.port import FIFO, front, pop

FIXED, INCR, WRAP = 0, 1, 2
BASE = 0x7FFF_FFFF_0000


def beats_of(address, beats, size, kind):
    """Return (first byte, end) of each beat, as the specification's pseudocode has them (A3.4.2)."""
    number, whole = 1 << size, beats << size
    aligned = address // number * number
    low = address // whole * whole
    result, at, first = [], address, True
    for _ in range(beats):
        start = at if first else at // number * number
        result.append((start, at // number * number + number))
        first = kind == FIXED
        if kind == INCR:
            at = (aligned if len(result) == 1 else at) + number
        elif kind == WRAP:
            at = at + number if at + number < low + whole else low
    return result


class Bench:
    """A port, the pages behind it, and a system that answers each stream in order, later."""

    def __init__(self, width, seed):
        self.random, self.width = random.Random(seed), width
        self.agent = build_agent(External(kind="external", width=f"{8 * width} bit"), 0, 0, 0)[0]
        self.store, self.keys = np.zeros(1, STORE)[0], np.zeros((256, 2), np.int64)
        self.pool = np.zeros((128, 512), np.uint64)
        self.store["limit"] = 128
        self.records, self.log = np.zeros(4096, RECORD), np.zeros(1, LOG)[0]
        self.fifos = np.zeros(2, FIFO)
        self.fifos["limit"] = 2
        self.cycle, self.asked = 0, {}
        self.agent["pin"][[Pin.ARBURST, Pin.AWBURST]] = INCR

    def drive(self, pin):
        return int(self.agent["drive"][pin])

    def edge(self):
        sample(self.agent, self.store, self.keys, self.pool, self.records, self.log, self.cycle)
        commit(self.agent)
        self.cycle += 1
        advance(self.agent, self.cycle, self.fifos[0], self.fifos[1])
        for fifo in self.fifos:
            if fifo["count"] and self.random.random() < 0.5:
                row = front(fifo).copy()
                pop(fifo)
                self.asked.setdefault((int(row["write"]), int(row["stream"])), deque()).append(row)
        for waiting in self.asked.values():
            if waiting and self.random.random() < 0.4:
                self.answer(waiting)
        room = [bool(fifo["count"] < fifo["limit"]) for fifo in self.fifos]
        present(self.agent, self.store, self.keys, self.pool, *room)

    def answer(self, waiting):
        row = waiting[0]
        if row["write"]:
            respond(self.agent, waiting.popleft(), self.cycle)
            return
        part, row["bytes"] = row.copy(), max(0, row["bytes"] - self.width)
        part["bytes"] -= row["bytes"]
        respond(self.agent, part, self.cycle)
        if row["bytes"] == 0:
            waiting.popleft()


@pytest.mark.parametrize("shift", [0, 2, 4, 8, 12])
def test_ids_that_differ_in_any_digit_are_streams_of_their_own(shift):
    """Behind a crossbar the engine's number stands above its own ids."""
    agent = build_agent(External(kind="external", ids=16), 0, 0, 0)[0]
    assert len({int(stream_of(agent, np.int64(engine << shift))) for engine in range(4)}) == 4
    assert [int(stream_of(agent, np.int64(number))) for number in range(16)] == list(range(16))


def random_burst(rng, width):
    kind = rng.choice([FIXED, INCR, INCR, WRAP])
    size = rng.randint(0, width.bit_length() - 1)
    beats = rng.choice([2, 4, 8, 16]) if kind == WRAP else rng.randint(1, 16 if kind == FIXED else 40)
    address = BASE + rng.randrange(1 << 13)
    if kind == WRAP:
        address = address >> size << size
    if kind == INCR and (address >> size << size) % 4096 + (beats << size) > 4096:
        address = address // 4096 * 4096
        beats = min(beats, 4096 >> size)
    return address, beats, size, kind


def put_address(pin, first, burst, number):
    address, beats, size, kind = burst
    pin[first : first + 6] = number, address, beats - 1, size, kind, 0


@pytest.mark.parametrize("width", [4, 8, 16, 128])
def test_random_writes_then_reads_move_the_right_bytes_in_order(width):
    bench, memory = Bench(width, seed=width), {}
    write_all(
        bench, memory, [(random_burst(bench.random, width), bench.random.randrange(6)) for _ in range(60)]
    )
    read_all(
        bench, memory, [(random_burst(bench.random, width), bench.random.randrange(6)) for _ in range(60)]
    )
    read, write = bench.agent["read"], bench.agent["write"]
    assert read["accepted"] == write["accepted"] == 60
    assert bench.log["count"] == 120
    assert bench.agent["fault"] == Fault.NONE


def write_all(bench, memory, bursts):
    """Write bursts one at a time in data, addresses before or after; each is answered before the next of its bytes."""
    rng, pin, width = bench.random, bench.agent["pin"], bench.width
    for burst, number in bursts:
        data = [rng.randbytes(width) for _ in range(burst[1])]
        strobes = [rng.getrandbits(width) for _ in range(burst[1])]
        for (start, end), beat, strobe in zip(beats_of(*burst), data, strobes):
            for lane in range(width):
                at = start // width * width + lane
                if start <= at < end and strobe >> lane & 1:
                    memory[at] = beat[lane]
        address_sent, sent, answered, late = False, 0, False, rng.random() < 0.5
        put_address(pin, Pin.AWID, burst, number)
        while not answered:
            aw, w = pin[Pin.AWVALID], pin[Pin.WVALID]
            if not aw and not address_sent and (not late or sent > 0):
                pin[Pin.AWVALID] = 1
            if not w and sent < burst[1] and (late or address_sent) and rng.random() < 0.7:
                pin[Pin.WVALID], pin[Pin.WLAST] = 1, sent == burst[1] - 1
                words = np.frombuffer(data[sent].ljust(128, b"\0"), np.uint64)
                bench.agent["wdata"] = words
                mask = strobes[sent].to_bytes(16, "little")
                bench.agent["wstrb"] = np.frombuffer(mask, np.uint64)
            pin[Pin.BREADY] = rng.random() < 0.5
            taken_aw = pin[Pin.AWVALID] and bench.drive(Drive.AWREADY)
            taken_w = pin[Pin.WVALID] and bench.drive(Drive.WREADY)
            if bench.drive(Drive.BVALID):
                assert address_sent
                assert sent == burst[1]
                assert bench.drive(Drive.BID) == number
                answered = bool(pin[Pin.BREADY])
            bench.edge()
            address_sent |= bool(taken_aw)
            sent += bool(taken_w)
            pin[Pin.AWVALID] &= not taken_aw
            pin[Pin.WVALID] &= not taken_w


def read_all(bench, memory, bursts):
    """Read bursts, many in flight; check every byte, the order by id, and that no two of them mix."""
    rng, pin, width = bench.random, bench.agent["pin"], bench.width
    todo, flying, under_way, held = deque(bursts), {}, None, None
    while todo or any(flying.values()):
        if todo and not pin[Pin.ARVALID]:
            pin[Pin.ARVALID] = 1
            put_address(pin, Pin.ARID, *todo[0])
        taken = pin[Pin.ARVALID] and bench.drive(Drive.ARREADY)
        pin[Pin.RREADY] = rng.random() < 0.6
        if bench.drive(Drive.RVALID):
            number, data = bench.drive(Drive.RID), bench.agent["rdata"].tobytes()[:width]
            assert under_way in (None, number)
            assert held in (None, data)  # until it is taken
            held, beats = data, flying[number][0]
            start, end = beats[0]
            for at in range(start, end):
                assert data[at % width] == memory.get(at, 0)
            assert bench.drive(Drive.RLAST) == (len(beats) == 1)
            under_way = number
            if pin[Pin.RREADY]:
                held = None
                beats.pop(0)
                if not beats:
                    flying[number].popleft()
                    under_way = None
        bench.edge()
        if taken:
            burst, number = todo.popleft()
            flying.setdefault(number, deque()).append(beats_of(*burst))
            pin[Pin.ARVALID] = 0


@pytest.mark.parametrize(
    ("burst", "lock", "told"),
    [
        ((0x1000, 1, 3, INCR), 1, "an exclusive access"),
        ((0x1000, 1, 4, INCR), 0, "AxSIZE beyond the width"),
        ((0x1000, 4, 3, 3), 0, "AxBURST 3"),
        ((0x1004, 4, 3, WRAP), 0, "a WRAP burst that is not aligned"),
        ((0x1FF8, 2, 3, INCR), 0, "across a block of 4 KiB"),
    ],
)
def test_what_cannot_be_served_is_told_with_cycle_and_address(burst, lock, told):
    bench = Bench(8, seed=1)
    bench.edge()
    put_address(bench.agent["pin"], Pin.ARID, burst, 5)
    bench.agent["pin"][Pin.ARLOCK], bench.agent["pin"][Pin.ARVALID] = lock, 1
    bench.edge()
    assert fault_text(bench.agent).startswith(f"cycle 1: read at {burst[0]:#x}, id 5: ")
    assert told in fault_text(bench.agent)


def test_who_waits_names_the_channel():
    bench = Bench(8, seed=1)
    bench.edge()
    put_address(bench.agent["pin"], Pin.AWID, (0x40, 4, 3, INCR), 2)
    bench.agent["pin"][Pin.AWVALID] = 1
    bench.edge()
    bench.agent["pin"][Pin.AWVALID] = 0
    assert waits_of(bench.agent) == ["write at 0x40 of id 2 waits for 4 of its 4 beats on W"]
    put_address(bench.agent["pin"], Pin.ARID, (0x80, 1, 3, INCR), 3)
    bench.agent["pin"][Pin.ARVALID] = 1
    bench.edge()
    bench.agent["pin"][Pin.ARVALID] = 0
    assert waits_of(bench.agent)[0] == "1 read bursts wait for memory, the first at 0x80"
    for _ in range(40):
        bench.edge()
    assert waits_of(bench.agent)[0] == "R of id 3 is valid and waits for the master's RREADY"


def offer_write(bench, burst, number):
    """Put a write's address on the bus for one edge."""
    put_address(bench.agent["pin"], Pin.AWID, burst, number)
    bench.agent["pin"][Pin.AWVALID] = 1
    bench.edge()
    bench.agent["pin"][Pin.AWVALID] = 0


def test_interleaved_write_data_go_to_the_address_of_their_id():
    """AXI3: beats of two writes in a mixture, and those of a third ahead of its address."""
    bench, memory = Bench(8, seed=3), {}
    bench.edge()
    pin, bursts = bench.agent["pin"], {k: (0x100 * k, 3, 3, INCR) for k in (1, 2, 3)}
    pin[Pin.BREADY] = 1
    for number in (1, 2):
        offer_write(bench, bursts[number], number)
    given = dict.fromkeys(bursts, 0)
    for number in (1, 2, 2, 1, 1, 2, 3, 3):
        data, start = bench.random.randbytes(8), bursts[number][0] + 8 * given[number]
        memory |= {start + lane: data[lane] for lane in range(8)}
        given[number] += 1
        pin[Pin.WVALID], pin[Pin.WID], pin[Pin.WLAST] = 1, number, given[number] == 3
        bench.agent["wdata"] = np.frombuffer(data.ljust(128, b"\0"), np.uint64)
        bench.agent["wstrb"] = np.uint64(2**64 - 1)
        taken = False
        while not taken:
            taken = bool(bench.drive(Drive.WREADY))
            bench.edge()
    pin[Pin.WVALID] = 0
    assert "2 beats on W wait for their address on AW" in waits_of(bench.agent)
    offer_write(bench, bursts[3], 3)
    for _ in range(200):
        bench.edge()
    assert bench.log["count"] == 2
    assert waits_of(bench.agent) == ["write at 0x300 of id 3 waits for 1 of its 3 beats on W"]
    read_all(bench, memory, [((start, beats - 1, *rest), k) for k, (start, beats, *rest) in bursts.items()])
    assert bench.agent["fault"] == Fault.NONE


def test_a_reset_drops_what_is_in_flight_and_no_answer_comes_after_it():
    """Whatever the moment: the master begins anew with the same ids, and gets its own answers only."""
    for moment in range(1, 40, 3):
        bench = Bench(8, seed=moment)
        bench.edge()
        pin, memory = bench.agent["pin"], {}
        write_all(bench, memory, [((0x1000, 4, 3, INCR), 1), ((0x2000, 16, 3, INCR), 2)])
        for cycle in range(moment):
            put_address(pin, Pin.ARID, (0x1000, 4, 3, INCR), cycle % 3)
            put_address(pin, Pin.AWID, (0x4000, 4, 3, INCR), cycle % 3)
            pin[Pin.ARVALID] = pin[Pin.AWVALID] = pin[Pin.WVALID] = pin[Pin.RREADY] = 1
            pin[Pin.WLAST] = bench.agent["write"]["beats"] % 4 == 3
            bench.agent["wstrb"] = np.uint64(0)
            bench.edge()
        pin[[Pin.ARVALID, Pin.AWVALID, Pin.WVALID]] = 0
        bench.agent["reset"] = 1
        bench.edge()
        assert bench.drive(Drive.RVALID) == bench.drive(Drive.BVALID) == 0
        bench.agent["reset"] = 0
        fault = bench.agent["fault"]
        bench.edge()
        write_all(bench, memory, [((0x1008, 2, 3, INCR), 1), ((0x3000, 4, 3, INCR), 0)])
        read_all(bench, memory, [((0x1000, 4, 3, INCR), k) for k in range(3)] * 4)
        for _ in range(300):
            bench.edge()
        assert bench.agent["read"]["in_flight"] == bench.agent["write"]["in_flight"] == 0
        assert bench.agent["fault"] == fault == Fault.NONE
