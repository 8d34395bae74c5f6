"""tf.function: weft's functions, whose results are always tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from weft import tree
from weft.compat.conversion import convert_to_tensor
from weft.compat.tensorflow._tensor_array import learning
from weft.function.function import Function as WeftFunction


def _as_tensors(result: Any) -> Any:
    """Python's numbers among the results as tensors; all else as it is."""

    def convert(leaf: Any) -> Any:
        return convert_to_tensor(leaf) if isinstance(leaf, bool | int | float) else leaf

    return tree.map(convert, result)


class Function(WeftFunction):
    """A Python function that is traced into graphs; made by `tf.function`."""

    def _call_ordered(self, values: Sequence[Any]) -> Any:
        return _as_tensors(super()._call_ordered(values))

    def _trace(self, *arguments: Any) -> Any:
        return learning(lambda: super(Function, self)._trace(*arguments))

    def _inline(self, args: tuple, kwargs: dict) -> Any:
        return _as_tensors(super()._inline(args, kwargs))


def function(
    func: Callable | None = None, input_signature: Any = None, autograph: bool = True,
    jit_compile: bool | None = None, reduce_retracing: bool = False,
    experimental_implements: Any = None, experimental_autograph_options: Any = None,
    experimental_attributes: Any = None, experimental_relax_shapes: Any = None,
    experimental_compile: Any = None, experimental_follow_type_hints: Any = None,
) -> Any:  # fmt: skip
    """Trace a Python function into programs, one per signature.

    Args:
        func: or None, to be used as `@tf.function(...)`.
        input_signature: a list of `tf.TensorSpec`.
        autograph: whether `if`, `for` and `while` on tensors become part of the program.

    The other arguments are taken and change nothing: every program is compiled.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> @tf.function
        ... def square(x):
        ...     return x * x
        >>> int(square(tf.constant(3)))
        9
    """
    options = {"input_signature": input_signature, "autograph": autograph}
    if func is None:
        return functools.partial(function, **options)
    if isinstance(func, WeftFunction):
        func = func.python_function
    method = getattr(func, "__func__", None)
    if method is not None:
        instance = func.__self__  # type: ignore[attr-defined]
        return Function(method, _instance=lambda: (instance,), **options)
    return Function(func, **options)
