"""The command line: exit codes, one line per mistake, nothing imported that is not needed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from synthetic import synthetic_result

import simulator
from hw_models.errors import ConfigError, StuckError
from simulator.cli import main as cli
from simulator.config.yaml_lines import parse_text
from simulator.results.run_folder import read_run

CONFIG = """\
name: small
system:
  accelerators:
    nvdla0: {preset: nv_small, clock: 500 MHz}
  cores:
    core0: {clock: 1 GHz}
  interconnect: {clock: 500 MHz, width: 8 B, latency: 8 cycles}
  memory: {latency: 50 cycles, bandwidth: 8 B/cycle}
workloads:
  classify: {network: lenet5, on: nvdla0, fallback: core0}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def dlasim(folder, monkeypatch, capsys):
    """Call the command line; return (exit code, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["dlasim", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as exit_:
            code = exit_.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_check_prints_the_resolved_config_and_it_checks_again(dlasim, folder):
    code, out, err = dlasim("check", "c.yaml", "--seed", "7")
    assert (code, err) == (0, "")
    data = parse_text(out, "out").data
    assert data["simulation"] == {"seed": 7, "until": "workloads", "max_time": None, "sample": None}
    (folder / "again.yaml").write_text(out)
    assert dlasim("check", "again.yaml") == (0, out, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "no.yaml"], "error: no.yaml: no such file; write the path of a YAML config"),
        (["check", "c.yaml", "--set", "system.memry.latency=5 cycles"],
         "error: --set system.memry.latency=5 cycles: system.memry: unknown key; did you mean 'memory'?"),
        (["check", "c.yaml", "--set", "system.llc={size: 4096}"],
         "error: --set system.llc={size: 4096}: system.llc.size: 4096 is not a size; "
         "write a number and one of B, KiB, MiB, GiB, TiB, kB, KB, MB, GB, TB"),
        (["check", "c.yaml", "--set", "workloads.classify.on=nvdla9"],
         "error: --set workloads.classify.on=nvdla9: workloads.classify.on: 'nvdla9' is not known; "
         "did you mean 'nvdla0'?"),
        (["check", "c.yaml", "--set", "system.cores=null", "--set", "workloads.classify.fallback=core0"],
         "error: --set workloads.classify.fallback=core0: workloads.classify.fallback: 'core0' names no core; "
         "the system has none, write it under system.cores"),
        (["check", "c.yaml", "--set", "system.memory=null"],
         "error: --set system.memory=null: system: no memory; write system.dram or system.memory"),
        (["list", "presetz"], "error: WHAT: 'presetz' is not known; did you mean 'presets'?"),
        (["trace", "dramm", "c.yaml", "t.trc"], "error: BLOCK: 'dramm' is not known; did you mean 'dram'?"),
        (["trace", "dram", "c.yaml", "t.trc"], "error: t.trc: no such file; write the path of a trace"),
        (["validate", "nvdla"], "error: NAME: 'nvdla' is not known; did you mean 'nvdla-rtl'?"),
        (["validate", "nvdla-rtl", "t.csv"], "error: t.csv: no such file; write the path of a reference table"),
        (["report", "nowhere"], "error: nowhere: no run folder (summary.json: no such file or directory); "
         "write a folder that `dlasim run` made"),
        (["run", "c.yaml", "--out", "c.yaml/x"],
         "error: --out c.yaml/x: cannot be written (not a directory); choose a folder that can"),
        (["run", "c.yaml", "--out", "c.yaml"], "error: --out c.yaml: is a file; write the name of a folder"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_exit_code_2(dlasim, monkeypatch, arguments, message):
    code, out, err = dlasim(*arguments)
    err = err.replace("(file exists)", "(not a directory)")  # which of the two, depends on the system
    if "system: no memory" in message:
        err, message = err.replace("c.yaml:2: ", "--set system.memory=null: "), message
    assert (code, out, err) == (2, "", message + "\n")


def test_all_mistakes_are_told_at_once(dlasim, folder):
    (folder / "bad.yaml").write_text(CONFIG.replace("preset", "prest").replace("8 B,", "8,") + "sede: 1\n")
    code, out, err = dlasim("check", "bad.yaml")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "error: bad.yaml:4: system.accelerators.nvdla0.prest: unknown key; did you mean 'preset'?",
        "error: bad.yaml:7: system.interconnect.width: 8 is not a size; "
        "write a number and one of B, KiB, MiB, GiB, TiB, kB, KB, MB, GB, TB",
        "error: bad.yaml:11: sede: unknown key; write one of name, system, workloads, corunners, simulation",
    ]


@pytest.fixture
def simulated(monkeypatch):
    """Replace the simulation by a made-up result; return what it was asked."""
    asked = []

    def run(config, *, progress=None, values=False, parameters=None, frames=""):
        asked.append(config)
        return synthetic_result()

    monkeypatch.setattr(simulator, "run", run)
    return asked


def test_run_prints_the_summary_and_writes_the_folder(dlasim, folder, simulated):
    code, out, err = dlasim(
        "run", "c.yaml", "--out", "o", "--set", "system.memory.latency=70 cycles", "--seed", 3
    )
    assert (code, err) == (0, "")
    assert "slowest layers" in out
    assert simulated[0].simulation.seed == 3
    assert simulated[0].system.memory.latency_cycles == 70
    assert read_run(folder / "o").summary == synthetic_result().summary
    assert (folder / "o/report.html").is_file()


def test_run_without_out_writes_under_runs(dlasim, folder, simulated):
    assert dlasim("run", "c.yaml", "--no-plots")[0] == 0
    assert sorted(p.name for p in (folder / "runs/c").iterdir()) == [
        "bandwidth.csv", "config.yaml", "frames.csv", "latency.csv", "ops.csv", "queues.csv",
        "summary.json", "timeline.json",
    ]  # fmt: skip


def test_strict_reaches_every_network(dlasim, simulated):
    dlasim("run", "c.yaml", "--strict", "--no-plots")
    assert simulated[0].workloads["classify"].strict is True


def test_a_mistake_found_while_running_gets_its_line_and_leaves_nothing(dlasim, folder, monkeypatch):
    def simulate(config, progress, frames):
        raise ConfigError("1 ms passed", key="workloads.classify.on")

    fake_system(monkeypatch, simulate)
    code, out, err = dlasim("run", "c.yaml", "--out", "o")
    assert (code, out, err) == (2, "", "error: c.yaml:10: workloads.classify.on: 1 ms passed\n")
    assert not (folder / "o").exists()


def test_a_deadlock_is_told_in_one_line_and_exit_code_1(dlasim, monkeypatch):
    def simulate(config, progress, frames):
        raise StuckError("nothing can go on at 3 s: nvdla0 waits")

    fake_system(monkeypatch, simulate)
    assert dlasim("run", "c.yaml") == (1, "", "error: nothing can go on at 3 s: nvdla0 waits\n")


def test_our_own_mistake_keeps_its_traceback(dlasim, monkeypatch):
    def simulate(config, progress, frames):
        raise ZeroDivisionError("ours")

    fake_system(monkeypatch, simulate)
    with pytest.raises(ZeroDivisionError):
        dlasim("run", "c.yaml")


def fake_system(monkeypatch, simulate):
    """Stand in for the module that would compile the kernels."""
    module = type(sys)("simulator.simulate")
    module.simulate = simulate
    monkeypatch.setitem(sys.modules, "simulator.simulate", module)


def test_compare_and_report_work_on_run_folders(dlasim, folder, simulated):
    dlasim("run", "c.yaml", "--out", "a", "--no-plots")
    dlasim("run", "c.yaml", "--out", "b", "--no-plots")
    code, out, err = dlasim("compare", "a", "b", "--out", "both.html")
    assert (code, err) == (0, "")
    assert "detect: latency" in out
    assert (folder / "both.html").is_file()
    limited = dlasim("compare", "a", "b", "--fail-if", "workloads.*.latency_s > +5 %")
    assert (limited[0], "passed: workloads.*.latency_s > +5 %" in limited[1]) == (0, True)
    limited = dlasim("compare", "a", "b", "--fail-if", "workloads.*.latency_s > 1 fs")
    assert (limited[0], "failed: b: workloads.detect.latency_s is " in limited[1]) == (1, True)
    assert dlasim("report", "a") == (0, "a/report.html\n", "")


@pytest.mark.parametrize("what", ["presets", "networks", "standards", "policies", "validations"])
def test_lists_are_not_empty(dlasim, what):
    code, out, err = dlasim("list", what)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) > 2


def test_lists_name_what_the_configs_use(dlasim):
    assert "nv_large " in dlasim("list", "presets")[1]
    assert "yolov3\n" in dlasim("list", "networks")[1]
    assert "firesim_yolov3\n" in dlasim("list", "configs")[1]
    assert "DDR3-2133\n" in dlasim("list", "standards")[1]
    assert (
        "system.interconnect.arbitration: round_robin, priority, weighted, tdm\n"
        in dlasim("list", "policies")[1]
    )


def test_the_schema_describes_every_part(dlasim):
    code, out, err = dlasim("schema")
    assert (code, err) == (0, "")
    schema = json.loads(out)
    assert set(schema["properties"]) == {"base", "name", "system", "workloads", "corunners", "simulation"}
    assert "seed" in schema["$defs"]["Simulation"]["properties"]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["run", "--help"], ["check", "c.yaml"], ["schema"], ["list", "presets"],
                  ["list", "networks"], ["list", "standards"], ["list", "policies"]]
)  # fmt: skip
def test_quick_commands_import_nothing_heavy(folder, arguments):
    code = (
        "import sys\nfrom simulator.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code, done.code\n"
        "heavy = {'numba', 'llvmlite', 'matplotlib', 'onnx', 'dask', 'optuna', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_help_names_every_command(dlasim):
    out = dlasim("--help")[1]
    for command in ("run", "check", "sweep", "report", "compare", "trace", "validate", "list", "schema"):
        assert f" {command} " in out


def test_the_commands_of_the_readme_exist(dlasim):
    readme = (Path(cli.__file__).parents[2] / "README.md").read_text()
    help_text = dlasim("--help")[1]
    named = {
        line.split("dlasim ")[1].split()[0].strip("`") for line in readme.splitlines() if "`dlasim " in line
    }
    assert named
    assert all(f" {command} " in help_text for command in named)
