"""A transformer from the values of a Hugging Face `config.json`: its tensors, and what a token costs."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hw_models.errors import ConfigError
from workloads.llm.architectures import ARCHITECTURES, Shape, Tensor, tensors_of

MODELS_FOLDER = Path(__file__).parent / "models"
MATMUL_ROLES = ("attention", "ffn", "head")  # roles whose every weight is one MAC per token


@dataclass(frozen=True)
class Transformer:
    name: str
    shape: Shape
    tensors: tuple[Tensor, ...]

    @cached_property
    def parameters(self) -> int:
        return sum(tensor.values for tensor in self.tensors)

    def values(self, *roles: str) -> int:
        """Return how many parameters have one of ``roles``, over the whole model."""
        return sum(tensor.values for tensor in self.tensors if tensor.role in roles)

    @cached_property
    def attention_values_per_layer(self) -> int:
        return self.values("attention") // self.shape.layers

    @cached_property
    def neuron_vectors(self) -> int:
        """Return how many d_model-long vectors one FFN neuron has: up, down, and gate where there is one."""
        return 3 if self.shape.gated else 2

    @cached_property
    def head_values(self) -> int:
        """Return the weights of the output projection, whether or not they are the embedding's own."""
        return self.shape.vocabulary * self.shape.embedding_width

    def context_seen(self, context: int) -> int:
        """Return how many tokens the attention of one token reads."""
        return min(context, self.shape.attention_window or context)

    def kv_values_per_token(self) -> int:
        """Return how many numbers one token adds to the KV cache, all layers."""
        return 2 * self.shape.layers * self.shape.kv_heads * self.shape.head_width

    def decode_macs(self, context: int) -> int:
        """Return the MACs of one token that attends to ``context`` tokens (itself included)."""
        scores = 2 * self.shape.layers * self.shape.heads * self.shape.head_width * self.context_seen(context)
        return self.values("attention", "ffn", "projection") + self.head_values + scores

    def prefill_macs(self, prompt: int) -> int:
        """Return the MACs of ``prompt`` tokens, causal attention, output projection of the last one only."""
        dense = prompt * self.values("attention", "ffn", "projection") + self.head_values
        seen = sum(self.context_seen(context) for context in range(1, prompt + 1))
        return dense + 2 * self.shape.layers * self.shape.heads * self.shape.head_width * seen


def builtin_models() -> list[str]:
    """Return the names of the models that come with the project."""
    return sorted(path.stem for path in MODELS_FOLDER.glob("*.json"))


def load_model(name: str, *, key: str | None = None) -> Transformer:
    """Return the built-in model of this name, or the one that the file ``name`` describes.

    Raises ConfigError if there is none, or if its architecture is not known.
    """
    path = Path(name)
    if name in builtin_models():
        path = MODELS_FOLDER / f"{name}.json"
    elif path.suffix != ".json":
        close = difflib.get_close_matches(name, builtin_models(), n=1)
        right = (
            f"did you mean {close[0]!r}?"
            if close
            else f"write one of {', '.join(builtin_models())}, or a config.json"
        )
        raise ConfigError(f"{name!r} is no built-in model; {right}", key=key)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(
            f"{name} cannot be read ({reason}); write the path of a config.json", key=key
        ) from None
    except ValueError as error:
        raise ConfigError(f"not JSON ({error}); write a Hugging Face config.json", file=path) from None
    return transformer(
        path.stem if path.parent == MODELS_FOLDER else path.parent.name or path.stem, values, file=path
    )


def transformer(name: str, values: Mapping[str, Any], *, file: Path | None = None) -> Transformer:
    """Return the model that the values of a `config.json` describe. Raises ConfigError."""
    kind = values.get("model_type") if isinstance(values, Mapping) else None
    if kind not in ARCHITECTURES:
        found = "no model_type" if kind is None else f"unknown architecture {kind!r}"
        raise ConfigError(f"{found}; write one of {', '.join(ARCHITECTURES)}", file=file, key="model_type")
    try:
        shape = ARCHITECTURES[kind](values)
    except KeyError as error:
        raise ConfigError(f"missing; a {kind} model needs it", file=file, key=str(error.args[0])) from None
    except (TypeError, ValueError) as error:
        raise ConfigError(f"not a {kind} model: {error}", file=file) from None
    if min(shape.layers, shape.width, shape.heads, shape.kv_heads, shape.ffn, shape.vocabulary) <= 0:
        raise ConfigError("a size is zero or negative; write positive whole numbers", file=file)
    return Transformer(name, shape, tuple(tensors_of(shape)))
