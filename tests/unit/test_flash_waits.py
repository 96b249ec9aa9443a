"""Who waits for whom in a shared flash device, against an observer that looks into the queues at every event."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hw_models.flash.build import build
from hw_models.flash.device import next_event, step
from hw_models.flash.ftl import plane_at
from hw_models.flash.link import occupy
from hw_models.flash.params import Flash
from hw_models.flash.requests import free_request, pop_done, room, submit
from hw_models.flash.state import BUS_DATA, CLASSES, IDLE, LINK, NONE, WAIT_HEAD, Wait
from hw_models.flash.waits import add_wait, charged
from hw_models.port import MASTERS, NEVER, REFRESH
from hw_models.units import LARGEST

US = 10**6
KIB = 1024
USERS = 3
SMALL = {
    "preset": "m1_max_ssd", "channels": 2, "chips": 1, "dies": 2, "blocks": 8, "pages": 4, "page": "4 KiB",
    "overprovisioning": "50 %", "preload": "50 %", "writable": True,
}  # fmt: skip
CHIPS = {"independent_dies": False, "suspend": False, "cache_read": False, "planes": 2}
DEVICES = {
    "cache reads, suspension": {},
    "no cache reads": {"cache_read": False},
    "slow channels": {"bus_rate": "100 MB/s"},
    "write buffer": {"write_buffer": True},
    "chips": CHIPS,
    "slow link, whole requests": {"forward": "request", "link_rate": "200 MB/s"},
}


class Observer:
    """Adds up, event by event, who keeps every page waiting that lies in a queue."""

    def __init__(self, keys):
        self.states, self.memory = build(Flash.model_validate(SMALL | keys))
        self.state = self.states[0]
        self.state["masters"] = USERS
        self.seen = np.zeros((MASTERS, MASTERS + 1, 2), np.int64)
        self.now = 0

    def chain(self, i):
        while i != NONE:
            yield self.state["transaction"][i]
            i = self.state["transaction"][i]["next"]

    def user_of_die(self, d, reading):
        """Return who has die ``d``, or the chip that it is on, when that alone keeps its queue waiting."""
        state = self.state
        chip = [d]
        if not state["independent_dies"]:
            first = d // int(state["chip_dies"]) * int(state["chip_dies"])
            chip = range(first, first + int(state["chip_dies"]))
        for die in (state["die"][other] for other in chip):
            if die["doing"] != IDLE:
                return int(state["transaction"][die["active"][0]]["master"])
            if die["out"] and not (state["cache_read"] and reading):
                return int(die["master"])
        return None

    def user_of_bus(self, channel):
        if channel["bus"] == BUS_DATA:
            return int(self.state["transaction"][channel["moving"]]["master"])
        return int(channel["master"])

    def waiting(self):
        """Yield (transaction, culprit, cause) of everything that waits now."""
        state = self.state
        for d in range(int(state["dies_total"])):
            die = state["die"][d]
            user, cause = self.user_of_die(d, die["queued_reads"] > 0), Wait.BANK_BUSY
            if user is None:
                user, cause = self.user_of_bus(state["channel"][die["channel"]]), Wait.BUS_BUSY
            for kind in range(CLASSES):
                yield from ((row, user, cause) for row in self.chain(die["head"][kind]))
        for channel in state["channel"][: int(state["channels"])]:
            for head in channel["head"]:
                yield from ((row, self.user_of_bus(channel), Wait.BUS_BUSY) for row in self.chain(head))
        for plane in range(int(state["planes_total"])):
            head = self.memory[plane_at(state, plane) + WAIT_HEAD]
            yield from ((row, REFRESH, Wait.BANK_BUSY) for row in self.chain(head))

    def go_to(self, time):
        for row, culprit, cause in self.waiting():
            if row["request"] != NONE:
                self.seen[row["master"], culprit, cause] += time - self.now
        self.now = time

    def run(self, requests):
        """Submit requests (time, master, address, bytes, write) as soon as their time has come."""
        state, left = self.state, sorted(requests)
        while True:
            event = int(next_event(state))
            if left and left[0][0] <= event:
                time, master, address, size, write = left.pop(0)
                assert room(state, address, size)
                self.go_to(time)
                submit(state, time, address, size, write, master, 0, 0, 0)
            elif event == NEVER:
                return
            else:
                self.go_to(event)
                step(state, self.memory, event)
                while state["done_count"] > 0:
                    free_request(state, pop_done(state))


requests = st.lists(
    st.tuples(
        st.integers(0, 3000 * US),
        st.integers(0, USERS - 1),
        st.integers(0, 31).map(lambda page: 4 * KIB * page),
        st.sampled_from([2 * KIB, 4 * KIB, 16 * KIB]),
        st.booleans().map(int),
    ),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize("name", DEVICES)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(requests)
def test_every_wait_for_die_and_bus_is_charged_to_who_has_it(name, asked):
    seen = Observer(DEVICES[name])
    seen.run(asked)
    assert seen.state["blame"][:, :, :2].tolist() == seen.seen.tolist()


def test_a_wait_is_split_among_those_who_caused_it():
    """Three pages of one die, one after the other: the third waits for the first two, each for its time."""
    device = Observer({"channels": 1, "dies": 1, "suspend": False})
    device.run([(0, 0, 0, 4 * KIB, 0), (1, 1, 4 * KIB, 4 * KIB, 0), (2, 2, 8 * KIB, 4 * KIB, 0)])
    blame = device.state["blame"]
    array = int(device.state["read_ps"])
    assert blame[2, 0].sum() == pytest.approx(array, rel=0.05)
    assert blame[2, 1].sum() == pytest.approx(array, rel=0.05)
    assert blame[1, 0].sum() == pytest.approx(array, rel=0.05)
    assert blame[0, 1].sum() == int(device.state["read_command_ps"])  # goes before the first page's data
    assert blame[:, REFRESH].sum() == 0


def test_a_command_waits_for_who_is_on_the_channel_not_for_the_die():
    """Another die's long transfer holds the channel while the victim's die has never been used."""
    device = Observer({"channels": 1, "dies": 2, "bus_rate": "10 MB/s"})
    device.run([(0, 1, 0, 4 * KIB, 0), (100 * US, 2, 4 * KIB, 4 * KIB, 0)])
    blame = device.state["blame"]
    assert blame[2, 1, Wait.BUS_BUSY] > 300 * US
    assert blame[2].sum() == blame[2, 1, Wait.BUS_BUSY]


messages = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 3), st.integers(1, 6), st.integers(0, USERS - 1)),
    min_size=1,
    max_size=60,
)


@given(messages)
def test_the_link_charges_each_wait_to_those_ahead(asked):
    """Against a list of who has the link in each picosecond. A message that is to come holds it already."""
    states, _ = build(Flash.model_validate(SMALL))
    states[0]["masters"] = USERS
    link, owners, now = np.zeros(1, LINK)[0], [], 0
    expected = np.zeros((MASTERS, MASTERS + 1), np.int64)
    for pause, ahead, time, master in asked:
        now += pause
        start = now + ahead
        owners += [None] * (now - len(owners))
        for owner in owners[start:]:
            expected[master, owner] += 1
        owners += [master] * (max(start - len(owners), 0) + time)
        assert occupy(states[0], link, now, start, time, master) == len(owners)
    assert states[0]["blame"][:, :, Wait.LINK_BUSY].tolist() == expected.tolist()


def test_a_request_waits_for_the_data_of_others_on_the_link():
    device = Observer({"link_rate": "10 MB/s"})
    device.run([(0, 0, 0, 4 * KIB, 0), (0, 1, 16 * KIB, 4 * KIB, 0)])
    assert device.state["blame"][1, 0, Wait.LINK_BUSY] > 300 * US


def test_waits_add_up_beyond_64_bits():
    states, _ = build(Flash.model_validate(SMALL))
    for _ in range(5):
        add_wait(states[0], 1, 2, int(Wait.BUS_BUSY), LARGEST - 1)
    whole = charged(states[0])
    assert (whole[1, 2, Wait.BUS_BUSY], whole.sum()) == (5 * (LARGEST - 1),) * 2


def test_nobody_is_charged_where_nobody_shares():
    device = Observer({})
    device.state["masters"] = 0
    device.run([(0, 0, 0, 16 * KIB, 0), (0, 1, 0, 16 * KIB, 1)])
    assert not device.state["blame"].any()
