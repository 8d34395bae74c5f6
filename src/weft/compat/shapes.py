"""TensorShape: a tuple of extents with TensorFlow's methods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from weft.core.tensor import Tensor
from weft.errors import ArgumentError


class TensorShape(tuple):
    """The shape of a tensor: a tuple that also knows `as_list`, `rank` and the like.

    None stands for an extent that is not known; `TensorShape(None)` for a shape of which
    not even the rank is.

    Example:
        >>> from weft.compat.shapes import TensorShape
        >>> TensorShape([2, 3]).as_list(), TensorShape([2, 3]) == [2, 3]
        ([2, 3], True)
    """

    def __new__(cls, dims: Any = ()) -> TensorShape:
        if dims is None:
            return tuple.__new__(_UnknownShape)
        if isinstance(dims, _UnknownShape):
            return dims
        if type(dims) is tuple or isinstance(dims, TensorShape):
            return tuple.__new__(cls, dims)
        if isinstance(dims, Tensor):
            dims = dims.numpy()
        if not isinstance(dims, Iterable):
            dims = (dims,)
        return tuple.__new__(cls, [None if n is None else int(n) for n in dims])

    # -- facts ---------------------------------------------------------------------

    @property
    def rank(self) -> int | None:
        """The number of axes; None if it is not known."""
        return len(self)

    @property
    def ndims(self) -> int | None:
        """`rank`, under its older name."""
        return self.rank

    @property
    def dims(self) -> list | None:
        """The extents as a list."""
        return list(self)

    def as_list(self) -> list:
        """The extents as a list of ints and None."""
        return list(self)

    def num_elements(self) -> int | None:
        """The product of the extents; None if one is not known."""
        product = 1
        for extent in self:
            if extent is None:
                return None
            product *= extent
        return product

    def is_fully_defined(self) -> bool:
        """Whether every extent is known."""
        return None not in self

    def is_compatible_with(self, other: Any) -> bool:
        """Whether some shape fits both."""
        other = TensorShape(other)
        if self.rank is None or other.rank is None:
            return True
        pairs = zip(tuple(self), tuple(other))
        return len(self) == len(other) and all(
            a is None or b is None or a == b for a, b in pairs
        )

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raise ValueError unless the shapes are compatible."""
        if not self.is_compatible_with(other):
            raise ArgumentError(
                f"TensorShape: shapes must be compatible; received {self} and {other}"
            )

    def assert_has_rank(self, rank: int) -> None:
        """Raise ValueError unless the shape has that rank."""
        if self.rank not in (None, rank):
            raise ArgumentError(f"TensorShape: rank {rank} is needed; received {self}")

    # -- combining -----------------------------------------------------------------

    def concatenate(self, other: Any) -> TensorShape:
        """The extents of this shape, then those of the other."""
        other = TensorShape(other)
        if self.rank is None or other.rank is None:
            return TensorShape(None)
        return tuple.__new__(TensorShape, (*self, *other))

    def merge_with(self, other: Any) -> TensorShape:
        """What both together know."""
        other = TensorShape(other)
        self.assert_is_compatible_with(other)
        if self.rank is None:
            return other
        if other.rank is None:
            return self
        return TensorShape([b if a is None else a for a, b in zip(self, other)])

    def __add__(self, other: Any) -> TensorShape:  # type: ignore[override]
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape(other).concatenate(self)

    def __getitem__(self, key: Any) -> Any:  # type: ignore[override]
        found = tuple.__getitem__(self, key)
        return tuple.__new__(TensorShape, found) if isinstance(key, slice) else found

    # -- comparing and showing -----------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, tuple):
            try:
                other = TensorShape(other)
            except (TypeError, ValueError):
                return False
        return self.rank == getattr(other, "rank", len(other)) and tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    def __repr__(self) -> str:
        return f"TensorShape({list(self)})"

    def __str__(self) -> str:
        return tuple.__repr__(tuple(self))

    def __reduce__(self) -> tuple:
        return TensorShape, (None if self.rank is None else list(self),)


class _UnknownShape(TensorShape):
    """A shape of which nothing is known."""

    @property
    def rank(self) -> None:
        return None

    @property
    def dims(self) -> None:
        return None

    def as_list(self) -> list:
        raise ArgumentError("TensorShape.as_list: the rank of this shape is not known")

    def num_elements(self) -> None:
        return None

    def is_fully_defined(self) -> bool:
        return False

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "TensorShape(None)"

    def __str__(self) -> str:
        return "<unknown>"

    __hash__ = tuple.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _UnknownShape)
