"""Callback: what is called while a model trains; and the list that calls many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from weft import tree

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


class CallbackList(Callback):
    """Calls the hooks of several callbacks, in their order.

    Args:
        callbacks: a callback, or a structure of them.
        add_history: whether a `History` joins them.
        add_progbar: whether a `ProgbarLogger` joins them.
        model: the model that trains.
        params: what callbacks find in `params`.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        from weft.keras.callbacks.logging import History, ProgbarLogger

        super().__init__()
        self.callbacks = [c for c in tree.leaves(callbacks) if c is not None]
        _require_callbacks(self.callbacks)
        self._history = self._find(History)
        if self._history is None and add_history:
            self._history = History()
            self.callbacks.append(self._history)
        self._progbar = self._find(ProgbarLogger)
        if self._progbar is None and add_progbar:
            self._progbar = ProgbarLogger()
            self.callbacks.append(self._progbar)
        self._batch_callers: dict[str, bool] = {}
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def _find(self, kind: type) -> Any:
        found = [callback for callback in self.callbacks if isinstance(callback, kind)]
        return found[-1] if found else None

    @property
    def history(self) -> Any:
        """The `History` among them."""
        return self._history

    @property
    def progbar(self) -> Any:
        """The `ProgbarLogger` among them, if there is one."""
        return self._progbar

    def append(self, callback: Callback) -> None:
        """One more callback."""
        self.callbacks.append(callback)
        self._batch_callers.clear()

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    def needs_batches(self, kind: str) -> bool:
        """Whether any of them must be called after every batch."""
        known = self._batch_callers.get(kind)
        if known is None:
            known = any(_needs_batches(callback, kind) for callback in self.callbacks)
            self._batch_callers[kind] = known
        return known

    def _call(self, hook: str, *position: int, logs: Logs) -> None:
        logs = plain_logs(logs)
        for callback in self.callbacks:
            getattr(callback, hook)(*position, logs=logs)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._call("on_epoch_begin", epoch, logs=logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._call("on_epoch_end", epoch, logs=logs)

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_batch_begin", batch, logs=logs)

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_batch_end", batch, logs=logs)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_train_batch_begin", batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_train_batch_end", batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_test_batch_begin", batch, logs=logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_test_batch_end", batch, logs=logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_predict_batch_begin", batch, logs=logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_predict_batch_end", batch, logs=logs)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._call("on_train_begin", logs=logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self._call("on_train_end", logs=logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        self._call("on_test_begin", logs=logs)

    def on_test_end(self, logs: Logs = None) -> None:
        self._call("on_test_end", logs=logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._call("on_predict_begin", logs=logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._call("on_predict_end", logs=logs)


def _needs_batches(callback: Any, kind: str) -> bool:
    ask = getattr(callback, "needs_batches", None)
    # A callback of another make says nothing: it gets every batch.
    return True if ask is None else ask(kind)


def _require_callbacks(callbacks: Iterable[Any]) -> None:
    from weft.errors import ArgumentTypeError

    for callback in callbacks:
        if isinstance(callback, type):
            raise ArgumentTypeError(
                f"callbacks: expected callback objects; received the class "
                f"{callback.__name__}; write {callback.__name__}()"
            )
        if not hasattr(callback, "on_epoch_end"):
            raise ArgumentTypeError(
                "callbacks: expected keras.callbacks.Callback objects; received "
                f"{type(callback).__name__}: {callback!r}"
            )


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
