"""The config: YAML, a dict or an object in; one validated, frozen `Config` out.

Every mistake is found at once and told as ``FILE:LINE: key.path: what was found; what would be right``.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    PrivateAttr,
    Tag,
    ValidationError,
)

from hw_models.cpu.params import Corunner
from hw_models.errors import ConfigError
from hw_models.limits import make_room
from hw_models.units import (
    END_FS,
    SIZE_UNITS,
    TIME_UNITS,
    Block,
    Bytes,
    SimulatedTime,
    TooLarge,
    format_quantity,
    parse_quantity,
)
from simulator.config.errors import at, raise_all, retell, written_names
from simulator.config.names import NAMED, complete_cores, network_jobs, reference_errors, without_nulls
from simulator.config.sampling import sample_errors
from simulator.config.shipped import located
from simulator.config.system import Name, System
from simulator.config.topology import DMA, uses_flash
from simulator.config.wiring_rules import is_wide, runs_beside_the_chip, topology_errors
from simulator.config.yaml_lines import (
    LARGEST_NUMBER,
    Document,
    Keys,
    Place,
    apply_setting,
    item_of,
    lay_value,
    read_document,
)
from workloads.bus.params import TraceJob
from workloads.graph import MOST
from workloads.llm.params import LlmJob
from workloads.llm.serve_params import ServeJob
from workloads.llm.train_params import TrainJob
from workloads.params import NetworkJob

BINARY_UNITS = {unit: size for unit, size in SIZE_UNITS.items() if size & (size - 1) == 0}
Source = str | Path | Mapping[str, Any] | Document
Model = TypeVar("Model", bound=BaseModel)


def _until(value: Any) -> Any:
    if value == "workloads":
        return value
    try:
        time_fs = parse_quantity(value, "time", TIME_UNITS)
    except TooLarge:
        time_fs = END_FS + 1
    except ValueError:
        raise ValueError(f"{value!r} is not an end; write workloads, or a time such as 5 ms") from None
    if time_fs == 0:
        raise ValueError(f"{value!r} is no time at all; write workloads, or a time such as 5 ms")
    if time_fs > END_FS:
        raise ValueError(f"{value!r} is too long; write at most {format_quantity(END_FS, TIME_UNITS)}")
    return time_fs


def _job_kind(value: Any) -> str:
    """Return which kind of job the keys speak of: the kind that knows more of them."""
    if isinstance(value, BaseModel):
        return type(value).__name__
    keys = set(value) if isinstance(value, Mapping) else set()
    if "requests" in keys:
        return "ServeJob"
    if "train" in keys:
        return "TrainJob"
    if "trace" in keys:
        return "TraceJob"
    network, llm = (len(keys & set(written_names([model]))) for model in (NetworkJob, LlmJob))
    return "LlmJob" if llm > network else "NetworkJob"


Job = Annotated[
    Annotated[NetworkJob, Tag("NetworkJob")]
    | Annotated[LlmJob, Tag("LlmJob")]
    | Annotated[ServeJob, Tag("ServeJob")]
    | Annotated[TrainJob, Tag("TrainJob")]
    | Annotated[TraceJob, Tag("TraceJob")],
    Discriminator(_job_kind),
]
Until = Annotated[
    int | str,
    BeforeValidator(_until, json_schema_input_type=str),
    PlainSerializer(lambda v: v if isinstance(v, str) else format_quantity(v, TIME_UNITS), return_type=str),
]


class Sample(Block):
    """A language model's pass simulated in part, the rest extrapolated with an error that is told."""

    layers: int = Field(3, ge=3, le=MOST, description="of each kind of equal layers that are simulated")
    stream_bytes: Bytes | None = Field(
        None,
        alias="stream",
        gt=0,
        description="weights that a shortened launch reads at least, not fewer than the caches hold: what "
        "follows finds these as behind a whole one; absent: as many, at least 1 MiB",
    )


class Simulation(Block):
    """How the run itself behaves."""

    seed: int = Field(1, ge=0, description="the seed of everything random")
    until: Until = Field(
        "workloads", description="`workloads` (all jobs done), or a simulated time such as 5 ms"
    )
    max_time_fs: SimulatedTime | None = Field(
        None,
        alias="max_time",
        description="simulated time after which a run that has not ended is an error; absent: 10 s, 1 h of "
        "language models in memories of their own",
    )
    sample: Sample | None = Field(
        None, description="of a language model on an NVDLA: simulate a part; absent: all of it"
    )


