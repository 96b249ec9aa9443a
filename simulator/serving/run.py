"""Serving jobs of a config, from checked parameters to a result."""

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from hw_models.roofline.gpus import GPUS
from hw_models.roofline.params import Roofline
from hw_models.units import FS, FS_PER_S, TIME_UNITS, format_quantity
from simulator.config.model import Config, config_sha256, resolved
from simulator.progress import Progress
from simulator.results.result import SCHEMA_VERSION, Result
from simulator.serving.adapters import Adapters, factor_bytes
from simulator.serving.engine import Server
from simulator.serving.limits import Engine
from simulator.serving.report import request_table, serving_summary
from simulator.serving.requests import Request, read_trace
from simulator.serving.sequence import Served
from simulator.serving.step import StepTime
from simulator.version import __version__
from workloads.llm.cell_totals import is_plain
from workloads.llm.cells import Cells, cells_of
from workloads.llm.dtypes import bytes_of
from workloads.llm.model import Transformer, load_model
from workloads.llm.serve_params import Requests, ServeJob, TenantAdapters

MEMORY_SHARE = 0.9  # of the card's memory that weights and cache may have (vLLM's default)
GB = 1e9


def simulate_serving(config: Config, progress: Progress | None = None) -> Result:
    """Run a config whose jobs all serve, each on a card of its own. Raises ConfigError."""
    servers: dict[str, Server] = {}
    started = time.perf_counter()
    for number, (name, job) in enumerate(sorted(config.workloads.items())):
        if not isinstance(job, ServeJob):
            raise ConfigError("no serving, beside jobs that serve; run one kind", key=f"workloads.{name}")
        servers[name] = server_of(name, job, config)
        _run(servers[name], config.simulation.max_time_fs)
        if progress is not None:
            progress((number + 1) / len(config.workloads), servers[name].now_s, 0)
    wall_s = time.perf_counter() - started
    slos = {name: slo_of(job) for name, job in config.workloads.items() if isinstance(job, ServeJob)}
    steps = sum(len(server.moments) for server in servers.values())
    summary = {
        "schema_version": SCHEMA_VERSION,
        "name": config.name,
        "simulation": {
            "simulated_s": max(server.now_s for server in servers.values()),
            "wall_s": wall_s,
            "events": steps,
            "requests": sum(len(server.sequences) for server in servers.values()),
            "requests_per_wall_s": sum(len(s.sequences) for s in servers.values()) / wall_s,
            "seed": config.simulation.seed,
            "version": __version__,
            "config_sha256": config_sha256(config),
        },
        "workloads": {name: serving_summary(server, slos[name]) for name, server in servers.items()},
        "masters": {},
        "interference": {},
    }
    tables = {name: request_table(server.sequences) for name, server in servers.items()}
    columns = next(iter(tables.values()))
    requests: dict[str, list[Any]] = {"job": [name for name, t in tables.items() for _ in t["request"]]}
    requests |= {column: [value for t in tables.values() for value in t[column]] for column in columns}
    timeline = [event for name, server in servers.items() for event in _events(name, server)]
    result = Result(summary=summary, ops={}, config=resolved(config), timeline=timeline, requests=requests)
    result.warnings += [text for name, server in servers.items() for text in _too_long(name, server)]
    return result


def _too_long(name: str, server: Server) -> Iterator[str]:
    """Yield what is to be said of requests longer than the model's positions reach; they are served."""
    lengths = [s.request.prompt + s.request.output for s in server.sequences]
    longest, many = server.engine.longest, sum(length > server.engine.longest for length in lengths)
    if many:
        yield (
            f"{name}: {many} of {len(lengths)} requests are longer than the {longest} positions of its "
            f"model, up to {max(lengths)} tokens; they are served as if it had more"
        )


