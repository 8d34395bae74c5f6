"""Find the file of a dataset, read its arrays, check their form, split them."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from weft.errors import ArgumentError, WeftError
from weft.keras.utils.files import cached_path, get_file

ORIGIN_FOLDER = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

# The form of each array: its shape, and one more than its largest value.
Form = tuple[tuple[int, ...], int]
Arrays = dict[str, np.ndarray]
Split = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

DIGIT_FORMS: dict[str, Form] = {
    "x_train": ((60000, 28, 28), 256),
    "y_train": ((60000,), 10),
    "x_test": ((10000, 28, 28), 256),
    "y_test": ((10000,), 10),
}

# What a damaged file can raise on its way through zipfile, zlib and the header of an array.
_DAMAGE: tuple[type[Exception], ...]
_DAMAGE = (ValueError, TypeError, SyntaxError, LookupError, AttributeError)
_DAMAGE += (OSError, EOFError, RuntimeError, OverflowError)
_DAMAGE += (zipfile.BadZipFile, zlib.error, struct.error)


class BadDatasetFile(WeftError, ValueError):
    """A file of a dataset that cannot be read, or whose arrays have the wrong form."""


def read_arrays(path: str | os.PathLike[str], forms: dict[str, Form], who: str) -> Arrays:
    """The uint8 arrays of a file, by name; the file is only ever read, and never unpickled.

    Raises:
        BadDatasetFile: the file is no .npz, lacks an array, or holds one of another form.
    """
    arrays = read_any_arrays(path, tuple(forms), who)
    for name, (shape, limit) in forms.items():
        check_form(path, who, name, arrays[name], shape, limit)
    return arrays


def read_any_arrays(
    path: str | os.PathLike[str], names: tuple[str, ...], who: str
) -> Arrays:
    """The arrays of those names, of any form; the file is never unpickled.

    Raises:
        BadDatasetFile: the file is no .npz, or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = sorted(set(names) - set(file.files))
            if missing:
                raise bad_file(path, who, f"arrays {sorted(file.files)} without {missing}")
            return {name: file[name] for name in names}
    except BadDatasetFile:
        raise
    except _DAMAGE as error:
        raise bad_file(path, who, f"a file that cannot be read ({error})") from error


def check_form(
    path: str | os.PathLike[str],
    who: str,
    name: str,
    array: np.ndarray,
    shape: tuple[int, ...],
    limit: int,
) -> None:
    """Raises BadDatasetFile unless the array is uint8, of the shape, and below the limit."""
    if array.shape != shape or array.dtype != np.uint8:
        received = f"{name} of shape {array.shape} and dtype {array.dtype}"
        raise bad_file(path, who, f"{received} in place of {shape} and uint8")
    largest = int(array.max(initial=0))
    if largest >= limit:
        raise bad_file(
            path, who, f"{name} with values up to {largest} in place of {limit - 1}"
        )


def bad_file(path: str | os.PathLike[str], who: str, received: str) -> BadDatasetFile:
    """The error for a file that is not the dataset; the caller raises it."""
    return BadDatasetFile(
        f"{who}: the file {os.fspath(path)} is not this dataset; received {received}. "
        "The file was left as it is: move it away to have it made or fetched anew."
    )


def shuffled_split(
    x: np.ndarray, y: np.ndarray, test_split: float, seed: int, who: str
) -> Split:
    """Rows in an order of the seed's, the last part of them for tests.

    Raises:
        ArgumentError: `test_split` is not in [0, 1).
    """
    check_test_split(test_split, who)
    order = seeded_order(len(x), seed)
    x, y = x[order], y[order]
    count = int(len(x) * (1 - test_split))
    return (x[:count].copy(), y[:count].copy()), (x[count:].copy(), y[count:].copy())


def check_test_split(test_split: float, who: str) -> None:
    """Raises ArgumentError unless 0 <= test_split < 1."""
    if not 0 <= test_split < 1:
        raise ArgumentError(
            f"{who}: `test_split` is the part of the rows for tests, 0 <= test_split < 1; "
            f"received {test_split!r}."
        )


def seeded_order(count: int, seed: int) -> np.ndarray:
    """The order that NumPy's older generator gives, which Keras uses for its datasets."""
    order = np.arange(count)
    np.random.RandomState(seed).shuffle(order)
    return order


def in_cache(
    name: str | os.PathLike[str],
    origin: str,
    file_hash: str | None,
    folder: str = "datasets",
) -> Path:
    """The file of that name in the cache; downloaded, and checked, if it is not there.

    A file that is there is taken as it is: its readers check what it holds.

    Raises:
        ConnectionError: it cannot be fetched; says where to put it.
    """
    file = cached_path(os.fspath(name), folder)
    if file.is_file():
        return file
    return Path(get_file(name, origin, file_hash=file_hash, cache_subdir=folder))


def split(arrays: Arrays) -> Split:
    """The arrays as `(x_train, y_train), (x_test, y_test)`."""
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
