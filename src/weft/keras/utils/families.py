"""Families: objects of one kind that are known by name, such as losses or initializers."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from weft.errors import ArgumentError, did_you_mean
from weft.keras.backend.names import to_snake_case
from weft.keras.utils.registration import (
    CustomObjectScope,
    get_custom_objects,
    get_registered_object,
)
from weft.keras.utils.serialization import deserialize_keras_object, serialize_keras_object


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
        for key, registered in get_custom_objects().items():
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
        return serialize_keras_object(thing)

    def deserialize(
        self, config: Any, custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The object of a name or a config.

        Raises:
            ArgumentError: for unknown names, and for what is no config.
        """
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
