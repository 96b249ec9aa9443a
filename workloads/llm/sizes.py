"""How many bytes the weights of a job are, part by part and layer by layer, in DRAM or on flash."""

from dataclasses import dataclass

import numpy as np

from workloads.llm.dtypes import bytes_of
from workloads.llm.model import Transformer
from workloads.llm.params import LlmJob
from workloads.llm.shared_weights import PARTS, weight_owners
from workloads.llm.stack import is_stacked, stacked_bytes


@dataclass(frozen=True)
class Sizes:
    """Bytes in DRAM (``stored`` false) or on flash (true). Arrays have shape (layers,)."""

    dense: np.ndarray  # attention, norms, biases of a layer
    ffn: np.ndarray
    neuron: int  # all vectors of one FFN neuron
    vector: int  # one of them
    head: int  # output projection: with tied weights this is the embedding
    embedding: int  # input embedding that a token does not read as a whole: 0 with tied weights
    ends: int  # positions, projections, final norm
    projection: int  # of which projections between embedding and layers
    idle: np.ndarray  # experts of a layer that a token does not read
    expert: int  # one expert of one layer, 0 without experts
    elsewhere: np.ndarray  # (2, layers): of dense and ffn, what lies with the layer that owns it

    @property
    def held(self) -> int:
        """Return the bytes of all weights that a token may read, each once."""
        return self.per_token + int(self.idle.sum()) - int(self.elsewhere.sum())

    def own(self, part: int, layer: int) -> int:
        """Return the bytes of a layer's dense (0) or ffn (1) weights that lie in its own place."""
        return int((self.dense, self.ffn)[part][layer] - self.elsewhere[part, layer])

    @property
    def per_token(self) -> int:
        """Return the bytes of all weights that one token reads."""
        return int(self.dense.sum() + self.ffn.sum()) + self.head + self.ends

    @property
    def model(self) -> int:
        return self.held + self.embedding


def sizes_of(job: LlmJob, model: Transformer, *, stored: bool = False) -> Sizes:
    shape = model.shape

    def dtype(role: str) -> str:
        return (job.stored_dtype if stored else job.dtype)(role, model.dtypes)

    dense, ffn, idle = (np.zeros(shape.layers, np.int64) for _ in range(3))
    ends = projection = 0
    stacked = _stacked(job, model, stored=stored)
    for tensor in model.tensors:
        size = stacked.get(tensor.name, bytes_of(tensor.values, dtype(tensor.role)))
        if tensor.layer < 0:
            ends += size if tensor.role not in ("embedding", "head") else 0
            projection += size if tensor.role == "projection" else 0
        elif tensor.role == "expert":
            read = round(size * model.active_share)
            ffn[tensor.layer] += read
            idle[tensor.layer] += size - read
        elif tensor.role == "ffn":
            ffn[tensor.layer] += size
        else:
            dense[tensor.layer] += size
    elsewhere = np.zeros((2, shape.layers), np.int64)
    owners = weight_owners(job.share_weights, shape.layers)
    for part, (owner, rank) in enumerate(zip(owners.owner, owners.rank)):
        sizes = (dense, ffn)[part]
        readers = np.flatnonzero(owner != np.arange(shape.layers))
        elsewhere[part, readers] = sizes[owner[readers]]
        role = PARTS[part]
        own = [bytes_of(int(rank[i]) * _edges(model, int(i), role), dtype(role)) for i in readers]
        sizes[readers] = elsewhere[part, readers] + own
    for layer in np.flatnonzero(owners.owner[0] != np.arange(shape.layers)).tolist():
        if owners.heads[layer] < 1:  # the other heads and the norms are the layer's own
            matrices = bytes_of(_matrix_values(model, layer, "attention"), dtype("attention"))
            elsewhere[0, layer] = owners.heads[layer] * matrices // 1
    vector = bytes_of(shape.width, dtype("ffn"))
    table = model.head_values
    return Sizes(
        dense=dense,
        ffn=ffn,
        neuron=model.neuron_vectors * vector,
        vector=vector,
        head=bytes_of(table, dtype("embedding" if shape.tied else "head")),
        embedding=0 if shape.tied else bytes_of(table, dtype("embedding")),
        ends=ends,
        projection=projection,
        idle=idle,
        expert=_expert_bytes(model, dtype("expert")),
        elsewhere=elsewhere,
    )


def _edges(model: Transformer, layer: int, role: str) -> int:
    """Return rows and columns of a layer's matrices, added up: the values of factors of rank 1."""
    found = (t for t in model.tensors if t.layer == layer and t.role == role and len(t.shape) == 2)
    return sum(sum(t.shape) for t in found)


def _matrix_values(model: Transformer, layer: int, role: str) -> int:
    """Return the values of a layer's matrices."""
    return sum(t.values for t in model.tensors if t.layer == layer and t.role == role and len(t.shape) == 2)


def _stacked(job: LlmJob, model: Transformer, *, stored: bool) -> dict[str, int]:
    """Return the bytes of matrices that are stacks of blocks, by name."""
    if job.stack is None:
        return {}
    tensors = [tensor for tensor in model.tensors if is_stacked(tensor)]
    sizes = stacked_bytes(tensors, job.stack, None if stored else job.stack.dram_bytes)
    return {tensor.name: size for tensor, size in zip(tensors, sizes, strict=True)}


def _expert_bytes(model: Transformer, dtype: str) -> int:
    """Return the bytes of one expert; all are alike."""
    experts = model.shape.experts
    if experts is None:
        return 0
    return bytes_of(int(model.layer_values("expert").max()) // experts.count, dtype)
