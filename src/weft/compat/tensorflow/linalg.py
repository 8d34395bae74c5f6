"""tf.linalg: products of matrices, and what they decompose into.

Products are primitives of weft. Determinants, inverses and decompositions are computed by
NumPy, also from inside of traced functions; their derivatives, where a formula is short,
are written here in tensor operations (Giles, "Collected matrix derivative results", 2008).
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import numpy as np

from weft import ops
from weft.compat.arithmetic import matmul_operands
from weft.compat.conversion import (
    floating,
    known_int,
    known_ints,
    matching,
    tensor,
)
from weft.compat.tensorflow._arrays import eye as eye
from weft.compat.tensorflow.math import global_norm as global_norm
from weft.compat.tensorflow.math import l2_normalize as l2_normalize
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.primitives.effects import host_call

# -- products ----------------------------------------------------------------------------


def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False,
    adjoint_a: bool = False, adjoint_b: bool = False, a_is_sparse: bool = False,
    b_is_sparse: bool = False, output_type: Any = None, grad_a: bool = False,
    grad_b: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """a @ b of matrices, or of batches of them; either may be turned first.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.matmul([[1, 2], [3, 4]], [[1], [1]]).numpy().tolist()
        [[3], [7]]
    """
    a, b = matmul_operands("tf.matmul", a, b)
    a = _turned(a, transpose_a, adjoint_a)
    b = _turned(b, transpose_b, adjoint_b)
    found = ops.matmul(a, b)
    return found if output_type is None else ops.cast(found, output_type)


def _turned(x: Tensor, is_transposed: bool, is_adjoint: bool) -> Tensor:
    if is_adjoint:
        return adjoint(x)
    return ops.matrix_transpose(x) if is_transposed else x


def matvec(
    a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False,
    a_is_sparse: bool = False, b_is_sparse: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """A matrix by a vector, or batches of them."""
    a, b = matching("tf.linalg.matvec", a, b)
    column = ops.expand_dims(b, -1)
    return ops.squeeze(matmul(a, column, transpose_a, False, adjoint_a), -1)


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The sum of products over pairs of axes."""
    a, b = matching("tf.tensordot", a, b)
    if isinstance(axes, Tensor | np.ndarray):
        axes = np.asarray(axes).tolist()
    return ops.tensordot(a, b, axes)


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """Products summed over axes that are named by letters."""
    return ops.einsum(equation, *matching("tf.einsum", *inputs))


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The cross product of vectors of three components."""
    a, b = matching("tf.linalg.cross", a, b)
    return ops.cross(a, b)


def adjoint(matrix: Any, name: str | None = None) -> Tensor:
    """The conjugate transpose."""
    x = ops.matrix_transpose(tensor("tf.linalg.adjoint", matrix))
    return ops.conj(x) if x.dtype.kind == "complex" else x


def matrix_transpose(
    a: Any, name: str = "matrix_transpose", conjugate: bool = False
) -> Tensor:
    """The last two axes exchanged."""
    x = tensor("tf.linalg.matrix_transpose", a)
    return adjoint(x) if conjugate else ops.matrix_transpose(x)


# -- diagonals and triangles -------------------------------------------------------------


def diag(
    diagonal: Any, name: str = "diag", k: int = 0, num_rows: int = -1, num_cols: int = -1,
    padding_value: Any = 0, align: str = "RIGHT_LEFT",
) -> Tensor:  # fmt: skip
    """Matrices with these vectors on their k-th diagonals.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.linalg.diag([1, 2]).numpy().tolist()
        [[1, 0], [0, 2]]
    """
    x = tensor("tf.linalg.diag", diagonal)
    k = known_int("k", k)
    extent = x.shape[-1] + abs(k)
    rows = extent if num_rows == -1 else num_rows
    columns = extent if num_cols == -1 else num_cols
    places = np.arange(columns)[None, :] - np.arange(rows)[:, None] == k
    # Each element stands in the row (or column) of its number.
    numbers = np.arange(rows)[:, None] if k >= 0 else np.arange(columns)[None, :]
    source = np.broadcast_to(numbers, (rows, columns))
    inside = places & (source < x.shape[-1])
    spread = ops.take(x, np.where(inside, source, 0).astype(np.int32), axis=-1)
    return ops.where(Tensor(inside), spread, tensor("diag", padding_value, x.dtype))


def diag_part(
    input: Any, name: str = "diag_part", k: int = 0, padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:  # fmt: skip
    """The k-th diagonals of matrices."""
    x = tensor("tf.linalg.diag_part", input)
    return ops.diagonal(x, known_int("k", k), -2, -1)


def set_diag(
    input: Any, diagonal: Any, name: str = "set_diag", k: int = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:  # fmt: skip
    """Matrices with their k-th diagonals replaced."""
    x, line = matching("tf.linalg.set_diag", input, diagonal)
    rows, columns = x.shape[-2:]
    k = known_int("k", k)
    places = np.arange(columns)[None, :] - np.arange(rows)[:, None] == k
    return ops.where(Tensor(places), diag(line, k=k, num_rows=rows, num_cols=columns), x)


def tensor_diag(diagonal: Any, name: str | None = None) -> Tensor:
    """The tensor of twice the rank with these elements where both halves of axes agree."""
    x = tensor("tf.linalg.tensor_diag", diagonal)
    return ops.reshape(diag(ops.reshape(x, (-1,))), (*x.shape, *x.shape))


def tensor_diag_part(input: Any, name: str | None = None) -> Tensor:
    """The elements where both halves of the axes agree."""
    x = tensor("tf.linalg.tensor_diag_part", input)
    half = x.shape[: x.ndim // 2]
    count = int(np.prod(half))
    return ops.reshape(ops.diagonal(ops.reshape(x, (count, count))), half)


def band_part(
    input: Any, num_lower: Any, num_upper: Any, name: str | None = None
) -> Tensor:
    """Zero but for a band around the diagonal; a negative number keeps that whole side."""
    x = tensor("tf.linalg.band_part", input)
    lower, upper = known_int("num_lower", num_lower), known_int("num_upper", num_upper)
    distance = np.arange(x.shape[-2])[:, None] - np.arange(x.shape[-1])[None, :]
    inside = ((lower < 0) | (distance <= lower)) & ((upper < 0) | (-distance <= upper))
    return ops.where(Tensor(inside), x, ops.zeros_like(x))


def trace(x: Any, name: str | None = None) -> Tensor:
    """The sum of the diagonal of each matrix."""
    return ops.sum(diag_part(x), axis=-1)


# -- norms -------------------------------------------------------------------------------


def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """A norm over all axes, of vectors along one axis, or of matrices over two.

    Args:
        ord: "euclidean", "fro", a positive number, or infinity.
    """
    x = floating("tf.norm", tensor)
    axes = None if axis is None else known_ints("tf.norm", axis)
    kept = bool(keepdims)
    if ord in ("euclidean", 2) and (axes is None or len(axes) == 1 or ord == "euclidean"):
        return ops.sqrt(ops.sum(ops.square(x), axes, kept))
    if axes is None:
        x, axes, kept = ops.reshape(x, (-1,)), (0,), False
    if len(axes) == 2 and ord == 2:
        moved = ops.moveaxis(x, axes, (-2, -1))
        largest = ops.max(svd(moved, compute_uv=False), axis=-1)
        return ops.expand_dims(largest, axes) if kept else largest
    return ops.norm(x, ord, axes if len(axes) > 1 else axes[0], kept)


def normalize(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The tensor divided by its norm, and the norm."""
    length = norm(tensor, ord, axis, keepdims=axis is not None)
    return ops.divide(floating("tf.linalg.normalize", tensor), length), length


