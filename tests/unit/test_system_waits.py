"""Every charge of a whole run, level by level, against waits that an observer of the queues measures itself.

The observer stops the event loop after each event and looks at what lies where. It knows nothing of charges:
a level's waits are the requests in its queues, summed over its cycles.
"""

import numpy as np
import pytest

from hw_models.blame import Cause
from simulator.config.model import load
from simulator.kernel import soc
from simulator.kernel.soc_state import Kind
from simulator.results.summary import settle
from simulator.soc.build import build_machine
from simulator.soc.run import compiled

READ_OR_WRITE = (1, 2, 13, 14)  # in the DRAM's command log
STOP_FS = 25 * 10**9  # no new requests of cores from here on
CORUNNERS = [
    {"on": "core1", "kind": "bandwidth_write", "footprint": "64 KiB"},
    {"on": "core2", "kind": "bandwidth_read", "footprint": "96 KiB"},
]
LAYER = {"conv": {"input": [8, 8, 32], "kernels": 32, "kernel": "1x1"}}


def config_of(seed=1, *, bus=None, llc=None, dram=None, kinds=("bandwidth_write", "bandwidth_read")):
    """Return NVDLA and two co-runners at unrelated clocks; ``bus``, ``llc``, ``dram``: keys on top."""
    return {
        "system": {
            "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "500 MHz"}},
            "cores": {
                "core1": {"clock": "700 MHz", "outstanding": 8, "writebacks": 8, "l1": "4 KiB"},
                "core2": {"clock": "1 GHz", "outstanding": 8, "l1": "4 KiB"},
            },
            "interconnect": {"clock": "400 MHz", "width": "8 B", "latency": "5 cycles"} | (bus or {}),
            "llc": None if llc == {} else {"size": "16 KiB", "ways": 4, "mshrs": 6} | (llc or {}),
            "dram": {"standard": "DDR3-1600", "read_queue": 8, "write_queue": 8} | (dram or {}),
        },
        "workloads": {"net": {"on": "nvdla0", "layers": [LAYER]}},
        "corunners": [c | {"kind": kind} for c, kind in zip(CORUNNERS, kinds)],
        "simulation": {"seed": seed},
    }


