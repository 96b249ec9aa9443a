"""Which runtime submission a stage belongs to, and the order in which everything is submitted.

A submission is what the accelerator can do without waiting for a core: a stage belongs to the first one in
which all that it reads is there. Work on a core follows the submission that it needs.
"""

from workloads.graph import Network
from workloads.lowering.fuse import Stage

MOVES_NOTHING = ("view", "slice")


def in_order(stages: list[Stage], network: Network, copied: set[str]) -> list[tuple[int, Stage]]:
    """Return (submission, stage) in an order in which they can run. Inputs are made by a core before 0.

    ``copied``: concatenations that need launches.
    """
    ready: dict[str, int] = dict.fromkeys(network.inputs, 0)  # first submission that may read a tensor
    after: dict[str, int] = dict.fromkeys(network.inputs, -1)  # submission after which a core may read it
    by_core = set(network.inputs)
    keyed = []
    for number, stage in enumerate(stages):
        if stage.kind == "host":
            level = max((after[name] for name in stage.inputs), default=-1)
            by_core.add(stage.output)
            ready[stage.output], after[stage.output] = level + 1, level
        elif stage.kind in MOVES_NOTHING or (stage.kind == "concat" and stage.output not in copied):
            level = max(ready[name] for name in stage.inputs)
            ready[stage.output], after[stage.output] = level, max(after[name] for name in stage.inputs)
            level = after[stage.output]
            if any(name in by_core and after[name] == level for name in stage.inputs):
                by_core.add(stage.output)
        else:
            level = max(ready[name] for name in stage.inputs)
            ready[stage.output] = after[stage.output] = level
        keyed.append(((level, int(stage.output in by_core), number), stage))
    return [(key[0], stage) for key, stage in sorted(keyed, key=lambda pair: pair[0])]
