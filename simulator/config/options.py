"""Options of a command that a module of its own defines, checked against that module's function."""

import inspect
from collections.abc import Callable
from typing import Any

from hw_models.errors import ConfigError
from simulator.config.errors import unknown_key


def accepted(function: Callable[..., Any], options: dict[str, Any], given: int) -> dict[str, Any]:
    """Return ``options``, all taken by ``function`` after its ``given`` arguments, or raise ConfigError."""
    parameters = list(inspect.signature(function).parameters.values())
    known = [p.name for p in parameters[given:] if p.kind is not p.VAR_KEYWORD]
    for name in options:
        if name not in known:
            written = [f"--{k.replace('_', '-')}" for k in known]
            raise ConfigError(
                f"--{name.replace('_', '-')}: {unknown_key(name, written).replace('key', 'option')}"
            )
    return options
