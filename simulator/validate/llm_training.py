"""Training steps beside what papers measured or say: activations, recomputation, shared prompts of pairs.

Packed rows of DPO with a shared prompt are samples a second of 8 cards; ours is how many times fewer tokens
they have. Where attention outweighs all else depends on kernels that we do not know: shown, not counted.
"""

from collections.abc import Iterator

from hw_models.roofline.params import Roofline
from simulator.config.model import load
from simulator.config.shipped import CONFIGS
from simulator.validate.figure import Figure
from simulator.validate.llm_tables import rows_of
from workloads.llm.model import load_model, transformer
from workloads.llm.train_params import TrainJob
from workloads.llm.training import (
    MASTER_BYTES,
    MOMENT_BYTES,
    Step,
    dpo_tokens,
    forward_macs,
    layer_values,
    step_of,
)
from workloads.llm.training_memory import memory_plan
from workloads.lowering.planner import Lifetime, plan_bytes, plan_memory

MEMO_7B = {"model_type": "gpt2", "n_embd": 4096, "n_layer": 32, "n_head": 32, "vocab_size": 50257}
MEMO_TOKENS, MEMO_GIB, MEMO_CROSSING, MEMO_HIDES = 2**20, 4096, 576 * 2**10, 192 * 2**10
RECOMPUTED_PERCENT = 30  # more time (Sublinear memory, arXiv 1604.06174, abstract)
PLANNED = 124  # of the example (first step, last step, size) of arXiv 2001.03288, 234 without sharing
EXAMPLE = [(0, 1, 32), (1, 4, 28), (2, 5, 36), (3, 5, 16), (4, 5, 8), (5, 7, 64), (6, 8, 10), (7, 8, 40)]
COMPACT_LESS = 27.5  # %: middle of 25 to 30 in pretraining (arXiv 2410.15352, abstract)
LLAMA_1B = {"model_type": "llama", "hidden_size": 2048, "intermediate_size": 5461, "vocab_size": 32000}
LLAMA_1B |= {"num_hidden_layers": 24, "num_attention_heads": 32, "max_position_embeddings": 1024}
COMPACT_STEP = {"sequence": 256, "sequences": 64}  # the authors' README, C4's usual 256 tokens
RANKS = ("25 %", "50 %")
MOMENTS_KEPT = 20  # % of Adam's (Subset-Norm, arXiv 2411.07120, abstract): the preset writes it down
CARD = {"memory_bandwidth": "1 TB/s", "peak": {"bf16": "100 TFLOPS"}}


def figures() -> Iterator[Figure]:
    yield from memo()
    yield sublinear()
    yield from compact()
    yield subset_norm()
    yield from prefix_sharing()
    yield from planned()


def memo() -> Iterator[Figure]:
    """MEMO: activations of GPT-7B over 1 Mi tokens; from which length attention is 90 %."""
    model, shown = transformer("gpt-7b", MEMO_7B), {"system": "MEMO", "model": "GPT-7B"}
    values = layer_values(model).total * model.shape.layers * MEMO_TOKENS
    yield Figure(shown, "activations, GiB", MEMO_GIB, 2 * values / 2**30)
    least, most = 1, 2**22
    while most - least > 1024:
        tokens = (least + most) // 2
        linear, attention = forward_macs(model, _job(tokens))
        least, most = (least, tokens) if attention > 9 * linear else (tokens, most)
    yield Figure(shown, "tokens from which attention is 90 %", MEMO_CROSSING, most, counted=False)
    yield Figure(shown, "tokens from which swapping hides", MEMO_HIDES, _hidden_from(), counted=False)


def _hidden_from() -> int:
    """Return the length from which a layer's forward pass hides the swap of all that it leaves.

    The link's rate and the share of peak that products reach are the preset's, which assumes them.
    """
    machine = load(CONFIGS / "llm" / "memo.yaml").system.backends["gpu0"]
    machine = machine.model_copy(update={"host_bytes": 2**60})
    model, least, most = transformer("gpt-7b", MEMO_7B), 1, 2**22
    while most - least > 1024:
        tokens = (least + most) // 2
        hides = step_of(model, _job(tokens, "swap", cards=8), machine).swapped >= 1
        least, most = (least, tokens) if hides else (tokens, most)
    return most


