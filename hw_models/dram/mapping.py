"""Address mappings as text: bit fields from the most significant bit down, and XORs laid over them.

``row bank group column`` takes each field whole; ``column:2`` takes two bits of it (fields may come in
pieces, the lowest piece last). The bits of a burst (its offset) are always the lowest and not written.
``bank ^= row[0:2]`` after a comma hashes the field with bits 0 and 1 of another.
"""

import re
from typing import NamedTuple

FIELDS = ("channel", "rank", "group", "bank", "row", "column")
_PIECE = re.compile(r"([a-z]+)(?::([0-9]+))?")
_HASH = re.compile(r"([a-z]+)\s*\^=\s*([a-z]+)\[([0-9]+):([0-9]+)\]")


class Piece(NamedTuple):
    """Bits of one field: field bits [low, low + bits) are address bits [shift, shift + bits)."""

    field: str
    low: int
    bits: int
    shift: int


def parse_mapping(
    text: str, widths: dict[str, int], offset_bits: int, shown: str = ""
) -> tuple[list[Piece], list[Piece]]:
    """Return (pieces, hashes) of ``text``. Raises ValueError saying what would be right.

    ``widths``: bits of every field; ``shown``: the text as the user wrote it. A hash is a piece whose bits
    are XORed into the field.
    """
    fields, *hashes = (part.strip() for part in text.split(","))
    names = []
    for word in fields.split():
        match = _PIECE.fullmatch(word)
        if match is None or match[1] not in FIELDS:
            raise ValueError(
                f"mapping piece {word!r} is unknown; write {', '.join(FIELDS)}, or column:2 for two bits"
            )
        names.append((match[1], int(match[2]) if match[2] else None))
    taken = {name: sum(bits or 0 for field, bits in names if field == name) for name in FIELDS}
    pieces: list[Piece] = []
    shift = offset_bits
    for field, bits in reversed(names):
        low = sum(piece.bits for piece in pieces if piece.field == field)
        size = widths[field] - taken[field] if bits is None else bits
        if size > 0:
            pieces.append(Piece(field, low, size, shift))
            shift += size
    for field in FIELDS:
        bits = sum(piece.bits for piece in pieces if piece.field == field)
        if bits != widths[field]:
            raise ValueError(
                f"mapping {shown or text!r} gives {field} {bits} bits; this memory has {widths[field]}"
            )
    return pieces, [_hash(text, pieces, widths) for text in hashes if text]


def _hash(text: str, pieces: list[Piece], widths: dict[str, int]) -> Piece:
    match = _HASH.fullmatch(text)
    if match is None or match[1] not in FIELDS or match[2] not in FIELDS:
        raise ValueError(f"mapping hash {text!r} is unknown; write for instance bank ^= row[0:2]")
    low, end = int(match[3]), int(match[4])
    for piece in pieces:
        if piece.field == match[2] and piece.low <= low and end <= piece.low + piece.bits and low < end:
            if end - low > widths[match[1]]:
                break
            return Piece(match[1], 0, end - low, piece.shift + low - piece.low)
    raise ValueError(
        f"mapping hash {text!r}: those bits are not one piece of {match[2]} that fits {match[1]}"
    )
