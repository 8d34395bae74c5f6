"""The least time that a step can take on this machine: its arithmetic, or its bytes.

floor = max(operations ÷ measured peak, bytes ÷ measured bandwidth)

Operations are those of the products and convolutions of the forward and backward pass,
done directly; all else counts as free. Bytes are those that must move: parameters and
optimizer slots read and written once, the batch read, each stored activation written and
read once.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Work:
    """Forward and backward operations, parameters, stored activations (numbers)."""

    forward: float = 0.0
    backward: float = 0.0
    parameters: float = 0.0
    stored: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(
            self.forward + other.forward,
            self.backward + other.backward,
            self.parameters + other.parameters,
            self.stored + other.stored,
        )


def _dense(rows: int, inputs: int, outputs: int, *, first: bool = False) -> Work:
    """A product; the first layer needs no gradient of its input."""
    forward = 2.0 * rows * inputs * outputs
    backward = forward if first else 2 * forward
    return Work(forward, backward, inputs * outputs + outputs, rows * outputs)


def _conv(
    batch: int, side: int, size: int, inputs: int, outputs: int, *, first: bool = False
) -> Work:
    return _dense(batch * side * side, size * size * inputs, outputs, first=first)


def _stored(count: float) -> Work:
    return Work(stored=count)


def _mlp(batch: int) -> Work:
    return _dense(batch, 784, 512, first=True) + _dense(batch, 512, 10)


def _cnn(batch: int) -> Work:
    convolutions = (
        _conv(batch, 26, 3, 1, 32, first=True)
        + _conv(batch, 11, 3, 32, 64)
        + _conv(batch, 3, 3, 64, 64)
    )
    pooled = _stored(batch * (13 * 13 * 32 + 5 * 5 * 64))
    return convolutions + pooled + _dense(batch, 576, 64) + _dense(batch, 64, 10)


def _deepcnn(batch: int) -> Work:
    sizes = (
        (32, 3, 32, 32), (32, 3, 32, 32), (16, 3, 32, 64), (16, 3, 64, 64), (16, 1, 32, 64),
        (8, 3, 64, 128), (8, 3, 128, 128), (8, 1, 64, 128),
    )  # fmt: skip
    total = _conv(batch, 32, 3, 3, 32, first=True)
    for side, size, inputs, outputs in sizes:
        # Normalised values are stored beside what the convolution gave.
        total += _conv(batch, side, size, inputs, outputs)
        total += _stored(batch * side * side * outputs)
    return total + _dense(batch, 128, 10)


def _lstm(batch: int, steps: int = 100, inputs: int = 32, units: int = 128) -> Work:
    from_input = _dense(batch * steps, inputs, 4 * units, first=True)
    # The state before the first step is zero.
    from_state = _dense(batch * (steps - 1), units, 4 * units)
    states = _stored(2 * batch * steps * units)
    return from_input + from_state + states + _dense(batch, units, 1)


def _transformer(batch: int, words: int = 128, width: int = 128, wide: int = 512) -> Work:
    rows = batch * words
    scores = 2.0 * batch * words * words * width
    attention = Work(2 * scores, 4 * scores, 0, batch * 4 * words * words)
    total = Work(parameters=8000 * width, stored=rows * width)
    for _ in range(2):
        for _ in range(4):
            total += _dense(rows, width, width)
        total += attention + _dense(rows, width, wide) + _dense(rows, wide, width)
        total += _stored(2 * rows * width)
    return total + _dense(batch, width, 2)


def _tiny(batch: int) -> Work:
    return _dense(batch, 2, 8, first=True) + _dense(batch, 8, 1)


def _orgate(batch: int) -> Work:
    return _dense(batch, 2, 1, first=True)


# Workload → its work for a batch, optimizer slots per parameter, numbers of one sample.
WORK = {
    "mlp": (_mlp, 1, 784),
    "cnn": (_cnn, 1, 784),
    "deepcnn": (_deepcnn, 2, 3072),
    "lstm": (_lstm, 2, 3200),
    "transformer": (_transformer, 2, 128),
    "tiny": (_tiny, 2, 2),
    "orgate": (_orgate, 0, 2),
}


def floor(name: str, batch: int, peak: float, bandwidth: float) -> float:
    """Seconds that a step needs at least, given operations and bytes per second."""
    work_of, slots, inputs = WORK[name]
    work = work_of(batch)
    operations = work.forward + work.backward
    moved = 4 * (2 * work.parameters * (1 + slots) + batch * inputs + 2 * work.stored)
    return max(operations / peak, moved / bandwidth)


def working_set(name: str, batch: int) -> int:
    """Bytes that a step touches, which decide what bandwidth counts."""
    work_of, slots, inputs = WORK[name]
    work = work_of(batch)
    return int(4 * (work.parameters * (2 + slots) + batch * inputs + work.stored))
