"""Read numbers out of pickle files without running what the files say.

A pickle is a program: it may name any function of any module and have it called. Some
datasets were published as pickles all the same. Here the few names that NumPy's arrays need
stand for small readers of our own, every other name is refused, and the bytes of an array
become an array only after its dtype and its size have been checked.

    file ──► unpickler with a table of six names ──► drafts of arrays ──► arrays
"""

from __future__ import annotations

import io
import math
import os
import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from weft.keras.datasets._arrays import bad_file

LARGEST_BYTES = 1 << 30
"""More than this no file of these datasets holds; it is not read at all."""

# Numbers of fixed size, booleans, and objects; neither records nor dates nor text.
_DTYPE = re.compile(r"[|<>=]?(?:[iuf][1248]|b1|O|O8)")

_DAMAGE: tuple[type[Exception], ...]
_DAMAGE = (pickle.UnpicklingError, ValueError, TypeError, LookupError, AttributeError)
_DAMAGE += (OSError, EOFError, OverflowError, RuntimeError, MemoryError, AssertionError)
_DAMAGE += (zipfile.BadZipFile, zlib.error, struct.error, SyntaxError)


class _RefusedPickle(ValueError):
    """A pickle that asks for more than arrays and plain data."""


class _DraftDType:
    """A dtype on its way: `dtype(text, align, copy)`, then its byte order as state."""

    def __init__(self, text: Any, *ignored: Any) -> None:
        text = text.decode("ascii") if isinstance(text, bytes) else text
        if not isinstance(text, str) or not _DTYPE.fullmatch(text):
            raise _RefusedPickle(f"an array of dtype {text!r:.40}")
        self.dtype = np.dtype("O" if "O" in text else text)

    def __setstate__(self, state: Any) -> None:
        order: Any = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        if order == ">" and not self.dtype.hasobject:
            self.dtype = self.dtype.newbyteorder(">")


class _DraftArray:
    """An array on its way: made empty, then given shape, dtype and content as state."""

    array: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, draft, is_fortran, content = state
        shape = tuple(int(size) for size in shape)
        count = math.prod(shape)
        if not isinstance(draft, _DraftDType) or min(shape, default=0) < 0:
            raise _RefusedPickle("an array without a dtype or with a negative size")
        dtype = draft.dtype
        length = len(content) if dtype.hasobject else len(content) // dtype.itemsize
        if count != length or isinstance(content, bytes) == dtype.hasobject:
            raise _RefusedPickle(f"an array of shape {shape} with {length} elements")
        if dtype.hasobject:
            array = np.empty(count, object)
            array[:] = content
        else:
            array = np.frombuffer(content, dtype).copy()
        array = array.reshape(shape, order="F" if is_fortran else "C")
        self.array = array.astype(dtype.newbyteorder("="), copy=False)


def _reconstruct(kind: Any, shape: Any, code: Any) -> _DraftArray:
    if kind is not _DraftArray:
        raise _RefusedPickle("an array of another class")
    return _DraftArray()


def _scalar(draft: Any, content: Any) -> Any:
    is_number = isinstance(draft, _DraftDType) and not draft.dtype.hasobject
    if not is_number or len(content) != draft.dtype.itemsize:
        raise _RefusedPickle("a scalar that is not a number")
    return np.frombuffer(content, draft.dtype)[0].item()


def _encode(text: Any, encoding: Any) -> bytes:
    # How Python 3 writes bytes in the older protocols.
    if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
        raise _RefusedPickle("bytes in an encoding other than latin1")
    return text.encode("latin1")


_NAMES: dict[tuple[str, str], Callable] = {
    ("numpy", "ndarray"): _DraftArray,
    ("numpy", "dtype"): _DraftDType,
    ("_codecs", "encode"): _encode,
}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _NAMES[_module, "_reconstruct"] = _reconstruct
    _NAMES[_module, "scalar"] = _scalar


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = _NAMES.get((module, name))
        if found is None:
            raise _RefusedPickle(f"the name {module}.{name}, which data do not need")
        return found


def _finished(value: Any, depth: int = 0) -> Any:
    """Drafts of arrays replaced by the arrays, in dicts and in arrays of objects."""
    if isinstance(value, _DraftArray):
        if value.array is None:
            raise _RefusedPickle("an array without content")
        return value.array
    if isinstance(value, dict) and depth < 4:
        return {key: _finished(item, depth + 1) for key, item in value.items()}
    return value


def _unpickle(file: IO[bytes], encoding: str) -> Any:
    return _finished(_PlainUnpickler(file, encoding=encoding).load())


def read_pickle(path: str | os.PathLike[str], who: str) -> dict[str, Any]:
    """The dict that a pickle of Python 2 or 3 holds: arrays, lists, numbers, bytes.

    Raises:
        BadDatasetFile: the file is damaged, too large, holds no dict, or asks for a name
            that arrays do not need. Nothing that it names has been run.
    """
    try:
        if os.path.getsize(path) > LARGEST_BYTES:
            raise _RefusedPickle(f"more than {LARGEST_BYTES:,} bytes")
        with open(path, "rb") as file:
            found = _unpickle(file, "bytes")
        if not isinstance(found, dict):
            raise _RefusedPickle(f"a {type(found).__name__} in place of a dict")
        return {_text(key): value for key, value in found.items()}
    except FileNotFoundError:
        raise
    except _DAMAGE as error:
        raise bad_file(path, who, f"a file that cannot be read ({error})") from error


def _text(key: Any) -> str:
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)


def read_object_arrays(
    path: str | os.PathLike[str], names: tuple[str, ...], who: str
) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, those of lists included.

    Raises:
        BadDatasetFile: as `read_pickle`, or an array is missing.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
            missing = [name for name in names if f"{name}.npy" not in members]
            if missing:
                held = sorted(member.removesuffix(".npy") for member in members)
                raise _RefusedPickle(f"arrays {held} without {missing}")
            return {name: _read_member(archive, f"{name}.npy") for name in names}
    except FileNotFoundError:
        raise
    except _DAMAGE as error:
        raise bad_file(path, who, f"a file that cannot be read ({error})") from error


def _read_member(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    size = archive.getinfo(member).file_size
    if size > LARGEST_BYTES:
        raise _RefusedPickle(f"{member} with more than {LARGEST_BYTES:,} bytes")
    # The size that the archive states is only a claim: read no more than it.
    with archive.open(member) as packed:
        content = io.BytesIO(packed.read(size))
    version = np.lib.format.read_magic(content)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    _, _, dtype = read_header(content)
    if dtype.hasobject:
        array = _unpickle(content, "latin1")
    else:
        content.seek(0)
        array = np.lib.format.read_array(content, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise _RefusedPickle(f"{member} without an array")
    return array
