"""keras.saving: models and weights as files.

    model.save("digits.keras")            settings, weights, training state
    keras.models.load_model("digits.keras")
    model.save_weights("digits.weights.h5")

The files are those of Keras 3, and are exchanged with it both ways. Reading a file never
runs code from it: classes and functions are found by name in closed tables.
"""

from __future__ import annotations

from weft.keras.saving.api import load_model, load_weights, save_model, save_weights
from weft.keras.utils.registration import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from weft.keras.utils.serialization import deserialize_keras_object, serialize_keras_object

__all__ = [
    "CustomObjectScope", "custom_object_scope", "deserialize_keras_object",
    "get_custom_objects", "get_registered_name", "get_registered_object", "load_model",
    "load_weights", "register_keras_serializable", "save_model", "save_weights",
    "serialize_keras_object",
]  # fmt: skip
__dir__ = __all__.copy
