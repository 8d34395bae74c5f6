"""tf.io: whole files, and the file system under `gfile`."""

from __future__ import annotations

import glob as _glob
import os
import shutil
from typing import Any

from weft import dtypes
from weft.compat.conversion import constant, tensor
from weft.compat.tensorflow.errors import NotFoundError
from weft.core.tensor import Tensor
from weft.errors import ArgumentTypeError


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
