"""Compiled kernels are found again by whoever holds the same sources, and by nobody else."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import hw_models
from hw_models import kernel_cache, kernel_files, kernel_levels
from hw_models.jit import numba

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")

LEAF = "from hw_models.jit import njit\n\n@njit\ndef leaf(x):\n    return x + 1\n"
CALLER = (
    LEAF.replace("import njit", "import njit\nfrom hw_models.leaf import leaf")
    .replace("def leaf", "def call")
    .replace("x + 1", "leaf(x)")
)
ALONE = "from hw_models.jit import njit\n\n@njit\ndef alone(x):\n    return 2 * x\n"
ASK = """
from hw_models.alone import alone
from hw_models.caller import call
print(call(1), alone(1), *(sum(f.stats.cache_hits.values()) for f in (call, alone)))
"""


def checkout(folder: Path) -> Path:
    package = folder / "hw_models"
    package.mkdir(parents=True)
    for name in (
        "__init__.py",
        "jit.py",
        "kernel_cache.py",
        "kernel_files.py",
        "kernel_levels.py",
        "errors.py",
        "limits.py",
        "width.py",
        "apart.py",
        "parts.py",
        "likely.py",
        "branches.txt",
        "known.py",
        "llvm_builder.py",
        "llvm_known.py",
        "llvm_lowering.py",
        "llvm_places.py",
        "llvm_ranges.py",
        "shortcuts.py",
        "whole.py",
    ):
        shutil.copy(Path(hw_models.__file__).parent / name, package)
    for name, text in (("leaf", LEAF), ("caller", CALLER), ("alone", ALONE)):
        (package / f"{name}.py").write_text(text)
    return folder


def process(folder: Path, cache: Path | None, environment=None, ask=ASK) -> subprocess.Popen:
    """Return a process that asks two kernels for their answers, and how many of each it found compiled."""
    cached = {"DLASIM_CACHE_DIR": None if cache is None else str(cache)}
    variables = {**os.environ, "PYTHONPATH": str(folder), **cached, **(environment or {})}
    return subprocess.Popen(
        [sys.executable, "-c", ask],
        cwd=folder,
        env={name: value for name, value in variables.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(process: subprocess.Popen) -> tuple[str, str]:
    """Return what it answered and what it said on stderr; it has ended well."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out.strip(), err


def ask(folder: Path, cache: Path) -> str:
    return told(process(folder, cache))[0]


def test_only_what_holds_masters_is_another_kernel_for_more_of_them():
    asked = (
        "from pathlib import Path; from hw_models import kernel_cache; root = Path(kernel_cache._ROOT);"
        "print(*(kernel_cache.folder_of(root / f'hw_models/{name}.py').name for name in ('port', 'choice')))"
    )
    folders = [
        told(process(kernel_cache._ROOT, None, {"DLASIM_MASTERS": masters}, asked))[0].split()
        for masters in ("16", "64")
    ]
    assert folders[1] == [f"{folders[0][0]}-64", folders[0][1]]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Return a checkout and a cache in which its kernels are."""
    folder, cache = checkout(tmp_path_factory.mktemp("a")), tmp_path_factory.mktemp("cache")
    assert ask(folder, cache) == "2 2 0 0"
    return folder, cache


@pytest.fixture
def warm(compiled, tmp_path):
    """Return copies of both, to be spoilt."""
    return tuple(Path(shutil.copytree(path, tmp_path / path.name)) for path in compiled)


def test_another_checkout_finds_them_and_an_edited_callee_compiles_its_callers_only(tmp_path):
    first, second = checkout(tmp_path / "a"), checkout(tmp_path / "b")
    assert ask(first, tmp_path / "cache") == "2 2 0 0"
    assert ask(second, tmp_path / "cache") == "2 2 1 1"
    (second / "hw_models/leaf.py").write_text(LEAF.replace("x + 1", "x + 7"))
    assert ask(second, tmp_path / "cache") == "8 2 0 1"
    assert ask(first, tmp_path / "cache") == "2 2 1 1"


WORD = "warning: compiled kernels cannot be kept"


def test_a_cache_that_cannot_be_written_is_done_without_and_said_once(tmp_path):
    (tmp_path / "file").write_text("")
    answer, said = told(process(checkout(tmp_path / "a"), tmp_path / "file"))
    assert answer == "2 2 0 0"
    assert said == f"{WORD} in {tmp_path}/file (not a directory); see DLASIM_CACHE_DIR\n"


def test_a_home_that_cannot_be_written_is_done_without(tmp_path):
    answer, said = told(process(checkout(tmp_path / "a"), None, environment={"HOME": "/proc/1"}))
    assert answer == "2 2 0 0"
    assert said.startswith(f"{WORD} in /proc/1/.cache/dlasim (")
    assert said.count("\n") == 1


NO_HOME = "import pwd\ndef nobody(uid):\n    raise KeyError\npwd.getpwuid = nobody\n"


def test_a_user_without_a_home_compiles_each_time(tmp_path):
    folder = checkout(tmp_path / "a")
    answer, said = told(process(folder, None, ask=NO_HOME + ASK, environment={"HOME": None}))
    assert answer == "2 2 0 0"
    assert said == f"{WORD} (there is no home directory); see DLASIM_CACHE_DIR\n"


def test_a_cache_that_may_only_be_read_is_read(warm):
    """Somebody else's: nothing new can be kept in it, what is there serves."""
    folder, cache = warm
    with mounted(cache, "ro"):
        assert told(process(folder, cache)) == ("2 2 1 1", "")


