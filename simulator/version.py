"""The version of dlasim: in pyproject.toml, in every summary."""

__version__ = "0.1.0"
