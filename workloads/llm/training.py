"""A training step: what lies in memory at its peak, what is computed, what crosses the link to the host.

A layer leaves for its backward pass (in values a token; h width, q and k of queries and keys, f of the FFN):
its input, both norms' outputs, queries, keys and values, the attention's output, the residual behind it, and
of the FFN all products: 16 h for GPT, as MEMO counts them (arXiv 2407.12117, section 4). Attention keeps no
scores (FlashAttention); the loss works in chunks. Backward is twice forward: gradients of inputs, then of
weights. What is not trained has no gradients of weights, and leaves no inputs for them (`trained_part`).
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from hw_models.roofline.params import Roofline
from workloads.llm.cells import cells_of
from workloads.llm.dtypes import bytes_of
from workloads.llm.model import Transformer
from workloads.llm.train_params import TrainJob

MASTER_BYTES, MOMENT_BYTES = 4, 8  # a parameter: weights in FP32, two moments in FP32
SWAP_BUFFERS = 2  # layers


@dataclass(frozen=True)
class LayerValues:
    """What a layer leaves for its backward pass, values a token."""

    input: int
    attention: int  # its output: with the input what is never recomputed where the rest may be
    linear_inputs: int  # norms' outputs, attention's output, activation's output: inputs of linear layers
    total: int


@dataclass(frozen=True)
class Step:
    """Bytes of all cards together, seconds of the step."""

    weights: int
    gradients: int
    optimizer: int
    activations: int  # in the cards' memories at the peak
    host: int  # activations at the host
    swapped: float  # share of what may be swapped
    forward_s: float
    backward_s: float
    recompute_s: float
    exposed_s: float  # swapping that forward does not hide
    macs: int  # forward, backward and what is recomputed

    @property
    def peak(self) -> int:
        return self.weights + self.gradients + self.optimizer + self.activations

    @property
    def seconds(self) -> float:
        return self.forward_s + self.backward_s + self.recompute_s + self.exposed_s


@dataclass(frozen=True)
class TrainedPart:
    """What of a model is trained, and what that takes."""

    parameters: int  # with gradients, master weights and moments
    added: int  # of them, beside the model's own
    kept: Fraction  # values a token that each layer leaves
    working: int  # values a token of the layer under way, where it leaves none
    forward_macs: int
    backward_macs: int


def layer_values(model: Transformer) -> LayerValues:
    shape = model.shape
    queries, keys = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
    ffn = (3 if shape.gated else 2) * shape.ffn
    outside = 2 * shape.width + 2 * shape.width + queries + 2 * keys + queries  # input, residual; norms; ...
    linear_inputs = 2 * shape.width + queries + shape.ffn
    return LayerValues(shape.width, queries, linear_inputs, outside + ffn)


def forward_macs(model: Transformer, job: TrainJob) -> tuple[int, int]:
    """Return the MACs of a forward pass of the batch: linear layers, attention."""
    tokens = job.train.sequence * job.train.sequences
    linear = model.prefill_linear_macs(tokens) + (tokens - 1) * model.head_values
    attention = job.train.sequences * cells_of(model, job.precision).prompt_macs(job.train.sequence)
    return linear, attention


def trained_part(model: Transformer, job: TrainJob) -> TrainedPart:
    """Return what is trained.

    attention: FFNs leave no inputs of their two linear steps. side (UniPT, arXiv 2308.14316): each layer has
    a block of so much of its width and a projection to that; the model itself leaves nothing. perturbed
    (arXiv 2306.10015): two forward passes, a number a step to tell others.
    """
    tokens, layers = job.train.sequence * job.train.sequences, model.shape.layers
    linear, attention = forward_macs(model, job)
    forward, values = linear + attention, layer_values(model)
    if job.trained == "perturbed":
        return TrainedPart(0, 0, Fraction(0), values.total, 2 * forward, 0)
    if job.trained == "attention":
        trained = sum(t.values for t in model.tensors if t.role == "attention" and len(t.shape) == 2)
        kept = values.total - model.shape.width - model.shape.ffn
        return TrainedPart(trained, 0, Fraction(kept), 0, forward, linear + 2 * attention + tokens * trained)
    if job.trained == "side":
        assert job.side is not None
        blocks = sum(t.values for t in model.tensors if t.layer >= 0 and len(t.shape) == 2)
        beside = ceil(job.side**2 * blocks + layers * job.side * model.shape.width**2)
        macs = tokens * beside + ceil(job.side * attention)
        return TrainedPart(beside, beside, job.side * values.total, values.total, forward + macs, 2 * macs)
    return TrainedPart(model.parameters, 0, Fraction(values.total), 0, forward, 2 * forward)


def step_of(model: Transformer, job: TrainJob, machine: Roofline) -> Step:
    """Return the step. Raises ValueError if the host cannot hold what is swapped."""
    layers, tokens = model.shape.layers, job.train.sequence * job.train.sequences
    linear, attention = forward_macs(model, job)
    part = trained_part(model, job)
    rate = machine.peak_flop_per_s[job.precision] / 2 * machine.efficiency.gemm * job.train.cards
    forward_s = part.forward_macs / rate
    values, chosen = layer_values(model), job.activations

    def size(count: int | Fraction) -> int:
        return bytes_of(ceil(count * tokens), job.precision)

    whole = size(values.total)
    host, swapped, recompute_s, exposed_s, extra = 0, 0.0, 0.0, 0.0, 0
    if chosen.policy == "keep":
        activations = layers * size(part.kept) + size(part.working)
    elif chosen.policy == "recompute":
        activations = ceil(layers / chosen.segment) * size(values.input) + chosen.segment * whole
        extra = linear + attention
    elif chosen.policy == "compress":
        assert chosen.rank is not None
        activations = layers * size(values.total - (1 - chosen.rank) * values.linear_inputs)
    else:
        always = size(values.input + values.attention)
        link = machine.link_bytes_per_s * job.train.cards
        swapped = _share(job, machine, (whole, always, layers), forward_s / layers * link)
        moved = always + swapped * (whole - always)
        activations, host = SWAP_BUFFERS * whole, round(layers * moved)
        extra = round((1 - swapped) * linear)
        exposed_s = layers * max(0.0, moved / link - forward_s / layers)
    recompute_s = extra / rate
    moments = 1 if job.moments is None else job.moments
    return Step(
        weights=bytes_of(model.parameters + part.added, job.precision),
        gradients=bytes_of(part.parameters, job.precision),
        optimizer=part.parameters * MASTER_BYTES + ceil(moments * MOMENT_BYTES * part.parameters),
        activations=activations,
        host=host,
        swapped=swapped,
        forward_s=forward_s,
        backward_s=part.backward_macs / rate,
        recompute_s=recompute_s,
        exposed_s=exposed_s,
        macs=part.forward_macs + part.backward_macs + extra,
    )


def _share(job: TrainJob, machine: Roofline, sizes: tuple[int, int, int], hidden: float) -> float:
    """Return the share of a layer's activations that is swapped: as written, or as hides and fits the host.

    ``sizes``: bytes of a layer, those of them that are always swapped, and how many layers there are.
    ``hidden``: bytes that cross the link while a layer's forward pass computes.
    """
    whole, always, layers = sizes
    rest = whole - always
    room = (machine.host_bytes or 0) / layers - always
    if room < 0:
        raise ValueError(
            f"inputs and attention of all layers are {layers * always / 1e9:.2f} GB; the host of {job.on} "
            f"has {(machine.host_bytes or 0) / 1e9:.2f} GB"
        )
    most = min(1.0, room / rest)
    if job.activations.share is None:
        return max(0.0, min(most, (hidden - always) / rest))
    if job.activations.share > most:
        raise ValueError(
            f"activations.share {float(100 * job.activations.share):g} %; the host of {job.on} has room for "
            f"{100 * most:.1f} %"
        )
    return float(job.activations.share)


def dpo_tokens(prompt_to_answer: float) -> float:
    """Return how many times fewer tokens a pair of answers takes if both share their prompt.

    2 (P + R) tokens become P + 2 R; ``prompt_to_answer`` is P / R (arXiv 2410.20305).
    """
    return 2 * (prompt_to_answer + 1) / (prompt_to_answer + 2)