@contextmanager
def mounted(folder: Path, options: str):
    """Mount over ``folder``: `ro` what is in it, to be read only; else a small file system of these options."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if options == "ro":
        command = ["mount", "--bind", "-o", "ro", str(folder), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"nothing may be mounted here: {done.stderr.strip()}")
    try:
        if options == "ro":
            subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_done_without(tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    with mounted(cache, "size=16k"):
        answer, said = told(process(checkout(tmp_path / "a"), cache))
        assert not list(cache.rglob("*.tmp"))
    assert answer == "2 2 0 0"
    assert said == f"{WORD} in {cache} (no space left on device); see DLASIM_CACHE_DIR\n"


def test_a_damaged_file_is_compiled_anew_with_a_word(warm):
    folder, cache = warm
    cut, flipped = sorted(set(cache.rglob("*.nbc")) - set(cache.rglob("part.*")))
    empty, *_ = cache.rglob("part.leaf.*")
    content = bytearray(flipped.read_bytes())
    content[len(content) // 2] ^= 1
    flipped.write_bytes(content)
    cut.write_bytes(cut.read_bytes()[:-100])
    empty.write_bytes(b"")
    answer, said = told(process(folder, cache))
    assert answer == "2 2 0 0"
    assert set(said.splitlines()) == {
        f"warning: {path} is damaged; the kernel is compiled anew" for path in (cut, flipped)
    }
    assert told(process(folder, cache)) == ("2 2 1 1", "")


def test_a_file_of_another_version_is_compiled_anew(warm):
    folder, cache = warm
    for path in cache.rglob("*.nbc"):
        path.write_bytes(path.read_bytes().replace(b"dlasim kernel 2,", b"dlasim kernel 0,", 1))
    assert told(process(folder, cache)) == ("2 2 0 0", "")
    assert told(process(folder, cache)) == ("2 2 1 1", "")


def test_a_file_that_names_modules_of_another_version_is_compiled_anew(tmp_path):
    files = kernel_files.KernelFiles(tmp_path, "kernel")
    files.save("key", "what was compiled")
    (path,) = tmp_path.glob("*.nbc")
    assert files.load("key") == "what was compiled"
    payload = b"csimulator.gone\nKernel\n."  # a pickle of a name
    path.write_bytes(kernel_files._MAGIC + kernel_files._DIGEST(payload).digest() + payload)
    assert files.load("key") is None


def test_processes_that_compile_at_the_same_time_keep_what_each_made(tmp_path):
    folder, cache = checkout(tmp_path / "a"), tmp_path / "cache"
    together = [process(folder, cache) for _ in range(3)]
    assert {told(each) for each in together} <= {
        ("2 2 0 0", ""),
        ("2 2 1 1", ""),
        ("2 2 0 1", ""),
        ("2 2 1 0", ""),
    }
    assert told(process(folder, cache)) == ("2 2 1 1", "")
    assert not list(cache.rglob("*.tmp"))


RECORDS = """
import numpy as np
from hw_models.jit import njit

@njit
def first(rows):
    return rows[0]

@njit
def number(rows):
    return first(rows)["number"]
