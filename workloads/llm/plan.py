"""What a job keeps where: bytes of every part, DRAM budgets, rows per layer, and addresses on flash."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workloads.llm.activity import Activity, layer_flagged
from workloads.llm.cells import Cells, cells_of
from workloads.llm.dtypes import bytes_of
from workloads.llm.model import Transformer, load_model
from workloads.llm.params import LlmJob
from workloads.llm.presets import ACTIVITY, PREDICTOR_RANKS
from workloads.llm.shared_weights import weight_owners
from workloads.llm.sizes import Sizes, sizes_of

ALIGN_BYTES = 1 << 14  # regions start on a flash page
GB = 1e9


def predictor_ranks(job: LlmJob, model: Transformer) -> np.ndarray:
    """Return the rank of each layer's predictor, 0 where the layer has none and stays in DRAM; (layers,)."""
    layers = model.shape.layers
    if job.held("ffn") is None:
        return np.zeros(layers, np.int64)
    groups = job.offload.predictor_ranks or PREDICTOR_RANKS.get(job.model) or [model.shape.width // 16]
    return np.array([groups[layer * len(groups) // layers] for layer in range(layers)], np.int64)


def activity_of(job: LlmJob, model: Transformer) -> Activity | None:
    """Return the parameters of the generative trace, None where neither job nor model has any."""
    if job.offload.activity is not None:
        return job.offload.activity
    known = ACTIVITY.get(job.model)
    return Activity.model_validate(known) if known else None


@dataclass(frozen=True)
class Plan:
    job: LlmJob
    model: Transformer
    dram: Sizes
    flash: Sizes
    ranks: np.ndarray  # (layers,) predictor rank, 0: FFN dense and resident
    predictor: np.ndarray  # (layers,) predictor bytes
    budget: int | None  # bytes of DRAM for weights
    resident: int  # bytes of weights always in DRAM
    capacity: np.ndarray  # (layers,) rows of the FFN that DRAM has room for
    expert_slots: int  # experts that DRAM has room for, all layers together
    streamed_share: float  # of the weights a token reads, how much comes from flash in order
    ffn_at: np.ndarray  # (layers,) flash address of a layer's FFN
    dense_at: np.ndarray  # (layers,) flash address of a layer's other weights
    end_at: int  # first flash address after the model
    cells: Cells  # keys, values and states of one sequence

    @property
    def table_row(self) -> int:
        """Return the bytes of a row of the table that memory layers look up, 0 without one."""
        table = self.job.table
        if table is None:
            return 0
        return bytes_of(table.row_values(self.model.shape.width), self.job.dtype("embedding"))

    @property
    def table_bytes(self) -> int:
        return self.table_row * self.job.table.rows if self.job.table is not None else 0

    @property
    def table_held_bytes(self) -> int:
        """Return the bytes of the table in DRAM: all of it, or what a cache has room for."""
        table, hold = self.job.table, self.job.held("table")
        if table is None or (table.home != "dram" and hold is None):
            return 0
        if hold is None or hold.dram is None:
            return self.table_bytes
        return min(self.table_bytes, hold.dram.bytes_of(self.table_bytes))

    @cached_property
    def weight_owner(self) -> np.ndarray:
        """Return the layers whose attention and FFN weights layers read, (2, layers)."""
        return weight_owners(self.job.share_weights, self.model.shape.layers).owner

    @property
    def caches_experts(self) -> bool:
        return self.job.held("experts") is not None

    @property
    def sparse(self) -> bool:
        return self.job.held("ffn") is not None

    @property
    def windowed(self) -> bool:
        ffn = self.job.held("ffn")
        return ffn is not None and ffn.replace == "window"

    @property
    def reads_units(self) -> bool:
        """Return whether weights are read by tokens: units that DRAM lacks, or whole layers."""
        changes = self.job.stack is not None and bool(self.job.stack.changes)
        return changes or self.sparse or self.caches_experts or self.streamed_share > 0

    @property
    def unit_bytes(self) -> int:
        """Return the most bytes of neurons or experts that DRAM holds."""
        if self.caches_experts:
            return self.expert_slots * self.dram.expert
        kept = self.sparse and self.job.held("ffn").replace != "none"  # type: ignore[union-attr]
        return int(self.capacity.sum()) * self.dram.neuron if kept else 0


def make_plan(job: LlmJob) -> Plan:
    """Return the plan of a job that `check_fits` accepts."""
    return plan_of(job, load_model(job.model))


def plan_of(job: LlmJob, model: Transformer) -> Plan:
    """Return the plan of a job with ``model`` in place of the one that it names."""
    dram, flash = sizes_of(job, model), sizes_of(job, model, stored=True)
    ranks = predictor_ranks(job, model)
    predictor = predictor_bytes(job, model, ranks)
    budget, resident = budget_and_resident(job, model, dram, ranks, predictor)
    share = 0.0
    if job.offload.policy in ("naive", "hybrid"):
        share = 1 - min(resident, dram.held) / dram.held
    ffn_at, dense_at, end_at = _layout(job, flash)
    return Plan(
        job=job,
        model=model,
        dram=dram,
        flash=flash,
        ranks=ranks,
        predictor=predictor,
        budget=budget,
        resident=resident,
        capacity=_capacity(job, model, dram, ranks, budget, resident),
        expert_slots=_expert_slots(model, dram, resident, budget),
        streamed_share=share,
        ffn_at=ffn_at,
        dense_at=dense_at,
        end_at=end_at,
        cells=cells_of(model, job.dtype("kv"), job.kv_cache.rules),
    )


def predictor_bytes(job: LlmJob, model: Transformer, ranks: np.ndarray) -> np.ndarray:
    per_rank = model.shape.width + model.shape.ffn
    return np.array([bytes_of(int(rank) * per_rank, job.dtype("predictor")) for rank in ranks], np.int64)


def budget_and_resident(
    job: LlmJob, model: Transformer, dram: Sizes, ranks: np.ndarray, predictor: np.ndarray
) -> tuple[int | None, int]:
    """Return the DRAM for weights, None: enough, and the bytes of those that are always there."""
    offload, experts = job.offload, job.held("experts")
    budget = offload.dram.bytes_of(dram.model) if offload.dram else None
    hold = job.held("ffn") or experts
    if hold is None:
        if offload.policy == "resident":
            return budget, dram.held
        if offload.policy == "naive":
            return budget, 0
        return budget, min(dram.held // 2 if budget is None else budget, dram.held)
    units = expert_units(model) * dram.expert if experts is not None else int(dram.ffn[ranks > 0].sum())
    resident = dram.held - units + int(predictor.sum())
    if hold in job.hold:
        budget = resident + hold.dram.bytes_of(units) if hold.dram is not None else None
    return budget, resident


def expert_units(model: Transformer) -> int:
    """Return how many experts the model has, those of all layers."""
    experts = model.shape.experts
    return sum(model.shape.expert_layers) * experts.count if experts is not None else 0


def _expert_slots(model: Transformer, dram: Sizes, resident: int, budget: int | None) -> int:
    units = expert_units(model)
    if budget is None or units == 0:
        return units
    return max(0, min(units, (budget - resident) // dram.expert))


def _capacity(
    job: LlmJob, model: Transformer, dram: Sizes, ranks: np.ndarray, budget: int | None, resident: int
) -> np.ndarray:
    """Share out the DRAM that is left in proportion to what each layer flags; shape (layers,), rows."""
    ffn = model.shape.ffn
    if job.held("ffn") is None or budget is None:
        return np.full(ranks.size, ffn, np.int64)
    rows = (budget - resident) // dram.neuron
    activity = activity_of(job, model)
    if job.offload.recorded is not None or activity is None:
        need = np.ones(ranks.size)
    else:
        need = layer_flagged(activity, ranks.size)
    need = np.where(ranks > 0, need, 0)
    return np.minimum((rows * need / max(need.sum(), 1e-9)).astype(np.int64), ffn)


def _layout(job: LlmJob, flash: Sizes) -> tuple[np.ndarray, np.ndarray, int]:
    ffn_held = job.held("ffn")
    copies = 2 if ffn_held is not None and ffn_held.unit == "pair" else 1
    address = _aligned(flash.embedding + flash.head + flash.ends)
    ffn_at, dense_at = np.empty_like(flash.ffn), np.empty_like(flash.dense)
    for layer in range(flash.ffn.size):
        dense_at[layer] = address
        address = _aligned(address + int(flash.dense[layer]))
        ffn_at[layer] = address
        address = _aligned(address + copies * int(flash.ffn[layer] + flash.idle[layer]))
    return ffn_at, dense_at, address


def _aligned(address: int) -> int:
    return -(-address // ALIGN_BYTES) * ALIGN_BYTES
