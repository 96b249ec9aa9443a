"""What Yosys makes of a twin: that it can be synthesized, and into how many cells."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from simulator.cosim_blocks.blocks import Block
from simulator.cosim_blocks.planted import ROOT

LATCHES = ("$dlatch", "$adlatch", "$dlatchsr", "$sr")
PASSES = (
    "import sys; from pyosys import libyosys as y; d = y.Design(); [y.run_pass(p, d) for p in sys.argv[1:]]"
)


def yosys(passes: list[str]) -> subprocess.CompletedProcess[str]:
    """Run passes of PyPI's Yosys in a process of their own: what it refuses ends the process."""
    return subprocess.run(
        [sys.executable, "-c", PASSES, *passes], capture_output=True, text=True, check=False
    )


def cells(block: Block, parameters: dict[str, int]) -> dict[str, int]:
    """Return how many word-level cells of each type Yosys maps the twin to; memories stay memories.

    Raises RuntimeError with Yosys's words for what it cannot synthesize: loops, several drivers, latches.
    """
    sources = [ROOT / "hw_models" / source for source in block.sources]
    folders = sorted({f"-I {source.parent}" for source in sources})  # of what they include
    chosen = [f"-G {name}={value}" for name, value in parameters.items()]
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "stat.json"
        passes = [
            " ".join(["read_slang", "--top", block.top, *chosen, *folders, *map(str, sources)]),
            f"hierarchy -check -top {block.top}",
            "proc; opt -fast; memory -nomap; opt -fast; check -assert",
            f"tee -q -o {counts} stat -json",
        ]
        done = yosys(passes)
        if done.returncode:
            raise RuntimeError(f"{block.top}: Yosys refuses\n{(done.stdout + done.stderr)[-3000:]}")
        found: dict[str, int] = json.loads(counts.read_text())["design"]["num_cells_by_type"]
    if any(found.get(latch) for latch in LATCHES):
        raise RuntimeError(f"{block.top}: Yosys finds latches: {found}")
    return found
