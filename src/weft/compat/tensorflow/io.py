"""tf.io: whole files, and the file system under `gfile`."""

from __future__ import annotations

import csv
import glob as _glob
import io
import os
import shutil
from typing import Any

import numpy as np

from weft import dtypes
from weft.compat.conversion import as_dtype, constant, convert_to_tensor, tensor
from weft.compat.tensorflow.errors import NotFoundError
from weft.compat.tensorflow.image import decode_bmp as decode_bmp
from weft.compat.tensorflow.image import decode_gif as decode_gif
from weft.compat.tensorflow.image import decode_image as decode_image
from weft.compat.tensorflow.image import decode_jpeg as decode_jpeg
from weft.compat.tensorflow.image import decode_png as decode_png
from weft.compat.tensorflow.image import encode_jpeg as encode_jpeg
from weft.compat.tensorflow.image import encode_png as encode_png
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ArgumentTypeError


def _path(name: Any) -> str:
    """A path out of text, a Path or a text tensor."""
    if isinstance(name, Tensor):
        name = name._array.item()
    if isinstance(name, bytes):
        return name.decode()
    if not isinstance(name, str | os.PathLike):
        raise ArgumentTypeError(f"tf.io: a path is needed; received {type(name).__name__}")
    return os.fspath(name)


def read_file(filename: Any, name: str | None = None) -> Tensor:
    """The whole content of a file, as bytes.

    Raises:
        NotFoundError: if there is no such file.
    """
    try:
        with open(_path(filename), "rb") as file:
            return constant(file.read())
    except FileNotFoundError:
        raise NotFoundError(f"tf.io.read_file: no file {_path(filename)!r}") from None


def write_file(filename: Any, contents: Any, name: str | None = None) -> None:
    """Write a file, and the folders that it needs."""
    path = _path(filename)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(tensor("tf.io.write_file", contents, dtypes.string)._array.item())


def matching_files(pattern: Any, name: str | None = None) -> Tensor:
    """The files that match a pattern, in order."""
    return constant(sorted(_glob.glob(_path(pattern))) or [], dtypes.string)


# -- text and bytes as tensors -----------------------------------------------------------


def decode_csv(
    records: Any, record_defaults: Any, field_delim: str = ",", use_quote_delim: bool = True,
    na_value: str = "", select_cols: Any = None, name: str | None = None,
) -> list[Tensor]:  # fmt: skip
    """The columns of lines of comma-separated values, one tensor for each.

    Args:
        record_defaults: for each column a value (or an empty tensor of a dtype, for a column
            that must be there), which tells its dtype.

    Raises:
        ArgumentError: for a line with another number of fields, or a field that is no number.
    """
    lines = tensor("tf.io.decode_csv", records, dtypes.string)._array
    defaults = [tensor("record_defaults", value) for value in record_defaults]
    quoting: Any = csv.QUOTE_MINIMAL if use_quote_delim else csv.QUOTE_NONE
    rows = []
    for line in lines.reshape(-1):
        fields = next(
            csv.reader([line.decode()], delimiter=field_delim, quoting=quoting), []
        )
        if select_cols is not None:
            fields = [fields[column] for column in select_cols]
        if len(fields) != len(defaults):
            raise ArgumentError(
                f"tf.io.decode_csv: {len(defaults)} fields are expected; received "
                f"{len(fields)} in {line!r}"
            )
        rows.append(fields)
    return [
        _column([row[i] for row in rows], default, na_value, lines.shape)
        for i, default in enumerate(defaults)
    ]


def _column(fields: list[str], default: Tensor, missing: str, shape: tuple) -> Tensor:
    kind = default.dtype
    found: list = []
    for field in fields:
        if field in ("", missing):
            if not default.size:
                raise ArgumentError(
                    "tf.io.decode_csv: a field is missing that must be there"
                )
            found.append(default._array.reshape(-1)[0])
        elif kind is dtypes.string:
            found.append(field.encode())
        else:
            found.append(_number(field, kind))
    array = np.empty(len(found), kind.numpy)
    array[:] = found
    return Tensor(array.reshape(shape))


