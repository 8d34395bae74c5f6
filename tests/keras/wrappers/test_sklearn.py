"""The wrappers are estimators of scikit-learn, by its own checks and in its tools."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from weft import keras
from weft.keras import layers
from weft.keras.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer


def network(X, y, loss="mse", activation=None, units=(8,)):
    # Fitted twice, it must come out the same.
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((X.shape[1],))])
    for count in units:
        model.add(layers.Dense(count, activation="relu"))
    model.add(layers.Dense(y.shape[1] if y.ndim > 1 else 1, activation=activation))
    model.compile(keras.optimizers.Adam(0.01), loss)
    return model


def square(X, y):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((X.shape[1],)), layers.Dense(y.shape[1])])
    model.compile("adam", "mse")
    return model


QUIET = {"verbose": 0, "epochs": 2, "batch_size": 64}
SOFTMAX = {"loss": "categorical_crossentropy", "activation": "softmax"}


ESTIMATORS = [
    SKLearnClassifier(network, model_kwargs=SOFTMAX, fit_kwargs=QUIET),
    SKLearnRegressor(network, fit_kwargs=QUIET),
    SKLearnTransformer(square, fit_kwargs=QUIET),
]


def _checks():
    """scikit-learn's own checks, with names that are the same in every process (its own ids
    print the address of the function that makes the model)."""
    for estimator in ESTIMATORS:
        checks = estimator_checks_generator(estimator)
        for number, (tried, check) in enumerate(checks):
            name = getattr(check, "func", check).__name__
            yield pytest.param(
                tried, check, id=f"{type(estimator).__name__}-{number}-{name}"
            )


@pytest.mark.parametrize("estimator, check", _checks())
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


rng = np.random.default_rng(0)
X = rng.normal(size=(120, 4)).astype("float32")
Y = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")
FIT = {"verbose": 0, "epochs": 30, "batch_size": 16}


@pytest.mark.parametrize(
    "outputs, activation, loss",
    [
        (2, "softmax", "categorical_crossentropy"),
        (2, "softmax", "sparse_categorical_crossentropy"),
        (2, None, keras.losses.SparseCategoricalCrossentropy(from_logits=True)),
        (1, "sigmoid", "binary_crossentropy"),
        (1, None, keras.losses.BinaryCrossentropy(from_logits=True)),
    ],
)
def test_outputs_and_losses(outputs, activation, loss):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(outputs, activation)])
    model.compile(keras.optimizers.Adam(0.1), loss)
    before = model.get_weights()
    estimator = SKLearnClassifier(model, fit_kwargs=FIT).fit(X, Y)
    assert estimator.score(X, Y) > 0.9
    assert set(estimator.predict(X)) == {"yes", "no"}
    assert estimator.predict_proba(X).shape == (120, 2)
    np.testing.assert_allclose(estimator.predict_proba(X).sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(
        estimator.decision_function(X) > 0, estimator.predict(X) == "yes"
    )
    np.testing.assert_array_equal(before[0], model.get_weights()[0])
    assert estimator.epoch_ == 30


def test_pipelines_and_searches():
    estimator = SKLearnClassifier(network, model_kwargs=SOFTMAX, fit_kwargs=FIT)
    pipeline = make_pipeline(StandardScaler(), estimator)
    assert cross_val_score(pipeline, X, Y, cv=3).mean() > 0.8
    search = GridSearchCV(estimator, {"model__units": [(2,), (16,)]}, cv=2).fit(X, Y)
    assert search.best_params_["model__units"] in [(2,), (16,)]
    assert estimator.model_kwargs == SOFTMAX
    search = GridSearchCV(estimator, {"fit_kwargs": [FIT, QUIET]}, cv=2).fit(X, Y)
    assert search.best_params_ == {"fit_kwargs": FIT}


def test_regressors():
    targets = X @ np.array([[1.0, -1.0], [2.0, 0.5], [0.0, 1.0], [0.5, 0.0]])
    fit = {**FIT, "epochs": 60}
    one = SKLearnRegressor(network, fit_kwargs=fit).fit(X, targets[:, 0])
    assert one.predict(X).shape == (120,) and one.score(X, targets[:, 0]) > 0.5
    two = SKLearnRegressor(network, fit_kwargs=fit).fit(X, targets)
    assert two.predict(X).shape == (120, 2)


def test_transformers():
    transformer = SKLearnTransformer(square, fit_kwargs=QUIET)
    pipeline = make_pipeline(transformer, LogisticRegression())
    numbers = (Y == "yes").astype(float)
    assert pipeline.fit(X, numbers).predict(X).shape == (120,)
    assert transformer.fit(X, X).transform(X).shape == (120, 4)


def test_warm_start_goes_on():
    cold = SKLearnRegressor(network, fit_kwargs=FIT)
    warm = SKLearnRegressor(network, warm_start=True, fit_kwargs=FIT)
    for estimator in (cold, warm):
        estimator.fit(X, X[:, 0])
        first = estimator.model_
        estimator.fit(X, X[:, 0])
        assert (estimator.model_ is first) == estimator.warm_start


def test_clones_keep_every_parameter():
    estimator = SKLearnRegressor(
        network, warm_start=True, model_kwargs={"units": (3,)}, fit_kwargs=QUIET
    )
    assert clone(estimator).get_params() == estimator.get_params()


def test_models_are_copied_and_pickled():
    model = network(X, X[:, :2], units=(3, 5))
    model.fit(X, X[:, :2], verbose=0)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(
            twin.predict(X, verbose=0), model.predict(X, verbose=0)
        )
        for mine, theirs in zip(
            twin.optimizer.variables, model.optimizer.variables, strict=True
        ):
            np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
        twin.fit(X, X[:, :2], verbose=0)


def test_mistakes():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    with pytest.raises(ValueError, match="must be compiled"):
        SKLearnRegressor(model).fit(X, X[:, 0])
    with pytest.raises(TypeError, match="function of X and y"):
        SKLearnRegressor("model").fit(X, X[:, 0])
    with pytest.raises(ValueError, match="only one class"):
        SKLearnClassifier(network).fit(X, np.zeros(120))


def built(units=4, rate=0.01, outputs=1, last="sigmoid", loss="binary_crossentropy"):
    model = keras.Sequential([layers.Dense(units, "relu"), layers.Dense(outputs, last)])
    model.compile(keras.optimizers.Adam(rate), loss)
    return model


@pytest.mark.filterwarnings("ignore:.*older Keras")
def test_wrappers_of_keras_2():
    from weft.keras.wrappers.scikit_learn import KerasClassifier, KerasRegressor

    X = np.random.default_rng(0).normal(size=(60, 3))
    names = np.where(X[:, 0] > 0, "yes", "no")
    classifier = KerasClassifier(build_fn=built, epochs=30, batch_size=10, verbose=0)
    assert len(classifier.fit(X, names).epoch) == 30
    assert (classifier.predict(X) == names).mean() > 0.8
    assert classifier.predict_proba(X).shape == (60, 2)
    grid = GridSearchCV(classifier, {"units": [2, 3], "epochs": [1]}, cv=2)
    grid.fit(X, names, verbose=0)
    assert set(grid.best_params_) == {"units", "epochs"}
    assert grid.best_estimator_.model.layers[0].units == grid.best_params_["units"]
    several = KerasClassifier(
        built, outputs=3, last="softmax", loss="categorical_crossentropy", verbose=0
    )
    for y in (np.arange(60) % 3, np.eye(3)[np.arange(60) % 3]):
        assert cross_val_score(several, X, y, cv=2).min() > 0

    regressor = KerasRegressor(built, last=None, loss="mse", verbose=0)
    regressor.fit(X, X[:, 1], validation_data=(X, X[:, 1]), epochs=2)
    error = regressor.predict(X) - X[:, 1]
    assert regressor.score(X, X[:, 1]) == pytest.approx(-np.mean(error**2), rel=1e-4)
    with pytest.raises(ValueError, match="Did you mean 'units'"):
        KerasClassifier(built, unit=3)
