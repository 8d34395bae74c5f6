"""Callbacks that watch a value: stop early, lower the learning rate, keep the best model."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from weft.errors import ArgumentError, warn
from weft.keras.callbacks.callback import Callback, Logs
from weft.keras.training.progress import print_message

_MODES = ("auto", "min", "max")
_RISING = ("acc", "auc", "fmeasure", "precision", "recall", "iou")


class MonitorCallback(Callback):
    """The base of callbacks that compare a value with the best so far.

    Args:
        monitor: the name in logs.
        mode: "min" or "max", which is better; "auto" asks the metric of that name.
        initial_value_threshold: the best value at the start.
        min_delta: by how much a value must be better to count.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        initial_value_threshold: float | None = None,
        min_delta: float = 0.0,
    ) -> None:
        super().__init__()
        if mode not in _MODES:
            warn(
                f"{type(self).__name__} mode '{mode}' is unknown, fallback to auto mode.",
            )
            mode = "auto"
        self.monitor, self.mode = monitor, mode
        self.best = initial_value_threshold
        self.min_delta = abs(min_delta)
        self.monitor_op: Any = None

    def _set_monitor_op(self) -> None:
        """Decide which direction is better, now that the model is known."""
        mode = self.mode
        if mode == "auto":
            mode = self._direction_of_metric()
        self.monitor_op = np.greater if mode == "max" else np.less

    def _direction_of_metric(self) -> str:
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return "min"
        for known, metric in _metrics_by_name(self.model):
            if known == name:
                direction = getattr(metric, "_direction", None)
                if direction is not None:
                    return "max" if direction == "up" else "min"
        if any(word in name for word in _RISING) or name.endswith("accuracy"):
            return "max"
        for known, _ in _metrics_by_name(self.model):
            if known == name:
                return "min"
        raise ArgumentError(
            f"{type(self).__name__} callback received monitor={self.monitor}, but Keras isn't "
            "able to automatically determine whether that metric should be maximized or "
            f"minimized. Pass `mode='max'` in order to do early stopping based on the highest "
            f"metric value, or pass `mode='min'` in order to use the lowest value."
        )

    def _is_improvement(self, monitor_value: Any, reference_value: Any) -> bool:
        if reference_value is None:
            return True
        delta = self.min_delta if self.monitor_op is np.greater else -self.min_delta
        return bool(self.monitor_op(monitor_value - delta, reference_value))


def _metrics_by_name(model: Any) -> list[tuple[str, Any]]:
    """The names in logs and their metrics; those inside of `compile_metrics` too."""
    found: list[tuple[str, Any]] = []
    for metric in getattr(model, "metrics", ()):
        entries = getattr(metric, "entries", None)
        if entries is None:
            found.append((metric.name, metric))
            continue
        found += [(name, inner) for output in entries for name, inner, _ in output]
    return found


