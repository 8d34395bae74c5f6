"""Names of users' own classes and functions."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any

from weft.errors import ArgumentError
from weft.keras.backend.names import on_clear

_OBJECTS: dict[str, Any] = {}
_NAMES: dict[Any, str] = {}


class _Scopes(threading.local):
    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []


_SCOPES = _Scopes()


class CustomObjectScope(contextlib.AbstractContextManager):
    """Inside, the given classes and functions are found by name when configs are read.

    Example:
        >>> import weft.keras as keras
        >>> with keras.utils.custom_object_scope({"twice": lambda x: 2 * x}):
        ...     keras.activations.get("twice")(3)
        6
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        self.custom_objects = dict(custom_objects or {})

    def __enter__(self) -> CustomObjectScope:
        _SCOPES.objects.append(self.custom_objects)
        return self

    def __exit__(self, *exception: object) -> None:
        _SCOPES.objects.remove(self.custom_objects)


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """The dict of users' objects by name; what is put into it is found everywhere."""
    return _OBJECTS


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable:
    """A decorator that lets configs and files name a class or function of one's own.

    Args:
        package: the first part of the name, to keep libraries apart.
        name: the second part; the object's own name where it is left out.
    """

    def register(thing: Any) -> Any:
        if inspect.isclass(thing) and not hasattr(thing, "get_config"):
            raise ArgumentError(
                f"register_keras_serializable: {thing.__name__} must have a get_config() "
                "method, which gives the arguments of its constructor"
            )
        registered = f"{package}>{name or thing.__name__}"
        _OBJECTS[registered] = thing
        _NAMES[thing] = registered
        return thing

    return register


def get_registered_name(obj: Any) -> str:
    """The name under which a class or function was registered, else its own name."""
    try:
        return _NAMES.get(obj) or obj.__name__
    except TypeError:  # Not hashable, so never registered.
        return obj.__name__


def get_registered_object(
    name: str, custom_objects: dict | None = None, module_objects: dict | None = None
) -> Any:
    """The class or function of that name: from the scopes, the registry, the two dicts."""
    for known in (*reversed(_SCOPES.objects), _OBJECTS, custom_objects, module_objects):
        if known and name in known:
            return known[name]
    return None


@on_clear
def _close_scopes() -> None:
    _SCOPES.objects.clear()
