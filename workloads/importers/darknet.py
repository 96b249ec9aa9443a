"""Darknet `.cfg` files: layers in order, earlier layers by index."""

from pathlib import Path

from workloads.graph import Network, NetworkBuilder
from workloads.importers.darknet_file import Values, read_sections
from workloads.importers.darknet_keys import SHORT
from workloads.importers.darknet_layers import KINDS, Layers
from workloads.importers.prune import without_dead_ends


def read_darknet(path: Path, size: tuple[int, int] | None = None, name: str = "") -> Network:
    """Return the network of a `.cfg` file; ``size`` (width, height) replaces the one in [net]."""
    sections = read_sections(path)
    net = Values(str(path), sections[0])
    if len(sections) < 2:
        raise net.fail("the network has no layers; the file may be cut off here")
    builder = NetworkBuilder(name or path.stem)
    layers = Layers(builder, builder.input("image", *_input(net, size)))
    if net.integer("time_steps", 1) > 1:
        builder.network.notes.append(f"one of {net.integer('time_steps')} time steps is a frame")
    builder.network.notes += [note for section in sections for note in section.notes]
    for index, section in enumerate(sections[1:]):
        values = Values(str(path), section)
        if section.kind == "net":
            raise values.fail("a second one; write [net] once, at the start")
        builder.operator = section.written
        kind = SHORT.get(section.kind, section.kind)
        try:
            layers.outputs.append(KINDS[section.kind](layers, values, f"{kind}_{index}"))
        except ValueError as error:
            raise values.fail(str(error)) from None
        layers.kinds.append(section.kind)
    return without_dead_ends(builder.finish()) if builder.network.nodes else _empty(net)


def _empty(net: Values) -> Network:
    raise net.fail("the network has no layers that do work; the file may be cut off")


def _input(net: Values, size: tuple[int, int] | None) -> tuple[int, int, int]:
    """Return channels, height, width; a network of vectors says only `inputs`."""
    if "inputs" in net and "width" not in net:
        return net.positive("inputs"), 1, 1
    width, height = size or (net.positive("width"), net.positive("height"))
    return net.positive("channels", 3), height, width