class Config(Block):
    """One simulation."""

    name: str = Field("unnamed", description="what the run is called in its reports")
    system: System = Field(description="the chip: accelerators, cores, llc, dram, ...")
    workloads: dict[Name, Job] = Field(default_factory=dict, description="jobs by name")
    corunners: list[Corunner] = Field(default_factory=list, description="cores that only make memory traffic")
    simulation: Simulation = Field(Simulation(), description="how the run itself behaves")

    _document: Document = PrivateAttr(default_factory=lambda: Document({}))

    def with_(self, values: Mapping[str, Any]) -> "Config":
        """Return this config with values laid on it by dotted path. Raises ConfigError."""
        return load(self, values=values, laid_by="with_")

    def __repr__(self) -> str:
        system = self.system
        parts = [*system.accelerators, *system.cores, *system.backends, *system.masters]
        return f"Config({self.name!r}: {', '.join(self.workloads) or 'no jobs'} on {', '.join(parts)})"[:300]

    def locate(self, error: ConfigError) -> ConfigError:
        """Return ``error`` with the file and line of its key, where they are known and missing."""
        keys: Keys = tuple(k if (item := item_of(k)) is None else item for k in (error.key or "").split("."))
        place = self._document.place_of(keys)
        if error.file is not None or error.key is None or keys[:1] not in self._document.places:
            return error
        assert place is not None
        return ConfigError(error.message, file=place.file, line=place.line, key=error.key)


def load(
    source: Source | Config,
    *,
    settings: Iterable[str] = (),
    values: Mapping[str, Any] | None = None,
    laid_by: str = "set",
    seed: int | None = None,
    strict: bool = False,
) -> Config:
    """Return the config in ``source`` with ``PATH=VALUE`` settings laid on it. Raises ConfigError.

    ``values``: more of them, by path, as plain values, of which a mistake is told as of ``laid_by``.
    ``strict``: operators that no network job knows are errors.
    """
    if isinstance(source, Config) and not (settings or values or seed is not None or strict):
        return source
    if values and not (isinstance(values, Mapping) and all(isinstance(path, str) for path in values)):
        raise ConfigError("values to set are a mapping of key paths to values; write {PATH: VALUE}")
    document = document_of(source, settings)
    for path, value in (values or {}).items():
        document = lay_value(document, path, value, Place(laid_by))
    document = complete_cores(without_nulls(document))
    if strict:
        for name in network_jobs(document):
            document = lay_value(document, f"workloads.{name}.strict", True, Place("--strict"))
    if seed is not None:
        document = lay_value(document, "simulation.seed", seed, Place(f"--seed {seed}"))
    errors = reference_errors(document)
    config, more = _validated(Config, document)
    raise_all(more + errors)
    assert config is not None
    raise_all(
        _name_errors(config, document)
        + _footprint_errors(config, document)
        + wiring_errors(config, document)
        + _fit_errors(config, document)
        + _sample_errors(config, document)
    )
    config._document = document
    if is_wide(config.system, config.workloads):
        make_room()
    return config


def _name_errors(config: Config, document: Document) -> list[ConfigError]:
    """Return what has the name of flash's DMA, which is a master like others, where there is one."""
    if not uses_flash(config.system, config.workloads):
        return []
    masters = ("accelerators", "cores", "backends", "masters")
    holders: list[Keys] = [("system", key, DMA) for key in masters if DMA in getattr(config.system, key)]
    on = [corunner.on for corunner in config.corunners]
    running: list[Keys] = [("corunners", on.index(DMA), "on")] if DMA in on else []
    message = f"{DMA!r} is the name of the DMA of flash; choose another"
    written = [keys for keys in [*holders, *running] if keys in document.places]
    return [at(document, keys, message) for keys in (written or running + holders)[:1]]


def _footprint_errors(config: Config, document: Document) -> list[ConfigError]:
    """Return what is wrong with co-runners that need more memory than there is."""
    if config.system.dram is None:
        return []
    most = config.system.dram.capacity_bytes
    return [
        at(
            document,
            ("corunners", i, "footprint" if corunner.frames_bytes is None else "frames"),
            f"{format_quantity(corunner.span_bytes, BINARY_UNITS)} is more than the "
            f"{format_quantity(most, BINARY_UNITS)} of system.dram; write less",
        )
        for i, corunner in enumerate(config.corunners)
        if corunner.memory is None and corunner.span_bytes > most
    ]


