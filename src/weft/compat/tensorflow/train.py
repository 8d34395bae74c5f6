"""tf.train: checkpoints."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from weft.compat.tensorflow import _checkpoint
from weft.compat.tensorflow._checkpoint import Checkpoint as Checkpoint
from weft.compat.tensorflow._checkpoint import CheckpointState as CheckpointState
from weft.compat.tensorflow._checkpoint import get_checkpoint_state as get_checkpoint_state
from weft.compat.tensorflow._checkpoint import latest_checkpoint as latest_checkpoint
from weft.core.variable import Variable
from weft.errors import ArgumentError

_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


class CheckpointManager:
    """Keeps the latest checkpoints of a folder, and deletes older ones.

    Args:
        checkpoint: what is saved.
        directory: the folder.
        max_to_keep: how many stay; None keeps all.
        keep_checkpoint_every_n_hours: of those that would go, one in so many hours stays.
        checkpoint_name: the start of the files' names.
        step_counter: a variable that counts steps, for `checkpoint_interval`.
        checkpoint_interval: `save` does nothing before so many steps have passed.
        init_fn: called by `restore_or_initialize` if there is nothing to restore.

    Example:
        >>> import tempfile
        >>> import weft.compat.tensorflow as tf
        >>> step = tf.Variable(0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     manager = tf.train.CheckpointManager(
        ...         tf.train.Checkpoint(step=step), folder, max_to_keep=2
        ...     )
        ...     paths = [manager.save() for _ in range(3)]
        ...     manager.checkpoints == paths[1:]
        True
    """

    def __init__(
        self, checkpoint: Checkpoint, directory: Any, max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None, checkpoint_name: str = "ckpt",
        step_counter: Variable | None = None, checkpoint_interval: int | None = None,
        init_fn: Callable[[], Any] | None = None,
    ) -> None:  # fmt: skip
        if max_to_keep is not None and max_to_keep < 1:
            raise ArgumentError(
                "tf.train.CheckpointManager: max_to_keep must be at least 1, or None; "
                f"received {max_to_keep}"
            )
        if checkpoint_interval is not None and step_counter is None:
            raise ArgumentError(
                "tf.train.CheckpointManager: checkpoint_interval needs a step_counter; give "
                "the variable that counts steps"
            )
        self.checkpoint, self.directory = checkpoint, os.fspath(directory)
        self.checkpoint_interval, self._step_counter = checkpoint_interval, step_counter
        self._most, self._init, self._name = max_to_keep, init_fn, checkpoint_name
        self._hours = keep_checkpoint_every_n_hours
        state = get_checkpoint_state(self.directory)
        known = [] if state is None else state.all_model_checkpoint_paths
        self._paths = [path for path in known if _checkpoint.file_of(path).is_file()]
        self._last_kept: float | None = None
        self._last_step: int | None = None

    @property
    def checkpoints(self) -> list[str]:
        """The prefixes that are kept, oldest first."""
        return list(self._paths)

    @property
    def latest_checkpoint(self) -> str | None:
        """The prefix of the latest, or None."""
        return self._paths[-1] if self._paths else None

    def save(
        self,
        checkpoint_number: Any = None,
        check_interval: bool = True,
        options: Any = None,
    ) -> str | None:
        """Save, and delete what is too old; None before the interval has passed.

        Args:
            checkpoint_number: in the file's name; the checkpoint's counter by default.
            check_interval: whether `checkpoint_interval` counts.
        """
        step = None if self._step_counter is None else int(self._step_counter)
        if check_interval and step is not None and self.checkpoint_interval is not None:
            last = self._last_step
            if last is not None and step - last < self.checkpoint_interval:
                return None
        counter = self.checkpoint._counter()
        counter.assign_add(1)
        number = int(counter) if checkpoint_number is None else int(checkpoint_number)
        path = self.checkpoint.write(f"{os.path.join(self.directory, self._name)}-{number}")
        self._last_step = step
        self._paths = [*[one for one in self._paths if one != path], path]
        self._sweep()
        _checkpoint.update_checkpoint_state(self.directory, path, self._paths)
        return path

    def _sweep(self) -> None:
        while self._most is not None and len(self._paths) > self._most:
            file = _checkpoint.file_of(self._paths.pop(0))
            with contextlib.suppress(FileNotFoundError):
                written = file.stat().st_mtime
                if self._is_one_for_hours(written):
                    self._last_kept = written
                else:
                    file.unlink()

    def _is_one_for_hours(self, written: float) -> bool:
        if self._hours is None:
            return False
        last = self._last_kept
        return last is None or written - last >= self._hours * 3600

    def restore_or_initialize(self) -> str | None:
        """Restore the latest and give its prefix; without one call `init_fn`, give None."""
        path = self.latest_checkpoint
        if path is not None:
            self.checkpoint.restore(path)
            if self._step_counter is not None:
                self._last_step = int(self._step_counter)
        elif self._init is not None:
            self._init()
        return path

    def sync(self) -> None:
        """Nothing is written in the background."""


class CheckpointReader:
    """The arrays of a checkpoint, without the objects that they belong to."""

    def __init__(self, ckpt_dir_or_file: Any) -> None:
        found = (
            latest_checkpoint(ckpt_dir_or_file) if os.path.isdir(ckpt_dir_or_file) else None
        )
        arrays = _checkpoint.read_arrays(found or ckpt_dir_or_file)
        self._arrays = {f"{name}{_SUFFIX}": array for name, array in arrays.items()}

    def has_tensor(self, name: str) -> bool:
        """Whether there is an array of that name."""
        return name in self._arrays

    def get_tensor(self, name: str) -> np.ndarray:
        """The array of that name."""
        if name not in self._arrays:
            raise ArgumentError(
                f"tf.train: the checkpoint has no {name!r}; it has {sorted(self._arrays)}"
            )
        return self._arrays[name]

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """The shapes by name."""
        return {name: list(array.shape) for name, array in sorted(self._arrays.items())}


def load_checkpoint(ckpt_dir_or_file: Any) -> CheckpointReader:
    """A reader of the arrays in a checkpoint, or in the latest of a folder."""
    return CheckpointReader(ckpt_dir_or_file)


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """The names and shapes of the arrays in a checkpoint."""
    return list(CheckpointReader(ckpt_dir_or_file).get_variable_to_shape_map().items())


def load_variable(ckpt_dir_or_file: Any, name: str) -> np.ndarray:
    """One array of a checkpoint."""
    return CheckpointReader(ckpt_dir_or_file).get_tensor(name)


__all__ = [
    "Checkpoint", "CheckpointManager", "CheckpointState", "get_checkpoint_state",
    "latest_checkpoint", "list_variables", "load_checkpoint", "load_variable",
]  # fmt: skip
