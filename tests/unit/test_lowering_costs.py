"""What the work on a core costs in the calibrated SoC: a change of the table, or of how it is asked, shows here."""

from simulator.config.model import load
from workloads import lower


def test_yolov3s_upsampling_costs_a_copy_of_each_atom():
    """24 cycles an atom of 32 bytes: 512 x 13 x 13 and 256 x 26 x 26 values become four times as many."""
    config = load("firesim_yolov3")
    program = lower(config.workloads["detect"], config.system.accelerators["nvdla0"])
    cycles = {
        program.layers[task["layer"]].name: int(task["compute_cycles"])
        for task in program.tasks
        if program.layers[task["layer"]].name.startswith("upsample")
    }
    assert cycles == {"upsample_85": 24 * 256 * 26 * 26 // 32, "upsample_97": 24 * 128 * 52 * 52 // 32}
