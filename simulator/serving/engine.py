"""A serving engine: continuous batching, chunked prompts, a paged KV cache, preemption and a prefix cache.

A step first gives every running sequence its next token (or the next part of its prompt), then takes waiting
requests in their order while tokens, sequences and blocks last. Who finds no block takes those of the last in
order, which waits in front of its equals and computes its tokens anew (the scheduler of vLLM V1), or finds
them in the host's memory. Blocks that the card forgets may be kept there too, for the next turn of a
conversation (Pensieve, arXiv 2312.05516).
"""

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace

from simulator.serving.adapters import Adapters
from simulator.serving.blocks import Blocks
from simulator.serving.chunks import Chunks, reserved_tokens
from simulator.serving.host import Host
from simulator.serving.limits import Engine, Moment
from simulator.serving.requests import Request
from simulator.serving.room import Room
from simulator.serving.sequence import Served
from simulator.serving.step import Batch, Timed


class Server:
    """One engine and its requests. `run` until all are served."""

    def __init__(
        self,
        engine: Engine,
        step_time: Timed,
        requests: Sequence[Request],
        room: Room | None = None,
        adapters: Adapters | None = None,
    ):
        """``room``: what tokens take of the cache; None: each a row. ``adapters``: of tenants; None: none."""
        self.engine, self.step_time, self.adapters = engine, step_time, adapters
        self.room = None if room is None or room.plain else room
        self.finds_prefixes = engine.prefix_cache and self.room is None
        self.sequences = [
            Served(number, request, request.arrival_s if request.after < 0 else -1.0)
            for number, request in enumerate(requests)
        ]
        self.coming = deque(
            sorted((s for s in self.sequences if s.arrival_s >= 0), key=lambda s: (s.arrival_s, s.number))
        )
        self.next_turn = {s.request.after: s for s in self.sequences if s.request.after >= 0}
        self.waiting: deque[Served] = deque()
        self.running: list[Served] = []
        self.host = Host(engine.host_tokens // engine.block_tokens)
        self.blocks = Blocks(
            engine.kv_tokens // engine.block_tokens, self.host.keep if self.host.count else None
        )
        self.chunks = Chunks(engine.kv_tokens) if engine.reserve is not None else None
        self.now_s = 0.0
        self.moments: list[Moment] = []
        self.preemptions = self.swaps = 0
        self._shared_by: tuple[tuple[tuple[int, int], ...], tuple[int, int]] = (), (0, 0)

    def run(self, limit_s: float = math.inf) -> int:
        """Serve all requests; return how many are left when ``limit_s`` of simulated time have passed.

        Raises ValueError if one of them can never fit the cache.
        """
        self.check_lengths()
        while (left := len(self.coming) + len(self.waiting) + len(self.running)) and self.now_s <= limit_s:
            if not (self.waiting or self.running):
                self.now_s = max(self.now_s, self.coming[0].arrival_s)
            while self.coming and self.coming[0].arrival_s <= self.now_s:
                self._wait(self.coming.popleft())
            self.step()
        return left

    def check_lengths(self) -> None:
        """Raise ValueError if a request can never fit the cache."""
        most = self.blocks.count * self.engine.block_tokens if self.chunks is None else self.chunks.largest
        longest = max((self._room_of(s.request) for s in self.sequences), default=0)
        if longest > most:
            raise ValueError(f"a request of {longest} tokens does not fit a cache of {most}")

    def step(self) -> None:
        """Schedule one step, let its time pass, and take what it has computed."""
        moved = self.host.blocks_in, self.host.blocks_out
        planned: dict[int, int] = {}
        if self.engine.prompts_alone:
            self._admit(planned, self.engine.token_budget)
        if not planned:
            planned, preempted = self._continue_running(self.engine.token_budget)
            if not preempted and not self.engine.prompts_alone:
                self._admit(planned, self.engine.token_budget - sum(planned.values()))
        sequences = {s.number: s for s in self.running}
        work = [(sequences[number], new) for number, new in planned.items()]
        batch, brought_s = self._batch(work), 0.0
        if self.adapters is not None:
            read, brought = self.adapters.step(sequence.request.tenant for sequence, _ in work)
            batch, brought_s = replace(batch, adapter_bytes=read), brought / self.engine.link_bytes_per_s
        computing_s = self.step_time.seconds(batch) if work else 0.0
        self.now_s += brought_s + max(computing_s, self._link_s(*moved))
        for sequence, new in work:
            self._advance(sequence, new)
        self.moments.append(
            Moment(
                time_s=self.now_s,
                running=len(self.running),
                waiting=len(self.waiting),
                tokens=sum(planned.values()),
                used_blocks=self.blocks.used,
                held_tokens=sum(self._rows(sequence, sequence.computed) for sequence in self.running),
                host_blocks=self.host.used,
            )
        )

    # ---- scheduling

    def _continue_running(self, budget: int) -> tuple[dict[int, int], bool]:
        """Give running sequences their tokens; return (sequence -> new tokens, has any lost its blocks)."""
        planned: dict[int, int] = {}
        preempted = False
        position = 0
        while position < len(self.running) and budget > 0:
            sequence = self.running[position]
            new = min(sequence.tokens - sequence.computed, budget)
            needed = self._needed(sequence, new)
            while needed > self.blocks.available:
                victim = self.running.pop()
                budget += planned.pop(victim.number, 0)
                self._preempt(victim)
                preempted = True
                if victim is sequence:
                    break
            else:
                sequence.blocks += self.blocks.take(needed)
                planned[sequence.number] = new
                budget -= new
                position += 1
        return planned, preempted

    def _admit(self, planned: dict[int, int], budget: int) -> None:
        while self.waiting and budget > 0 and len(self.running) < self.engine.max_sequences:
            sequence = self.waiting[0]
            if self.engine.prompts_alone and planned and sequence.tokens > budget:
                return
            new = self._start(sequence, budget)
            if new == 0:
                return
            if sequence.scheduled_s < 0:
                sequence.scheduled_s = self.now_s
            planned[sequence.number] = new
            budget -= new
            self.waiting.popleft()
            self._insert(self.running, sequence)

    def _start(self, sequence: Served, budget: int) -> int:
        """Give a waiting sequence its room; return its new tokens, 0 if there is no room."""
        if self.chunks is not None:
            chunk = self.chunks.take(self._room_of(sequence.request))
            if chunk is None:
                return 0
            sequence.chunk = chunk
            return min(sequence.tokens, budget)
        if sequence.swapped:
            return self._swap_in(sequence, budget)
        size = self.engine.block_tokens
        keys = [sequence.key(i, size) for i in range((sequence.tokens - 1) // size)]
        shared = self.blocks.known(keys) if self.finds_prefixes else []
        in_host = self.host.known(keys[len(shared) :]) if self.finds_prefixes else 0
        computed = (len(shared) + in_host) * size
        new = min(sequence.tokens - computed, budget)
        needed = self._blocks_of(sequence, computed + new) - len(shared)
        if needed > self.blocks.room_beside(shared):
            return 0
        self.blocks.share(shared)
        self.host.read(keys[len(shared) : len(shared) + in_host])
        sequence.blocks = shared + self.blocks.take(needed)
        sequence.computed, sequence.named = computed, len(shared)
        if sequence.scheduled_s < 0:
            sequence.hit_tokens, sequence.host_hit_tokens = len(shared) * size, in_host * size
        return new

    def _swap_in(self, sequence: Served, budget: int) -> int:
        """Bring the blocks of a sequence back from the host; return its new tokens, 0 if there is no room."""
        new = min(sequence.tokens - sequence.computed, budget)
        needed = self._blocks_of(sequence, sequence.computed + new)
        if needed > self.blocks.available:
            return 0
        self.host.swap_in(sequence.swapped)
        sequence.blocks, sequence.swapped = self.blocks.take(needed), 0
        return new

    def _needed(self, sequence: Served, new: int) -> int:
        if self.chunks is not None:
            return 0
        return max(0, self._blocks_of(sequence, sequence.computed + new) - len(sequence.blocks))

    def _rows(self, sequence: Served, tokens: int) -> int:
        """Return the rows of the cache that a sequence takes with so many tokens computed."""
        return tokens if self.room is None else self.room.rows(tokens, sequence.request.prompt)

    def _blocks_of(self, sequence: Served, tokens: int) -> int:
        return -(-self._rows(sequence, tokens) // self.engine.block_tokens)

    def _room_of(self, request: Request) -> int:
        """Return the tokens that a request takes in the cache, at its end or from its beginning on."""
        how = self.engine.reserve
        if how is None:
            tokens = request.prompt + request.output
            return tokens if self.room is None else self.room.rows(tokens, request.prompt)
        return reserved_tokens(how, request.prompt, request.output, self.engine.longest)

    def _preempt(self, sequence: Served) -> None:
        kept = self._blocks_of(sequence, sequence.computed)
        if self.engine.swap and self.host.swap_out(kept):
            sequence.swapped = kept
            self.swaps += 1
        else:
            sequence.computed = 0
        self.blocks.give_back(sequence.blocks)
        sequence.blocks, sequence.named = [], 0
        sequence.preemptions += 1
        self.preemptions += 1
        at = next((i for i, other in enumerate(self.waiting) if self._goes_first(sequence, other)), None)
        self.waiting.insert(len(self.waiting) if at is None else at, sequence)

    def _goes_first(self, lost: Served, other: Served) -> bool:
        """Return whether one that lost its blocks goes before another that waits."""
        if self.engine.order == "priority":
            return lost.request.priority >= other.request.priority
        return True

    def _wait(self, sequence: Served) -> None:
        """Put one that arrives among those that wait, by the engine's order."""
        if self.engine.order == "priority":
            self._insert(self.waiting, sequence)
        elif self.engine.order == "prefix" and sequence.request.keys:
            first = sequence.request.keys[0]
            alike = [i for i, other in enumerate(self.waiting) if other.request.keys[:1] == (first,)]
            self.waiting.insert(alike[-1] + 1 if alike else len(self.waiting), sequence)
        else:
            self.waiting.append(sequence)

    def _insert(self, line: deque[Served] | list[Served], sequence: Served) -> None:
        """Put a sequence behind the last of at least its priority; without priorities, behind all."""
        at = len(line)
        if self.engine.order == "priority":
            while at > 0 and line[at - 1].request.priority < sequence.request.priority:
                at -= 1
        line.insert(at, sequence)

    # ---- what a step does

    def _link_s(self, blocks_in: int, blocks_out: int) -> float:
        """Return how long the blocks moved since take on the link, layer by layer beside computing."""
        moved = max(self.host.blocks_in - blocks_in, self.host.blocks_out - blocks_out)
        size = moved * self.engine.block_tokens * self.step_time.token_bytes if moved else 0
        return size / self.engine.link_bytes_per_s

    def _advance(self, sequence: Served, new: int) -> None:
        """Take what a step has computed of a sequence."""
        size = self.engine.block_tokens
        sequence.computed += new
        if self.finds_prefixes and self.chunks is None:
            for block in range(sequence.named, sequence.computed // size):
                self.blocks.name(sequence.blocks[block], sequence.key(block, size))
            sequence.named = sequence.computed // size
        if sequence.computed < sequence.tokens:
            return
        sequence.generated += 1
        if sequence.first_token_s < 0:
            sequence.first_token_s = self.now_s
        if sequence.generated == sequence.request.output:
            self._end(sequence)

    def _end(self, sequence: Served) -> None:
        """A request has its answer: its room is free, and the next turn of its conversation comes."""
        sequence.done_s = self.now_s
        if self.chunks is not None:
            self.chunks.give_back(sequence.chunk)
        self.blocks.give_back(sequence.blocks)
        self.running.remove(sequence)
        follower = self.next_turn.get(sequence.number)
        if follower is not None:
            follower.arrival_s = self.now_s + follower.request.think_s
            at = len(self.coming)
            while at > 0 and self.coming[at - 1].arrival_s > follower.arrival_s:
                at -= 1
            self.coming.insert(at, follower)

    def _batch(self, work: Sequence[tuple[Served, int]]) -> Batch:
        """Return what a step works on. A sequence that decodes has one new token behind its prompt."""
        context = decoding = sampled = 0
        prompts, at, alike = [], [], []
        for sequence, new in work:
            if new == 1 and sequence.computed >= sequence.request.prompt:
                context += sequence.computed + 1
                decoding += 1
                if self.room is not None:
                    at.append((sequence.computed + 1, sequence.request.prompt))
                alike.append(sequence)
            else:
                prompts.append((new, sequence.computed))
            sampled += sequence.computed + new == sequence.tokens
        uses, blocks = self._shared(alike) if self.engine.prefix_once else (0, 0)
        size = self.engine.block_tokens
        return Batch(context - size * uses, decoding, tuple(prompts), sampled, size * blocks, tuple(at))

    def _shared(self, sequences: list[Served]) -> tuple[int, int]:
        """Return how often blocks of several of ``sequences`` are used by them, and how many there are.

        A sequence shares what it found when it began: as long as the same ones run, nothing changes.
        """
        names = tuple((sequence.number, sequence.preemptions) for sequence in sequences)
        if self._shared_by[0] != names:
            users = Counter(block for sequence in sequences for block in sequence.blocks)
            shared = [count for count in users.values() if count > 1]
            self._shared_by = names, (sum(shared), len(shared))
        return self._shared_by[1]
