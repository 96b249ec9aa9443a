"""What the tables of a flash device hold at most, told as a mistake of the config."""

from collections.abc import Iterator
from contextlib import contextmanager

from hw_models.errors import ConfigError

SAID = "flash: "  # how a kernel begins what it says of a table that is full


@contextmanager
def within_limits(key: str = "system.flash") -> Iterator[None]:
    """Raise ConfigError for ``key`` where a kernel says that one of its tables is full."""
    try:
        yield
    except OverflowError as error:
        if not str(error).startswith(SAID):
            raise
        raise ConfigError(str(error).removeprefix(SAID), key=key) from None