"""
ASK_RECORDS = """
import numpy as np
from hw_models.records import first, number
rows = np.zeros(1, [("number", np.int64)])
print({}, sum(first.stats.cache_hits.values()))
"""


def test_a_kernel_that_another_process_kept_meanwhile_returns_records(tmp_path):
    """What it needs of Python comes with it, though a part of that name was compiled here before."""
    folder, cache = checkout(tmp_path / "a"), tmp_path / "cache"
    (folder / "hw_models/records.py").write_text(RECORDS)
    assert told(process(folder, cache, ask=ASK_RECORDS.format("first(rows)"))) == ("(0,) 0", "")
    (part,) = cache.rglob("part.*first*")
    part.unlink()
    asked = process(folder, cache, ask=ASK_RECORDS.format("number(rows), first(rows)"))
    assert told(asked) == ("0 (0,) 1", "")


def test_two_signatures_of_a_function_never_share_a_file(tmp_path):
    """Two processes, of which neither has seen what the other is about to write."""
    one, other = (kernel_files.KernelFiles(tmp_path, "run-1.py311") for _ in range(2))
    one.save(("int64", "cpu"), "code for whole numbers")
    other.save(("float64", "cpu"), "code for numbers")
    assert one.load(("int64", "cpu")) == "code for whole numbers"
    assert one.load(("float64", "cpu")) == "code for numbers"
    assert one.load(("int32", "cpu")) is None
    one.flush()
    assert other.load(("float64", "cpu")) is None


def test_a_clock_that_was_set_back_loses_nothing(warm):
    folder, cache = warm
    future = time.time() + 10 * 365 * 24 * 3600
    for path in (*cache.rglob("*"), cache):
        os.utime(path, (future, future))
    (folder / "hw_models/leaf.py").write_text(LEAF.replace("x + 1", "x + 7"))
    assert ask(folder, cache) == "8 2 0 1"
    assert len(list(cache.glob("hw_models.leaf-*"))) == 2


def test_folders_that_nobody_has_used_for_long_go_and_the_newest_stay(tmp_path):
    now = time.time()
    for age in range(8):
        folder = tmp_path / f"hw_models.leaf-{age:012}"
        folder.mkdir()
        used = now - age * 20 * 24 * 3600
        os.utime(folder, (used, used))
    other = tmp_path / "hw_models.leaf_of_another-0"
    other.mkdir()
    os.utime(other, (1, 1))
    kernel_cache.drop_old(tmp_path / "hw_models.leaf-000000000000")
    left = sorted(path.name for path in tmp_path.glob("hw_models.leaf-*"))
    assert left == [f"hw_models.leaf-{age:012}" for age in range(kernel_cache.NEWEST)]
    assert other.is_dir()


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return a checkout that comes with its kernels, for a level that this machine has."""
    found = [name for name, level in kernel_levels.LEVELS.items() if not level.lacks]
    if not found:
        pytest.skip("a machine of no level")
    folder, cache = checkout(tmp_path_factory.mktemp("a")), tmp_path_factory.mktemp("cache")
    processor = kernel_levels.LEVELS[found[0]].processor
    environment = {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": ""}
    assert told(process(folder, cache, environment)) == ("2 2 0 0", "")
    shutil.copytree(
        cache,
        folder / "hw_models/kernels" / kernel_levels.folder_for(found[0]).name,
        ignore=shutil.ignore_patterns("part.*"),
    )
    return folder


def test_kernels_of_the_package_serve_where_the_cache_has_none(installed, tmp_path):
    assert told(process(installed, tmp_path / "cache")) == ("2 2 1 1", "")
    assert not list(tmp_path.rglob("*.nbc"))
    (tmp_path / "file").touch()
    answer, said = told(process(installed, tmp_path / "file"))  # nothing can be kept in it
    assert (answer, said.count("\n")) == ("2 2 1 1", 1)


WEAK = """
import llvmlite.binding as ll
host = ll.get_host_cpu_features()
for feature in ("avx2", "neon"):
    host.pop(feature, None)
ll.get_host_cpu_features = lambda: host
"""


def test_a_processor_below_the_level_does_not_take_them(installed, tmp_path):
    assert told(process(installed, tmp_path, ask=WEAK + ASK)) == ("2 2 0 0", "")


@pytest.mark.parametrize("setting", [{"NUMBA_OPT": "1"}, {"NUMBA_CPU_NAME": "generic"}])
def test_other_settings_of_numba_do_not_take_them(setting, installed, tmp_path):
    assert told(process(installed, tmp_path, setting)) == ("2 2 0 0", "")


def test_edited_sources_compile(installed, tmp_path):
    folder = Path(shutil.copytree(installed, tmp_path / "a"))
    (folder / "hw_models/leaf.py").write_text(LEAF.replace("x + 1", "x + 7"))
    assert told(process(folder, tmp_path / "cache")) == ("8 2 0 1", "")


def test_a_damaged_kernel_of_the_package_is_compiled_anew_with_a_word(installed, tmp_path):
    folder = Path(shutil.copytree(installed, tmp_path / "a"))
    (path,) = folder.rglob("caller.*.nbc")
    path.write_bytes(path.read_bytes()[:-100])
    warning = f"warning: {path} is damaged; the kernel is compiled anew\n"
    assert told(process(folder, tmp_path / "cache")) == ("2 2 0 1", warning)
    assert told(process(folder, tmp_path / "cache")) == ("2 2 1 1", "")
