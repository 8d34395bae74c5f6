"""CallbackList: the callbacks of one run, called in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from weft import tree
from weft.errors import ArgumentTypeError
from weft.keras.callbacks.callback import Callback, Logs, does_nothing, plain_logs
from weft.keras.callbacks.logging import History, ProgbarLogger


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
        self._listeners: dict[str, list[Callable]] = {}
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
        self._listeners.clear()

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
        listeners = self._listeners.get(hook)
        if listeners is None:
            found = [getattr(callback, hook) for callback in self.callbacks]
            listeners = [method for method in found if not does_nothing(method)]
            self._listeners[hook] = listeners
        if not listeners:
            return
        logs = plain_logs(logs)
        for listener in listeners:
            # By position: users give the argument other names than `logs`.
            listener(*position, logs)

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
