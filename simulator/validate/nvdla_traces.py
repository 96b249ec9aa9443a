"""`dlasim validate nvdla-traces`: NVDLA's own register-level tests: CRCs, and cycles beside the RTL's."""

import csv
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hw_models.errors import ConfigError
from hw_models.nvdla.presets import PRESETS
from simulator.cosim_blocks.build import check_tools
from simulator.validate.figure import Figure

REFERENCE = Path(__file__).resolve().parents[2] / "hw_models" / "nvdla" / "reference" / "traces"
ARCHIVES = (".tar.xz", ".tar.gz")
READER_FIRST_CYCLES = 2  # a test that enables the reader first: the table counts from the unit, a write later
RTL_MEMORY = {"read_latency": 50, "write_latency": 50, "read_interval": 1, "write_interval": 1}
LONGEST_CYCLES = 10**7
NO_UNIT = "crc32 (no Y unit)"
NO_DATA = "crc32 (no data)"
TWIN_BY_RTL, TWIN_BY_MODEL = "twin's cycles", "twin's cycles (beside the model's)"
NO_TWIN = "not on a twin"


def figures(
    table: Path | None = None, only: str = "", twins: bool = False, **options: Any
) -> Iterator[Figure]:
    """Yield CRCs of every check, and cycles and traffic of every test of ``table``; ``--only TEXT``: some.

    ``--twins``: also the cycles of our RTL, where it covers the test; minutes. ``table``: cycles of a preset
    beside the tests, or an archive of tests. Raises ConfigError.
    """
    if twins:
        check_tools()
    for preset, rows, where in _sets(table):
        with TemporaryDirectory() as folder:
            tests = _unpacked(where, Path(folder))
            for name, program in sorted(tests.items()):
                if only in name:
                    yield from _test_figures(name, program, preset, rows.get(name, {}))
            if twins:
                chosen = {name: program for name, program in sorted(tests.items()) if only in name}
                yield from _twin_figures(chosen, preset, rows)


def closing_notes(found: list[Figure]) -> list[str]:
    """Return how many CRCs are equal."""
    complete = [f for f in found if f.quantity in ("crc32", "crc32 with Y unit")]
    equal = sum(f.ours == f.reference for f in complete)
    partial = sum(f.quantity == NO_DATA for f in found)
    lines = [f"checks with complete data: {len(complete)}, equal: {equal}; {partial} tests lack data"]
    twins = [f for f in found if f.quantity in (TWIN_BY_RTL, TWIN_BY_MODEL)]
    if twins:
        exact = sum(f.ours == f.reference for f in twins)
        by_rtl = sum(f.quantity == TWIN_BY_RTL for f in twins)
        lines.append(f"tests on twins: {len(twins)}, {by_rtl} with the RTL's cycles; equal: {exact}")
    return lines


def _sets(table: Path | None) -> Iterator[tuple[str, dict[str, dict[str, str]], Path]]:
    """Yield (preset, rows of the table by test, folder or archive of the tests)."""
    if table is None:
        yield "nv_small", _rows(REFERENCE / "cycles_nv_small.csv"), REFERENCE / "nv_small.tar.xz"
        yield "nv_large", {}, REFERENCE / "nv_large.tar.xz"
        return
    if table.name.endswith(ARCHIVES):
        yield _preset(table.name.partition(".")[0], table), {}, table
        return
    preset = _preset(table.stem.removeprefix("cycles_"), table)
    places = [table.parent / preset, *(table.parent / f"{preset}{end}" for end in ARCHIVES)]
    where = next((place for place in places if place.exists()), None)
    if where is None:
        raise ConfigError(f"no tests beside it; put {preset}.tar.xz or a folder {preset} there", file=table)
    yield preset, _rows(table), where


def _preset(name: str, table: Path) -> str:
    if name not in PRESETS:
        known = ", ".join(PRESETS)
        raise ConfigError(
            f"{name!r} is not a preset; name the file cycles_PRESET.csv, of {known}", file=table
        )
    return name


def _rows(table: Path) -> dict[str, dict[str, str]]:
    try:
        with table.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError):
        raise ConfigError("cannot be read as text; write the path of a reference table", file=table) from None
    if not rows or "test" not in rows[0]:
        raise ConfigError("no column 'test'; a table has the columns of cycles_nv_small.csv", file=table)
    return {row["test"]: row for row in rows}


