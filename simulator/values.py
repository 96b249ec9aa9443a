"""Values of a config's jobs: computed beside a run (`--values`), or written as programs (`compile`)."""

import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from hw_models.nvdla.params import Nvdla
from simulator.config.model import Config
from simulator.results.run_folder import write_table
from workloads import lower
from workloads.params import NetworkJob, ProgramFile
from workloads.program import Program
from workloads.traces.play import play
from workloads.traces.program import script_of
from workloads.traces.write import TraceWriter
from workloads.values.parameters import quantisation_of
from workloads.values.plan import Step, ValuePlan

COLUMNS = ("step", "op", "layer", "tensor", "bytes", "crc32", "least", "most", "mean")


@dataclass
class JobValues:
    """What a job computed: a row a step, its outputs as arrays, its checks."""

    rows: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    outputs: dict[str, np.ndarray] = field(default_factory=dict)  # (height, width, channels)
    checks: int = 0
    equal: int = 0
    differs: str = ""  # the first check that is not equal, in words

    def add(self, step: int, op: str, layer: str, tensor: str, data: np.ndarray) -> None:
        crc = zlib.crc32(np.ascontiguousarray(data).tobytes())
        least, most, mean = int(data.min()), int(data.max()), float(data.mean())
        row = (step, op, layer, tensor, data.nbytes, f"{crc:#010x}", least, most, mean)
        for name, value in zip(COLUMNS, row):
            self.rows[name].append(value)

    def told(self) -> str:
        """Return a line for a person."""
        if self.checks:
            return f"{self.equal} of {self.checks} checks equal" + self.differs
        return f"{len(self.rows['step'])} tensors, see values.csv; {len(self.outputs)} outputs in values/"

    def summary(self) -> dict[str, Any]:
        crc = zlib.crc32("".join(map(str, self.rows["crc32"])).encode())
        return {"steps": len(self.rows["step"]), "crc32": crc, "checks": self.checks, "equal": self.equal}


def compute_values(config: Config, parameters: Path | None = None) -> dict[str, JobValues]:
    """Return what every network of ``config`` computes in a frame. Raises ConfigError."""
    found = {}
    for name in sorted(config.workloads):
        job = config.workloads[name]
        if isinstance(job, NetworkJob):
            try:
                found[name] = _job_values(config, job, parameters)
            except ConfigError as error:
                raise error.under(f"workloads.{name}") from None
    return found


def _nvdla(config: Config, job: NetworkJob) -> Nvdla:
    """Return the accelerator of a job. Raises ConfigError when it is not an NVDLA."""
    found = config.system.accelerators[job.on]
    if not isinstance(found, Nvdla):
        raise ConfigError(f"{job.on} is no NVDLA; values are those of NVDLA's units", key="on")
    return found


def _job_values(config: Config, job: NetworkJob, parameters: Path | None) -> JobValues:
    preset = _nvdla(config, job)
    if isinstance(job.network, ProgramFile):
        return _program_values(Path(job.network.program), preset.values())
    program = lower(job, preset)
    plan = ValuePlan(program, preset.values(), quantisation_of(job, config.simulation.seed, parameters))
    values = JobValues()
    for step in plan.run():
        _note(values, plan, step)
    for tensor in outputs_of(program):
        values.outputs[tensor] = plan.floats[tensor] if tensor in plan.floats else plan.read(tensor)
    return values


def _note(values: JobValues, plan: ValuePlan, step: Step) -> None:
    origin = step.origin
    if origin is None or origin.output not in plan.program.cubes:
        return
    cube = plan.program.cubes[origin.output]
    if cube.buffer in plan.program.memory.tensors and origin.kind != "conv":
        layer = origin.nodes[0].name if origin.nodes else origin.output
        values.add(step.number, origin.kind, layer, origin.output, plan.read(origin.output))
    elif origin.kind == "conv" and _is_last(plan, step):
        values.add(step.number, origin.kind, origin.nodes[0].name, origin.output, plan.read(origin.output))


def _is_last(plan: ValuePlan, step: Step) -> bool:
    """Tell whether a piece of a convolution completes its output."""
    after = plan.steps[step.number + 1] if step.number + 1 < len(plan.steps) else None
    assert step.origin is not None
    return after is None or after.origin is None or after.origin.output != step.origin.output


def outputs_of(program: Program) -> list[str]:
    """Return the tensors that nobody reads."""
    read = {name for origin in program.origins.values() for name in origin.inputs}
    buffers = {program.cubes[name].buffer for name in read if name in program.cubes}  # of views as well
    made = dict.fromkeys(origin.output for origin in program.origins.values())
    return [
        t for t in made if t not in read and not (t in program.cubes and program.cubes[t].buffer in buffers)
    ]


