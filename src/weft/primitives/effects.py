"""Effects: printing, checking, and calling Python from inside a graph."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, DTypeError, InvalidArgumentError, ShapeError

# -- print -------------------------------------------------------------------------------


def _print_spec(
    *specs: Spec, template: str, stream: str = "stdout", end: str = "\n"
) -> tuple[Spec, ...]:
    return ()


def _print_evaluate(
    *arrays: np.ndarray, template: str, stream: str = "stdout", end: str = "\n"
) -> tuple:
    values = [array[()] if array.ndim == 0 else array for array in arrays]
    # Looked up now: who captures the output has put another stream in its place.
    print(template.format(*values), end=end, file=getattr(sys, stream), flush=True)
    return ()


print_values = Primitive(
    "print_values", spec=_print_spec, evaluate=_print_evaluate, results=True, effects=True
)
"""`print_values(*tensors; template, [stream, end])`: prints `template.format(*values)`."""


# -- check -------------------------------------------------------------------------------


class CheckError(InvalidArgumentError, AssertionError):
    """A check inside of a graph that did not hold."""


def _check_spec(ok: Spec, *specs: Spec, message: str) -> tuple[Spec, ...]:
    if ok.shape != ():
        raise ShapeError(
            f"check: the condition must be one value; received {ok}; reduce it"
        )
    if not ok.dtype.is_bool:
        raise DTypeError(f"check: the condition must be a bool; received {ok}; compare it")
    return ()


def _check_evaluate(ok: np.ndarray, *arrays: np.ndarray, message: str) -> tuple:
    if not ok:
        raise CheckError(message.format(*[a[()] if a.ndim == 0 else a for a in arrays]))
    return ()


check = Primitive(
    "check", spec=_check_spec, evaluate=_check_evaluate, results=True, effects=True
)
"""`check(ok, *tensors; message)`: raises CheckError with `message.format(*values)`."""


# -- host_effect -------------------------------------------------------------------------


def _effect_spec(*specs: Spec, function: Callable) -> tuple[Spec, ...]:
    return ()


def _effect_evaluate(*arrays: np.ndarray, function: Callable) -> tuple:
    function(*arrays)
    return ()


host_effect = Primitive(
    "host_effect", spec=_effect_spec, evaluate=_effect_evaluate, results=True, effects=True
)
"""`host_effect(*tensors; function)`: calls a Python function with arrays, once per run."""


# -- host_call ---------------------------------------------------------------------------


def _host_spec(
    *inputs: Spec, function: Callable, specs: tuple[Spec, ...], vjp: Callable | None = None
) -> tuple[Spec, ...]:
    return specs


def _host_evaluate(
    *arrays: np.ndarray,
    function: Callable,
    specs: tuple[Spec, ...],
    vjp: Callable | None = None,
) -> list[np.ndarray]:
    found = function(*arrays)
    results = list(found) if isinstance(found, tuple | list) else [found]
    if len(results) != len(specs):
        raise ArgumentError(
            f"host_call: {_name(function)} should give {len(specs)} arrays; "
            f"received {len(results)}"
        )
    arrays_out = []
    for result, spec in zip(results, specs):
        array = np.asarray(result, spec.dtype.numpy)
        if array.shape != spec.shape:
            raise ShapeError(
                f"host_call: {_name(function)} should give {spec}; "
                f"received shape {array.shape}"
            )
        arrays_out.append(array)
    return arrays_out


def _name(function: Callable) -> str:
    return getattr(function, "__name__", type(function).__name__)


host_call = Primitive("host_call", spec=_host_spec, evaluate=_host_evaluate, results=True)
"""`host_call(*tensors; function, specs, [vjp])`: NumPy arrays through a Python function.

`function` is pure: it may run more or fewer times than it is written. `vjp`, where given,
is `(cotangents, outputs, *inputs) -> cotangents` on tensors.
"""


@host_call.vjp
def _(
    cts: tuple[Tensor, ...],
    outs: tuple[Tensor, ...],
    *inputs: Tensor,
    function: Callable,
    specs: tuple[Spec, ...],
    vjp: Callable | None = None,
) -> Any:
    if vjp is None:
        raise ArgumentError(
            f"gradient: {_name(function)} runs in Python and its derivative is not known; "
            "give host_call a vjp, or wrap it in weft.stop_gradient"
        )
    return vjp(cts, outs, *inputs)
