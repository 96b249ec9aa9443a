"""The run folder: written beside its place and renamed when complete, so that none is ever half-written.

The folder beside is locked by who writes it. A process that is killed leaves it, unlocked: the next one that
writes to the same place takes it away, and puts back the old run if that had been moved aside already.
"""

import csv
import fcntl
import glob
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hw_models.errors import ConfigError
from simulator.config.yaml_lines import parse_text, yaml_text
from simulator.results.result import Result
from simulator.under_way import PATHS

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?")
OLD = "old."  # in the name of a folder that a run is moved to while its place is taken
OURS = (
    "summary.json",
    "results.csv",
    "requests.csv",
    "compare.html",
    "results.xml",
)  # a folder with one of these is replaceable
OPTIONAL = (
    "blame",
    "energy",
    "frames",
    "latency",
    "queues",
    "requests",
)  # tables of a result that not every run has


def prepare_out(out: Path, ending: str = "", sweep: bool = False) -> None:
    """Make sure that ``out`` can be written before time is spent. Raises ConfigError.

    ``ending``: of files that make an old folder replaceable, beside a run's; ``sweep``: a sweep's is, too.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError("is a file; write the name of a folder", file=f"--out {out}")
    ours = any((out / name).exists() for name in OURS) or (ending and any(out.glob(f"*{ending}")))
    if out.is_dir() and any(out.iterdir()) and not ours:
        raise ConfigError(
            "holds other files than a run's; write the name of a new folder", file=f"--out {out}"
        )
    if not sweep and (out / "points").is_dir():
        raise ConfigError("holds a sweep's points; write the name of a new folder", file=f"--out {out}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        drop_left_over(out)
        probe = tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent)
        os.rmdir(probe)
    except OSError as error:
        raise _cannot_write(out, error) from None


def drop_left_over(out: Path) -> None:
    """Remove what processes that were killed have left beside ``out``; an old run moved aside comes back."""
    name = re.escape(out.name)
    old = re.escape(OLD)
    for folder in out.parent.glob(f".{glob.escape(out.name)}.*"):
        if not re.fullmatch(rf"\.{name}\.({old})?[a-z0-9_]{{8}}", folder.name) or not folder.is_dir():
            continue
        with suppress(OSError), _locked(folder):
            if (folder / "old").is_dir() and not out.exists():
                (folder / "old").rename(out)
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which ends with the process that does. Raises OSError if another has it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


@contextmanager
def _beside(out: Path, what: str = "") -> Iterator[Path]:
    """Yield a temporary folder beside ``out``, which is gone in the end. ``what``: what is moved there."""
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.{what}", dir=out.parent))
    if not what:
        PATHS.add(temporary)
    try:
        with _locked(temporary):
            yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        PATHS.discard(temporary)


def _cannot_write(out: Path, error: OSError) -> ConfigError:
    return ConfigError(f"cannot be written ({_reason(error)}); choose a folder that can", file=f"--out {out}")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


@contextmanager
def new_folder(out: Path, ending: str = "") -> Iterator[Path]:
    """Yield a temporary folder that becomes ``out`` if the block succeeds and vanishes if it does not."""
    prepare_out(out, ending)
    with told_of(out), _beside(out) as temporary:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o777 & ~umask)
        put_in_place(temporary, out)


@contextmanager
def told_of(out: Path) -> Iterator[None]:
    """Tell of ``out`` when it cannot be written: an OSError within the block is a ConfigError."""
    try:
        yield
    except OSError as error:
        raise _cannot_write(out, error) from error


@contextmanager
def new_files(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder; if the block succeeds its files go to ``folder`` one by one, each whole."""
    try:
        drop_left_over(folder / "new")
        with _beside(folder / "new") as temporary:
            yield temporary
            for path in sorted(path for path in temporary.rglob("*") if path.is_file()):
                place = folder / path.relative_to(temporary)
                place.parent.mkdir(exist_ok=True)
                path.replace(place)
    except OSError as error:
        raise ConfigError(f"cannot be written ({_reason(error)})", file=folder) from None


