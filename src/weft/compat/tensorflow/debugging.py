"""tf.debugging: assertions, now or inside of traced functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weft import ops
from weft.compat.conversion import (
    as_dtype,
    convert_to_tensor,
    floating,
    known_ints,
    matching,
    tensor,
)
from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.errors import (
    ArgumentError,
    ArgumentTypeError,
    DTypeError,
    ShapeError,
)
from weft.errors import disable_traceback_filtering as disable_traceback_filtering
from weft.errors import enable_traceback_filtering as enable_traceback_filtering
from weft.errors import is_traceback_filtering_enabled as is_traceback_filtering_enabled
from weft.ops.promotion import named
from weft.primitives.effects import check


class AssertionFailedError(ArgumentError, AssertionError):
    """An assertion on values that did not hold."""


def _assert(who: str, holds: Tensor, message: str | None, tensors: list[Tensor]) -> None:
    ok = ops.all(holds)
    note = f"{message}: " if message else ""
    places = ", ".join(f"{name} = {{}}" for name in ("x", "y")[: len(tensors)])
    rule = f"{note}{who}: the condition does not hold; received {places}"
    if STATE.trace is not None:
        escaped = (message or "").replace("{", "{{").replace("}", "}}")
        note = f"{escaped}: " if message else ""
        rule = f"{note}{who}: the condition does not hold; received {places}"
        check.bind(ok, *tensors, message=rule)
    elif not bool(ok._array):
        shown = [str(one._array)[:200] for one in tensors]
        found = ", ".join(f"{name} = {text}" for name, text in zip(("x", "y"), shown))
        raise AssertionFailedError(
            f"{note}{who}: the condition does not hold; received {found}"
        )


def _of_two(name: str, doc: str, operation: Callable) -> Callable:
    who = f"tf.debugging.{name}"

    def function(
        x: Any, y: Any, message: str | None = None, summarize: Any = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        x, y = matching(who, x, y)
        _assert(who, operation(x, y), message, [x, y])

    return named(function, name, doc)


def _equal_or_not(wanted: bool) -> Callable:
    from weft.compat import arithmetic

    return arithmetic.equals if wanted else arithmetic.unequals


assert_equal = _of_two("assert_equal", "x == y everywhere.", _equal_or_not(True))
assert_none_equal = _of_two("assert_none_equal", "x != y everywhere.", _equal_or_not(False))
assert_less = _of_two("assert_less", "x < y everywhere.", ops.less)
assert_less_equal = _of_two("assert_less_equal", "x <= y everywhere.", ops.less_equal)
assert_greater = _of_two("assert_greater", "x > y everywhere.", ops.greater)
assert_greater_equal = _of_two(
    "assert_greater_equal", "x >= y everywhere.", ops.greater_equal
)


def assert_near(
    x: Any, y: Any, rtol: Any = None, atol: Any = None, message: str | None = None,
    summarize: Any = None, name: str | None = None,
) -> None:  # fmt: skip
    """|x - y| <= atol + rtol |y| everywhere; by default ten times the dtype's precision."""
    x, y = matching("tf.debugging.assert_near", floating("x", x), floating("y", y))
    import ml_dtypes

    epsilon = 10.0 * float(ml_dtypes.finfo(x.dtype.numpy).eps)
    rtol, atol = (epsilon if given is None else float(given) for given in (rtol, atol))
    bound = ops.add(ops.multiply(ops.absolute(y), rtol), atol)
    holds = ops.less_equal(ops.absolute(ops.subtract(x, y)), bound)
    _assert("tf.debugging.assert_near", holds, message, [x, y])


def _of_one(name: str, doc: str, operation: Callable) -> Callable:
    who = f"tf.debugging.{name}"

    def function(
        x: Any, message: str | None = None, summarize: Any = None, name: str | None = None
    ) -> None:
        x = tensor(who, x)
        _assert(who, operation(x, ops.zeros_like(x)), message, [x])

    return named(function, name, doc)


assert_positive = _of_one("assert_positive", "x > 0 everywhere.", ops.greater)
assert_negative = _of_one("assert_negative", "x < 0 everywhere.", ops.less)
assert_non_negative = _of_one(
    "assert_non_negative", "x >= 0 everywhere.", ops.greater_equal
)
assert_non_positive = _of_one("assert_non_positive", "x <= 0 everywhere.", ops.less_equal)


def Assert(
    condition: Any, data: Any, summarize: Any = None, name: str | None = None
) -> None:
    """The condition holds; `data` is shown if it does not."""
    shown = ", ".join(str(item) for item in data) if STATE.trace is None else ""
    holds = tensor("tf.debugging.Assert", condition, "bool")
    _assert("tf.debugging.Assert", holds, shown or None, [holds])


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """The tensor, if no element is NaN or infinite."""
    x = floating("tf.debugging.check_numerics", tensor)
    _assert("tf.debugging.check_numerics", ops.isfinite(x), message, [x])
    return x


