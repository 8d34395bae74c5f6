"""tf.summary: numbers, histograms, pictures and text for TensorBoard.

    with tf.summary.create_file_writer("logs/run").as_default():
        tf.summary.scalar("loss", loss, step=step)

In a traced function they are written at each run, with the writer of the time of tracing.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from weft.compat.conversion import convert_to_tensor
from weft.compat.tensorflow._variable import SCOPE
from weft.compat.tensorflow.errors import FailedPreconditionError
from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.errors import ArgumentError
from weft.keras.callbacks.events import EventWriter
from weft.primitives.effects import host_effect

_WRITER = contextvars.ContextVar[Any]("writer", default=None)
_STEP = contextvars.ContextVar[Any]("step", default=None)
_CONDITION = contextvars.ContextVar[Any]("condition", default=True)


# -- writers -----------------------------------------------------------------------------


class SummaryWriter:
    """Where summaries go; made by `create_file_writer`."""

    def __init__(self, events: EventWriter | None, most_waiting: int) -> None:
        self._events, self._most_waiting = events, most_waiting
        self._waiting, self._is_closed = 0, False

    @contextlib.contextmanager
    def as_default(self, step: Any = None) -> Iterator[SummaryWriter]:
        """Within the block summaries go here, at this step unless they name another."""
        self._require_open()
        tokens = [(_WRITER, _WRITER.set(self))]
        if step is not None:
            tokens.append((_STEP, _STEP.set(step)))
        try:
            yield self
        finally:
            for variable, token in tokens:
                variable.reset(token)
            self.flush()

    def set_as_default(self, step: Any = None) -> None:
        """From here on summaries go here."""
        self._require_open()
        _WRITER.set(self)
        if step is not None:
            _STEP.set(step)

    def write(self, method: str, tag: str, data: Any, step: int, **options: Any) -> None:
        """Write one summary with a method of the event writer."""
        self._require_open()
        if self._events is None:
            return
        getattr(self._events, method)(tag, data, step, **options)
        self._waiting += 1
        if self._waiting >= self._most_waiting:
            self.flush()

    def _require_open(self) -> None:
        if self._is_closed:
            raise FailedPreconditionError(
                "tf.summary: the writer is closed; make another with create_file_writer"
            )

    def init(self) -> None:
        """Nothing to do: the file is made with the first summary."""

    def flush(self) -> None:
        """Let TensorBoard see what was written."""
        self._waiting = 0
        if self._events is not None:
            self._events.flush()

    def close(self) -> None:
        """Close the file; the writer can't be used after that."""
        self._is_closed = True
        if self._events is not None:
            self._events.close()


def create_file_writer(
    logdir: Any, max_queue: int | None = None, flush_millis: int | None = None,
    filename_suffix: str | None = None, name: str | None = None,
    experimental_trackable: bool = False,
) -> SummaryWriter:  # fmt: skip
    """A writer into the folder of one run.

    Args:
        logdir: the folder, `logs/run`.
        max_queue: after how many summaries the file is flushed; 10 by default.

    The other arguments are taken and change nothing.

    Example:
        >>> import os, tempfile
        >>> import weft.compat.tensorflow as tf
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with tf.summary.create_file_writer(folder).as_default():
        ...         written = tf.summary.scalar("loss", 0.5, step=1)
        ...     bool(written), len(os.listdir(folder))
        (True, 1)
    """
    return SummaryWriter(EventWriter(logdir), 10 if max_queue is None else max_queue)


def create_noop_writer() -> SummaryWriter:
    """A writer that writes nothing."""
    return SummaryWriter(None, 1)


def flush(writer: SummaryWriter | None = None, name: str | None = None) -> None:
    """Flush a writer, by default the one of this block."""
    writer = writer or _WRITER.get()
    if writer is not None:
        writer.flush()


@contextlib.contextmanager
def record_if(condition: Any) -> Iterator[None]:
    """Within the block, write only if the condition (or what it returns, called) is true."""
    token = _CONDITION.set(condition)
    try:
        yield
    finally:
        _CONDITION.reset(token)


def _condition() -> Any:
    condition = _CONDITION.get()
    return condition() if callable(condition) else condition


def should_record_summaries() -> Tensor:
    """Whether there is a writer, and `record_if` lets it write."""
    return convert_to_tensor(False if _WRITER.get() is None else _condition())


# -- steps -------------------------------------------------------------------------------


class experimental:
    """tf.summary.experimental: the step of summaries that name none."""

    @staticmethod
    def get_step() -> Any:
        """The step as it was set, or None."""
        return _STEP.get()

    @staticmethod
    def set_step(step: Any) -> None:
        """A number, a tensor, or a variable that counts."""
        _STEP.set(step)


# -- summaries ---------------------------------------------------------------------------


def _record(method: str, name: str, data: Any, step: Any, **options: Any) -> Tensor:
    writer = _WRITER.get()
    if writer is None:
        return convert_to_tensor(False)
    step = _STEP.get() if step is None else step
    if step is None:
        raise ArgumentError(
            f"tf.summary.{method}: there is no step; give step=..., or call "
            "tf.summary.experimental.set_step(step) before"
        )
    condition = convert_to_tensor(_condition())
    tensor = convert_to_tensor(data)
    inputs = [condition, convert_to_tensor(step), tensor]

    write = functools.partial(writer.write, method, f"{SCOPE.get()}{name}")

    def run(wanted: np.ndarray, at: np.ndarray, values: np.ndarray) -> None:
        if wanted:
            write(values, int(at), **options)

    if STATE.trace is None:
        run(*[one._array for one in inputs])
    elif tensor.dtype == "string":
        # No program holds text: it stays with the function.
        text = tensor._array
        host_effect.bind(*inputs[:2], function=lambda wanted, at: run(wanted, at, text))
    else:
        host_effect.bind(*inputs, function=run)
    return condition


def scalar(
    name: str, data: Any, step: Any = None, description: str | None = None
) -> Tensor:
    """A number at a step; gives whether it was written."""
    if convert_to_tensor(data).shape != ():
        raise ArgumentError(
            f"tf.summary.scalar: {name!r} must be one number; received shape "
            f"{tuple(convert_to_tensor(data).shape)}; reduce it, or use tf.summary.histogram"
        )
    return _record("scalar", name, data, step)


def histogram(
    name: str, data: Any, step: Any = None, buckets: int | None = None,
    description: str | None = None,
) -> Tensor:  # fmt: skip
    """How the numbers of a tensor are spread, at a step."""
    return _record("histogram", name, data, step, buckets=buckets or 30)


def image(
    name: str, data: Any, step: Any = None, max_outputs: int = 3,
    description: str | None = None,
) -> Tensor:  # fmt: skip
    """Pictures (count, height, width, channels): floats from 0 to 1, or uint8.

    Args:
        max_outputs: only so many of them are written.
    """
    pictures = convert_to_tensor(data)
    if len(pictures.shape) != 4:
        raise ArgumentError(
            "tf.summary.image: pictures must be (count, height, width, channels); received "
            f"shape {tuple(pictures.shape)}; put an axis before one picture: data[None]"
        )
    return _record("image", name, pictures[:max_outputs], step)


def text(name: str, data: Any, step: Any = None, description: str | None = None) -> Tensor:
    """A text, or a table of texts, in Markdown."""
    return _record("text", name, data, step)


__all__ = [
    "SummaryWriter", "create_file_writer", "create_noop_writer", "experimental", "flush",
    "histogram", "image", "record_if", "scalar", "should_record_summaries", "text",
]  # fmt: skip
