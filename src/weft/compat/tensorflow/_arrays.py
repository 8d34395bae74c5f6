"""Making, shaping and indexing tensors: TensorFlow's names, order of arguments, dtypes."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from weft import dtypes, ops
from weft.compat.arithmetic import _objects
from weft.compat.conversion import (
    as_dtype,
    constant,
    convert_to_tensor,
    known_int,
    known_ints,
    matching,
    require,
    tensor,
)
from weft.compat.shapes import TensorShape
from weft.core.tensor import Tensor, TracedTensor
from weft.core.variable import Variable
from weft.dtypes import DType, canonical
from weft.errors import (
    ArgumentError,
    IndexError,
    ShapeError,
)
from weft.function.autograph.iteration import range_
from weft.ops.convert import constant_value
from weft.ops.promotion import INTEGERS, together

_INT32, _INT64 = dtypes.int32, dtypes.int64

# -- facts of tensors --------------------------------------------------------------------


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of axes, as an int32 tensor.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> int(tf.rank([[1, 2]]))
        2
    """
    return Tensor(np.array(tensor("tf.rank", input).ndim, np.int32))


def shape(input: Any, out_type: Any = _INT32, name: str | None = None) -> Tensor:
    """The shape as an integer tensor; it is always known, also while tracing."""
    found = tensor("tf.shape", input).shape
    return Tensor(np.array(found, canonical(out_type).numpy))


def shape_n(input: Any, out_type: Any = _INT32, name: str | None = None) -> list[Tensor]:
    """The shapes of several tensors."""
    return [shape(x, out_type) for x in input]


def size(input: Any, out_type: Any = _INT32, name: str | None = None) -> Tensor:
    """The number of elements, as an integer tensor."""
    return Tensor(np.array(tensor("tf.size", input).size, canonical(out_type).numpy))


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor or a variable."""
    return isinstance(x, Tensor | Variable)


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """The values as a NumPy array where they are known, else None."""
    return constant_value(tensor)


# -- dtypes ------------------------------------------------------------------------------


def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """`x` in another dtype; floats lose their fraction on the way to integers.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.cast([1.7, -1.7], tf.int32).numpy().tolist()
        [1, -1]
    """
    return ops.cast(tensor("tf.cast", x), as_dtype(dtype))


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """`value` in another dtype, kept inside of its range."""
    return ops.saturate_cast(tensor("tf.saturate_cast", value), as_dtype(dtype))


def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """The same bytes, read as another dtype; the values must be known."""
    x, wanted = tensor("tf.bitcast", input), as_dtype(type).numpy
    array = np.ascontiguousarray(x._array)
    if array.dtype.itemsize == wanted.itemsize:
        return Tensor(array.view(wanted))
    if array.dtype.itemsize > wanted.itemsize:
        rows = array.reshape((*array.shape, 1)).view(wanted)
        return Tensor(rows)
    if not array.ndim or array.shape[-1] * array.dtype.itemsize != wanted.itemsize:
        raise ShapeError(
            f"tf.bitcast: the last axis must hold one {wanted}; received {x.spec}"
        )
    return Tensor(array.view(wanted)[..., 0])


# -- filled tensors ----------------------------------------------------------------------


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """A tensor of zeros; of empty text for tf.string."""
    return _filled("tf.zeros", shape, dtype, 0, b"")


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """A tensor of ones."""
    return _filled("tf.ones", shape, dtype, 1, None)


def _filled(who: str, shape: Any, dtype: Any, number: int, text: Any) -> Tensor:
    dtype, extents = as_dtype(dtype), known_ints(who, shape)
    if dtype is dtypes.string:
        if text is None:
            raise ArgumentError(f"{who}: text has no one; received dtype=tf.string")
        return Tensor(np.full(extents, text, np.object_))
    return ops.full(extents, number, dtype)


def zeros_like(input: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros in the shape and dtype of the input."""
    x = tensor("tf.zeros_like", input)
    return zeros(x.shape, x.dtype if dtype is None else dtype)


