"""What a checkpoint's `quantization_config` says of its weights: data types by role.

Sources: Hugging Face transformers, quantizers for AWQ, GPTQ, FP8 and MXFP4 (what each leaves unquantized).
"""

from collections.abc import Mapping
from typing import Any

LINEAR = ("attention", "ffn", "expert")


def quantized_roles(config: Mapping[str, Any] | None) -> dict[str, str]:
    """Return role -> data type of what is quantized. Raises ValueError for a method that is not known."""
    if not config:
        return {}
    method = str(config.get("quant_method", "")).lower()
    if method in ("awq", "gptq"):
        bits, group = int(config.get("bits", config.get("w_bit", 4))), int(config.get("group_size", 128))
        if bits not in (4, 8) or group <= 0:
            raise ValueError(f"{method} of {bits} bits in groups of {group}; 4 or 8 bits are known")
        return dict.fromkeys(LINEAR, f"int{bits}_g{group}")
    if method in ("fp8", "fbgemm_fp8"):
        return dict.fromkeys(LINEAR, "fp8")
    if method == "mxfp4":
        return {"expert": "mxfp4"}
    raise ValueError(f"quantization {method!r} is not known; known: awq, gptq, fp8, mxfp4")
