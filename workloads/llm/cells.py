"""What a sequence leaves behind, cell by cell: who stores it, how wide it is, and which tokens stay.

A cell is the keys or the values of one (layer, key-value head). Arrays have shape (2, layers, heads), keys
first; latent attention (MLA) has one head, whose keys are all that is cached. MHA, GQA and MQA differ in the
count of heads. A cell is stored by its owner; heads of a layer with one owner read it together, once a step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from workloads.llm.dtypes import bits_of
from workloads.llm.kv_rules import Groups, Keep, KvRule, choose
from workloads.llm.model import Transformer

ALL = 2**40  # tokens: more than any context
AT_ONCE = 2**18  # tokens of a prompt
PARTS: dict[str | None, list[int]] = {"keys": [0], "values": [1], None: [0, 1]}


class Kept(NamedTuple):
    """Which tokens of a context stay, for each cell, and which of them a step reads at most."""

    window: np.ndarray  # that the layer's attention looks back
    sinks: np.ndarray  # kept of the beginning
    recent: np.ndarray  # kept of the end
    between: np.ndarray  # kept of the others: a share, as numerator
    over: np.ndarray  # and denominator
    most: np.ndarray  # kept at most
    answer: np.ndarray  # 1: the prompt stays, the above is of the rest

    def tokens(self, context: Any, prompt: int = 0) -> np.ndarray:
        """Return how many tokens stay of ``context``; nothing behind the window does."""
        seen = np.minimum(context, self.window)
        ahead = np.where(self.answer == 1, np.clip(prompt - (context - seen), 0, seen), 0)
        rest = seen - ahead
        fixed = np.minimum(rest, self.sinks + self.recent)
        return np.minimum(ahead + fixed + -(-(rest - fixed) * self.between // self.over), self.most)


@dataclass(frozen=True)
class Cells:
    owner: np.ndarray  # number layer * heads + head of the cell that stores it; -1: neither stored nor read
    row: np.ndarray  # bytes of a token
    macs: np.ndarray  # multiplications of a layer's queries with a token
    index_bits: np.ndarray  # of each kept token that a step reads to choose among them
    read: np.ndarray  # tokens that a step reads at most
    kept: Kept
    state: np.ndarray  # (layers,) bytes of fixed state
    state_used: np.ndarray  # (layers,) of it, what a step reads and writes

    # ---- what is stored

    @cached_property
    def is_stored(self) -> np.ndarray:
        """Return which cells store what somebody reads."""
        stored = np.zeros((2, self.owner[0].size), bool)
        for part in range(2):
            stored[part][self.owner[part][self.owner[part] >= 0]] = True
        return stored.reshape(self.owner.shape)

    @cached_property
    def row_bytes(self) -> np.ndarray:
        """Return the bytes that a token adds to each layer, (layers,)."""
        return np.where(self.is_stored, self.row, 0).sum(axis=(0, 2))

    def stored_bytes(self, context: int, prompt: int = 0) -> np.ndarray:
        """Return the bytes that each layer holds of ``context`` tokens, states included, (layers,)."""
        rows = np.where(self.is_stored, self.kept.tokens(context, prompt) * self.row, 0)
        return rows.sum(axis=(0, 2)) + self.state

    @cached_property
    def keep_all(self) -> bool:
        """Return whether all that a layer's window sees stays, and its cells are read alike."""
        kept = self.kept
        whole = (kept.between == kept.over).all() and (kept.most == ALL).all()
        return bool(whole) and bool((self.read == self.read[:1, :, :1]).all())

    # ---- what a step reads

    def reads_own(self, layer: int) -> bool:
        """Return whether a layer stores and reads its own cells alone, all alike, and all tokens stay."""
        heads = self.owner.shape[2]
        owned = self.owner[:, layer] == layer * heads + np.arange(heads)
        return self.keep_all and bool((owned | (self.row[:, layer] == 0)).all())

    @cached_property
    def readers(self) -> tuple[Kept, np.ndarray, np.ndarray]:
        """Return, for each cell, what its owner keeps of what it sees, bytes of a row, and who reads for all.

        The first head of a layer that has an owner reads for all of that layer.
        """
        layers = self.owner.shape[1]
        kept = Kept(*(self._of_owner(table) for table in self.kept))
        kept = kept._replace(window=np.minimum(kept.window, self.kept.window))
        first = np.zeros(self.owner.shape, bool)
        for part in range(2):
            for layer in range(layers):
                owners, heads_of = np.unique(self.owner[part, layer], return_index=True)
                first[part, layer][heads_of[owners >= 0]] = True
        return kept, self._of_owner(self.row), first

    def _of_owner(self, table: np.ndarray) -> np.ndarray:
        """Return, for each cell, what ``table`` says of its owner."""
        at = np.maximum(self.owner, 0).reshape(2, -1)
        return np.take_along_axis(table.reshape(2, -1), at, axis=1).reshape(self.owner.shape)

    def tokens_read(self, context: int, prompt: int = 0) -> np.ndarray:
        """Return the tokens that a step reads for each cell."""
        tokens = np.minimum(self.readers[0].tokens(context, prompt), self.read)
        return np.where(self.owner < 0, 0, tokens)

    def read_bytes(self, context: int, prompt: int = 0) -> np.ndarray:
        """Return the bytes that a step reads without a cache, no states, (reading layers, owning layers)."""
        kept, row, first = self.readers
        layers, heads = self.owner.shape[1:]
        tokens = kept.tokens(context, prompt)
        size = np.minimum(tokens, self.read) * row + -(-tokens * self.index_bits // 8)
        found = np.zeros((layers, layers), np.int64)
        reader = np.broadcast_to(np.arange(layers)[None, :, None], self.owner.shape)
        np.add.at(found, (reader[first], self.owner[first] // heads), size[first])
        return found

    def score_macs(self, context: int, prompt: int = 0) -> np.ndarray:
        """Return the multiplications of one token's queries with keys and values, (layers,)."""
        return (self.tokens_read(context, prompt) * self.macs).sum(axis=(0, 2))

    def prompt_macs(self, prompt: int, chunk: int | None = None) -> int:
        """Return the multiplications of all tokens of a prompt, each with those before it and itself.

        ``chunk``: tokens that are computed at once: each sees all before it in its chunk, and of the tokens
        before the chunk those that stay; None: only those that stay.
        """
        kept, _, _ = self.readers
        table = np.stack([*kept, self.read, self.macs])[:, self.owner >= 0]
        kinds, count = np.unique(table, axis=1, return_counts=True)
        total = 0
        for kind, many in zip(kinds.T, count.tolist(), strict=True):
            kept = Kept(*kind[:-2])
            for first in range(0, prompt, AT_ONCE):
                contexts = np.arange(first + 1, min(first + AT_ONCE, prompt) + 1)
                tokens = kept.tokens(contexts, prompt)
                if chunk is not None:
                    before = (contexts - 1) // chunk * chunk
                    seen = kept.tokens(before, prompt) + contexts - before
                    tokens = np.minimum(seen, np.minimum(contexts, kept.window))
                total += many * int(np.minimum(tokens, kind[-2]).sum()) * int(kind[-1])
        return total


def cells_of(model: Transformer, dtype: str, rules: Sequence[KvRule] = ()) -> Cells:
    """Return the cells of a model with a cache of ``dtype``. Raises ValueError for a rule that cannot be."""
    draft = Draft(model, dtype)
    for number, rule in enumerate(rules):
        try:
            _apply(draft, rule)
        except ValueError as error:
            raise ValueError(f"kv_cache.rules.{number}: {error}") from None
    _owners_own(draft.owner)
    shape = model.shape
    macs = draft.width * (shape.heads // draft.owner.shape[2])
    if shape.latent is not None:  # queries meet the compressed vector twice
        macs[0] = shape.heads * shape.score_width
    return Cells(
        owner=draft.owner,
        row=_whole(draft.bits * draft.width, 8),
        macs=macs,
        index_bits=draft.index_bits,
        read=draft.read,
        kept=Kept(**draft.kept),
        state=_whole(bits_of(dtype) * draft.states.astype(object), 8),
        state_used=_whole(bits_of(dtype) * np.minimum(draft.states, draft.states_used).astype(object), 8),
    )


def _whole(exact: np.ndarray, unit: int) -> np.ndarray:
    """Return exact numbers in ``unit``, rounded up, as int64."""
    found = [-(-value // unit) for value in exact.reshape(-1)]
    return np.array(found, np.int64).reshape(exact.shape)


class Draft:
    """Cells on which rules are being applied."""

    def __init__(self, model: Transformer, dtype: str):
        shape = model.shape
        heads = 1 if shape.latent is not None else shape.kv_heads
        self.size = size = (2, shape.layers, heads)
        self.width = np.full(size, shape.head_width, np.int64)
        self.width[1] = shape.value_width
        if shape.latent is not None:
            self.width[0], self.width[1] = shape.kv_values, 0
        owners = np.array(shape.kv_owners, np.int64)
        cells = owners[:, None] * heads + np.arange(heads)[None, :]
        self.owner = np.stack([cells, cells])
        self.owner[:, np.array(shape.scan_layers, bool)] = -1
        windows = np.array([ALL if window is None else window for window in shape.windows], np.int64)
        names, values = ("sinks", "recent", "between", "over", "most", "answer"), (0, 0, 1, 1, ALL, 0)
        self.kept = {name: np.full(size, value, np.int64) for name, value in zip(names, values, strict=True)}
        self.kept["window"] = np.broadcast_to(windows[None, :, None], size).copy()
        self.bits = np.full(size, bits_of(dtype), object)
        self.index_bits = np.zeros(size, np.int64)
        self.read = np.full(size, ALL, np.int64)
        scan = shape.scan.state_values if shape.scan is not None else 0
        has = [shape.parallel_scan or scans for scans in shape.scan_layers]
        self.states = np.where(has, scan, 0).astype(np.int64)
        self.states_used = np.full(shape.layers, ALL, np.int64)


def _apply(draft: Draft, rule: KvRule) -> None:
    _, layers, heads = draft.size
    at_layers = choose(rule.layers, layers)
    at = np.zeros((layers, heads), bool)
    if rule.heads is not None and rule.heads.endswith("%"):  # a share of all heads of these layers
        many = [(layer, head) for layer in at_layers for head in range(heads)]
        for number in choose(rule.heads, len(many)):
            at[many[number]] = True
    else:
        at[np.ix_(at_layers, choose(rule.heads, heads))] = True
    for part in PARTS[rule.part]:
        owner = draft.owner[part]
        if rule.share is not None:
            _group(owner, at, rule.share)
        for reader, other in _owners(rule, at_layers, layers):
            owner[reader][at[reader]] = (other * heads + np.arange(heads))[at[reader]]
        if rule.stored is False:
            owner[at] = -1
        if rule.width is not None:
            draft.width[part][at] = _narrowed(draft.width[part][at], rule.width)
        if rule.keep is not None:
            for name, value in _kept(rule.keep).items():
                draft.kept[name][part][at] = value
        for name, table in (("bits", draft.bits), ("index_bits", draft.index_bits), ("read", draft.read)):
            if (value := getattr(rule, name)) is not None:
                table[part][at] = value
    if rule.state is not None:
        draft.states[at_layers] = rule.state
    if rule.state_used is not None:
        draft.states_used[at_layers] = rule.state_used


def _narrowed(width: np.ndarray, to: int | Fraction) -> np.ndarray:
    return np.full(width.size, to) if isinstance(to, int) else _whole(width.astype(object) * to, 1)


def _kept(keep: Keep) -> dict[str, int]:
    return {
        "sinks": keep.sinks, "recent": keep.recent, "between": keep.between.numerator,
        "over": keep.between.denominator, "most": keep.most or ALL, "answer": int(keep.of == "answer"),
    }  # fmt: skip


def _owners(rule: KvRule, at_layers: list[int], layers: int) -> list[tuple[int, int]]:
    """Return (layer, layer whose cells it reads) as a rule says."""
    owners = [rule.owner] * len(at_layers) if rule.owner is not None else rule.owners
    if owners is None:
        return []
    if len(owners) != len(at_layers):
        raise ValueError(f"{len(owners)} owners for {len(at_layers)} layers; write one for each")
    if max(owners, default=0) >= layers:
        raise ValueError(f"owner {max(owners)}; write layers from 0 to {layers - 1}")
    return list(zip(at_layers, owners, strict=True))


def _group(owner: np.ndarray, at: np.ndarray, groups: Groups) -> None:
    """Have groups of cells share their first. ``owner``: (layers, heads)."""
    heads = owner.shape[1]
    at_layers = np.flatnonzero(at.any(axis=1)).tolist()
    if len(at_layers) % groups.layers or heads % groups.heads:
        raise ValueError(
            f"{len(at_layers)} layers of {heads} heads do not divide into groups of {groups.layers} layers "
            f"and {groups.heads} heads"
        )
    for position, layer in enumerate(at_layers):
        first = at_layers[position - position % groups.layers]
        row = first * heads + np.arange(heads) // groups.heads * groups.heads
        owner[layer][at[layer]] = row[at[layer]]


def _owners_own(owner: np.ndarray) -> None:
    """Raise ValueError if a cell is to be read from one that does not store its own."""
    heads = owner.shape[2]
    for part, name in enumerate(("keys", "values")):
        flat = owner[part].reshape(-1)
        for cell in np.flatnonzero(flat >= 0).tolist():
            other = int(flat[cell])
            if flat[other] != other:
                raise ValueError(
                    f"kv_cache.rules: {name} of layer {cell // heads} are read from layer {other // heads}, "
                    "which does not store its own; write an owner that does"
                )
