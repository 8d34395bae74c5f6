"""What `compile` was given, resolved when the shapes are known: losses and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weft import ops, tree
from weft.errors import ArgumentError, ArgumentTypeError, did_you_mean
from weft.keras import losses as losses_module
from weft.keras import metrics as metrics_module
from weft.keras.backend.names import to_snake_case

_SPARSE = losses_module.sparse_categorical_crossentropy


def get_loss(identifier: Any) -> Any:
    """A Loss out of a name, a function, a config or a Loss."""
    found = losses_module.get(identifier)
    if isinstance(found, losses_module.Loss) or found is None:
        return found
    made = losses_module.LossFunctionWrapper(found, name=getattr(found, "__name__", None))
    made.keeps_labels = found is _SPARSE
    return made


# -- metrics by name ---------------------------------------------------------------------

_BY_SHAPE: dict[str, tuple[Any, Any, Any]] = {
    "accuracy": (
        metrics_module.BinaryAccuracy,
        metrics_module.SparseCategoricalAccuracy,
        metrics_module.CategoricalAccuracy,
    ),
    "crossentropy": (
        metrics_module.BinaryCrossentropy,
        metrics_module.SparseCategoricalCrossentropy,
        metrics_module.CategoricalCrossentropy,
    ),
}
_SHORT = {"acc": "accuracy", "accuracy": "accuracy", "ce": "crossentropy",
          "crossentropy": "crossentropy"}  # fmt: skip


def get_metric(identifier: Any, y_true: Any, y_pred: Any) -> Any:
    """A Metric out of a name, a function or a Metric; 'acc' by the shapes of the data.

    Raises:
        ArgumentError: for unknown names.
    """
    if identifier is None:
        return None
    name = identifier if isinstance(identifier, str) else None
    kinds = _BY_SHAPE.get(_SHORT.get(str(identifier).lower(), ""))
    if name is not None and kinds is not None:
        found = kinds[_label_kind(y_true, y_pred)]()
    else:
        found = metrics_module.get(identifier)
    if not isinstance(found, metrics_module.Metric):
        if not callable(found):
            raise ArgumentTypeError(
                f"compile: a metric must be a name, a function or a Metric; received "
                f"{identifier!r}"
            )
        own = getattr(found, "__name__", type(found).__name__)
        found = metrics_module.MeanMetricWrapper(found, to_snake_case(own))
        found.keeps_labels = own.startswith("sparse_")
    if name is not None:
        found.name = name
    return found


def _label_kind(y_true: Any, y_pred: Any) -> int:
    """0 for one yes or no, 1 for class numbers, 2 for one-hot labels."""
    true, pred = tuple(y_true.shape), tuple(y_pred.shape)
    if len(pred) < 2 or pred[-1] == 1:
        return 0
    return 1 if len(true) < len(pred) or true[-1] == 1 else 2


# -- one entry per output ----------------------------------------------------------------


def output_names_of(y_pred: Any, names: Sequence[str] | None) -> list[str]:
    """A name for each output: dict keys, the model's names, or output_0, output_1, …"""
    count = len(tree.leaves(y_pred))
    if isinstance(y_pred, Mapping) and count == len(y_pred):
        return sorted(y_pred)
    if names is not None and len(names) == count:
        return list(names)
    return _numbered(count)


def _numbered(count: int) -> list[str]:
    """The names of outputs that have none; logs show losses and metrics without them."""
    return [f"output_{position}" for position in range(count)]


def per_output(what: str, given: Any, y_pred: Any, names: list[str]) -> list:
    """One entry of `given` for each output, in the order of the outputs' names.

    Raises:
        ArgumentError: if it has other names, or another length.
    """
    if isinstance(given, Mapping):
        unknown = [key for key in given if key not in names]
        if unknown:
            raise ArgumentError(
                f"compile: {what} must name the model's outputs, {names}; received "
                f"{unknown[0]!r}.{did_you_mean(unknown[0], names)}"
            )
        return [given.get(name) for name in names]
    if isinstance(given, list | tuple):
        if len(given) != len(names):
            raise ArgumentError(
                f"compile: {what} must have one entry per output of the model, {names}; "
                f"received {len(given)}: {given!r}"
            )
        return list(given)
    return [given] * len(names)


