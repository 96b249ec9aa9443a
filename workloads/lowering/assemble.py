"""The last step: lifetimes, memory plan, dependencies, and every place turned into an address."""

from itertools import accumulate

from workloads.lowering.depend import step_tables
from workloads.lowering.homes import Homes, place_constants, place_features
from workloads.lowering.layout import Cube, round_up
from workloads.lowering.planner import Lifetime, lower_bound, plan_bytes, plan_memory, plan_regions
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
    elsewhere = place_features(homes, recorder, lifetimes, planner) | place_constants(homes, recorder)
    addresses, reached = _place(recorder, lifetimes, planner, base_address, elsewhere)
    sizes = recorder.buffers | recorder.constants
    spans = {b.name: (addresses[b.name], addresses[b.name] + b.bytes) for b in lifetimes}
    ops, tasks = recorder.tables(addresses)
    steps, deps = step_tables(recorder.steps, spans, dependencies)
    plan = MemoryPlan(
        recorder.constant_bytes,
        reached + sum(counts["activation_bytes"] for counts in homes.placed.values()),
        lower_bound(lifetimes),
        planner,
        {b.name: (addresses[b.name], b.bytes) for b in lifetimes},
        max(
            (at + sizes[name] - base_address for name, at in addresses.items() if name not in elsewhere),
            default=0,
        ),
    )
    origins = {number: step.origin for number, step in enumerate(recorder.steps) if step.origin}
    return Program(name, layers, ops, tasks, steps, deps, plan, warnings, origins=origins, cubes=cubes or {})


def _place(
    recorder: Recorder,
    lifetimes: list[Lifetime],
    planner: str,
    base_address: int,
    elsewhere: dict[str, int],
) -> tuple[dict[str, int], int]:
    """Return the address of every buffer and constant, and the bytes that the buffers take here."""
    here = [buffer for buffer in lifetimes if buffer.name not in elsewhere]
    if planner == "regions":
        sizes = recorder.in_order_of_use()
        regions = plan_regions({name: size for name, size in sizes.items() if name not in elsewhere})
        own = {name: base_address + at for name, at in regions.items()}
        return own | elsewhere, sum(buffer.bytes for buffer in here)
    constants = dict(zip(recorder.constants, accumulate(recorder.constants.values(), initial=base_address)))
    offsets = plan_memory(here, planner)
    start = round_up(base_address + recorder.constant_bytes, PAGE_BYTES)
    buffers = {name: start + offset for name, offset in offsets.items()}
    return constants | buffers | elsewhere, plan_bytes(here, offsets)


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
