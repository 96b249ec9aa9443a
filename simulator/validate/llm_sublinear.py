"""Sublinear memory's network: residual, 1,000 layers, 48 GB and 7 GB (arXiv 1604.06174, abstract).

Blocks, batch of 32 and images of 224 x 224 are those of the authors' example (dmlc/mxnet-memonger at ca7a347,
example_resnet.py), with its 3 + 24 + 36 + 3 blocks scaled to 333 of three convolutions: how the 1,000 layers
were split over the stages is assumed, so that these rows are shown and not counted. All in FP32. Of each
convolution its output is kept and that of the activation (in the norm's place); a block's sum is the input of
the next. Segments of about one size are computed once more, and the size is the one that takes the least, as
their search finds it. 7 GB were all that the card held: weights, gradients and momentum are added.
"""

from collections.abc import Iterator

from simulator.validate.figure import Figure
from workloads.llm.training_memory import recomputed
from workloads.lowering.planner import Lifetime, lower_bound, plan_bytes, plan_memory

BATCH, VALUE_BYTES, BASE_FILTERS, BASE_PIXELS = 32, 4, 64, 56 * 56
STAGES = (15, 121, 182, 15)
WHOLE, PLANNED = 48, 7  # GB
KEPT_PER_WEIGHT = 12  # bytes: weight, gradient, momentum
TRIALS = 24  # sizes of segments


def figures() -> Iterator[Figure]:
    shown = {"system": "Sublinear memory", "model": "ResNet, 1000 layers"}
    blocks = list(sizes_of_blocks())
    whole = sum(sum(sizes.values()) for sizes in blocks)
    yield Figure(shown, "activations, GB", WHOLE, whole / 1e9, counted=False)
    plans = [buffers_of(blocks, whole * k // (8 * TRIALS)) for k in range(1, TRIALS + 1)]
    best = min(plans, key=lower_bound)
    total = plan_bytes(best, plan_memory(best, "first_fit")) + KEPT_PER_WEIGHT * weights()
    yield Figure(shown, "in segments, all memory, GB", PLANNED, total / 1e9, counted=False)


def sizes_of_blocks() -> Iterator[dict[str, int]]:
    """Return what each block leaves for its backward pass, bytes; its filters double where pixels quarter."""
    before = widest = BASE_FILTERS * BASE_PIXELS * BATCH * VALUE_BYTES  # of the pooled image
    for stage, many in enumerate(STAGES):
        narrow = widest // 2**stage
        for block in range(many):
            wide = 4 * narrow if block == 0 and stage > 0 else narrow  # before the stride
            sizes = {"input": before, "conv 1": wide, "act 1": wide, "conv 2": narrow, "act 2": narrow}
            sizes |= {"conv 3": 4 * narrow, "act 3": 4 * narrow}
            if block == 0:
                sizes |= {"projection": 4 * narrow, "act": 4 * narrow}
            yield sizes
            before = 4 * narrow


def buffers_of(blocks: list[dict[str, int]], segment_bytes: int) -> list[Lifetime]:
    """Return activations and gradients of blocks' inputs, if segments end where they exceed a size."""
    segments, first, size = [], 0, 0
    for block, sizes in enumerate(blocks):
        size += sum(sizes.values())
        if size > segment_bytes or block + 1 == len(blocks):
            segments.append((first, block + 1 - first))
            first, size = block + 1, 0
    buffers = recomputed(blocks, segments)
    backward = {int(b.name.split(".")[0]): b.last for b in buffers}
    return buffers + [
        Lifetime(f"{block}.gradient", sizes["input"], backward[block], backward[block] + 1)
        for block, sizes in enumerate(blocks)
    ]


def weights() -> int:
    """Return the weights of all convolutions but the first."""
    total, before = 0, BASE_FILTERS
    for stage, many in enumerate(STAGES):
        filters = BASE_FILTERS * 2**stage
        for _ in range(many):
            total += filters * (before + 9 * filters + 4 * filters)
            total += 4 * filters * before if before != 4 * filters else 0
            before = 4 * filters
    return total
