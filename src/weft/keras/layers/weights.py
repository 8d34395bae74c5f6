"""Weights: how a layer makes, lists, freezes, sets and stores them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from weft.core.state import eager
from weft.dtypes import canonical
from weft.errors import ArgumentError, ArgumentTypeError, ShapeError
from weft.keras import constraints, initializers, regularizers
from weft.keras.backend.names import current_path, path_scope
from weft.keras.backend.shapes import standardize_shape
from weft.keras.backend.variable import Variable


class Weights:
    """The part of a layer that has to do with its weights.

    The lists of variables, seeds and layers inside are kept by the layer's tracker.
    """

    name: str
    built: bool
    _building: bool
    _trainable: bool
    _tracker: Any
    _layers: list[Any]
    _metrics: list[Any]
    _seed_generators: list[Any]
    _trainable_variables: list[Any]
    _non_trainable_variables: list[Any]
    _dtype_policy: Any
    _open_path: Callable[[], str]
    _require_super_init: Callable[[], None]

    @property
    def variable_dtype(self) -> str:
        """The dtype of the variables."""
        return self._dtype_policy.variable_dtype

    def add_weight(
        self,
        *args: Any,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Make a weight, which is trained and saved with the layer.

        Args:
            shape: all extents known; () if left out.
            initializer: a name, an object or a function; 'glorot_uniform' for floats and
                'zeros' for all else if left out.
            dtype: the layer's variable dtype if left out.
            trainable: whether it is trained.
            autocast: whether it may be read in the compute dtype.
            regularizer: what large values cost.
            constraint: what it must satisfy after each update.
            name: the last part of its path.
        """
        self._require_super_init()
        if args:
            shape = self._positional_shape(args, shape)
        shape = () if shape is None else standardize_shape(shape, f"{self.name}.add_weight")
        dtype = canonical(dtype if dtype is not None else self.variable_dtype)
        if initializer is None:
            initializer = "glorot_uniform" if dtype.is_floating else "zeros"
        opened = not self._building
        with path_scope(self._open_path() if opened else current_path()), eager():
            variable = Variable(
                initializers.get(initializer),
                shape=shape,
                dtype=dtype,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name,
                constraint=constraints.get(constraint),
                regularizer=regularizers.get(regularizer),
            )
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._tracker.track(variable)
        if not self._trainable:
            variable.trainable = False
        return variable

    def _positional_shape(self, args: tuple, shape: Any) -> Any:
        if len(args) > 1 or isinstance(args[0], str) or shape is not None:
            raise ArgumentTypeError(
                f"add_weight of {self.name!r}: arguments go by name: add_weight(shape=(…), "
                f"initializer='zeros', name='…'); received {args}"
            )
        return args[0]

    def add_variable(
        self, shape: Any, initializer: Any, dtype: Any = None, trainable: bool = True,
        autocast: bool = True, regularizer: Any = None, constraint: Any = None,
        name: str | None = None,
    ) -> Variable:  # fmt: skip
        """`add_weight` under its older name."""
        return self.add_weight(
            shape=shape, initializer=initializer, dtype=dtype, trainable=trainable,
            autocast=autocast, regularizer=regularizer, constraint=constraint, name=name,
        )  # fmt: skip

    def add_metric(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            "Layer.add_metric: keep the metric as an attribute instead, "
            "self.m = keras.metrics.Mean(), and call self.m.update_state(value)"
        )

    @property
    def trainable(self) -> bool:
        """Whether its weights are trained; setting it holds for the layers inside too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = bool(value)
        object.__setattr__(self, "_trainable", value)
        for variable in self._trainable_variables:
            variable.trainable = value
        for layer in self._layers:
            layer.trainable = value

    @property
    def variables(self) -> list[Any]:
        """All variables: weights, seeds, those of the layers inside; each once."""
        return _unique(self._iterate_variables())

    def _iterate_variables(self) -> Iterator[Any]:
        yield from self._trainable_variables
        yield from self._non_trainable_variables
        for seeds in self._seed_generators:
            yield seeds.state
        for layer in self._layers:
            yield from layer._iterate_variables()

    @property
    def trainable_variables(self) -> list[Any]:
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Any]:
        variables = self.variables
        return [v for v in variables if not v.trainable] if self.trainable else variables

    @property
    def weights(self) -> list[Any]:
        """The variables that `get_weights` gives and files hold, without seeds."""
        return _unique(self._iterate_weights())

    def _iterate_weights(self) -> Iterator[Any]:
        yield from self._trainable_variables
        yield from self._non_trainable_variables
        for layer in self._layers:
            yield from layer._iterate_weights()

    @property
    def trainable_weights(self) -> list[Any]:
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        weights = self.weights
        return [v for v in weights if not v.trainable] if self.trainable else weights

    @property
    def metrics(self) -> list[Any]:
        """The metrics of the layer and the layers inside."""
        found = list(self._metrics)
        for layer in self._layers:
            found.extend(layer.metrics)
        return found

    @property
    def metrics_variables(self) -> list[Any]:
        return [variable for metric in self.metrics for variable in metric.variables]

    def get_weights(self) -> list[np.ndarray]:
        """The weights' values as NumPy arrays, in the order of `weights`."""
        return [np.asarray(v.numpy()) for v in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Set all weights from arrays in the order of `weights`.

        Raises:
            ShapeError: naming the first weight that does not fit; nothing is changed.
        """
        own = self.weights
        if len(own) != len(weights):
            raise ArgumentError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight "
                f"list of length {len(weights)}, but the layer was expecting {len(own)} "
                "weights."
            )
        for variable, value in zip(own, weights):
            if tuple(np.shape(value)) != variable.shape:
                raise ShapeError(
                    f"Layer {self.name} weight shape {variable.shape} is not compatible "
                    f"with provided weight shape {tuple(np.shape(value))} "
                    f"({variable.name})."
                )
        for variable, value in zip(own, weights):
            variable.assign(value)

    def count_params(self) -> int:
        """The number of weights' elements."""
        if not self.built:
            raise ArgumentError(
                "You tried to call `count_params` on layer "
                f"'{self.name}', but the layer isn't built. You can build it manually via: "
                "`layer.build(input_shape)`."
            )
        return sum(math.prod(v.shape) for v in self.weights)

    def save_own_variables(self, store: Any) -> None:
        """Put the layer's own variables into `store`, by number."""
        own = [*self._trainable_variables, *self._non_trainable_variables]
        for number, variable in enumerate(own):
            store[str(number)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Take the layer's own variables out of `store`."""
        own = [*self._trainable_variables, *self._non_trainable_variables]
        keys = list(store.keys())
        if len(keys) != len(own):
            state = "" if self.built else (
                " In this case, the layer has not been built yet: call it on data, or "
                "build it, first.")  # fmt: skip
            raise ArgumentError(
                f"Layer '{self.name}' expected {len(own)} variables, but received "
                f"{len(keys)} variables during loading. Expected: "
                f"{[v.name for v in own]}.{state}"
            )
        for number, variable in enumerate(own):
            variable.assign(np.asarray(store[str(number)]))


def _unique(variables: Iterator[Any]) -> list[Any]:
    found: dict[int, Any] = {}
    for variable in variables:
        found.setdefault(id(variable), variable)
    return list(found.values())
