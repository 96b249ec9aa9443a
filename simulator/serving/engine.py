"""A serving engine: continuous batching, chunked prompts, a paged KV cache, preemption and a prefix cache.

A step first gives every running sequence its next token (or the next part of its prompt), then takes waiting
requests, first come first served, while tokens, sequences and blocks last. Who finds no block takes those of
the youngest running sequence, which waits in front of all others and computes its tokens anew (the scheduler
of vLLM V1).
"""

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from simulator.serving.blocks import Blocks
from simulator.serving.requests import Request
from simulator.serving.step import Batch, StepTime


@dataclass(frozen=True)
class Engine:
    """What an operator sets."""

    kv_tokens: int  # that the cache holds
    token_budget: int = 2048  # of a step
    max_sequences: int = 128
    block_tokens: int = 16
    prefix_cache: bool = True


@dataclass
class Served:
    """A request on its way. Times in seconds, -1 before they are known."""

    number: int
    request: Request
    computed: int = 0  # tokens whose keys and values are in the cache
    generated: int = 0
    blocks: list[int] = field(default_factory=list)
    named: int = 0  # its first blocks that the prefix cache knows
    hit_tokens: int = 0  # of its prompt, found in the prefix cache when it was first scheduled
    preemptions: int = 0
    scheduled_s: float = -1.0
    first_token_s: float = -1.0
    done_s: float = -1.0

    @property
    def tokens(self) -> int:
        return self.request.prompt + self.generated

    def key(self, block: int, block_tokens: int) -> Hashable:
        """Return the name of block ``block``: of the prompt's tokens if the trace has it, else its own."""
        request = self.request
        last = (block + 1) * block_tokens
        if request.keys and last <= request.prompt and request.key_tokens:
            index = (last - 1) // request.key_tokens
            if index < len(request.keys):
                return (request.keys[index], block)
        return ("own", self.number, block)


@dataclass(frozen=True)
class Moment:
    """The engine after a step."""

    time_s: float
    running: int
    waiting: int
    tokens: int  # worked on in the step
    used_blocks: int


class Server:
    """One engine and its requests. `run` until all are served."""

    def __init__(self, engine: Engine, step_time: StepTime, requests: Sequence[Request]):
        self.engine, self.step_time = engine, step_time
        self.sequences = [Served(number, request) for number, request in enumerate(requests)]
        self.coming = deque(sorted(self.sequences, key=lambda s: (s.request.arrival_s, s.number)))
        self.waiting: deque[Served] = deque()
        self.running: list[Served] = []
        self.blocks = Blocks(engine.kv_tokens // engine.block_tokens)
        self.now_s = 0.0
        self.moments: list[Moment] = []
        self.preemptions = 0

    def run(self) -> None:
        """Serve all requests. Raises ValueError if one of them can never fit the cache."""
        most = self.blocks.count * self.engine.block_tokens
        longest = max((s.request.prompt + s.request.output for s in self.sequences), default=0)
        if longest > most:
            raise ValueError(f"a request of {longest} tokens does not fit a cache of {most}")
        while self.coming or self.waiting or self.running:
            if not (self.waiting or self.running):
                self.now_s = max(self.now_s, self.coming[0].request.arrival_s)
            while self.coming and self.coming[0].request.arrival_s <= self.now_s:
                self.waiting.append(self.coming.popleft())
            self.step()

    def step(self) -> None:
        """Schedule one step, let its time pass, and take what it has computed."""
        planned, preempted = self._continue_running(self.engine.token_budget)
        if not preempted:
            self._admit(planned, self.engine.token_budget - sum(planned.values()))
        sequences = {s.number: s for s in self.running}
        work = [(sequences[number], new) for number, new in planned.items()]
        self.now_s += self.step_time.seconds(_batch(work))
        for sequence, new in work:
            self._advance(sequence, new)
        used = self.blocks.used
        self.moments.append(
            Moment(self.now_s, len(self.running), len(self.waiting), sum(planned.values()), used)
        )

    def _continue_running(self, budget: int) -> tuple[dict[int, int], bool]:
        """Give running sequences their tokens; return (sequence -> new tokens, has any lost its blocks)."""
        planned: dict[int, int] = {}
        preempted = False
        position = 0
        while position < len(self.running) and budget > 0:
            sequence = self.running[position]
            new = min(sequence.tokens - sequence.computed, budget)
            needed = self._needed(sequence, new)
            while needed > len(self.blocks.free):
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
            shared = self._known_blocks(sequence)
            computed = len(shared) * self.engine.block_tokens
            new = min(sequence.tokens - computed, budget)
            needed = -(-(computed + new) // self.engine.block_tokens) - len(shared)
            if needed > self.blocks.room_beside(shared):
                return
            self.blocks.share(shared)
            sequence.blocks = shared + self.blocks.take(needed)
            sequence.computed, sequence.named = computed, len(shared)
            if sequence.scheduled_s < 0:
                sequence.scheduled_s, sequence.hit_tokens = self.now_s, computed
            planned[sequence.number] = new
            budget -= new
            self.running.append(self.waiting.popleft())

    def _known_blocks(self, sequence: Served) -> list[int]:
        """Return blocks of the prefix cache that it can begin with; its last token is always computed."""
        if not self.engine.prefix_cache:
            return []
        size = self.engine.block_tokens
        return self.blocks.known([sequence.key(i, size) for i in range((sequence.tokens - 1) // size)])

    def _needed(self, sequence: Served, new: int) -> int:
        return max(0, -(-(sequence.computed + new) // self.engine.block_tokens) - len(sequence.blocks))

    def _preempt(self, sequence: Served) -> None:
        self.blocks.give_back(sequence.blocks)
        sequence.blocks, sequence.computed, sequence.named = [], 0, 0
        sequence.preemptions += 1
        self.preemptions += 1
        self.waiting.appendleft(sequence)

    def _advance(self, sequence: Served, new: int) -> None:
        """Take what a step has computed of a sequence."""
        size = self.engine.block_tokens
        sequence.computed += new
        if self.engine.prefix_cache:
            for block in range(sequence.named, sequence.computed // size):
                self.blocks.name(sequence.blocks[block], sequence.key(block, size))
            sequence.named = sequence.computed // size
        if sequence.computed < sequence.tokens:
            return
        sequence.generated += 1
        if sequence.first_token_s < 0:
            sequence.first_token_s = self.now_s
        if sequence.generated == sequence.request.output:
            sequence.done_s = self.now_s
            self.blocks.give_back(sequence.blocks)
            self.running.remove(sequence)


def _batch(work: Sequence[tuple[Served, int]]) -> Batch:
    """Return what a step works on. A sequence that decodes has one new token behind its prompt."""
    context = decoding = sampled = 0
    prompts = []
    for sequence, new in work:
        if new == 1 and sequence.computed >= sequence.request.prompt:
            context += sequence.computed + 1
            decoding += 1
        else:
            prompts.append((new, sequence.computed))
        sampled += sequence.computed + new == sequence.tokens
    return Batch(context, decoding, tuple(prompts), sampled)
