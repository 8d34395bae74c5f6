"""Shapes of symbolic tensors: a function is traced twice, and what follows is unknown.

The shape rules of the engine know ints only. An unknown extent is stood in for by one size,
then by twice that size; results' extents that differ are unknown too. Nothing is computed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from weft import tree
from weft.core.spec import Spec
from weft.core.state import recording, tracing
from weft.core.tensor import Tensor
from weft.core.trace import Trace
from weft.core.variable import Variable
from weft.errors import InvalidArgumentError
from weft.keras.backend.keras_tensor import KerasTensor
from weft.keras.backend.scopes import SCOPES, inferring
from weft.ops.convert import convert_to_tensor

# Divisible by what strides, patches and reshapes usually are.
_STANDINS = (3360, 5040, 10080, 15120, 20160, 30240, 40320, 60480)


def compute_output_spec(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """What `function(*args, **kwargs)` returns, as KerasTensors, without computing it.

    Example:
        >>> import weft.keras as keras
        >>> from weft.keras.backend.symbolic import compute_output_spec
        >>> compute_output_spec(lambda x: x @ x.T, keras.KerasTensor((None, 4))).shape
        (None, None)
    """
    leaves, structure = tree.flatten((args, kwargs))
    symbols = [leaf for leaf in leaves if isinstance(leaf, KerasTensor)]
    extents = {extent for symbol in symbols for extent in symbol.shape}
    if None not in extents:
        found = _run(function, leaves, structure, SCOPES.unknown or -1)
        return _as_symbols(found, found)
    standins = [size for size in _STANDINS if size not in extents]
    # A shape rule that depends on more than divisibility may refuse one size only.
    try:
        first = _run(function, leaves, structure, standins[0])
    except InvalidArgumentError as error:
        text = re.sub(rf"\b{standins[0]}\b", "None", str(error))
        error.args = (text, *error.args[1:])
        raise
    second = _run(function, leaves, structure, standins[1])
    return _as_symbols(first, second)


def compute_step_spec(function: Callable, *args: Any) -> Any:
    """Likewise for a step on a batch of known shape; layers in it may add losses."""
    leaves, structure = tree.flatten((args, {}))
    found = _run(function, leaves, structure, None)
    return _as_symbols(found, found)


def _run(function: Callable, leaves: list, structure: Any, unknown: int | None) -> Any:
    trace = Trace("symbolic")
    with tracing(trace), recording(()), inferring(unknown):
        stood_in = [_stand_in(leaf, trace, unknown) for leaf in leaves]
        args, kwargs = tree.unflatten(structure, stood_in)
        return function(*args, **kwargs)


def _stand_in(leaf: Any, trace: Trace, unknown: int | None) -> Any:
    if not isinstance(leaf, KerasTensor):
        return leaf
    shape = tuple([unknown or -1 if extent is None else extent for extent in leaf.shape])
    return trace.new_input(Spec(shape, leaf.dtype), leaf.name)


def _as_symbols(first: Any, second: Any) -> Any:
    ones, structure = tree.flatten(first)
    twos = tree.leaves(second)
    return tree.unflatten(structure, [_symbol(*pair) for pair in zip(ones, twos)])


def _symbol(first: Any, second: Any) -> Any:
    if first is None or isinstance(first, KerasTensor):
        return first
    if not isinstance(first, Tensor | Variable):
        if not isinstance(first, bool | int | float | np.ndarray | np.generic):
            return first
        first, second = convert_to_tensor(first), convert_to_tensor(second)
    pairs = zip(first.shape, second.shape)
    return KerasTensor(tuple([a if a == b else None for a, b in pairs]), first.dtype)
