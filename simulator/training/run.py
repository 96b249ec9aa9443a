"""Training jobs of a config, from checked parameters to a result."""

import time
from typing import Any

from hw_models.errors import ConfigError
from simulator.config.model import Config, config_sha256, resolved
from simulator.results.result import SCHEMA_VERSION, Result
from simulator.version import __version__
from workloads.llm.model import load_model
from workloads.llm.train_params import TrainJob
from workloads.llm.training import Step, step_of
from workloads.llm.training_memory import memory_plan

GB = 1e9


def simulate_training(config: Config) -> Result:
    """Run a config whose jobs all train, each on cards of its own. Raises ConfigError."""
    started = time.perf_counter()
    jobs = {}
    for name, job in sorted(config.workloads.items()):
        if not isinstance(job, TrainJob):
            raise ConfigError("no training, beside jobs that train; run one kind", key=f"workloads.{name}")
        jobs[name] = training_summary(name, job, config)
    summary: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "name": config.name,
        "simulation": {
            "simulated_s": max(job["latency_s"] for job in jobs.values()),
            "wall_s": time.perf_counter() - started,
            "events": 0,
            "requests": 0,
            "requests_per_wall_s": 0.0,
            "seed": config.simulation.seed,
            "version": __version__,
            "config_sha256": config_sha256(config),
        },
        "workloads": jobs,
        "masters": {},
        "interference": {},
    }
    return Result(summary=summary, ops={}, config=resolved(config), timeline=[])


def training_summary(name: str, job: TrainJob, config: Config) -> dict[str, Any]:
    """Return a step's time and the bytes of each card. Raises ConfigError if it does not fit."""
    key, machine, model = f"workloads.{name}", config.system.backends[job.on], load_model(job.model)
    if model.shape.experts is not None or model.shape.latent is not None or model.shape.scan is not None:
        raise ConfigError(
            f"{model.name} has experts, latent attention or scans, which are not trained", key=f"{key}.model"
        )
    if job.precision not in machine.peak_flop_per_s:
        known = ", ".join(machine.peak_flop_per_s)
        raise ConfigError(
            f"{job.on} computes in {known}, not in {job.precision}; write one of them", key=f"{key}.precision"
        )
    try:
        step = step_of(model, job, machine)
    except ValueError as error:
        raise ConfigError(str(error), key=f"{key}.activations") from None
    peak = -(-step.peak // job.train.cards)
    if machine.capacity_bytes is not None and peak > machine.capacity_bytes:
        raise ConfigError(
            f"a step of {model.name} needs {peak / GB:.2f} GB on each card, "
            f"{step.activations / job.train.cards / GB:.2f} of them activations; {job.on} has "
            f"{machine.capacity_bytes / GB:.2f} GB",
            key=f"{key}.train",
        )
    told = _told(job, step, model.parameters, machine.peak_flop_per_s[job.precision] / 2)
    if job.trained == "all":
        plan = memory_plan(model, job)
        told["activation_plan"] = {
            "planned_bytes": -(-plan.planned // job.train.cards),
            "lower_bound_bytes": -(-plan.lower_bound // job.train.cards),
        }
    return told


def _told(job: TrainJob, step: Step, parameters: int, peak_macs_per_s: float) -> dict[str, Any]:
    cards, tokens = job.train.cards, job.train.sequence * job.train.sequences
    parts = {
        name: getattr(step, name) // cards for name in ("weights", "gradients", "optimizer", "activations")
    }
    return {
        "model": job.model,
        "parameters": parameters,
        "latency_s": step.seconds,
        "tokens_per_s": tokens / step.seconds,
        "phases": {
            "forward_s": step.forward_s,
            "backward_s": step.backward_s,
            "recompute_s": step.recompute_s,
            "swap_s": step.exposed_s,
        },
        "macs": step.macs,
        "mac_utilization": step.macs / (cards * peak_macs_per_s * step.seconds),
        "card_bytes": {"peak": -(-step.peak // cards), **parts},
        "host_bytes": step.host,
        "swapped_share": step.swapped,
    }
