"""What a run that was sampled says of itself."""

from collections.abc import Mapping
from typing import Any

from hw_models.units import FS
from simulator.results.numbers import count_text, percent_text, time_text
from simulator.soc.machine import Machine, Survey


def sampling_summary(machine: Machine, survey: Survey) -> dict[str, Any]:
    """Return the summary's `sampling`: how much was simulated, and the interval of the frame's time."""
    (plan,) = machine.plans
    latency_fs = int(machine.latencies[plan.index, 0])
    requests = int(machine.measures["reads"].sum() + machine.measures["writes"].sum())
    return {
        "simulated_requests": survey.requests,
        "simulated_share": survey.requests / requests if requests else 1.0,
        "simulated_layers": survey.layers[0],
        "layers": survey.layers[1],
        "simulated_steps": int((survey.itself >= 0).sum()),
        "steps": plan.step_count,
        "latency_s": latency_fs * FS,
        "latency_error": survey.half_width_fs / latency_fs if latency_fs else 0.0,
        "latency_low_s": (latency_fs - survey.half_width_fs) * FS,
        "latency_high_s": (latency_fs + survey.half_width_fs) * FS,
    }


def sampling_text(summary: Mapping[str, Any]) -> str:
    """Return it in a line."""
    told, requests = summary["sampling"], count_text(summary["simulation"]["requests"])
    return (
        f"sampled: {percent_text(told['simulated_share'])} of {requests} requests were simulated; "
        f"the latency is {time_text(told['latency_s'])} ± {100 * told['latency_error']:.2g} % (95 %), "
        "other figures are extrapolated alike"
    )
