"""From a job of a config to a program."""

from pathlib import Path
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from hw_models.systolic.params import Systolic
from workloads.importers.load import load_network
from workloads.lowering.cbuf import DoesNotFit
from workloads.lowering.homes import Homes
from workloads.lowering.lower import LoweringOptions, NeedsCore, lower_network
from workloads.lowering.once import network_key, program_once
from workloads.lowering.target import preset_numbers, target_of
from workloads.params import LoadableFile, NetworkJob, ProgramFile
from workloads.program import Program
from workloads.systolic.lower import lower_network as lower_to_array


def options_of(job: NetworkJob, simd: int = 1) -> LoweringOptions:
    nvidia = job.strategy == "nvidia"
    return LoweringOptions(
        strategy=job.strategy,
        fuse_residual=not nvidia if job.fuse_residual is None else job.fuse_residual,
        fuse_pooling=not nvidia if job.fuse_pooling is None else job.fuse_pooling,
        copy_concat=nvidia if job.concat is None else job.concat == "copy",
        copy_between_submissions=nvidia and job.fallback is not None,
        dependencies=job.dependencies,
        planner=job.planner,
        core=job.fallback is not None,
        threads=job.threads,
        simd=simd,
    )


def lower_job(
    job: NetworkJob, preset: Any, base_address: int = 0, simd: int = 1, homes: Homes | None = None
) -> Program:
    """Return the program of one frame. Raises ConfigError."""
    if homes is not None and isinstance(job.network, LoadableFile | ProgramFile):
        raise ConfigError("a compiled network has its addresses; write a network, or no place", key="place")
    program = _lower(job, preset, base_address, simd, homes)
    program.tasks["compute_cycles"] = np.rint(program.tasks["compute_cycles"] * job.core_work)
    return program


def _lower(job: NetworkJob, preset: Any, base_address: int, simd: int, homes: Homes | None) -> Program:
    if isinstance(preset, Systolic):
        return _lower_to_array(job, preset, base_address, simd, homes)
    target = target_of(preset)
    if isinstance(job.network, LoadableFile):
        from workloads.importers.loadable import read_loadable

        return read_loadable(Path(job.network.loadable), target, job, base_address)
    if isinstance(job.network, ProgramFile):
        from workloads.traces.program import read_register_program

        return read_register_program(Path(job.network.program), preset_numbers(preset), base_address)
    options = options_of(job, simd)

    def make(homes: Homes | None) -> Program:
        return lower_network(load_network(job), target, options, base_address, homes)

    key = network_key(job), target, options, base_address
    try:
        return _strict(job, program_once(key, homes, make))
    except DoesNotFit as error:
        raise ConfigError(str(error), key="layers" if job.layers is not None else "network") from None
    except NeedsCore as error:
        raise ConfigError(f"{error}; add `fallback: CORE` with the name of one", key="fallback") from None


def _lower_to_array(
    job: NetworkJob, array: Systolic, base_address: int, simd: int, homes: Homes | None
) -> Program:
    if isinstance(job.network, LoadableFile | ProgramFile):
        message = "has operations of an NVDLA; write a network, or an accelerator of kind nvdla"
        raise ConfigError(message, key="network")
    options = options_of(job, simd)

    def make(homes: Homes | None) -> Program:
        return lower_to_array(load_network(job), array, options, base_address, homes)

    key = network_key(job), array.model_dump_json(), options, base_address
    try:
        return _strict(job, program_once(key, homes, make))
    except NeedsCore as error:
        raise ConfigError(f"{error}; add `fallback: CORE` with the name of one", key="fallback") from None


def _strict(job: NetworkJob, program: Program) -> Program:
    """Return the program. Raises ConfigError for its first warning under `strict`."""
    if job.strict and program.warnings:
        raise ConfigError(f"{program.warnings[0]}; strict allows none", key="strict")
    return program
