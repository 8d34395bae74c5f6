"""The wrappers of Keras 2, by their names and arguments there."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from weft.errors import ArgumentError, did_you_mean
from weft.keras.models import Model
from weft.keras.utils.older import tell
from weft.keras.wrappers.estimators import SKLearnClassifier, SKLearnRegressor

__all__ = ["KerasClassifier", "KerasRegressor"]


class _OfBuildFunction:
    """An estimator around a function that makes a model.

    Args:
        build_fn: makes a compiled model.
        sk_params: arguments of `build_fn` and of `Model.fit`, by name. A grid may change
            each of them.

    Raises:
        ArgumentError: neither of the two takes such an argument.
    """

    model_: Model
    history_: Any
    warm_start = False

    def __init__(
        self, build_fn: Callable[..., Model] | None = None, **sk_params: Any
    ) -> None:
        name = type(self).__name__
        tell(f"keras.wrappers.scikit_learn.{name}", "keras.wrappers has newer ones")
        self.build_fn = build_fn
        self.sk_params: dict[str, Any] = {}
        self.set_params(**sk_params)

    @property
    def model(self) -> Model:
        """The trained model."""
        return self.model_

    @property
    def fit_kwargs(self) -> dict[str, Any]:
        """Those of `sk_params` that `Model.fit` takes."""
        return self._taken_by(Model.fit)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The build function and all of `sk_params`."""
        return {"build_fn": self.build_fn, **self.sk_params}

    def set_params(self, **params: Any) -> Self:
        """Change the build function or `sk_params`."""
        self.build_fn = params.pop("build_fn", self.build_fn)
        known = {*_names(self._builder), *_names(Model.fit)}
        for name in params:
            if name not in known:
                raise ArgumentError(
                    f"{type(self).__name__}: parameters must be arguments of build_fn or of "
                    f"Model.fit; received {name!r}.{did_you_mean(name, known)}"
                )
        self.sk_params.update(params)
        return self

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Train a model that is made anew; returns its `History`."""
        super().fit(X, y, **kwargs)  # type: ignore[misc]
        return self.history_

    def predict(self, X: Any, **kwargs: Any) -> np.ndarray:
        """What the model says of each row."""
        return super().predict(X)  # type: ignore[misc]

    @property
    def _builder(self) -> Callable[..., Model]:
        # A subclass may define __call__ in place of a function.
        return self.build_fn or self.__call__  # type: ignore[operator]

    def _made(self, X: np.ndarray, y: np.ndarray) -> Model:
        return self._builder(**self._taken_by(self._builder))

    def _taken_by(self, function: Callable) -> dict[str, Any]:
        names = _names(function)
        return {name: value for name, value in self.sk_params.items() if name in names}


def _names(function: Callable) -> list[str]:
    return list(inspect.signature(function).parameters)


class KerasClassifier(_OfBuildFunction, SKLearnClassifier):  # type: ignore[misc]
    """A classifier around a function that makes a model.

    Example:
        >>> import numpy as np
        >>> import weft.keras as keras
        >>> from weft.keras.wrappers.scikit_learn import KerasClassifier
        >>> def network(units=8):
        ...     model = keras.Sequential([
        ...         keras.layers.Dense(units, activation="relu"),
        ...         keras.layers.Dense(1, activation="sigmoid")])
        ...     model.compile("adam", "binary_crossentropy")
        ...     return model
        >>> X, y = np.random.rand(20, 3), np.arange(20) % 2
        >>> estimator = KerasClassifier(network, units=4, epochs=2, verbose=0)
        >>> len(estimator.fit(X, y).epoch), estimator.predict(X).shape
        (2, (20,))
    """

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Train a model on classes, or on rows with a single one; returns its `History`."""
        return super().fit(X, _classes(y), **kwargs)

    def score(self, X: Any, y: Any, **kwargs: Any) -> float:
        """The share of rows whose class is found."""
        return float(np.mean(self.predict(X) == _classes(y)))


def _classes(y: Any) -> np.ndarray:
    y = np.asarray(y)
    is_one_hot = y.ndim == 2 and y.shape[1] > 1
    return y.argmax(axis=1) if is_one_hot else y.reshape(len(y))


class KerasRegressor(_OfBuildFunction, SKLearnRegressor):  # type: ignore[misc]
    """A regressor around a function that makes a model; its score is the loss below zero."""

    def score(self, X: Any, y: Any, **kwargs: Any) -> float:
        """The negative loss: more is better."""
        loss = self.model_.evaluate(X, y, **{"verbose": 0, **kwargs})
        return -float(loss[0] if isinstance(loss, list) else loss)
