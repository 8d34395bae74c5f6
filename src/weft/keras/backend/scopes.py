"""What holds while a block runs: the dtype variables are read in, and symbolic running."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator
from typing import Any

from weft.dtypes import DType
from weft.errors import ArgumentError
from weft.ops import convert_to_tensor


class _Scopes(threading.local):
    """`autocast` is the dtype that float variables are read in, None to leave them.

    `unknown` is the size that stands for unknown extents while shapes are inferred, None
    outside of that.
    """

    def __init__(self) -> None:
        self.autocast: DType | None = None
        self.unknown: int | None = None
        self.stateless: list[Any] = []
        self.allowance: Allowance | None = None

    @property
    def is_plain(self) -> bool:
        """Whether no scope is open that changes what a layer computes."""
        return self.autocast is None and self.unknown is None and not self.stateless


SCOPES = _Scopes()


class Allowance:
    """How much memory variables may take while a model is made out of a file.

    A file of a few lines can ask for a layer of any size: it is refused before the memory
    is taken.
    """

    def __init__(self, size: int, who: str) -> None:
        self.left, self.who = size, who

    def take(self, shape: tuple[int, ...], dtype: DType, name: str) -> None:
        """Count a variable.

        Raises:
            ArgumentError: if there is not so much left.
        """
        size = math.prod(shape) * dtype.size
        if size > self.left:
            raise ArgumentError(
                f"{self.who}: the variable {name!r} of shape {shape} takes {size:,} bytes, "
                "far more than the file holds; the file is damaged, or made to hurt"
            )
        self.left -= size


@contextlib.contextmanager
def _having(name: str, value: Any) -> Iterator[None]:
    before = getattr(SCOPES, name)
    setattr(SCOPES, name, value)
    try:
        yield
    finally:
        setattr(SCOPES, name, before)


def allocating(allowance: Allowance) -> contextlib.AbstractContextManager[None]:
    """Variables made inside are counted."""
    return _having("allowance", allowance)


def autocast(dtype: DType | None) -> contextlib.AbstractContextManager[None]:
    """Float variables read inside come in `dtype`."""
    return _having("autocast", dtype)


def inferring(unknown: int | None) -> contextlib.AbstractContextManager[None]:
    """Inside, `unknown` stands for extents that are not known."""
    return _having("unknown", unknown)


def in_symbolic_scope() -> bool:
    """Whether shapes are being inferred: values are of no consequence."""
    return SCOPES.unknown is not None


def known_shape(shape: tuple[int, ...]) -> tuple[int | None, ...]:
    """The shape with None where an unknown extent is being stood in for."""
    unknown = SCOPES.unknown
    if unknown is None:
        return tuple(shape)
    return tuple([None if extent == unknown else extent for extent in shape])


class StatelessScope:
    """Variables keep their values inside; what is assigned is kept by the scope instead.

    Args:
        state_mapping: pairs (variable, value to read inside).
        collect_losses: keep what `add_loss` gives, in `losses`.
        initialize_variables: accepted for compatibility; variables always have a value.
    """

    def __init__(
        self,
        state_mapping: Any = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        self.collect_losses = collect_losses
        self.initialize_variables = initialize_variables
        self.losses: list[Any] = []
        self._values: dict[int, tuple[Any, Any]] = {}
        for variable, value in state_mapping or ():
            value = convert_to_tensor(value, dtype=variable.dtype)
            self._values[id(variable)] = (variable, value)

    def __enter__(self) -> StatelessScope:
        SCOPES.stateless.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        SCOPES.stateless.pop()

    def add_loss(self, loss: Any) -> None:
        self.losses.append(loss)

    def add_update(self, update: tuple[Any, Any]) -> None:
        variable, value = update
        self._values[id(variable)] = (variable, value)

    def get_current_value(self, variable: Any) -> Any:
        """The value the variable has here, None where the scope has none."""
        found = self._values.get(id(variable))
        return None if found is None else found[1]


class SymbolicScope(contextlib.AbstractContextManager):
    """Marks a block in which only shapes matter."""

    def __enter__(self) -> SymbolicScope:
        self._scope = inferring(SCOPES.unknown or -1)
        self._scope.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._scope.__exit__(*exception)
