"""How steps are run: built, compiled, one by one or many at once.

`Running` is the inner half of `Trainer`: it builds what has no shape yet, keeps the programs,
and runs an epoch over an adapter.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from weft import tree
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ArgumentTypeError
from weft.function import function, functions_run_eagerly
from weft.keras.callbacks.callback import plain_logs
from weft.keras.training.data_adapters import (
    ArrayAdapter,
    holds_text,
    require_numbers,
    to_tensors,
    unpack_x_y_sample_weight,
)
from weft.keras.training.loops import ArrayRunner, Loop, flat_logs, hooks, sorted_logs

_OWN_STEPS = "weft.keras.training.trainer"


class Running:
    """What `Trainer` needs to run steps; it has no state but what `compile` set."""

    # Set by `compile`.
    optimizer: Any
    steps_per_execution: int
    stop_training: bool
    _run_eagerly: bool
    _compile_loss: Any
    _compile_metrics: Any
    _programs: dict[Any, Any]
    _input_sizes: dict[Any, set[int]]
    _built_for: bool | None
    _class_counts: Any

    # Of the layer, and of `Trainer`.
    trainable_variables: Any
    predict_step: Callable[[Any], Any]
    make_predict_function: Callable[..., Callable]
    get_metrics_result: Callable[[], dict[str, Any]]
    _forward: Callable[..., Any]
    _flatten_layers: Callable[..., Any]

    # -- steps ---------------------------------------------------------------------

    def _make_function(self, kind: str, force: bool) -> Callable:
        name = f"{kind}_function"
        known = getattr(self, name, None)
        if (
            known is not None
            and not force
            and self._programs.get(name) is self._program_key()
        ):
            return known
        step = getattr(self, f"{kind}_step")
        made = function(step, autograph=self._is_users(f"{kind}_step"), name=f"{kind}_step")
        hide(self, **{name: made})
        self._programs[name] = self._program_key()
        return made

    def _is_users(self, method: str) -> bool:
        """Whether a model defines this method itself."""
        return getattr(type(self), method).__module__ != _OWN_STEPS

    def _run_batch(self, kind: str, data: Any) -> Any:
        """One step on a batch of tensors."""
        is_eager = self._is_eager(data, kind)
        self._build_for(data)
        self._check_labels(data)
        if is_eager:
            return getattr(self, f"{kind}_step")(data)
        self._clear_layer_losses()
        return self._make_function(kind, False)(data)

    # -- prediction ----------------------------------------------------------------

    def _predict_batch(self, batch: Any) -> Any:
        """The outputs of one batch as arrays."""
        data = to_tensors(batch, "predict")
        if self._is_eager(data, "predict"):
            return tree.map(to_numpy, self.predict_step(data))
        rows = row_count(data)
        run_rows = self._rows_to_run(data, rows)
        if run_rows == rows:
            return tree.map(to_numpy, self.make_predict_function()(data))
        # Rows are independent here: a program for more rows serves, with rows to spare.
        padded = tree.map(functools.partial(_padded, rows=run_rows), data)
        outputs = self.make_predict_function()(padded)
        if any(leaf.shape[:1] != (run_rows,) for leaf in tree.leaves(outputs)):
            return tree.map(to_numpy, self.make_predict_function()(data))
        return tree.map(lambda leaf: to_numpy(leaf)[:rows], outputs)

    def _rows_to_run(self, data: Any, rows: int) -> int:
        """The rows of a program that exists and is not much larger; else these rows."""
        key = (self._program_key(), *[
            (leaf.shape[1:], leaf.dtype.name) for leaf in tree.leaves(data)
        ])  # fmt: skip
        sizes: set[int] = self._input_sizes.setdefault(key, set())
        fitting = [size for size in sizes if rows <= size <= 4 * rows]
        if fitting:
            return min(fitting)
        sizes.add(rows)
        return rows

    # -- running epochs ------------------------------------------------------------

    def _runner(self, kind: str, adapter: Any) -> Callable:
        """A function that runs one epoch, calls callbacks, and gives the logs."""
        if isinstance(adapter, ArrayAdapter):
            first = [Tensor(leaf[: adapter.batch_size]) for leaf in adapter.leaves]
            batch = tree.unflatten(adapter.structure, first)
            is_eager = self._is_eager(batch, kind)
            self._build_for(batch)
            self._check_labels((adapter.part("x"), adapter.part("y")))
            if not is_eager:
                loop_for = functools.partial(self._loop, kind, adapter)
                return ArrayRunner(self, kind, adapter, loop_for)
        return functools.partial(self._run_batches, kind, adapter)

    def _run_batches(self, kind: str, adapter: Any, callbacks: Any) -> dict[str, Any]:
        """An epoch over batches from Python."""
        begin, end, watched, bar = hooks(kind, callbacks)
        logs: dict[str, Any] = {}
        group = self.steps_per_execution
        step = -1
        source = adapter.batches()
        if isinstance(adapter, ArrayAdapter):
            source = _limited(source, adapter)
        for step, batch in enumerate(source):
            if watched and step % group == 0:
                begin(step)
            data = to_tensors(_as_batch(batch), kind)
            logs = sorted_logs(flat_logs(self._run_batch(kind, data)))
            if (step + 1) % group == 0:
                if watched:
                    end(step, logs)
                elif bar is not None and bar.progbar.is_due():
                    bar_end = getattr(bar, end.__name__)
                    bar_end(step, plain_logs(logs))
            if bar is not None:
                bar.seen = step + 1
            if kind == "train" and self.stop_training:
                break
        if step < 0 and not adapter.is_used_up:
            raise ArgumentError(
                f"{'fit' if kind == 'train' else 'evaluate'}: expected at least one batch; "
                "the data gave none; a generator is used up after one pass: give a "
                "dataset or arrays, or a generator without end and steps_per_epoch"
            )
        return logs

    def _loop(self, kind: str, adapter: ArrayAdapter, batch_size: int) -> Loop:
        """The program of steps for such arrays."""
        is_shuffled = adapter.shuffle
        key = adapter_key(kind, adapter, batch_size, is_shuffled, self._program_key())
        known = self._programs.get(key)
        if known is not None:
            return known
        self._clear_layer_losses()
        step = getattr(self, f"{kind}_step")
        results: Callable | None = self.get_metrics_result
        specs = None
        if self._is_users(f"{kind}_step") or self._is_users("compute_metrics"):
            # What a step of one's own returns is carried from step to step.
            step = function(step, name=f"{kind}_step")
            batch = [
                (( batch_size, *leaf.shape[1:]), leaf.dtype) for leaf in adapter.tensors
            ]  # fmt: skip
            specs = self._log_specs(step, batch, adapter.structure)
            results = None
        made = Loop(
            step,
            results,
            specs,
            adapter.structure,
            batch_size,
            is_shuffled,
            f"{kind}_steps",
        )
        self._programs[key] = made
        return made

    def _log_specs(self, step: Callable, batch: list, structure: Any) -> dict[str, Any]:
        from weft.keras.backend.keras_tensor import KerasTensor
        from weft.keras.backend.symbolic import compute_step_spec

        symbols = [KerasTensor(shape, dtype) for shape, dtype in batch]
        found = compute_step_spec(step, tree.unflatten(structure, symbols))
        self._clear_layer_losses()
        if not isinstance(found, dict):
            raise ArgumentTypeError(
                f"{type(self).__name__}.{getattr(step, 'name', 'step')}: it must return a "
                f"dict of values to log; received {type(found).__name__}"
            )
        return flat_logs(found)

    def _program_key(self) -> Any:
        """Changes when programs must be made anew: other variables are to be trained."""
        found = tuple(id(variable) for variable in self.trainable_variables)
        known = self._programs.get("key")
        if known is None or known != found:
            self._programs["key"] = known = found
        return known

    def _is_eager(self, data: Any, kind: str) -> bool:
        """Whether a step on such data runs as Python: where it is asked for, and on text.

        Raises:
            DTypeError: text for a model that has no layers for it, or as targets.
        """
        if holds_text(data):
            who = {"train": "fit", "test": "evaluate"}.get(kind, kind)
            x, y, weight = unpack_x_y_sample_weight(data)
            if not self._takes_text():
                require_numbers(x, f"{who}: x")
            require_numbers((y, weight), f"{who}: y")
            return True
        return self._run_eagerly or functions_run_eagerly()

    def _takes_text(self) -> bool:
        layers = self._flatten_layers()
        return any(getattr(layer, "takes_text", False) for layer in layers)

    def _clear_layer_losses(self) -> None:
        clear = getattr(self, "_clear_losses", None)
        if clear is not None:
            clear()

    # -- building ------------------------------------------------------------------

    def _build_for(self, data: Any) -> None:
        """Build what has no shapes yet: layers, losses, metrics, the optimizer."""
        if self._built_for is not None and getattr(self, "built", True):
            if self.optimizer is None or self.optimizer.built:
                return
        x, y, _ = unpack_x_y_sample_weight(data)
        y_pred = self._output_specs(x)
        counts = None
        if self._compile_loss is not None and y is not None:
            if not self._compile_loss.built:
                self._compile_loss.build(y, y_pred)
            counts = self._compile_loss.class_counts(y_pred)
        if self._compile_metrics is not None and y is not None:
            if not self._compile_metrics.built:
                self._compile_metrics.build(y, y_pred)
        if self._compile_loss is not None and self._built_for is None and y is not None:
            from weft.keras.training.advice import advise

            entries = getattr(self._compile_metrics, "entries", [])
            outputs = tree.leaves(y_pred)
            advise(self, self._compile_loss.losses, entries, outputs, tree.leaves(y))
        if self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        self._clear_layer_losses()
        hide(self, _built_for=True, _class_counts=counts)

    def _output_specs(self, x: Any) -> Any:
        """The outputs' shapes and dtypes, without computing them."""
        from weft.keras.backend.keras_tensor import KerasTensor
        from weft.keras.backend.symbolic import compute_output_spec

        symbols = tree.map(lambda leaf: KerasTensor(leaf.shape, leaf.dtype), x)
        leaves, structure = tree.flatten(symbols)

        def call(*tensors: Any) -> Any:
            return self._forward(tree.unflatten(structure, tensors), training=False)

        found = compute_output_spec(call, *leaves)
        if found is None:
            raise ArgumentTypeError(
                f"{type(self).__name__}.call: it must return the model's outputs; received "
                "None; was `return` forgotten?"
            )
        return found

    def _check_labels(self, data: Any) -> None:
        """Labels of sparse losses must be classes of their output."""
        if not self._class_counts or not any(self._class_counts):
            return
        _, y, _ = unpack_x_y_sample_weight(data)
        names = self._compile_loss.output_names
        pairs = zip(names, self._class_counts, tree.leaves(y))
        if isinstance(y, Mapping):
            pairs = zip(names, self._class_counts, [y.get(name) for name in names])
        for name, known, labels in pairs:
            if known is not None and labels is not None:
                classes, ignored = known
                who = f"output {name!r}" if len(names) > 1 else "the model's output"
                _require_labels(labels, classes, ignored, who)


