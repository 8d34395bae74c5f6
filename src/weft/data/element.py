"""Elements of a dataset: structures of NumPy arrays, their specs, and stacking them.

Tuples, named tuples and dicts are structures, and keep the order of their keys. Lists are
data. None is nothing: it stays where it stands. A leaf may also be a Node: a dataset inside
of an element, as `window` gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.errors import ArgumentError, ShapeError
from weft.function.signature import TensorSpec
from weft.ops.convert import convert_to_tensor

Element = Any
"""An array, or a tuple or dict of elements."""

INFINITE = -1
UNKNOWN = -2


class DatasetSpec:
    """What is known of a dataset that is part of an element."""

    __slots__ = ("element_spec",)

    def __init__(self, element_spec: Any) -> None:
        self.element_spec = element_spec

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatasetSpec) and self.element_spec == other.element_spec

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"DatasetSpec({self.element_spec!r})"


# -- structures --------------------------------------------------------------------------


def map_leaves(function: Callable, element: Any, *others: Any) -> Any:
    """`function` leaf by leaf; the others must have the first one's structure."""
    if type(element) is tuple:
        return tuple([map_leaves(function, *parts) for parts in zip(element, *others)])
    if isinstance(element, dict):
        return {
            key: map_leaves(function, part, *[other[key] for other in others])
            for key, part in element.items()
        }
    if isinstance(element, tuple):  # a named one
        return type(element)(*[map_leaves(function, *p) for p in zip(element, *others)])
    return None if element is None else function(element, *others)


def leaves(element: Any) -> list:
    """The leaves in order."""
    found: list = []
    map_leaves(found.append, element)
    return found


def same_structure(one: Any, other: Any) -> bool:
    """Whether two elements are nested alike."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same_structure(part, other[key]) for key, part in one.items())
        )
    if isinstance(one, tuple):
        return (
            isinstance(other, tuple)
            and len(one) == len(other)
            and all(map(same_structure, one, other))
        )
    return not isinstance(other, dict | tuple) and (one is None) == (other is None)


def to_arrays(value: Any) -> Element:
    """What a user gave as an element, with arrays as leaves; NumPy arrays are copied."""
    return map_leaves(_leaf, value)


def _leaf(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value._array
    node = getattr(value, "_node", None)
    if node is not None:
        return node
    if isinstance(value, np.memmap):
        return value  # What lies in a file is read when it is needed.
    if isinstance(value, list):
        value = _list_of_tensors(value)
    return convert_to_tensor(value)._array


def _list_of_tensors(value: list) -> Any:
    """A long list of tensors is stacked at once, not item by item."""
    if value and all(type(item) is Tensor for item in value):
        return np.stack([item._array for item in value])
    return value


def to_tensors(element: Element, of_node: Callable = lambda node: node) -> Any:
    """The element as users see it; a Node becomes what `of_node` makes of it."""

    def leaf(value: Any) -> Any:
        return Tensor(value) if isinstance(value, np.ndarray) else of_node(value)

    return map_leaves(leaf, element)


def to_traced_leaf(value: Any) -> Any:
    """A leaf of a user function's result as a tensor (or a Node)."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Variable):
        return value.value
    return getattr(value, "_node", None) or convert_to_tensor(value)


def unpack_list(result: Any) -> Any:
    """A function that returns `[a, b]` means two parts, as in tf.data."""
    return tuple(result) if isinstance(result, list) else result


# -- specs -------------------------------------------------------------------------------


def spec_of(element: Element) -> Any:
    """The structure of TensorSpecs of one element."""

    def leaf(value: Any) -> Any:
        if hasattr(value, "elements"):
            return DatasetSpec(value.spec)
        return TensorSpec(value.shape, value.dtype)

    return map_leaves(leaf, element)


def with_axis(spec: Any, extent: int | None) -> Any:
    """The spec of a batch of so many elements."""

    def leaf(one: Any) -> Any:
        if isinstance(one, DatasetSpec):
            return one
        shape = None if one.shape is None else (extent, *one.shape)
        return TensorSpec(shape, one.dtype)

    return map_leaves(leaf, spec)


def zeros_of(spec: Any, of_dataset: Callable, unknown: int = 1) -> Element:
    """An element of zeros (or empty text) for a spec; `unknown` for extents not known."""

    def leaf(one: Any) -> Any:
        if isinstance(one, DatasetSpec):
            return of_dataset(zeros_of(one.element_spec, of_dataset, unknown))
        shape = [unknown if extent is None else extent for extent in one.shape or ()]
        return np.full(shape, "" if one.dtype == "string" else 0, one.dtype.numpy)

    return map_leaves(leaf, spec)


