"""The last step: lifetimes, memory plan, dependencies, and every place turned into an address."""

from workloads.lowering.depend import step_tables
from workloads.lowering.homes import Homes, place_constants, place_features
from workloads.lowering.layout import Cube, round_up
from workloads.lowering.planner import Lifetime, lower_bound, plan_bytes, plan_memory
from workloads.lowering.record import Recorder
from workloads.program import Layer, MemoryPlan, Program

PAGE_BYTES = 4096  # activations start on a page behind the weights


def assemble(
    name: str,
    layers: list[Layer],
    recorder: Recorder,
    planner: str,
    dependencies: str,
    base_address: int,
    warnings: list[str],
    cubes: dict[str, Cube] | None = None,
    homes: Homes | None = None,
) -> Program:
    """Return the program of what ``recorder`` collected: constants from ``base_address`` on, then buffers.

    ``homes``: other memories for some of them, of which it takes what it needs.
    """
    homes = homes or Homes()
    lifetimes = _lifetimes(recorder)
    elsewhere = place_features(homes, recorder, lifetimes, planner)
    here = [buffer for buffer in lifetimes if buffer.name not in elsewhere]
    offsets = plan_memory(here, planner)
    start = round_up(base_address + recorder.constant_bytes, PAGE_BYTES)
    addresses = {name: start + offset for name, offset in offsets.items()} | elsewhere
    spans = {b.name: (addresses[b.name], addresses[b.name] + b.bytes) for b in lifetimes}
    ops, tasks = recorder.tables(addresses, base_address, place_constants(homes, recorder))
    steps, deps = step_tables(recorder.steps, spans, dependencies)
    reached = plan_bytes(here, offsets)
    plan = MemoryPlan(
        recorder.constant_bytes,
        reached + sum(counts["activation_bytes"] for counts in homes.placed.values()),
        lower_bound(lifetimes),
        planner,
        {b.name: (addresses[b.name], b.bytes) for b in lifetimes},
        start + reached - base_address,
    )
    origins = {number: step.origin for number, step in enumerate(recorder.steps) if step.origin}
    return Program(name, layers, ops, tasks, steps, deps, plan, warnings, origins=origins, cubes=cubes or {})


def _lifetimes(recorder: Recorder) -> list[Lifetime]:
    """From the first step that touches a buffer to the last; results of the network stay to the end."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for number, step in enumerate(recorder.steps):
        for touch in step.touches:
            first.setdefault(touch.buffer, number)
            last[touch.buffer] = number
    for name in recorder.results & set(last):
        last[name] = len(recorder.steps) - 1
    return [Lifetime(name, recorder.buffers[name], first[name], last[name]) for name in first]
