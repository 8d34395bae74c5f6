"""Every metric gives what real Keras gives after two batches, weighted and not."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from tests.keras.training.fixtures import cases, ids, numbers
from weft.keras import metrics

CASES = cases()


def rows_of(values, rows):
    return weft.convert_to_tensor(values[rows])


@pytest.mark.filterwarnings("ignore:.*weights are floats")
@pytest.mark.parametrize("case", CASES.METRICS, ids=ids(CASES.METRICS))
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_metrics(case, compiled):
    name, arguments, which = case
    y_true, y_pred = CASES.data()[which]
    half = len(y_true) // 2
    for weights, expected in zip((None, CASES.weights(len(y_true))), numbers("metric", case)):
        metric = getattr(metrics, name)(**arguments)
        update = metric.update_state
        if compiled:
            # Variables of lazily built metrics appear with the first batch.
            metric.update_state(y_true[:half], y_pred[:half])
            metric.reset_state()
            update = weft.function(metric.update_state)
        for rows in (slice(None, half), slice(half, None)):
            more = () if weights is None else (rows_of(weights, rows),)
            update(rows_of(y_true, rows), rows_of(y_pred, rows), *more)
        result = metric.result()
        assert result.shape == expected.shape
        np.testing.assert_allclose(result.numpy(), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("case", CASES.METRICS, ids=ids(CASES.METRICS))
def test_configs_and_reset(case):
    name, arguments, which = case
    metric = getattr(metrics, name)(**arguments)
    copy = metrics.deserialize(metrics.serialize(metric))
    assert type(copy) is type(metric) and copy.get_config() == metric.get_config()
    y_true, y_pred = CASES.data()[which]
    first = metric(y_true, y_pred).numpy()
    metric.reset_state()
    np.testing.assert_array_equal(metric(y_true, y_pred).numpy(), first)