def ones_like(input: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones in the shape and dtype of the input."""
    x = tensor("tf.ones_like", input)
    return ones(x.shape, x.dtype if dtype is None else dtype)


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of equal elements, in the dtype of the value."""
    value = tensor("tf.fill", value)
    if value.ndim:
        raise ShapeError(f"tf.fill: the value must be one number; received {value.spec}")
    return ops.broadcast_to(value, known_ints("tf.fill", dims))


def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None,
    dtype: Any = dtypes.float32, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The identity matrix, or a batch of them."""
    rows = known_int("tf.eye", num_rows)
    columns = rows if num_columns is None else known_int("tf.eye", num_columns)
    matrix = ops.eye(rows, columns, dtype=as_dtype(dtype))
    if batch_shape is None:
        return matrix
    return ops.broadcast_to(matrix, (*known_ints("tf.eye", batch_shape), rows, columns))


def range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range"
) -> Tensor:
    """start, start + delta, … before limit; one number is the limit, and start is 0.

    Where a bound is a traced tensor, the result is for `for` statements only.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.range(3).numpy().tolist(), tf.range(3, 9, 2).numpy().tolist()
        ([0, 1, 2], [3, 5, 7])
    """
    if limit is None:
        start, limit = 0, start
    if any(constant_value(bound) is None for bound in _held(start, limit, delta)):
        # How long it is can't be known: something that a `for` statement goes through.
        return range_(start, limit, delta)
    if dtype is None:
        bounds = [tensor("tf.range", bound) for bound in (start, limit, delta)]
        order = [_INT32, _INT64, dtypes.float32, dtypes.float64]
        found = [x.dtype for x in bounds]
        ranked = [dtype for dtype in order if dtype in found]
        dtype = ranked[-1] if ranked else found[0]
    values = [_number("tf.range", bound) for bound in (start, limit, delta)]
    if values[2] == 0:
        raise ArgumentError("tf.range: delta must not be 0; received delta=0")
    return Tensor(np.arange(*values).astype(as_dtype(dtype).numpy))


def _held(*bounds: Any) -> list:
    return [bound.value if isinstance(bound, Variable) else bound for bound in bounds]


def _number(who: str, bound: Any) -> Any:
    known = constant_value(bound.value if isinstance(bound, Variable) else bound)
    if known is None or known.ndim:
        raise ArgumentError(f"{who}: its bounds must be single numbers; received {bound!r}")
    return known.item()


def linspace(
    start: Any, stop: Any, num: Any, name: str | None = None, axis: int = 0
) -> Tensor:
    """`num` evenly spaced numbers from start to stop, both included; ints give float64."""
    start, stop = matching("tf.linspace", start, stop)
    if start.dtype.is_integer:
        start, stop = ops.cast(start, "float64"), ops.cast(stop, "float64")
    return ops.linspace(start, stop, known_int("tf.linspace", num), axis=axis)


def one_hot(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: int = -1,
    dtype: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Vectors with `on_value` at each index, and `off_value` elsewhere.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.one_hot([0, 2], 3).numpy().tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    indices = tensor("tf.one_hot", indices)
    require("tf.one_hot", indices, INTEGERS)
    count = known_int("tf.one_hot", depth)
    if dtype is None:
        given = [value for value in (on_value, off_value) if value is not None]
        dtype = tensor("tf.one_hot", given[0]).dtype if given else dtypes.float32
    on = tensor("tf.one_hot", 1 if on_value is None else on_value, dtype)
    off = tensor("tf.one_hot", 0 if off_value is None else off_value, dtype)
    classes = Tensor(np.arange(count, dtype=indices.dtype.numpy))
    found = ops.where(ops.equal(ops.expand_dims(indices, -1), classes), on, off)
    return found if axis in (-1, indices.ndim) else ops.moveaxis(found, -1, axis)


def meshgrid(*args: Any, **kwargs: Any) -> list[Tensor]:
    """The coordinates of all points of a grid; `indexing` is 'xy' or 'ij'."""
    indexing = kwargs.get("indexing", "xy")
    return ops.meshgrid(*[tensor("tf.meshgrid", x) for x in args], indexing=indexing)


def sequence_mask(
    lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool_, name: str | None = None
) -> Tensor:
    """For each length n a row whose first n elements are true."""
    lengths = tensor("tf.sequence_mask", lengths)
    if maxlen is None:
        known = constant_value(lengths)
        if known is None:
            raise ArgumentError("tf.sequence_mask: give maxlen where lengths are traced")
        maxlen = int(known.max()) if known.size else 0
    places = Tensor(
        np.arange(known_int("tf.sequence_mask", maxlen), dtype=lengths.dtype.numpy)
    )
    return ops.cast(ops.less(places, ops.expand_dims(lengths, -1)), as_dtype(dtype))


# -- shapes ------------------------------------------------------------------------------


def identity(input: Any, name: str | None = None) -> Any:
    """The same values; structures leaf by leaf."""
    from weft import tree

    if tree.is_container(input) and not _is_numeric(input):
        return tree.map(identity, input)
    return tensor("tf.identity", input)


def _is_numeric(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_numeric(item) for item in value)
    return isinstance(value, bool | int | float | complex | str | bytes)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The same elements in another shape; -1 stands for what is left over."""
    x = convert_to_tensor(tensor)
    return ops.reshape(x, known_ints("tf.reshape", shape))


def transpose(
    a: Any, perm: Any = None, conjugate: bool = False, name: str = "transpose"
) -> Tensor:
    """The axes in another order, by default reversed."""
    x = tensor("tf.transpose", a)
    found = ops.transpose(x, None if perm is None else known_ints("tf.transpose", perm))
    return ops.conj(found) if conjugate and x.dtype.kind == "complex" else found


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Tensor:
    """A new axis of extent 1."""
    return ops.expand_dims(
        tensor("tf.expand_dims", input), known_int("tf.expand_dims", axis)
    )


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Without the axes of extent 1, or without these of them."""
    x = tensor("tf.squeeze", input)
    axes = None if axis is None or axis == [] else known_ints("tf.squeeze", axis)
    return ops.squeeze(x, axes)


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """`input` repeated to a shape."""
    x = tensor("tf.broadcast_to", input)
    return ops.broadcast_to(x, known_ints("tf.broadcast_to", shape))


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The shape to which both can be repeated.

    Raises:
        ShapeError: if there is none.
    """
    shapes = (tuple(TensorShape(shape_x)), tuple(TensorShape(shape_y)))
    found = together(shapes)
    if found is None:
        raise ShapeError(
            "tf.broadcast_static_shape: counted from the last axis, extents must be equal "
            f"or 1; received {shapes[0]} and {shapes[1]}"
        )
    return TensorShape(found)


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape to which both can be repeated, as a tensor."""
    pair = [known_ints("tf.broadcast_dynamic_shape", shape) for shape in (shape_x, shape_y)]
    return Tensor(np.array(broadcast_static_shape(*pair), np.int32))


def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """Tensors one after the other along an axis; all of one dtype.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.concat([[1, 2], [3]], 0).numpy().tolist()
        [1, 2, 3]
    """
    parts = values if isinstance(values, list | tuple) else [values]
    tensors = matching("tf.concat", *parts)
    return ops.concatenate(tensors, axis=known_int("tf.concat", axis))


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape along a new axis."""
    if isinstance(values, Tensor | np.ndarray):
        values = list(values)
    return ops.stack(matching("tf.stack", *values), axis=axis)


def unstack(
    value: Any, num: int | None = None, axis: int = 0, name: str = "unstack"
) -> list[Tensor]:
    """The slabs along an axis, as a list."""
    return ops.unstack(tensor("tf.unstack", value), num, axis)


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None,
    name: str = "split",
) -> list[Tensor]:  # fmt: skip
    """The pieces along an axis: so many equal ones, or pieces of these sizes.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> [piece.numpy().tolist() for piece in tf.split([1, 2, 3], [1, 2])]
        [[1], [2, 3]]
    """
    x, axis = tensor("tf.split", value), known_int("tf.split", axis)
    given = num_or_size_splits
    is_count = isinstance(given, int) or (
        isinstance(given, Tensor | np.ndarray | np.generic) and not given.ndim
    )
    if is_count:
        return ops.split(x, known_int("tf.split", given), axis)
    sizes = list(known_ints("tf.split", given))
    extent = x.shape[axis]
    if -1 in sizes:
        sizes[sizes.index(-1)] = extent - sum(n for n in sizes if n != -1)
    if sum(sizes) != extent or min(sizes, default=0) < 0:
        raise ArgumentError(
            f"tf.split: the sizes must add up to the extent {extent} of axis {axis}; "
            f"received {given}"
        )
    places = np.cumsum(sizes)[:-1].tolist()
    return ops.split(x, places, axis)


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """`input` laid side by side, so many times along each axis."""
    x, times = tensor("tf.tile", input), known_ints("tf.tile", multiples)
    if len(times) != x.ndim:
        raise ShapeError(
            f"tf.tile: one multiple for each axis is needed; received {times} for {x.spec}"
        )
    return ops.tile(x, times)


