"""Name scopes: what stands before the names of variables."""

from __future__ import annotations

import contextlib
import contextvars

SCOPE = contextvars.ContextVar("scope", default="")
"""What `tf.name_scope` puts before the names of variables: empty, or it ends in "/"."""


class name_scope(contextlib.ContextDecorator):
    """A name before the names of the variables that are made inside of it.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> with tf.name_scope("first"):
        ...     v = tf.Variable(1.0, name="v")
        >>> v.name
        'first/v:0'
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._entered: list[contextvars.Token[str]] = []

    def __enter__(self) -> str:
        scope = f"{SCOPE.get()}{self.name}/"
        self._entered.append(SCOPE.set(scope))
        return scope

    def __exit__(self, *exception: object) -> None:
        SCOPE.reset(self._entered.pop())
