"""tf.autograph: Python's control flow on tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weft.function.autograph import convert, do_not_convert, source_of


def to_graph(entity: Callable, recursive: bool = True, **unused: Any) -> Callable:
    """The function with its control flow rewritten."""
    return convert(_python(entity))


def to_code(entity: Callable, recursive: bool = True, **unused: Any) -> str:
    """The source of `to_graph(entity)`."""
    return source_of(convert(_python(entity))) or ""


def _python(entity: Callable) -> Callable:
    return getattr(entity, "python_function", entity)


def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """Taken for compatibility; rewriting is silent."""


def trace(*args: Any) -> None:
    """Print while tracing."""
    print(*args)


class experimental:
    """tf.autograph.experimental."""

    @staticmethod
    def do_not_convert(func: Callable | None = None) -> Any:
        """The function, whose control flow stays Python's."""
        return do_not_convert if func is None else do_not_convert(func)

    @staticmethod
    def set_loop_options(**unused: Any) -> None:
        """Taken for compatibility; shapes are always known."""