def match_outputs(what: str, y: Any, y_pred: Any, names: list[str]) -> list:
    """The targets (or weights) of each output: by name, by position, or one for all."""
    if y is None:
        return [None] * len(names)
    if len(names) == 1:
        leaves = tree.leaves(y)
        if len(leaves) != 1:
            raise ArgumentError(
                f"{what}: the model has one output; received {len(leaves)} targets"
            )
        return leaves
    if isinstance(y, Mapping) and not isinstance(y_pred, Mapping):
        missing = [name for name in names if name not in y]
        if len(missing) == len(names):
            raise ArgumentError(
                f"{what}: expected a dict with the model's outputs {names}; received the "
                f"keys {list(y)}"
            )
        return [y.get(name) for name in names]
    if isinstance(y, Mapping):
        return [y.get(name) for name in names]
    leaves = tree.leaves(y)
    if len(leaves) == 1 and what == "sample_weight":
        return leaves * len(names)
    if len(leaves) != len(names):
        raise ArgumentError(
            f"{what}: expected one entry per output of the model, {names}; received "
            f"{len(leaves)}"
        )
    return leaves


def outputs_of(y_pred: Any) -> list:
    """The outputs, in the order of `output_names_of`."""
    return tree.leaves(y_pred)


class CompileLoss:
    """The losses of all outputs, weighted and added up.

    Args:
        loss: a loss, or a list or dict of one per output.
        loss_weights: numbers in the same form.
        output_names: the model's names of its outputs.
    """

    def __init__(
        self, loss: Any, loss_weights: Any = None, output_names: Sequence[str] | None = None
    ) -> None:
        self._given, self._weights, self._names = loss, loss_weights, output_names
        self.built = False
        self.output_names: list[str] = []
        self.losses: list[Any] = []
        self.weights: list[float] = []
        self.trackers: list[Any] = []

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Resolve for outputs of these shapes."""
        names = self.output_names = output_names_of(y_pred, self._names)
        given = self._given
        if len(names) == 1 and isinstance(given, list | tuple | Mapping):
            leaves = [leaf for leaf in tree.leaves(given) if leaf is not None]
            if len(leaves) > 1:
                raise ArgumentError(
                    f"compile: the model has one output; received {len(leaves)} losses: "
                    f"{given!r}"
                )
            given = leaves[0] if leaves else None
        self.losses = [get_loss(one) for one in per_output("loss", given, y_pred, names)]
        if all(one is None for one in self.losses):
            raise ArgumentError("compile: at least one output needs a loss; received None")
        weights = per_output("loss_weights", self._weights, y_pred, names)
        if len(names) == 1 and isinstance(self._weights, list | tuple):
            weights = list(self._weights)
        self.weights = [_checked_weight(weight) for weight in weights]
        if len([one for one in self.losses if one is not None]) > 1:
            entries = per_output("loss", given, y_pred, names)
            self.trackers = [
                None if one is None else metrics_module.Mean(name=name)
                for name, one in zip(_names_of_losses(names, entries), self.losses)
            ]
        self.built = True

    @property
    def metrics(self) -> list:
        """A Mean for each output's loss, where there are several."""
        return [tracker for tracker in self.trackers if tracker is not None]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if not self.built:
            self.build(y_true, y_pred)
        names = self.output_names
        truths = match_outputs("y", y_true, y_pred, names)
        weights = match_outputs("sample_weight", sample_weight, y_pred, names)
        total: Any = None
        for position, (loss, prediction) in enumerate(zip(self.losses, outputs_of(y_pred))):
            truth = truths[position]
            if loss is None or truth is None:
                continue
            value = loss(truth, prediction, sample_weight=weights[position])
            if value.shape != ():
                value = ops.mean(value)
            if self.trackers and self.trackers[position] is not None:
                count = prediction.shape[0] if prediction.shape else 1
                self.trackers[position].update_state(value, sample_weight=float(count))
            value = value * self.weights[position] if self.weights[position] != 1 else value
            total = value if total is None else total + value
        if total is None:
            raise ArgumentError(
                "fit: the model was compiled with a loss, which needs targets; received y=None"
            )
        return total

    def class_counts(self, y_pred: Any) -> list[tuple[int, Any] | None]:
        """For each output with a sparse loss its number of classes, and the one to ignore."""
        counts: list[tuple[int, Any] | None] = []
        for loss, prediction in zip(self.losses, outputs_of(y_pred)):
            is_sparse = getattr(loss, "fn", None) is _SPARSE
            axis = getattr(loss, "_fn_kwargs", {}).get("axis", -1)
            ignored = getattr(loss, "ignore_class", None)
            counts.append((prediction.shape[axis], ignored) if is_sparse else None)
        return counts


def _checked_weight(weight: Any) -> float:
    if weight is None:
        return 1
    if not isinstance(weight, int | float):
        remedy = f"; metrics go by name: metrics=[{weight!r}]"
        raise ArgumentTypeError(
            f"compile: loss_weights must be numbers; received {weight!r} "
            f"({type(weight).__name__}){remedy if isinstance(weight, str) else ''}"
        )
    return weight


