"""Variables in HDF5 files: written group by group, read with everything checked.

    /layers/dense/vars/0        the first variable of a layer, here a Dense kernel
    /optimizer/vars/2           the third of the optimizer

A file can claim anything. What is read is a plain array of numbers in the file itself:
links to other files, arrays of objects and sizes beyond the allowance are refused before
memory is taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from weft.errors import ArgumentError, MissingExtraError
from weft.writing import replacing_path

_VARIABLES = "vars"
_GIB = 1 << 30


def require_h5py() -> Any:
    """The package h5py.

    Raises:
        MissingExtraError: it is not installed; says how to install it.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError(
            "keras.saving: files of weights need the package h5py, which is not installed; "
            'install it with `pip install "weft[files]"`'
        ) from error
    return h5py


class Writer:
    """Writes the variables of objects into an open HDF5 file."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def save(self, path: str, thing: Any) -> None:
        """Write an object's own variables below its path."""
        group = self.file.require_group(f"{path}/{_VARIABLES}" if path else _VARIABLES)
        if isinstance(getattr(thing, "name", None), str):
            group.attrs["name"] = thing.name
        thing.save_own_variables(_Entry(self, group.name))

    def put(self, path: str, key: str, value: Any) -> None:
        """Write one array into the group of that path."""
        group = self.file.require_group(path)
        array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
        if array.dtype == ml_dtypes.bfloat16:
            # HDF5 does not know this type: its bytes, with the name beside them.
            dataset = group.create_dataset(key, data=array.view("V2"))
            dataset.attrs["dtype"] = "bfloat16"
        else:
            group.create_dataset(key, data=array)


class _Entry(dict):
    """What `save_own_variables` writes into, name by name."""

    def __init__(self, writer: Writer, path: str) -> None:
        super().__init__()
        self._writer, self._path = writer, path

    def __setitem__(self, key: str, value: Any) -> None:
        self._writer.put(self._path, key, value)
        super().__setitem__(key, None)

    def __delitem__(self, key: str) -> None:
        del self._writer.file[self._path][key]
        super().__delitem__(key)


class Reader:
    """Reads variables of objects from an open HDF5 file.

    Args:
        file: the open file.
        allowance: how many bytes may be read from it in all.
        who: the start of messages.
    """

    def __init__(self, file: Any, allowance: int, who: str) -> None:
        self.file, self.allowance, self.who = file, allowance, who
        self.read: set[str] = set()

    def load(self, path: str, thing: Any) -> None:
        """Give an object its own variables from below its path."""
        thing.load_own_variables(self.entry(path))

    def entry(self, path: str) -> Mapping[str, np.ndarray]:
        """The arrays below a path; empty if the file has none there."""
        name = f"{path}/{_VARIABLES}" if path else _VARIABLES
        group = self.group(name)
        if group is None:
            return {}
        self.read.add(name)
        return _Arrays(self, group)

    def group(self, path: str) -> Any:
        """The group of that path in the file itself, or None."""
        found = self.file
        for name in filter(None, path.split("/")):
            if not isinstance(found, require_h5py().Group) or name not in found:
                return None
            found = self._inside(found, name)
        return found

    def _inside(self, group: Any, name: str) -> Any:
        h5py = require_h5py()
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ArgumentError(
                f"{self.who}: {group.name}/{name} is a link to another place, which is not "
                "followed; save the weights again without links"
            )
        return group[name]

    def array(self, group: Any, name: str) -> np.ndarray:
        """A dataset of numbers, checked, as an array."""
        dataset = self._inside(group, name)
        place = f"{self.who}: {group.name}/{name}"
        h5py = require_h5py()
        is_here = isinstance(dataset, h5py.Dataset) and dataset.shape is not None
        if not is_here or dataset.external or dataset.is_virtual:
            raise ArgumentError(f"{place} must be an array that lies in the file itself")
        is_bfloat16 = dataset.attrs.get("dtype") == "bfloat16"
        if dataset.dtype.kind not in "biufc" and not (
            is_bfloat16 and dataset.dtype.itemsize == 2
        ):
            raise ArgumentError(f"{place} must be of numbers; received {dataset.dtype}")
        size = int(dataset.size) * dataset.dtype.itemsize
        if size > self.allowance:
            raise ArgumentError(
                f"{place} claims {size:,} bytes, shape {dataset.shape}, more than the model "
                "and the file allow; is it the file of another model?"
            )
        self.allowance -= size
        array = dataset[()]
        if is_bfloat16:
            return np.asarray(array).view(ml_dtypes.bfloat16)
        return np.asarray(array)

    def unread(self) -> list[str]:
        """The groups that hold variables and were not read."""
        found: list[str] = []

        def visit(group: Any, depth: int) -> None:
            h5py = require_h5py()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    continue
                child = group[name]
                if not isinstance(child, h5py.Group) or depth > 200:
                    continue
                path = child.name.strip("/")
                if name == _VARIABLES and len(child) and path not in self.read:
                    found.append(path)
                visit(child, depth + 1)

        visit(self.file, 0)
        return found