# -- helpers -----------------------------------------------------------------------------


def hide(model: Any, **values: Any) -> None:
    """Set attributes that layers must not track as their own state."""
    for name, value in values.items():
        object.__setattr__(model, name, value)


def adapter_key(
    kind: str, adapter: ArrayAdapter, batch_size: int, is_shuffled: bool, program: Any
) -> tuple:
    """What decides whether a program for arrays can be used again."""
    specs = tuple((leaf.shape, leaf.dtype.char) for leaf in adapter.leaves)
    return kind, batch_size, is_shuffled, adapter.structure, specs, program


@functools.lru_cache(maxsize=1024)
def takes_training(kind: type) -> bool:
    call = getattr(kind, "call", None)
    if call is None:
        return True
    parameters = inspect.signature(call).parameters.values()
    return any(p.name == "training" or p.kind is p.VAR_KEYWORD for p in parameters)


def row_count(x: Any) -> int:
    leaves = tree.leaves(x)
    return leaves[0].shape[0] if leaves and leaves[0].shape else 1


def _require_labels(labels: Any, classes: int, ignored: Any, who: str) -> None:
    array = labels._array if isinstance(labels, Tensor) else np.asarray(labels)
    if not array.size or array.dtype.kind not in "iufb":
        return
    if ignored is not None:
        array = array[array != ignored]
        if not array.size:
            return
    low, high = array.min(), array.max()
    if low >= 0 and high < classes:
        return
    wrong = low if low < 0 else high
    if wrong != wrong:  # NaN: training goes on, and shows NaN.
        return
    raise ArgumentError(
        f"sparse_categorical_crossentropy: labels must be in 0 … {classes - 1}, because {who} "
        f"has {classes} classes; received the label {wrong}; correct the labels, give the "
        "last layer more units, or set ignore_class="
    )


def _as_batch(batch: Any) -> Any:
    if isinstance(batch, list | tuple):
        return tuple(part for part in batch if part is not None)
    return (batch,)


def _limited(batches: Any, adapter: ArrayAdapter) -> Any:
    for step, batch in enumerate(batches):
        if step == adapter.steps:
            adapter.end_epoch(adapter._cursor + step)
            return
        yield batch
    adapter.end_epoch(adapter._all_steps)


def to_numpy(leaf: Any) -> np.ndarray:
    """A result as an array of its own."""
    array = leaf._array if isinstance(leaf, Tensor) else np.asarray(leaf)
    return array if array.flags.writeable and array.flags.owndata else np.array(array)


def _padded(leaf: Any, rows: int) -> Tensor:
    """A tensor with its last row repeated."""
    array = leaf._array
    more = np.repeat(array[-1:], rows - len(array), axis=0)
    return Tensor(np.concatenate([array, more]))
