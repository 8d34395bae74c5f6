"""tf.errors: weft's errors under TensorFlow's names."""

from __future__ import annotations

from typing import Any

from weft.data import EndOfData as OutOfRangeError
from weft.errors import CompileError, InvalidArgumentError, TraceError, WeftError

OpError = WeftError


class _StatusError(WeftError):
    """An error made by users: `(node_def, op, message)` or a message alone."""

    def __init__(self, *args: Any) -> None:
        message = str(args[2]) if len(args) >= 3 else str(args[0]) if args else ""
        self.node_def: Any = args[0] if len(args) >= 3 else None
        self.op: Any = args[1] if len(args) >= 3 else None
        super().__init__(message)


class NotFoundError(_StatusError, FileNotFoundError):
    """A file or a name that does not exist."""


class FailedPreconditionError(_StatusError, RuntimeError):
    """Something that must be done first."""


class AlreadyExistsError(_StatusError, FileExistsError):
    """Something that is there already."""


class PermissionDeniedError(_StatusError, PermissionError):
    """Something that may not be done."""


class ResourceExhaustedError(_StatusError, MemoryError):
    """Not enough memory."""


class UnimplementedError(_StatusError, NotImplementedError):
    """Something that does not exist here."""


class InternalError(_StatusError, RuntimeError):
    """A defect."""


class CancelledError(_StatusError, RuntimeError):
    """Stopped from outside."""


class UnknownError(_StatusError, RuntimeError):
    """Something else."""


class AbortedError(_StatusError, RuntimeError):
    """Given up."""


class DataLossError(_StatusError, RuntimeError):
    """A file whose content is damaged."""


class DeadlineExceededError(_StatusError, TimeoutError):
    """Too late."""


class UnavailableError(_StatusError, ConnectionError):
    """Something that can't be reached now."""


class UnauthenticatedError(_StatusError, PermissionError):
    """Not known who asks."""


OperatorNotAllowedInGraphError = TraceError
InaccessibleTensorError = TraceError

__all__ = [
    "AbortedError", "AlreadyExistsError", "CancelledError", "CompileError", "DataLossError",
    "DeadlineExceededError", "FailedPreconditionError", "InaccessibleTensorError",
    "InternalError", "InvalidArgumentError", "NotFoundError", "OpError",
    "OperatorNotAllowedInGraphError", "OutOfRangeError", "PermissionDeniedError",
    "ResourceExhaustedError", "UnauthenticatedError", "UnavailableError",
    "UnimplementedError", "UnknownError",
]  # fmt: skip
