"""Datasets on disk: a folder of .npz files, and a description in JSON. Nothing is pickled.

folder/dataset.json       structure, dtypes, the number of elements
folder/part_00000.npz     some hundred elements: one array per leaf, or one per element
                          where shapes differ
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from weft.data.element import Element, from_json, leaves, merge_specs, spec_of, to_json
from weft.data.node import Node, OneSource
from weft.dtypes import DType, canonical
from weft.errors import ArgumentError, WeftError
from weft.function.signature import TensorSpec

_DESCRIPTION = "dataset.json"
_FORMAT = "weft dataset 1"
# A part is written when it has so many elements, or so many bytes.
_MOST_ELEMENTS, _MOST_BYTES = 512, 1 << 26


class BadDatasetFolder(WeftError, ValueError):
    """A folder that holds no dataset that weft saved, or a damaged one."""


def write(node: Node, path: Any) -> None:
    """Save all elements in the folder `path`; a dataset that is there is replaced.

    Raises:
        ArgumentError: something else is at `path`, or the dataset has no end.
    """
    for _ in writing(node.elements(), path):
        pass


def writing(elements: Iterator[Element], path: Any) -> Iterator[Element]:
    """The elements as they pass; saved in `path` when all have passed."""
    target = Path(path)
    if target.exists() and not (target / _DESCRIPTION).exists():
        raise ArgumentError(
            f"save: {str(target)!r} exists and is no saved dataset; give another path"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield from _kept_in(folder, elements)
        if target.exists():
            shutil.rmtree(target)
        os.replace(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _kept_in(folder: Path, elements: Iterator[Element]) -> Iterator[Element]:
    spec = first = None
    part: list[Element] = []
    count = parts = waiting = 0
    for element in elements:
        first = element if first is None else first
        spec = spec_of(element) if spec is None else merge_specs(spec, spec_of(element))
        part.append(element)
        count += 1
        waiting += sum(array.nbytes for array in leaves(element))
        yield element
        if len(part) == _MOST_ELEMENTS or waiting > _MOST_BYTES:
            _write_part(folder / f"part_{parts:05}.npz", part)
            part, parts, waiting = [], parts + 1, 0
    if part:
        _write_part(folder / f"part_{parts:05}.npz", part)
        parts += 1
    description = {
        "format": _FORMAT,
        "elements": count,
        "parts": parts,
        "structure": to_json(first, [0]),
        "dtypes": [str(one.dtype) for one in leaves(spec)],
        "shapes": [one.shape for one in leaves(spec)],
    }
    (folder / _DESCRIPTION).write_text(json.dumps(description, indent=1), encoding="utf-8")


def _write_part(path: Path, part: list[Element]) -> None:
    rows = [leaves(element) for element in part]
    arrays: dict[str, np.ndarray] = {}
    for leaf in range(len(rows[0])):
        column = [row[leaf] for row in rows]
        if len({array.shape for array in column}) == 1:
            arrays[f"leaf{leaf}"] = _storable(np.stack(column))
        else:
            for number, array in enumerate(column):
                arrays[f"leaf{leaf}_{number}"] = _storable(array)
    arrays["count"] = np.array(len(rows))
    np.savez(path, allow_pickle=False, **arrays)  # type: ignore[arg-type]


def _storable(array: np.ndarray) -> np.ndarray:
    """An array that needs no pickle: text as JSON in bytes, odd floats as their bits."""
    if array.dtype == np.object_:
        texts = [
            [text.hex()] if isinstance(text, bytes) else text for text in array.ravel()
        ]
        raw = json.dumps([list(array.shape), texts]).encode()
        return np.frombuffer(raw, np.uint8)
    if array.dtype.kind == "V":
        return array.view(f"u{array.dtype.itemsize}")
    return array


def _restored(array: np.ndarray, dtype: DType) -> np.ndarray:
    if dtype == "string":
        shape, texts = json.loads(array.tobytes())
        items = [bytes.fromhex(t[0]) if isinstance(t, list) else t for t in texts]
        return np.array(items, np.object_).reshape(shape)
    return array.view(dtype.numpy) if array.dtype != dtype.numpy else array


class Saved(Node):
    """The elements of a folder that `save` wrote.

    Raises:
        BadDatasetFolder: nothing there, or not of this format.
    """

    def __init__(self, path: Any) -> None:
        self.folder = Path(path)
        try:
            self._known = json.loads(
                (self.folder / _DESCRIPTION).read_text(encoding="utf-8")
            )
            self._dtypes = [canonical(name) for name in self._known["dtypes"]]
            self._count, self._parts = self._known["elements"], self._known["parts"]
            is_ours = self._known["format"] == _FORMAT
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._bad(error) from error
        if not is_ours:
            raise self._bad(self._known["format"])

    def _bad(self, why: Any) -> BadDatasetFolder:
        return BadDatasetFolder(
            f"load: expected a folder that Dataset.save wrote; received "
            f"{str(self.folder)!r}: {why}"
        )

    def elements(self) -> Iterator[Element]:
        structure = self._known["structure"]
        for number in range(self._parts):
            try:
                with np.load(
                    self.folder / f"part_{number:05}.npz", allow_pickle=False
                ) as part:
                    columns = [
                        self._column(part, leaf) for leaf in range(len(self._dtypes))
                    ]
                    count = int(part["count"])
            except (OSError, ValueError, KeyError) as error:
                raise self._bad(error) from error
            for row in range(count):
                yield from_json(structure, [column[row] for column in columns])

    def _column(self, part: Any, leaf: int) -> list[np.ndarray]:
        dtype = self._dtypes[leaf]
        if f"leaf{leaf}" in part:
            stacked = _restored(part[f"leaf{leaf}"], dtype)
            return [stacked[row, ...] for row in range(len(stacked))]
        names = [f"leaf{leaf}_{number}" for number in range(int(part["count"]))]
        return [_restored(part[name], dtype) for name in names]

    def cardinality(self) -> int:
        return self._count

    def make_spec(self) -> Any:
        if self._known["structure"] is None:  # It has no elements.
            return None
        specs = [
            TensorSpec(shape, dtype)
            for shape, dtype in zip(self._known["shapes"], self._dtypes)
        ]
        return from_json(self._known["structure"], specs)


class FileCache(OneSource):
    """Elements that are kept in a folder at the first whole pass."""

    def __init__(self, source: Node, path: Any) -> None:
        super().__init__(source)
        self.path = Path(os.fspath(path) + ".weft-cache")

    def elements(self) -> Iterator[Element]:
        if (self.path / _DESCRIPTION).exists():
            return Saved(self.path).elements()
        return writing(self.source.elements(), self.path)


__all__ = ["BadDatasetFolder", "FileCache", "Saved", "write"]
