"""The loop over batches as one program.

For data in memory, a program takes the whole arrays, the order of their rows, and the rows to
begin and to end at; it gathers the rows of each batch, makes a step, and goes on. Python is
entered a few times a second, to draw the bar and to let Ctrl-C through.

    before:  for each batch: slice, call the step, update the bar         (469 calls an epoch)
    after:   run(x, y, order, first row, last row)                        (a few calls an epoch)
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weft import ops, tree
from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.core.trace import TracedTensor
from weft.function import TracedFunction, function, while_loop
from weft.keras.callbacks.callback import plain_logs
from weft.keras.layers.calling import rewritten
from weft.keras.training.data_adapters import ArrayAdapter, warn_ran_out

# How long one call of a program may take before Python is entered again.
_SECONDS_PER_CALL = 0.12
_GROWTH = 8


class Pace:
    """How many steps to run at once.

    The first call makes a single step, because it includes compiling. Then the number grows
    until a call takes about `_SECONDS_PER_CALL`.
    """

    def __init__(self) -> None:
        self._seconds_per_step: float | None = None
        self._steps = 1
        self._is_first = True

    def steps(self, left: int) -> int:
        """How many of the steps that are left to run now."""
        return min(self._steps, left)

    def took(self, steps: int, seconds: float) -> None:
        """Learn from a call."""
        if self._is_first:
            self._is_first = False
            return
        per_step = max(seconds / steps, 1e-7)
        known = self._seconds_per_step
        # Other work on the machine makes calls slower, never faster: believe the faster.
        self._seconds_per_step = per_step if known is None else min(per_step, known * 1.1)
        fitting = int(_SECONDS_PER_CALL / self._seconds_per_step)
        self._steps = max(1, min(fitting, steps * _GROWTH))


class ArrayRunner:
    """Runs epochs over arrays in memory, many steps in each call of a program.

    Args:
        model: the model that trains, or is evaluated.
        kind: "train" or "test".
        adapter: the data.
        loop_for: gives the program for a batch size.
    """

    def __init__(
        self, model: Any, kind: str, adapter: ArrayAdapter, loop_for: Callable[[int], Loop]
    ) -> None:
        self._model, self._kind, self._adapter = model, kind, adapter
        self._loop_for = functools.cache(loop_for)

    def __call__(self, callbacks: Any) -> dict[str, Any]:
        """One epoch; the logs after it."""
        adapter = self._adapter
        begin, end, watched, bar = hooks(self._kind, callbacks)
        first = adapter.begin_epoch()
        size, rows = adapter.batch_size, adapter.rows
        whole = rows // size
        step, stop = first, first + adapter.steps
        logs: dict[str, Any] = {}
        while step < stop:
            if step >= adapter._all_steps:
                warn_ran_out()
                break
            is_tail = step >= whole
            loop = self._loop_for(rows - whole * size if is_tail else size)
            left = 1 if is_tail else min(stop, whole) - step
            count = loop.pace.steps(left)
            if watched:
                count = min(self._model.steps_per_execution, left)
                begin(step - first)
            clock = Stopwatch()
            last = rows if is_tail else (step + count) * size
            logs = loop.run(adapter.tensors, adapter.order_tensor, step * size, last)
            loop.pace.took(count, clock.lap())
            step += count
            if watched:
                end(step - first - 1, logs)
            elif bar is not None:
                bar.seen = step - first
                if bar.progbar is not None and bar.progbar.is_due():
                    getattr(bar, end.__name__)(step - first - 1, logs)
            if self._kind == "train" and self._model.stop_training:
                break
        adapter.end_epoch(step)
        return logs


def hooks(kind: str, callbacks: Any) -> tuple[Callable, Callable, bool, Any]:
    """What to call before and after a batch, whether to after each, and the bar if it moves."""
    begin = getattr(callbacks, f"on_{kind}_batch_begin")
    end = getattr(callbacks, f"on_{kind}_batch_end")
    bar = callbacks.progbar
    if bar is not None and (bar.verbose != 1 or (kind == "test" and bar._is_in_fit)):
        bar = bar if bar.target is None and kind == "train" else None
    return begin, end, callbacks.needs_batches(kind), bar


def take_rows(leaf: Any, rows: Any) -> Any:
    """The rows of a tensor at these places."""
    return ops.take(leaf, rows, axis=0)


def cut_rows(leaf: Any, first: Any, count: int) -> Any:
    """`count` rows of a tensor from row `first` on."""
    starts = [first, *[0] * (len(leaf.shape) - 1)]
    return ops.slice(leaf, starts, (count, *leaf.shape[1:]))


class Loop:
    """Steps over rows of arrays, compiled for one batch size.

    Args:
        step: maps a batch to logs, and updates variables.
        results: gives the logs after the last step, where `step` keeps them in metrics;
            None: the logs are what the last step returned.
        log_specs: the specs of those logs by name, if `results` is None.
        structure: of the data.
        batch_size: rows per step.
        shuffled: whether rows come in an order of their own.
    """

    def __init__(
        self,
        step: Callable,
        results: Callable | None,
        log_specs: dict[str, Any] | None,
        structure: Any,
        batch_size: int,
        shuffled: bool,
        name: str,
    ) -> None:
        self._step, self._results = step, results
        self._log_specs = log_specs
        self._structure, self._batch_size = structure, batch_size
        self._shuffled = shuffled
        self._name = name
        self._program: TracedFunction | None = None
        self._names: list[str] = []
        self._are_tensors = False
        self.pace = Pace()

    def run(self, leaves: Sequence[Tensor], order: Tensor, first: int, last: int) -> dict:
        """Steps from row `first` to row `last`; the logs after them as plain values."""
        arguments = [*leaves, order, _row(first), _row(last)]
        program = self._program
        if program is None:
            traced = function(self._steps, autograph=False, name=self._name)
            # The function keeps its trace for as long as the arguments' specs are these.
            program = self._program = traced.traced(*arguments)
        if STATE.tapes or not self._are_tensors:
            return plain_logs(program(arguments))
        found = program.run([tensor._array for tensor in arguments])
        return {
            name: array.item() if array.size == 1 else array
            for name, array in zip(self._names, found)
        }

    def _steps(self, *arguments: Any) -> dict:
        *leaves, order, first, last = arguments
        size = self._batch_size
        names = list(self._log_specs or {})

        def body(row: Any, *logs: Any) -> tuple:
            if self._shuffled:
                rows = ops.slice(order, [row], (size,))
                batch = [take_rows(leaf, rows) for leaf in leaves]
            else:
                batch = [cut_rows(leaf, row, size) for leaf in leaves]
            found = rewritten(self._step)(tree.unflatten(self._structure, batch))
            if names:
                found = flat_logs(found)
                logs = tuple(ops.cast(found[n], self._log_specs[n].dtype) for n in names)  # type: ignore[index]
            return (row + size, *logs)

        start = (first, *[_zeros(self._log_specs[name]) for name in names])  # type: ignore[index]
        _, *logs = while_loop(lambda row, *_: row < last, body, start)
        after = dict(zip(names, logs))
        if self._results is not None:
            after = flat_logs(self._results())
        after = sorted_logs(after)
        self._names = list(after)
        self._are_tensors = all(isinstance(log, TracedTensor) for log in after.values())
        return after


@functools.lru_cache(maxsize=4096)
def _row(number: int) -> Tensor:
    return Tensor(np.array(number, np.int32))


def _zeros(spec: Any) -> Tensor:
    return ops.zeros(spec.shape, spec.dtype)


def flat_logs(logs: Any) -> dict[str, Any]:
    """Logs with the entries of dicts in them lifted; {} for None."""
    flat: dict[str, Any] = {}
    for name, value in (logs or {}).items():
        if isinstance(value, dict):
            flat.update(flat_logs(value))
        else:
            flat[name] = value
    return flat


def sorted_logs(logs: dict[str, Any]) -> dict[str, Any]:
    """Logs in the order of their names, in which the bar shows them."""
    return {name: logs[name] for name in sorted(logs)}


class Stopwatch:
    """Seconds between readings."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def lap(self) -> float:
        now = time.perf_counter()
        seconds, self._start = now - self._start, now
        return seconds