# -- computed by NumPy -------------------------------------------------------------------


def _square(who: str, matrix: Any) -> Tensor:
    x = floating(who, matrix)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{who}: square matrices are needed; received {x.spec}")
    return x


def _on_host(
    function: Callable,
    specs: tuple[Spec, ...],
    *inputs: Tensor,
    vjp: Callable | None = None,
) -> tuple[Tensor, ...]:
    return host_call.bind(*inputs, function=function, specs=specs, vjp=vjp)


def _numpy(who: str, function: Callable) -> Callable:
    def run(*arrays: np.ndarray) -> Any:
        try:
            return function(*arrays)
        except np.linalg.LinAlgError as error:
            raise ArgumentError(f"{who}: {error}; is the matrix singular?") from error

    run.__name__ = who
    return run


_det = _numpy("tf.linalg.det", np.linalg.det)
_inv = _numpy("tf.linalg.inv", np.linalg.inv)
_cholesky = _numpy("tf.linalg.cholesky", np.linalg.cholesky)


def _det_vjp(cts: tuple, outs: tuple, x: Tensor) -> tuple:
    scale = ops.multiply(cts[0], outs[0])[..., None, None]
    return (ops.multiply(scale, ops.matrix_transpose(inv(x))),)


def det(input: Any, name: str | None = None) -> Tensor:
    """The determinant of each square matrix."""
    x = _square("tf.linalg.det", input)
    return _on_host(_det, (Spec(x.shape[:-2], x.dtype),), x, vjp=_det_vjp)[0]


