"""What random launches of CDMA must have brought about, and what a launch does of it."""

from hw_models.nvdla.cbuf import lines_in_work
from hw_models.nvdla.op import InBuffer
from simulator.cosim_blocks.cdma_launches import Task
from simulator.cosim_blocks.kept_launches import KEPT_GOALS

GOALS = (
    "both register groups are taken",
    "a launch begins while CSC works on the one before",
    "a new split of data and weights",
    "a new split of weights alone",
    "several surfaces",
    "surfaces that slow the buffer down",
    "a grain of several lines",
    "a last grain of fewer lines",
    "one pixel over packed surfaces",
    "lines at a stride",
    "an image of one byte a pixel",
    "an image of four bytes a pixel",
    "an image begins within an atom",
    "padding on the left",
    "padding on the right",
    "a line of an image begins behind its first entry's first byte",
    "means",
    "means of one byte a pixel",
    "unsigned pixels",
    "the converter",
    "several kernel groups",
    "the last group is not full",
    "kernel groups smaller than a request",
    "data wait for room",
    "weights wait for room",
    "weights wait at the full banks",
    "room comes while weights are on their way",
    "the data ring wraps around",
    "the weight ring wraps around",
    "the bus waits for the buffer",
    "the memory interface has no room",
    "lines are left and dropped",
    "data are in last",
    "weights are in last",
    "bursts of several beats",
    "another client takes its turn",
    "too many beats in flight",
    *KEPT_GOALS,
)
SMALL_ENTRIES = 1024  # of CBUF; a larger one is not filled within an episode
WITH_LITTLE_ROOM = (
    "data wait for room",
    "weights wait for room",
    "weights wait at the full banks",
    "room comes while weights are on their way",
    "the data ring wraps around",
    "the weight ring wraps around",
)


def reached_by(task: Task, preset: dict[str, int]) -> dict[str, object]:
    """Return the goals that a launch reaches by itself, each with whether it does."""
    op, cdma, atom = task.op, task.cdma, preset["atom_bytes"]
    image, each = bool(op["image"]), int(op["channels"])
    surfaces = 1 if image else -(-each // atom)
    one = bool(op["width"] == op["height"] == 1 and op["surface_packed"]) and not image
    grain = int(op["fetch_grain"]) if op["line_packed"] and not image else 1
    group = preset["atomic_k"] * each * int(op["kernel_width"] * op["kernel_height"])
    strided = op["src_line_stride"] > op["width"] * atom and op["height"] > 1
    means = image and cdma["CVT_EN"] and cdma["MEAN_FORMAT"]
    return {
        "several surfaces": surfaces > 1 and not one,
        "surfaces that slow the buffer down": surfaces > 2 and not one,
        "a grain of several lines": 1 < grain < op["height"],
        "a last grain of fewer lines": op["height"] > grain and op["height"] % grain,
        "one pixel over packed surfaces": one and surfaces > 1,
        "lines at a stride": strided and not image,
        "an image of one byte a pixel": image and each == 1,
        "an image of four bytes a pixel": image and each == 4,
        "an image begins within an atom": image and op["src"] % atom,
        "padding on the left": op["pad_left"],
        "padding on the right": op["pad_right"],
        "a line of an image begins behind its first entry's first byte": image
        and op["src"] % atom > op["pad_left"] * each,
        "means": means,
        "means of one byte a pixel": means and each == 1 and cdma["MEAN_RY"] != cdma["MEAN_GU"] and task.data,
        "unsigned pixels": image and cdma["CVT_EN"] and not cdma["PIXEL_SIGN_OVERRIDE"],
        "the converter": cdma["CVT_EN"] and not image,
        "several kernel groups": len(task.groups) > 1,
        "the last group is not full": op["kernels"] % preset["atomic_k"],
        "kernel groups smaller than a request": group < 8 * atom and len(task.groups) > 1,
        "lines are left and dropped": op["release"]
        and op["release"] < lines_in_work(op)
        and not op["keep"] & InBuffer.DATA,
    }
