"""The kinds of accelerator: the tables that a machine has of each, and who reads what they counted."""

from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import numpy as np

from hw_models.nvdla import op as nvdla_op
from hw_models.nvdla import state as nvdla_state
from hw_models.nvdla import statistics as nvdla_statistics
from hw_models.nvdla.build import build as build_nvdla
from hw_models.replay import op as replay_op
from hw_models.replay import state as replay_state
from hw_models.replay import statistics as replay_statistics
from hw_models.replay.build import build as build_replay
from hw_models.systolic import op as systolic_op
from hw_models.systolic import state as systolic_state
from hw_models.systolic import statistics as systolic_statistics
from hw_models.systolic.build import build as build_systolic


class Kind(NamedTuple):
    """What a machine must know of a kind of accelerator."""

    state: np.dtype
    op: np.dtype
    record: np.dtype
    build: Callable[..., np.ndarray]  # (parameters, master) -> (1,) state
    statistics: ModuleType


KINDS = {  # in the order of the kernel's Masters
    "nvdla": Kind(
        nvdla_state.NVDLA, nvdla_op.OP, nvdla_state.RECORD,
        lambda params, master: build_nvdla(params.values(), master), nvdla_statistics,
    ),
    "systolic": Kind(
        systolic_state.SYSTOLIC, systolic_op.OP, systolic_state.RECORD, build_systolic, systolic_statistics
    ),
    "replay": Kind(replay_state.REPLAY, replay_op.OP, replay_state.RECORD, build_replay, replay_statistics),
}  # fmt: skip


class Fleet(NamedTuple):
    """All accelerators of a kind, and the operations that the jobs give them."""

    states: np.ndarray
    ops: np.ndarray
    records: np.ndarray  # of each operation, once it is done
    owners: np.ndarray  # OWNER of each
