"""Every policy of the DRAM controller on a few dozen requests: short enough for kernels that are not compiled."""

import numpy as np
import pytest

from simulator.trace.dram import trace

STANDARD = {"standard": "DDR4-2400"}
SCHEDULED = {
    "plain": {},
    "bliss": {"scheduler": "bliss", "bliss_streak": 2, "bliss_clear": "60 cycles"},
    "bank_round_robin": {"scheduler": "bank_round_robin"},
    "fcfs": {"scheduler": "fcfs"},
    "columns first": {"scheduler": "column_first", "protect": "older_hits", "write_response": "issued"},
    "by priority": {"scheduler": "priority", "protect": "all_hits", "write_response": "written"},
    "hits capped": {"row_hit_cap": 1},
    "one queue": {"read_queue": 4, "unified_queue": True},
    "rows closed at once": {"page": "closed"},
    "rows closed after a while": {"page": "timeout", "page_timeout": "30 cycles"},
    "rows closed adaptively": {"page": "adaptive", "page_timeout": "30 cycles"},
    "refresh bank by bank": {"standard": "LPDDR4-3200", "refresh": "per_bank", "timing": {"tREFI": 700}},
    "refresh at once": {"timing": {"tREFI": 600}},
    "short queues": {
        "read_queue": 2,
        "write_queue": 2,
        "window": 1,
        "merge_writes": False,
        "forward_reads": False,
    },
    "small line": {"scheduler": "bank_round_robin", "bank_queue": 1, "read_queue": 3, "write_queue": 3},
    "power-down": {"power_down_after": "20 cycles", "self_refresh_after": "60 cycles"},
}


def requests():
    """Return a trace: bursts of hits, conflicts in one bank, reads of what is to be written, gaps."""
    rng, cycle, lines = np.random.default_rng(5), 0, []
    for k in range(60):
        row, column = int(rng.integers(0, 3)), int(rng.integers(0, 4))
        lines.append(f"{row << 17 | column << 6:#x} {'WRITE' if rng.random() < 0.4 else 'READ'} {cycle}")
        cycle += 200 if k % 15 == 14 else int(rng.integers(0, 4))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", SCHEDULED)
def test_a_policy_answers_everything_within_the_rules(tmp_path, name):
    (tmp_path / "t.trace").write_text(requests())
    (tmp_path / "c.yaml").write_text(f"system: {{dram: {STANDARD | SCHEDULED[name]}}}\n")
    summary = trace(tmp_path / "c.yaml", tmp_path / "t.trace", tmp_path, check=True)
    assert summary["protocol"]["violations"] == 0
    done = np.loadtxt(tmp_path / "requests.csv", delimiter=",", skiprows=1, dtype=np.int64)
    assert len(done) == 60
    assert (done[:, 3] > done[:, 2]).all()