def without_axis(spec: Any) -> Any:
    """The spec of one row of a batch."""
    return map_leaves(
        lambda one: TensorSpec(None if one.shape is None else one.shape[1:], one.dtype),
        spec,
    )


def with_unknown_extents(spec: Any) -> Any:
    """The specs with their ranks and dtypes only."""

    def leaf(one: Any) -> Any:
        if isinstance(one, DatasetSpec):
            return one
        shape = None if one.shape is None else [None] * len(one.shape)
        return TensorSpec(shape, one.dtype)

    return map_leaves(leaf, spec)


def merge_specs(one: Any, other: Any) -> Any:
    """What two specs have in common: None for extents that differ."""

    def leaf(a: Any, b: Any) -> Any:
        if isinstance(a, DatasetSpec) or a == b:
            return a
        if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
            return TensorSpec(None, a.dtype)
        shape = [x if x == y else None for x, y in zip(a.shape, b.shape)]
        return TensorSpec(shape, a.dtype)

    return map_leaves(leaf, one, other)


def describe(element: Element) -> str:
    """A short text: `(f32[28,28], u8[])`."""

    def leaf(value: Any) -> str:
        return str(Tensor(value).spec) if isinstance(value, np.ndarray) else "dataset"

    return str(map_leaves(leaf, element)).replace("'", "")


# -- many elements as one ----------------------------------------------------------------


def stack(elements: Sequence[Element], who: str = "batch") -> Element:
    """One element whose leaves have a further first axis.

    Raises:
        ShapeError: leaves of different shapes.
        ArgumentError: elements of different structures.
    """

    def leaf(*arrays: Any) -> np.ndarray:
        first = arrays[0]
        if not isinstance(first, np.ndarray | np.generic):
            raise ArgumentError(
                f"{who}: datasets cannot be stacked; received an element that holds one "
                "(from window?); flatten them first: "
                f"ds.flat_map(lambda window: window.batch(n))"
            )
        try:
            return np.stack(arrays)
        except ValueError:
            raise _ragged(who, arrays) from None

    try:
        return map_leaves(leaf, *elements)
    except (KeyError, TypeError, AttributeError, IndexError):
        raise _mixed(who, elements) from None


def _ragged(who: str, arrays: Sequence[np.ndarray]) -> ShapeError:
    shape = arrays[0].shape
    number, other = next(
        (number, array.shape) for number, array in enumerate(arrays) if array.shape != shape
    )
    return ShapeError(
        f"{who}: the elements of a batch must have one shape; received {shape} for its "
        f"element 0 and {other} for its element {number}; use padded_batch, or map them to "
        "one shape first"
    )


def _mixed(who: str, elements: Sequence[Element]) -> ArgumentError:
    return ArgumentError(
        f"{who}: the elements of a batch must have one structure; received "
        f"{describe(elements[0])} and {describe(elements[-1])}"
    )


def rows_of(batch: Element, count: int) -> list[Element]:
    """The rows of a batch, one element each (views)."""
    return [map_leaves(lambda array: array[row, ...], batch) for row in range(count)]


def count_rows(batch: Element, who: str) -> int:
    """The common first extent of all leaves.

    Raises:
        ArgumentError: no leaves, leaves without axes, or extents that differ.
    """
    arrays = leaves(batch)
    if not arrays:
        raise ArgumentError(f"{who}: expected at least one array; received {batch!r}")
    for array in arrays:
        if array.ndim == 0:
            raise ShapeError(
                f"{who}: a number without axes has no slices; received {array!r}; use "
                "from_tensors for a single element"
            )
    extents = {len(array) for array in arrays}
    if len(extents) > 1:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ShapeError(
            f"{who}: all parts must have the same number of rows; received shapes {shapes}"
        )
    return extents.pop()


def to_json(structure: Any, number: list[int]) -> Any:
    """A structure as JSON; leaves are counted by `number`."""
    if structure is None:
        return None
    if isinstance(structure, dict):
        odd = [key for key in structure if not isinstance(key, str)]
        if odd:
            raise ArgumentError(
                f"save: keys of dicts must be texts; received {odd[0]!r}; rename it in a "
                "map first"
            )
        return {"dict": {key: to_json(part, number) for key, part in structure.items()}}
    if isinstance(structure, tuple):
        return {"tuple": [to_json(part, number) for part in structure]}
    number[0] += 1
    return number[0] - 1


def from_json(structure: Any, items: Sequence[Any]) -> Any:
    """The inverse of `to_json`, with `items` as leaves."""
    if structure is None:
        return None
    if isinstance(structure, int):
        return items[structure]
    if "dict" in structure:
        return {key: from_json(part, items) for key, part in structure["dict"].items()}
    return tuple(from_json(part, items) for part in structure["tuple"])
