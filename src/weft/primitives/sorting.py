"""Sorting along an axis: stable, ascending, NaN last."""

from __future__ import annotations

import numpy as np

from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.dtypes import bfloat16, int32
from weft.errors import ShapeError
from weft.primitives.indexing import take_along
from weft.primitives.rules import REALS, require_axis, require_dtype

_BFLOAT16 = bfloat16.numpy.num
_INT32_MAX = 2**31 - 1


def _sort_spec(x: Spec, *, axis: int) -> Spec:
    require_dtype("sort", x, REALS)
    require_axis("sort", x, axis)
    return x


def _sort_evaluate(x: np.ndarray, *, axis: int) -> np.ndarray:
    if x.dtype.num == _BFLOAT16:
        # NumPy's own floats know that NaN comes last; the way there and back is exact.
        return np.sort(x.astype(np.float32), axis, "stable").astype(x.dtype)
    # Equal integers can't be told apart, so that the faster sort will do.
    return np.sort(x, axis, "stable" if x.dtype.kind == "f" else None)


sort = Primitive("sort", spec=_sort_spec, evaluate=_sort_evaluate)
"""(x; axis): the elements in ascending order along `axis`; NaN last."""


@sort.vjp
def _(ct: Tensor, out: Tensor, x: Tensor, *, axis: int) -> Tensor:
    # Element i of ct belongs to x[order[i]]: the inverse permutation brings it back.
    order = argsort.bind(x, axis=axis)
    return take_along(ct, argsort.bind(order, axis=axis), axis=axis)


def _argsort_spec(x: Spec, *, axis: int) -> Spec:
    require_dtype("argsort", x, REALS)
    require_axis("argsort", x, axis)
    if x.shape[axis] > _INT32_MAX:
        raise ShapeError(
            f"argsort: positions are int32, so that an axis has at most {_INT32_MAX} "
            f"elements; received {x}; sort parts of it"
        )
    return x.with_dtype(int32)


def _argsort_evaluate(x: np.ndarray, *, axis: int) -> np.ndarray:
    if x.dtype.num == _BFLOAT16:
        x = x.astype(np.float32)
    return np.argsort(x, axis, "stable").astype(np.int32)


argsort = Primitive("argsort", spec=_argsort_spec, evaluate=_argsort_evaluate)
"""(x; axis): the int32 positions that would sort x; equal elements keep their order."""


@argsort.vjp
def _(ct: Tensor, out: Tensor, x: Tensor, *, axis: int) -> None:
    return None
