"""Jacobians: one walk backwards for each element of the target.

Eagerly the walks follow each other; while tracing they are the steps of one scan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weft.autodiff.backward import Record, backward, zeros_like
from weft.autodiff.keeping import scan_of
from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.primitives.elementwise import cast, equal
from weft.primitives.indexing import iota
from weft.primitives.shape import broadcast, concatenate, reshape, transpose


def jacobian_of(
    records: Sequence[Record], target: Tensor, sources: Sequence[Any]
) -> dict[int, Tensor]:
    """`target.shape + source.shape` by the source's id; unconnected ones are missing."""
    size = target.size

    def pull(row: Tensor) -> dict[int, Tensor]:
        seed = reshape.bind(row, shape=target.shape)
        return backward(records, [(target, seed)], map(id, sources))

    rows = _identity(size, target.dtype)
    stacked = _for_each_row(pull, rows, sources)
    return {
        key: reshape.bind(stack, shape=(*target.shape, *stack.shape[1:]))
        for key, stack in stacked.items()
    }


def batch_jacobian_of(
    records: Sequence[Record], target: Tensor, source: Any
) -> dict[int, Tensor]:
    """`[b, *target.shape[1:], *source.shape[1:]]` by the source's id."""
    batch, inner = target.shape[0], target.shape[1:]
    size = int(np.prod(inner, dtype=np.int64))

    def pull(row: Tensor) -> dict[int, Tensor]:
        seed = reshape.bind(row, shape=(1, *inner))
        seed = broadcast.bind(seed, shape=target.shape)
        return backward(records, [(target, seed)], [id(source)])

    stacked = _for_each_row(pull, _identity(size, target.dtype), [source])
    found = {}
    for key, stack in stacked.items():
        axes = (1, 0, *range(2, stack.ndim))
        rows = transpose.bind(stack, permutation=axes)
        found[key] = reshape.bind(rows, shape=(batch, *inner, *stack.shape[2:]))
    return found


def _identity(size: int, dtype: Any) -> Tensor:
    if STATE.trace is None:
        return Tensor(np.eye(size, dtype=dtype.numpy))
    rows, columns = (iota.bind(shape=(size, size), axis=a, dtype="int32") for a in (0, 1))
    return cast.bind(equal.bind(rows, columns), dtype=dtype)


def _for_each_row(
    pull: Callable[[Tensor], dict[int, Tensor]], rows: Tensor, sources: Sequence[Any]
) -> dict[int, Tensor]:
    if STATE.trace is None or rows.shape[0] == 0:
        return _one_by_one(pull, rows, sources)
    keys: list[int] = []

    def step(row: Tensor) -> list[Tensor]:
        found = pull(row)
        keys[:] = found
        return list(found.values())

    stacks = scan_of(step, [], [rows], "jacobian")
    return dict(zip(keys, stacks))


def _one_by_one(
    pull: Callable[[Tensor], dict[int, Tensor]], rows: Tensor, sources: Sequence[Any]
) -> dict[int, Tensor]:
    stacks: dict[int, list[Tensor]] = {}
    for row in range(rows.shape[0]):
        for key, cotangent in pull(Tensor(rows._array[row])).items():
            line = reshape.bind(cotangent, shape=(1, *cotangent.shape))
            stacks.setdefault(key, []).append(line)
    if rows.shape[0] == 0:
        return {
            id(source): zeros_like(source.spec.with_shape((0, *source.shape)))
            for source in sources
        }
    return {key: concatenate.bind(*lines, axis=0) for key, lines in stacks.items()}