def repeat(input: Any, repeats: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Each element (or slab along an axis) so many times in a row."""
    return ops.repeat(tensor("tf.repeat", input), known_ints("tf.repeat", repeats), axis)


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """A margin of (before, after) elements along each axis.

    Args:
        mode: "CONSTANT", "REFLECT" or "SYMMETRIC".
    """
    x = convert_to_tensor(tensor)
    rows = convert_to_tensor(paddings)
    known = constant_value(rows)
    if known is None or known.shape != (x.ndim, 2):
        raise ShapeError(
            f"tf.pad: paddings must be known, one [before, after] for each axis; received "
            f"{rows.spec} for {x.spec}"
        )
    widths = [tuple(row) for row in known.tolist()]
    mode = mode.lower()
    if mode == "constant":
        return ops.pad(x, widths, "constant", constant_values)
    if mode not in ("reflect", "symmetric"):
        raise ArgumentError(
            f"tf.pad: mode must be CONSTANT, REFLECT or SYMMETRIC; received {mode!r}"
        )
    return ops.pad(x, widths, mode)


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """The elements in reverse order along axes."""
    return ops.flip(convert_to_tensor(tensor), known_ints("tf.reverse", axis))


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """The elements moved along axes; what leaves at one end enters at the other."""
    x = tensor("tf.roll", input)
    return ops.roll(x, known_ints("tf.roll", shift), known_ints("tf.roll", axis))


def reverse_sequence(
    input: Any, seq_lengths: Any, seq_axis: int | None = None, batch_axis: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The first elements of each sequence in reverse order, so many as its length says."""
    x = tensor("tf.reverse_sequence", input)
    seq_axis = 1 if seq_axis is None else seq_axis
    batch_axis = 0 if batch_axis is None else batch_axis
    moved = ops.moveaxis(x, (batch_axis, seq_axis), (0, 1))
    count = moved.shape[1]
    lengths = ops.cast(tensor("tf.reverse_sequence", seq_lengths), "int32")
    places = Tensor(np.arange(count, dtype=np.int32)[None, :])
    lengths = ops.expand_dims(lengths, 1)
    order = ops.where(places < lengths, lengths - 1 - places, places)
    order = ops.reshape(order, (*order.shape, *(1,) * (moved.ndim - 2)))
    found = ops.take_along_axis(moved, order, axis=1)
    return ops.moveaxis(found, (0, 1), (batch_axis, seq_axis))


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """The block of this size that begins there; -1 means: to the end."""
    starts = begin if _is_traced(begin) else known_ints("tf.slice", begin)
    return ops.slice(tensor("tf.slice", input_), starts, known_ints("tf.slice", size))


def _is_traced(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(isinstance(item, TracedTensor) for item in value)
    return isinstance(value, TracedTensor)


def strided_slice(
    input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0,
    end_mask: int = 0, ellipsis_mask: int = 0, new_axis_mask: int = 0,
    shrink_axis_mask: int = 0, var: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """input_[begin:end:strides] along each axis; bits of the masks leave bounds out."""
    begins, ends = (
        known_ints("tf.strided_slice", begin),
        known_ints("tf.strided_slice", end),
    )
    steps = (
        [1] * len(begins) if strides is None else known_ints("tf.strided_slice", strides)
    )
    key: list = []
    for i, (start, stop, step) in enumerate(zip(begins, ends, steps)):
        bit = 1 << i
        if ellipsis_mask & bit:
            key.append(...)
        elif new_axis_mask & bit:
            key.append(None)
        elif shrink_axis_mask & bit:
            key.append(start)
        else:
            first = None if begin_mask & bit else start
            last = None if end_mask & bit else stop
            key.append(builtins.slice(first, last, step))
    return ops.get_item(tensor("tf.strided_slice", input_), tuple(key))


# -- computed places ---------------------------------------------------------------------


def gather(
    params: Any, indices: Any, validate_indices: Any = None, axis: Any = None,
    batch_dims: int = 0, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The slabs of `params` at `indices` along an axis.

    Raises:
        IndexError: for an index out of range (negative ones are), where it is known.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.gather([10, 20, 30], [2, 0]).numpy().tolist()
        [30, 10]
    """
    x, indices = tensor("tf.gather", params), tensor("tf.gather", indices)
    if not batch_dims:
        axis = 0 if axis is None else known_int("tf.gather", axis)
        _require_inside("tf.gather", x, indices, x.shape[axis])
        return ops.take(x, indices, axis=axis)
    batch_dims = batch_dims % (indices.ndim + 1) if batch_dims < 0 else batch_dims
    axis = batch_dims if axis is None else known_int("tf.gather", axis) % x.ndim
    x = ops.moveaxis(x, axis, batch_dims) if axis != batch_dims else x
    lead, rest = x.shape[:batch_dims], x.shape[batch_dims:]
    rows = ops.reshape(x, (math.prod(lead) * rest[0], *rest[1:]))
    starts = np.arange(math.prod(lead)).reshape(lead) * rest[0]
    starts = starts.reshape((*lead, *(1,) * (indices.ndim - batch_dims)))
    places = ops.cast(indices, "int32") + Tensor(starts.astype(np.int32))
    found = ops.take(rows, places, axis=0)
    if axis == batch_dims:
        return found
    # The indices' own axes take the place of the axis that was gathered along.
    own = indices.ndim - batch_dims
    order = list(builtins.range(found.ndim))
    between = axis - batch_dims
    order = [
        *order[:batch_dims],
        *order[batch_dims + own : batch_dims + own + between],
        *order[batch_dims : batch_dims + own],
        *order[batch_dims + own + between :],
    ]
    return ops.transpose(found, order)


def _require_inside(who: str, x: Tensor, indices: Tensor, extent: int) -> None:
    known = None if isinstance(indices, TracedTensor) else indices._array
    if known is not None and known.size and known.min() < 0:
        raise IndexError(
            f"{who}: indices must be in [0, {extent}); received {known.min()} for {x.spec}"
        )


def gather_nd(
    params: Any, indices: Any, batch_dims: int = 0, name: str | None = None,
    bad_indices_policy: str = "",
) -> Tensor:  # fmt: skip
    """What stands at each row of indices, which count along the first axes of `params`."""
    from weft.primitives.indexing import gather as gather_primitive

    x, indices = tensor("tf.gather_nd", params), tensor("tf.gather_nd", indices)
    if batch_dims:
        batch = x.shape[:batch_dims]
        places = np.indices(batch, np.int32).reshape(batch_dims, *batch)
        columns = [
            ops.broadcast_to(
                Tensor(place.reshape((*batch, *(1,) * (indices.ndim - batch_dims)))),
                (*indices.shape[:-1], 1),
            )
            for place in places
        ]
        indices = ops.concatenate([*columns, ops.cast(indices, "int32")], axis=-1)
    count = indices.shape[-1]
    if count > x.ndim:
        raise ShapeError(
            f"tf.gather_nd: the last axis of indices must have at most {x.ndim} places; "
            f"received {indices.spec} for {x.spec}"
        )
    extents = x.shape[:count]
    if count and not isinstance(indices, TracedTensor):
        outside = (indices._array < 0) | (indices._array >= np.array(extents))
        if outside.any():
            raise IndexError(
                f"tf.gather_nd: indices must lie inside {extents}; received "
                f"{indices._array[outside.any(-1)][0].tolist()}"
            )
    return gather_primitive.bind(x, indices, axes=tuple(builtins.range(count)))


def boolean_mask(
    tensor: Any, mask: Any, axis: Any = None, name: str = "boolean_mask"
) -> Tensor:
    """The elements where the mask is true; its values must be known.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.boolean_mask([1, 2, 3], [True, False, True]).numpy().tolist()
        [1, 3]
    """
    x, chosen = convert_to_tensor(tensor), convert_to_tensor(mask, "bool")
    if not chosen.ndim:
        raise ShapeError("tf.boolean_mask: the mask must have an axis; received a scalar")
    before = (builtins.slice(None),) * (0 if axis is None else known_int("axis", axis))
    return ops.get_item(x, (*before, chosen))


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """x where the condition holds, else y; with the condition alone, the places of true.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.where([True, False], 1, 2).numpy().tolist()
        [1, 2]
    """
    if x is None and y is None:
        found = tensor("tf.where", condition)
        known = constant_value(found)
        if known is None:
            raise ArgumentError(
                "tf.where: how many places there are decides the shape, so the condition "
                f"must be known while tracing; received {found.spec}; give x and y"
            )
        return Tensor(np.argwhere(known))
    if x is None or y is None:
        raise ArgumentError("tf.where: give both x and y, or neither; received one of them")
    condition = tensor("tf.where", condition, "bool")
    x, y = matching("tf.where", x, y)
    if x.dtype is dtypes.string:
        chosen = np.where(condition._array, x._array, y._array)
        return Tensor(_objects(chosen))
    return ops.where(condition, x, y)


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros of a shape, with updates added in at indices."""
    updates = tensor("tf.scatter_nd", updates)
    blank = ops.zeros(known_ints("tf.scatter_nd", shape), updates.dtype)
    return ops.scatter_update(blank, tensor("tf.scatter_nd", indices), updates, "add")


def _scatter(name: str, doc: str, reduction: str | None) -> Any:
    who = f"tf.{name}"

    def function(
        tensor: Any, indices: Any, updates: Any, name: str | None = None
    ) -> Tensor:
        x, updates = matching(who, tensor, updates)
        return ops.scatter_update(x, convert_to_tensor(indices), updates, reduction)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


tensor_scatter_nd_update, tensor_scatter_nd_add, tensor_scatter_nd_max, \
    tensor_scatter_nd_min = (
    _scatter(f"tensor_scatter_nd_{name}", f"The tensor with updates {what}.", reduction)
    for name, what, reduction in (
        ("update", "put in at indices", None),
        ("add", "added at indices", "add"),
        ("max", "put in at indices where they are larger", "max"),
        ("min", "put in at indices where they are smaller", "min"),
    )
)  # fmt: skip


def tensor_scatter_nd_sub(
    tensor: Any, indices: Any, updates: Any, name: str | None = None
) -> Tensor:
    """The tensor with updates subtracted at indices."""
    x, updates = matching("tf.tensor_scatter_nd_sub", tensor, updates)
    return ops.scatter_update(x, convert_to_tensor(indices), ops.negative(updates), "add")


# -- checking ----------------------------------------------------------------------------


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """`x`, if it has a shape that fits.

    Raises:
        ShapeError: if it does not.
    """
    found = tensor("tf.ensure_shape", x)
    if not TensorShape(shape).is_compatible_with(found.shape):
        raise ShapeError(
            f"tf.ensure_shape: the shape must be {TensorShape(shape)}; received {found.spec}"
        )
    return found


__all__ = [
    "DType", "TensorShape", "bitcast", "boolean_mask", "broadcast_dynamic_shape",
    "broadcast_static_shape", "broadcast_to", "cast", "concat", "constant",
    "convert_to_tensor", "ensure_shape", "expand_dims", "eye", "fill", "gather", "gather_nd",
    "get_static_value", "identity",
    "is_tensor", "linspace", "meshgrid", "one_hot", "ones", "ones_like", "pad", "range",
    "rank", "repeat", "reshape", "reverse", "reverse_sequence", "roll", "saturate_cast",
    "scatter_nd", "sequence_mask", "shape", "shape_n", "size", "slice",
    "split", "squeeze", "stack", "strided_slice", "tensor_scatter_nd_add",
    "tensor_scatter_nd_max", "tensor_scatter_nd_min", "tensor_scatter_nd_sub",
    "tensor_scatter_nd_update", "tile", "transpose",
    "unstack", "where", "zeros", "zeros_like",
]  # fmt: skip