class _Arrays(Mapping):
    """The arrays of one object, read when asked for."""

    def __init__(self, reader: Reader, group: Any) -> None:
        self._reader, self._group = reader, group

    def __getitem__(self, key: str) -> np.ndarray:
        if key not in self._group:
            raise KeyError(
                f"{self._reader.who}: {self._group.name} has no variable {key!r}; it has "
                f"{sorted(self._group)}"
            )
        return self._reader.array(self._group, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._group)

    def __len__(self) -> int:
        return len(self._group)


# -- several files -----------------------------------------------------------------------


class ShardedWriter(Writer):
    """Writes variables into files of at most so many GiB, and a JSON file that lists them.

    Args:
        target: the path of the JSON file.
        max_shard_size: the size of one file in GiB; a larger object has one of its own.
    """

    def __init__(self, target: Path, max_shard_size: float) -> None:
        self.target = target
        self.limit = float(max_shard_size) * _GIB
        self.stem = target.name.removesuffix(".json").removesuffix(".weights")
        self.index: dict[str, Any] = {}
        self.total = self.used = 0
        self.names: list[str] = []
        self._here: list[str] = []
        self._wrote = False
        self._open()

    def _open(self) -> None:
        name = f"{self.stem}_{len(self.names):05}.weights.h5"
        self.names.append(name)
        self.file = require_h5py().File(self.target.with_name(name), "w")
        self.used = 0

    def save(self, path: str, thing: Any) -> None:
        self._here, self._wrote = [self.names[-1]], False
        name = f"{path}/{_VARIABLES}" if path else _VARIABLES
        super().save(path, thing)
        if self._wrote:
            self.index[f"/{name}"] = self._here

    def put(self, path: str, key: str, value: Any) -> None:
        array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
        if self.used and self.used + array.nbytes > self.limit:
            self.file.close()
            self._open()
            if self._wrote:
                self._here.append(self.names[-1])
            else:
                self._here = [self.names[-1]]
        super().put(path, key, array)
        self.used += array.nbytes
        self.total += array.nbytes
        self._wrote = True

    def close(self) -> None:
        """Write the list of files."""
        self.file.close()
        facts = {"metadata": {"total_size": self.total}, "weight_map": self.index}
        with replacing_path(self.target) as part:
            part.write_text(json.dumps(facts, indent=4), "utf-8")


class ShardedReader(Reader):
    """Reads what `ShardedWriter` wrote, here or in Keras."""

    def __init__(self, target: Path, allowance: int, who: str) -> None:
        super().__init__(None, allowance, who)
        self.target = target
        try:
            self.index = json.loads(target.read_text("utf-8"))["weight_map"]
        except (ValueError, TypeError, KeyError) as error:
            raise ArgumentError(f"{who}: {target} is no list of weight files") from error
        self.files: dict[str, Any] = {}

    def _file(self, name: Any) -> Any:
        if not isinstance(name, str) or Path(name).name != name or name.startswith("."):
            raise ArgumentError(
                f"{self.who}: {self.target} must name files beside it; received {name!r}"
            )
        if name not in self.files:
            self.files[name] = require_h5py().File(self.target.with_name(name), "r")
        return self.files[name]

    def entry(self, path: str) -> Mapping[str, np.ndarray]:
        name = f"{path}/{_VARIABLES}" if path else _VARIABLES
        names = self.index.get(f"/{name}")
        if names is None:
            return {}
        self.read.add(name)
        found: dict[str, np.ndarray] = {}
        for one in names if isinstance(names, list) else [names]:
            self.file = self._file(one)
            group = self.group(name)
            if group is not None:
                found.update({key: self.array(group, key) for key in group})
        return found

    def unread(self) -> list[str]:
        return sorted(name.strip("/") for name in self.index if name[1:] not in self.read)

    def close(self) -> None:
        """Close all files."""
        for file in self.files.values():
            file.close()