def _unpacked(where: Path, folder: Path) -> dict[str, Path]:
    """Return the programs by test, unpacked into ``folder`` from an archive."""
    if where.is_file():
        try:
            with tarfile.open(where) as archive:
                archive.extractall(folder, filter="data")
        except (OSError, tarfile.TarError) as error:
            raise ConfigError(f"cannot be unpacked: {error}", file=where) from None
        where = folder
    programs = [*where.rglob("*.cfg"), *where.rglob("*.txn")]
    return {path.parent.name if path.suffix == ".txn" else path.stem: path for path in programs}


def _test_figures(name: str, program: Path, preset: str, row: dict[str, str]) -> Iterator[Figure]:
    from workloads.traces.play import play
    from workloads.traces.program import script_of

    numbers = PRESETS[preset]
    shown = {"test": name, "preset": preset, **{key: row[key] for key in ("units",) if key in row}}
    try:
        script = script_of(program)
        outcome = play(script, numbers, missing_is_error=False)
        for check in outcome.checks:
            quantity = NO_DATA if outcome.missing else "crc32"
            if outcome.lacks_y and check.ours != check.reference:
                quantity = NO_UNIT
            yield Figure(shown, quantity, float(check.reference), float(check.ours), counted=False)
        if outcome.lacks_y:
            whole = play(script, numbers | {"sdp_ew_elements": 1, "lut": 1}, missing_is_error=False)
            for check in whole.checks:
                yield Figure(
                    shown, "crc32 with Y unit", float(check.reference), float(check.ours), counted=False
                )
        if row.get("cycles"):
            yield from _cycle_figures(program, numbers, shown, row)
    except ConfigError as error:
        yield Figure(shown, f"not run: {error}", 0, 0, counted=False)


def _cycle_figures(
    program: Path, numbers: dict[str, int], shown: dict[str, str], row: dict[str, str]
) -> Iterator[Figure]:
    record, drained = _simulated(program, numbers), row.get("cycles_drained", "")
    yield Figure(shown, "cycles", _rtl_cycles(row), float(record["end"]), counted=bool(drained))
    for kind in ("read", "write"):
        if row.get(f"{kind}s"):
            ours = float(record[f"{kind}_bursts"].sum())
            yield Figure(shown, f"{kind}s", float(row[f"{kind}s"]), ours, counted=False)


def _rtl_cycles(row: dict[str, str]) -> float:
    """Return what the published RTL takes, drained where it was run so."""
    reader_first = READER_FIRST_CYCLES if "_RDMA+" in row.get("units", "") else 0
    return float(row.get("cycles_drained") or row["cycles"]) + reader_first


def _simulated(program: Path, numbers: dict[str, int]) -> Any:
    """Return the record of a program's last launch on the model."""
    from hw_models.nvdla.standalone import simulate
    from workloads.traces.program import read_register_program

    ops = read_register_program(program, numbers).ops
    memory = RTL_MEMORY | {"beat_bytes": numbers["dbb_bytes"], "shared_interval": 0}
    state = simulate(numbers, memory, ops, max_cycles=LONGEST_CYCLES)
    return state["records"][(state["launched"] - 1) % len(state["records"])]


def _twin_figures(tests: dict[str, Path], preset: str, rows: dict[str, dict[str, str]]) -> Iterator[Figure]:
    """Yield the cycles of our RTL, beside the published RTL's where they are known, else the model's."""
    from simulator.cosim_blocks.programs import run_programs, twin_of

    together: dict[str, tuple[Any, list[str]]] = {}  # by block: its twin, tests
    for name, program in tests.items():
        try:
            twin = twin_of(program, preset)
        except ConfigError as error:
            twin = str(error)
        if isinstance(twin, str):
            yield Figure({"test": name, "preset": preset}, f"{NO_TWIN}: {twin}", 0, 0, counted=False)
        else:
            together.setdefault(twin.block.top, (twin, []))[1].append(name)
    latency = RTL_MEMORY["read_latency"], RTL_MEMORY["write_latency"]
    for twin, names in together.values():
        outcome = run_programs(twin, [tests[name] for name in names], latency)
        for name, ours in zip(names, outcome.told):
            shown, row = {"test": name, "preset": preset}, rows.get(name, {})
            known = bool(row.get("cycles"))
            model = 0 if known else _simulated(tests[name], PRESETS[preset])["end"]
            reference = _rtl_cycles(row) if known else float(model)
            yield Figure(
                shown, TWIN_BY_RTL if known else TWIN_BY_MODEL, reference, float(ours), counted=False
            )
        if outcome.difference is not None:
            shown = {"test": names[len(outcome.told)], "preset": preset}
            at = outcome.difference["cycle"]
            yield Figure(shown, f"twin and model differ in cycle {at}", 0, 1, counted=False)
