"""Evaluation of a graph on NumPy arrays, node by node: what a graph means."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from weft.core.graph import Graph, Value


def last_uses(graph: Graph) -> dict[Value, int]:
    """For each value the position of the last node that reads it."""
    last: dict[Value, int] = {}
    for position, node in enumerate(graph.nodes):
        for value in node.outputs:
            last[value] = position
        for value in node.inputs:
            last[value] = position
    for value in graph.outputs:
        last[value] = len(graph.nodes)
    return last


# What evaluates graphs instead, while it is set; weft.debug sets it.
instead: Callable[[Graph, Sequence[np.ndarray]], list[np.ndarray]] | None = None


def evaluate_graph(graph: Graph, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The graph's outputs for these inputs; intermediate arrays are freed after use."""
    if instead is not None:
        return instead(graph, arrays)
    values: dict[Value, np.ndarray] = dict(zip(graph.inputs, arrays))
    last = last_uses(graph)
    for position, node in enumerate(graph.nodes):
        primitive = node.primitive
        found = primitive.evaluate(*[values[v] for v in node.inputs], **node.parameters)
        values.update(zip(node.outputs, found if primitive.results else (found,)))
        for value in {*node.inputs, *node.outputs}:
            if last[value] == position:
                del values[value]
    return [np.asarray(values[value]) for value in graph.outputs]
