"""keras.utils: small helpers."""

from __future__ import annotations

import importlib
from typing import Any

from weft.errors import did_you_mean

# Where each name lives; a module is loaded when a name of it is first used.
_HOMES = {
    "weft.keras.utils.numeric": ("normalize", "to_categorical", "set_random_seed"),
    "weft.keras.utils.registration": (
        "CustomObjectScope", "custom_object_scope", "get_custom_objects",
        "get_registered_name", "get_registered_object", "register_keras_serializable",
    ),
    "weft.keras.utils.serialization": (
        "deserialize_keras_object", "serialize_keras_object",
    ),
    "weft.keras.utils.files": ("get_file",),
    "weft.keras.utils.sequences": ("pad_sequences",),
    "weft.keras.utils.image_utils": ("array_to_img", "img_to_array", "load_img", "save_img"),
    "weft.keras.utils.dataset_utils": ("split_dataset",),
    "weft.keras.utils.directories": (
        "image_dataset_from_directory", "text_dataset_from_directory",
    ),
    "weft.keras.utils.timeseries": ("timeseries_dataset_from_array",),
    "weft.keras.utils.model_pictures": ("model_to_dot", "plot_model"),
    "weft.keras.utils.settings": (
        "clear_session", "disable_interactive_logging", "enable_interactive_logging",
        "is_interactive_logging_enabled", "is_keras_tensor", "standardize_dtype",
        "get_source_inputs", "Config",
    ),
    "weft.keras.training.progress": ("Progbar",),
    "weft.keras.training.py_dataset": ("PyDataset", "Sequence"),
    "weft.keras.training.data_adapters": (
        "pack_x_y_sample_weight", "unpack_x_y_sample_weight",
    ),
}  # fmt: skip
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "legacy":
        return importlib.import_module("weft.keras.legacy.saving")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(
            "module 'weft.keras.utils' has no attribute "
            f"{name!r}.{did_you_mean(name, _HOME)}"
        )
    found = getattr(importlib.import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(_HOME)


__all__ = sorted(_HOME)

# Imported late: it looks at this module.
from weft.keras.utils import older  # noqa: E402

older.accept(__name__)
