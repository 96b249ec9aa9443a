"""Published systems as presets of `configs/llm`: bytes of keys and values, and what follows from them.

What restates a parameter of the preset (a share kept is the share written) is shown and not counted. What
each preset stores and reads is its rules' alone: `workloads.llm.cells`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hw_models.roofline.gather import gather_fs
from hw_models.roofline.params import Roofline, work_fs
from hw_models.units import FS
from simulator.config.model import load
from simulator.config.shipped import CONFIGS
from simulator.validate.figure import Figure
from simulator.validate.llm_tables import rows_of
from workloads.llm.cells import ALL, Cells, cells_of
from workloads.llm.compute import Compute
from workloads.llm.dtypes import bits_of
from workloads.llm.kv import kv_bytes
from workloads.llm.model import transformer
from workloads.llm.params import LlmJob
from workloads.llm.plan import Plan, make_plan, plan_of
from workloads.llm.stack import block_bits

GIB, MIB = 2**30, 2**20
DUO = {  # preset, or the model of one without its rules
    ("Llama-2-7B", "duo"): "duo_attention",
    ("Llama-2-7B", "full"): "duo_attention",
    ("Llama-3-8B", "duo"): "duo_attention_llama3",
    ("Llama-3-8B", "full"): "duo_attention_llama3",
}


def figures() -> Iterator[Figure]:
    yield from systems()
    yield product_keys()
    yield from duo_attention()
    yield from duo_prompts()
    yield gathered_rows()


@dataclass(frozen=True)
class Preset:
    """The one job of a file of `configs/llm`, and the machine that it runs on."""

    job: LlmJob
    machine: Roofline

    def at(self, context: int, *, rules: bool = True) -> "Preset":
        """Return it for one token at ``context``, with or without its rules."""
        cache = self.job.kv_cache if rules else self.job.kv_cache.model_copy(update={"rules": []})
        job = self.job.model_copy(update={"prompt": context - 1, "tokens": 1, "kv_cache": cache})
        return Preset(job, self.machine)

    @property
    def cells(self) -> Cells:
        return make_plan(self.job).cells

    def stored_bytes(self) -> int:
        """Return the bytes of keys, values and states at the job's full context."""
        return kv_bytes(make_plan(self.job))

    def memory_bytes(self) -> int:
        """Return the bytes of all parameters, the input embedding too, and of the cache."""
        plan = make_plan(self.job)
        return plan.dram.model + kv_bytes(plan)

    def token_s(self) -> float:
        return last_token_s(make_plan(self.job), self.machine)


def last_token_s(plan: Plan, machine: Roofline) -> float:
    """Return the time of a job's last token, weights in memory, however far positions reach."""
    compute, context = Compute(plan, machine), plan.job.context
    layers = range(plan.model.shape.layers)
    attention = [work for layer in layers for _, work in compute.attention(layer, 1, context)]
    ffn = [compute.ffn(layer, 1, None) for layer in layers]
    return FS * sum(work.fs for work in [*attention, *ffn, compute.head(1)])


def preset(name: str) -> Preset:
    config = load(CONFIGS / "llm" / f"{name}.yaml")
    (job,) = config.workloads.values()
    assert isinstance(job, LlmJob)
    return Preset(job, config.system.backends[job.on])


def systems() -> Iterator[Figure]:
    """Compare what systems say of their caches."""
    for row in rows_of("published_systems.csv"):
        shown = {"system": row["system"], "preset": row["preset"]}
        ours = quantity(preset(row["preset"]), row["quantity"])
        yield Figure(shown, row["quantity"], float(row["published"]), ours, counted=row["follows"] == "yes")


def quantity(system: Preset, name: str) -> float:
    """Return a figure of a preset at its full context."""
    plain, stored = system.at(system.job.context, rules=False), system.stored_bytes()
    model = make_plan(system.job).model
    if name == "kv_MiB":
        return stored / MIB
    if name == "share stored":
        return stored / plain.stored_bytes()
    if name == "share of blocks stored":
        dram = make_plan(system.job).dram
        whole = make_plan(system.job.model_copy(update={"share_weights": []})).dram
        read = dram.dense + dram.ffn - dram.elsewhere.sum(axis=0)
        return float(read.sum() / (whole.dense + whole.ffn).sum())
    if name == "times fewer bytes":
        return plain.stored_bytes() / stored
    if name == "times below MQA":  # one head a layer
        return plain.stored_bytes() / model.shape.kv_heads / stored
    if name == "batch that fits, times":
        room = (system.machine.capacity_bytes or 0) - make_plan(system.job).dram.model
        each, each_plain = stored // system.job.batch, plain.stored_bytes() // system.job.batch
        return room // each / (room // each_plain)
    table = system.job.table
    if name in ("Gi values of the table", "M values of the table"):
        assert table is not None
        values = table.rows * table.row_values(model.shape.width)
        return values / (2**30 if name.startswith("Gi") else 10**6)
    if name == "bits a weight and block":  # of the queries' projection
        assert system.job.stack is not None
        query = next(tensor for tensor in model.tensors if tensor.name == "layers.0.q_proj")
        return block_bits(query, system.job.stack.rank) / query.values
    if name == "bits a value":
        cells = cells_of(model, "int8", ())
        values = cells.is_stored.size * model.shape.head_width
        return float(Fraction(8 * int(system.cells.row_bytes.sum()), values))
    return OF_CELLS[name](system.cells, system.job)


