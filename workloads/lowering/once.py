"""Networks and programs are made once in a process: points of a sweep share what its axes leave alone."""

from collections import OrderedDict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from workloads.graph import Network
from workloads.lowering.homes import Homes
from workloads.params import NetworkJob
from workloads.program import Program

KEPT = 16  # networks, and programs; the one that was asked for longest ago goes first
TABLES = ("ops", "tasks", "steps", "deps")  # of a program, which the caller may write to
LISTS = ("layers", "warnings", "notes", "batches", "spans_fs")
READ = {"network", "layers", "input", "context", "strict"}  # what a network is read by, of a job
_networks: OrderedDict[Any, Network] = OrderedDict()
_programs: OrderedDict[Any, tuple[Program, Homes | None]] = OrderedDict()  # and what it leaves of its homes


def network_key(job: NetworkJob) -> tuple[Any, ...]:
    """Return what the network of ``job`` depends on: its words, and the state of the file that they name."""
    path = Path(job.network) if isinstance(job.network, str) else None
    state = path.stat() if path is not None and path.is_file() else None
    file = (str(path.absolute()), state.st_mtime_ns, state.st_size) if path and state else ()
    return job.model_dump_json(include=READ), *file


def network_once(key: Any, make: Callable[[], Network]) -> Network:
    """Return a network of the caller's own, made by ``make`` if it has not been before."""
    made = _once(_networks, key, make)
    lists = {name: list(getattr(made, name)) for name in ("inputs", "nodes", "outputs", "warnings", "notes")}
    return replace(made, **lists, tensors=dict(made.tensors), dims=dict(made.dims))


def program_once(key: Any, homes: Homes | None, make: Callable[[Homes | None], Program]) -> Program:
    """Return a program of the caller's own, made by ``make`` if it has not been before for such ``homes``."""

    def both() -> tuple[Program, Homes | None]:
        left = deepcopy(homes)
        return make(left), left

    one = homes is not None and homes.weights is homes.features
    made, left = _once(_programs, (key, repr(homes), one), both)
    if homes is not None and left is not None:
        homes.become(left)
    return replace(
        made,
        **{name: getattr(made, name).copy() for name in TABLES},
        **{name: list(getattr(made, name)) for name in LISTS},
        memory=replace(made.memory, tensors=dict(made.memory.tensors)),
        origins=dict(made.origins),
        cubes=dict(made.cubes),
    )


def _once(kept: OrderedDict[Any, Any], key: Any, make: Callable[[], Any]) -> Any:
    if key not in kept:
        kept[key] = make()
        while len(kept) > KEPT:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]