class Observer:
    """Runs a machine to its end, then until nothing is under way, and measures waits by level."""

    def __init__(self, config):
        self.machine = machine = build_machine(load(config))
        self.system = machine.system[0]
        self.masters = len(machine.master_names)
        self.bus = np.zeros(self.masters, np.int64)  # requests times cycles in its queues, by master
        self.llc = np.zeros(self.masters, np.int64)
        self.doors = np.zeros(self.masters, np.int64)  # [fs] in front of blocks that are full, by master
        self.dram = np.zeros(len(machine.channels), np.int64)
        self.orders = np.zeros(len(machine.channels), np.int64)
        self.last_fs = 0
        self.lane_counts = machine.buses[0]["lanes"]["count"][: 2 * self.masters]
        self.rings = machine.caches[0]["bank"][: int(machine.caches[0]["banks"])]["rings"]
        self.ring_counts = self.rings["count"]
        machine.channels["log_on"] = 1
        self.system["jobs_left"] += 1  # go on until nobody has anything to do
        assert self._run(STOP_FS) == soc.OUT_OF_TIME
        machine.cores["task"] = machine.cores["background"] = -1
        assert self._run(100 * STOP_FS) == soc.STUCK
        assert machine.jobs[0]["frame"] == 1
        settle(machine)
        self._read_log()

    def _run(self, limit_fs):
        status = soc.RUNNING
        arguments = compiled(self.machine)
        while status == soc.RUNNING:
            before = self._waiting()
            status = soc.run(*arguments, limit_fs, 1)
            self._add(before)
        return status

    def _cycle(self, time_fs, unit):
        return time_fs // int(self.system["period_fs"][unit])

    def _waiting(self):
        """Return the requests in the queues of bus and LLC by master, refusals by channel, and what is at doors."""
        machine = self.machine
        llc = np.zeros(self.masters, np.int64)
        for ring in self.rings[self.ring_counts > 0]:
            for n in range(int(ring["count"])):
                llc[ring["rows"]["master"][(ring["head"] + n) % len(ring["rows"])]] += 1
        bus = self.lane_counts.reshape(-1, 2).sum(axis=1)
        return bus, llc, machine.channels["refused"].copy(), list(self._at_doors())

    def _at_doors(self):
        """Yield (master, time [fs] from which its reader could have taken it) of each request in a FIFO.

        The oldest in front of a channel is left out: the channel itself counts refusals.
        """
        system, fifos = self.system, self.machine.wires[0]["fifo"]
        for unit in range(int(system["master_unit"])):
            node, period = system["node"][unit], int(system["period_fs"][unit])
            for number in node["requests"][: node["request_count"]]:
                fifo = fifos[number]
                for n in range(int(system["kind"][unit] == Kind.DRAM), int(fifo["count"])):
                    row = fifo["rows"][(int(fifo["head"]) + n) % len(fifo["rows"])]
                    seen_fs = int(row["time"]) * int(system["period_fs"][fifo["writer"]])
                    yield int(row["master"]), -(-seen_fs // period) * period

    def _add(self, before):
        """Charge the time since the last event with what was waiting; take what the event's commands tell."""
        now_fs = int(self.system["now_fs"])
        bus, llc, refused, at_doors = before
        for master, since_fs in at_doors:
            self.doors[master] += max(0, now_fs - max(self.last_fs, since_fs))

        def passed(name):
            if name not in self.machine.wired.parts:
                return 0
            unit = self.machine.wired.parts[name].unit
            return self._cycle(now_fs, unit) - self._cycle(self.last_fs, unit)

        self.bus += bus * passed("interconnect")
        self.llc += llc * passed("llc")
        for k, channel in enumerate(self.machine.channels):
            self.dram[k] += refused[k] * (self._cycle(now_fs, k) - self._cycle(self.last_fs, k))
            entered = int(channel["order"]) - self.orders[k]
            self.orders[k] += entered
            self.dram[k] -= entered * (self._cycle(now_fs, k) + 1)  # may be served from the next cycle on
        self._read_log()
        self.last_fs = now_fs

    def _read_log(self):
        for k, channel in enumerate(self.machine.channels):
            log = channel["log"][: channel["log_count"]]
            assert len(log) < len(channel["log"])
            self.dram[k] += log["cycle"][np.isin(log["command"], READ_OR_WRITE)].sum()
            channel["log_count"] = 0


CASES = {
    "round robin": {},
    "other seed": {"seed": 7, "llc": {"replacement": "random"}},
    "priority": {"bus": {"arbitration": "priority", "masters": {"nvdla0": {"priority": 1}}}},
    "regulated, separate channels": {
        "bus": {"channels": "separate", "period": "2 us", "masters": {"core1": {"budget": "400 MB/s"}}}
    },
    "hub": {
        "bus": {"channels": "separate", "hub": {"trackers": 3, "line": "64 B", "accept_interval": "3 cycles"}}
    },
    "banked LLC": {"llc": {"banks": 2, "conflict": "stall_set", "queue": 2, "writebacks": 0}},
    "DRAM policies": {
        "dram": {"scheduler": "bliss", "refresh": "all_bank", "page": "adaptive", "max_reads": 6}
    },
    "no LLC, two channels": {"llc": {}, "dram": {"channels": 2}},
}


@pytest.mark.parametrize("case", CASES)
def test_the_charges_of_a_run_are_its_waits_level_by_level(case):
    seen = Observer(config_of(**CASES[case]))
    machine = seen.machine
    bus = machine.buses[0]["blame"][: seen.masters].copy()
    bus[:, :, Cause.BUS_BUSY] = 0  # answers on their way back, not requests
    llc = machine.caches[0]["blame"][: seen.masters].copy()
    llc[:, :, Cause.EVICTION] = 0  # what a miss costs, not a wait in a queue
    assert seen.bus.sum() > 0
    assert seen.doors.sum() > 0
    assert seen.dram.min() > 0
    assert (seen.llc.sum() > 0) == ("llc" in machine.wired.parts)
    system = machine.system[0]
    doors_fs = system["doors"][:, : seen.masters].sum(axis=(2, 3)) * system["period_fs"][:, None]
    assert seen.doors.tolist() == doors_fs.sum(axis=0).tolist()
    assert seen.bus.tolist() == bus.sum(axis=(1, 2)).tolist()
    assert seen.llc.tolist() == llc.sum(axis=(1, 2)).tolist()
    assert seen.dram.tolist() == machine.channels["blame"].sum(axis=(1, 2, 3)).tolist()
