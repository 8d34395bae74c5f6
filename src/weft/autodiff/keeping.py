"""Binding primitives made of graphs, such as `scan`, ready to be differentiated.

Where a tape watches, a variant is bound that keeps what its derivative needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from weft.core.graph import Graph, Value
from weft.core.primitive import Primitive
from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.primitives.control import scan, trace_closures

Tensors = tuple[Tensor, ...]
Cotangents = list[Tensor | None]

# For the primitives made of graphs: `(inputs, parameters, needed) -> outputs` of a variant
# that keeps what its derivative needs; the primitive's own results come first.
KEEPING: dict[Primitive, Callable] = {}


def bind_keeping(primitive: Primitive, inputs: Sequence[Tensor], parameters: dict) -> Any:
    """`primitive.bind`; where tapes watch, the variant that its derivative needs."""
    variant = KEEPING.get(primitive)
    if variant is not None and STATE.tapes:
        needed = [
            tensor.dtype.is_differentiable and any(t.watches(tensor) for t in STATE.tapes)
            for tensor in inputs
        ]
        if any(needed):
            return variant(inputs, parameters, needed)
    return primitive.bind(*inputs, **parameters)


def scan_of(
    step: Callable, carry: Sequence[Tensor], sequences: Sequence[Tensor], name: str
) -> tuple[Tensor, ...]:
    """`step(*carry, *slices) -> [*carry, *outputs]` along leading axes, as one primitive.

    Returns the last carry and the stacked outputs. At least one step is needed. Gradients
    reach the carry and the sequences; what `step` uses from outside gets them while tracing.
    """
    specs = [tensor.spec for tensor in carry]
    specs += [tensor.spec.with_shape(tensor.shape[1:]) for tensor in sequences]
    (body,), captures = trace_closures([step], [specs], name)
    # A scan's body takes what is captured before the slices of the sequences.
    kept, slices = body.inputs[: len(carry)], body.inputs[len(carry) : len(specs)]
    body.inputs = [*kept, *body.inputs[len(specs) :], *slices]
    parameters = {
        "body": body,
        "carries": len(carry),
        "captures": len(captures),
        "length": sequences[0].shape[0],
        "reverse": False,
    }
    found = bind_keeping(scan, [*carry, *captures, *sequences], parameters)
    return tuple(found[: len(body.outputs)])


def replay_keeping(graph: Graph, tensors: Iterable[Tensor]) -> list[Tensor]:
    """`replay`, with primitives made of graphs ready to be differentiated."""
    values: dict[Value, Tensor] = dict(zip(graph.inputs, tensors))
    for node in graph.nodes:
        inputs = [values[value] for value in node.inputs]
        found = bind_keeping(node.primitive, inputs, node.parameters)
        values.update(zip(node.outputs, found if node.primitive.results else (found,)))
    return [values[value] for value in graph.outputs]
