"""ctc_loss: Keras's numbers (3.15 on JAX), and the definition on cases small enough."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import weft
from weft import keras, ops
from weft.errors import ShapeError

TARGET = np.array([[1, 2, 2, 0], [3, 1, 0, 0], [4, 4, 4, 4], [1, 0, 0, 0]], "int32")
LENGTHS = np.array([3, 2, 4, 1]), np.array([12, 9, 12, 5])
SCORES = np.random.default_rng(0).standard_normal((4, 12, 6)).astype("float32") * 2


def test_keras_agrees():
    expected = [12.626114, 18.80492, 26.365246, 14.870767]
    found = ops.ctc_loss(TARGET, SCORES, *LENGTHS)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)
    compiled = weft.function(ops.ctc_loss)(TARGET, SCORES, *LENGTHS)
    np.testing.assert_allclose(compiled.numpy(), expected, rtol=1e-5)
    whole = [12.626114, 24.359936, 26.365246, 27.469683]
    np.testing.assert_allclose(keras.losses.ctc(TARGET, SCORES).numpy(), whole, rtol=1e-5)
    assert float(keras.losses.CTC()(TARGET, SCORES)) == pytest.approx(np.mean(whole), rel=1e-5)


def _by_enumeration(target: list[int], scores: np.ndarray) -> float:
    """-log of the sum over all paths that collapse to the target."""
    logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    total = 0.0
    for path in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        collapsed = [k for k, _ in itertools.groupby(path) if k != 0]
        if collapsed == target:
            total += np.exp(sum(logs[t, k] for t, k in enumerate(path)))
    return -np.log(total)


@pytest.mark.parametrize("target", [[1], [1, 2], [2, 2], [1, 2, 1], []])
def test_all_paths_are_counted(target):
    scores = np.random.default_rng(len(target)).standard_normal((5, 3)).astype("float32")
    padded = np.array([target + [0] * (3 - len(target))])
    found = ops.ctc_loss(padded, scores[None], [len(target)], [5])
    assert float(found[0]) == pytest.approx(_by_enumeration(target, scores), rel=1e-5)


def test_gradients_are_finite_and_right():
    scores = ops.convert_to_tensor(SCORES.astype("float64"))
    weft.autodiff.check_gradients(lambda s: ops.ctc_loss(TARGET, s, *LENGTHS), [scores])


def test_wrong_ranks():
    with pytest.raises(ShapeError, match="ctc_loss: target must be"):
        ops.ctc_loss(TARGET[0], SCORES, *LENGTHS)
