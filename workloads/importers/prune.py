"""Layers that lead to no output are not run."""

from workloads.graph import Network


def without_dead_ends(network: Network) -> Network:
    """Leave out every node that no output needs, and say so."""
    needed, kept = set(network.outputs), []
    for node in reversed(network.nodes):
        if node.output in needed:
            kept.append(node)
            needed.update(node.inputs)
    left_out = len(network.nodes) - len(kept)
    if left_out:
        network.notes.append(f"{left_out} layers lead to no output: left out")
    network.nodes = kept[::-1]
    return network
