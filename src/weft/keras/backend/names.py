"""Names: automatic ones (dense, dense_1, …), and the scopes that make paths of them."""

from __future__ import annotations

import collections
import contextlib
import re
import threading
from collections.abc import Callable, Iterator

from weft.errors import ArgumentError


class _Names(threading.local):
    def __init__(self) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.scopes: list[str] = []


_NAMES = _Names()
_ON_CLEAR: list[Callable[[], None]] = []


def to_snake_case(name: str) -> str:
    """`BatchNormalization` → `batch_normalization`, `Conv2D` → `conv2d`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """A name that no other object has had since `clear_session`."""
    return unique_name(to_snake_case(prefix))


def unique_name(name: str) -> str:
    """`name`, or `name_1`, `name_2`, … where it was given before."""
    count = _NAMES.counts[name]
    _NAMES.counts[name] += 1
    return f"{name}_{count}" if count else name


def get_uid(prefix: str = "") -> int:
    """How often `prefix` was asked for, this time included."""
    _NAMES.counts[prefix] += 1
    return _NAMES.counts[prefix]


def on_clear(action: Callable[[], None]) -> Callable[[], None]:
    """Run `action` at each `clear_session`."""
    _ON_CLEAR.append(action)
    return action


def clear_session(free_memory: bool = True) -> None:
    """Forget the names given so far: the next Dense is `dense` again.

    Args:
        free_memory: also collect garbage, as in Keras.
    """
    _NAMES.counts.clear()
    _NAMES.scopes.clear()
    for action in _ON_CLEAR:
        action()
    if free_memory:
        import gc

        gc.collect()


class name_scope(contextlib.AbstractContextManager):
    """Variables made inside have `name/` before their path."""

    def __init__(self, name: str, caller: object = None, **kwargs: object) -> None:
        if not isinstance(name, str) or "/" in name:
            raise ArgumentError(
                "name_scope: the name must be a string without '/', as it is one step of "
                f"a path; received {name!r}"
            )
        self.name, self.caller = name, caller

    def __enter__(self) -> name_scope:
        _NAMES.scopes.append(self.name)
        return self

    def __exit__(self, *exception: object) -> None:
        if _NAMES.scopes:
            _NAMES.scopes.pop()


def current_path() -> str:
    """The names of the open scopes, joined by '/'."""
    return "/".join(_NAMES.scopes)


@contextlib.contextmanager
def path_scope(path: str) -> Iterator[None]:
    """Variables made inside have `path/` before their name, whatever scopes are open."""
    before = _NAMES.scopes
    _NAMES.scopes = path.split("/") if path else []
    try:
        yield
    finally:
        _NAMES.scopes = before
