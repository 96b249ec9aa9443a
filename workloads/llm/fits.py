"""Whether a language model's job can run on any machine: contexts, budgets, activity that must be known."""

import numpy as np

from workloads.llm.cells import ALL, Cells, cells_of
from workloads.llm.model import Transformer, load_model
from workloads.llm.params import LlmJob
from workloads.llm.plan import (
    GB,
    activity_of,
    budget_and_resident,
    predictor_bytes,
    predictor_ranks,
)
from workloads.llm.shared_weights import PARTS, weight_owners
from workloads.llm.sizes import sizes_of
from workloads.llm.stack import block_bits, is_stacked


def check_fits(job: LlmJob) -> None:
    """Raise ValueError if the job cannot run whatever the machine: contexts, budgets, missing activity."""
    model = load_model(job.model)
    cells = cells_of(model, job.dtype("kv"), job.kv_cache.rules)
    ffn, experts = job.held("ffn"), job.held("experts")
    written = ffn in job.hold or experts in job.hold
    name = f"hold of {'ffn' if ffn else 'experts'}" if written else f"offload.policy {job.offload.policy}"
    if job.table is not None:
        try:
            job.table.at(model.shape.layers)
        except ValueError as error:
            raise ValueError(f"table.layers: {error}") from None
    if job.kv_cache.dram_bytes is not None and not cells.keep_all:
        raise ValueError(
            "kv_cache.dram puts the oldest tokens on flash, kv_cache.rules say which stay; write one of them"
        )
    _check_held_kinds(job, cells)
    alone = ffn is not None or experts is not None
    alone |= job.offload.policy in ("naive", "hybrid") and model.shape.experts is not None
    if job.batch > 1 and (alone or job.speculative is not None):
        what = name if alone else "speculative decoding"
        raise ValueError(f"a batch of {job.batch}, and {what} works on one sequence; write batch: 1")
    if ffn is not None and ffn.replace == "window" and ffn.window > job.context:
        where = "hold of ffn: window" if written else "offload.window"
        raise ValueError(
            f"{where} {ffn.window} is larger than the context of {job.context} tokens "
            f"(prompt {job.prompt} + tokens {job.tokens}); write at most {job.context}"
        )
    if job.context > model.shape.positions:
        raise ValueError(
            f"prompt {job.prompt} + tokens {job.tokens} is a context of {job.context} tokens; "
            f"{model.name} has at most {model.shape.positions}"
        )
    if experts is not None and (model.shape.experts is None or job.speculative is not None):
        found = "none" if model.shape.experts is None else "them, and speculative decoding beside"
        raise ValueError(f"{name} reads experts, and {model.name} has {found}")
    if job.share_weights:
        _check_shared_weights(job, model)
    if job.stack is not None:
        _check_stack(job, model)
    if ffn is not None:
        _check_neurons(job, model, name)
    if (ffn or experts) is not None or job.offload.policy == "resident":
        _check_budget(job, model, written=written)


def _check_held_kinds(job: LlmJob, cells: Cells) -> None:
    """Raise ValueError for a line of `hold` about rows or blocks that the job does not read one by one."""
    if job.held("table") is not None and (job.table is None or job.table.home == "dram"):
        found = "no table" if job.table is None else "a table in DRAM"
        raise ValueError(f"hold of table, and there is {found}; write table.home: flash")
    retrieves = bool((cells.read < ALL).any())
    if job.held("kv") is not None and (job.kv_cache.dram_bytes is None or not retrieves):
        raise ValueError(
            "hold of kv keeps blocks that a step retrieves, and none are; write kv_cache.dram, and a rule "
            "with read"
        )
    own = np.arange(cells.owner[0].size).reshape(cells.owner.shape[1:])
    if job.held("kv") is not None and (job.speculative is not None or (cells.owner != own).any()):
        found = "speculative decoding" if job.speculative is not None else "layers or heads that share"
        raise ValueError(f"hold of kv, and {found}; write one of them")


