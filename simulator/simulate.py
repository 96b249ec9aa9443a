"""One simulation from a checked config to its result."""

from typing import Any

from hw_models.axi.statistics import port_summary
from hw_models.units import FS
from simulator.config.idle import idle_keys, told
from simulator.config.model import Config, config_sha256, resolved
from simulator.progress import Progress
from simulator.report.blamed import slow_layers
from simulator.results import summary as statistics
from simulator.results.blame import blame_table
from simulator.results.energy import energy_figures
from simulator.results.frames import frame_table
from simulator.results.latency import latency_table
from simulator.results.levels import peaks
from simulator.results.llm_summary import llm_summary, own_memory_summary
from simulator.results.ops import op_table
from simulator.results.result import SCHEMA_VERSION, Result
from simulator.results.sampling import sampling_summary, sampling_text
from simulator.results.timeline import bandwidth, timeline
from simulator.results.transactions import transactions
from simulator.sampled import close_books, run_sampled
from simulator.serving.run import simulate_serving
from simulator.soc.build import build_machine
from simulator.soc.machine import Machine
from simulator.soc.run import compiled, requests_of, run_machine
from simulator.training.run import simulate_training
from simulator.version import __version__
from workloads.llm.serve_params import ServeJob
from workloads.llm.train_params import TrainJob


def simulate(config: Config, progress: Progress | None = None, frames: str = "") -> Result:
    """Run ``config`` to its end. Raises ConfigError, or StuckError when nothing can go on.

    ``frames`` that operations are told of: last, worst, all, or empty for worst and last.
    """
    if any(isinstance(job, ServeJob) for job in config.workloads.values()):
        return simulate_serving(config, progress)
    if any(isinstance(job, TrainJob) for job in config.workloads.values()):
        return simulate_training(config)
    machine = build_machine(config)
    machine.clerk.frames = frames
    if config.simulation.sample is not None:
        return told_of(machine, run_sampled(machine, progress))
    wall_s = run_machine(machine, progress)
    return result_of(machine, wall_s)


def in_one_run(config: Config) -> bool:
    """Tell whether `simulate` runs one machine from its start to its end, and nothing else."""
    parts = any(isinstance(job, ServeJob | TrainJob) for job in config.workloads.values())
    return not parts and config.simulation.sample is None


def compile_kernels(config: Config) -> None:
    """Compile what running ``config`` needs, so that worker processes only load it."""
    compiled(build_machine(config))


def result_of(machine: Machine, wall_s: float) -> Result:
    """Return the result of a run that is over."""
    close_books(machine)
    return told_of(machine, wall_s)


def told_of(machine: Machine, wall_s: float) -> Result:
    """Return what is told of a run whose books are closed: summary, operations, timeline."""
    system = machine.system[0]
    seconds = int(system["now_fs"]) * FS
    requests = requests_of(machine)
    simulated = requests if machine.survey is None else machine.survey.requests
    summary: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "name": machine.config.name,
        "simulation": {
            "simulated_s": seconds,
            "wall_s": wall_s,
            "events": int(system["events"]),
            "requests": requests,
            "requests_per_wall_s": simulated / wall_s if wall_s else 0.0,
            "seed": machine.config.simulation.seed,
            "version": __version__,
            "config_sha256": config_sha256(machine.config),
        },
        "workloads": {
            plan.name: (llm_summary if plan.llm else statistics.job_summary)(machine, plan)
            for plan in machine.plans
        },
        "masters": {
            name: statistics.master_summary(measure, seconds)
            for name, measure in zip(machine.master_names, machine.measures)
        },
    }
    if machine.survey is not None:
        summary["sampling"] = sampling_summary(machine, machine.survey)
    summary["masters"] |= {name: own_memory_summary(machine, name, seconds) for name in machine.own_names}
    for name, row in zip(machine.external_names, machine.externals):
        summary["masters"][name]["bus"] = port_summary(row)
    summary |= statistics.core_summaries(machine)
    summary |= statistics.node_summaries(machine)
    summary |= statistics.flash_summary(machine)
    summary["peak_bytes_per_s"] = peaks(machine)
    summary["interference"] = statistics.interference(machine)
    energy, energy_table = energy_figures(machine, summary)
    if energy:
        summary["energy"] = energy
    ops = op_table(machine)
    result = Result(
        summary=summary,
        ops=ops,
        config=resolved(machine.config),
        timeline=timeline(machine, ops),
        bandwidth=bandwidth(machine) if machine.survey is None else {},
        queues=machine.queues.series(),
        transactions=transactions(machine),
        blame=blame_table(machine),
        frames=frame_table(machine),
        latency=latency_table(machine),
        energy=energy_table,
        warnings=[
            *([sampling_text(summary)] if machine.survey is not None else []),
            *(told(*each) for each in idle_keys(machine.config)),
            *(f"{plan.name}: {text}" for plan in machine.plans for text in plan.warnings),
        ],
    )
    summary["slow_layers"] = slow_layers(result)
    return result
