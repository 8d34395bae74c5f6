"""What is measured: the workloads' sizes and data, and how time is taken.

Imports nothing but the standard library and NumPy, because the workers of other frameworks
run where weft is not installed. A worker prints one line, `@@` and a JSON object.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Times are of this clock, which the driver and its workers share.
now = time.monotonic


@dataclass(frozen=True)
class Training:
    """A network that is trained.

    batch, samples   sizes; a step is one batch
    epochs           how many are timed, after one that is not; `unit` epochs are one timing
    metric           accuracy or error (mean of squares) on the test data
    sane             the range in which a right implementation ends
    """

    batch: int
    samples: int
    epochs: int
    metric: str
    sane: tuple[float, float]
    unit: int = 1

    @property
    def steps(self) -> int:
        return -(-self.samples // self.batch)


TRAINING = {
    "mlp": Training(128, 60_000, 4, "accuracy", (0.94, 0.999)),
    "cnn": Training(128, 12_800, 2, "accuracy", (0.90, 1.0)),
    "deepcnn": Training(64, 1_920, 2, "accuracy", (0.8, 1.0)),
    "lstm": Training(64, 3_200, 3, "error", (0.0, 0.1)),
    "transformer": Training(32, 960, 2, "accuracy", (0.9, 1.0)),
    "tiny": Training(4, 4, 4, "error", (0.0, 0.05), unit=100),
    "orgate": Training(4, 4, 4, "error", (0.02, 0.17), unit=100),
}
OTHERS = ("predict", "eager", "import")
WORKLOADS = (*TRAINING, *OTHERS)


def is_quick() -> bool:
    """Whether only a few steps are wanted, to see that everything works."""
    return os.environ.get("WEFT_BENCH_QUICK") == "1"


def training(name: str) -> Training:
    """The sizes of a training workload, cut down where a quick run is wanted."""
    sizes = TRAINING[name]
    if not is_quick():
        return sizes
    samples = min(sizes.samples, 4 * sizes.batch)
    return Training(sizes.batch, samples, 1, sizes.metric, (-1e9, 1e9), sizes.unit)


# -- data --------------------------------------------------------------------------------


def data(name: str) -> tuple[Any, Any, Any, Any]:
    """Inputs and targets to train with, and to test with."""
    import numpy as np

    generator = np.random.default_rng(0)
    found = MAKERS[name](np, generator, training(name).samples)
    x, y, x_test, y_test = found
    size = training(name).samples
    return x[:size], y[:size], x_test, y_test


def _digits(np: Any, shape: tuple[int, ...]) -> tuple:
    with np.load(os.environ["WEFT_BENCH_DIGITS"]) as archive:
        names = ("x_train", "y_train", "x_test", "y_test")
        x, y, x_test, y_test = (archive[name] for name in names)
    images = [
        i.reshape(-1, *shape).astype(np.float32) / np.float32(255) for i in (x, x_test)
    ]
    return images[0], y.astype(np.int32), images[1][:2000], y_test[:2000].astype(np.int32)


def _patterns(np: Any, generator: Any, count: int) -> tuple:
    """Ten smooth patterns, shifted, under noise twice as strong as they are."""
    coarse = generator.standard_normal((10, 8, 8, 3))
    patterns = np.kron(coarse, np.ones((1, 4, 4, 1))).astype(np.float32)
    labels = generator.integers(0, 10, count + 512).astype(np.int32)
    shifts = generator.integers(-2, 3, (count + 512, 2))
    images = np.stack(
        [np.roll(patterns[k], tuple(s), (0, 1)) for k, s in zip(labels, shifts)]
    )
    images += 1.5 * generator.standard_normal(images.shape, dtype=np.float32)
    return images[:count], labels[:count], images[count:], labels[count:]


def _fading_sum(np: Any, generator: Any, count: int) -> tuple:
    """Sequences, and the sum of one projection of their steps that fades with time."""
    x = generator.standard_normal((count + 512, 100, 32), dtype=np.float32)
    projected = x @ generator.standard_normal(32).astype(np.float32)
    y = projected @ (0.9 ** np.arange(99, -1, -1)).astype(np.float32)
    y = (y / y.std())[:, None].astype(np.float32)
    return x[:count], y[:count], x[count:], y[count:]


def _topics(np: Any, generator: Any, count: int) -> tuple:
    """Texts of 128 words; three of ten come from the 200 words of the text's topic."""
    y = generator.integers(0, 2, count + 512).astype(np.int32)
    x = generator.integers(400, 8000, (count + 512, 128))
    topical = generator.integers(0, 200, x.shape) + 200 * y[:, None]
    x = np.where(generator.random(x.shape) < 0.3, topical, x).astype(np.int32)
    return x[:count], y[:count], x[count:], y[count:]


