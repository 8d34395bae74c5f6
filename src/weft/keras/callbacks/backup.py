"""BackupAndRestore: training that was cut off goes on where it was."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from weft.errors import ArgumentError
from weft.keras.callbacks.callback import Callback, Logs
from weft.writing import replacing

_NAME = "training.npz"


class BackupAndRestore(Callback):
    """Keeps the state of training in a file; `fit` called again goes on from there.

    The file holds weights, the optimizer's variables and the epoch. It is replaced as a
    whole: killed at any moment, either the old one or the new one is there.

    Args:
        backup_dir: the directory of the file.
        save_freq: "epoch", or every how many batches.
        double_checkpoint: whether to save at the end of epochs too, if `save_freq` is an int.
        delete_checkpoint: whether to delete the file when training ends well.
    """

    def __init__(
        self,
        backup_dir: Any,
        save_freq: Any = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not backup_dir:
            raise ArgumentError("BackupAndRestore: Empty `backup_dir` argument passed")
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ArgumentError(
                "BackupAndRestore: Invalid value for argument `save_freq`: expected 'epoch' or "
                f"an int; received {save_freq!r}"
            )
        self.backup_dir, self.save_freq = os.fspath(backup_dir), save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._epoch = self._batches = 0

    def needs_batches(self, kind: str) -> bool:
        return kind == "train" and self.save_freq != "epoch"

    @property
    def _path(self) -> Path:
        return Path(self.backup_dir) / _NAME

    def on_train_begin(self, logs: Logs = None) -> None:
        self._batches = 0
        if not self._path.exists():
            return
        with np.load(self._path, allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            weights = [file[f"weight_{i}"] for i in range(facts["weights"])]
            states = [file[f"optimizer_{i}"] for i in range(facts["optimizer"])]
        self.model.set_weights(weights)
        optimizer = self.model.optimizer
        if optimizer is not None and states:
            optimizer.build(self.model.trainable_variables)
            if len(states) != len(optimizer.variables):
                raise ArgumentError(
                    f"BackupAndRestore: {self._path} holds {len(states)} variables of an "
                    f"optimizer; {optimizer.name} has {len(optimizer.variables)}; was another "
                    "optimizer used? Delete the file to begin anew"
                )
            for variable, value in zip(optimizer.variables, states):
                variable.assign(value)
        self.model._initial_epoch = facts["epoch"]

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            return
        self._batches += 1
        if self._batches % self.save_freq == 0:
            # An epoch that was cut off begins anew.
            self._save(self._epoch)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch + 1
        if self.save_freq == "epoch" or self.double_checkpoint:
            self._save(epoch + 1)

    def on_train_end(self, logs: Logs = None) -> None:
        self.model._initial_epoch = None
        if self.delete_checkpoint:
            self._path.unlink(missing_ok=True)

    def _save(self, epoch: int) -> None:
        weights = self.model.get_weights()
        optimizer = self.model.optimizer
        states = [] if optimizer is None else [v.numpy() for v in optimizer.variables]
        facts = {"epoch": epoch, "weights": len(weights), "optimizer": len(states)}
        arrays = {f"weight_{i}": value for i, value in enumerate(weights)}
        arrays |= {f"optimizer_{i}": value for i, value in enumerate(states)}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self._path) as file:
            np.savez(file, facts=np.array(json.dumps(facts)), **arrays)
            file.flush()
            os.fsync(file.fileno())
