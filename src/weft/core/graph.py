"""Graph: typed nodes in static single assignment, with a text form and a verifier.

    graph square_plus(x: f32[3], y: f32[3]) {
      a: f32[3] = multiply(x, x)
      b: f32[3] = add(a, y)
      return b
    }

A node applies a primitive to values. Parameters that are graphs (the branches of `cond`,
the body of `while_loop`) are sub-graphs: closed, with every captured value an input.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.errors import GraphError


class Value:
    """A result of a node, or an input of a graph (then `node` is None)."""

    __slots__ = ("index", "name", "node", "spec")

    def __init__(self, spec: Spec, node: Node | None = None, index: int = 0, name: str = ""):
        self.spec, self.node, self.index, self.name = spec, node, index, name

    @property
    def shape(self) -> tuple[int, ...]:
        return self.spec.shape

    @property
    def dtype(self):
        return self.spec.dtype

    def __repr__(self) -> str:
        return f"Value({self.name or hex(id(self))}: {self.spec})"


class Node:
    """One application of a primitive. `source` is the user's file and line, or None."""

    __slots__ = ("inputs", "outputs", "parameters", "primitive", "source")

    def __init__(
        self,
        primitive: Primitive,
        inputs: Iterable[Value],
        parameters: dict[str, Any],
        specs: Iterable[Spec],
        source: tuple[str, int] | None = None,
    ) -> None:
        self.primitive, self.parameters, self.source = primitive, parameters, source
        self.inputs = tuple(inputs)
        self.outputs = tuple([Value(spec, self, i) for i, spec in enumerate(specs)])

    @property
    def output(self) -> Value:
        """The only result."""
        return self.outputs[0]

    def subgraphs(self) -> Iterator[Graph]:
        for parameter in self.parameters.values():
            if isinstance(parameter, Graph):
                yield parameter
            elif isinstance(parameter, tuple):
                yield from (item for item in parameter if isinstance(item, Graph))

    def __repr__(self) -> str:
        return f"Node({self.primitive.name}: {', '.join(str(v.spec) for v in self.outputs)})"


class Graph:
    """Inputs, nodes in an order in which they can run, outputs."""

    __slots__ = ("derivative", "inputs", "name", "nodes", "outputs")

    def __init__(
        self,
        inputs: Iterable[Value],
        nodes: Iterable[Node],
        outputs: Iterable[Value],
        name: str = "graph",
    ) -> None:
        self.inputs, self.nodes, self.outputs = list(inputs), list(nodes), list(outputs)
        self.name = name
        # How to differentiate it, where it was made to keep what its derivative needs
        # (weft/autodiff/residuals.py). No part of the graph's meaning; passes may drop it.
        self.derivative: Any = None

    def input_specs(self) -> tuple[Spec, ...]:
        return tuple(value.spec for value in self.inputs)

    def output_specs(self) -> tuple[Spec, ...]:
        return tuple(value.spec for value in self.outputs)

    def users(self) -> dict[Value, list[Node]]:
        """For each value the nodes that read it, once per reading node."""
        users: dict[Value, list[Node]] = {}
        for node in self.nodes:
            for value in dict.fromkeys(node.inputs):
                users.setdefault(value, []).append(node)
        return users

    def all_nodes(self) -> Iterator[Node]:
        """The nodes of this graph and of all graphs inside it."""
        for node in self.nodes:
            yield node
            for graph in node.subgraphs():
                yield from graph.all_nodes()

    def __repr__(self) -> str:
        return text(self)


# -- text form ---------------------------------------------------------------------------


def _letters(number: int) -> str:
    """a, b, …, z, aa, ab, … for 0, 1, 2, …"""
    name = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        name = chr(97 + digit) + name
    return name


def _parameter_text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        if value.size <= 4:
            return str(value.tolist())
        return f"<{value.dtype}{list(value.shape)}>"
    if isinstance(value, Graph):
        return f"@{value.name}"
    if isinstance(value, tuple) and any(isinstance(item, Graph) for item in value):
        return "(" + ", ".join(map(_parameter_text, value)) + ")"
    if callable(value):
        return f"<{getattr(value, '__name__', type(value).__name__)}>"
    return str(value)


def text(graph: Graph, indent: str = "") -> str:
    """The graph as text; names are given in order, so equal graphs have equal texts."""
    names: dict[Value, str] = {}
    for value in [*graph.inputs, *(v for node in graph.nodes for v in node.outputs)]:
        names[value] = _letters(len(names))
    inputs = ", ".join(f"{names[v]}: {v.spec}" for v in graph.inputs)
    lines = [f"{indent}graph {graph.name}({inputs}) {{"]
    for node in graph.nodes:
        outputs = ", ".join(f"{names[v]}: {v.spec}" for v in node.outputs)
        arguments = [names.get(v, "?") for v in node.inputs]
        arguments += [f"{k}={_parameter_text(p)}" for k, p in node.parameters.items()]
        call = f"{node.primitive.name}({', '.join(arguments)})"
        lines.append(f"{indent}  {outputs} = {call}" if outputs else f"{indent}  {call}")
        lines += [text(inner, indent + "    ") for inner in node.subgraphs()]
    outputs = ", ".join(names.get(v, "?") for v in graph.outputs)
    lines += [f"{indent}  return {outputs}", indent + "}"]
    return "\n".join(lines)


# -- verifier ----------------------------------------------------------------------------


def verify(graph: Graph, after: str = "tracing") -> Graph:
    """Check the graph's grammar and return it; `after` names the pass that made it.

    Every value is defined once and before its use; every node's results have the shapes
    and dtypes that its primitive's rule gives; sub-graphs are closed.

    Raises:
        GraphError: naming the pass, the node, and what is wrong.
    """
    known = set(graph.inputs)
    if len(known) != len(graph.inputs):
        raise GraphError(f"after {after}: an input of graph {graph.name} is listed twice")
    for node in graph.nodes:
        where = f"after {after}: {node.primitive.name} in graph {graph.name}"
        for value in node.inputs:
            if value not in known:
                raise GraphError(f"{where} reads a value that is not defined before it")
        found = node.primitive.spec(*[v.spec for v in node.inputs], **node.parameters)
        expected = found if node.primitive.results else (found,)
        received = tuple(v.spec for v in node.outputs)
        if tuple(expected) != received:
            raise GraphError(f"{where} should give {expected}; its results are {received}")
        for value in node.outputs:
            if value in known:
                raise GraphError(f"{where} defines a value twice")
            known.add(value)
        for inner in node.subgraphs():
            verify(inner, after)
    for value in graph.outputs:
        if value not in known:
            raise GraphError(f"after {after}: graph {graph.name} returns an undefined value")
    return graph
