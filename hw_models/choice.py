"""A choice of a few, written once: the config's words and the kernels' numbers are both made from it."""

from enum import StrEnum


class Choice(StrEnum):
    """An enum whose members are ``NAME = auto()``: a config writes the name in lower case.

    Examples:
        >>> from enum import auto
        >>> class Arbiter(Choice):
        ...     ROUND_ROBIN = auto()
        ...     OLDEST_FIRST = auto()
        >>> Arbiter("oldest_first").code, Arbiter.OLDEST_FIRST == "oldest_first"
        (1, True)
    """

    @property
    def code(self) -> int:
        """Return the member's place, from 0: what a kernel compares."""
        return list(type(self)).index(self)
