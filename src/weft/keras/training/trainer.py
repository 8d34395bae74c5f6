"""Trainer: compile, fit, evaluate and predict, for every kind of model.

`fit` builds what has no shape yet (layers, losses, metrics, the optimizer's slots), and then
runs epochs: over arrays in memory in programs of many steps (`loops.py`), over other sources
batch by batch. A model may define its own `train_step(data)`, with `weft.GradientTape`; it is
compiled all the same.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from weft import ops, tree
from weft.autodiff import GradientTape
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ArgumentTypeError
from weft.function import function, functions_run_eagerly
from weft.keras.callbacks.callback import CallbackList, plain_logs
from weft.keras.metrics import Mean
from weft.keras.training import compile_utils, data_adapters
from weft.keras.training.compile_utils import CompileLoss, CompileMetrics
from weft.keras.training.data_adapters import (
    ArrayAdapter,
    adapter_for,
    to_tensors,
    unpack_x_y_sample_weight,
)
from weft.keras.training.loops import Loop, Stopwatch, flat_logs, sorted_logs

_KINDS = ("train", "test", "predict")
_NOT_COMPILED = (
    "{who}: You must call `compile()` before using the model: "
    "model.compile(optimizer=…, loss=…), then {who}"
)


class Trainer:
    """What models can do with data; mixed into `Model`."""

    def __init__(self) -> None:
        _hide(
            self,
            compiled=False,
            stop_training=False,
            optimizer=None,
            loss=None,
            steps_per_execution=1,
            _run_eagerly=False,
            _jit_compile=None,
            _loss_tracker=None,
            _compile_loss=None,
            _compile_metrics=None,
            _compile_config=None,
            _auto_scale_loss=True,
            _programs={},
            _built_for=None,
            _class_counts=None,
            _input_sizes={},
            _initial_epoch=None,
        )

    # -- compiling -----------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how to train.

        Args:
            optimizer: a name, a config or an optimizer.
            loss: a name, a function or a loss; or a list or dict of one per output.
            loss_weights: numbers in the same form.
            metrics: a list of names, functions and metrics; or such a list per output.
            weighted_metrics: likewise; these see sample weights.
            run_eagerly: whether steps run as plain Python, for debugging.
            steps_per_execution: how many steps callbacks see as one.
            jit_compile: taken for compatibility; every step is compiled.
            auto_scale_loss: whether float16 models get a `LossScaleOptimizer`.

        Raises:
            ArgumentError: for unknown names; the message names the nearest.

        Example:
            >>> from weft import keras
            >>> model = keras.Sequential([keras.layers.Dense(1)])
            >>> model.compile("adam", loss="mse", metrics=["mae"])
        """
        from weft.keras import optimizers

        if run_eagerly and jit_compile is True:
            jit_compile = False
        if not isinstance(steps_per_execution, int) or steps_per_execution < 1:
            raise ArgumentError(
                "compile: steps_per_execution must be a positive int; received "
                f"{steps_per_execution!r}"
            )
        found = optimizers.get(optimizer)
        policy = getattr(self, "dtype_policy", None)
        wants_scale = getattr(policy, "name", "") == "mixed_float16"
        if auto_scale_loss and wants_scale and found is not None:
            if not isinstance(found, optimizers.LossScaleOptimizer):
                found = optimizers.LossScaleOptimizer(found, name="loss_scale_optimizer")
        names = getattr(self, "output_names", None)
        compile_loss = None
        if loss is not None:
            _check_names(loss, compile_utils.get_loss)
            compile_loss = CompileLoss(loss, loss_weights, names)
        compile_metrics = None
        if metrics is not None or weighted_metrics is not None:
            compile_metrics = CompileMetrics(metrics, weighted_metrics, names)
            _check_names((metrics, weighted_metrics), _metric_of)
        _hide(
            self,
            compiled=True,
            optimizer=found,
            loss=loss,
            stop_training=False,
            steps_per_execution=steps_per_execution,
            _run_eagerly=bool(run_eagerly),
            _jit_compile=jit_compile,
            _auto_scale_loss=auto_scale_loss,
            _loss_tracker=Mean(name="loss"),
            _compile_loss=compile_loss,
            _compile_metrics=compile_metrics,
            _programs={},
            _built_for=None,
            _class_counts=None,
            train_function=None,
            test_function=None,
            predict_function=None,
            _compile_config={
                "optimizer": optimizer, "loss": loss, "loss_weights": loss_weights,
                "metrics": metrics, "weighted_metrics": weighted_metrics,
                "run_eagerly": run_eagerly, "steps_per_execution": steps_per_execution,
                "jit_compile": jit_compile,
            },
        )  # fmt: skip

    @property
    def run_eagerly(self) -> bool:
        """Whether steps run as plain Python."""
        return self._run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        _hide(self, _run_eagerly=bool(value))

    @property
    def jit_compile(self) -> bool:
        """Whether steps are compiled; they are, unless `run_eagerly` is set."""
        return not self._run_eagerly

    @jit_compile.setter
    def jit_compile(self, value: Any) -> None:
        _hide(self, _jit_compile=value)

    @property
    def compiled_metrics(self) -> Any:
        """The metrics given to `compile`, as one metric; None without."""
        return self._compile_metrics

    def compiled_loss(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None,
        regularization_losses: Any = None,
    ) -> Any:  # fmt: skip
        """The compiled loss, plus losses of regularizers if given."""
        total = self._compile_loss(y_true, y_pred, sample_weight)
        for loss in regularization_losses or ():
            total = total + loss
        return total

    def get_compile_config(self) -> dict | None:
        """What `compile_from_config` needs; None before `compile`."""
        if not self.compiled:
            return None
        from weft.keras import losses, metrics, optimizers

        def serialized(thing: Any) -> Any:
            if isinstance(thing, Mapping):
                return {name: serialized(one) for name, one in thing.items()}
            if isinstance(thing, list | tuple):
                return [serialized(one) for one in thing]
            if isinstance(thing, metrics.Metric):
                return metrics.serialize(thing)
            if isinstance(thing, losses.Loss) or inspect.isfunction(thing):
                return losses.serialize(thing)
            return thing

        config = {name: serialized(value) for name, value in self._compile_config.items()}
        if self.optimizer is not None:
            config["optimizer"] = optimizers.serialize(self.optimizer)
        return config

    def compile_from_config(self, config: dict) -> None:
        """Compile as `get_compile_config` says; the optimizer gets its variables."""
        from weft.keras import losses, metrics, optimizers

        def restored(thing: Any, family: Any) -> Any:
            if isinstance(thing, Mapping) and "class_name" in thing:
                return family.deserialize(thing)
            if isinstance(thing, Mapping):
                return {name: restored(one, family) for name, one in thing.items()}
            if isinstance(thing, list | tuple):
                return [restored(one, family) for one in thing]
            return thing

        config = dict(config)
        config["optimizer"] = restored(config.get("optimizer"), optimizers)
        config["loss"] = restored(config.get("loss"), losses)
        for name in ("metrics", "weighted_metrics"):
            config[name] = restored(config.get(name), metrics)
        self.compile(**config)
        if self.optimizer is not None and getattr(self, "built", False):
            self.optimizer.build(self.trainable_variables)

    # -- metrics -------------------------------------------------------------------

    @property
    def metrics(self) -> list:
        """The loss, the losses of outputs, the compiled metrics, those of layers."""
        own: list[Any] = []
        if self._loss_tracker is not None and self._compile_loss is not None:
            own.append(self._loss_tracker)
            own += self._compile_loss.metrics
        elif self._loss_tracker is not None:
            own.append(self._loss_tracker)
        if self._compile_metrics is not None:
            own.append(self._compile_metrics)
        layer_metrics = getattr(super(), "metrics", None)
        return own + [metric for metric in layer_metrics or () if metric not in own]

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Let all metrics begin anew."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """The values of all metrics by name."""
        found: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            if isinstance(value, dict):
                found.update(value)
            else:
                found[metric.name] = value
        return found

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict:
        """Update the compiled metrics with a batch; the values of all metrics."""
        if self._compile_metrics is not None and y is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    # -- steps ---------------------------------------------------------------------

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
        training: bool = True,
    ) -> Any:  # fmt: skip
        """The loss of a batch: that of `compile`, plus what layers and regularizers add.

        Raises:
            ArgumentError: if there is none at all.
        """
        losses = list(self.losses) if hasattr(self, "losses") else []
        if self._compile_loss is not None and y is not None:
            losses.insert(0, self._compile_loss(y, y_pred, sample_weight))
        elif self._compile_loss is not None and not losses:
            raise ArgumentError(
                f"{self._who()}: the model was compiled with a loss, which needs targets; "
                "received no y; give fit(x, y), or batches of (x, y)"
            )
        if not losses:
            raise ArgumentError(
                f"{self._who()}: No loss to compute. Provide a `loss` argument in "
                "`compile()`, or add losses with add_loss()"
            )
        total = losses[0]
        for loss in losses[1:]:
            total = total + ops.cast(loss, total.dtype)
        return total

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training on a batch; a model may define its own.

        Returns:
            The values to log, by name.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self._forward(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=True)
            scaled = self.optimizer.scale_loss(loss) if self.optimizer is not None else loss
        variables = self.trainable_variables
        self._loss_tracker.update_state(loss, sample_weight=_row_count(x))
        if variables and self.optimizer is not None:
            gradients = tape.gradient(scaled, variables)
            self.optimizer.apply(gradients, variables)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Evaluation of a batch; a model may define its own."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self._forward(x, training=False)
        loss = self.compute_loss(x, y, y_pred, sample_weight, training=False)
        self._loss_tracker.update_state(loss, sample_weight=_row_count(x))
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch; a model may define its own."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self._forward(x, training=False)

    def _forward(self, x: Any, training: bool) -> Any:
        if _takes_training(type(self)):
            return self(x, training=training)
        return self(x)

    def make_train_function(self, force: bool = False) -> Callable:
        """The compiled step of training; also kept as `train_function`."""
        return self._make_function("train", force)

    def make_test_function(self, force: bool = False) -> Callable:
        """The compiled step of evaluation; also kept as `test_function`."""
        return self._make_function("test", force)

    def make_predict_function(self, force: bool = False) -> Callable:
        """The compiled step of prediction; also kept as `predict_function`."""
        return self._make_function("predict", force)

    def _make_function(self, kind: str, force: bool) -> Callable:
        name = f"{kind}_function"
        known = getattr(self, name, None)
        if known is not None and not force and self._programs.get(name) is self._program_key():
            return known
        step = getattr(self, f"{kind}_step")
        is_own = getattr(type(self), f"{kind}_step") is getattr(Trainer, f"{kind}_step")
        made = function(step, autograph=not is_own, name=f"{kind}_step")
        _hide(self, **{name: made})
        self._programs[name] = self._program_key()
        return made

    # -- fit -----------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> Any:
        """Train for a number of epochs.

        Args:
            x: arrays (or lists or dicts of them), a dataset, or a generator of batches.
            y: the targets, if x is arrays.
            batch_size: rows per step; 32 by default.
            epochs: the number of the last epoch.
            verbose: 0 silent, 1 a bar, 2 a line per epoch; "auto" is 1.
            callbacks: a list of callbacks.
            validation_split: the share of the last rows that is kept for validation.
            validation_data: `(x, y)`, `(x, y, sample_weight)`, or a dataset.
            shuffle: whether rows come in a new order in each epoch.
            class_weight: class numbers to weights.
            sample_weight: a weight for each row.
            initial_epoch: the number of the first epoch, when training goes on.
            steps_per_epoch: steps of an epoch, if not all of the data.
            validation_steps: likewise for validation.
            validation_batch_size: `batch_size` by default.
            validation_freq: every how many epochs to validate, or a list of epochs.

        Returns:
            A `History`.

        Raises:
            ArgumentError: before `compile`, and for data that does not fit together.
        """
        self._require_compiled("fit")
        epochs = _checked_epochs(epochs)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = data_adapters.split_validation(
                (x, y, sample_weight), validation_split
            )
        adapter = adapter_for(
            x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight, "fit"
        )
        validation = None
        if validation_data is not None:
            validation = self._validation_adapter(
                validation_data, validation_batch_size or batch_size, validation_steps
            )
        run = self._runner("train", adapter)
        if not isinstance(callbacks, CallbackList):
            callbacks = CallbackList(
                callbacks,
                add_history=True,
                add_progbar=verbose != 0,
                model=self,
                verbose=1 if verbose == "auto" else verbose,
                epochs=epochs,
                steps=adapter.steps,
            )
        _hide(self, stop_training=False, _initial_epoch=None)
        callbacks.on_train_begin()
        # A callback that restored an earlier training says where that one was.
        initial_epoch = self._initial_epoch or initial_epoch
        logs: dict[str, Any] = {}
        validate = None
        for epoch in range(initial_epoch, epochs):
            self.reset_metrics()
            callbacks.on_epoch_begin(epoch)
            logs = plain_logs(run(callbacks))
            if validation is not None and _is_time(validation_freq, epoch):
                if validate is None:
                    validate = self._runner("test", validation)
                found = self._evaluate(validate, callbacks)
                logs |= {f"val_{name}": value for name, value in found.items()}
            callbacks.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        if self.optimizer is not None and epochs > initial_epoch:
            self.optimizer.finalize_variable_values(self.trainable_variables)
        callbacks.on_train_end(logs=logs)
        return self.history

    def _validation_adapter(self, data: Any, batch_size: Any, steps: int | None) -> Any:
        if isinstance(data, tuple | list) and 1 <= len(data) <= 3:
            x, y, sample_weight = unpack_x_y_sample_weight(data)
        else:
            x, y, sample_weight = data, None, None
        return adapter_for(x, y, sample_weight, batch_size, steps, who="validation_data")

    # -- evaluate ------------------------------------------------------------------

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and the metrics on data.

        Returns:
            A number, a list of numbers, or with `return_dict` a dict by name.
        """
        if kwargs:
            raise ArgumentTypeError(
                f"evaluate: Arguments not recognized: {', '.join(kwargs)}"
            )
        self._require_compiled("evaluate")
        adapter = adapter_for(x, y, sample_weight, batch_size, steps, who="evaluate")
        run = self._runner("test", adapter)
        if not isinstance(callbacks, CallbackList):
            callbacks = CallbackList(
                callbacks,
                add_progbar=verbose != 0,
                model=self,
                verbose=1 if verbose == "auto" else verbose,
                epochs=1,
                steps=adapter.steps,
            )
        logs = self._evaluate(run, callbacks)
        return logs if return_dict else self._in_order(logs)

    def _evaluate(self, run: Callable, callbacks: Any) -> dict[str, Any]:
        callbacks.on_test_begin()
        self.reset_metrics()
        logs = plain_logs(run(callbacks))
        callbacks.on_test_end(logs)
        return logs

    def _in_order(self, logs: dict[str, Any]) -> Any:
        """The values as a list: metrics as they were given, then others by name."""
        names: list[str] = []
        for metric in self.metrics:
            if isinstance(metric, CompileMetrics):
                single = len(metric.output_names) <= 1
                names += metric.result_names() if single else sorted(metric.result_names())
            else:
                names.append(metric.name)
        names = [name for name in dict.fromkeys(names) if name in logs]
        names += sorted(name for name in logs if name not in names)
        values = [logs[name] for name in names]
        return values[0] if len(values) == 1 else values

    # -- predict -------------------------------------------------------------------

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for data, as NumPy arrays."""
        adapter = adapter_for(x, None, None, batch_size, steps, who="predict")
        if not isinstance(callbacks, CallbackList):
            callbacks = CallbackList(
                callbacks,
                add_progbar=verbose != 0,
                model=self,
                verbose=1 if verbose == "auto" else verbose,
                epochs=1,
                steps=adapter.steps,
            )
        _hide(self, stop_predicting=False)
        batches = adapter.batches()
        is_watched = callbacks.needs_batches("predict")
        bar = callbacks.progbar
        found: list[Any] = []
        callbacks.on_predict_begin()
        limit = adapter.steps if isinstance(adapter, ArrayAdapter) else None
        for step, batch in enumerate(batches):
            if step == limit:
                break
            if is_watched:
                callbacks.on_predict_batch_begin(step)
            outputs = self._predict_batch(batch)
            found.append(outputs)
            if is_watched:
                callbacks.on_predict_batch_end(step, {"outputs": outputs})
            elif bar is not None:
                bar.on_predict_batch_end(step)
            if self.stop_predicting:
                break
        callbacks.on_predict_end()
        if not found:
            raise ArgumentError("predict: expected at least one batch; received none")
        return _concatenated(found)

    def _predict_batch(self, batch: Any) -> Any:
        """The outputs of one batch as arrays."""
        data = to_tensors(batch, "predict")
        if self._is_eager():
            return tree.map(_to_numpy, self.predict_step(data))
        rows = _row_count(data)
        run_rows = self._rows_to_run(data, rows)
        if run_rows == rows:
            return tree.map(_to_numpy, self.make_predict_function()(data))
        # Rows are independent here: a program for more rows serves, with rows to spare.
        padded = tree.map(functools.partial(_padded, rows=run_rows), data)
        outputs = self.make_predict_function()(padded)
        if any(leaf.shape[:1] != (run_rows,) for leaf in tree.leaves(outputs)):
            return tree.map(_to_numpy, self.make_predict_function()(data))
        return tree.map(lambda leaf: _to_numpy(leaf)[:rows], outputs)

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

    # -- single batches ------------------------------------------------------------

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None,
        class_weight: dict | None = None, return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """One step of training; the values of metrics since they were reset."""
        self._require_compiled("train_on_batch")
        if class_weight is not None:
            if sample_weight is not None:
                raise ArgumentError(
                    "train_on_batch: class_weight and sample_weight exclude each other"
                )
            sample_weight = data_adapters.class_weights_of(y, class_weight)
        return self._on_batch("train", x, y, sample_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Evaluation of one batch; the values of metrics since they were reset."""
        self._require_compiled("test_on_batch")
        return self._on_batch("test", x, y, sample_weight, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        data = to_tensors((x,), "predict_on_batch")
        if self._is_eager():
            return tree.map(_to_numpy, self.predict_step(data))
        return tree.map(_to_numpy, self.make_predict_function()(data))

    def _on_batch(
        self, kind: str, x: Any, y: Any, sample_weight: Any, return_dict: bool
    ) -> Any:
        adapter = ArrayAdapter(x, y, sample_weight, 1 << 30, who=f"{kind}_on_batch")
        data = tree.unflatten(adapter.structure, adapter.tensors)
        logs = plain_logs(sorted_logs(flat_logs(self._run_batch(kind, data))))
        return logs if return_dict else self._in_order(logs)

    def _run_batch(self, kind: str, data: Any) -> Any:
        """One step on a batch of tensors."""
        self._build_for(data)
        self._check_labels(data)
        if self._is_eager():
            return getattr(self, f"{kind}_step")(data)
        self._clear_layer_losses()
        return self._make_function(kind, False)(data)

    # -- running epochs ------------------------------------------------------------

    def _runner(self, kind: str, adapter: Any) -> Callable:
        """A function that runs one epoch, calls callbacks, and gives the logs."""
        if isinstance(adapter, ArrayAdapter):
            first = [Tensor(leaf[: adapter.batch_size]) for leaf in adapter.leaves]
            self._build_for(tree.unflatten(adapter.structure, first))
            self._check_labels((adapter.part("x"), adapter.part("y")))
            if not self._is_eager():
                return functools.partial(self._run_arrays, kind, adapter)
        return functools.partial(self._run_batches, kind, adapter)

    def _run_batches(self, kind: str, adapter: Any, callbacks: Any) -> dict[str, Any]:
        """An epoch over batches from Python."""
        begin, end, watched, bar = _hooks(kind, callbacks)
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
        if step < 0:
            raise ArgumentError(
                f"{'fit' if kind == 'train' else 'evaluate'}: expected at least one batch; "
                "the data gave none"
            )
        return logs

    def _run_arrays(self, kind: str, adapter: ArrayAdapter, callbacks: Any) -> dict[str, Any]:
        """An epoch over arrays in memory, many steps in each call of a program."""
        begin, end, watched, bar = _hooks(kind, callbacks)
        first = adapter.begin_epoch()
        size, rows = adapter.batch_size, adapter.rows
        order = Tensor(_NO_ORDER if adapter.order is None else adapter.order)
        whole = rows // size
        step, stop = first, first + adapter.steps
        logs: dict[str, Any] = {}
        while step < stop:
            if step >= adapter._all_steps:
                data_adapters._warn_ran_out()
                break
            is_tail = step >= whole
            loop = self._loop(kind, adapter, rows - whole * size if is_tail else size)
            left = 1 if is_tail else min(stop, whole) - step
            count = min(self.steps_per_execution, left) if watched else loop.pace.steps(left)
            if watched:
                begin(step - first)
            clock = Stopwatch()
            last = rows if is_tail else (step + count) * size
            logs = loop.run(adapter.tensors, order, step * size, last)
            loop.pace.took(count, clock.lap())
            step += count
            if watched:
                end(step - first - 1, logs)
            elif bar is not None:
                bar.seen = step - first
                if bar.progbar is not None and bar.progbar.is_due():
                    getattr(bar, end.__name__)(step - first - 1, plain_logs(logs))
            if kind == "train" and self.stop_training:
                break
        adapter.end_epoch(step)
        return logs

    def _loop(self, kind: str, adapter: ArrayAdapter, batch_size: int) -> Loop:
        """The program of steps for such arrays."""
        is_shuffled = adapter.order is not None
        key = adapter_key(kind, adapter, batch_size, is_shuffled, self._program_key())
        known = self._programs.get(key)
        if known is not None:
            return known
        self._clear_layer_losses()
        base = getattr(Trainer, f"{kind}_step")
        is_own = getattr(type(self), f"{kind}_step") is not base
        is_own |= type(self).compute_metrics is not Trainer.compute_metrics
        step = getattr(self, f"{kind}_step")
        results: Callable | None = self.get_metrics_result
        specs = None
        if is_own:
            # What a step of one's own returns is carried from step to step.
            step = function(step, name=f"{kind}_step")
            batch = [
                (( batch_size, *leaf.shape[1:]), leaf.dtype) for leaf in adapter.tensors
            ]  # fmt: skip
            specs = self._log_specs(step, batch, adapter.structure)
            results = None
        made = Loop(
            step, results, specs, adapter.structure, batch_size, is_shuffled, f"{kind}_steps"
        )
        self._programs[key] = made
        return made

    def _log_specs(self, step: Callable, batch: list, structure: Any) -> dict[str, Any]:
        from weft.keras.backend.keras_tensor import KerasTensor
        from weft.keras.backend.symbolic import compute_output_spec

        symbols = [KerasTensor(shape, dtype) for shape, dtype in batch]
        found = compute_output_spec(step, tree.unflatten(structure, symbols))
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

    def _is_eager(self) -> bool:
        return self._run_eagerly or functions_run_eagerly()

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
        if self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        self._clear_layer_losses()
        _hide(self, _built_for=True, _class_counts=counts)

    def _output_specs(self, x: Any) -> Any:
        """The outputs' shapes and dtypes, without computing them."""
        from weft.keras.backend.keras_tensor import KerasTensor
        from weft.keras.backend.symbolic import compute_output_spec

        symbols = tree.map(lambda leaf: KerasTensor(leaf.shape, leaf.dtype), x)
        leaves, structure = tree.flatten(symbols)

        def call(*tensors: Any) -> Any:
            return self._forward(tree.unflatten(structure, tensors), training=False)

        return compute_output_spec(call, *leaves)

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
                who = f"output {name!r}" if len(names) > 1 else "the model's output"
                _require_labels(labels, *known, who)

    def _require_compiled(self, who: str) -> None:
        if not self.compiled:
            raise ArgumentError(_NOT_COMPILED.format(who=who))

    def _who(self) -> str:
        return f"{type(self).__name__} {getattr(self, 'name', '')!r}"


# -- helpers -----------------------------------------------------------------------------

_NO_ORDER = np.zeros(0, np.int32)


def _hide(model: Any, **values: Any) -> None:
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
def _takes_training(kind: type) -> bool:
    call = getattr(kind, "call", None)
    if call is None:
        return True
    parameters = inspect.signature(call).parameters.values()
    return any(p.name == "training" or p.kind is p.VAR_KEYWORD for p in parameters)


def _row_count(x: Any) -> int:
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


def _check_names(given: Any, find: Callable) -> None:
    """Let unknown names raise in `compile`, where they were written."""
    for leaf in tree.leaves(given):
        if isinstance(leaf, str):
            find(leaf)


def _metric_of(name: str) -> Any:
    from weft.keras import metrics

    if name.lower() in compile_utils._SHORT:
        return None
    return metrics.FAMILY.find(name)


def _checked_epochs(epochs: Any) -> int:
    is_int = hasattr(epochs, "__index__") and not isinstance(epochs, bool)
    if not is_int:
        raise ArgumentTypeError(f"fit: epochs must be an int; received {epochs!r}")
    return epochs.__index__()


def _is_time(frequency: Any, epoch: int) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


def _hooks(kind: str, callbacks: Any) -> tuple[Callable, Callable, bool, Any]:
    begin = getattr(callbacks, f"on_{kind}_batch_begin")
    end = getattr(callbacks, f"on_{kind}_batch_end")
    bar = callbacks.progbar
    if bar is not None and (bar.verbose != 1 or (kind == "test" and bar._is_in_fit)):
        bar = bar if bar.target is None and kind == "train" else None
    return begin, end, callbacks.needs_batches(kind), bar


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


def _to_numpy(leaf: Any) -> np.ndarray:
    """A result as an array of its own."""
    array = leaf._array if isinstance(leaf, Tensor) else np.asarray(leaf)
    return array if array.flags.writeable and array.flags.owndata else np.array(array)


def _padded(leaf: Any, rows: int) -> Tensor:
    """A tensor with its last row repeated."""
    array = leaf._array
    more = np.repeat(array[-1:], rows - len(array), axis=0)
    return Tensor(np.concatenate([array, more]))


def _concatenated(batches: list) -> Any:
    if len(batches) == 1:
        return batches[0]
    leaves = [tree.flatten(batch) for batch in batches]
    structure = leaves[0][1]
    columns = zip(*[found for found, _ in leaves])
    return tree.unflatten(structure, [np.concatenate(column, axis=0) for column in columns])
