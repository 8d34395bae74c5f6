"""OrbaxCheckpoint: checkpoints in the format of the package Orbax."""

from __future__ import annotations

import os
from typing import Any

from weft.errors import ArgumentError, MissingExtraError
from weft.keras.callbacks.callback import Logs
from weft.keras.callbacks.monitor import MonitorCallback


def _require_orbax() -> Any:
    try:
        import orbax.checkpoint as orbax
    except ImportError as error:
        raise MissingExtraError(
            "OrbaxCheckpoint: needs the package orbax-checkpoint, which is not installed; "
            "install it with `pip install orbax-checkpoint`, or take "
            "keras.callbacks.ModelCheckpoint, which needs nothing more"
        ) from error
    return orbax


class OrbaxCheckpoint(MonitorCallback):
    """Keeps the last checkpoints of a model in a folder, as Orbax writes them.

    Each holds what `Model.get_state_tree` gives: trainable and other variables, and the
    optimizer's. `Model.set_state_tree` takes them back.

    Args:
        directory: the folder.
        monitor: the name in logs that tells the best.
        verbose: kept for compatibility.
        save_best_only: whether only models better than all before are saved.
        mode: "min", "max" or "auto".
        save_freq: "epoch", or every how many batches.
        initial_value_threshold: the best value at the start.
        max_to_keep: how many checkpoints are kept.
        save_on_background: whether files are written while training goes on.
        save_weights_only: whether the optimizer's variables are left out.

    Raises:
        MissingExtraError: the package orbax-checkpoint is not installed.
    """

    def __init__(
        self,
        directory: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1,
        save_on_background: bool = True,
        save_weights_only: bool = False,
    ) -> None:
        orbax = _require_orbax()
        super().__init__(monitor, mode, initial_value_threshold)
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ArgumentError(
                "OrbaxCheckpoint: `save_freq` must be 'epoch' or a number of batches; "
                f"received {save_freq!r}"
            )
        self.directory = os.path.abspath(os.fspath(directory))
        self.verbose, self.save_best_only = verbose, save_best_only
        self.save_freq, self.save_weights_only = save_freq, save_weights_only
        self._orbax = orbax
        options = orbax.CheckpointManagerOptions(
            max_to_keep=max_to_keep, enable_async_checkpointing=save_on_background
        )
        self._manager = orbax.CheckpointManager(self.directory, options=options)
        self._steps = self._last_batch = 0

    def needs_batches(self, kind: str) -> bool:
        return kind == "train" and self.save_freq != "epoch"

    def is_multihost_enabled(self) -> bool:
        """Whether several machines train together."""
        return False

    def is_primary_host(self) -> bool:
        """Whether this is the machine that writes."""
        return True

    def wait_until_finished(self) -> None:
        """Wait for files that are being written."""
        self._manager.wait_until_finished()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._last_batch = 0

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            return
        before = self._steps // self.save_freq
        self._steps += batch + 1 - self._last_batch
        self._last_batch = batch + 1
        if self._steps // self.save_freq > before:
            self._save(self._steps, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self.wait_until_finished()

    def _save(self, step: int, logs: Logs) -> None:
        current = (logs or {}).get(self.monitor)
        if self.save_best_only and current is not None:
            if self.monitor_op is None:
                self._set_monitor_op()
            if not self._is_improvement(current, self.best):
                return
            self.best = current
        state = self.model.get_state_tree("numpy_array")
        if self.save_weights_only:
            state.pop("optimizer_variables", None)
        state = {name: group for name, group in state.items() if group}
        self._manager.save(step, args=self._orbax.args.StandardSave(state))