class CompileMetrics:
    """The metrics of all outputs, as one metric whose result is a dict.

    Args:
        metrics: a metric, a list of them, or a list or dict of such lists per output.
        weighted_metrics: likewise; these see sample weights.
        output_names: the model's names of its outputs.
    """

    name = "compile_metrics"

    def __init__(
        self, metrics: Any, weighted_metrics: Any = None,
        output_names: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        _require_container("metrics", metrics)
        _require_container("weighted_metrics", weighted_metrics)
        self._given, self._given_weighted, self._names = (
            metrics,
            weighted_metrics,
            output_names,
        )
        self.built = False
        self.output_names: list[str] = []
        # For each output: (name in logs, metric, whether it sees sample weights).
        self.entries: list[list[tuple[str, Any, bool]]] = []

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Resolve for outputs of these shapes."""
        names = self.output_names = output_names_of(y_pred, self._names)
        plain = self._lists("metrics", self._given, y_pred, names)
        weighted = self._lists("weighted_metrics", self._given_weighted, y_pred, names)
        truths = match_outputs("y", y_true, y_pred, names)
        taken: set[str] = set()
        self.entries = []
        for position, prediction in enumerate(outputs_of(y_pred)):
            has_name = len(names) > 1 and names != _numbered(len(names))
            prefix = f"{names[position]}_" if has_name else ""
            truth = truths[position] if truths[position] is not None else prediction
            entries = []
            for is_weighted, found in (
                (False, plain[position]),
                (True, weighted[position]),
            ):
                for identifier in found:
                    metric = get_metric(identifier, truth, prediction)
                    if metric is None:
                        continue
                    entries.append((_free_name(prefix, metric, is_weighted, taken), metric,
                                    is_weighted))  # fmt: skip
            self.entries.append(entries)
        self.built = True

    def _lists(self, what: str, given: Any, y_pred: Any, names: list[str]) -> list[list]:
        if given is None:
            return [[] for _ in names]
        if isinstance(given, Mapping):
            return [_listed(one) for one in per_output(what, given, y_pred, names)]
        given = _listed(given)
        is_per_output = any(isinstance(one, list | tuple | Mapping) for one in given)
        if len(names) == 1:
            if is_per_output and len(given) == 1:
                given = _listed(given[0])
            return [[one for item in given for one in _listed(item)]]
        if not given:
            return [[] for _ in names]
        return [_listed(one) for one in per_output(what, given, y_pred, names)]

    @property
    def metrics(self) -> list:
        """All metrics."""
        return [metric for entries in self.entries for _, metric, _ in entries]

    @property
    def variables(self) -> list:
        """The variables of all metrics."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in."""
        if not self.built:
            self.build(y_true, y_pred)
        truths = match_outputs("y", y_true, y_pred, self.output_names)
        weights = match_outputs("sample_weight", sample_weight, y_pred, self.output_names)
        for position, prediction in enumerate(outputs_of(y_pred)):
            truth = truths[position]
            if truth is None:
                continue
            for _, metric, is_weighted in self.entries[position]:
                weight = weights[position] if is_weighted else None
                if weight is None:
                    metric.update_state(truth, prediction)
                else:
                    metric.update_state(truth, prediction, sample_weight=weight)

    def reset_state(self) -> None:
        """Begin anew."""
        for metric in self.metrics:
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        """The values by their names in logs."""
        return {
            name: metric.result() for entries in self.entries for name, metric, _ in entries
        }

    def result_names(self) -> list[str]:
        """The names in logs, in the order in which they were given."""
        return [name for entries in self.entries for name, _, _ in entries]


def _names_of_losses(names: list[str], given: list) -> list[str]:
    """What logs call the loss of each output: by the output, or by what was given."""
    if names != _numbered(len(names)):
        return [f"{name}_loss" for name in names]
    found: list[str] = []
    for one in given:
        plain = one if isinstance(one, str) else None
        plain = plain or getattr(one, "name", None) or getattr(one, "__name__", "output")
        same = sum(name.startswith(f"{plain}_loss") for name in found)
        found.append(f"{plain}_loss_{same}" if same else f"{plain}_loss")
    return found


def _listed(given: Any) -> list:
    if given is None:
        return []
    if isinstance(given, Mapping):
        return list(given.values())
    return list(given) if isinstance(given, list | tuple) else [given]


def _require_container(what: str, given: Any) -> None:
    if given is not None and not isinstance(given, list | tuple | Mapping):
        raise ArgumentError(
            f"compile: Expected `{what}` argument to be a list, tuple, or dict. Received: "
            f"{given!r} of type {type(given).__name__}; write {what}=[…]"
        )


def _free_name(prefix: str, metric: Any, is_weighted: bool, taken: set[str]) -> str:
    name = f"{prefix}{metric.name}"
    if name in taken and is_weighted:
        name = f"{prefix}weighted_{metric.name}"
    count = 1
    plain = name
    while name in taken:
        name = f"{plain}_{count}"
        count += 1
    taken.add(name)
    return name
