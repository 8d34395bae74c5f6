"""Read the arrays of a dataset from an .npz file, and check their form."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib

import numpy as np

from weft.errors import WeftError

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
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = sorted(set(forms) - set(file.files))
            if missing:
                raise _bad(path, who, f"arrays {sorted(file.files)} without {missing}")
            arrays = {name: file[name] for name in forms}
    except BadDatasetFile:
        raise
    except _DAMAGE as error:
        raise _bad(path, who, f"a file that cannot be read ({error})") from error
    for name, (shape, limit) in forms.items():
        _check(path, who, name, arrays[name], shape, limit)
    return arrays


def _check(path, who: str, name: str, array: np.ndarray, shape: tuple, limit: int) -> None:
    if array.shape != shape or array.dtype != np.uint8:
        received = f"{name} of shape {array.shape} and dtype {array.dtype}"
        raise _bad(path, who, f"{received} in place of {shape} and uint8")
    largest = int(array.max(initial=0))
    if largest >= limit:
        raise _bad(path, who, f"{name} with values up to {largest} in place of {limit - 1}")


def _bad(path, who: str, received: str) -> BadDatasetFile:
    return BadDatasetFile(
        f"{who}: the file {os.fspath(path)} is not this dataset; received {received}. "
        "The file was left as it is: move it away to have it made or fetched anew."
    )


def split(arrays: Arrays) -> Split:
    """The arrays as `(x_train, y_train), (x_test, y_test)`."""
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
