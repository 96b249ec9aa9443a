"""numba's types of what the event loop is called with; numba itself takes a millisecond for each table."""

from functools import cache
from typing import Any

import numpy as np

from hw_models.axi.state import AGENT
from hw_models.cache.replacement import SET
from hw_models.cache.state import CACHE
from hw_models.cpu.state import CORE
from hw_models.cpu.task import TASK
from hw_models.dram.state import CHANNEL
from hw_models.ideal.state import MEMORY
from hw_models.jit import numba
from hw_models.nvdla import op as nvdla_op
from hw_models.nvdla import state as nvdla
from hw_models.port import WIRING
from hw_models.replay import op as replay_op
from hw_models.replay import state as replay
from hw_models.systolic import op as systolic_op
from hw_models.systolic import state as systolic
from simulator.kernel import driver, ledger, masters, soc
from simulator.kernel.measure import MASTER
from simulator.kernel.soc_state import BUSES, OWNER, SYSTEM
from workloads.program import STEP

WORD = np.dtype(np.int64)


@cache
def record(dtype: np.dtype) -> Any:
    """Return numba's type of a record, or of a number."""
    return numba.from_dtype(dtype)


def table(dtype: np.dtype, dimensions: int = 1) -> Any:
    """Return numba's type of a table, as `numba.typeof` has it."""
    return numba.types.Array(record(dtype), dimensions, "C")


def fleet(state: np.dtype, op: np.dtype, made: np.dtype) -> list[Any]:
    """Return the types of a kind of accelerator's tables, as Masters has them."""
    return [table(dtype) for dtype in (state, op, made, OWNER)]


@cache
def loop_types() -> tuple:
    """Return the types of the arguments of `soc.step_events`."""
    tuple_of = numba.types.NamedTuple
    on_the_way = [record(WIRING), record(BUSES), *map(table, (CACHE, SET, CHANNEL, MEMORY))]
    accelerators = [
        *fleet(nvdla.NVDLA, nvdla_op.OP, nvdla.RECORD),
        *fleet(systolic.SYSTOLIC, systolic_op.OP, systolic.RECORD),
        *fleet(replay.REPLAY, replay_op.OP, replay.RECORD),
    ]
    own = [table(CORE), table(TASK), *accelerators, table(AGENT)]
    accounts = [table(ledger.ACCOUNT), table(WORD, 4), table(WORD, 3), table(ledger.ENTRY), table(WORD)]
    jobs = [
        *map(table, (driver.JOB, STEP, WORD, driver.STEP_RECORD)),
        *[table(WORD, 2)] * 2,
        tuple_of(accounts, ledger.Ledger),
    ]
    return (
        record(SYSTEM),
        table(MASTER),
        tuple_of(on_the_way, soc.Nodes),
        tuple_of(own, masters.Masters),
        tuple_of(jobs, soc.Jobs),
        numba.int64,
        numba.int64,
    )