def _run(server: Server, limit_fs: int | None) -> None:
    """Serve all requests. Raises ConfigError once ``limit_fs`` of simulated time have passed."""
    left = server.run(math.inf if limit_fs is None else limit_fs * FS)
    if left:
        assert limit_fs is not None
        total, passed = len(server.sequences), format_quantity(limit_fs, TIME_UNITS)
        raise ConfigError(
            f"{passed} of simulated time passed with {total - left} of {total} requests served; raise it, or "
            "shorten the run",
            key="simulation.max_time",
        )


def server_of(name: str, job: ServeJob, config: Config) -> Server:
    """Return the server of a job, nothing served yet. Raises ConfigError."""
    key, machine = f"workloads.{name}", config.system.backends[job.on]
    if machine.kernels is None:
        raise ConfigError(
            f"{job.on} has no measured kernels; write kernels: and one of {', '.join(GPUS)}", key=f"{key}.on"
        )
    model = load_model(job.model)
    cells = _cells(job, model, key)
    software = machine.step_overhead_fs / FS_PER_S, machine.sequence_overhead_fs / FS_PER_S
    step_time = StepTime(model, GPUS[machine.kernels], software[0], cells, software[1])
    row_bytes = step_time.token_bytes
    adapters, beside = _adapters(job, model)
    engine = Engine(
        kv_tokens=job.engine.kv_tokens or kv_tokens(model, machine, row_bytes, key, beside),
        token_budget=job.engine.token_budget,
        max_sequences=job.engine.sequences,
        block_tokens=job.engine.block,
        prefix_cache=job.engine.prefix_cache,
        prefix_once=job.engine.prefix_once,
        order=job.engine.order,
        swap=job.engine.preempt == "swap",
        host_tokens=job.engine.host_bytes // row_bytes,
        link_bytes_per_s=job.engine.link_bytes_per_s,
        reserve=None if job.engine.reserve == "blocks" else job.engine.reserve,
        longest=model.shape.positions,
        prompts_alone=job.engine.prompts == "alone",
    )
    requests = requests_of(job.requests, config.simulation.seed)
    if job.adapters is not None:
        requests = _of_tenants(requests, job.adapters, config.simulation.seed)
    server = Server(engine, step_time, requests, step_time.room, adapters)
    try:
        server.check_lengths()
    except ValueError as error:
        raise ConfigError(str(error), key=f"{key}.requests") from None
    return server


def _cells(job: ServeJob, model: Transformer, key: str) -> Cells:
    """Return keys, values and states of a job. Raises ConfigError for what the engine cannot do with them."""
    try:
        cells = cells_of(model, "bf16", job.kv_cache.rules)
    except ValueError as error:
        raise ConfigError(str(error), key=key) from None
    shared = "prefix_once" if job.engine.prefix_once else None
    which = shared or (f"reserve: {job.engine.reserve}" if job.engine.reserve != "blocks" else None)
    if which is not None and not is_plain(cells):
        raise ConfigError(
            f"{which}, and {model.name} does not keep or read all tokens; write a model and rules that do",
            key=f"{key}.engine",
        )
    return cells


