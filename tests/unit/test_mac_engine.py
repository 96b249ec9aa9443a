"""The matrix-vector engine's model: its bound, and its bus recorded in one memory, replayed in another."""

import numpy as np
import pytest

from hw_models.ideal import block as ideal
from hw_models.ideal.build import build as build_ideal
from hw_models.ideal.params import IdealMemory
from hw_models.mac_engine import block as engine
from hw_models.mac_engine.build import build
from hw_models.mac_engine.op import OP
from hw_models.mac_engine.params import MacEngine
from hw_models.mac_engine.standalone import simulate
from hw_models.mac_engine.statistics import op_row
from hw_models.port import FIFO, FIFO_ROWS, front, pop
from hw_models.replay.params import Replay
from hw_models.replay.standalone import simulate as replay
from workloads.bus.infer import dependencies_of
from workloads.bus.program import trace_ops
from workloads.bus.recording import Recording, empty

ROWS, BEATS = 60, 8
MEMORIES = {
    "near": IdealMemory(latency="1 cycles"),
    "far": IdealMemory(latency="50 cycles"),
    "farther": IdealMemory(latency="200 cycles"),
    "narrow": IdealMemory(latency="20 cycles", bandwidth="2 B/cycle"),
}
PORT = Replay(kind="replay", clock="1 GHz")


def product(rows=ROWS):
    op = np.zeros(1, OP)
    op["rows"], op["row_beats"] = rows, BEATS
    op["vector"], op["source"], op["target"] = 0x1000, 0x20000, 0x80000
    return op


def recorded(memory_params):
    """Run the engine; return what its bus did, taken down from outside."""
    state, memory = build(MacEngine())[0], build_ideal(memory_params.timings(8))[0]
    fifos = np.zeros(3, FIFO)
    fifos["limit"] = [1, 1, FIFO_ROWS]
    reads, writes, answers = fifos
    found, under_way = [], {0: [], 1: []}  # (write, address, bytes, issue), done; in order of issue
    engine.start(state, product(), 0, 0)
    for now in range(100_000):
        ideal.advance(memory, now, answers)
        while answers["count"]:
            answer = front(answers)
            oldest = under_way[int(answer["write"])][0]
            oldest["left"] -= oldest["left"] if answer["write"] else int(answer["bytes"])
            if oldest["left"] == 0:
                under_way[int(answer["write"])].pop(0)["done"] = now
            engine.respond(state, answer, now)
            pop(answers)
        engine.advance(state, product(), now, reads, writes)
        for fifo in (reads, writes):
            if fifo["count"] and ideal.accept(memory, front(fifo), now):
                row = {name: int(front(fifo)[name]) for name in ("write", "address", "bytes")}
                found.append({**row, "issue": now, "accept": now, "left": row["bytes"]})
                under_way[row["write"]].append(found[-1])
                pop(fifo)
        if engine.take_done(state)[0] == 0:
            break
    rows = empty(len(found))
    for name in ("write", "address", "bytes", "issue", "accept", "done"):
        rows[name] = [row[name] for row in found]
    return Recording(rows, False)


@pytest.mark.parametrize("recorded_in", MEMORIES)
def test_a_recording_takes_the_engine_s_own_time_in_any_memory(recorded_in):
    """To the cycle where it was recorded, within 1 % elsewhere."""
    recording = recorded(MEMORIES[recorded_in])
    ops = trace_ops(recording, dependencies_of(recording), PORT)
    for name, memory in MEMORIES.items():
        own, _ = simulate(MacEngine(), memory.timings(8), product())
        again, _ = replay(PORT, memory.timings(8), ops)
        assert again == pytest.approx(own, rel=0 if name == recorded_in else 0.01)


def test_near_memory_leaves_the_engine_at_a_beat_a_cycle_and_far_memory_at_a_row_a_place():
    """Eight beats a row; a place is taken for a read's way, its beats, two cycles of sums and a write's way."""
    near, records = simulate(MacEngine(), MEMORIES["near"].timings(8), product())
    assert near == (ROWS + 1) * BEATS + 2 + 1  # beats from cycle 1 on, sum, write's latency
    row = op_row(product()[0], records[0])
    assert (row["macs"], row["read_bytes"], row["write_bytes"]) == (ROWS * 64, (ROWS + 1) * 64, ROWS * 8)
    far, _ = simulate(MacEngine(places=2), MEMORIES["far"].timings(8), product())
    more, _ = simulate(MacEngine(places=4), MEMORIES["far"].timings(8), product())
    assert far == pytest.approx(2 * more, rel=0.2)
