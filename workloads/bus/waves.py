"""A recording out of the waves of a simulation: which signals are the port, and its clock's edges."""

from collections.abc import Mapping
from pathlib import Path

from hw_models.errors import ConfigError
from workloads.bus import axi, fst, vcd
from workloads.bus.recording import Recording
from workloads.bus.vcd import Signal

CLOCKS = ("clk", "aclk", "clock", "clk_i", "i_clk", "axi_aclk", "axi_clk")


def read_waves(path: Path, port: str | None, clock: str | None) -> Recording:
    """Return what went over a port; times are cycles of its clock. Raises ConfigError."""
    dump = (fst if path.suffix.lower() == ".fst" else vcd).Dump(path)
    names = list(dump.signals)
    prefix, signals = _port(path, dump.signals, port)
    tick = _clock(path, names, prefix, clock)
    changes = dump.changes([tick, *signals.values()])
    edges = changes[tick].times[changes[tick].values == 1]
    sampled = {name: changes[of].before(edges) for name, of in signals.items()}
    widths = {
        name[len(prefix) :].lower(): signal.bits // 8
        for name, signal in dump.signals.items()
        if name.startswith(prefix)
    }
    try:
        recording = axi.transactions(sampled, widths.get("rdata", 0), widths.get("wdata", 0))
    except ValueError as error:
        raise ConfigError(f"{prefix}: {error}; write the prefix of an AXI port", file=path) from None
    if len(recording.transactions) == 0:
        raise ConfigError(f"no whole transaction at {prefix}; write waves of a run to its end", file=path)
    return recording


def _prefixes(signals: Mapping[str, Signal]) -> dict[str, frozenset[bytes]]:
    """Return what stands before arvalid or awvalid, in the order of the file, with the codes of these two."""
    found: dict[str, frozenset[bytes]] = {}
    for name, signal in signals.items():
        if name.lower().endswith(("arvalid", "awvalid")):
            prefix = name[: -len("arvalid")]
            found[prefix] = found.get(prefix, frozenset()) | {signal.code}
    return found


def _port(path: Path, of_dump: Mapping[str, Signal], port: str | None) -> tuple[str, dict[str, str]]:
    """Return the prefix of the port, and the path of each of its signals by AXI's name.

    Without ``port`` there must be one; its copies in other scopes, wired straight to it, are the same port.
    """
    names, prefixes = list(of_dump), _prefixes(of_dump)
    chosen = next(iter(prefixes), None) if port is None and len(set(prefixes.values())) == 1 else port
    if chosen not in prefixes:
        known = ", ".join(list(prefixes)[:8]) or "none; write a dump with signals such as m_axi_arvalid"
        found = f"{len(prefixes)} ports" if port is None else f"{port!r} is no port"
        raise ConfigError(f"port: {found}; AXI signals begin with {known}", file=path)
    mine = {name[len(chosen) :].lower(): name for name in names if name.startswith(chosen)}
    signals = {name: mine[name] for name in axi.USED if name in mine}
    for first, needed in (("arvalid", axi.NEEDED), ("awvalid", axi.NEEDED_OF_WRITES)):
        missing = [name for name in needed if name not in signals] if first in signals else []
        if missing:
            raise ConfigError(f"port: {chosen}{missing[0]} is not in the dump; write all", file=path)
    return chosen, signals


def _clock(path: Path, names: list[str], prefix: str, clock: str | None) -> str:
    """Return the path of the clock: as written, or the usual name in the port's scope or one above it."""
    if clock is not None:
        if clock not in names:
            raise ConfigError(f"clock: {clock!r} is not in the dump; write its whole path", file=path)
        return clock
    scope = prefix.rpartition(".")[0]
    while True:
        beside = {name.rpartition(".")[2].lower(): name for name in names if name.rpartition(".")[0] == scope}
        for usual in CLOCKS:
            if usual in beside:
                return beside[usual]
        if not scope:
            raise ConfigError("clock: none is beside the port; write its path", file=path)
        scope = scope.rpartition(".")[0]
