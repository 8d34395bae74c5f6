"""Whole trainings end with the history, weights, scores and outputs of real Keras."""

from __future__ import annotations

import numpy as np
import pytest

from tests.keras.training.fixtures import cases, stored
from weft import keras

CASES = cases()


@pytest.mark.parametrize("case", CASES.FITS, ids=[case[0] for case in CASES.FITS])
@pytest.mark.parametrize("how", ["compiled", "eager", "batch by batch"])
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_fit(case, how, monkeypatch):
    name, compile_arguments, labels, fit_arguments = case
    if how == "eager":
        compile_arguments = {**compile_arguments, "run_eagerly": True}
    elif how == "batch by batch":
        watcher = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
        fit_arguments = {**fit_arguments, "callbacks": [watcher]}
    found = CASES.train(keras, compile_arguments, labels, fit_arguments)
    expected = stored(f"fit/{name}/")
    assert list(found) == list(expected)
    for what, value in expected.items():
        np.testing.assert_allclose(found[what], value, rtol=2e-4, atol=2e-5, err_msg=what)
