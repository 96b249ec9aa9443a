"""What lowering must know of an accelerator: sizes of its atoms and of its convolution buffer."""

from typing import Any, NamedTuple

from hw_models.nvdla.presets import PRESETS


class Target(NamedTuple):
    name: str
    atomic_c: int  # input channels a MAC cycle
    atomic_k: int  # kernels a MAC cycle
    atom_bytes: int  # memory atom: channels (INT8) side by side in a surface
    cbuf_banks: int
    cbuf_depth: int  # entries a bank
    cbuf_entry_bytes: int
    eltwise: bool  # SDP has the Y (EW) unit
    lut: bool  # ... with its look-up table
    rubik: bool

    @property
    def bank_bytes(self) -> int:
        return self.cbuf_depth * self.cbuf_entry_bytes


def preset_numbers(preset: Any) -> dict[str, int]:
    """Return all numbers of a preset's name, a preset table, or an accelerator's parameters."""
    if isinstance(preset, dict):
        return preset
    return dict(PRESETS[preset]) if isinstance(preset, str) else preset.values()


def target_of(preset: Any) -> Target:
    """Return the target for a preset's name, a preset table, or an accelerator's parameters."""
    if isinstance(preset, Target):
        return preset
    name = preset if isinstance(preset, str) else getattr(preset, "preset", "custom")
    table = dict(preset) if isinstance(preset, dict) else dict(PRESETS.get(name, {}))
    for key in table:
        table[key] = getattr(preset, key, table[key])
    return Target(
        name,
        table["atomic_c"],
        table["atomic_k"],
        table["atom_bytes"],
        table["cbuf_banks"],
        table["cbuf_depth"],
        table["cbuf_entry_bytes"],
        table["sdp_ew_elements"] > 0,
        table["lut"] > 0,
        table["rubik"] > 0,
    )
