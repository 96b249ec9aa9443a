"""BASED's 24 times (arXiv 2402.18668, abstract): 1024 tokens of 128 sequences, models of 1.3 G parameters.

Bytes alone make it two. The software makes the rest: the transformer's kernels are launched from Python,
block by block, which takes what eager blocks of five other models took (`a100_80gb.eager`, fitted to Hymba's
table); BASED's step is a graph of kernels, each with the launch that measured linear layers have. That these
two were compared, on an H100, is assumed: shown, not counted. Shapes: HazyResearch/based, its 1.3 G configs.
"""

from collections.abc import Iterator
from typing import Any

from hw_models.roofline.gpus import GPUS
from hw_models.roofline.kernels import decode_attention_s, linear_s, pointwise_s
from hw_models.roofline.params import Roofline
from hw_models.roofline.presets import PRESETS
from hw_models.units import FS
from simulator.validate.figure import Figure
from workloads.llm.compute import Compute
from workloads.llm.model import transformer
from workloads.llm.params import LlmJob
from workloads.llm.plan import plan_of

FASTER, SEQUENCES, TOKENS, VOCABULARY = 24, 128, 1024, 50280
CARD = GPUS["h100"]
TRANSFORMER = {
    "model_type": "llama",
    "hidden_size": 1680,
    "intermediate_size": 4480,
    "vocab_size": VOCABULARY,
}
TRANSFORMER |= {"num_hidden_layers": 36, "num_attention_heads": 24, "tie_word_embeddings": True}
WIDTH, WINDOW, VALUE_BYTES = 1792, 128, 2
HEADS, FEATURES, HEAD_WIDTH = 28, 273, 64  # of linear attention
FFN = ((WIDTH, 2 * 3584), (3584, WIDTH))
CONVOLUTION = ((WIDTH, 4 * WIDTH), (2 * WIDTH, WIDTH))  # and a gate
LINEAR = ((WIDTH, 2 * HEADS * 16 + WIDTH), (WIDTH, WIDTH))  # queries and keys of 16 values a head
ATTENTION = ((WIDTH, 3 * WIDTH), (WIDTH, WIDTH))
LAYERS = ((22, CONVOLUTION), (7, LINEAR), (7, ATTENTION))
POINTWISE = (3, 3, 4, 4)  # values a token, of the width: two norms, mixing, activation


def figures() -> Iterator[Figure]:
    shown = {"system": "BASED", "model": "1.3 G, 128 sequences"}
    yield Figure(shown, "times faster", FASTER, eager_s() / graph_s(), counted=False)


def eager_s(floor: str | None = None) -> float:
    """Return the time of a step of the transformer, halfway through the tokens. ``floor``: of a block."""
    eager = PRESETS["a100_80gb.eager"]
    keys: dict[str, Any] = {"preset": "h100.vllm", "efficiency": eager["efficiency"]}
    machine = Roofline.model_validate(keys | {"block_floor": floor or eager["block_floor"]})
    model = transformer("transformer-1.3b", TRANSFORMER)
    keys = {"model": "opt-125m", "on": "gpu0", "prompt": TOKENS // 2 - 1, "tokens": 1, "batch": SEQUENCES}
    compute = Compute(plan_of(LlmJob.model_validate(keys), model), machine)
    layers = range(model.shape.layers)
    attention = sum(work.fs for layer in layers for _, work in compute.attention(layer, 1, TOKENS // 2))
    return FS * (attention + sum(compute.ffn(layer, 1, None).fs for layer in layers) + compute.head(1).fs)


def graph_s() -> float:
    """Return the time of a step of BASED, which does not depend on the context."""
    total = _product_s(WIDTH, VOCABULARY)
    for many, mixing in LAYERS:
        products = sum(_product_s(inputs, outputs) for inputs, outputs in (*mixing, *FFN))
        others = sum(pointwise_s(CARD, VALUE_BYTES * SEQUENCES * WIDTH * wide) for wide in POINTWISE)
        total += many * (products + others)
    state = SEQUENCES * VALUE_BYTES * HEADS * FEATURES * (HEAD_WIDTH + 1)
    window = SEQUENCES * VALUE_BYTES * WINDOW * 2 * WIDTH
    return total + 7 * (pointwise_s(CARD, 2 * state) + decode_attention_s(CARD, window))


def _product_s(inputs: int, outputs: int) -> float:
    moved = VALUE_BYTES * (SEQUENCES * (inputs + outputs) + inputs * outputs)
    return linear_s(CARD, moved, 2 * SEQUENCES * inputs * outputs)
