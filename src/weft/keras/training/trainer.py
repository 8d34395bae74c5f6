"""Trainer: compile, fit, evaluate and predict, for every kind of model.

`fit` builds what has no shape yet (layers, losses, metrics, the optimizer's slots), and then
runs epochs: over arrays in memory in programs of many steps (`loops.py`), over other sources
batch by batch. A model may define its own `train_step(data)`, with `weft.GradientTape`; it is
compiled all the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from weft import ops, tree
from weft.autodiff import GradientTape
from weft.errors import ArgumentError, ArgumentTypeError
from weft.keras.callbacks.callback import plain_logs
from weft.keras.callbacks.callback_list import CallbackList
from weft.keras.metrics import Mean
from weft.keras.training import compile_utils, data_adapters
from weft.keras.training.compile_utils import CompileLoss, CompileMetrics
from weft.keras.training.data_adapters import (
    ArrayAdapter,
    adapter_for,
    to_tensors,
    unpack_x_y_sample_weight,
)
from weft.keras.training.loops import flat_logs, sorted_logs
from weft.keras.training.running import Running, hide, row_count, takes_training, to_numpy
from weft.keras.utils.registration import get_registered_object

_KINDS = ("train", "test", "predict")
_NOT_COMPILED = (
    "{who}: You must call `compile()` before using the model: "
    "model.compile(optimizer=…, loss=…), then {who}"
)


class Trainer(Running):
    """What models can do with data; mixed into `Model`."""

    # Set by `compile` and `fit`.
    compiled: bool
    stop_predicting: bool
    loss: Any
    history: Any
    _loss_tracker: Any
    _compile_config: Any
    _initial_epoch: int | None

    # Of the layer.
    losses: Any
    __call__: Callable[..., Any]

    def __init__(self) -> None:
        hide(
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
        hide(
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
        hide(self, _run_eagerly=bool(value))

    @property
    def jit_compile(self) -> bool:
        """Whether steps are compiled; they are, unless `run_eagerly` is set."""
        return not self._run_eagerly

    @jit_compile.setter
    def jit_compile(self, value: Any) -> None:
        hide(self, _jit_compile=value)

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
            if isinstance(thing, str):
                # A function of the user's, known by this name for now only.
                return get_registered_object(thing) or thing
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
        """The loss, the compiled metrics, the losses of outputs, the metrics of layers."""
        own = [self._loss_tracker, self._compile_metrics]
        own = [metric for metric in own if metric is not None]
        if self._compile_loss is not None:
            own += self._compile_loss.metrics
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

    def _resets(self) -> list[Callable[[], None]]:
        """What `reset_metrics` calls; that itself where a model defines its own."""
        if type(self).reset_metrics is not Trainer.reset_metrics:
            return [self.reset_metrics]
        return [metric.reset_state for metric in self.metrics]

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

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict:
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
                "received no y; give fit(x, y), validation_data=(x, y), or batches of (x, y)"
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
        self._loss_tracker.update_state(loss, sample_weight=row_count(x))
        if variables and self.optimizer is not None:
            gradients = tape.gradient(scaled, variables)
            self.optimizer.apply(gradients, variables)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Evaluation of a batch; a model may define its own."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self._forward(x, training=False)
        loss = self.compute_loss(x, y, y_pred, sample_weight, training=False)
        self._loss_tracker.update_state(loss, sample_weight=row_count(x))
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch; a model may define its own."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self._forward(x, training=False)

    def _forward(self, x: Any, training: bool) -> Any:
        kind: type = type(self)
        if takes_training(kind):
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
        resets = self._resets()
        callbacks = self._callbacks(callbacks, verbose, adapter.steps, epochs, True)
        hide(self, stop_training=False, _initial_epoch=None)
        callbacks.on_train_begin()
        # A callback that restored an earlier training says where that one was.
        initial_epoch = self._initial_epoch or initial_epoch
        logs: dict[str, Any] = {}
        validate = None
        for epoch in range(initial_epoch, epochs):
            for reset in resets:
                reset()
            callbacks.on_epoch_begin(epoch)
            logs_of_epoch = run(callbacks)
            if adapter.is_used_up:
                break
            logs = logs_of_epoch
            if validation is not None and _is_time(validation_freq, epoch):
                if validate is None:
                    validate = self._runner("test", validation)
                found = self._evaluate(validate, callbacks)
                logs = logs | {f"val_{name}": value for name, value in found.items()}
            callbacks.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        if self.optimizer is not None and epochs > initial_epoch:
            self.optimizer.finalize_variable_values(self.trainable_variables)
        callbacks.on_train_end(logs=logs)
        return self.history

    def _callbacks(
        self, given: Any, verbose: Any, steps: int | None, epochs: int = 1,
        with_history: bool = False,
    ) -> CallbackList:  # fmt: skip
        """The callbacks of a run; a list that a loop around it made is used as it is."""
        if isinstance(given, CallbackList):
            return given
        if isinstance(verbose, str) and verbose != "auto":
            raise ArgumentError(
                "verbose: must be 0 (silent), 1 (a bar), 2 (a line per epoch) or 'auto'; "
                f"received {verbose!r}"
            )
        return CallbackList(
            given,
            add_history=with_history,
            add_progbar=verbose != 0,
            model=self,
            verbose=1 if verbose == "auto" else verbose,
            epochs=epochs,
            steps=steps,
        )

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
        callbacks = self._callbacks(callbacks, verbose, adapter.steps)
        logs = self._evaluate(run, callbacks)
        return logs if return_dict else self._in_order(logs)

    def _evaluate(self, run: Callable, callbacks: Any) -> dict[str, Any]:
        callbacks.on_test_begin()
        self.reset_metrics()
        logs = plain_logs(run(callbacks))
        callbacks.on_test_end(logs)
        return logs

    def _in_order(self, logs: dict[str, Any]) -> Any:
        """The values as a list: metrics as they were given, then those of named outputs."""
        names: list[str] = []
        for metric in self.metrics:
            if isinstance(metric, CompileMetrics):
                single = len(metric.output_names) <= 1
                inner = (
                    metric.result_names() if single else [m.name for m in metric.metrics]
                )
                names += inner
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
        callbacks = self._callbacks(callbacks, verbose, adapter.steps)
        hide(self, stop_predicting=False)
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

    # -- single batches ------------------------------------------------------------

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None,
        class_weight: dict | None = None, return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """One step of training; the values of metrics of this batch."""
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
        """Evaluation of one batch; the values of metrics of this batch."""
        self._require_compiled("test_on_batch")
        return self._on_batch("test", x, y, sample_weight, return_dict)

    def explain(
        self, x: Any, y: Any = None, sample_weight: Any = None, measure: bool = False
    ) -> Any:
        """What a step on this batch does, kernel by kernel.

        A step of training where the model is compiled and `y` is given, else of prediction.
        With `measure` it is timed, on copies of the weights. The report prints as a table;
        `.to_html(path)` writes a page.
        """
        from weft.explain import explain

        if y is None or not self.compiled:
            data = to_tensors((x,), "explain")
            return explain(self.make_predict_function(), data, measure=measure)
        adapter = ArrayAdapter(x, y, sample_weight, 1 << 30, who="explain")
        data = tree.unflatten(adapter.structure, adapter.tensors)
        self._build_for(data)
        return explain(self.make_train_function(), data, measure=measure)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        data = to_tensors((x,), "predict_on_batch")
        if self._is_eager(data, "predict_on_batch"):
            return tree.map(to_numpy, self.predict_step(data))
        return tree.map(to_numpy, self.make_predict_function()(data))

    def _on_batch(
        self, kind: str, x: Any, y: Any, sample_weight: Any, return_dict: bool
    ) -> Any:
        adapter = ArrayAdapter(x, y, sample_weight, 1 << 30, who=f"{kind}_on_batch")
        data = tree.unflatten(adapter.structure, adapter.tensors)
        self.reset_metrics()
        logs = plain_logs(sorted_logs(flat_logs(self._run_batch(kind, data))))
        return logs if return_dict else self._in_order(logs)

    def _require_compiled(self, who: str) -> None:
        if not self.compiled:
            raise ArgumentError(_NOT_COMPILED.format(who=who))

    def _who(self) -> str:
        return f"{type(self).__name__} {getattr(self, 'name', '')!r}"


# -- helpers -----------------------------------------------------------------------------


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


def _concatenated(batches: list) -> Any:
    if len(batches) == 1:
        return batches[0]
    leaves = [tree.flatten(batch) for batch in batches]
    structure = leaves[0][1]
    columns = zip(*[found for found, _ in leaves])
    return tree.unflatten(structure, [np.concatenate(column, axis=0) for column in columns])
