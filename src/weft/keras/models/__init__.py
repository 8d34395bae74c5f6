"""keras.models: Model and Sequential, and what makes models of files and other models."""

from __future__ import annotations

from typing import Any

from weft.keras.models.cloning import clone_model
from weft.keras.models.functional import Functional
from weft.keras.models.model import Model, model_from_json
from weft.keras.models.sequential import Sequential
from weft.keras.utils import older


def load_model(
    filepath: Any, custom_objects: dict | None = None, compile: bool = True,
    safe_mode: bool = True,
) -> Any:  # fmt: skip
    """The model in a `.keras` file."""
    from weft.keras import saving

    return saving.load_model(filepath, custom_objects, compile, safe_mode)


def save_model(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    zipped: bool | None = None,
    **kwargs: Any,
) -> None:
    """Save a model as a `.keras` file."""
    from weft.keras import saving

    saving.save_model(model, filepath, overwrite=overwrite, zipped=zipped, **kwargs)


__all__ = [
    "Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json",
    "save_model",
]  # fmt: skip
__dir__ = __all__.copy

older.accept(__name__)