OF_CELLS: dict[str, Callable[[Cells, LlmJob], float]] = {
    "state values a layer": lambda cells, job: float(cells.state.max() * 8 / bits_of(job.dtype("kv"))),
    "share of states used": lambda cells, job: float(cells.state_used.sum() / cells.state.sum()),
    "values a token and layer": lambda cells, job: float(
        cells.row_bytes.max() * 8 / bits_of(job.dtype("kv"))
    ),
    "tokens read": lambda cells, job: float(cells.tokens_read(job.context).max()),
    "tokens kept": lambda cells, job: float(cells.kept.tokens(ALL).max()),
    "tokens at the end": lambda cells, job: float(cells.kept.tokens(job.context, job.prompt).max()),
    "share of tokens kept": lambda cells, job: float(cells.kept.tokens(job.context).max() / job.context),
    "bytes at 2 Mi tokens, of 64 Ki": lambda cells, job: float(
        cells.stored_bytes(2**21).sum() / cells.stored_bytes(2**16).sum()
    ),
}


def product_keys() -> Figure:
    """Product keys: 12 layers with a memory against 24 without, time of a token (arXiv 1907.05242, abstract).

    GPT of width 1600 and 60,000 words; a memory of 512 x 512 rows, 4 heads x 32 of them looked up.
    """
    times = []
    for layers in (24, 12):
        values = {"model_type": "gpt2", "n_embd": 1600, "n_layer": layers, "n_head": 16, "vocab_size": 60000}
        table = {"rows": 512**2, "heads": 4, "picks": 32, "layers": "6"}
        keys = {"model": "opt-125m", "on": "gpu0", "prompt": 255, "tokens": 1, "table": table}
        plan = plan_of(LlmJob.model_validate(keys), transformer("gpt", values))
        compute = Compute(plan, preset("product_keys").machine)
        works = [work for layer in range(layers) for _, work in compute.attention(layer, 1, 256)]
        works += [compute.ffn(layer, 1, None) for layer in range(layers)]
        works += [compute.head(1)] + ([compute.lookup(1, 128)] if layers == 12 else [])
        times.append(sum(work.fs for work in works))
    shown = {"system": "Product keys", "model": "12 layers and a memory"}
    return Figure(shown, "times faster", 2.0, times[0] / times[1])


def gathered_rows() -> Figure:
    """Large GCN training: rows collected by cores against rows loaded by threads, the middle of 65 to 92 %.

    What cores reach of the host's memory is assumed: shown, not counted.
    """
    machine, rows = preset("gcn_gather").machine, 512 * np.arange(10_000)
    staged, loaded = (gather_fs(machine, how, rows, 512) for how in ("staged", "zero_copy_shifted"))
    shown = {"system": "GCN gathers", "model": "rows of 512 B"}
    return Figure(shown, "times faster", 1.785, staged / loaded, counted=False)


def duo_prompts() -> Iterator[Figure]:
    """DuoAttention: a prompt in chunks; streaming heads see all of their chunk. Without them: calibrated."""
    for row in rows_of("duoattention_prefill.csv"):
        model, method, prompt = row["model"], row["method"], int(row["context_tokens"])
        system = preset(DUO[model, method]).at(prompt + 1, rules=method == "duo")
        plan, machine = make_plan(system.job), system.machine
        macs = plan.model.prefill_linear_macs(prompt) + plan.cells.prompt_macs(
            prompt, int(row["chunk_tokens"])
        )
        ours = FS * work_fs(machine, "gemv", plan.dram.per_token, macs, system.job.precision)
        shown = {"system": "DuoAttention", "model": model, "heads": method, "chunk": row["chunk_tokens"]}
        yield Figure(shown, "s of a prompt", float(row["latency_s"]), ours, counted=method == "duo")


def duo_attention() -> Iterator[Figure]:
    """DuoAttention on one A100: memory and time of a token over the context.

    The two shares of bandwidth of its presets are calibrated on the times without streaming heads: these are
    not counted, nor are rows that the authors extrapolated.
    """
    for row in rows_of("duoattention_decode.csv"):
        model, method, context = row["model"], row["method"], int(row["context_tokens"])
        ours = preset(DUO[model, method]).at(context, rules=method == "duo")
        measured = row["extrapolated"] == "no"
        shown = {"system": "DuoAttention", "model": model, "heads": method, "context": row["context_tokens"]}
        memory = ours.memory_bytes() / GIB
        yield Figure(shown, "memory_GiB", float(row["memory_GiB"]), memory, counted=measured)
        counted = measured and method == "duo"
        yield Figure(
            shown, "ms a token", float(row["latency_ms_per_token"]), 1e3 * ours.token_s(), counted=counted
        )
