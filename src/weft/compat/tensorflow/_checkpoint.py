"""Checkpoints: the state of objects in one file, by the names that lead to it.

    Checkpoint(step=v, net=model)  ──►  step, net/layers/dense/vars/0, …  ──►  ck-1.npz

The file is an archive of plain arrays, which NumPy reads too. Reading it runs nothing.
"""

from __future__ import annotations

import functools
import io
import json
import os
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from weft import dtypes
from weft.compat.tensorflow._variable import Module
from weft.compat.tensorflow.errors import DataLossError, NotFoundError
from weft.compat.tensorflow.random import Generator, SeedGenerator
from weft.core.state import eager, recording
from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.data import DatasetIterator
from weft.errors import ArgumentError, DTypeError, ShapeError, with_short_traceback
from weft.keras.layers import Layer
from weft.keras.losses import Loss
from weft.keras.metrics import Metric
from weft.keras.optimizers import Optimizer
from weft.keras.saving.state import save_state
from weft.writing import replacing

_FORMAT = "weft checkpoint 1"
_DESCRIPTION = "weft.json"
_KERAS = (Layer, Optimizer, Metric, Loss)

# -- files -------------------------------------------------------------------------------


def file_of(prefix: Any) -> Path:
    """The file of a checkpoint's prefix, `d/ck-1`."""
    return Path(f"{os.fspath(prefix)}.npz")


def write_arrays(prefix: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays under their names; the file is there whole or not at all."""
    path = file_of(prefix)
    path.parent.mkdir(parents=True, exist_ok=True)
    names = {name: array.dtype.name for name, array in arrays.items() if _is_own(array)}
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(_DESCRIPTION, json.dumps({"format": _FORMAT, "dtypes": names}))
        for name, array in arrays.items():
            # NumPy's format has no name for bfloat16 and its like: their bits.
            plain = array.view(f"u{array.itemsize}") if name in names else array
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, plain, (1, 0), allow_pickle=False)


def _is_own(array: np.ndarray) -> bool:
    return array.dtype.kind == "V"


def read_arrays(prefix: Any) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint by their names.

    Raises:
        NotFoundError: there is none.
        DataLossError: it is damaged, or another kind of file.
    """
    path = file_of(prefix)
    if not path.is_file():
        raise NotFoundError(_why_missing(prefix))
    try:
        with zipfile.ZipFile(path) as archive:
            description = json.loads(archive.read(_DESCRIPTION))
            if description["format"] != _FORMAT:
                raise ValueError("another format")
            names = description["dtypes"]
            arrays = {}
            for member in archive.infolist():
                if member.filename != _DESCRIPTION:
                    name = member.filename.removesuffix(".npy")
                    arrays[name] = _read_array(archive, member, names.get(name))
            return arrays
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error,
            NotImplementedError, RuntimeError, AttributeError) as error:  # fmt: skip
        raise DataLossError(
            f"tf.train.Checkpoint: {path} is no checkpoint of weft, or damaged ({error}); "
            "restore an earlier one"
        ) from error


def _read_array(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, own_dtype: str | None
) -> np.ndarray:
    if member.compress_type != zipfile.ZIP_STORED:
        # What is not compressed can't be larger than the file.
        raise ValueError(f"{member.filename} is compressed")
    content = archive.read(member)
    stream = io.BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError(f"{member.filename} is of another version")
    shape, is_transposed, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.hasobject:
        raise ValueError(f"{member.filename} holds Python objects")
    flat = np.frombuffer(content, dtype, offset=stream.tell())
    if own_dtype is not None:
        flat = flat.view(dtypes.canonical(own_dtype).numpy)
    return flat.reshape(shape, order="F" if is_transposed else "C")


def _why_missing(prefix: Any) -> str:
    if Path(f"{prefix}.index").is_file():
        return (
            f"tf.train.Checkpoint: {prefix} was written by TensorFlow, whose format weft "
            "does not read; there, write model.save_weights('w.weights.h5'), and here read it "
            "with model.load_weights"
        )
    return (
        f"tf.train.Checkpoint: there is no checkpoint {str(prefix)!r}; give what save() "
        "returned, such as 'd/ck-1', or tf.train.latest_checkpoint(directory)"
    )


# -- what has state ----------------------------------------------------------------------

_Path = str


