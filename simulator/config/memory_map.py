"""Who lies where: what jobs and co-runners get of memories with addresses of their own."""

from hw_models.cpu.params import Corunner
from hw_models.errors import ConfigError
from simulator.config.model import Config
from simulator.config.topology import Master, Node, Topology, topology_of
from simulator.config.wiring_rules import runs_beside_the_chip
from workloads.lowering.homes import Home, Homes
from workloads.params import NetworkJob


class MemoryMap:
    """Gives out such memories, in the order in which it is asked."""

    def __init__(self, config: Config):
        self.config = config
        self.topology = Topology([], {})
        if not runs_beside_the_chip(config.system, config.workloads):
            self.topology, _ = topology_of(config.system, config.workloads)
        self.free: dict[str, Home] = {}
        for node in self.topology.nodes.values():
            if node.window is not None:
                first, end = node.window
                self.free[node.name] = Home(node.name, first, end - first)

    def reached(self, master: str, port: int | None = None) -> list[Node]:
        """Return the memories that a master reaches, through one port or all."""
        part = self.topology.part(master)
        assert isinstance(part, Master)
        below = part.below if port is None else part.below[port : port + 1]
        return [memory for name in below for memory in self.topology.memories_below(name)]

    def homes(self, name: str) -> Homes | None:
        """Return the memories that a job's `place` names. Raises ConfigError for one out of reach."""
        job = self.config.workloads[name]
        if not isinstance(job, NetworkJob) or job.place is None:
            return None
        key = f"workloads.{name}.place"
        if self.config.system.dram is not None and self.config.system.dram.partition:
            raise ConfigError("goes with no system.dram.partition; write one of the two", key=key)
        if job.place.weights is not None and job.storage is not None and job.storage.weights == "flash":
            raise ConfigError("weights come from flash into DRAM; write one of the two", key=f"{key}.weights")
        return Homes(
            self._home(job, job.place.weights, f"{key}.weights"),
            self._home(job, job.place.features, f"{key}.features"),
        )

    def _home(self, job: NetworkJob, memory: str | None, key: str) -> Home | None:
        if memory is None:
            return None
        home = self._of(job.on, memory, key)
        core = job.fallback
        home.core_reaches = core is None or memory in [node.name for node in self.reached(core)]
        return home

    def _of(self, master: str, memory: str, key: str) -> Home:
        reached = sorted({node.name for node in self.reached(master) if node.name in self.free})
        if memory not in reached:
            known = ", ".join(reached) or "none; write at: for a memory below it"
            raise ConfigError(
                f"{memory!r} is no memory with addresses of its own below {master}; there is {known}", key=key
            )
        return self.free[memory]

    def windows_behind(self, accelerator: str) -> list[tuple[int, int]]:
        """Return the [first, end) addresses behind the second port of an accelerator."""
        return [node.window for node in self.reached(accelerator, port=1) if node.window is not None]

    def address_of(self, corunner: Corunner, number: int) -> int | None:
        """Return where a co-runner's memory begins, None for the usual memory. Raises ConfigError."""
        if corunner.memory is None:
            return None
        key = f"corunners.{number}.memory"
        home = self._of(corunner.on, corunner.memory, key)
        if corunner.span_bytes > home.bytes:
            message = f"{corunner.span_bytes} B do not fit the {home.bytes} B left of {corunner.memory}"
            size = "footprint" if corunner.frames_bytes is None else "frames"
            raise ConfigError(f"{message}; write less, or a larger memory", key=f"corunners.{number}.{size}")
        return home.take(corunner.span_bytes)