class EarlyStopping(MonitorCallback):
    """Stops training when a value no longer gets better.

    Args:
        monitor: the name in logs.
        min_delta: by how much a value must be better to count.
        patience: how many epochs without improvement to wait for.
        verbose: 1 tells when it stops.
        mode: "min", "max" or "auto".
        baseline: a value that must be beaten.
        restore_best_weights: whether the model gets back the weights of its best epoch.
        start_from_epoch: how many epochs to let pass first.

    Example:
        >>> from weft.keras.callbacks import EarlyStopping
        >>> stop = EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best_weights: list | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        # The same callback may serve several times.
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.monitor_op is None:
            self._set_monitor_op()
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            # If nothing ever gets better, the first epoch is the best.
            self.best_weights = self.model.get_weights()
            self.best_epoch = epoch
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            # Only what beats the baseline too makes it wait anew.
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            print_message(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print_message(
                    "Restoring model weights from the end of the best epoch: "
                    f"{self.best_epoch + 1}."
                )
            self.model.set_weights(self.best_weights)

    def get_monitor_value(self, logs: Logs) -> Any:
        """The watched value; a warning, if there is none of that name."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            warn(
                f"Early stopping conditioned on metric `{self.monitor}` which is not "
                f"available. Available metrics are: {','.join(logs or {})}",
            )
        return value


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by a factor when a value no longer gets better.

    Args:
        monitor: the name in logs.
        factor: below 1.
        patience: how many epochs without improvement to wait for.
        verbose: 1 tells when it reduces.
        mode: "min", "max" or "auto".
        min_delta: by how much a value must be better to count.
        cooldown: how many epochs to wait after a reduction before counting again.
        min_lr: the lowest learning rate.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ArgumentError(
                "ReduceLROnPlateau does not support a factor >= 1.0. Received "
                f"factor={factor}"
            )
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self.wait = self.cooldown_counter = 0

    def in_cooldown(self) -> bool:
        """Whether it is waiting after a reduction."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self.best = None
        self.wait = self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.monitor_op is None:
            self._set_monitor_op()
        logs = logs if logs is not None else {}
        logs["learning_rate"] = float(np.asarray(self.model.optimizer.learning_rate))
        current = logs.get(self.monitor)
        if current is None:
            warn(
                f"Learning rate reduction is conditioned on metric `{self.monitor}` which is "
                f"not available. Available metrics are: {','.join(logs)}.",
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        optimizer = self.model.optimizer
        old = float(np.float32(np.asarray(optimizer.learning_rate)))
        if old <= np.float32(self.min_lr):
            return
        new = max(old * self.factor, self.min_lr)
        optimizer.learning_rate = new
        if self.verbose > 0:
            print_message(
                f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}."
            )
        self.cooldown_counter, self.wait = self.cooldown, 0


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, while it trains.

    Args:
        filepath: may hold fields of names in logs: "weights.{epoch:02d}-{val_loss:.2f}.keras".
        monitor: the name in logs that tells the best.
        verbose: 1 tells when it saves.
        save_best_only: whether only models better than all before are saved.
        save_weights_only: whether only weights are saved; the name ends in ".weights.h5".
        mode: "min", "max" or "auto".
        save_freq: "epoch", or every how many batches.
        initial_value_threshold: the best value at the start.
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose, self.save_best_only = verbose, save_best_only
        self.save_weights_only, self.save_freq = save_weights_only, save_freq
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ArgumentError(
                f"ModelCheckpoint: Unrecognized save_freq: {save_freq}. Expected save_freq "
                "are 'epoch' or integer values"
            )
        suffixes = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith((*suffixes, ".h5", ".hdf5")):
            what = (
                "save_weights_only=True" if save_weights_only else "save_weights_only=False"
            )
            raise ArgumentError(
                f"ModelCheckpoint: When using `{what}`, the filepath must end in "
                f"`{'` or `'.join(suffixes)}`. Received: filepath={self.filepath}"
            )
        self._batches_since = self._current_epoch = 0
        self._last_batch = 0

    def needs_batches(self, kind: str) -> bool:
        return kind == "train" and self.save_freq != "epoch"

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            return
        # With several steps per execution, batches are counted in strides.
        stride = batch + 1 if batch <= self._last_batch else batch - self._last_batch
        self._last_batch = batch
        self._batches_since += stride
        if self._batches_since >= self.save_freq:
            self._batches_since = 0
            self._save(self._current_epoch, batch, logs)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.monitor_op is None and self.save_best_only:
            self._set_monitor_op()
        if self.save_freq == "epoch":
            self._save(epoch, None, logs)

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        logs = logs or {}
        path = self._file_path(epoch, batch, logs)
        if not self._should_save(epoch, logs, path):
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)

    def _should_save(self, epoch: int, logs: dict, path: str) -> bool:
        if not self.save_best_only:
            if self.verbose > 0:
                print_message(f"\nEpoch {epoch + 1}: saving model to {path}")
            return True
        if self.monitor_op is None:
            self._set_monitor_op()
        current = logs.get(self.monitor)
        if current is None:
            warn(
                f"Can save best model only with {self.monitor} available.",
            )
            return True
        if np.size(current) != 1:
            warn(
                "Can save best model only when `monitor` is a scalar value. Received: "
                f"{current}. Falling back to `save_best_only=False`.",
            )
            return True
        best = "-inf" if self.best is None and self.monitor_op is np.greater else "inf"
        best = best if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            if self.verbose > 0:
                print_message(
                    f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {best}"
                )
            return False
        if self.verbose > 0:
            print_message(
                f"\nEpoch {epoch + 1}: {self.monitor} improved from {best} to "
                f"{current:.5f}, saving model to {path}"
            )
        self.best = current
        return True

    def _file_path(self, epoch: int, batch: int | None, logs: dict) -> str:
        fields = dict(logs) if batch is None else {**logs, "batch": batch + 1}
        try:
            return self.filepath.format(epoch=epoch + 1, **fields)
        except KeyError as error:
            known = ", ".join(["epoch", *fields])
            raise ArgumentError(
                f"ModelCheckpoint: Failed to format this callback filepath: "
                f'"{self.filepath}". Reason: {error}; known fields: {known}'
            ) from error


class LearningRateScheduler(Callback):
    """Sets the learning rate of each epoch.

    Args:
        schedule: a function of the epoch and the learning rate so far.
        verbose: 1 tells the learning rate.

    Example:
        >>> from weft.keras.callbacks import LearningRateScheduler
        >>> halve = LearningRateScheduler(lambda epoch, rate: rate / 2)
    """

    def __init__(self, schedule: Callable, verbose: int = 0) -> None:
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is None:
            raise ArgumentError("LearningRateScheduler: the model has no optimizer to set")
        rate = float(np.asarray(optimizer.learning_rate))
        try:
            rate = self.schedule(epoch, rate)
        except TypeError:
            # A schedule of the epoch alone.
            rate = self.schedule(epoch)
        if not isinstance(rate, float | np.float32 | np.float64):
            raise ArgumentError(
                "The output of the `schedule` function should be a float. Got: "
                f"{rate} of type {type(rate).__name__}"
            )
        optimizer.learning_rate = float(rate)
        if self.verbose > 0:
            print_message(
                f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}."
            )

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(np.asarray(self.model.optimizer.learning_rate))


class TerminateOnNaN(Callback):
    """Stops training when the loss is NaN or infinite.

    Args:
        raise_error: whether to raise instead of stopping.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(float(np.asarray(loss))):
            return
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}. Loss value: {loss}"
            )
        print_message(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True


class LambdaCallback(Callback):
    """A callback out of functions, given by the names of hooks.

    Example:
        >>> from weft.keras.callbacks import LambdaCallback
        >>> tell = LambdaCallback(on_epoch_begin=lambda epoch, logs: print(epoch))
    """

    def __init__(
        self,
        on_epoch_begin: Callable | None = None,
        on_epoch_end: Callable | None = None,
        on_train_begin: Callable | None = None,
        on_train_end: Callable | None = None,
        on_train_batch_begin: Callable | None = None,
        on_train_batch_end: Callable | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin, "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }  # fmt: skip
        self._hooks = {name for name, function in given.items() if function is not None}
        self._hooks |= {name for name in kwargs if re.match(r"on_\w+$", name)}
        for name, function in (given | kwargs).items():
            if function is not None:
                setattr(self, name, function)

    def needs_batches(self, kind: str) -> bool:
        return any(f"on_{kind}_batch" in name for name in self._hooks) or (
            kind == "train" and bool(self._hooks & {"on_batch_begin", "on_batch_end"})
        )


class SwapEMAWeights(Callback):
    """Lets a model be evaluated and saved with the moving averages of its weights.

    Args:
        swap_on_epoch: whether to swap at the end of every epoch, for callbacks that follow
            this one, such as `ModelCheckpoint`.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._is_swapped = False

    def needs_batches(self, kind: str) -> bool:
        return False

    def _optimizer(self) -> Any:
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if not getattr(optimizer, "use_ema", False):
            raise ArgumentError(
                "SwapEMAWeights must be used when `use_ema=True` is set on the optimizer. "
                f"Received: use_ema={getattr(optimizer, 'use_ema', None)}"
            )
        return optimizer

    def _swap(self) -> None:
        optimizer = self._optimizer()
        if not optimizer.built:
            return
        for variable, average in zip(optimizer._trainable_variables, optimizer._averages):
            value = variable.numpy()
            variable.assign(average.numpy())
            average.assign(value)

    def _begin(self) -> None:
        if not self._is_swapped:
            self._swap()
            self._is_swapped = True

    def _end(self) -> None:
        if self._is_swapped:
            self._swap()
            self._is_swapped = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._end()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._begin()

    def on_train_end(self, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._end()

    def on_test_begin(self, logs: Logs = None) -> None:
        self._begin()

    def on_test_end(self, logs: Logs = None) -> None:
        self._end()

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._begin()

    def on_predict_end(self, logs: Logs = None) -> None:
        self._end()
