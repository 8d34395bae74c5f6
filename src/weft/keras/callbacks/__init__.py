"""Callbacks: what is called while a model trains."""

from __future__ import annotations

from weft.keras.callbacks.callback import Callback, CallbackList
from weft.keras.callbacks.logging import CSVLogger, History, ProgbarLogger, RemoteMonitor

__all__ = [
    "CSVLogger", "Callback", "CallbackList", "History", "ProgbarLogger", "RemoteMonitor",
]  # fmt: skip
