"""Estimators of scikit-learn around Keras models.

    X, y ──► checked, targets encoded ──► model(X, y) or its copy ──► fit ──► model_

The model that is given is never changed: what is trained is a copy of it, `model_`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from weft.errors import ArgumentError, ArgumentTypeError
from weft.keras.models import Model

_ROUTES = {"model": "model_kwargs", "fit": "fit_kwargs"}


class _Estimator(BaseEstimator):
    """What the three estimators share."""

    model_: Model
    history_: Any

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: Mapping[str, Any] | None = None,
        fit_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # The first weights are drawn anew in each fit.
        tags.non_deterministic = True
        return tags

    def set_params(self, **params: Any) -> Self:
        """Set parameters; `model__x` and `fit__x` go into `model_kwargs` and `fit_kwargs`.

        That is how a grid names them: `GridSearchCV(estimator, {"model__units": [8, 16]})`.
        """
        own = {}
        for name, value in params.items():
            route, _, inner = name.partition("__")
            if inner and route in _ROUTES:
                kwargs = dict(getattr(self, _ROUTES[route]) or {})
                setattr(self, _ROUTES[route], kwargs | {inner: value})
            else:
                own[name] = value
        return super().set_params(**own)

    def set_fit_request(self, **kwargs: Any) -> Self:
        """Which arguments of `fit` a pipeline passes on: see metadata routing there.

        Raises:
            RuntimeError: metadata routing is not enabled in scikit-learn.
        """
        if not get_config().get("enable_metadata_routing", False):
            raise RuntimeError(
                f"{type(self).__name__}.set_fit_request: metadata routing must be enabled; "
                "call sklearn.set_config(enable_metadata_routing=True) first"
            )
        requests = copy.deepcopy(self._get_metadata_request())
        for name, alias in kwargs.items():
            requests.fit.add_request(param=name, alias=alias)
        self._metadata_request = requests
        return self

    @property
    def epoch_(self) -> int:
        """How many epochs the last fit trained."""
        history = getattr(self, "history_", None)
        return 0 if history is None else len(history.epoch)

    # -- training ------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Self:
        """Train a copy of the model.

        Args:
            X: rows of features, (rows, features).
            y: targets, (rows,) or (rows, outputs).
            kwargs: arguments of `Model.fit`, beside those of `fit_kwargs`.

        Raises:
            ArgumentError: the model is not compiled.
        """
        X, y = self._checked(X, y)
        encoded = self._encoded(y)
        settings = {**(self.fit_kwargs or {}), **kwargs}
        self._check_weights(encoded, settings.get("sample_weight"))
        is_trained = hasattr(self, "model_")
        model = self.model_ if self.warm_start and is_trained else self._made(X, encoded)
        _require_compiled(model, type(self).__name__)
        if not model.built:
            model.build((None, *X.shape[1:]))
        targets = self._for_model(encoded, model)
        self.history_ = model.fit(X, targets, **settings)
        self.model_ = model
        return self

    def _made(self, X: np.ndarray, y: np.ndarray) -> Model:
        if isinstance(self.model, Model):
            return copy.deepcopy(self.model)
        if not callable(self.model):
            raise ArgumentTypeError(
                f"{type(self).__name__}: `model` must be a Keras model, or a function of X "
                f"and y that makes one; received {self.model!r}"
            )
        return self.model(X=X, y=y, **(self.model_kwargs or {}))

    def _checked(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True)
        return X, _flat(y)

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        self._target_dimensions = y.ndim
        return y.reshape(len(y), -1)

    def _for_model(self, encoded: np.ndarray, model: Model) -> np.ndarray:
        return encoded

    def _check_weights(self, encoded: np.ndarray, weights: Any) -> None:
        """For subclasses: whether rows of any weight are enough to train on."""

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "model_")
        X = validate_data(self, X, reset=False)
        return np.asarray(self.model_.predict(X, verbose=0))

    def predict(self, X: Any) -> np.ndarray:
        """The targets that the model predicts for rows of features."""
        outputs = self._outputs(X)
        if self._target_dimensions == 1 and outputs.ndim == 2 and outputs.shape[1] == 1:
            return outputs[:, 0]
        return outputs


def _flat(y: np.ndarray) -> np.ndarray:
    """One column of targets as (rows,), with scikit-learn's warning."""
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def _require_compiled(model: Any, who: str) -> None:
    if not isinstance(model, Model):
        raise ArgumentTypeError(
            f"{who}: `model` must make a Keras model; received {model!r}"
        )
    if not model.compiled or not model.loss or model.optimizer is None:
        raise ArgumentError(
            f"{who}: the model must be compiled with a loss and an optimizer; call "
            "model.compile(optimizer='adam', loss=…) on it first"
        )