def _number(field: str, kind: Any) -> Any:
    try:
        return float(field) if kind.is_floating else int(field)
    except ValueError:
        raise ArgumentError(f"tf.io.decode_csv: {field!r} is no {kind.name}") from None


def decode_raw(
    input_bytes: Any, out_type: Any, little_endian: bool = True, fixed_length: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The bytes of each text read as numbers, along a new last axis."""
    texts = tensor("tf.io.decode_raw", input_bytes, dtypes.string)._array
    kind = as_dtype(out_type).numpy.newbyteorder("<" if little_endian else ">")
    rows = [np.frombuffer(text, kind) for text in texts.reshape(-1)]
    if len({row.size for row in rows}) > 1:
        raise ArgumentError("tf.io.decode_raw: all texts must have one length")
    return constant(np.stack(rows).reshape((*texts.shape, -1)), out_type)


def serialize_tensor(tensor: Any, name: str | None = None) -> Tensor:
    """A tensor as bytes, in NumPy's file format, for `parse_tensor`."""
    x = convert_to_tensor(tensor)
    if x.dtype is dtypes.string:
        raise ArgumentTypeError("tf.io.serialize_tensor: numbers are needed; received text")
    buffer = io.BytesIO()
    np.save(buffer, x._array, allow_pickle=False)
    return constant(buffer.getvalue())


def parse_tensor(serialized: Any, out_type: Any, name: str | None = None) -> Tensor:
    """The tensor that `serialize_tensor` wrote."""
    content = tensor("tf.io.parse_tensor", serialized, dtypes.string)._array.item()
    array = np.load(io.BytesIO(content), allow_pickle=False)
    found = constant(array)
    if found.dtype is not as_dtype(out_type):
        raise ArgumentTypeError(
            f"tf.io.parse_tensor: out_type is {as_dtype(out_type).name}; received {found.spec}"
        )
    return found


# -- the file system ---------------------------------------------------------------------


def GFile(name: Any, mode: str = "r") -> Any:
    """An open file."""
    encoding = None if "b" in mode else "utf-8"
    return open(_path(name), mode, encoding=encoding)


class gfile:
    """tf.io.gfile: files and folders."""

    GFile = staticmethod(GFile)

    @staticmethod
    def exists(path: Any) -> bool:
        """Whether there is a file or folder."""
        return os.path.exists(_path(path))

    @staticmethod
    def isdir(path: Any) -> bool:
        """Whether it is a folder."""
        return os.path.isdir(_path(path))

    @staticmethod
    def listdir(path: Any) -> list[str]:
        """The names in a folder, in order."""
        return sorted(os.listdir(_path(path)))

    @staticmethod
    def glob(pattern: Any) -> list[str]:
        """The paths that match a pattern, in order."""
        return sorted(_glob.glob(_path(pattern)))

    @staticmethod
    def makedirs(path: Any) -> None:
        """A folder, and those around it."""
        os.makedirs(_path(path), exist_ok=True)

    mkdir = makedirs

    @staticmethod
    def remove(path: Any) -> None:
        """Delete a file."""
        os.remove(_path(path))

    @staticmethod
    def rmtree(path: Any) -> None:
        """Delete a folder and what is in it."""
        shutil.rmtree(_path(path))

    @staticmethod
    def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
        """Copy a file; over another one only with overwrite=True."""
        if not overwrite and os.path.exists(_path(dst)):
            raise FileExistsError(
                f"tf.io.gfile.copy: {_path(dst)!r} exists; overwrite=True"
            )
        shutil.copyfile(_path(src), _path(dst))

    @staticmethod
    def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
        """Move a file; over another one only with overwrite=True."""
        if not overwrite and os.path.exists(_path(dst)):
            raise FileExistsError(
                f"tf.io.gfile.rename: {_path(dst)!r} exists; overwrite=True"
            )
        os.replace(_path(src), _path(dst))

    @staticmethod
    def walk(top: Any, topdown: bool = True) -> Any:
        """Folders, with the folders and files in them."""
        return os.walk(_path(top), topdown)
