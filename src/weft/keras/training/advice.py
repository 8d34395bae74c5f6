"""Advice: losses that do not go with the last activation, and what 'accuracy' was taken for.

Such a model trains, and learns badly or not at all, so that it is said once, in one line,
when shapes are known.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from weft.errors import warn
from weft.keras import layers, losses, metrics, models
from weft.keras.models.functional import Functional

_CATEGORICAL = (losses.categorical_crossentropy, losses.sparse_categorical_crossentropy)
_BINARY = (losses.binary_crossentropy, losses.binary_focal_crossentropy)
_DISTANCES = (
    losses.mean_squared_error,
    losses.mean_absolute_error,
    losses.mean_squared_logarithmic_error,
    losses.mean_absolute_percentage_error,
    losses.huber,
    losses.log_cosh,
)
_KIND_OF_ACCURACY: dict[Any, type] = {
    losses.binary_crossentropy: metrics.BinaryAccuracy,
    losses.binary_focal_crossentropy: metrics.BinaryAccuracy,
    losses.categorical_crossentropy: metrics.CategoricalAccuracy,
    losses.sparse_categorical_crossentropy: metrics.SparseCategoricalAccuracy,
}
_BY_SHAPE = (
    metrics.BinaryAccuracy,
    metrics.SparseCategoricalAccuracy,
    metrics.CategoricalAccuracy,
)


def advise(
    model: Any,
    compiled_losses: Sequence[Any],
    entries: Sequence[Sequence],
    y_pred: Sequence,
    y: Sequence = (),
) -> None:
    """Warn of what does not go together, output by output.

    Args:
        model: whose last layers are looked at, where it is made of layers.
        compiled_losses: the `Loss` of each output, or None.
        entries: of each output its metrics, as (name in logs, metric, is weighted).
        y_pred: the outputs, or what has their shapes.
        y: the labels of a batch, where they are known.
    """
    ends = last_layers(model)
    if len(ends) != len(compiled_losses):
        ends = [None] * len(compiled_losses)
    outputs = itertools.zip_longest(ends, compiled_losses, y_pred, entries, y)
    for end, loss, prediction, found, labels in outputs:
        if loss is None:
            continue
        units = prediction.shape[-1] if prediction.shape else 1
        remarks = [] if end is None else [_mismatch(end, loss, units)]
        remarks += [_guess(end, metric, loss, labels) for _, metric, _ in found or ()]
        # One line per output: the first names what is to be changed first.
        remark = next(filter(None, remarks), None)
        if remark:
            warn(f"{type(model).__name__} '{model.name}': {remark}")


def last_layers(model: Any) -> list[Any]:
    """The layer that makes each output; empty where that is not known."""
    if isinstance(model, models.Sequential):
        found = model.layers[-1:]
        is_known = type(model).call is models.Sequential.call
    elif isinstance(model, Functional):
        found = [output._keras_history.operation for output in model._outputs]
        is_known = type(model).call is Functional.call
    else:
        return []
    if not is_known:
        return []
    return [_innermost(layer) for layer in found]


def _innermost(layer: Any) -> Any:
    if not isinstance(layer, models.Model):
        return layer
    inner = last_layers(layer)
    return inner[0] if len(inner) == 1 else None


def activation_of(layer: Any) -> str | None:
    """The name of what a layer applies last; None where that is not known."""
    if isinstance(layer, layers.Softmax):
        return "softmax"
    activation = getattr(layer, "activation", None)
    if activation is None:
        return "linear" if isinstance(layer, layers.Dense | layers.EinsumDense) else None
    return getattr(activation, "__name__", None)


def _mismatch(layer: Any, loss: Any, units: int) -> str | None:
    activation = activation_of(layer)
    function = getattr(loss, "fn", None)
    from_logits = getattr(loss, "_fn_kwargs", {}).get("from_logits", False)
    name = getattr(function, "__name__", "")
    where = f"the last layer '{layer.name}' has activation='{activation}'"
    if activation == "softmax" and units == 1:
        return (
            f"{where} and one unit, whose output is 1 whatever the input; use "
            "activation='sigmoid'"
        )
    if function in _BINARY and activation == "softmax":
        return (
            f"{where} and {units} units, but {name} looks at each unit by itself; use "
            "'categorical_crossentropy' (one-hot labels) or "
            "'sparse_categorical_crossentropy' (class numbers)"
        )
    if function not in _CATEGORICAL + _BINARY:
        return None
    fitting = "sigmoid" if function in _BINARY else "softmax"
    if from_logits and activation in ("softmax", "sigmoid"):
        return (
            f"{where}, but {name} with from_logits=True applies {fitting} again; take the "
            "activation away, or from_logits=True"
        )
    if not from_logits and activation == "linear":
        return (
            f"{where}, but {name} needs probabilities; use activation='{fitting}' there, or "
            f"losses.{type(loss).__name__}(from_logits=True)"
        )
    return None


def _guess(layer: Any, metric: Any, loss: Any, labels: Any) -> str | None:
    if metric.name not in ("acc", "accuracy") or type(metric) not in _BY_SHAPE:
        return None
    function: Any = getattr(loss, "fn", None)
    resolved = type(metric).__name__
    expected = _KIND_OF_ACCURACY.get(function)
    if function in _CATEGORICAL and type(metric) is not metrics.BinaryAccuracy:
        # Such labels are not the loss's, which says so itself.
        return None
    if expected is not None and expected is not type(metric):
        return (
            f"'{metric.name}' was taken as {resolved}, by the shapes of labels and outputs; "
            f"the loss suggests metrics.{expected.__name__}(), which can be given in its place"
        )
    is_probability = layer is not None and activation_of(layer) in (
        "sigmoid",
        "hard_sigmoid",
    )
    if is_probability or type(metric) is not metrics.BinaryAccuracy:
        return None
    if function in _DISTANCES and not _are_classes(labels):
        return (
            f"'{metric.name}' was taken as {resolved} (outputs above 0.5 count as 1); for "
            "numbers that are no classes use metrics=['mae']"
        )
    return None


def _are_classes(labels: Any) -> bool:
    """Whether labels are zeros and ones, as far as they can be seen."""
    array = getattr(labels, "_array", None)
    return array is not None and bool(np.isin(array, (0, 1)).all())
