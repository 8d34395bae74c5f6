"""Callbacks that write down: History, the progress bar, CSV files, a remote server."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from weft.keras.callbacks.callback import Callback, Logs
from weft.keras.training.progress import Progbar, print_message


class History(Callback):
    """What `fit` returns: the values of every epoch.

    Attributes:
        history: names to lists of values.
        epoch: the numbers of epochs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []
        self.model.history = self

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        history = self.history
        for name, value in (logs or {}).items():
            if name in history:
                history[name].append(value)
            else:
                history[name] = [value]


class ProgbarLogger(Callback):
    """Draws the progress bar."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.progbar: Any = None
        self.target: int | None = None
        self.verbose, self.epochs = 1, 1
        self._is_in_fit = False

    def needs_batches(self, kind: str) -> bool:
        return False

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps")

    def on_train_begin(self, logs: Logs = None) -> None:
        # Validation inside of `fit` is silent.
        self._is_in_fit = True

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._begin()
        if self.verbose and self.epochs > 1:
            print_message(f"Epoch {epoch + 1}/{self.epochs}")

    def on_test_begin(self, logs: Logs = None) -> None:
        if not self._is_in_fit:
            self._begin()

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._begin()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._show(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._is_in_fit:
            self._show(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        # Outputs are no values to show.
        self._show(batch, None)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._finish(logs)

    def on_test_end(self, logs: Logs = None) -> None:
        if not self._is_in_fit:
            self._finish(logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._finish(None)

    def _begin(self) -> None:
        self.seen = 0
        self.progbar = Progbar(
            target=self.target, verbose=self.verbose, stateless_metrics=()
        )

    def _show(self, batch: int, logs: Logs) -> None:
        self.seen = batch + 1
        if self.verbose == 1:
            self.progbar.update(self.seen, (logs or {}).items(), finalize=False)

    def _finish(self, logs: Logs) -> None:
        if not self.verbose:
            return
        if self.target is None:
            self.target = self.progbar.target = self.seen
        self.progbar.update(self.target, (logs or {}).items(), finalize=True)


class CSVLogger(Callback):
    """Writes the values of every epoch as a line of a CSV file.

    Args:
        filename: the file.
        separator: between values.
        append: whether to continue an existing file.
    """

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename, self.sep, self.append = str(filename), separator, append
        self.keys: list[str] | None = None
        self._file: Any = None
        self._writer: Any = None
        self._has_header = False

    def on_train_begin(self, logs: Logs = None) -> None:
        self._has_header = False
        if self.append:
            try:
                with open(self.filename, newline="") as file:
                    self._has_header = bool(file.readline())
            except FileNotFoundError:
                pass
        self._file = open(  # noqa: SIM115
            self.filename, "a" if self.append else "w", newline=""
        )
        self._writer, self.keys = None, None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        import csv

        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            # Epochs without validation leave its columns empty.
            names = [f"val_{name}" for name in self.keys]
            if not any(name.startswith("val_") for name in self.keys):
                self.keys += names
        if self._writer is None:
            self._writer = csv.DictWriter(
                self._file, fieldnames=["epoch", *self.keys], delimiter=self.sep
            )
            if not self._has_header:
                self._writer.writeheader()
        values = {name: _cell(logs.get(name, "NA")) for name in self.keys}
        self._writer.writerow({"epoch": epoch, **values})
        self._file.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._writer = None


def _cell(value: Any) -> Any:
    """A value as CSV shows it: lists in quotes and brackets."""
    is_list = isinstance(value, Iterable) and not isinstance(value, str)
    if not is_list or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value
    return f'"[{", ".join(map(str, value))}]"'


class RemoteMonitor(Callback):
    """Sends the values of every epoch to a server.

    Args:
        root: the server's address.
        path: where on the server.
        field: the name of the form's field.
        headers: HTTP headers.
        send_as_json: whether to send JSON in place of a form.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        self.root, self.path, self.field = root, path, field
        self.headers, self.send_as_json = headers, send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        # Loaded here, because the network's libraries take longer to load than all of weft.
        import urllib.parse
        import urllib.request

        message = {"epoch": epoch}
        for name, value in (logs or {}).items():
            message[name] = value.tolist() if isinstance(value, np.ndarray) else value
        if self.send_as_json:
            body, kind = json.dumps(message).encode(), "application/json"
        else:
            body = urllib.parse.urlencode({self.field: json.dumps(message)}).encode()
            kind = "application/x-www-form-urlencoded"
        request = urllib.request.Request(
            self.root + self.path, body, {"Content-Type": kind, **(self.headers or {})}
        )
        try:
            with urllib.request.urlopen(request, timeout=10):
                pass
        except OSError:
            # Training goes on without its audience.
            warnings.warn(
                f"Could not reach RemoteMonitor root server at {self.root}", stacklevel=2
            )
