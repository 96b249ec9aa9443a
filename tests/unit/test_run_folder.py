"""The run folder: whole or not there, the same bytes for the same result, readable again."""

import json
import sys
from html.parser import HTMLParser

import pytest
from synthetic import synthetic_result

from hw_models.errors import ConfigError
from simulator.config.yaml_lines import parse_text
from simulator.report import write
from simulator.report.write import write_run
from simulator.results.run_folder import new_folder, prepare_out, read_run, write_data


def test_a_run_writes_every_file_of_the_interface(tmp_path):
    write_run(synthetic_result(), tmp_path / "run")
    names = {
        str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*") if path.is_file()
    }
    assert names == {
        "config.yaml",
        "summary.json",
        "ops.csv",
        "bandwidth.csv",
        "frames.csv",
        "latency.csv",
        "queues.csv",
        "timeline.json",
        "report.html",
        "plots/layer_latency.png",
        "plots/cycles.png",
        "plots/bandwidth.png",
        "plots/roofline.png",
        "plots/interference.png",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_the_same_result_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_data(synthetic_result(), tmp_path / name)
    for name in ("summary.json", "ops.csv", "bandwidth.csv", "timeline.json", "config.yaml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_what_is_read_back_is_what_was_written(tmp_path):
    result = synthetic_result()
    write_run(result, tmp_path / "run", plots=False)
    read = read_run(tmp_path / "run")
    assert read.summary == result.summary
    assert read.config == result.config
    assert {k: list(v) for k, v in read.ops.items()} == {k: list(v) for k, v in result.ops.items()}
    assert {k: list(v) for k, v in read.bandwidth.items()} == {
        k: list(v) for k, v in result.bandwidth.items()
    }


def test_the_timeline_is_chrome_trace_json(tmp_path):
    write_run(synthetic_result(), tmp_path / "run", plots=False)
    timeline = json.loads((tmp_path / "run/timeline.json").read_text())
    assert timeline["traceEvents"] == synthetic_result().timeline


def test_the_report_needs_no_network_and_escapes_names(tmp_path):
    write_run(synthetic_result(), tmp_path / "run")
    html = (tmp_path / "run/report.html").read_text()
    checker = TagChecker()
    checker.feed(html)
    assert [place for place in checker.places if not place.startswith("#")] == []
    assert len(html) < 1_500_000
    assert "a &lt;made-up&gt; network" in html
    assert "<made-up>" not in html


def test_the_report_is_well_formed(tmp_path):
    write_run(synthetic_result(), tmp_path / "run")
    checker = TagChecker()
    checker.feed((tmp_path / "run/report.html").read_text())
    assert checker.open == []


class TagChecker(HTMLParser):
    """Follows the tags; those that are open at the end were never closed."""

    def __init__(self):
        super().__init__()
        self.open, self.places = [], []

    def handle_starttag(self, tag, attrs):
        self.places += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("img", "input", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_operations_become_a_data_frame_where_pandas_is(monkeypatch):
    fake = type(sys)("pandas")
    fake.DataFrame = dict
    monkeypatch.setitem(sys.modules, "pandas", fake)
    assert list(synthetic_result().to_dataframe()) == list(synthetic_result().ops)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="to_dataframe needs pandas: pip install pandas"):
        synthetic_result().to_dataframe()


def test_a_run_with_one_master_has_no_heat_map(tmp_path):
    write_run(synthetic_result(corunner=False), tmp_path / "run")
    assert not (tmp_path / "run/plots/interference.png").exists()


def test_a_failure_while_writing_leaves_nothing(tmp_path, monkeypatch):
    def half(result, folder):
        (folder / "half").write_text("x")
        raise RuntimeError("boom")

    monkeypatch.setattr(write, "write_data", half)
    with pytest.raises(RuntimeError, match="boom"):
        write_run(synthetic_result(), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_the_old_run(tmp_path):
    write_run(synthetic_result(), tmp_path / "run", plots=False)
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "run"):
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert read_run(tmp_path / "run").summary == synthetic_result().summary


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    def full(result, folder):
        (folder / "half").write_text("x")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, "write_data", full)
    with pytest.raises(ConfigError) as caught:
        write_run(synthetic_result(), tmp_path / "run")
    said = f"--out {tmp_path}/run: cannot be written (no space left on device); choose a folder that can"
    assert str(caught.value) == said
    assert list(tmp_path.iterdir()) == []


def test_a_run_replaces_a_run_and_nothing_else(tmp_path):
    write_run(synthetic_result(latency_s=0.2), tmp_path / "run", plots=False)
    write_run(synthetic_result(latency_s=0.1), tmp_path / "run", plots=False)
    assert read_run(tmp_path / "run").summary["workloads"]["detect"]["latency_s"] == 0.1
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("precious")
    with pytest.raises(ConfigError) as caught:
        prepare_out(tmp_path / "mine")
    said = f"--out {tmp_path}/mine: holds other files than a run's; write the name of a new folder"
    assert str(caught.value) == said


def test_an_out_that_is_a_file_or_below_one_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as caught:
        prepare_out(tmp_path / "file")
    assert str(caught.value) == f"--out {tmp_path}/file: is a file; write the name of a folder"
    with pytest.raises(ConfigError) as caught:
        prepare_out(tmp_path / "file/below")
    said = f"--out {tmp_path}/file/below: cannot be written (file exists); choose a folder that can"
    assert str(caught.value) in (said, said.replace("file exists", "not a directory"))


def test_a_folder_that_is_no_run_is_told(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read_run(tmp_path)
    said = f"{tmp_path}: no run folder (summary.json: no such file or directory); write a folder that `dlasim run` made"
    assert str(caught.value) == said


def test_the_config_of_a_run_is_yaml_with_words_unquoted(tmp_path):
    write_run(synthetic_result(), tmp_path / "run", plots=False)
    text = (tmp_path / "run/config.yaml").read_text()
    assert "    on: nvdla0\n" in text
    assert parse_text(text, "config.yaml").data == synthetic_result().config


def test_only_a_sweep_takes_the_place_of_a_sweep(tmp_path):
    (tmp_path / "s/points").mkdir(parents=True)
    (tmp_path / "s/results.csv").write_text("point\n")
    prepare_out(tmp_path / "s", sweep=True)
    with pytest.raises(ConfigError) as caught:
        prepare_out(tmp_path / "s")
    assert str(caught.value) == f"--out {tmp_path}/s: holds a sweep's points; write the name of a new folder"
