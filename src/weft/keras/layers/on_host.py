"""Layers that Python evaluates, on arrays: text and tables of words are for no program.

In a program they are calls of Python (numbers) or refused (text); between symbolic tensors
they say what comes out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from weft import dtypes, ops
from weft.core.spec import Spec
from weft.core.tensor import Tensor, TracedTensor
from weft.core.variable import Variable
from weft.dtypes import canonical
from weft.errors import ArgumentError, TraceError
from weft.keras.backend.keras_tensor import KerasTensor
from weft.keras.backend.scopes import in_symbolic_scope
from weft.keras.layers.layer import Layer
from weft.primitives.effects import host_call

ENCODINGS = ("one_hot", "multi_hot", "count")


class HostLayer(Layer):
    """A layer whose computation is a Python function of arrays."""

    takes_text = False
    """Whether a model with such a layer runs layer by layer on data with text."""

    _input_kind: str | None = None
    """The dtype of its inputs; None takes text and numbers."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.autocast = False
        self._build_at_init()

    def _converted(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        first, *others = args or (kwargs.pop("inputs"),)
        return (self._as_input(first), *others), kwargs

    def _as_input(self, value: Any, kind: str | None = None) -> Any:
        """A tensor of this kind, or of the layer's own."""
        if isinstance(value, KerasTensor) or _is_shape_only(value):
            return value
        if isinstance(value, Variable):
            value = value.value
        found = value if isinstance(value, Tensor) else ops.convert_to_tensor(value)
        kind = kind or self._input_kind
        wanted = None if kind is None else canonical(kind)
        if wanted is not None and found.dtype is not wanted:
            if dtypes.string in (found.dtype, wanted):
                raise ArgumentError(
                    f"{type(self).__name__} {self.name!r}: inputs must be "
                    f"{'text' if wanted is dtypes.string else 'numbers'}; received "
                    f"{found.spec}"
                )
            found = ops.cast(found, wanted)
        return found

    def _on_host(
        self, function: Callable, inputs: list[Tensor], shape: tuple, dtype: str
    ) -> Tensor:
        """`function` of the inputs' arrays, which gives an array of this spec."""
        if not any(isinstance(x, TracedTensor) for x in inputs):
            return Tensor(function(*[x._array for x in inputs]))
        kinds = [x.dtype for x in inputs] + [canonical(dtype)]
        if dtypes.string in kinds and not in_symbolic_scope():
            raise TraceError(
                f"{type(self).__name__} {self.name!r}: text stays outside of programs; "
                "received a traced tensor; call the layer before the function, for example "
                "in dataset.map"
            )
        spec = Spec(shape, canonical(dtype))
        return host_call.bind(*inputs, function=function, specs=(spec,))[0]


def _is_shape_only(value: Any) -> bool:
    """Whether only its shape is of consequence: models are built without knowing dtypes."""
    return isinstance(value, TracedTensor) and in_symbolic_scope()


def encoded_shape(shape: tuple, size: int, mode: str) -> tuple:
    """The shape of category numbers of this shape as vectors."""
    if mode != "one_hot":
        if len(shape) > 2 and shape[-1] == 1:
            # As Keras has it: columns of numbers belong together.
            return (*shape[:-2], 1, size)
        return (*shape[:-1], size)
    if len(shape) < 2:
        return (*(shape or (1,)), size)
    return (*(shape[:-1] if shape[-1] == 1 else shape), size)


def encoded(numbers: np.ndarray, size: int, mode: str) -> np.ndarray:
    """Category numbers as vectors of this size; numbers below 0 say nothing.

    'one_hot' has one vector for each number (a last axis of extent 1 is the number itself),
    'multi_hot' and 'count' one for all of the last axis.
    """
    shape = encoded_shape(numbers.shape, size, mode)
    rows = numbers.reshape(math.prod(shape[:-1]), -1) if numbers.size else (
        np.empty((math.prod(shape[:-1]), 0), np.int64))  # fmt: skip
    is_known = (rows >= 0) & (rows < size)
    places = (np.arange(len(rows))[:, None] * size + rows)[is_known]
    counts = np.bincount(places, minlength=len(rows) * size).astype(np.int64)
    if mode != "count":
        counts = np.minimum(counts, 1)
    return counts.reshape(shape)


def text_batches(data: Any, steps: int | None = None) -> Iterator[Any]:
    """The batches of what `adapt` is given: an array, a list, or an iterable of batches."""
    if isinstance(data, str | bytes | list | tuple | Tensor | Variable) or hasattr(
            data, "__array__"):  # fmt: skip
        yield data
        return
    for number, batch in enumerate(data):
        if steps is not None and number >= steps:
            return
        if isinstance(batch, tuple | dict):
            raise ArgumentError(
                "adapt: the data must give the inputs alone; received "
                f"a {type(batch).__name__} of {len(batch)} parts; take them out first: "
                "adapt(dataset.map(lambda x, y: x))"
            )
        yield batch
