"""A transformer from the values of a Hugging Face `config.json`: its tensors, and what a token costs."""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from workloads.llm.architectures import ARCHITECTURES
from workloads.llm.quantized import quantized_roles
from workloads.llm.shape import Shape, Tensor
from workloads.llm.tensors import tensors_of

MODELS_FOLDER = Path(__file__).parent / "models"
SIZES = re.compile(  # names in a config.json
    r"^(num|n|d|hidden|intermediate|moe|vocab|head|max_position|kv|q|ffn|sliding)_"
    r"(\w*_)?(size|heads|layers?|dim|experts|tok|rank|window|embeddings|model|embd)$"
)
EVERY_TOKEN = ("attention", "ffn", "router", "projection")  # roles whose every weight is one MAC per token


@dataclass(frozen=True)
class Transformer:
    name: str
    shape: Shape
    tensors: tuple[Tensor, ...]
    dtypes: Mapping[str, str] = field(default_factory=dict)  # of roles that the checkpoint has quantized

    @cached_property
    def parameters(self) -> int:
        return sum(tensor.values for tensor in self.tensors)

    def values(self, *roles: str) -> int:
        """Return how many parameters have one of ``roles``, over the whole model."""
        return sum(tensor.values for tensor in self.tensors if tensor.role in roles)

    def layer_values(self, *roles: str) -> np.ndarray:
        """Return how many parameters of each layer have one of ``roles``, shape (layers,)."""
        found = np.zeros(self.shape.layers, np.int64)
        for tensor in self.tensors:
            if tensor.layer >= 0 and tensor.role in roles:
                found[tensor.layer] += tensor.values
        return found

    @cached_property
    def active_share(self) -> float:
        """Return the share of the experts' weights that one token reads."""
        experts = self.shape.experts
        return experts.per_token / experts.count if experts is not None else 1.0

    @cached_property
    def active_parameters(self) -> int:
        """Return the parameters that one token uses: all, but of the experts those that it is sent to."""
        return self.parameters - round((1 - self.active_share) * self.values("expert"))

    @cached_property
    def neuron_vectors(self) -> int:
        """Return how many d_model-long vectors one FFN neuron has: up, down, and gate where there is one."""
        return 3 if self.shape.gated else 2

    @cached_property
    def head_values(self) -> int:
        """Return the weights of the output projection, whether or not they are the embedding's own."""
        return self.shape.vocabulary * self.shape.embedding_width

    def seen(self, layer: int, context: int) -> int:
        """Return how many tokens the attention of one token reads in ``layer``; a scan reads none."""
        if self.shape.scan_layers[layer]:
            return 0
        return min(context, self.shape.windows[layer] or context)

    def seen_in_all(self, context: int) -> int:
        """Return the tokens that one token's attention reads, added up over the layers."""
        return sum(self.seen(layer, context) for layer in range(self.shape.layers))

    def kv_values_per_token(self) -> int:
        """Return how many numbers one token adds to the KV cache, all layers."""
        return self.shape.kv_layers * self.shape.kv_values

    def kept_values(self, context: int) -> int:
        """Return the numbers that ``context`` tokens leave behind: keys, values and states of all layers."""
        shape = self.shape
        states = shape.state_layers * (shape.scan.state_values if shape.scan else 0)
        owners = (layer for layer, owner in enumerate(shape.kv_owners) if owner == layer)
        return sum(self.seen(layer, context) for layer in owners) * shape.kv_values + states

    def decode_macs(self, context: int) -> int:
        """Return the MACs of one token that attends to ``context`` tokens (itself included)."""
        scores = self.shape.heads * self.shape.score_width * self.seen_in_all(context)
        return self._weights_per_token + self.head_values + scores

    def prefill_macs(self, prompt: int) -> int:
        """Return the MACs of ``prompt`` tokens, causal attention, output projection of the last one only."""
        seen = 0
        for layer in range(self.shape.layers):
            if not self.shape.scan_layers[layer]:
                window = min(self.shape.windows[layer] or prompt, prompt)
                seen += window * (window + 1) // 2 + (prompt - window) * window
        return self.prefill_linear_macs(prompt) + self.shape.heads * self.shape.score_width * seen

    def prefill_linear_macs(self, prompt: int) -> int:
        """Return the MACs of `prefill_macs` but for those of queries with keys and values."""
        return prompt * self._weights_per_token + self.head_values

    @cached_property
    def _weights_per_token(self) -> int:
        return self.values(*EVERY_TOKEN) + round(self.active_share * self.values("expert"))


def _is_whole(value: Any) -> bool:
    """Return whether a size of a config.json is one: null is for a default, "auto" for one that follows."""
    if value is None or value == "auto" or isinstance(value, list | dict):
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1


def builtin_models() -> list[str]:
    """Return the names of the models that come with the project."""
    return sorted(path.stem for path in MODELS_FOLDER.glob("*.json"))


def load_model(name: str, *, key: str | None = None) -> Transformer:
    """Return the built-in model of this name, or the one that the file or folder ``name`` describes.

    Raises ConfigError if there is none, or if its architecture is not known.
    """
    path = Path(name)
    if name in builtin_models():
        path = MODELS_FOLDER / f"{name}.json"
    elif path.is_dir():
        path = path / "config.json"
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
            f"{path} cannot be read ({reason}); write the path of a config.json", key=key
        ) from None
    except ValueError as error:
        raise ConfigError(f"not JSON ({error}); write a Hugging Face config.json", file=path) from None
    builtin = path.parent == MODELS_FOLDER
    return transformer(path.stem if builtin else path.parent.name or path.stem, values, file=path)


def transformer(name: str, values: Mapping[str, Any], *, file: Path | None = None) -> Transformer:
    """Return the model that the values of a `config.json` describe. Raises ConfigError."""
    if isinstance(values, Mapping) and isinstance(values.get("text_config"), Mapping):
        values = {"model_type": values.get("model_type"), **values, **values["text_config"]}
    kind = values.get("model_type") if isinstance(values, Mapping) else None
    if not isinstance(kind, str) or kind not in ARCHITECTURES:
        found = "no model_type" if kind is None else f"unknown architecture {kind!r}"
        raise ConfigError(f"{found}; write one of {', '.join(ARCHITECTURES)}", file=file, key="model_type")
    for key, value in values.items():
        if SIZES.search(key) and not _is_whole(value):
            raise ConfigError(f"{value!r}; write a whole number", file=file, key=key)
    try:
        shape = ARCHITECTURES[kind](values)
        dtypes = quantized_roles(values.get("quantization_config"))
    except KeyError as error:
        raise ConfigError(f"missing; a {kind} model needs it", file=file, key=str(error.args[0])) from None
    except (TypeError, ValueError) as error:
        raise ConfigError(f"not a {kind} model: {error}", file=file) from None
    if min(shape.layers, shape.width, shape.heads, shape.kv_heads, shape.vocabulary) <= 0 or shape.ffn < 0:
        raise ConfigError("a size is zero or negative; write positive whole numbers", file=file)
    return Transformer(name, shape, tuple(tensors_of(shape)), dtypes)
