"""dot_general: the product of tensors, of which matmul and einsum are cases.

Both operands are seen as (batch, free, contracted) axes; the result has the batch axes, the
free axes of a, the free axes of b. Evaluation is one `np.matmul` on views, so that BLAS
reads the operands where they lie.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.dtypes import bfloat16, float16
from weft.errors import DTypeError, ShapeError
from weft.primitives.blas import multiply
from weft.primitives.quiet import quiet
from weft.primitives.rules import require_axes, require_equal_dtypes
from weft.primitives.shape import inverse_permutation, transpose

Axes = tuple[tuple[int, ...], tuple[int, ...]]

MATMUL: dict[str, Axes] = {"contract": ((1,), (0,)), "batch": ((), ())}
"""The parameters of the plain product of two matrices."""

_FLOAT32 = np.dtype(np.float32)
# Halves are multiplied and summed in float32 and rounded once.
_WIDE = {float16.numpy.num: _FLOAT32, bfloat16.numpy.num: _FLOAT32}

_narrow = quiet(np.ndarray.astype)


def free_axes(
    ndim: int, contract: tuple[int, ...], batch: tuple[int, ...]
) -> tuple[int, ...]:
    """The axes of an operand that are neither contracted nor batch, in order."""
    return tuple([axis for axis in range(ndim) if axis not in contract + batch])


def _spec(a: Spec, b: Spec, *, contract: Axes, batch: Axes) -> Spec:
    require_equal_dtypes("dot_general", a, b)
    if a.dtype.kind in ("bool", "string"):
        raise DTypeError(
            f"dot_general: needs numbers; received {a} and {b}; cast them, "
            "for example to int32"
        )
    for what, axes in (("contracted", contract), ("batch", batch)):
        if len(axes[0]) != len(axes[1]):
            raise ShapeError(
                f"dot_general: as many {what} axes are needed of one operand as of the "
                f"other; received {axes} for {a} and {b}"
            )
    for operand, x in enumerate((a, b)):
        require_axes("dot_general", x, contract[operand] + batch[operand])
    for what, axes in (("contracted", contract), ("batch", batch)):
        for i, j in zip(*axes):
            if a.shape[i] != b.shape[j]:
                raise ShapeError(
                    f"dot_general: {what} extents must agree; received {a} and {b}, "
                    f"where axis {i} ({a.shape[i]}) meets axis {j} ({b.shape[j]}); "
                    "transpose one operand?"
                )
    free_a = free_axes(a.ndim, contract[0], batch[0])
    free_b = free_axes(b.ndim, contract[1], batch[1])
    return a.with_shape((
        *[a.shape[axis] for axis in batch[0]],
        *[a.shape[axis] for axis in free_a],
        *[b.shape[axis] for axis in free_b],
    ))  # fmt: skip


# -- evaluation --------------------------------------------------------------------------


def _evaluate(a: np.ndarray, b: np.ndarray, *, contract: Axes, batch: Axes) -> np.ndarray:
    dtype = a.dtype
    wide = _WIDE.get(dtype.num)
    if wide is not None:
        a, b = a.astype(wide), b.astype(wide)
    plan_a, plan_b, matrices = _plan(a.ndim, b.ndim, contract, batch)
    if plan_a is not None:
        a = a.transpose(plan_a)
    if plan_b is not None:
        b = b.transpose(plan_b)
    if not matrices:
        out = _as_matrices(a, b, len(batch[0]), len(contract[0]))
    else:
        if not a.flags.forc:
            a = _for_blas(a)
        if not b.flags.forc:
            b = _for_blas(b)
        out = multiply(a, b)
    return out if wide is None else _narrow(out, dtype)


@functools.lru_cache(maxsize=4096)
def _plan(ndim_a: int, ndim_b: int, contract: Axes, batch: Axes) -> Any:
    """How to turn the operands into (batch, free, contracted) @ (batch, contracted, free).

    Two permutations, None where nothing moves, and whether the operands then are matrices
    (or stacks of them), with just one free and one contracted axis each.
    """
    free_a = free_axes(ndim_a, contract[0], batch[0])
    free_b = free_axes(ndim_b, contract[1], batch[1])
    plan_a = (*batch[0], *free_a, *contract[0])
    plan_b = (*batch[1], *contract[1], *free_b)
    matrices = len(free_a) == len(free_b) == len(contract[0]) == 1
    return (
        None if plan_a == tuple(range(ndim_a)) else plan_a,
        None if plan_b == tuple(range(ndim_b)) else plan_b,
        matrices,
    )


def _as_matrices(a: np.ndarray, b: np.ndarray, batch: int, contract: int) -> np.ndarray:
    """The product when an operand has several free or contracted axes, or none."""
    shape_a, shape_b = a.shape, b.shape
    free_a, free_b = shape_a[batch : len(shape_a) - contract], shape_b[batch + contract :]
    inner = math.prod(shape_b[batch : batch + contract])
    a = a.reshape((*shape_a[:batch], math.prod(free_a), inner))
    b = b.reshape((*shape_b[:batch], inner, math.prod(free_b)))
    out = multiply(_for_blas(a), _for_blas(b))
    return out.reshape(shape_a[:batch] + free_a + free_b)


def _for_blas(x: np.ndarray) -> np.ndarray:
    """`x`, or a copy if neither rows nor columns are dense: BLAS can't read such views,
    and NumPy would fall back to loops that are a hundred times slower."""
    rows, columns = x.strides[-2:]
    size = x.itemsize
    if columns == size and rows >= x.shape[-1] * size:
        return x
    if rows == size and columns >= x.shape[-2] * size:
        return x
    return np.ascontiguousarray(x)


dot_general = Primitive("dot_general", spec=_spec, evaluate=_evaluate)
"""(a, b; contract=(axes of a, axes of b), batch=(axes of a, axes of b)): sums of products
over the contracted axes → batch axes, free axes of a, free axes of b."""


# -- derivative --------------------------------------------------------------------------


@dot_general.vjp
def _(
    ct: Tensor, out: Tensor, a: Tensor, b: Tensor, *, contract: Axes, batch: Axes
) -> tuple[Tensor, Tensor]:
    batches = len(batch[0])
    free_a = free_axes(a.ndim, contract[0], batch[0])
    free_b = free_axes(b.ndim, contract[1], batch[1])
    # The axes of ct are: batch, free of a, free of b.
    ct_batch = tuple(range(batches))
    ct_free_a = tuple(range(batches, batches + len(free_a)))
    ct_free_b = tuple(range(batches + len(free_a), ct.ndim))
    # ct · b leaves batch, free of a, and the contracted axes in the order they have in b.
    of_a = dot_general.bind(ct, b, contract=(ct_free_b, free_b), batch=(ct_batch, batch[1]))
    met = [i for _, i in sorted(zip(contract[1], contract[0]))]
    # a · ct leaves batch, the contracted axes in the order they have in a, and free of b.
    of_b = dot_general.bind(a, ct, contract=(free_a, ct_free_a), batch=(batch[0], ct_batch))
    meets = [j for _, j in sorted(zip(*contract))]
    return (
        _move_to(of_a, (*batch[0], *free_a, *met)),
        _move_to(of_b, (*batch[1], *meets, *free_b)),
    )


def _move_to(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Transpose `x` so that its axis i becomes axis axes[i]."""
    if axes == tuple(range(len(axes))):
        return x
    return transpose.bind(x, permutation=inverse_permutation(axes))
