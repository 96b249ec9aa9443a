"""The address map of an interconnect with several things below it."""

import numpy as np

from hw_models.interconnect.routes import ROUTES
from simulator.config.topology import Node, Topology

EVERYWHERE = 2**62


def fill_routes(row: np.void, topology: Topology, node: Node) -> None:
    """Fill the routes of an INTERCONNECT row: addresses of their own first, then what is left."""
    first, own, rest = 0, [], []
    turns = node.params.interleave_bytes is not None
    for turn, name in enumerate(node.below):
        below = topology.nodes[name]
        ports = {
            "first_port": first,
            "ports": below.entries,
            "port_shift": below.entry_bytes.bit_length() - 1,
        }
        memories = topology.memories_below(name)
        windows = [memory.window for memory in memories if memory.window is not None]
        own += [ports | {"base": first_address, "end": end} for first_address, end in windows]
        if len(windows) < len(memories):
            shares = {"turn": turn, "turn_bits": len(node.below).bit_length() - 1} if turns else {}
            rest.append(ports | {"base": 0, "end": EVERYWHERE} | shares)
        first += below.entries
    routes = own + (rest or [own[0] | {"base": 0, "end": EVERYWHERE}])
    assert len(routes) <= ROUTES
    for route, values in zip(row["routes"], routes):
        route["turn_shift"] = (node.params.interleave_bytes or 1).bit_length() - 1
        for field, value in values.items():
            route[field] = value
    row["route_count"] = len(routes)
    if turns:
        row["burst"] = min(int(row["burst"]), node.params.interleave_bytes)
