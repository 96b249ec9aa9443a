"""Who below an interconnect answers to an address: an address map over memory ports.

A route covers the addresses from ``base`` to before ``end``. Routes that take turns share a range: of every
``1 << turn_bits`` pieces of ``1 << turn_shift`` bytes each has one, and sees them without gaps. The first
route that fits counts; the last one covers all that is left.
"""

import numpy as np

from hw_models.jit import inlined, njit

ROUTES = 16

ROUTE = np.dtype(
    [
        ("base", np.int64),
        ("end", np.int64),
        ("turn_shift", np.int64),
        ("turn_bits", np.int64),  # 0: takes no turns
        ("turn", np.int64),
        ("first_port", np.int64),
        ("ports", np.int64),
        ("port_shift", np.int64),  # log2 of the bytes after which the next of its ports has its turn
    ]
)


@inlined
def covers(route, address):
    if address < route["base"] or address >= route["end"]:
        return False
    mask = (1 << route["turn_bits"]) - 1
    return (address >> route["turn_shift"]) & mask == route["turn"]


@inlined
def find_route(routes, address):
    """Return the index of the route that ``address`` takes."""
    index = np.int64(0)
    while not covers(routes[index], address):
        index += 1
    return index


@inlined
def closed_up(route, address):
    """Return ``address`` without the bits that say whose turn it is."""
    if route["turn_bits"] == 0:
        return address
    low = (1 << route["turn_shift"]) - 1
    return (address >> route["turn_bits"]) & ~low | address & low


@njit
def port_of(routes, address):
    """Return the memory port that ``address`` goes to."""
    route = routes[find_route(routes, address)]
    return route["first_port"] + (closed_up(route, address) >> route["port_shift"]) % route["ports"]


@njit
def address_below(routes, address):
    """Return ``address`` as what lies below its port sees it."""
    return closed_up(routes[find_route(routes, address)], address)


@inlined
def port_of_piece(state, piece):
    """Return the memory port of a lane's next piece, or of a slot's."""
    return piece["port"] if state["ports"] > 1 else np.int64(0)


@inlined
def has_one_bus(state):
    """Tell whether there is one memory port, and reads and writes share its channel."""
    return state["ports"] * state["channels"] == 1


@inlined
def bus_of(state, lane):
    """Return the bus that a lane's next piece needs."""
    return np.int64(0) if has_one_bus(state) else lane["bus"]