def _is_trackable(thing: Any) -> bool:
    kinds = (
        Variable, *_KERAS, Module, Generator, SeedGenerator, DatasetIterator, Checkpoint
    )  # fmt: skip
    return isinstance(thing, (*kinds, list, tuple, dict))


def _children(thing: Any) -> Iterator[tuple[str, Any]]:
    """What an object that is no leaf holds, by name."""
    if isinstance(thing, list | tuple):
        yield from ((str(number), item) for number, item in enumerate(thing))
    else:
        items = thing if isinstance(thing, dict) else vars(thing)
        yield from ((str(name), items[name]) for name in sorted(items, key=str))


def _stateful(root: Checkpoint) -> dict[_Path, Any]:
    """Everything with state by its path; what has several paths, by the shortest."""
    found: dict[_Path, Any] = {}
    seen: list[Any] = []
    known: set[int] = set()
    waiting = deque(root._named())
    # A model's optimizer that has a name of its own is found under that.
    named = [thing for _, thing in waiting]

    def note(path: _Path, thing: Any) -> None:
        if id(thing) not in known:
            known.add(id(thing))
            seen.append(thing)
            found[path] = thing

    while waiting:
        path, thing = waiting.popleft()
        if id(thing) in known or not _is_trackable(thing):
            continue
        if isinstance(thing, Variable | DatasetIterator):
            note(path, thing)
        elif isinstance(thing, _KERAS):
            others = [*[one for one in named if one is not thing], *seen]
            save_state(thing, functools.partial(_note_inside, note, path), others)
        else:
            known.add(id(thing))
            seen.append(thing)
            inside = root._named() if thing is root else _children(thing)
            waiting.extend((f"{path}/{name}" if path else name, c) for name, c in inside)
    return found


def _note_inside(note: Any, start: _Path, path: _Path, thing: Any) -> None:
    note(f"{start}/{path}".strip("/"), thing)


def _own_state(path: _Path, thing: Any) -> dict[str, np.ndarray]:
    """The arrays that an object keeps itself."""
    if isinstance(thing, Variable):
        return {path: np.array(thing.buffer())}
    if isinstance(thing, DatasetIterator):
        return {f"{path}/position": np.array(thing.position)}
    store: dict[str, Any] = {}
    thing.save_own_variables(store)
    start = f"{path}/vars" if path else "vars"
    return {f"{start}/{key}": np.asarray(value) for key, value in store.items()}


# -- reading -----------------------------------------------------------------------------


