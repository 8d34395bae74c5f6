"""Callback: what is called while a model trains."""

from __future__ import annotations

from typing import Any

import numpy as np

Logs = dict[str, Any] | None


class Callback:
    """The base of callbacks: subclasses define the hooks they want.

    Attributes:
        model: the model that trains.
        params: `verbose`, `epochs` and `steps` of the call.

    Example:
        >>> from weft.keras.callbacks import Callback
        >>> class Shout(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"Epoch {epoch} is over!")
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] | None = None
        self._model: Any = None

    @property
    def model(self) -> Any:
        """The model that trains."""
        return getattr(self, "_model", None)

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the parameters of the call."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Take the model."""
        self._model = model

    def needs_batches(self, kind: str) -> bool:
        """Whether it must be called after every batch of "train", "test" or "predict".

        If nobody needs that, many steps run at once.
        """
        return any(
            getattr(type(self), name, None) is not getattr(Callback, name)
            for name in _BATCH_HOOKS[kind]
        )

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Another name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Before an epoch of training."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """After an epoch of training and its validation; `logs` holds all values."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch of training."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch of training; `logs` holds the epoch's values so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch of `evaluate`, or of validation."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch of `evaluate`, or of validation."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch of `predict`; `logs` holds its outputs."""

    def on_train_begin(self, logs: Logs = None) -> None:
        """Before training."""

    def on_train_end(self, logs: Logs = None) -> None:
        """After training."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """Before `evaluate`, or validation."""

    def on_test_end(self, logs: Logs = None) -> None:
        """After `evaluate`, or validation."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Before `predict`."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """After `predict`."""


_BATCH_HOOKS = {
    "train": (
        "on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end",
    ),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}  # fmt: skip


_EMPTY = {
    hook
    for name, hook in vars(Callback).items()
    if name.startswith("on_") and "train_batch" not in name
}


def does_nothing(hook: Any) -> bool:
    """Whether a callback's method is the base's empty one."""
    return getattr(hook, "__func__", None) in _EMPTY


def plain_logs(logs: Logs) -> dict[str, Any]:
    """Logs with Python numbers in place of tensors; results of several values stay arrays."""
    plain: dict[str, Any] = {}
    for name, value in (logs or {}).items():
        kind = type(value)
        if kind is float or kind is int:
            plain[name] = value
        elif isinstance(value, dict):
            plain.update(plain_logs(value))
        else:
            plain[name] = _plain(value)
    return plain


def _plain(value: Any) -> Any:
    array = value.numpy() if hasattr(value, "numpy") else value
    if isinstance(array, np.ndarray | np.generic) and array.size == 1:
        return array.item()
    return array
