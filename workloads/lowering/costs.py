"""What work on a core costs: cycles a value, a multiply-accumulate, a transcendental function.

All assumed: no source states them; to be calibrated once for a system. The order of magnitude is that of
compiled scalar loops on a five-stage in-order core with a pipelined FPU (load-use 2, FP add/multiply 4).
"""

from typing import NamedTuple

MAC_CYCLES = 2  # two operands from L1 and one fused multiply-add, in a loop blocked for registers [assumed]
TRANSCENDENTAL_CYCLES = 78  # exp, log, tanh, ... in single precision: a polynomial and a division [assumed]


class Cost(NamedTuple):
    cycles: float  # of the core's clock, per unit
    unit: str = "element"  # or "atom": a copy of one memory atom
    parallel: bool = False  # OpenMP loop in the published software
    vector: bool = False  # works on as many values at once as the core's SIMD registers hold
    transcendentals: int = 0  # a value


COSTS = {
    "quantise": Cost(18, vector=True),  # scale, round, clamp, fp32 -> int8
    "interleave": Cost(12, parallel=True),  # planar to pixel or surface layout, address arithmetic
    "memcpy": Cost(0.25),  # 8 B load and store: 2 cycles
    "upsample": Cost(24, "atom"),  # memcpy call of one atom
    "dequantise": Cost(24, parallel=True, vector=True),  # int8 -> fp32, surface to planar
    "yolo": Cost(156, parallel=True, vector=True),  # logistic in double precision: calibrated, 90 .. 250
    "softmax": Cost(12, parallel=True, vector=True, transcendentals=1),
    "pool": Cost(12, parallel=True, vector=True),
    "conv": Cost(12, parallel=True, vector=True),
    "deconv": Cost(12, parallel=True, vector=True),
    "fc": Cost(12, parallel=True, vector=True),
    "matmul": Cost(12, parallel=True, vector=True),
    "attention": Cost(12, parallel=True, vector=True),
    "eltwise": Cost(12, vector=True),
    "norm": Cost(12, vector=True),
    "pow": Cost(12, vector=True, transcendentals=1),
    "transcendental": Cost(12, vector=True, transcendentals=1),
    "lstm": Cost(12, vector=True, transcendentals=5),  # three gates, two tanh
    "gru": Cost(12, vector=True, transcendentals=3),
    "rnn": Cost(12, vector=True, transcendentals=1),
    "interpolate": Cost(24, vector=True),  # four weighted neighbours
    "search": Cost(40),  # compare, branch, move
    "": Cost(12),  # anything else, per output element and per input element
}
LOOKED_UP = ("sigmoid", "logistic", "tanh", "swish", "mish", "elu", "selu", "gelu")  # activations by exp
COPIES = ("memcpy", "upsample")  # whole atoms, padding and all
PARTS = ("slice", "gather", "result")  # read only as much as they write
INT8_FUNCTIONS = (
    "memcpy", "upsample", "repack", "reshape", "transpose", "slice", "pad", "depth_to_space", "concat",
    "expand", "gather", "resize",
)  # fmt: skip


def compute_cycles(
    function: str, elements: int, atom: int, threads: int = 1, simd: int = 1, macs: int = 0
) -> int:
    """Return cycles of a core; ``simd``: fp32 values that one instruction works on."""
    cost = COSTS.get(function, COSTS[""])
    units = elements if cost.unit == "element" else -(-elements // atom)
    cycles = units * (cost.cycles + cost.transcendentals * TRANSCENDENTAL_CYCLES)
    shared = threads if cost.parallel else 1
    lanes = simd if cost.vector else 1
    return max(1, round(cycles / shared / lanes + macs * MAC_CYCLES / (shared * simd)))
