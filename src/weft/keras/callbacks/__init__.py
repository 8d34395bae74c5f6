"""Callbacks: what is called while a model trains."""

from __future__ import annotations

from weft.keras.callbacks.backup import BackupAndRestore
from weft.keras.callbacks.callback import Callback
from weft.keras.callbacks.callback_list import CallbackList
from weft.keras.callbacks.logging import CSVLogger, History, ProgbarLogger, RemoteMonitor
from weft.keras.callbacks.monitor import (
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    MonitorCallback,
    ReduceLROnPlateau,
    SwapEMAWeights,
    TerminateOnNaN,
)
from weft.keras.callbacks.orbax import OrbaxCheckpoint
from weft.keras.callbacks.tensorboard import TensorBoard
from weft.keras.utils import older

__all__ = [
    "BackupAndRestore", "CSVLogger", "Callback", "CallbackList", "EarlyStopping",
    "History", "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint",
    "MonitorCallback", "OrbaxCheckpoint", "ProgbarLogger", "ReduceLROnPlateau",
    "RemoteMonitor", "SwapEMAWeights", "TensorBoard", "TerminateOnNaN",
]  # fmt: skip
__dir__ = __all__.copy

older.accept(__name__)
