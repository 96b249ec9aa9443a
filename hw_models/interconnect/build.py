"""From an interconnect's parameters to its state."""

import numpy as np

from hw_models.blame import Cause
from hw_models.errors import ConfigError
from hw_models.interconnect.names import Channels
from hw_models.interconnect.params import Interconnect, MasterPort
from hw_models.interconnect.state import BIT_SHIFT, INTERCONNECT, LANES, SOURCES
from hw_models.limits import NARROW
from hw_models.port import FIFO_ROWS, NEVER
from hw_models.units import FS_PER_S


def build_interconnect(
    params: Interconnect,
    sources: list[str],
    port_bytes: list[int] | None = None,
    ports: int = 1,
    interleave_bytes: int = 64,
    line_bytes: int | None = None,
    alone: list[int] | None = None,
    masters: int | None = None,
    key: str = "system.interconnect",
) -> np.ndarray:
    """Return an idle interconnect, shape (1,) INTERCONNECT.

    ``sources``: names of what is above it. ``port_bytes``: width of each one's port, the bus's if absent.
    ``ports`` memory ports take turns every ``interleave_bytes``. ``line_bytes``: of the cache behind, no
    piece crosses it. ``alone``: the only master behind a source, -1 for several; the sources are the masters
    if absent. ``key``: where the config speaks of it.

    Raises ConfigError for names that do not exist and budgets that no burst fits in.
    """
    _check_names(params, sources, key)
    state = np.zeros(1, INTERCONNECT)
    row = state[0]
    row["sources"], row["ports"] = len(sources), ports
    row["masters"] = len(sources) if masters is None else masters
    row["alone"][: len(sources)] = range(len(sources)) if alone is None else alone
    row["interleave_shift"] = interleave_bytes.bit_length() - 1
    row["channels"] = 2 if params.channels == Channels.SEPARATE else 1
    row["width_shift"], row["queue"] = params.width_bytes.bit_length() - 1, params.queue
    row["burst"] = params.piece_bytes(ports, interleave_bytes, line_bytes)
    row["cut_through"], row["fifo_head"] = params.cut_through, -1
    for index, name in enumerate(sources):
        _set_way(row, params, params.masters.get(name, MasterPort()), index)
    row["port_limit"] = params.reads_in_flight, params.writes_in_flight
    for index, name in enumerate(sources):
        port = params.masters.get(name, MasterPort())
        row["limit"][index], row["ids"][index] = port.outstanding, port.ids
        row["id_mask"][index] = port.ids - 1 if port.ids.bit_count() == 1 else -1
        row["id_limit"][index] = port.outstanding_per_id
        width = port_bytes[index] if port_bytes else params.width_bytes
        row["port_shift"][index] = width.bit_length() - 1
    if params.hub is not None:
        row["trackers"] = params.hub.trackers
        row["tracker_shift"] = params.hub.line_bytes.bit_length() - 1
        row["accept_interval"] = params.hub.accept_interval_cycles
        row["hub_release"], row["probe"] = params.hub.release_cycles, params.hub.probe_cycles
        row["grant_blocks"] = params.hub.grant_blocks_cycles
        row["granted_from"] = -NEVER
        row["foreseen_last"] = -1
        row["caching"][: len(sources)] = [params.masters.get(m, MasterPort()).caching for m in sources]
        row["caches"] = row["caching"].sum()
        for k in np.flatnonzero(row["caching"]).tolist():
            row["release_lanes"] |= 1 << (2 * k + 1 >> BIT_SHIFT)
        if row["caches"] > 0 and ports > 1:
            message = f"probes its caches for one memory port, and there are {ports}; write caching: false"
            raise ConfigError(message, key=f"{key}.hub")
        row["probe_answer"] = params.hub.probe_answer_cycles
        lead = params.hub.write_lead_cycles
        row["write_lead"] = -1 if lead is None else lead
    row["staged"] = row["onward_slot"] = row["onward_owner"] = -1
    row["oldest"] = row["newest"] = row["bus_owner"] = row["back_owner"] = -1
    slots = 16 * max(NARROW, len(sources))
    row["port_limited"] = row["port_limit"].min() < slots
    row["slots"]["next"][:slots] = np.append(np.arange(1, slots), -1)
    row["slots"]["arrived"] = NEVER
    row["due"] = row["lanes_due"] = row["turns_due"] = NEVER
    row["lanes"]["cause"], row["lanes"]["blocker"] = Cause.QUEUE_FULL, -1
    row["served"] = -1
    row["lanes"]["culprit"] = np.maximum(0, row["alone"][np.arange(LANES) // 2])
    _set_arbiters(row, params, sources)
    _set_regulators(row, params, sources, key)
    return state


def down_limit(params: Interconnect, queue: int) -> int:
    """Return the rows of a FIFO to memory: ``queue`` at its far end and what is on the way."""
    return min(FIFO_ROWS, queue + params.latency_cycles)


def may_foresee(row: np.void) -> bool:
    """Tell whether the times of probes' answers may be foreseen: there are caches, and none releases at once.

    A line that is at the hub in the cycle in which it is handed over may find that cycle's answers taken.
    """
    sources = int(row["sources"])
    caching = row["caching"][:sources] > 0
    return bool(caching.any() and row["latency"][:sources][caching, 1].min() > 1)


def may_go_ahead(row: np.void, limit: int) -> bool:
    """Tell whether rows may be in the FIFO to memory, of ``limit`` rows, before they have been sent.

    It is never full, they can be taken back in the cycle in which they go, and `may_foresee` has seen to it
    that no release is as fast.
    """
    sources, caches = int(row["sources"]), int(row["caches"])
    caching = row["caching"][:sources] > 0
    probed = max(int(row["probe"]), caches - 1) + int(row["probe_answer"]) + 1
    return bool(
        row["foresees"]
        and row["write_lead"] >= 0
        and row["trackers"] + 1 < limit
        and row["entry"][:sources][caching].max() == 0
        and row["latency"][:sources][~caching].min(initial=NEVER) > probed
    )


def _set_way(row: np.void, params: Interconnect, port: MasterPort, index: int) -> None:
    """Set how long a source's requests and their answers are on the way."""
    there = params.latency_cycles if port.latency_cycles is None else port.latency_cycles
    write = there if port.write_latency_cycles is None else port.write_latency_cycles
    back = params.latency_cycles if params.response_latency_cycles is None else params.response_latency_cycles
    row["entry"][index], row["latency"][index] = port.entry_cycles, (there, write)
    row["response_latency"][index] = (
        back if port.response_latency_cycles is None else port.response_latency_cycles
    )
    if port.fifo is not None:
        row["fifo"][index], row["fifo_release"][index] = 1, port.fifo.release_cycles


def _check_names(params: Interconnect, sources: list[str], key: str) -> None:
    if len(sources) > SOURCES:
        raise ConfigError(f"{len(sources)} masters; the interconnect takes {SOURCES}", key="system")
    named = [("masters", name) for name in params.masters] + [("tdm", name) for name in params.tdm]
    named += [(f"groups.{group}", name) for group, it in params.groups.items() for name in it.masters]
    for where, name in named:
        if name not in sources:
            known = ", ".join(sources)
            raise ConfigError(f"{name!r} is not a master; there are {known}", key=f"{key}.{where}")


def _set_arbiters(row: np.void, params: Interconnect, sources: list[str]) -> None:
    arbiters = row["arbiters"]
    arbiters["kind"] = params.arbitration.code
    arbiters["units"] = len(sources)
    arbiters["last"] = len(sources) - 1
    arbiters["slot_cycles"] = params.tdm_slot_cycles
    arbiters["slots"] = len(params.tdm)
    for index, name in enumerate(sources):
        port = params.masters.get(name, MasterPort())
        arbiters["priority"][:, index] = port.priority
        arbiters["weight"][:, index] = arbiters["credit"][:, index] = port.weight
    for slot, name in enumerate(params.tdm):
        arbiters["owner"][:, slot] = sources.index(name)


def _set_regulators(row: np.void, params: Interconnect, sources: list[str], key: str) -> None:
    row["regulation"]["own"] = row["regulation"]["group"] = -1
    for name, port in params.masters.items():
        if port.budget_bytes_per_s is not None:
            where = f"{key}.masters.{name}.budget"
            index = _add_regulator(
                row, params, port.budget_bytes_per_s, params.period_fs, port.reclaim, where
            )
            row["regulation"]["own"][sources.index(name)] = index
    for group, it in params.groups.items():
        for write, budget in enumerate((it.read_budget_bytes_per_s, it.write_budget_bytes_per_s)):
            if budget is not None:
                where = f"{key}.groups.{group}.{'write' if write else 'read'}_budget"
                index = _add_regulator(row, params, budget, it.period_fs, False, where)
                for name in it.masters:
                    row["regulation"]["group"][write][sources.index(name)] = index


def _add_regulator(
    row: np.void, params: Interconnect, bytes_per_s: int, period_fs: int, reclaim: bool, where: str
) -> int:
    regulation = row["regulation"]
    budget = bytes_per_s * period_fs // FS_PER_S
    if budget < row["burst"]:
        raise ConfigError(f"{budget} B a period; at least one burst of {row['burst']} B is needed", key=where)
    index = int(regulation["count"])
    rule = regulation["rows"][index]
    rule["period"] = max(1, period_fs * params.clock_hz // FS_PER_S)
    rule["budget"] = rule["share"] = budget
    rule["reclaim"] = reclaim
    rule["epoch"] = 0
    regulation["count"] = index + 1
    return index
