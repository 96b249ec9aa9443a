"""`dlasim sweep show DIR POINT`: the config of one point of a finished sweep."""

import json
from pathlib import Path

from hw_models.errors import ConfigError
from simulator.config.yaml_lines import yaml_text
from simulator.sweeps.outcome import read_outcome
from simulator.sweeps.store import KEY_LENGTH


def config_of_point(arguments: list[str]) -> str:
    """Return the resolved config, as YAML, of ``[folder, number]``. Raises ConfigError."""
    if len(arguments) != 2:
        raise ConfigError("write the folder of a sweep and the number of a point", key="sweep show")
    folder, number = Path(arguments[0]), arguments[1]
    rows = {str(row["point"]): row for row in read_outcome(folder).rows}
    if number not in rows:
        raise ConfigError(f"{number!r} is no point of it; write 0 to {len(rows) - 1}", file=folder)
    digest = rows[number]["config_sha256"]
    if not digest:
        raise ConfigError(f"point {number} has no config: {rows[number]['error']}", file=folder)
    path = folder / "points" / f"{digest[:KEY_LENGTH]}.json"
    try:
        return yaml_text(json.loads(path.read_text(encoding="utf-8"))["config"])
    except (OSError, ValueError, KeyError):
        raise ConfigError("cannot be read; run the sweep again with --resume", file=path) from None
