"""What the work on a core costs in the calibrated SoC: a change of the table, or of how it is asked, shows here."""

from simulator.config.model import load
from workloads import lower
from workloads.lowering.costs import COSTS


def test_yolov3s_upsampling_costs_a_copy_of_each_atom():
    """256 x 26 x 26 and 128 x 52 x 52 values, copied 32 at a time."""
    config = load("firesim_yolov3")
    program = lower(config.workloads["detect"], config.system.accelerators["nvdla0"])
    cycles = {
        program.layers[task["layer"]].name: int(task["compute_cycles"])
        for task in program.tasks
        if program.layers[task["layer"]].name.startswith("upsample")
    }
    atoms = 256 * 26 * 26 // 32
    work = config.workloads["detect"].core_work
    assert cycles["upsample_85"] == round(COSTS["upsample"].cycles * atoms * work)
    assert cycles["upsample_97"] == 2 * cycles["upsample_85"]