def _check_shared_weights(job: LlmJob, model: Transformer) -> None:
    """Raise ValueError if layers cannot read the weights of others."""
    if job.offload.policy != "resident" or job.stack is not None or job.held("ffn") or job.held("experts"):
        raise ValueError("share_weights, and weights that are not whole in DRAM; write one of them")
    owner = weight_owners(job.share_weights, model.shape.layers).owner
    for part, role in enumerate(PARTS):
        kinds = [_matrices(model, layer, role) for layer in range(model.shape.layers)]
        for layer, other in enumerate(owner[part].tolist()):
            experts = part == 1 and model.shape.expert_layers[layer]
            if other != layer and (experts or kinds[layer] != kinds[other]):
                found = "experts" if experts else "not alike"
                raise ValueError(
                    f"share_weights: {role} of layer {layer} and of layer {other} are {found}; "
                    "write layers with the same matrices"
                )


def _matrices(model: Transformer, layer: int, role: str) -> list[tuple[int, ...]]:
    return [tensor.shape for tensor in model.tensors if tensor.layer == layer and tensor.role == role]


def _check_stack(job: LlmJob, model: Transformer) -> None:
    """Raise ValueError if the matrices cannot be stacks of blocks."""
    assert job.stack is not None
    if job.offload.policy != "resident" or any(hold.what in ("ffn", "experts") for hold in job.hold):
        raise ValueError("stack, and weights that are read from flash by tokens; write one of them")
    least = sum(-(-block_bits(t, job.stack.rank) // 8) for t in model.tensors if is_stacked(t))
    smallest = min([job.stack.dram_bytes, *(change.dram_bytes for change in job.stack.changes)])
    if smallest < least:
        raise ValueError(
            f"stack: dram {smallest / GB:.2f} GB; one block of each matrix takes {least / GB:.2f} GB"
        )


def _check_neurons(job: LlmJob, model: Transformer, name: str) -> None:
    """Raise ValueError if neurons cannot be held: experts, speculation without a window, unknown activity."""
    ffn = job.held("ffn")
    assert ffn is not None
    if model.shape.experts is not None:
        raise ValueError(
            f"{name} keeps neurons of an FFN, and {model.name} has experts; write resident, naive or hybrid"
        )
    if job.speculative is not None and ffn.replace not in ("none", "window"):
        raise ValueError(
            f"speculative decoding, and neurons held by {ffn.replace}; write replace: window, or none"
        )
    if job.offload.recorded is None and activity_of(job, model) is None:
        raise ValueError(
            f"{name} needs to know which neurons {model.name} uses; "
            "write offload.activity or offload.recorded"
        )


def _check_budget(job: LlmJob, model: Transformer, *, written: bool) -> None:
    """Raise ValueError if the DRAM for weights is less than what must be there."""
    dram, ranks, experts = sizes_of(job, model), predictor_ranks(job, model), job.held("experts")
    budget, resident = budget_and_resident(job, model, dram, ranks, predictor_bytes(job, model, ranks))
    if budget is None:
        return
    least = resident + (int((ranks > 0).sum()) * dram.neuron if job.held("ffn") is not None else 0)
    if experts is not None and model.shape.experts is not None and experts.via == "direct":
        least += model.shape.experts.per_token * dram.expert
    if budget >= least:
        return
    if written:
        hold = job.held("ffn") or experts
        assert hold is not None
        raise ValueError(
            f"hold of {hold.what}: dram {hold.dram}; a layer's own take {(least - resident) / GB:.3f} GB"
        )
    what = (
        "all its weights but the experts, and those of one layer,"
        if experts is not None
        else "all its weights but the FFN, and its predictor,"
        if job.held("ffn") is not None
        else "all its weights"
    )
    raise ValueError(
        f"offload.dram {job.offload.dram} is {budget / GB:.2f} GB; {model.name} with policy "
        f"{job.offload.policy} keeps {what} in DRAM: {least / GB:.2f} GB, "
        f"{100 * least / dram.model:.0f} % of the model"
    )