def _program_values(path: Path, preset: dict[str, int]) -> JobValues:
    script = script_of(path)
    outcome = play(script, preset)
    values = JobValues()
    for check in outcome.checks:
        data = outcome.memory.read(check.address, check.size).view(np.int8)
        values.add(len(values.rows["step"]), "check", path.stem, f"{check.address:#x}", data)
        values.checks += 1
        values.equal += check.ours == check.reference
        if check.ours != check.reference and not values.differs:
            place = f"{check.size} B at {check.address:#x}"
            values.differs = f"; {place} have {check.ours:#010x}, {check.reference:#010x} asked for"
            values.differs += (
                "; the program uses Y or tables, which this SDP lacks" if outcome.lacks_y else ""
            )
    return values


def write_values(values: dict[str, JobValues], folder: Path) -> None:
    """Write `values.csv`, and each output of each job as `values/JOB/TENSOR.npy`."""
    columns: dict[str, list[Any]] = {"job": [], **{name: [] for name in COLUMNS}}
    for job, found in values.items():
        columns["job"] += [job] * len(found.rows["step"])
        for name in COLUMNS:
            columns[name] += found.rows[name]
        for tensor, data in found.outputs.items():
            target = folder / "values" / job
            target.mkdir(parents=True, exist_ok=True)
            np.save(target / f"{tensor.replace('/', '_')}.npy", data)
    write_table(folder / "values.csv", columns)


def compile_network(
    config: Config, folder: Path, base: int = 0, parameters: Path | None = None
) -> list[Path]:
    """Write every network of ``config`` as a program with memory images; returns the programs.

    What a core computes in between comes as images, loaded where the core would be done. Raises ConfigError.
    """
    written = []
    for name in sorted(config.workloads):
        job = config.workloads[name]
        if isinstance(job, NetworkJob) and not isinstance(job.network, ProgramFile):
            try:
                written.append(_compile_job(config, name, job, folder, base, parameters))
            except ConfigError as error:
                raise error.under(f"workloads.{name}") from None
    if not written:
        raise ConfigError("no network to compile; write a job with one", key="workloads")
    return written


def _compile_job(
    config: Config, name: str, job: NetworkJob, folder: Path, base: int, parameters: Path | None
) -> Path:
    preset = _nvdla(config, job)
    program = lower(job, preset, base_address=base)
    plan = ValuePlan(program, preset.values(), quantisation_of(job, config.simulation.seed, parameters))
    writer = TraceWriter(folder)
    writer.comment(f"{program.name} on {preset.preset}: {len(program.ops)} operations")
    if program.memory.weight_bytes:
        constants = plan.memory.read(base, program.memory.weight_bytes)
        writer.image(f"{name}_weights.dat", base, constants)
    writer.begin()
    of_step: dict[int, int] = {}  # step -> launch
    for step in plan.run():
        if step.launch is not None:
            deps = _deps(program, step.number)
            of_step[step.number] = writer.launch(step.launch, _launches(program, deps, of_step))
            _result_check(writer, plan, step)
        elif step.origin is not None:
            _core_image(writer, plan, step, name, of_step)
    return writer.save(f"{name}.cfg")


def _result_check(writer: TraceWriter, plan: ValuePlan, step: Step) -> None:
    """Check a tensor that leaves the accelerator, when its last piece is done."""
    assert step.origin is not None
    tensor = step.origin.output
    stays = any(
        tensor in other.origin.inputs
        for other in plan.steps
        if other.launch is not None and other.origin is not None
    )
    if stays or not _is_last(plan, step):
        return
    cube = plan.program.cubes[tensor]
    address, size = plan.program.memory.tensors[cube.buffer][0] + cube.offset, cube.bytes
    writer.check(address, size, plan.memory.crc32(address, size))


def _deps(program: Program, number: int) -> list[int]:
    step = program.steps[number]
    first = int(step["first_dep"])
    return [int(dep) for dep in program.deps[first : first + int(step["dep_count"])]]


def _launches(program: Program, deps: list[int], of_step: dict[int, int]) -> set[int]:
    """Return the launches that ``deps`` stand for, through steps of a core."""
    found: set[int] = set()
    todo, seen = list(deps), set(deps)
    while todo:
        step = todo.pop()
        if step in of_step:
            found.add(of_step[step])
            continue
        for dep in _deps(program, step):
            if dep not in seen:
                seen.add(dep)
                todo.append(dep)
    return found


def _core_image(writer: TraceWriter, plan: ValuePlan, step: Step, name: str, of_step: dict[int, int]) -> None:
    """Load what a core has made, if the accelerator reads it."""
    assert step.origin is not None
    cube = plan.program.cubes.get(step.origin.output)
    if cube is None or cube.buffer not in plan.program.memory.tensors:
        return
    writer.comment(f"a core's {step.origin.kind}: {step.origin.output}")
    writer.wait(_launches(plan.program, _deps(plan.program, step.number), of_step))
    address = plan.program.memory.tensors[cube.buffer][0] + cube.offset
    writer.image(f"{name}_step{step.number}.dat", address, plan.memory.read(address, cube.bytes))
