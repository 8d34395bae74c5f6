"""Names of users' own classes and functions, and families of objects known by name."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Callable, Iterable
from typing import Any

from weft.errors import ArgumentError, ArgumentTypeError, did_you_mean
from weft.keras.backend.names import on_clear, to_snake_case

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

    def __init__(self, custom_objects: dict[str, Any] | None) -> None:
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


class Family:
    """Objects of one kind that are known by name, such as initializers.

    Args:
        kind: the word for errors, such as 'initializer'.
        members: classes or functions; each is known by its name and its name_in_snake_case.
        module: their public module, written into configs.
        aliases: further names.
    """

    def __init__(
        self, kind: str, members: Iterable[Any], module: str, aliases: dict | None = None
    ) -> None:
        self.kind, self.module = kind, module
        self.table: dict[str, Any] = {}
        for member in members:
            self.table[member.__name__] = member
            self.table[to_snake_case(member.__name__)] = member
        self.table.update(aliases or {})

    def find(self, name: str) -> Any:
        """The class or function of that name.

        Raises:
            ArgumentError: with the nearest known name.
        """
        found = get_registered_object(name, module_objects=self.table)
        if found is None:
            hint = did_you_mean(name, self.table) or (
                f" Known: {', '.join(sorted({to_snake_case(n) for n in self.table}))}"
            )
            raise ArgumentError(
                f"{self.kind}: there is no {self.kind} named {name!r}.{hint}"
            )
        return found

    def get(self, identifier: Any) -> Any:
        """The object meant by a name, a config, a class, or the object itself."""
        if identifier is None:
            return None
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        found = self.find(identifier) if isinstance(identifier, str) else identifier
        if inspect.isclass(found):
            return found()
        if not callable(found):
            raise ArgumentTypeError(
                f"{self.kind}: must be a name, a config, an object or a function; "
                f"received {identifier!r}"
            )
        return found

    def serialize(self, thing: Any) -> Any:
        """The config of an object."""
        from weft.keras.utils.serialization import serialize_keras_object

        return serialize_keras_object(thing)

    def deserialize(self, config: Any, custom_objects: dict | None = None) -> Any:
        """The object that a config describes."""
        from weft.keras.utils.serialization import deserialize_keras_object

        return deserialize_keras_object(
            config, module_objects=self.table, custom_objects=custom_objects
        )