def _adapters(job: ServeJob, model: Transformer) -> tuple[Adapters | None, int]:
    """Return the adapters of a job's tenants, and the bytes of the card that are theirs."""
    written = job.adapters
    if written is None:
        return None, 0
    read = factor_bytes(model, written.rank)
    stored = max(1, round(read * written.stored))
    room = written.tenants * stored if written.dram_bytes is None else written.dram_bytes
    adapters = Adapters(read, stored, min(written.tenants, room // stored))
    if written.dram_bytes is None:  # all lie there from the beginning on
        adapters.held.update(dict.fromkeys(range(written.tenants)))
    return adapters, room


def _of_tenants(requests: list[Request], adapters: TenantAdapters, seed: int) -> list[Request]:
    """Return ``requests``, each of a tenant drawn by a power law."""
    chance = np.random.Generator(np.random.PCG64([seed, 23])).random(len(requests))
    tenants = (adapters.tenants * chance ** (1 / (1 - adapters.skew))).astype(int).tolist()
    return [replace(request, tenant=tenant) for request, tenant in zip(requests, tenants, strict=True)]


def kv_tokens(model: Transformer, machine: Roofline, row_bytes: int, key: str, beside: int = 0) -> int:
    """Return the rows that the cache holds behind weights and adapters. Raises ConfigError."""
    if machine.capacity_bytes is None:
        raise ConfigError("the backend's memory is not limited; write engine.kv_tokens", key=f"{key}.engine")
    weights = sum(bytes_of(t.values, model.dtypes.get(t.role, "bf16")) for t in model.tensors)
    room = int(MEMORY_SHARE * machine.capacity_bytes) - weights - beside
    if room <= 0:
        also = f" and its adapters {beside / GB:.2f} GB" if beside else ""
        raise ConfigError(
            f"{model.name} is {weights / GB:.2f} GB{also}; {machine.capacity_bytes / GB:.2f} GB are there",
            key=f"{key}.model",
        )
    return room // row_bytes


def requests_of(requests: Requests, seed: int) -> list[Request]:
    """Return the requests of a trace, or drawn ones."""
    if requests.trace is not None:
        return read_trace(Path(requests.trace))[: requests.count]
    assert requests.rate_per_min is not None
    assert requests.count is not None
    random = np.random.Generator(np.random.PCG64([seed, 7]))
    arrivals = np.cumsum(random.exponential(60 / requests.rate_per_min, requests.count))
    prompts = np.maximum(1, np.rint(random.exponential(requests.prompt, requests.count)))
    outputs = np.maximum(1, np.rint(random.exponential(requests.output, requests.count)))
    drawn = [
        Request(at - arrivals[0], int(p), int(o))
        for at, p, o in zip(arrivals.tolist(), prompts, outputs, strict=True)
    ]
    if requests.prefix:
        return [
            replace(
                r, prompt=requests.prefix + r.prompt, keys=(i % requests.groups,), key_tokens=requests.prefix
            )
            for i, r in enumerate(drawn)
        ]
    if requests.turns > 1:
        return conversations(drawn, requests.turns, requests.think_fs / FS_PER_S, random)
    return drawn


def conversations(
    drawn: list[Request], turns: int, think_s: float, random: np.random.Generator
) -> list[Request]:
    """Return requests as conversations of so many turns: each prompt begins with all that was said before.

    A turn comes when its user has read the answer before, after a time with an exponential tail.
    """
    found: list[Request] = []
    for first in range(0, len(drawn), turns):
        said = 0
        for number in range(first, min(first + turns, len(drawn))):
            request, opens = drawn[number], number == first
            waits = 0.0 if opens else float(random.exponential(think_s))
            found.append(
                replace(
                    request,
                    arrival_s=drawn[first // turns].arrival_s,
                    prompt=said + request.prompt,
                    conversation=first // turns,
                    after=-1 if opens else number - 1,
                    think_s=waits,
                )
            )
            said += request.prompt + request.output
    return found


def slo_of(job: ServeJob) -> dict[str, float]:
    written = {"ttft_s": job.slo.ttft_fs, "tpot_s": job.slo.tpot_fs}
    return {name: most / FS_PER_S for name, most in written.items() if most is not None}


def _events(job: str, server: Server) -> list[dict[str, Any]]:
    """Return Chrome trace events: a track a request, with its wait, prompt and answer."""
    return [event for served in server.sequences for event in _phases(job, served)]


def _phases(job: str, served: Served) -> list[dict[str, Any]]:
    times = (served.arrival_s, served.scheduled_s, served.first_token_s, served.done_s)
    return [
        {
            "name": name, "cat": "request", "ph": "X", "ts": start * 1e6, "dur": (end - start) * 1e6,
            "pid": job, "tid": served.number,
        }
        for name, start, end in zip(("waits", "prompt", "answer"), times, times[1:], strict=False)
        if end > start
    ]  # fmt: skip
