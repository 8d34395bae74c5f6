"""What CIFAR-10 and CIFAR-100 share: an archive of pickled batches of 32 × 32 pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from weft.keras import config
from weft.keras.datasets._arrays import Split, bad_file
from weft.keras.datasets._pickles import read_pickle
from weft.keras.utils.files import cached_path, get_file

_PICTURE_BYTES = 3 * 32 * 32


def folder_of(inner: str, files: tuple[str, ...], origin: str, file_hash: str) -> Path:
    """The folder with the unpacked files; the archive is downloaded and checked if needed.

    A folder that was unpacked by hand straight into the cache is found as well.

    Raises:
        ConnectionError: the archive cannot be fetched; says where to put it.
    """
    target = f"{inner}-target"
    for folder in (cached_path(target) / inner, cached_path(inner)):
        if all((folder / file).is_file() for file in files):
            return folder
    return Path(get_file(target, origin, extract=True, file_hash=file_hash)) / inner


def read_batch(
    path: Path, label_key: str, rows: int, classes: int, who: str
) -> tuple[np.ndarray, np.ndarray]:
    """The pictures (rows, 3, 32, 32) and labels (rows, 1) of one batch, uint8.

    Raises:
        BadDatasetFile: the file holds something else.
    """
    batch = read_pickle(path, who)
    pictures: Any = batch.get("data")
    labels = batch.get(label_key)
    is_array = isinstance(pictures, np.ndarray) and pictures.dtype == np.uint8
    if pictures is None or not is_array or pictures.size != rows * _PICTURE_BYTES:
        shape = getattr(pictures, "shape", None)
        raise bad_file(
            path, who, f"data of shape {shape} in place of {(rows, _PICTURE_BYTES)}, uint8"
        )
    if not isinstance(labels, list) or len(labels) != rows:
        raise bad_file(path, who, f"no list of {rows} labels named {label_key!r}")
    if not all(type(label) is int and 0 <= label < classes for label in labels):
        raise bad_file(path, who, f"labels that are not numbers from 0 to {classes - 1}")
    column = np.array(labels, np.uint8).reshape(rows, 1)
    return pictures.reshape(rows, 3, 32, 32), column


def in_data_format(train: tuple, test: tuple) -> Split:
    """Channels last, unless `keras.config` asks for channels first."""
    (x_train, y_train), (x_test, y_test) = train, test
    if config.image_data_format() == "channels_last":
        x_train = np.ascontiguousarray(x_train.transpose(0, 2, 3, 1))
        x_test = np.ascontiguousarray(x_test.transpose(0, 2, 3, 1))
    return (x_train, y_train), (x_test, y_test)