def _inv_vjp(cts: tuple, outs: tuple, x: Tensor) -> tuple:
    turned = ops.matrix_transpose(outs[0])
    return (ops.negative(ops.matmul(ops.matmul(turned, cts[0]), turned)),)


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverse of each square matrix.

    Raises:
        ArgumentError: for a singular matrix.
    """
    x = _square("tf.linalg.inv", input)
    found = _on_host(_inv, (x.spec,), x, vjp=_inv_vjp)[0]
    return ops.matrix_transpose(found) if adjoint else found


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """x of matrix @ x = rhs, whose columns are solved together."""
    a, b = matching("tf.linalg.solve", matrix, rhs)
    a = _square("tf.linalg.solve", a)
    if adjoint:
        a = ops.matrix_transpose(a)
    shape = (*b.shape[:-2], a.shape[-1], b.shape[-1])
    return _on_host(_solve, (Spec(shape, a.dtype),), a, b, vjp=_solve_vjp)[0]


_solve = _numpy("tf.linalg.solve", np.linalg.solve)


def _solve_vjp(cts: tuple, outs: tuple, a: Tensor, b: Tensor) -> tuple:
    of_b = solve(ops.matrix_transpose(a), cts[0])
    return ops.negative(ops.matmul(of_b, ops.matrix_transpose(outs[0]))), of_b


def triangular_solve(
    matrix: Any,
    rhs: Any,
    lower: bool = True,
    adjoint: bool = False,
    name: str | None = None,
) -> Tensor:
    """x of matrix @ x = rhs, where only one triangle of the matrix counts."""
    x = _square("tf.linalg.triangular_solve", matrix)
    part = band_part(x, -1, 0) if lower else band_part(x, 0, -1)
    return solve(part, rhs, adjoint)


def lstsq(
    matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """x that makes |matrix @ x - rhs|² + l2_regularizer |x|² smallest."""
    a, b = matching("tf.linalg.lstsq", matrix, rhs)
    turned = ops.matrix_transpose(a)
    gram = ops.matmul(turned, a)
    if l2_regularizer:
        gram = ops.add(
            gram, ops.multiply(ops.eye(gram.shape[-1], dtype=a.dtype), l2_regularizer)
        )
    return solve(gram, ops.matmul(turned, b))


def cholesky(input: Any, name: str | None = None) -> Tensor:
    """The lower triangle L of L @ Lᵀ = input, for positive definite matrices."""
    x = _square("tf.linalg.cholesky", input)
    return _on_host(_cholesky, (x.spec,), x, vjp=_cholesky_vjp)[0]


def _cholesky_vjp(cts: tuple, outs: tuple, x: Tensor) -> tuple:
    # Murray, "Differentiation of the Cholesky decomposition" (2016), equation 10.
    lower = outs[0]
    turned = ops.matrix_transpose(lower)
    inside = band_part(ops.matmul(turned, cts[0]), -1, 0)
    halves = ops.multiply(diag(diag_part(inside)), 0.5)
    inside = ops.subtract(inside, halves)
    first = solve(turned, inside)
    both = ops.matrix_transpose(solve(turned, ops.matrix_transpose(first)))
    return (ops.multiply(ops.add(both, ops.matrix_transpose(both)), 0.5),)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """x of (chol @ cholᵀ) @ x = rhs, for a lower triangle."""
    lower, b = matching("tf.linalg.cholesky_solve", chol, rhs)
    return solve(ops.matrix_transpose(lower), solve(lower, b))


def sqrtm(input: Any, name: str | None = None) -> Tensor:
    """The matrix whose square is the input, which has no negative eigenvalues."""
    x = _square("tf.linalg.sqrtm", input)
    return _on_host(_numpy("tf.linalg.sqrtm", _sqrtm), (x.spec,), x)[0]


def _sqrtm(x: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eig(x.astype(np.float64))
    roots = vectors * np.sqrt(values.astype(np.complex128))[..., None, :]
    return (roots @ np.linalg.inv(vectors)).real.astype(x.dtype)


def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """The logarithm of the determinant of positive definite matrices."""
    line = diag_part(cholesky(matrix))
    return ops.multiply(ops.sum(ops.log(line), axis=-1), 2.0)


SlogDet = collections.namedtuple("SlogDet", ["sign", "log_abs_determinant"])


def slogdet(input: Any, name: str | None = None) -> SlogDet:
    """The sign of the determinant, and the logarithm of its absolute value."""
    x = _square("tf.linalg.slogdet", input)
    spec = Spec(x.shape[:-2], x.dtype)
    return SlogDet(*_on_host(_slogdet, (spec, spec), x, vjp=_slogdet_vjp))


def _slogdet(x: np.ndarray) -> tuple:
    return tuple(np.linalg.slogdet(x))


def _slogdet_vjp(cts: tuple, outs: tuple, x: Tensor) -> tuple:
    if cts[1] is None:
        return (None,)
    return (ops.multiply(cts[1][..., None, None], ops.matrix_transpose(inv(x))),)


def qr(
    input: Any, full_matrices: bool = False, name: str | None = None
) -> tuple[Tensor, ...]:
    """Q with orthonormal columns and an upper triangle R, with Q @ R = input."""
    x = floating("tf.linalg.qr", input)
    rows, columns = x.shape[-2:]
    inner = rows if full_matrices else min(rows, columns)
    specs = (x.spec.with_shape((*x.shape[:-1], inner)),
             x.spec.with_shape((*x.shape[:-2], inner, columns)))  # fmt: skip
    mode: Any = "complete" if full_matrices else "reduced"
    run = _numpy("tf.linalg.qr", lambda array: tuple(np.linalg.qr(array, mode)))
    return _on_host(run, specs, x)


def svd(
    tensor: Any,
    full_matrices: bool = False,
    compute_uv: bool = True,
    name: str | None = None,
) -> Any:
    """Singular values in falling order, and u and v with u @ diag(s) @ vᵀ = tensor."""
    x = floating("tf.linalg.svd", tensor)
    rows, columns = x.shape[-2:]
    inner = min(rows, columns)
    values = x.spec.with_shape((*x.shape[:-2], inner))
    if not compute_uv:
        run = _numpy("tf.linalg.svd", lambda array: np.linalg.svd(array, compute_uv=False))
        return _on_host(run, (values,), x)[0]
    wide = (rows, columns) if full_matrices else (inner, inner)
    specs = (values, x.spec.with_shape((*x.shape[:-2], rows, wide[0])),
             x.spec.with_shape((*x.shape[:-2], columns, wide[1])))  # fmt: skip

    def decompose(array: np.ndarray) -> tuple:
        u, s, turned = np.linalg.svd(array, full_matrices)
        return s, u, np.swapaxes(turned, -1, -2).conj()

    return _on_host(_numpy("tf.linalg.svd", decompose), specs, x)


def eigh(tensor: Any, name: str | None = None) -> tuple[Tensor, ...]:
    """Eigenvalues in rising order and eigenvectors (columns) of symmetric matrices."""
    x = _square("tf.linalg.eigh", tensor)
    values = x.spec.with_shape(x.shape[:-1])
    run = _numpy("tf.linalg.eigh", lambda array: tuple(np.linalg.eigh(array)))
    return _on_host(run, (values, x.spec), x)


def eigvalsh(tensor: Any, name: str | None = None) -> Tensor:
    """Eigenvalues of symmetric matrices, in rising order."""
    return eigh(tensor)[0]


def eig(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors, which are complex numbers; the values must be known."""
    x = _square("tf.linalg.eig", tensor)
    kind = np.complex64 if x.dtype.size <= 4 else np.complex128
    values, vectors = np.linalg.eig(x._array)
    return Tensor(values.astype(kind)), Tensor(vectors.astype(kind))


