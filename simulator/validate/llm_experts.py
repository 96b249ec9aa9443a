"""Experts from an SSD beside what was measured: hits and tokens/s over the size of their cache, mapped files.

GLM-5 on an M5 Max (`configs/llm/glm5_experts_m5_max.yaml`): 75 layers of 256 experts of 21.2 MB, 8 a token.
The router's two parameters are fitted to the hits at 30 and 60 GB, the rate of copies to the tokens/s at 10
and 30 GB, that of swapping to those at 60 and 75: these are shown and not counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from hw_models.flash.params import Flash
from hw_models.flash.reader import Reader
from hw_models.units import FS
from simulator.config.model import load
from simulator.config.shipped import CONFIGS
from simulator.validate.figure import Figure
from simulator.validate.llm_curves import PS_PER_S, random_rate
from simulator.validate.llm_tables import rows_of
from workloads.llm.params import LlmJob
from workloads.llm.plan import make_plan
from workloads.llm.tokens import LlmRun

PRESET = "glm5_experts_m5_max"
CALIBRATED = {"hit rate": ("30", "60"), "tokens/s": ("10", "30", "60", "75")}  # cache, GB
PROMPT, TOKENS = 24, 32
READ_AHEAD, DIRECT = 128 << 10, 1 << 20  # bytes: a fault on Linux reads so much ahead; a read of a part
READS = 2048
LINK = 25e9  # bytes/s to the card: PCIe 4 x16, 5 x8


def figures() -> Iterator[Figure]:
    yield from cache_sizes()
    yield from mapped()


@dataclass(frozen=True)
class Outcome:
    hit_rate: float
    tokens_per_s: float


@cache
def decoded(cache_gb: float) -> Outcome:
    """Return what the preset reaches with so large a cache; reads take what the device takes for them."""
    values: dict[str, object] = {"workloads.chat.hold.0.dram": f"{cache_gb:g} GB"}
    values |= {"workloads.chat.prompt": PROMPT, "workloads.chat.tokens": TOKENS}
    config = load(CONFIGS / "llm" / f"{PRESET}.yaml", values=values)
    (job,) = config.workloads.values()
    assert isinstance(job, LlmJob)
    flash = config.system.flash
    assert flash is not None
    passes = LlmRun(make_plan(job), config.system.backends[job.on], seed=1).passes()[1:]
    seconds = FS * sum(phase.work.fs for each in passes for phase in each.phases)
    seconds += sum(each.flash_bytes for each in passes) / device_rate(flash, job.threads_of("experts"))
    hits = sum(each.expert_hits for each in passes) / sum(each.experts for each in passes)
    return Outcome(hits, TOKENS / seconds)


@cache
def device_rate(flash: Flash, threads: int) -> float:
    """Return the bytes/s of large reads."""
    return READS * DIRECT * PS_PER_S / Reader(flash).sequential(0, READS * DIRECT)


def cache_sizes() -> Iterator[Figure]:
    """Hits grow with the cache; tokens/s have a peak: what it takes, the page cache lacks."""
    rows = rows_of("moe_cache_sweep.csv")
    for row in rows:
        ours = decoded(float(row["cache_GB"]))
        for quantity, column, value in (
            ("hit rate", "hit_rate", ours.hit_rate),
            ("tokens/s", "tokens_per_s", ours.tokens_per_s),
        ):
            shown = {"system": "experts", "model": row["model"], "cache_GB": row["cache_GB"]}
            counted = row["cache_GB"] not in CALIBRATED[quantity]
            yield Figure(shown, quantity, float(row[column]), value, counted=counted)
    sizes = [float(row["cache_GB"]) for row in rows]
    best = sizes[max(range(len(rows)), key=lambda i: float(rows[i]["tokens_per_s"]))]
    ours_best = max(sizes, key=lambda size: decoded(size).tokens_per_s)
    yield Figure({"system": "experts", "model": rows[0]["model"]}, "best cache, GB", best, ours_best)


def mapped() -> Iterator[Figure]:
    """A mapped file is read fault by fault, 128 KiB ahead by one thread; direct reads fill the device.

    Either way experts are then copied to the card (op offload, as the issue says), over a backend's usual
    link: without it direct reads would be 4.2 times faster, over half of it 3.1.
    """
    nvme = {"preset": "nvme_gen4_ssd"}
    faults = random_rate(nvme, READ_AHEAD, 1, READS, places=1 << 17)
    direct = random_rate(nvme, DIRECT, 32, READS, places=1 << 17)
    faster = (1 / faults + 1 / LINK) / (1 / direct + 1 / LINK)
    for row in rows_of("moe_mapped.csv"):
        measured = float(row["direct_tokens_per_s"]) / float(row["mapped_tokens_per_s"])
        shown = {"system": "experts", "model": row["model"], "prompt": row["prompt"]}
        yield Figure(shown, "direct reads, times faster", measured, faster)
