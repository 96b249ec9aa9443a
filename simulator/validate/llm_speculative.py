"""PaSS (arXiv 2311.13581): look-ahead tokens draft inside the model's own pass.

Weights are read once for each accepted run: counted. The gain, up to 1.30 in the abstract, follows from how
many drafts are accepted, which the preset sets: shown, not counted.
"""

from collections.abc import Iterator

from hw_models.units import FS
from simulator.validate.figure import Figure
from simulator.validate.llm_published import preset
from workloads.llm.plan import make_plan
from workloads.llm.tokens import LlmRun

FASTER = 1.30


def figures() -> Iterator[Figure]:
    system = preset("pass")
    shown = {"system": "PaSS", "model": "Llama-2-7B"}
    plain = system.job.model_copy(update={"speculative": None})
    assert system.job.speculative is not None
    plan, looked_at = make_plan(system.job), system.job.speculative.draft_tokens + 1
    passes = LlmRun(plan, system.machine, seed=1).passes()[1:]
    read, position = 0, system.job.prompt
    for each in passes:
        keys = int(plan.cells.read_bytes(position + looked_at, system.job.prompt).sum())
        read += sum(phase.work.read_bytes for phase in each.phases) - keys
        position += each.tokens
    yield Figure(shown, "weights read a run, times", 1.0, read / len(passes) / plan.dram.per_token)
    one_by_one = LlmRun(make_plan(plain), system.machine, seed=1).passes()[1:]
    seconds = [FS * sum(p.work.fs for each in run for p in each.phases) for run in (one_by_one, passes)]
    yield Figure(shown, "times faster", FASTER, seconds[0] / seconds[1], counted=False)
