"""tf.saved_model: there is no SavedModel here; what to use in its place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from weft.compat.tensorflow.errors import UnimplementedError


def save(obj: Any, export_dir: Any, signatures: Any = None, options: Any = None) -> None:
    """Raises: weft does not write SavedModels."""
    raise UnimplementedError(
        "tf.saved_model.save: weft has no SavedModel, which holds TensorFlow's graphs; "
        f"received {type(obj).__name__}. Keras models: model.save('name.keras') and "
        "keras.models.load_model; variables of other objects: tf.train.Checkpoint"
    )


def load(export_dir: Any, tags: Any = None, options: Any = None) -> Any:
    """Raises: weft does not read SavedModels."""
    raise UnimplementedError(
        "tf.saved_model.load: weft has no SavedModel, which holds TensorFlow's graphs; "
        f"received {os.fspath(export_dir)!r}. Where TensorFlow is, load it and save the "
        "weights with model.save_weights('w.weights.h5'), then load_weights reads them here"
    )


def contains_saved_model(export_dir: Any) -> bool:
    """Whether a folder holds a SavedModel, which TensorFlow can read."""
    folder = Path(export_dir)
    return any((folder / f"saved_model.{kind}").is_file() for kind in ("pb", "pbtxt"))


__all__ = ["contains_saved_model", "load", "save"]