def assert_all_finite(x: Any, message: str, name: str | None = None) -> Tensor:
    """`check_numerics`."""
    return check_numerics(x, message)


# -- shapes and dtypes -------------------------------------------------------------------


def assert_rank(
    x: Any, rank: Any, message: str | None = None, name: str | None = None
) -> None:
    """x has so many axes.

    Raises:
        ShapeError: if it has not.
    """
    x, (wanted,) = tensor("x", x), known_ints("rank", rank)
    if x.ndim != wanted:
        note = f"{message}: " if message else ""
        raise ShapeError(
            f"{note}tf.debugging.assert_rank: rank {wanted}; received {x.spec}"
        )


def assert_rank_at_least(
    x: Any, rank: Any, message: str | None = None, name: str | None = None
) -> None:
    """x has at least so many axes."""
    x, (wanted,) = tensor("x", x), known_ints("rank", rank)
    if x.ndim < wanted:
        note = f"{message}: " if message else ""
        raise ShapeError(
            f"{note}tf.debugging.assert_rank_at_least: rank {wanted} at least; "
            f"received {x.spec}"
        )


def assert_rank_in(
    x: Any, ranks: Any, message: str | None = None, name: str | None = None
) -> None:
    """x has one of these numbers of axes."""
    x, wanted = tensor("x", x), known_ints("ranks", ranks)
    if x.ndim not in wanted:
        note = f"{message}: " if message else ""
        raise ShapeError(
            f"{note}tf.debugging.assert_rank_in: rank in {wanted}; received {x.spec}"
        )


def assert_scalar(
    tensor: Any, message: str | None = None, name: str | None = None
) -> Tensor:
    """The tensor has no axes."""
    assert_rank(tensor, 0, message)
    return convert_to_tensor(tensor)


def assert_shapes(
    shapes: Any, data: Any = None, summarize: Any = None, message: str | None = None,
    name: str | None = None,
) -> None:  # fmt: skip
    """Each tensor has its shape: ints, letters that mean one extent throughout, or None.

    Args:
        shapes: pairs (tensor, shape), or a dict.
    """
    pairs = list(shapes.items()) if isinstance(shapes, dict) else list(shapes)
    extents: dict[Any, int] = {}
    for x, wanted in pairs:
        x = x.deref() if hasattr(x, "deref") else x
        found = tensor("tf.debugging.assert_shapes", x).shape
        wanted = tuple(wanted) if isinstance(wanted, list | tuple | str) else (wanted,)
        fits = len(found) == len(wanted)
        for extent, symbol in zip(found, wanted):
            if symbol is None or symbol == ".":
                continue
            known = (
                symbol if isinstance(symbol, int) else extents.setdefault(symbol, extent)
            )
            fits = fits and known == extent
        if not fits:
            note = f"{message}: " if message else ""
            raise ShapeError(
                f"{note}tf.debugging.assert_shapes: shape {wanted} with {extents}; "
                f"received {found}"
            )


def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> Any:
    """All tensors have one float dtype, which is returned."""
    found = {as_dtype(x.dtype) for x in tensors or []} | (
        {as_dtype(dtype)} if dtype else set()
    )
    if len(found) != 1 or not next(iter(found)).is_floating:
        raise DTypeError(
            "tf.debugging.assert_same_float_dtype: one float dtype is needed; received "
            f"{sorted(one.name for one in found)}"
        )
    return next(iter(found))


def assert_type(
    tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None
) -> None:
    """The tensor has this dtype."""
    if as_dtype(tensor.dtype) is not as_dtype(tf_type):
        note = f"{message}: " if message else ""
        raise DTypeError(
            f"{note}tf.debugging.assert_type: {as_dtype(tf_type).name}; received "
            f"{tensor.spec}"
        )


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> None:
    """The tensor holds integers."""
    if not as_dtype(x.dtype).is_integer:
        raise DTypeError(
            f"{message or 'tf.debugging.assert_integer'}: integers are needed; received "
            f"{x.spec}"
        )


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether it is a tensor of numbers."""
    if not isinstance(tensor, Tensor | Variable):
        return False
    return as_dtype(tensor.dtype).kind in ("int", "uint", "float", "complex")


def assert_proper_iterable(values: Any) -> None:
    """Something to go through that is no tensor, array or text."""
    if isinstance(values, Tensor | Variable | np.ndarray | str | bytes):
        raise ArgumentTypeError(
            f"tf.debugging.assert_proper_iterable: received {type(values).__name__}"
        )
    iter(values)


def enable_check_numerics(*args: Any, **kwargs: Any) -> None:
    """From here on the first operation that makes a NaN raises an error that names it."""
    from weft import debug

    debug.enable_check_numerics()


def disable_check_numerics() -> None:
    """The opposite of `enable_check_numerics`."""
    from weft import debug

    debug.disable_check_numerics()


def set_log_device_placement(enabled: bool) -> None:
    """Taken for compatibility: every operation runs on the CPU."""


def get_log_device_placement() -> bool:
    """Always False."""
    return False
