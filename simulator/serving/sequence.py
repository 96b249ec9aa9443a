"""A request on its way through an engine."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from simulator.serving.requests import Request


@dataclass
class Served:
    """Times in seconds, -1 before they are known."""

    number: int
    request: Request
    arrival_s: float = -1.0
    computed: int = 0  # tokens whose keys and values are in the cache
    generated: int = 0
    blocks: list[int] = field(default_factory=list)
    chunk: int = -1  # address of what is reserved for it, where engines reserve
    named: int = 0  # its first blocks that the prefix cache knows
    swapped: int = 0  # of its blocks in the host's memory
    hit_tokens: int = 0  # of its prompt, found in the prefix cache when it was first scheduled
    host_hit_tokens: int = 0  # and in the host's memory
    preemptions: int = 0
    scheduled_s: float = -1.0
    first_token_s: float = -1.0
    done_s: float = -1.0

    @property
    def tokens(self) -> int:
        return self.request.prompt + self.generated

    def key(self, block: int, block_tokens: int) -> Hashable:
        """Return the name of a block: of the conversation, of the prompt as the trace has it, or its own."""
        request = self.request
        if request.conversation >= 0:
            return ("conversation", request.conversation, block)
        last = (block + 1) * block_tokens
        if request.keys and last <= request.prompt and request.key_tokens:
            index = (last - 1) // request.key_tokens
            if index < len(request.keys):
                return (request.keys[index], block)
        return ("own", self.number, block)