class LoadStatus:
    """What `restore` did, and whether it was everything.

    Objects that are built later take their state when they are built.
    """

    def __init__(self, root: Checkpoint, arrays: dict[str, np.ndarray]) -> None:
        self._root, self._arrays = root, arrays
        self._read: set[str] = set()
        self._done: set[_Path] = set()
        self._waiting: dict[int, Any] = {}
        self._match()

    def _match(self) -> list[str]:
        """Give objects their state; the names of those for which there is none."""
        unmatched = []
        with eager(), recording(()):
            for path, thing in _stateful(self._root).items():
                if path not in self._done and not self._load(path, thing):
                    unmatched += list(_own_state(path, thing))
            is_whole = len(self._read) == len(self._arrays)
            self._watch_modules(not is_whole)
        # The counter of saves is no part of what `write` writes.
        return [name for name in unmatched if name != "save_counter"]

    def _load(self, path: _Path, thing: Any) -> bool:
        """Whether the file has the state of an object, which takes it now or when built."""
        if isinstance(thing, Variable | DatasetIterator):
            name = path if isinstance(thing, Variable) else f"{path}/position"
            if name not in self._arrays:
                return False
            _assign(thing, self._arrays[name], name)
            return self._mark(path, [name])
        start = f"{path}/vars/" if path else "vars/"
        names = [name for name in self._arrays if name.startswith(start)]
        store = {name.removeprefix(start): self._arrays[name] for name in names}
        own = _own_state(path, thing)
        if not names:
            return not own
        if getattr(thing, "built", True) or len(own) == len(names):
            thing.load_own_variables(store)
            return self._mark(path, names)
        if isinstance(thing, Optimizer):
            # The steps and the rate are there before it is built.
            for (key, value), variable in zip(store.items(), thing.variables):
                _assign(variable, value, f"{start}{key}")
        if id(thing) not in self._waiting:
            self._waiting[id(thing)] = thing
            _after_building(thing, self._match)
        return True

    def _mark(self, path: _Path, names: list[str]) -> bool:
        self._done.add(path)
        self._read.update(names)
        return True

    def _watch_modules(self, watches: bool) -> None:
        """Modules whose attributes come later tell when they do."""
        waiting, seen = [thing for _, thing in self._root._named()], set()
        while waiting:
            thing = waiting.pop()
            if id(thing) in seen or isinstance(thing, (Variable, *_KERAS, DatasetIterator)):
                continue
            seen.add(id(thing))
            if _is_trackable(thing):
                waiting += [child for _, child in _children(thing)]
            if isinstance(thing, Module):
                vars(thing).pop("_on_attribute", None)
                if watches:
                    vars(thing)["_on_attribute"] = self._match

    def _require(self, names: list[str], what: str) -> LoadStatus:
        if names:
            shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
            raise AssertionError(
                f"tf.train.Checkpoint: {len(names)} {what}: {shown}; call expect_partial() "
                "in place of this check if that is meant"
            )
        return self

    def assert_existing_objects_matched(self) -> LoadStatus:
        """Raise AssertionError unless every object was in the file."""
        return self._require(self._match(), "objects are not in the file")

    def assert_consumed(self) -> LoadStatus:
        """Raise AssertionError unless every object was in the file, and nothing else."""
        self.assert_existing_objects_matched()
        unread = set(self._arrays) - self._read - {"save_counter"}
        return self._require(sorted(unread), "entries of the file belong to no object")

    def assert_nontrivial_match(self) -> LoadStatus:
        """Raise AssertionError if nothing was found."""
        self._match()
        found = self._read - {"save_counter"}
        return self._require([] if found else sorted(self._arrays), "entries were not read")

    def expect_partial(self) -> LoadStatus:
        """Say that something may be left over, which is no error here anyway."""
        return self

    def initialize_or_restore(self, session: Any = None) -> None:
        """Nothing is left to do."""

    run_restore_ops = initialize_or_restore


def _assign(thing: Any, value: np.ndarray, name: str) -> None:
    if isinstance(thing, DatasetIterator):
        thing.go_to(int(value))
        return
    tensor = Tensor(value)
    if tensor.shape != thing.shape:
        raise ShapeError(
            f"tf.train.Checkpoint: {name} is {tensor.spec} in the file, and its variable "
            f"{thing.spec}; restore into objects of the shapes that were saved"
        )
    if tensor.dtype is not thing.dtype:
        raise DTypeError(
            f"tf.train.Checkpoint: {name} is {tensor.spec} in the file, and its variable "
            f"{thing.spec}; make the variable of that dtype"
        )
    thing.set_tensor(tensor)


def _after_building(thing: Any, then: Any) -> None:
    """Call `then` once, when a layer or an optimizer has been built."""
    build = thing.build

    @functools.wraps(build)
    def build_and_restore(*args: Any, **kwargs: Any) -> Any:
        result = build(*args, **kwargs)
        vars(thing).pop("build", None)
        then()
        return result

    object.__setattr__(thing, "build", build_and_restore)


# -- what people use ---------------------------------------------------------------------


