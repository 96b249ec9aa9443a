"""What programs a design in a cocotb test: APB, CSB, NVDLA's register programs. (AXI4-Lite: the engine's test.)"""

from runner import HERE, build, run


def test_buses_and_programs_reach_a_design_s_registers(tmp_path):
    runner = build(HERE / "register_bank.sv", "register_bank", tmp_path)
    run(runner, "cocotb_register_bank", "register_bank", tmp_path)
