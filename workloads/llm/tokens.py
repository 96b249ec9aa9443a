"""A language model's prompt and tokens as phases: what each needs, reads and computes."""

import numpy as np

from hw_models.roofline.gather import gather_fs
from hw_models.roofline.params import Roofline, link_fs, update_rows_fs, work_fs
from hw_models.units import FS_PER_S
from workloads.llm.coactivation import bundles_to_read
from workloads.llm.compute import Compute, draft_work
from workloads.llm.kv import KvPlan, Span, kv_plan
from workloads.llm.neurons import NeuronCache, friends_of, make_trace
from workloads.llm.phases import Kind, Pass, Phase, Transfers, Work
from workloads.llm.plan import Plan, plan_of
from workloads.llm.reads import neuron_reads
from workloads.llm.shared_weights import PARTS
from workloads.llm.unit_reads import BlockReads, ExpertReads, RowReads
from workloads.llm.window import ResidentRows

GOLDEN_RATIO = (5**0.5 - 1) / 2


class LlmRun:
    """State of one job. `prompt` once, then `decode` until the tokens are there."""

    def __init__(self, plan: Plan, machine: Roofline, seed: int):
        self.plan, self.machine = plan, machine
        self.compute = Compute(plan, machine)
        self.chance = float(np.random.Generator(np.random.PCG64([seed, 1])).random())
        self.trace = make_trace(plan, seed) if plan.sparse else None
        self.rows: ResidentRows | None = None
        self.neurons: NeuronCache | None = None
        ffn = plan.job.held("ffn")
        if ffn is not None and plan.windowed:
            self.rows = ResidentRows(plan.capacity, plan.model.shape.ffn, ffn.window)
        elif ffn is not None and ffn.replace != "none":
            self.neurons = NeuronCache(plan, seed)
        self.friends = friends_of(plan, seed) if ffn is not None and ffn.unit == "pair" else None
        self.kv: KvPlan = kv_plan(plan)
        self.experts = ExpertReads(plan, machine, seed) if plan.caches_experts else None
        self.blocks = BlockReads(plan, self.kv, seed) if plan.job.held("kv") is not None else None
        table = plan.job.table
        self.lookups = RowReads(plan, seed) if table is not None else None
        self.memory_layers = table.at(plan.model.shape.layers) if table is not None else set()
        self.written = [0] * plan.model.shape.layers  # first block of each layer that is not on flash
        self.position = 0
        self.stamp = 0
        self.changes = list(plan.job.stack.changes) if plan.job.stack is not None else []

    def passes(self) -> list[Pass]:
        """Return the prompt and then as many passes as the job's tokens take."""
        found = [self.prompt()]
        left = self.plan.job.tokens
        while left > 0:
            found.append(self.decode(left))
            left -= found[-1].tokens
        return found

    # ---- the prompt

    def prompt(self) -> Pass:
        """Return the prompt: for each layer what it reads and a share of all that is computed, then the head.

        The neurons of its last tokens stay in DRAM.
        """
        plan, job, layers = self.plan, self.plan.job, self.plan.model.shape.layers
        result = Pass(tokens=0)
        scores = plan.cells.prompt_macs(job.prompt, job.chunk)
        macs = job.batch * (plan.model.prefill_linear_macs(job.prompt) + scores)
        fs = work_fs(self.machine, "gemv", plan.dram.per_token, macs, job.precision)
        total = Work(fs, macs, plan.dram.per_token)
        for layer in range(layers):
            if plan.sparse and plan.ranks[layer] > 0:
                place, size = int(plan.ffn_at[layer]), int(plan.flash.ffn[layer])
                self._stream("prefill", place, size, layer, -1, result)
            elif plan.streamed_share > 0:
                size = int(plan.streamed_share * (plan.flash.dense[layer] + plan.flash.ffn[layer]))
                self._stream("prefill", int(plan.dense_at[layer]), size, layer, -1, result)
            if self.experts is not None:
                self._read_experts(layer, -1, result)
            share = Work(*(part * (layer + 1) // layers - part * layer // layers for part in total))
            share = share._replace(write_bytes=job.prompt * int(self.kv.token_bytes[layer]))
            self._spend("prefill", "compute", layer, share, -1, result)
            self._look_up(layer, job.prompt, -1, result)
            self._write_spilled(layer, job.prompt, -1, result)
        if plan.streamed_share > 0:
            size = int(plan.streamed_share * (plan.flash.head + plan.flash.ends))
            self._stream("prefill", 0, size, -1, -1, result)
        self._stand_behind_the_prompt()
        self._count_kv(job.prompt, result)
        return result

    def _stand_behind_the_prompt(self) -> None:
        """Have the neurons of the last tokens in DRAM, unless the start is cold."""
        job, ffn = self.plan.job, self.plan.job.held("ffn")
        self.position = job.prompt
        if job.offload.start == "cold" or ffn is None or self.rows is None or self.trace is None:
            return
        for token in range(job.prompt - min(ffn.window, job.prompt), job.prompt):
            for layer in np.flatnonzero(self.plan.ranks).tolist():
                flagged, _ = self.trace.step(layer)
                self.rows.load(layer, [flagged], self.stamp, token)
                self.rows.accept(layer, flagged, token)
            self.stamp += 1

    # ---- tokens

    def decode(self, wanted: int) -> Pass:
        """Generate one token, or one round of them; at most ``wanted`` count."""
        speculative = self.plan.job.speculative
        if speculative is None:
            return self._pass(1, 1, Pass(tokens=1))
        drafts = speculative.draft_tokens
        accepted = self._accepted(drafts, speculative.acceptance)
        result = Pass(tokens=min(accepted + 1, wanted))
        if speculative.draft != "self":
            context = min(self.position + drafts, self.plan.model.shape.positions)
            draft = draft_work(self.plan, self.machine, context)
            work = Work(drafts * draft.fs, drafts * draft.macs, drafts * draft.read_bytes)
            self._spend("draft", "compute", -1, work, self.position, result)
        return self._pass(drafts + 1, accepted + 1, result)

    def _accepted(self, drafts: int, acceptance: float) -> int:
        """Return how many drafts of the next round are accepted: each by chance, up to the first that is not.

        Rounds take their chance from a golden-ratio sequence: its means settle within a few rounds.
        """
        self.chance = (self.chance + GOLDEN_RATIO) % 1
        return sum(self.chance < acceptance**k for k in range(1, drafts + 1))

    def _pass(self, tokens: int, accepted: int, result: Pass) -> Pass:
        """Process ``tokens`` tokens at once, of which the first ``accepted`` count."""
        context = min(self.position + tokens, self.plan.model.shape.positions)
        self._change_stack(result)
        for layer in range(self.plan.ranks.size):
            self._layer(layer, tokens, accepted, context, result)
        if self.plan.streamed_share > 0:
            size = int(self.plan.streamed_share * (self.plan.flash.head + self.plan.flash.ends))
            self._stream("head", 0, size, -1, self.position, result)
        self._spend("head", "compute", -1, self.compute.head(tokens), self.position, result)
        self.position += accepted
        self.stamp += 1
        self._count_kv(context, result)
        return result

    def _change_stack(self, result: Pass) -> None:
        """Have as many residual blocks in DRAM as from this token on: drop some, or read more from flash."""
        job = self.plan.job
        done = self.position - job.prompt
        while self.changes and self.changes[0].at <= done:
            assert job.stack is not None
            stack = job.stack.model_copy(update={"dram_bytes": self.changes.pop(0).dram_bytes})
            before, plan = self.plan.dram, plan_of(job.model_copy(update={"stack": stack}), self.plan.model)
            more = (plan.dram.dense + plan.dram.ffn) - (before.dense + before.ffn)
            for layer in np.flatnonzero(more > 0).tolist():
                self._stream(
                    "blocks", int(plan.dense_at[layer]), int(more[layer]), layer, self.position, result
                )
            self.plan, self.compute = plan, Compute(plan, self.machine)

    def _layer(self, layer: int, tokens: int, accepted: int, context: int, result: Pass) -> None:
        plan, token = self.plan, self.position
        self._write_spilled(layer, context, token, result)
        attention = self.compute.attention(layer, tokens, context)
        for owner in [other if other >= 0 else layer for other, _ in attention]:
            self._read_spilled(owner, context, layer, token, result)
        if plan.streamed_share > 0:
            size = int(plan.streamed_share * (plan.flash.dense[layer] + plan.flash.ffn[layer]))
            self._stream("weights", int(plan.dense_at[layer]), size, layer, token, result)
        for owner, work in attention:
            if owner < 0:
                work = self._spend_elsewhere("attention", layer, work, token, result)
            self._spend("attention", "compute", layer, work, token, result, owner)
            if owner < 0 and self.plan.cells.reads_own(layer):
                retrieved = self.kv.retrieved(layer, context)
                result.phases[-1] = result.phases[-1]._replace(retrieved=retrieved)
        self._look_up(layer, tokens, token, result)
        rows = None
        if self.experts is not None:
            self._read_experts(layer, token, result)
        if plan.ranks[layer] > 0:
            predictor = self.compute.predictor(layer, tokens)
            self._spend("predictor", "compute", layer, predictor, token, result)
            rows = self._sparse_ffn(layer, tokens, accepted, result)
        ffn = self._spend_elsewhere("ffn", layer, self.compute.ffn(layer, tokens, rows), token, result)
        self._spend("ffn", "compute", layer, ffn, token, result)

    def _sparse_ffn(self, layer: int, tokens: int, accepted: int, result: Pass) -> int:
        """Bring the neurons of one layer; return the rows to compute on."""
        if self.neurons is not None:
            return self._cached_ffn(layer, result)
        assert self.trace is not None
        needs, state = [], None
        for k in range(tokens):
            flagged, active = self.trace.step(layer)
            needs.append(flagged)
            if k == 0:
                result.active += active
                result.flagged += flagged.size
            if k == accepted - 1 and tokens > 1:
                state = self.trace.snapshot(layer)
        if state is not None:
            self.trace.restore(layer, state)
        if self.rows is None:
            fresh = needs[0] if tokens == 1 else np.unique(np.concatenate(needs))
            self._read_neurons(layer, fresh, result)
            result.fresh += fresh.size
            return fresh.size
        manager = self.rows.manager[layer]
        moved, streamed = int(manager["moved"]), int(manager["streamed"])
        fresh = self.rows.load(layer, needs, self.stamp, self.position)
        held = int(manager["num_used"])
        for k in range(accepted):
            self.rows.accept(layer, needs[k], self.position + k)
        if accepted < tokens:
            self.rows.trim(layer, self.position + accepted)
        self._read_neurons(layer, fresh, result)
        moved, streamed = int(manager["moved"]) - moved, int(manager["streamed"]) - streamed
        self._change_rows(layer, moved + fresh.size - streamed, result)
        result.fresh += fresh.size
        result.resident_rows += held
        return held + streamed

    def _cached_ffn(self, layer: int, result: Pass) -> int:
        """Bring the neurons that the cache lacks, each over one that leaves; return how many are used."""
        assert self.neurons is not None
        flagged, active, fresh = self.neurons.next(layer)
        self._read_neurons(layer, fresh, result)
        self._change_rows(layer, fresh.size, result)
        result.active += active
        result.flagged += flagged
        result.fresh += fresh.size
        result.resident_rows = self.neurons.cache.held
        return flagged

    def _change_rows(self, layer: int, changed: int, result: Pass) -> None:
        """Move or append ``changed`` rows of a layer's resident matrix."""
        size = changed * self.plan.dram.neuron
        fs = update_rows_fs(self.machine, changed, self.plan.dram.neuron)
        self._spend("rows", "management", layer, Work(fs, 0, size, size), self.position, result)

    # ---- phases

    def _read_neurons(self, layer: int, fresh: np.ndarray, result: Pass) -> None:
        if fresh.size == 0:
            return
        if self.friends is not None:
            fresh = bundles_to_read(fresh, self.friends[layer])
        reads = Transfers(*neuron_reads(self.plan, layer, fresh), in_order=False)
        self._move("neurons", reads, layer, self.position, result)

    def _read_experts(self, layer: int, token: int, result: Pass) -> None:
        """Bring the experts of a layer, and begin with those of the next layer that are known by then."""
        assert self.experts is not None
        if not self.plan.model.shape.expert_layers[layer]:
            return
        step, reads = self.experts.next(), self.experts
        result.experts += step.asked
        result.expert_hits += step.hits
        if step.late.size:
            self._move(
                "experts", Transfers(*reads.places(layer, step.late), in_order=False), layer, token, result
            )
        pages = page_work(self.machine, self.plan.dram.expert, step.copied, step.swapped)
        self._spend("pages", "management", layer, pages, token, result)
        ahead = reads.ahead
        if ahead is not None and ahead.early.size and token >= 0:
            following = int(ahead.early[0]) // reads.count
            units = following * reads.count + np.concatenate(
                [ahead.early % reads.count, np.arange(ahead.wasted) % reads.count]
            )
            early = Transfers(*reads.places(following, units), in_order=False)
            self._move("experts", early, following, token, result)
            result.phases[-1] = result.phases[-1]._replace(early=True)

    def _stream(self, op: str, address: int, size: int, layer: int, token: int, result: Pass) -> None:
        if size > 0:
            reads = Transfers(np.array([address]), np.array([size]), in_order=True)
            self._move(op, reads, layer, token, result)

    def _move(self, op: str, moved: Transfers, layer: int, token: int, result: Pass, owner: int = -1) -> None:
        """Add a phase that reads or writes what lies on flash, or at the host: over a link, of known time."""
        work = Work(0, 0)
        if self.plan.job.home_of(op) == "host":
            moved = moved._replace(host=True)
            work = Work(link_fs(self.machine, moved.bytes), 0)
        result.phases.append(Phase("io", op, layer, token, work, moved, owner))

    def _look_up(self, layer: int, tokens: int, token: int, result: Pass) -> None:
        """Look up rows in a memory layer's table for ``tokens`` tokens of each sequence."""
        if self.lookups is None or layer not in self.memory_layers:
            return
        plan = self.plan
        rows, missing = self.lookups.next()
        if missing.size:
            addresses = self.kv.end_at + missing * plan.table_row
            reads = Transfers(addresses, np.full(missing.size, plan.table_row, np.int64), in_order=False)
            self._move("table", reads, layer, token, result)
            self._gather(missing * plan.table_row, result)
        self._spend("table", "compute", layer, self.compute.lookup(tokens, rows.size), token, result)
        if plan.job.table is not None and plan.job.table.home == "dram":
            result.phases[-1] = result.phases[-1]._replace(rows=rows)

    def _gather(self, addresses: np.ndarray, result: Pass) -> None:
        """Have the rows that the last phase brings from the host take as long as their way of coming."""
        table = self.plan.job.table
        assert table is not None
        if table.home == "host" and table.gather != "copy":
            fs = gather_fs(self.machine, table.gather, addresses, self.plan.table_row)
            result.phases[-1] = result.phases[-1]._replace(work=Work(fs, 0))

    def _read_spilled(self, owner: int, context: int, layer: int, token: int, result: Pass) -> None:
        """Read what ``layer`` needs of the blocks of ``owner`` that DRAM does not hold."""
        kv = self.kv
        blocks = kv.read_from(owner, context) if self.blocks is None else self.blocks.next(owner, context)
        if blocks.size == 0:
            return
        whole = int(blocks[-1] - blocks[0]) + 1 == blocks.size
        places = (
            [Span(int(blocks[0]), int(blocks[-1]) + 1)]
            if whole
            else [Span(b, b + 1) for b in blocks.tolist()]
        )
        addresses, sizes = np.array([kv.place(owner, span) for span in places], np.int64).T
        if sizes[0]:
            self._move("kv", Transfers(addresses, sizes, in_order=whole), layer, token, result, owner)

    def _write_spilled(self, layer: int, context: int, token: int, result: Pass) -> None:
        """Write the blocks that leave DRAM as the context grows to ``context``, before it does."""
        blocks = self.kv.on_flash(layer, context)
        place, size = self.kv.place(layer, Span(max(blocks.first, self.written[layer]), blocks.end))
        self.written[layer] = max(self.written[layer], blocks.end)
        if size > 0:
            writes = Transfers(np.array([place]), np.array([size]), in_order=True, write=True)
            self._move("kv", writes, layer, token, result)

    def _count_kv(self, context: int, result: Pass) -> None:
        """Note how much of keys, values and states lies where when the context is ``context``."""
        cells, job = self.plan.cells, self.plan.job
        if self.kv.dram_tokens is None:
            result.kv_dram_bytes = job.batch * int(cells.stored_bytes(context, job.prompt).sum())
            return
        layers = range(self.plan.ranks.size)
        held = sum(self.kv.held_bytes(layer, context) for layer in layers)
        result.kv_dram_bytes = held + job.batch * int(cells.state.sum())
        result.kv_flash_bytes = self.kv.spilled_bytes(context)

    def _spend_elsewhere(self, op: str, layer: int, work: Work, token: int, result: Pass) -> Work:
        """Spend what ``work`` reads of another layer's weights, where these lie; return what is left."""
        part = PARTS.index(op)
        moved, owner = int(self.plan.dram.elsewhere[part, layer]), int(self.plan.weight_owner[part, layer])
        if moved == 0:
            return work
        there = Work(work.fs * moved // work.read_bytes, work.macs * moved // work.read_bytes, moved)
        result.phases.append(Phase("compute", op, layer, token, there, weights_of=owner))
        return Work(work.fs - there.fs, work.macs - there.macs, work.read_bytes - moved, work.write_bytes)

    def _spend(
        self, op: str, kind: Kind, layer: int, work: Work, token: int, result: Pass, owner: int = -1
    ) -> None:
        if any(work):
            result.phases.append(Phase(kind, op, layer, token, work, owner=owner))


def page_work(machine: Roofline, unit: int, copied: int, swapped: int) -> Work:
    """Return what the host does to bring units out of the pages of a file, and pages in and out of DRAM."""
    fs = copied * unit * FS_PER_S // machine.copy_bandwidth_bytes_per_s
    fs += swapped * unit * FS_PER_S // machine.swap_bandwidth_bytes_per_s
    moved = (copied + swapped) * unit
    return Work(fs, 0, moved, moved)