@contextmanager
def new_file(out: Path) -> Iterator[Path]:
    """Yield the path of a file that becomes ``out`` if the block succeeds and vanishes if it does not."""
    partial = out.with_name(f".{out.name}.partial")
    PATHS.add(partial)
    try:
        yield partial
        partial.replace(out)
    except OSError as error:
        message = f"cannot be written ({_reason(error)}); write another file"
        raise ConfigError(message, file=f"--out {out}") from None
    finally:
        partial.unlink(missing_ok=True)
        PATHS.discard(partial)


def put_in_place(temporary: Path, out: Path) -> None:
    """Rename ``temporary`` to ``out``, in place of the run that was there."""
    if not out.exists():
        temporary.rename(out)
        return
    with _beside(out, OLD) as old:
        out.rename(old / "old")
        try:
            temporary.rename(out)
        except BaseException:
            if not out.exists():
                (old / "old").rename(out)
            raise


def write_data(result: Result, folder: Path) -> None:
    """Write everything of a run that `read_run` reads back."""
    write_json(folder / "summary.json", result.summary)
    write_table(folder / "ops.csv", result.ops)
    write_table(folder / "bandwidth.csv", result.bandwidth)
    for name in OPTIONAL:
        if table := getattr(result, name):
            write_table(folder / f"{name}.csv", table)
    for name, columns in result.transactions.items():
        write_table(folder / f"bus_{name}.csv", columns)
    (folder / "config.yaml").write_text(yaml_text(result.config), encoding="utf-8")
    events = ",\n".join(json.dumps(event, separators=(",", ":")) for event in result.timeline)
    (folder / "timeline.json").write_text(f'{{"traceEvents":[\n{events}\n],"displayTimeUnit":"ns"}}\n')


def read_run(folder: Path, *, whole: bool = False) -> Result:
    """Return what `write_data` wrote. Raises ConfigError if it is no run folder.

    Pages and tables need neither the timeline nor replayed transactions: only a ``whole`` run has them.
    """
    try:
        summary = json.loads((folder / "summary.json").read_text())
        ops = read_table(folder / "ops.csv")
        bandwidth = read_table(folder / "bandwidth.csv")
        more: dict[str, Any] = {
            name: read_table(path) for name in OPTIONAL if (path := folder / f"{name}.csv").is_file()
        }
        if whole:
            more["timeline"] = json.loads((folder / "timeline.json").read_text())["traceEvents"]
            replays = {job: folder / f"bus_{job}.csv" for job in summary["workloads"]}
            more["transactions"] = {job: read_table(path) for job, path in replays.items() if path.is_file()}
        config = parse_text((folder / "config.yaml").read_text(), str(folder / "config.yaml")).data
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not readable"
        name = Path(error.filename).name if isinstance(error, OSError) and error.filename else "its files"
        message = f"no run folder ({name}: {str(reason).lower()}); write a folder that `dlasim run` made"
        raise ConfigError(message, file=folder) from None
    return Result(summary=summary, ops=ops, config=config, bandwidth=bandwidth, **more)


def write_json(path: Path, data: Any) -> None:
    """Write ``data`` with its own key order, numbers as Python's shortest exact text."""
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False, default=_plain) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


def write_table(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write columns of equal length as csv; numbers as Python's shortest exact text."""
    plain = [c.tolist() if hasattr(c, "tolist") else list(c) for c in columns.values()]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*plain, strict=True))


def read_table(path: Path) -> dict[str, list[Any]]:
    """Return the columns of a csv file; text that is a number becomes one."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    names = rows[0] if rows else []
    return {name: [_number(row[i]) for row in rows[1:]] for i, name in enumerate(names)}


def _number(text: str) -> Any:
    if not _NUMBER.fullmatch(text):
        return text
    return int(text) if text.lstrip("-").isdigit() else float(text)
