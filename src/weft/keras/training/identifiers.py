"""From names and configs to objects, and back: 'mse', {"class_name": …}, a class, a function.

A family (losses, metrics, optimizers, …) has a table of names. Nothing outside of the table,
`custom_objects` and what was registered in this process is ever looked up.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from weft.errors import ArgumentError, did_you_mean
from weft.keras.backend.names import auto_name
from weft.keras.utils.registration import (
    get_custom_objects,
    get_registered_name,
    get_registered_object,
)


class Family:
    """The named objects of one kind.

    Args:
        kind: how messages call it: "loss".
        module: the module that configs name: "keras.losses".
        table: names to classes or functions.
        lower: whether names are looked up in lower case too.
    """

    def __init__(
        self, kind: str, module: str, table: Mapping[str, Any], lower: bool = False
    ) -> None:
        self.kind, self.module, self.table = kind, module, dict(table)
        self._lowered = (
            {name.lower(): found for name, found in table.items()} if lower else {}
        )

    def find(self, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The class or function of this name.

        Raises:
            ArgumentError: if there is none; the message names the nearest.
        """
        if custom_objects and name in custom_objects:
            return custom_objects[name]
        found = get_registered_object(name, module_objects=self.table)
        if found is not None:
            return found
        # Registered names carry their package: "package>Name".
        for key, registered in get_custom_objects().items():
            if key.rpartition(">")[2] == name:
                return registered
        found = self._lowered.get(name.lower())
        if found is not None:
            return found
        raise ArgumentError(
            f"{self.module}: Could not interpret {self.kind} identifier: {name!r}."
            + (did_you_mean(name, self.table) or f" Known: {', '.join(sorted(self.table))}")
        )

    def deserialize(
        self, config: Any, custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The object of a name (functions as they are, classes as they are) or a config."""
        if isinstance(config, str):
            return self.find(config, custom_objects)
        if not isinstance(config, Mapping) or "class_name" not in config:
            raise ArgumentError(
                f"{self.module}.deserialize: expected a name or a config with 'class_name'; "
                f"received {config!r}"
            )
        name, inner = config["class_name"], config.get("config", {})
        if name == "function":
            return self.find(inner, custom_objects)
        found = self.find(name, custom_objects)
        is_class = inspect.isclass(found)
        if not is_class:
            return found
        if "custom_objects" in inspect.signature(found.from_config).parameters:
            return found.from_config(dict(inner), custom_objects=custom_objects)
        return found.from_config(dict(inner))

    def get(self, identifier: Any) -> Any:
        """An object out of a name, a config, a class, a function or an object.

        Raises:
            ArgumentError: for unknown names and things of another kind.
        """
        if identifier is None:
            return None
        if isinstance(identifier, str | Mapping):
            found = self.deserialize(identifier)
        elif callable(identifier) or hasattr(identifier, "get_config"):
            found = identifier
        else:
            raise ArgumentError(
                f"{self.module}: Could not interpret {self.kind} identifier: {identifier!r} "
                f"(a {type(identifier).__name__}); give a name, a function, an object or its "
                "config"
            )
        return found() if inspect.isclass(found) else found

    def serialize(self, thing: Any) -> Any:
        """A config from which `deserialize` makes an equal object; functions by name."""
        if inspect.isfunction(thing):
            return thing.__name__
        is_own = self.table.get(type(thing).__name__) is type(thing)
        return {
            "module": self.module if is_own else None,
            "class_name": type(thing).__name__,
            "config": thing.get_config(),
            "registered_name": None if is_own else get_registered_name(type(thing)),
        }


def automatic_name(kind: type) -> str:
    """`mean`, `mean_1`, `mean_2`, …: a name for an object that was given none."""
    return auto_name(kind.__name__)
