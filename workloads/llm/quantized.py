"""What a checkpoint's `quantization_config` says of its weights: data types by role.

Sources: Hugging Face transformers, quantizers for AWQ, GPTQ, FP8, MXFP4 and bitsandbytes (what each leaves
unquantized); compressed-tensors, schemes of vLLM's llm-compressor.
"""

from collections.abc import Mapping
from typing import Any

METHODS = ("awq", "gptq", "fp8", "mxfp4", "bitsandbytes", "compressed-tensors")
LINEAR = ("attention", "ffn", "expert")


def quantized_roles(config: Mapping[str, Any] | None) -> dict[str, str]:
    """Return role -> data type of what is quantized. Raises ValueError for a method that is not known."""
    if not config:
        return {}
    if not isinstance(config, Mapping):
        raise ValueError(f"quantization_config {config!r}; write a mapping with quant_method")
    loaded = config.get("load_in_4bit") or config.get("load_in_8bit")
    method = str(config.get("quant_method") or ("bitsandbytes" if loaded else "")).lower()
    if method in ("awq", "gptq"):
        bits = int(config.get("bits", config.get("w_bit", 4)))
        group = int(config.get("group_size", config.get("q_group_size", 128)))
        return dict.fromkeys(LINEAR, _integer(method, bits, group, "g"))
    if method == "bitsandbytes":
        if config.get("load_in_8bit"):
            return dict.fromkeys(LINEAR, "int8_row")
        return dict.fromkeys(LINEAR, "nf4_double" if config.get("bnb_4bit_use_double_quant") else "nf4")
    if method == "compressed-tensors":
        return _compressed(config)
    if method in ("fp8", "fbgemm_fp8"):
        return dict.fromkeys(LINEAR, "fp8")
    if method == "mxfp4":
        return {"expert": "mxfp4"}
    raise ValueError(f"quantization {method!r} is not known; known: {', '.join(METHODS)}")


def _integer(method: str, bits: int, group: int, kind: str) -> str:
    """Return the type of integers in groups, with a zero ("g") or symmetric ("s"); -1: a row is a group."""
    if bits not in (2, 3, 4, 8) or group == 0 or group < -1 or (group == -1 and bits not in (4, 8)):
        raise ValueError(f"{method} of {bits} bits in groups of {group}; 2, 3, 4 or 8 bits are known")
    return f"int{bits}_row" if group == -1 else f"int{bits}_{kind}{group}"


def _compressed(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the types of a compressed-tensors checkpoint with one scheme of weights."""
    groups = config.get("config_groups")
    listed = [*groups.values()] if isinstance(groups, Mapping) else []
    found = [g["weights"] for g in listed if isinstance(g, Mapping) and isinstance(g.get("weights"), Mapping)]
    if not found or len(found) < len(listed):
        raise ValueError("compressed-tensors without config_groups that have weights")
    schemes = {_scheme(scheme) for scheme in found}
    if len(schemes) > 1:
        raise ValueError(
            f"compressed-tensors of several schemes ({', '.join(sorted(schemes))}); one is known"
        )
    whole = [pattern for pattern in config.get("ignore") or [] if str(pattern).startswith("re:")]
    attention_too = not any("self_attn" in pattern for pattern in whole)
    return dict.fromkeys(LINEAR if attention_too else LINEAR[1:], schemes.pop())


def _scheme(weights: Mapping[str, Any]) -> str:
    bits, group = int(weights.get("num_bits", 8)), int(weights.get("group_size") or -1)
    if weights.get("type") == "float":
        if (bits, group) not in ((8, group), (4, 16)):
            raise ValueError(
                f"compressed-tensors of {bits}-bit floats in groups of {group}; fp8, nvfp4 are known"
            )
        return "fp8" if bits == 8 else "nvfp4"
    return _integer("compressed-tensors", bits, group, "s" if weights.get("symmetric", True) else "g")