def eigvals(tensor: Any, name: str | None = None) -> Tensor:
    """Eigenvalues, which are complex numbers; the values must be known."""
    return eig(tensor)[0]


def pinv(
    a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """The pseudo-inverse of Moore and Penrose."""
    x = floating("tf.linalg.pinv", a)
    spec = x.spec.with_shape((*x.shape[:-2], x.shape[-1], x.shape[-2]))
    limit = (
        10.0 * max(x.shape[-2:]) * np.finfo(x.dtype.numpy).eps if rcond is None else rcond
    )
    run = _numpy("tf.linalg.pinv", lambda array: np.linalg.pinv(array, limit))
    return _on_host(run, (spec,), x)[0]


def matrix_rank(
    a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """How many singular values are not (nearly) zero."""
    x = floating("tf.linalg.matrix_rank", a)
    values = svd(x, compute_uv=False)
    if tol is None:
        epsilon = float(np.finfo(x.dtype.numpy).eps) * max(x.shape[-2:])
        tol = ops.multiply(ops.max(values, axis=-1, keepdims=True), epsilon)
    return ops.sum(ops.cast(ops.greater(values, tol), "int32"), axis=-1)


def expm(input: Any, name: str | None = None) -> Tensor:
    """The matrix exponential: scaling, a Taylor series, and squaring."""
    x = _square("tf.linalg.expm", input)
    run = _numpy("tf.linalg.expm", _expm)
    return _on_host(run, (x.spec,), x)[0]


def _expm(x: np.ndarray) -> np.ndarray:
    wide = x.astype(np.float64)
    size = np.abs(wide).sum(-1).max(initial=0.0)
    halvings = max(0, int(np.ceil(np.log2(size))) + 4) if size > 0 else 0
    scaled = wide / 2.0**halvings
    total = np.broadcast_to(np.eye(x.shape[-1]), wide.shape).copy()
    term = total
    for order in range(1, 17):
        term = term @ scaled / order
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return total.astype(x.dtype)