def wiring_errors(config: Config, document: Document) -> list[ConfigError]:
    """Return what cannot be wired as the config says."""
    if runs_beside_the_chip(config.system, config.workloads):
        return []
    working = {corunner.on for corunner in config.corunners} | set(config.system.masters)
    for job in config.workloads.values():
        working |= {name for key in ("on", "fallback") if isinstance(name := getattr(job, key, None), str)}
        if getattr(job, "storage", None) is not None:
            working.add("flash")  # its DMA
    told = topology_errors(config.system, config.workloads, working)
    if config.system.masters and config.system.dram is not None and config.system.dram.partition:
        message = "goes with no outside master, whose addresses are its own; write one of the two"
        told.append((("system", "dram", "partition"), message))
    return [at(document, keys, message) for keys, message in told]


def _fit_errors(config: Config, document: Document) -> list[ConfigError]:
    """Return what is wrong with language models whatever the machine: contexts, budgets, unknown activity."""
    from workloads.llm.fits import check_fits

    errors = []
    for name, job in config.workloads.items():
        if isinstance(job, LlmJob):
            try:
                check_fits(job)
            except ValueError as error:
                errors.append(at(document, ("workloads", name), str(error)))
    return errors


def _sample_errors(config: Config, document: Document) -> list[ConfigError]:
    """Return what a sample of the run would not be honest about."""
    simulation = config.simulation
    if simulation.sample is None:
        return []
    wrong = sample_errors(
        config.system,
        config.workloads,
        config.corunners,
        simulation.until,
        simulation.sample.stream_bytes,
    )
    return [at(document, keys, message) for keys, message in wrong]


def load_part(source: Source, model: type[Model], *, bases: bool = True) -> Model:
    """Return ``source`` validated as ``model``: a config of one block, a sweep file. Raises ConfigError.

    ``bases``: `base:` names a file to start from; otherwise it is a key like any other.
    """
    part, errors = _validated(model, document_of(source, (), bases))
    raise_all(errors)
    assert part is not None
    return part


def document_of(source: Any, settings: Iterable[str], bases: bool = True) -> Document:
    if isinstance(source, BaseModel):
        document = Document(resolved(source), dict(getattr(source, "_document", Document({})).places))
    elif isinstance(source, Document):
        document = source
    elif isinstance(source, Mapping):
        document = Document(_words(dict(source)))
    elif not isinstance(source, str | Path):
        raise ConfigError(f"found {source!r:.60}; write a path, the name of a shipped config or a mapping")
    else:
        document = read_document(located(Path(source)), bases=bases)
    for setting in settings:
        document = apply_setting(document, setting)
    return document


def _words(value: Any) -> Any:
    """Return a dict's data with the key ``on`` for true: YAML 1.1, as `yaml.safe_load`, reads it so."""
    if isinstance(value, Mapping):
        return {("on" if key is True else key): _words(item) for key, item in value.items()}
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > LARGEST_NUMBER:
        raise ConfigError(f"a number is too large; write at most {LARGEST_NUMBER}")
    return [_words(item) for item in value] if isinstance(value, list) else value


def _validated(model: type[Model], document: Document) -> tuple[Model | None, list[ConfigError]]:
    try:
        return model.model_validate(document.data), []
    except ValidationError as error:
        return None, retell(error, model, document)


def resolved(config: BaseModel) -> dict[str, Any]:
    """Return the config as a dict of plain values with every default written; names in order."""
    data = config.model_dump(mode="json", by_alias=True)
    named = [(data.get("system"), key) for key in NAMED]
    for part, key in [*named, (data, "workloads")]:
        if isinstance(part, dict) and isinstance(part.get(key), dict):
            part[key] = dict(sorted(part[key].items()))
    return data


def config_sha256(config: BaseModel) -> str:
    """Return a digest of what the config means: not of its key order, nor of where its files lie."""
    text = json.dumps(_with_contents(resolved(config)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _with_contents(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_contents(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_contents(item) for item in value]
    if isinstance(value, str) and value.startswith("/") and Path(value).is_file():
        return hashlib.sha256(Path(value).read_bytes()).hexdigest()
    return value


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a config file, for editors."""
    result = Config.model_json_schema(by_alias=True, mode="validation")
    result["properties"]["base"] = {"type": "string", "description": "the config file to start from"}
    result["required"] = []
    return result
