"""A processor known by its roofline: peak arithmetic, memory bandwidth, and what each op reaches of them."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from hw_models.roofline.gpus import GPUS
from hw_models.roofline.presets import PRESETS
from hw_models.units import (
    FS_PER_S,
    SIZE_UNITS,
    Block,
    Bytes,
    BytesPerSecond,
    Femtoseconds,
    one_of,
    parse_quantity,
    quantity,
)

FLOP_UNITS = {"FLOPS": 1, "GFLOPS": 10**9, "TFLOPS": 10**12, "TOPS": 10**12}

KernelSet = one_of(GPUS)
FlopPerSecond = quantity("arithmetic rate", FLOP_UNITS, Field(gt=0))
Share = Annotated[float, Field(ge=1e-6, le=1)]


class Efficiency(Block):
    """Share of the roofline that each kind of work reaches."""

    gemv: Share = Field(0.6, description="weights read once per token: share of memory bandwidth")
    gemm: Share = Field(0.6, description="many tokens at once: share of peak arithmetic")
    attention: Share = Field(0.6, description="reading the KV cache: share of memory bandwidth")
    sparse_ffn: Share = Field(1.0, description="the FFN over selected rows, relative to gemv")


class Roofline(Block):
    """Compute backend: time is the larger of bytes over bandwidth and arithmetic over peak, with a floor."""

    preset: str | None = Field(None, description=f"one of {', '.join(PRESETS)}; other keys override it")
    below: str | None = Field(None, description="what takes its requests; interconnect if absent")
    memory: Literal["own", "shared"] | None = Field(
        None,
        description="own: a memory of its own, known by its bandwidth; shared: the system's; absent: shared "
        "where the system has one. A size here is `capacity`",
    )
    capacity_bytes: Bytes | None = Field(
        None, alias="capacity", description="of its own memory; absent: not limited"
    )
    reserved_bytes: Bytes = Field(
        0, alias="reserved", description="of it, what the operating system and other programs keep"
    )
    host_bytes: Bytes | None = Field(
        None, alias="host", description="memory of the host, behind `link`; absent: none"
    )
    link_bytes_per_s: BytesPerSecond = Field(
        25 * 10**9, alias="link", gt=0, description="between the host's memory and its own, each way"
    )
    packet_overhead_bytes: Bytes = Field(
        0, alias="packet_overhead", description="of the link, beside the data of each packet: headers, checks"
    )
    host_bandwidth_bytes_per_s: BytesPerSecond | None = Field(
        None, alias="host_bandwidth", gt=0, description="of the host's memory; absent: it limits nothing"
    )
    memory_bandwidth_bytes_per_s: BytesPerSecond = Field(alias="memory_bandwidth", gt=0)
    peak_flop_per_s: dict[str, FlopPerSecond] = Field(  # type: ignore[valid-type]  # built by quantity()
        alias="peak", description="peak by data type: {fp16: 10 TFLOPS}"
    )
    efficiency: Efficiency = Field(default_factory=Efficiency)
    attention: Literal["fused", "eager", "split"] = Field(
        "fused",
        description="eager: software that copies the cache to append to it, and keys and values for each "
        "query head of a group, before it reads these; split: a kernel for heads that keep all tokens and "
        "one for those that keep some, which it moves to append to them",
    )
    block_floor_fs: Femtoseconds = Field(
        0,
        alias="block_floor",
        description="least time of an attention block, an FFN or a predictor (launches)",
    )
    block_overhead_fs: Femtoseconds = Field(
        0, alias="block_overhead", description="what launches add to each attention block and each FFN"
    )
    unpack: float = Field(
        0.0,
        ge=0,
        description="operations that make a number of a weight of less than 8 bits, at the peak of fp32",
    )
    kernels: KernelSet | None = Field(  # type: ignore[valid-type]  # built from a table
        None, description="measured kernels of this card, which a server needs"
    )
    step_overhead_fs: Femtoseconds = Field(
        0, alias="step_overhead", description="what a serving engine's software adds to each step"
    )
    sequence_overhead_fs: Femtoseconds = Field(
        0, alias="sequence_overhead", description="and for each sequence of the step"
    )
    row_overhead_fs: Femtoseconds = Field(0, alias="row_overhead", description="per row moved in DRAM")
    copy_bandwidth_bytes_per_s: BytesPerSecond = Field(
        20 * 10**9, alias="copy_bandwidth", gt=0, description="moving rows of the resident FFN matrix"
    )
    swap_bandwidth_bytes_per_s: BytesPerSecond = Field(
        2 * 10**9,
        alias="swap_bandwidth",
        gt=0,
        description="of pages of a program that the operating system puts out of memory, or back",
    )
    update_overhead_fs: Femtoseconds = Field(
        0, alias="update_overhead", description="per layer whose resident rows change"
    )

    @model_validator(mode="before")
    @classmethod
    def lay_over_the_preset(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        data = _size_of_memory_is_capacity(data)
        if data.get("preset") is None:
            return data
        name = data["preset"]
        if not isinstance(name, str) or name not in PRESETS:
            raise ValueError(f"preset {name!r} is not known; write one of {', '.join(PRESETS)}")
        merged = {**PRESETS[name], **data}
        written = data.get("efficiency", {})
        if isinstance(written, dict):
            merged["efficiency"] = {**PRESETS[name].get("efficiency", {}), **written}
        return merged


def _size_of_memory_is_capacity(data: dict[str, Any]) -> dict[str, Any]:
    """Return ``data`` with `memory: 24 GB` as `capacity: 24 GB`."""
    size = data.get("memory")
    if size is None or size in ("own", "shared"):
        return data
    try:
        parse_quantity(size, "size", SIZE_UNITS)
    except ValueError:
        raise ValueError(f"memory {size!r} is neither own, shared nor a size; write one of them") from None
    if data.get("capacity") is not None:
        raise ValueError(f"memory {size} and capacity {data['capacity']}; write the size as capacity only")
    return {**data, "memory": None, "capacity": size}


def work_fs(machine: Roofline, kind: str, weight_bytes: int, macs: int, dtype: str, packed: int = 0) -> int:
    """Return femtoseconds for work that reads ``weight_bytes`` and does ``macs``; kind as in Efficiency.

    ``packed``: weights among these that are unpacked first, beside both.
    """
    share = machine.efficiency
    bandwidth = (
        machine.memory_bandwidth_bytes_per_s
        * {
            "gemv": share.gemv,
            "attention": share.attention,
            "sparse_ffn": share.gemv * share.sparse_ffn,
        }[kind]
    )
    peak = machine.peak_flop_per_s[dtype] * share.gemm
    unpacking = packed * machine.unpack / machine.peak_flop_per_s.get("fp32", peak)
    return round(FS_PER_S * max(weight_bytes / bandwidth, 2 * macs / peak, unpacking))


def link_fs(machine: Roofline, size: int) -> int:
    """Return femtoseconds for ``size`` bytes between the host's memory and the backend's own."""
    return -(-size * FS_PER_S // machine.link_bytes_per_s)


def update_rows_fs(machine: Roofline, rows: int, row_bytes: int) -> int:
    """Return femtoseconds for one layer's update: ``rows`` rows of the resident matrix moved or appended."""
    per_row = machine.row_overhead_fs + row_bytes * FS_PER_S // machine.copy_bandwidth_bytes_per_s
    return machine.update_overhead_fs + rows * per_row
