"""The matrix-vector engine's RTL agrees with its model on every cycle; with a model of another engine it does not."""

import pytest
from runner import ROOT, build, run

SOURCE = ROOT / "hw_models/mac_engine/rtl/mac_engine.sv"


def test_rtl_and_model_agree_on_every_request_and_end_and_not_with_fewer_places(tmp_path, monkeypatch):
    runner = build(SOURCE, "mac_engine", tmp_path)
    run(runner, "cocotb_mac_engine", "mac_engine", tmp_path)
    monkeypatch.setenv("MODEL_PLACES", "3")
    with pytest.raises(SystemExit):
        run(runner, "cocotb_mac_engine", "mac_engine", tmp_path)
