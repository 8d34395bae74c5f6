"""Configs as Keras 2 wrote them: a name and settings, without a module."""

from __future__ import annotations

from typing import Any

from weft.keras.utils import serialization

__all__ = ["deserialize_keras_object", "serialize_keras_object"]
__dir__ = __all__.copy


def serialize_keras_object(instance: Any) -> Any:
    """An object as `{"class_name": …, "config": …}`, a function as its name.

    >>> from weft.keras import regularizers
    >>> serialize_keras_object(regularizers.L2(0.5))
    {'class_name': 'L2', 'config': {'l2': 0.5}}
    """
    if instance is None:
        return None
    described = serialization.serialize_keras_object(instance)
    if not isinstance(described, dict) or "class_name" not in described:
        return described
    if described["class_name"] in ("function", "type"):
        return described["config"]
    return {name: described[name] for name in ("class_name", "config")}


def deserialize_keras_object(
    identifier: Any,
    module_objects: dict | None = None,
    custom_objects: dict | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object that such a config, or a name, describes.

    Raises:
        ArgumentError: for names that are not known.
    """
    return serialization.deserialize_keras_object(
        identifier, custom_objects=custom_objects, module_objects=module_objects
    )
