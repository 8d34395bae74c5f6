"""The walk backwards: cotangents from targets to sources, through the records of a tape.

    cotangents = backward(records, [(loss, one)], {id(weight)})
    gradient = cotangents[id(weight)]

The rules are written in primitives and tensor operators: evaluated at once in eager mode,
nodes of the graph while tracing. Whoever watches them can differentiate them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.dtypes import canonical
from weft.errors import GraphError
from weft.primitives.elementwise import add
from weft.primitives.shape import broadcast, reshape


class Record(NamedTuple):
    """One application of a primitive, as a tape saw it."""

    primitive: Primitive
    inputs: tuple[Any, ...]
    outputs: tuple[Tensor, ...]
    parameters: dict[str, Any]


def full(shape: Sequence[int], dtype: Any, value: float) -> Tensor:
    """A tensor filled with one value, which takes no room."""
    shape = tuple(shape)
    scalar = np.array(value, canonical(dtype).numpy)
    if STATE.trace is None:
        return Tensor(np.broadcast_to(scalar, shape))
    if not shape:
        return Tensor(scalar)
    return broadcast.bind(
        reshape.bind(Tensor(scalar), shape=(1,) * len(shape)), shape=shape
    )


def zeros_like(spec: Spec | Tensor) -> Tensor:
    """Zeros of this shape and dtype."""
    return full(spec.shape, spec.dtype, 0)


def ones_like(spec: Spec | Tensor) -> Tensor:
    """Ones of this shape and dtype."""
    return full(spec.shape, spec.dtype, 1)


class _Cotangents:
    """Sums of cotangents by tensor identity."""

    def __init__(self) -> None:
        self.sums: dict[int, Tensor] = {}

    def add(self, key: int, cotangent: Tensor) -> None:
        known = self.sums.get(key)
        self.sums[key] = cotangent if known is None else add.bind(known, cotangent)


def _reached(records: Sequence[Record], sources: Iterable[int]) -> set[int]:
    """Ids of everything that is computed from the sources, the sources included."""
    reached = set(sources)
    for record in records:
        for tensor in record.inputs:
            if id(tensor) in reached:
                reached.update([id(output) for output in record.outputs])
                break
    return reached


def _apply_rule(
    record: Record, cotangents: list[Tensor | None], needed: list[bool]
) -> tuple:
    primitive, inputs, outputs, parameters = record
    rule = primitive.vjp_rule
    if rule is None:
        raise GraphError(
            f"gradient: {primitive.name} has no derivative, and a gradient should flow "
            "through it; wrap it in weft.stop_gradient or weft.custom_gradient"
        )
    if primitive.selective:
        return rule(cotangents, outputs, inputs, needed, parameters)
    if primitive.results:
        given = [
            zeros_like(output) if cotangent is None else cotangent
            for cotangent, output in zip(cotangents, outputs)
        ]
        found = rule(tuple(given), outputs, *inputs, **parameters)
    else:
        found = rule(cotangents[0], outputs[0], *inputs, **parameters)
    return tuple(found) if isinstance(found, tuple | list) else (found,)


def backward(
    records: Sequence[Record],
    seeds: Iterable[tuple[Any, Tensor]],
    sources: Iterable[int],
) -> dict[int, Tensor]:
    """Cotangents of the sources, by id; a source that nothing reaches is missing.

    Args:
        records: in the order of computation.
        seeds: targets with their cotangents.
        sources: ids of tensors or variables, kept alive by the caller.
    """
    sources = set(sources)
    reached = _reached(records, sources)
    flowing, result = _Cotangents(), _Cotangents()
    for target, cotangent in seeds:
        flowing.add(id(target), cotangent)
    for record in reversed(records):
        keys = [id(output) for output in record.outputs]
        if not any(key in flowing.sums and key in reached for key in keys):
            continue
        # A tensor is made by one record. A traced variable that is read twice gives one
        # tensor twice: what is taken here was used after this reading.
        cotangents = [flowing.sums.pop(key, None) for key in keys]
        for key, taken in zip(keys, cotangents):
            if key in sources and taken is not None:
                result.add(key, taken)
        needed = [id(tensor) in reached for tensor in record.inputs]
        if not any(needed):
            continue
        found = _apply_rule(record, cotangents, needed)
        for tensor, wanted, given in zip(record.inputs, needed, found, strict=True):
            if wanted and given is not None:
                flowing.add(id(tensor), given)
    for key in sources:
        if key in flowing.sums:
            result.add(key, flowing.sums[key])
    return result.sums