def sublinear() -> Figure:
    """One more forward pass for what is not kept, at equal rates."""
    model, machine = transformer("gpt-7b", MEMO_7B), Roofline.model_validate(CARD)
    kept, again = (step_of(model, _job(2048, policy), machine).seconds for policy in ("keep", "recompute"))
    shown = {"system": "Sublinear memory", "model": "GPT-7B"}
    return Figure(shown, "100 + more time %", 100 + RECOMPUTED_PERCENT, 100 * again / kept)


def compact() -> Iterator[Figure]:
    """CompAct: LLaMA-1B's peak with inputs of linear layers, gradients and moments as projections.

    Weights, gradients and moments have 16 bits. The abstract's rank and batch are not among what we have, so
    that two ranks are shown and neither is counted.
    """
    model, machine = transformer("llama-1b", LLAMA_1B), Roofline.model_validate(CARD)
    whole = _peak(step_of(model, _small_step("keep"), machine), 1.0)
    for rank in RANKS:
        job = _small_step("compress", rank=rank)
        assert job.activations.rank is not None
        less = 100 * (1 - _peak(step_of(model, job, machine), float(job.activations.rank)) / whole)
        shown = {"system": "CompAct", "model": f"1B, rank {rank}"}
        yield Figure(shown, "% less at the peak", COMPACT_LESS, less, counted=False)


def _small_step(policy: str, **more: str) -> TrainJob:
    activations = {"policy": policy, **more}
    keys = {"model": "opt-125m", "on": "gpu0", "train": COMPACT_STEP, "activations": activations}
    return TrainJob.model_validate(keys)


def _peak(step: Step, rank: float) -> float:
    """Return weights and activations, and gradients and two moments of so much of each weight's width."""
    return step.weights + step.activations + rank * 3 * step.gradients


def subset_norm() -> Figure:
    config = load(CONFIGS / "llm" / "subset_norm.yaml")
    job = config.workloads["step"]
    assert isinstance(job, TrainJob)
    model = load_model(job.model)
    step = step_of(model, job, config.system.backends[job.on])
    moments = step.optimizer - MASTER_BYTES * model.parameters
    shown = {"system": "Subset-Norm", "model": "Llama-2-7B"}
    ours = 100 * moments / (MOMENT_BYTES * model.parameters)
    return Figure(shown, "% of Adam's moments (parameter)", MOMENTS_KEPT, ours, counted=False)


def planned() -> Iterator[Figure]:
    """Offsets of activations: a paper's example, and one step against the most alive at once."""
    buffers = [Lifetime(str(i), size, first, last) for i, (first, last, size) in enumerate(EXAMPLE)]
    shown = {"system": "Activation planning", "model": "example"}
    yield Figure(shown, "bytes", PLANNED, plan_bytes(buffers, plan_memory(buffers, "greedy_by_size")))
    job = load(CONFIGS / "llm" / "sublinear_memory.yaml").workloads["step"]
    assert isinstance(job, TrainJob)
    plan = memory_plan(load_model(job.model), job)
    shown = {"system": "Activation planning", "model": "Llama-2-7B"}
    yield Figure(shown, "% of the lower bound", 100.0, 100 * plan.planned / plan.lower_bound, counted=False)


def prefix_sharing() -> Iterator[Figure]:
    """Both answers of a pair behind one copy of their prompt."""
    for row in rows_of("dpo_prefix_sharing.csv"):
        faster = float(row["samples_per_s_shared"]) / float(row["samples_per_s"])
        shown = {"system": "DPO prefix sharing", "model": row["dataset"]}
        yield Figure(shown, "times faster", faster, dpo_tokens(float(row["prompt_to_answer"])))


def _job(tokens: int, policy: str = "keep", cards: int = 1) -> TrainJob:
    train = {"sequence": tokens, "cards": cards}
    return TrainJob.model_validate(
        {"model": "opt-125m", "on": "gpu0", "train": train, "activations": {"policy": policy}}
    )
