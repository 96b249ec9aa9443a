"""A user's mistake: told in one line, exit code 2, no traceback."""

from pathlib import Path


class ConfigError(Exception):
    """Where it is, what was found, what would be right.

    ``str(error)`` is ``FILE:LINE: key.path: message``, leaving out the parts that are not known.
    """

    def __init__(
        self, message: str, *, file: str | Path | None = None, line: int | None = None, key: str | None = None
    ):
        self.message, self.file, self.line, self.key = message, file, line, key
        where = (
            f"{file}:{line}"
            if file is not None and line is not None
            else (str(file) if file is not None else "")
        )
        super().__init__(": ".join(part for part in (where, key or "", message) if part))

    def under(self, parent: str) -> "ConfigError":
        """Return the error with its key below ``parent``; one that speaks of another file stays as it is."""
        if self.file is not None:
            return self
        return ConfigError(self.message, line=self.line, key=f"{parent}.{self.key}" if self.key else parent)


class ConfigErrors(ConfigError):
    """Several mistakes, found at once; ``errors`` in the order of the file."""

    def __init__(self, errors: list[ConfigError]):
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors


class StuckError(Exception):
    """A run in which nothing can go on: at which time, and who waits for what. Our fault, not the user's."""
