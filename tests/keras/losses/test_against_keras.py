"""Every loss gives what real Keras gives: reduced, per sample, weighted."""

from __future__ import annotations

import numpy as np
import pytest

from tests.keras.training.fixtures import cases, ids, numbers
from weft.keras import losses

CASES = cases()


@pytest.mark.parametrize("case", CASES.LOSSES, ids=ids(CASES.LOSSES))
def test_losses(case):
    name, arguments, which = case
    y_true, y_pred = CASES.data()[which]
    kind = getattr(losses, name)
    free = kind(**{**arguments, "reduction": "none"})
    found = [kind(**arguments)(y_true, y_pred), free(y_true, y_pred)]
    expected = numbers("loss", case)
    if len(expected) == 3:
        weights = CASES.weights(len(y_true))
        found.append(kind(**arguments)(y_true, y_pred, sample_weight=weights))
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine.numpy(), theirs, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    "loss", [losses.categorical_crossentropy, losses.categorical_focal_crossentropy]
)
def test_single_numbers_have_no_classes(loss):
    for y_true, y_pred in ((1.0, 0.5), (1.0, [0.5, 0.5])):
        with pytest.raises(ValueError, match="needs a last axis of classes"):
            loss(y_true, y_pred)


@pytest.mark.parametrize("case", CASES.LOSSES, ids=ids(CASES.LOSSES))
def test_configs(case):
    name, arguments, which = case
    loss = getattr(losses, name)(**arguments)
    copy = losses.deserialize(losses.serialize(loss))
    y_true, y_pred = CASES.data()[which]
    assert type(copy) is type(loss) and copy.name == loss.name
    np.testing.assert_array_equal(
        copy(y_true, y_pred).numpy(), loss(y_true, y_pred).numpy()
    )
