"""Which frames of a partitioned DRAM a config's jobs and co-runners get.

A region of memory belongs to whom its job or co-runner is `on`: a core that does layers for an accelerator
finds the tensors in the accelerator's banks.
"""

from typing import TYPE_CHECKING

import numpy as np

from hw_models.cpu.task import FRAME_SHIFT
from hw_models.errors import ConfigError
from hw_models.pages import REGION_SHIFT, DoesNotFit, Region, build_frames
from simulator.config.networks import JOB_SPACE
from simulator.soc.machine import JobPlan

if TYPE_CHECKING:
    from simulator.soc.machine import Machine

assert JOB_SPACE == 1 << REGION_SHIFT


def frames_of(machine: "Machine", endless: dict[int, int]) -> np.void:
    """Return the FRAMES row of ``machine``. ``endless``: core -> its co-runner's task. Raises ConfigError."""
    config = machine.config
    assert config.system.dram is not None
    regions = [
        Region(plan.index, config.workloads[plan.name].on, _span(machine, plan), f"workloads.{plan.name}")
        for plan in machine.plans
    ]
    numbers = {corunner.on: i for i, corunner in enumerate(config.corunners)}
    for core, task in endless.items():
        name, row = machine.core_names[core], machine.tasks[task]
        number = int(max(row["read_address"], row["write_address"])) // JOB_SPACE
        size, key = int(max(row["read_bytes"], row["write_bytes"])), "footprint"
        if row["frame_bits"]:
            size, key = 1 << FRAME_SHIFT + int(row["frame_bits"]), "frames"
        regions.append(Region(number, name, size, f"corunners.{numbers[name]}.{key}"))
    for region in regions:
        if region.bytes > JOB_SPACE:
            message = f"{region.bytes} B; under system.dram.partition at most {JOB_SPACE} B"
            raise ConfigError(message, key=region.key)
    try:
        return build_frames(config.system.dram, regions)
    except DoesNotFit as error:
        raise ConfigError(str(error), key=error.key) from None


def _span(machine: "Machine", plan: JobPlan) -> int:
    """Return the bytes that a job touches, from its first address on."""
    memory = plan.memory
    tasks = machine.tasks_of(plan)
    ends = [memory.span_bytes, memory.weight_bytes + memory.activation_bytes]
    for kind in ("read", "write"):
        used = tasks[tasks[f"{kind}_bytes"] > 0]
        end = int((used[f"{kind}_address"] + used[f"{kind}_bytes"]).max(initial=0))
        ends.append(end - plan.index * JOB_SPACE)
    return max(ends)