class Checkpoint:
    """Saves and restores objects with variables: models, optimizers, modules, variables.

    Lists, dicts, modules and iterators of datasets may be among them.

    Args:
        root: an object whose own parts are saved; or None.
        kwargs: further objects, by name.

    Raises:
        ArgumentError: something has no state that could be saved.

    Example:
        >>> import tempfile
        >>> import weft.compat.tensorflow as tf
        >>> step = tf.Variable(3)
        >>> checkpoint = tf.train.Checkpoint(step=step)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = checkpoint.save(f"{folder}/ck")
        ...     _ = step.assign(0)
        ...     _ = checkpoint.restore(path).assert_consumed()
        >>> int(step)
        3
    """

    save_counter: Variable

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        things = kwargs if root is None else {"root": root, **kwargs}
        for name, thing in things.items():
            if not _is_trackable(thing):
                raise ArgumentError(
                    f"tf.train.Checkpoint: {name!r} must have state to save: a variable, a "
                    "Keras object, a tf.Module, an iterator, or a list or dict of them; "
                    f"received {type(thing).__name__}"
                )
        vars(self).update(kwargs)
        self._root = root

    def _named(self) -> Iterator[tuple[str, Any]]:
        """What it saves, by name: the parts of the root, and its own attributes."""
        own = [(name, one) for name, one in vars(self).items() if name != "_root"]
        yield from sorted(own)
        if isinstance(self._root, Checkpoint):
            yield from self._root._named()
        elif self._root is not None:
            yield "", self._root

    def _counter(self) -> Variable:
        if "save_counter" not in vars(self):
            from weft.compat.tensorflow._variable import Variable as TensorFlowVariable

            with eager(), recording(()):
                start = np.array(0, np.int64)
                self.save_counter = TensorFlowVariable(start, False, name="save_counter")
        return self.save_counter

    @with_short_traceback
    def write(self, file_prefix: Any, options: Any = None) -> str:
        """Save to exactly this prefix; `read` reads it."""
        arrays: dict[str, np.ndarray] = {}
        with eager(), recording(()):
            for path, thing in _stateful(self).items():
                arrays.update(_own_state(path, thing))
        write_arrays(file_prefix, arrays)
        return os.fspath(file_prefix)

    @with_short_traceback
    def save(self, file_prefix: Any, options: Any = None) -> str:
        """Save to the prefix and a number, which is counted up; gives both together.

        `tf.train.latest_checkpoint` finds it, and `restore` reads it.
        """
        counter = self._counter()
        with eager(), recording(()):
            counter.assign_add(1)
            path = f"{os.fspath(file_prefix)}-{int(counter)}"
        self.write(path)
        update_checkpoint_state(os.path.dirname(path), path)
        return path

    @with_short_traceback
    def read(self, save_path: Any, options: Any = None) -> LoadStatus:
        """Give the objects the state that `write` wrote.

        Raises:
            NotFoundError: there is no such file.
            ShapeError, DTypeError: something does not fit.
        """
        return LoadStatus(self, read_arrays(save_path))

    @with_short_traceback
    def restore(self, save_path: Any, options: Any = None) -> LoadStatus:
        """Give the objects the state that `save` wrote; with None, do nothing."""
        self._counter()
        if save_path is None:
            return LoadStatus(self, {})
        return self.read(save_path)

    def sync(self) -> None:
        """Nothing is written in the background."""


# -- which is the latest -----------------------------------------------------------------


def update_checkpoint_state(
    save_dir: Any, model_checkpoint_path: str, all_model_checkpoint_paths: Any = None
) -> None:
    """Note in the folder which checkpoints there are; the last is the latest."""
    paths = [*(all_model_checkpoint_paths or [model_checkpoint_path])]
    folder = os.fspath(save_dir) or "."
    inside = [json.dumps(os.path.relpath(path, folder)) for path in paths]
    latest = json.dumps(os.path.relpath(model_checkpoint_path, folder))
    lines = [f"model_checkpoint_path: {latest}"]
    lines += [f"all_model_checkpoint_paths: {path}" for path in inside]
    with replacing(Path(folder) / "checkpoint") as file:
        file.write("".join(f"{line}\n" for line in lines).encode())


class CheckpointState:
    """Which checkpoints a folder has."""

    def __init__(self, latest: str, every: list[str]) -> None:
        self.model_checkpoint_path, self.all_model_checkpoint_paths = latest, every


def get_checkpoint_state(
    checkpoint_dir: Any, latest_filename: str | None = None
) -> CheckpointState | None:
    """Which checkpoints the folder's note names; None without one."""
    folder = os.fspath(checkpoint_dir)
    try:
        text = Path(folder, latest_filename or "checkpoint").read_text("utf-8")
        pairs = [line.split(": ", 1) for line in text.splitlines() if ": " in line]
        named = [(key, os.path.join(folder, json.loads(path))) for key, path in pairs]
    except (OSError, ValueError, TypeError):
        return None
    latest = dict(named).get("model_checkpoint_path")
    if latest is None:
        return None
    every = [path for key, path in named if key == "all_model_checkpoint_paths"]
    return CheckpointState(latest, every)


def latest_checkpoint(
    checkpoint_dir: Any, latest_filename: str | None = None
) -> str | None:
    """The prefix of the latest checkpoint in a folder; None if there is none."""
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None or not file_of(state.model_checkpoint_path).is_file():
        return None
    return state.model_checkpoint_path


__all__ = ["Checkpoint", "CheckpointState", "LoadStatus", "latest_checkpoint"]
