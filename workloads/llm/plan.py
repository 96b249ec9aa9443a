"""What a job keeps where: bytes of every part, DRAM budgets, rows per layer, and addresses on flash."""

from dataclasses import dataclass

import numpy as np

from workloads.llm.activity import Activity, layer_flagged
from workloads.llm.cells import Cells, cells_of
from workloads.llm.dtypes import bytes_of
from workloads.llm.model import Transformer, load_model
from workloads.llm.params import SPARSE_POLICIES, LlmJob
from workloads.llm.presets import ACTIVITY, PREDICTOR_RANKS

ALIGN_BYTES = 1 << 14  # regions start on a flash page
GB = 1e9


@dataclass(frozen=True)
class Sizes:
    """Bytes in DRAM (``stored`` false) or on flash (true). Arrays have shape (layers,)."""

    dense: np.ndarray  # attention, norms, biases of a layer
    ffn: np.ndarray
    neuron: int  # all vectors of one FFN neuron
    vector: int  # one of them
    head: int  # output projection: with tied weights this is the embedding
    embedding: int  # input embedding that a token does not read as a whole: 0 with tied weights
    ends: int  # positions, projections, final norm
    projection: int  # of which projections between embedding and layers
    idle: np.ndarray  # experts of a layer that a token does not read
    expert: int  # one expert of one layer, 0 without experts

    @property
    def held(self) -> int:
        """Return the bytes of all weights that a token may read."""
        return self.per_token + int(self.idle.sum())

    @property
    def per_token(self) -> int:
        """Return the bytes of all weights that one token reads."""
        return int(self.dense.sum() + self.ffn.sum()) + self.head + self.ends

    @property
    def model(self) -> int:
        return self.held + self.embedding


def sizes_of(job: LlmJob, model: Transformer, *, stored: bool = False) -> Sizes:
    shape = model.shape

    def dtype(role: str) -> str:
        return (job.stored_dtype if stored else job.dtype)(role, model.dtypes)

    dense, ffn, idle = (np.zeros(shape.layers, np.int64) for _ in range(3))
    ends = projection = 0
    for tensor in model.tensors:
        size = bytes_of(tensor.values, dtype(tensor.role))
        if tensor.layer < 0:
            ends += size if tensor.role not in ("embedding", "head") else 0
            projection += size if tensor.role == "projection" else 0
        elif tensor.role == "expert":
            read = round(size * model.active_share)
            ffn[tensor.layer] += read
            idle[tensor.layer] += size - read
        elif tensor.role == "ffn":
            ffn[tensor.layer] += size
        else:
            dense[tensor.layer] += size
    vector = bytes_of(shape.width, dtype("ffn"))
    table = model.head_values
    return Sizes(
        dense=dense,
        ffn=ffn,
        neuron=model.neuron_vectors * vector,
        vector=vector,
        head=bytes_of(table, dtype("embedding" if shape.tied else "head")),
        embedding=0 if shape.tied else bytes_of(table, dtype("embedding")),
        ends=ends,
        projection=projection,
        idle=idle,
        expert=_expert_bytes(model, dtype("expert")),
    )