class SKLearnClassifier(ClassifierMixin, _Estimator):
    """A classifier of scikit-learn around a Keras model.

    The model is trained on columns of zeros and ones, one per class; on the numbers of
    classes, if its loss is a sparse one; on one column, if it has one output.

    Args:
        model: a compiled model, or a function `model(X, y, **model_kwargs)` that makes one;
            `y` has one column per class.
        warm_start: whether another `fit` goes on with the trained model.
        model_kwargs: further arguments of that function.
        fit_kwargs: arguments of `Model.fit`, such as `{"epochs": 10, "verbose": 0}`.

    Attributes:
        model_: the trained model.
        history_: what `Model.fit` returned.
        classes_: the classes, in the order of the model's outputs.

    Example:
        >>> import numpy as np
        >>> import weft.keras as keras
        >>> from weft.keras.wrappers import SKLearnClassifier
        >>> def network(X, y, units=8):
        ...     model = keras.Sequential([
        ...         keras.layers.Dense(units, activation="relu"),
        ...         keras.layers.Dense(y.shape[1], activation="softmax")])
        ...     model.compile("adam", "categorical_crossentropy")
        ...     return model
        >>> X, y = np.random.rand(20, 3), np.arange(20) % 2
        >>> estimator = SKLearnClassifier(network, fit_kwargs={"verbose": 0}).fit(X, y)
        >>> estimator.predict(X).shape
        (20,)
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    def _checked(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, multi_output=True)
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind not in ("binary", "multiclass"):
            raise ArgumentError(
                "SKLearnClassifier: Only binary and multiclass target types are supported. "
                f"Target type: {kind}"
            )
        return X, _flat(y)

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            raise ArgumentError(
                "SKLearnClassifier: Classifier can't train when only one class is present."
            )
        return np.eye(len(self.classes_), dtype=np.float32)[numbers.reshape(-1)]

    def _check_weights(self, encoded: np.ndarray, weights: Any) -> None:
        if weights is None or encoded[np.asarray(weights) > 0].any(axis=0).sum() > 1:
            return
        raise ArgumentError(
            "SKLearnClassifier: Classifier can't train when only one class is present "
            "among the rows whose sample_weight is above zero."
        )

    def _for_model(self, encoded: np.ndarray, model: Model) -> np.ndarray:
        loss = model.loss if isinstance(model.loss, str) else type(model.loss).__name__
        if loss == "function":
            loss = model.loss.__name__
        if "sparse" in loss.lower():
            return encoded.argmax(axis=1)
        shape = getattr(model, "output_shape", None) if model.built else None
        has_one_output = isinstance(shape, tuple) and shape[-1] == 1
        return encoded[:, 1:] if has_one_output and encoded.shape[1] == 2 else encoded

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row of features."""
        numbers = self.predict_proba(X).argmax(axis=1)
        return self.classes_[numbers]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, (rows, classes); softmax of outputs that are logits."""
        outputs = self._outputs(X)
        outputs = outputs.reshape(len(outputs), -1).astype(np.float64)
        if outputs.shape[1] == 1:
            positive = outputs[:, 0]
            if positive.min(initial=0) < 0 or positive.max(initial=0) > 1:
                positive = 1 / (1 + np.exp(-positive))
            return np.stack([1 - positive, positive], axis=1)
        totals = outputs.sum(axis=1, keepdims=True)
        if outputs.min(initial=0) >= 0 and np.allclose(totals, 1, atol=1e-3):
            return outputs / totals
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def decision_function(self, X: Any) -> np.ndarray:
        """How sure the model is of each class, (rows, classes); for two classes (rows,).

        As in scikit-learn, a positive number speaks for the second of two classes.
        """
        found = self.predict_proba(X)
        return found[:, 1] - found[:, 0] if found.shape[1] == 2 else found


class SKLearnRegressor(RegressorMixin, _Estimator):
    """A regressor of scikit-learn around a Keras model.

    Args:
        model: a compiled model, or a function `model(X, y, **model_kwargs)` that makes one.
        warm_start: whether another `fit` goes on with the trained model.
        model_kwargs: further arguments of that function.
        fit_kwargs: arguments of `Model.fit`, such as `{"epochs": 10, "verbose": 0}`.

    Attributes:
        model_: the trained model.
        history_: what `Model.fit` returned.

    Example:
        >>> import numpy as np
        >>> import weft.keras as keras
        >>> from weft.keras.wrappers import SKLearnRegressor
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> X = np.random.rand(20, 3)
        >>> SKLearnRegressor(model, fit_kwargs={"verbose": 0}).fit(X, X[:, 0]).predict(X).shape
        (20,)
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class SKLearnTransformer(TransformerMixin, _Estimator):
    """A transformer of scikit-learn around a Keras model, such as one that makes embeddings.

    Args:
        model: a compiled model, or a function `model(X, y, **model_kwargs)` that makes one.
        warm_start: whether another `fit` goes on with the trained model.
        model_kwargs: further arguments of that function.
        fit_kwargs: arguments of `Model.fit`.

    Attributes:
        model_: the trained model.
        history_: what `Model.fit` returned.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def transform(self, X: Any) -> np.ndarray:
        """The model's outputs for rows of features."""
        return self._outputs(X)
