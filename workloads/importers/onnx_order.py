"""The nodes of an ONNX graph in an order in which they can run, and copies of them under other names."""

from collections.abc import Container, Iterator

import onnx

SUBGRAPHS = ("If", "Loop", "Scan")


class Located(ValueError):
    """A fault of a node: its name and what is wrong."""

    def __init__(self, name: str, message: str):
        super().__init__(message)
        self.name = name


def read_by(node: onnx.NodeProto) -> Iterator[str]:
    """Yield all that a node reads, also inside its branches and bodies."""
    yield from filter(None, node.input)
    if node.op_type in SUBGRAPHS:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                inner = attribute.g
                made = {value.name for value in inner.input} | {tensor.name for tensor in inner.initializer}
                made |= {name for child in inner.node for name in child.output}
                yield from (name for child in inner.node for name in read_by(child) if name not in made)
                yield from (value.name for value in inner.output if value.name not in made)


def in_order(nodes: list[onnx.NodeProto], given: Container[str]) -> list[onnx.NodeProto]:
    """Return the nodes in an order in which they can run. Raises ValueError if they wait for each other."""
    maker: dict[str, int] = {}
    for number, node in enumerate(nodes):
        for output in filter(None, node.output):
            if output in maker or output in given:
                raise ValueError(f"{output!r} is made twice; export the model again")
            maker[output] = number
    needs = [{maker[name] for name in read_by(node) if name in maker} for node in nodes]
    if all(need < number for number, row in enumerate(needs) for need in row):
        return nodes
    readers: list[list[int]] = [[] for _ in nodes]
    for number, row in enumerate(needs):
        for need in row:
            readers[need].append(number)
    open_needs = [len(row) for row in needs]
    ready = [number for number, count in enumerate(open_needs) if count == 0]
    ordered = []
    for number in ready:  # grows as it is walked
        ordered.append(nodes[number])
        for reader in readers[number]:
            open_needs[reader] -= 1
            if open_needs[reader] == 0:
                ready.append(reader)
    if len(ordered) < len(nodes):
        stuck = next(node for node, count in zip(nodes, open_needs) if count)
        raise Located(
            stuck.name or stuck.op_type, "reads what is made from its own output: a cycle; export again"
        )
    return ordered


def renamed(node: onnx.NodeProto, names: dict[str, str]) -> onnx.NodeProto:
    """Return a copy with its tensors under other names, those that its branches read from outside too."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [names.get(name, name) for name in node.input]
    copy.output[:] = [names.get(name, name) for name in node.output]
    for attribute in copy.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            inner = attribute.g
            own = {value.name for value in inner.input} | {tensor.name for tensor in inner.initializer}
            own |= {name for child in inner.node for name in child.output}
            outer = {name: new for name, new in names.items() if name not in own}
            children = [renamed(child, outer) for child in inner.node]
            del inner.node[:]
            inner.node.extend(children)
            for value in inner.output:
                value.name = outer.get(value.name, value.name)
    return copy
