"""What SECURITY.md promises of files that somebody else has made: read as data, within bounds, shown as text."""

import ast
import gzip
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import onnx
import pytest
from synthetic import synthetic_result

import hw_models
from hw_models import unpacked
from hw_models.errors import ConfigError
from simulator.config.yaml_lines import parse_text
from simulator.report.compare_page import comparison_page
from simulator.report.measures import comparison
from simulator.report.run_page import run_page
from simulator.sweeps.outcome import SweepOutcome
from simulator.sweeps.page import sweep_page
from workloads.importers.load import load_network
from workloads.params import NetworkJob
from workloads.values.parameters import read_arrays

ROOT = Path(hw_models.__file__).parent.parent
CALLS = {"eval", "exec", "compile", "__import__", "input"}  # of Python itself
MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "ctypes", "socket", "http", "urllib"}
OURS = {
    "simulator/cosim/clock.py": {"ctypes"},  # the simulator of the user's RTL, which is native code anyway
    "simulator/cosim/toggling.py": {"ctypes"},  # likewise
    "simulator/cosim/vpi.py": {"ctypes"},  # likewise
    "hw_models/kernel_files.py": {"pickle"},  # the user's own cache of compiled kernels
    "simulator/cosim_blocks/planted.py": {"compile"},  # of sources of ours
}
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def sources():
    for package in ("hw_models", "workloads", "simulator"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def found(nodes):
    """Yield what a file uses of what is not to be used."""
    for node in ast.walk(nodes):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            if called in CALLS:
                yield called
            if called in ("yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen"):
                yield called
            if called == "np.load" and keywords.get("allow_pickle") != "False":
                yield "np.load"
            if keywords.get("shell") == "True":
                yield "shell=True"


def test_nothing_runs_or_unpickles_what_a_user_hands_over():
    bad = MODULES | CALLS | {"yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen"}
    bad |= {"np.load", "shell=True"}
    for name, nodes in sources():
        assert set(found(nodes)) & bad == OURS.get(name, set()), name


def test_yaml_makes_plain_data_and_nothing_else():
    document = parse_text("a: !!python/object/apply:os.system ['true']\nb: !!python/name:os.system x\n", "x")
    assert document.data == {"a": ["true"], "b": "x"}


class Scripts(HTMLParser):
    """Counts what a browser would run."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.handlers = [], 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.handlers += sum(name.startswith("on") for name, _ in attributes)


def hostile_result():
    result = synthetic_result()
    result.summary["name"] = HOSTILE
    result.summary["workloads"] = {HOSTILE: result.summary["workloads"].pop("detect")}
    result.ops["layer"] = [f"{name}{HOSTILE}" for name in result.ops["layer"]]
    result.ops["job"] = [HOSTILE] * len(result.ops["layer"])
    result.config["name"] = HOSTILE
    result.warnings.append(HOSTILE)
    return result


def test_names_are_text_in_pages():
    plain, hostile = synthetic_result(), hostile_result()
    names = ["a", HOSTILE]
    pages = {
        "run": (run_page(plain), run_page(hostile)),
        "compare": (
            comparison_page(["a", "b"], [plain] * 2, comparison([plain] * 2), [], []),
            comparison_page(names, [hostile] * 2, comparison([hostile] * 2), [], []),
        ),
    }
    for kind, (before, after) in pages.items():
        assert Scripts(after).tags.count("script") == Scripts(before).tags.count("script"), kind
        assert Scripts(after).tags.count("img") == Scripts(before).tags.count("img"), kind
        assert Scripts(after).handlers == 0
        assert HOSTILE not in after


def test_names_are_text_in_the_page_of_a_sweep():
    outcome = SweepOutcome(HOSTILE, ["x"], {"latency": "minimize"}, ["latency"])
    for value in ("a", HOSTILE):
        outcome.add({"x": value}, {"latency": 1.0}, True, HOSTILE if value == HOSTILE else "", "")
    outcome.mark_pareto()
    page = sweep_page(outcome)
    assert Scripts(page).handlers == 0
    assert HOSTILE not in page


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/hostname", "a/../../weights.bin"])
def test_external_data_of_a_model_stays_in_its_folder(tmp_path, location):
    (tmp_path / "weights.bin").write_bytes(bytes(64))
    folder = tmp_path / "model"
    folder.mkdir()
    weights = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [4, 4, 1, 1], bytes(64), raw=True)
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=location)
    shape = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, 4, 8, 8]) for n in ("x", "y")]
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"])
    graph = onnx.helper.make_graph([node], "g", shape[:1], shape[1:], [weights])
    onnx.save(onnx.helper.make_model(graph), str(folder / "m.onnx"))
    with pytest.raises(ConfigError, match=r"^.*m.onnx: w: its weights are in '.*', outside its folder; keep"):
        load_network(NetworkJob(network=str(folder / "m.onnx"), on="nvdla0"))


def test_what_a_file_unpacks_to_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacked, "MOST_BYTES", 1000)
    path = tmp_path / "requests.trc.gz"
    path.write_bytes(gzip.compress(b"0x0 READ 0\n" * 1000))
    said = f"^{path}: unpacks to more than 1000 B; write a shorter file$"
    with pytest.raises(ConfigError, match=said), unpacked.text_of(path) as file:
        list(file)
    with pytest.raises(ConfigError, match=said):
        unpacked.bytes_of(path)
    path.write_bytes(gzip.compress(b"0x0 READ 0\n" * 10))
    with unpacked.text_of(path) as file:
        assert len(list(file)) == 10
    arrays = tmp_path / "arrays.npz"
    np.savez_compressed(arrays, a=np.zeros(2000, np.int8))
    with pytest.raises(ConfigError, match="unpacks to more than 1000 B"):
        read_arrays(arrays)


def test_an_archive_of_objects_is_no_archive_of_arrays(tmp_path):
    np.savez(tmp_path / "objects.npz", a=np.array([{"x": 1}], object), allow_pickle=True)
    with pytest.raises(ConfigError, match=r"is not an \.npz file of plain arrays"):
        read_arrays(tmp_path / "objects.npz")
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("../evil.npy", b"x")
    read_arrays(tmp_path / "x.npz")
    assert not (tmp_path.parent / "evil.npy").exists()
