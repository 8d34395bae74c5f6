"""Names of users' own classes and functions, and families of objects known by name."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from weft.errors import ArgumentError, did_you_mean
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


class Family:
    """Objects of one kind that are known by name, such as initializers.

    Nothing outside of the table, the custom objects and what was registered in this process
    is ever looked up.

    Args:
        kind: the word for errors, such as 'initializer'.
        module: their public module, as configs write it.
        members: classes or functions; each is known by its name and its name_in_snake_case,
            of two with one name the later.
        aliases: further names.
        any_case: whether names are looked up in lower case too.
    """

    def __init__(
        self,
        kind: str,
        module: str,
        members: Iterable[Any],
        aliases: Mapping[str, Any] | None = None,
        any_case: bool = False,
    ) -> None:
        self.kind, self.module = kind, module
        self.table: dict[str, Any] = {}
        for member in members:
            self.table[to_snake_case(member.__name__)] = member
            self.table[member.__name__] = member
        self.table.update(aliases or {})
        names = self.table.items()
        self._lowered = {name.lower(): one for name, one in names} if any_case else {}

    def find(self, name: str) -> Any:
        """The class or function of that name.

        Raises:
            ArgumentError: with the nearest known name.
        """
        found = get_registered_object(name, module_objects=self.table)
        if found is not None:
            return found
        # Registered names carry their package: "package>Name".
        for key, registered in _OBJECTS.items():
            if key.rpartition(">")[2] == name:
                return registered
        if name.lower() in self._lowered:
            return self._lowered[name.lower()]
        hint = did_you_mean(name, self.table) or (
            f" Known: {', '.join(sorted({to_snake_case(n) for n in self.table}))}"
        )
        raise ArgumentError(
            f"{self.module}: Could not interpret {self.kind} identifier: {name!r}.{hint}"
        )

    def get(self, identifier: Any) -> Any:
        """The object meant by a name, a config, a class, or the object itself.

        Raises:
            ArgumentError: for unknown names and things of another kind.
        """
        if identifier is None:
            return None
        if isinstance(identifier, str | Mapping):
            return self.deserialize(identifier)
        if not callable(identifier) and not hasattr(identifier, "get_config"):
            raise ArgumentError(
                f"{self.module}: Could not interpret {self.kind} identifier: {identifier!r} "
                f"(a {type(identifier).__name__}); give a name, a function, an object or its "
                "config"
            )
        return identifier() if inspect.isclass(identifier) else identifier

    def serialize(self, thing: Any) -> Any:
        """A config from which `deserialize` makes an equal object."""
        from weft.keras.utils.serialization import serialize_keras_object

        return serialize_keras_object(thing)

    def deserialize(
        self, config: Any, custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The object of a name or a config.

        Raises:
            ArgumentError: for unknown names, and for what is no config.
        """
        from weft.keras.utils.serialization import deserialize_keras_object

        if isinstance(config, str):
            with CustomObjectScope(custom_objects):
                found = self.find(config)
            return found() if inspect.isclass(found) else found
        if not isinstance(config, Mapping) or "class_name" not in config:
            raise ArgumentError(
                f"{self.module}.deserialize: expected a name or a config with 'class_name'; "
                f"received {config!r}"
            )
        # A name such as BinaryCrossentropy stands in several modules: here, ours is meant.
        module = config.get("module") or self.module
        return deserialize_keras_object(
            {**config, "module": module},
            module_objects=self.table,
            custom_objects=custom_objects,
        )
