"""What a thread does for one SoC: run its event loop."""

import numpy as np

from hw_models.jit import njit
from simulator.cuda.soc_layout import INDEX, OWN, SHARED
from simulator.kernel import soc

RUN = np.dtype(
    [
        ("status", INDEX),  # what `soc.run` said; points run while it is RUNNING
        ("limit_fs", INDEX),
        ("events", INDEX),  # of a launch
        ("now_fs", INDEX),  # how far it came
        *(
            (name, INDEX, (2,)) for name in (*OWN, *SHARED)
        ),  # its part of a table: first row, one after the last
    ]
)


@njit
def simulate(number, runs, system, measures, nodes, table, jobs):
    """Run a point's events; its `status` says how that ended."""
    own = runs[number]
    if own["status"] == soc.RUNNING:
        own["status"] = soc.run(system, measures, nodes, table, jobs, own["limit_fs"], own["events"])
        own["now_fs"] = system["now_fs"]