def _expert_bytes(model: Transformer, dtype: str) -> int:
    """Return the bytes of one expert; all are alike."""
    experts = model.shape.experts
    if experts is None:
        return 0
    return bytes_of(int(model.layer_values("expert").max()) // experts.count, dtype)


def predictor_ranks(job: LlmJob, model: Transformer) -> np.ndarray:
    """Return the rank of each layer's predictor, 0 where the layer has none and stays in DRAM; (layers,)."""
    layers = model.shape.layers
    if job.offload.policy not in SPARSE_POLICIES:
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
    def caches_experts(self) -> bool:
        return self.job.offload.policy == "experts"

    @property
    def sparse(self) -> bool:
        return self.job.offload.policy in SPARSE_POLICIES

    @property
    def windowed(self) -> bool:
        return self.sparse and self.job.offload.policy != "predictor"


def make_plan(job: LlmJob) -> Plan:
    """Return the plan of a job that `check_fits` accepts."""
    model = load_model(job.model)
    dram, flash = sizes_of(job, model), sizes_of(job, model, stored=True)
    ranks = predictor_ranks(job, model)
    predictor = _predictor_bytes(job, model, ranks)
    budget = job.offload.dram.bytes_of(dram.model) if job.offload.dram else None
    resident = _resident_bytes(job, model, dram, ranks, predictor, budget)
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


def _predictor_bytes(job: LlmJob, model: Transformer, ranks: np.ndarray) -> np.ndarray:
    per_rank = model.shape.width + model.shape.ffn
    return np.array([bytes_of(int(rank) * per_rank, job.dtype("predictor")) for rank in ranks], np.int64)


def _resident_bytes(
    job: LlmJob,
    model: Transformer,
    dram: Sizes,
    ranks: np.ndarray,
    predictor: np.ndarray,
    budget: int | None,
) -> int:
    policy = job.offload.policy
    if policy == "resident":
        return dram.held
    if policy == "naive":
        return 0
    if policy == "experts":
        return dram.held - expert_units(model) * dram.expert
    if policy == "hybrid":
        return min(dram.held // 2 if budget is None else budget, dram.held)
    dense_layers = int(dram.ffn[ranks == 0].sum())
    return int(dram.dense.sum() + predictor.sum()) + dram.head + dram.ends + dense_layers


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
    if job.offload.policy not in SPARSE_POLICIES or budget is None:
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
    copies = 2 if job.offload.policy == "window_coactivation" else 1
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


def check_fits(job: LlmJob) -> None:
    """Raise ValueError if the job cannot run whatever the machine: contexts, budgets, missing activity."""
    model = load_model(job.model)
    cells = cells_of(model, job.dtype("kv"), job.kv_cache.rules)
    if job.table is not None:
        try:
            job.table.at(model.shape.layers)
        except ValueError as error:
            raise ValueError(f"table.layers: {error}") from None
    if job.kv_cache.dram_bytes is not None and not cells.keep_all:
        raise ValueError(
            "kv_cache.dram puts the oldest tokens on flash, kv_cache.rules say which stay; write one of them"
        )
    alone = job.offload.policy in (*SPARSE_POLICIES, "experts")
    alone |= job.offload.policy in ("naive", "hybrid") and model.shape.experts is not None
    if job.batch > 1 and (alone or job.speculative is not None):
        what = f"offload.policy {job.offload.policy}" if alone else "speculative decoding"
        raise ValueError(f"a batch of {job.batch}, and {what} works on one sequence; write batch: 1")
    if job.offload.policy.startswith("window") and job.offload.window > job.context:
        raise ValueError(
            f"offload.window {job.offload.window} is larger than the context of {job.context} tokens "
            f"(prompt {job.prompt} + tokens {job.tokens}); write at most {job.context}"
        )
    if job.context > model.shape.positions:
        raise ValueError(
            f"prompt {job.prompt} + tokens {job.tokens} is a context of {job.context} tokens; "
            f"{model.name} has at most {model.shape.positions}"
        )
    if job.offload.policy == "experts" and (model.shape.experts is None or job.speculative is not None):
        found = "none" if model.shape.experts is None else "them, and speculative decoding beside"
        raise ValueError(f"offload.policy experts reads experts, and {model.name} has {found}")
    if job.offload.policy not in SPARSE_POLICIES and job.offload.policy not in ("resident", "experts"):
        return
    if job.offload.policy in SPARSE_POLICIES and model.shape.experts is not None:
        raise ValueError(
            f"offload.policy {job.offload.policy} keeps neurons of an FFN, and {model.name} has experts; "
            "write resident, naive or hybrid"
        )
    if (
        job.offload.policy in SPARSE_POLICIES
        and job.offload.recorded is None
        and activity_of(job, model) is None
    ):
        raise ValueError(
            f"offload.policy {job.offload.policy} needs to know which neurons {model.name} uses; "
            "write offload.activity or offload.recorded"
        )
    if job.offload.dram is None:
        return
    dram = sizes_of(job, model)
    budget = job.offload.dram.bytes_of(dram.model)
    ranks = predictor_ranks(job, model)
    resident = _resident_bytes(job, model, dram, ranks, _predictor_bytes(job, model, ranks), budget)
    least = resident + (int((ranks > 0).sum()) * dram.neuron if job.offload.policy in SPARSE_POLICIES else 0)
    if job.offload.policy == "experts" and model.shape.experts is not None:
        least += model.shape.experts.per_token * dram.expert
    if budget < least:
        what = (
            "all its weights"
            if job.offload.policy == "resident"
            else "all its weights but the experts, and those of one layer,"
            if job.offload.policy == "experts"
            else "all its weights but the FFN, and its predictor,"
        )
        raise ValueError(
            f"offload.dram {job.offload.dram} is {budget / GB:.2f} GB; {model.name} with policy "
            f"{job.offload.policy} keeps {what} in DRAM: {least / GB:.2f} GB, "
            f"{100 * least / dram.model:.0f} % of the model"
        )