def _gate(outputs: list[int]) -> Callable:
    def make(np: Any, generator: Any, count: int) -> tuple:
        x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
        y = np.array(outputs, np.float32)[:, None]
        return x, y, x, y

    return make


MAKERS: dict[str, Callable] = {
    "mlp": lambda np, generator, count: _digits(np, (784,)),
    "cnn": lambda np, generator, count: _digits(np, (28, 28, 1)),
    "deepcnn": _patterns,
    "lstm": _fading_sum,
    "transformer": _topics,
    "tiny": _gate([0, 1, 1, 0]),
    "orgate": _gate([0, 1, 1, 1]),
}


# -- measuring ---------------------------------------------------------------------------


def report(**figures: Any) -> None:
    """What the driver reads."""
    print("@@" + json.dumps(figures), flush=True)


def measure_training(name: str, build: Callable) -> None:
    """Train one network and take the times.

    `build(x, y, batch)` returns `(first, epochs, predict)`: `first()` takes one step and
    gives its loss; `epochs(n, ended)` trains and calls `ended(loss)` after each epoch;
    `predict(x)` gives an array.
    """
    import numpy as np

    sizes = training(name)
    begin = now()
    x, y, x_test, y_test = data(name)
    data_seconds = now() - begin
    first, epochs, predict = build(x, y, sizes.batch)
    first_loss = float(first())
    first_seconds = now() - float(os.environ["WEFT_BENCH_BEGIN"]) - data_seconds
    stamps: list[float] = []
    losses: list[float] = []

    def ended(loss: Any) -> None:
        losses.append(float(loss))  # waits until it is there
        stamps.append(now())

    epochs(sizes.unit * (1 + sizes.epochs), ended)
    marks = stamps[sizes.unit - 1 :: sizes.unit]
    per_timing = sizes.unit * sizes.steps
    times = [(after - before) / per_timing for before, after in itertools.pairwise(marks)]
    predicted = np.asarray(predict(x_test))
    if sizes.metric == "accuracy":
        score = float((predicted.argmax(-1) == y_test).mean())
    else:
        score = float(((predicted - y_test) ** 2).mean())
    low, high = sizes.sane
    sane = np.isfinite(predicted).all() and low <= score <= high
    report(
        step=times,
        first=first_seconds,
        score=score,
        sane=bool(sane and (losses[-1] < first_loss or is_quick())),
    )


def seconds_each(call: Callable[[], Any], most_seconds: float = 2.0) -> float:
    """The median seconds of a call."""
    for _ in range(3):
        call()
    times: list[float] = []
    end = now() + (0.05 if is_quick() else most_seconds)
    while len(times) < 5 or (now() < end and len(times) < 300):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def measure_calls(calls: dict[str, Callable[[], Any]]) -> None:
    """Take the time of each call."""
    report(times={name: seconds_each(call) for name, call in calls.items()}, sane=True)


def eager_arrays() -> dict[str, Any]:
    """Operands of the single operations."""
    import numpy as np

    generator = np.random.default_rng(0)
    make = lambda *shape: generator.standard_normal(shape, dtype=np.float32)
    return {"small": make(8), "square": make(512, 512), "large": make(1000, 1000)}


def eager_calls(arrays: dict[str, Any], ops: Any, wait: Callable) -> dict[str, Callable]:
    """The single operations; `ops` has relu, softmax, sum and matmul, `wait` waits."""
    small, square, large = (arrays[name] for name in ("small", "square", "large"))
    return {
        "add 8": lambda: wait(small + small),
        "add 1000×1000": lambda: wait(large + large),
        "matmul 512×512": lambda: wait(ops.matmul(square, square)),
        "relu, sum 1000×1000": lambda: wait(ops.sum(ops.relu(large))),
        "softmax 512×512": lambda: wait(ops.softmax(square)),
    }


def measure_import(module: str) -> None:
    """Take the time of an import in this fresh process."""
    import importlib

    before = len(sys.modules)
    begin = now()
    importlib.import_module(module)
    seconds = now() - begin
    report(times={"import": seconds}, modules=len(sys.modules) - before, sane=True)
