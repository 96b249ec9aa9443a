"""How the reads of each master are spread over their latency."""

from typing import Any

import numpy as np

from hw_models.units import FS
from simulator.kernel.measure import bucket_low
from simulator.soc.machine import Machine


def latency_table(machine: Machine) -> dict[str, list[Any]]:
    """Return latency.csv's columns: for every bucket with reads its lower end [s] and how many they are."""
    table: dict[str, list[Any]] = {"master": [], "at_least_s": [], "reads": []}
    for name, measure in zip(machine.master_names, machine.measures):
        for bucket in np.flatnonzero(measure["latency"]).tolist():
            table["master"].append(name)
            table["at_least_s"].append(bucket_low(bucket) * int(measure["period_fs"]) * FS)
            table["reads"].append(int(measure["latency"][bucket]))
    return table
