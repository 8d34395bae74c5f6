"""Every optimizer and schedule gives what real Keras gives."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from tests.keras.training.fixtures import cases, ids, numbers
from weft import keras
from weft.keras import optimizers

CASES = cases()


def apply_all(optimizer, variables, run):
    for gradients in CASES.gradients():
        run([weft.convert_to_tensor(gradient) for gradient in gradients])


@pytest.mark.parametrize("case", CASES.OPTIMIZERS, ids=ids(CASES.OPTIMIZERS))
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_variables_after_many_steps(case, compiled):
    name, arguments = case
    optimizer = CASES.optimizer(keras, name, arguments)
    variables = [weft.Variable(value) for value in CASES.first_values()]

    def step(gradients):
        optimizer.apply(gradients, variables)

    apply_all(optimizer, variables, weft.function(step) if compiled else step)
    found = [*variables, *optimizer.variables]
    for variable, expected in zip(found, numbers("optimizer", case), strict=True):
        # Muon's iteration amplifies the rounding of its products.
        tolerance = 1e-3 if name == "Muon" else 3e-5
        np.testing.assert_allclose(variable.numpy(), expected, rtol=tolerance, atol=tolerance)
    steps = CASES.STEPS // (arguments.get("gradient_accumulation_steps") or 1)
    assert int(optimizer.iterations) == steps


@pytest.mark.parametrize("case", CASES.SCHEDULES, ids=ids(CASES.SCHEDULES))
def test_schedules(case):
    name, arguments = case
    schedule = getattr(optimizers.schedules, name)(**arguments)
    found = [float(schedule(step)) for step in CASES.SCHEDULE_STEPS]
    np.testing.assert_allclose(found, numbers("schedule", case)[0], rtol=2e-5, atol=1e-7)
    copy = type(schedule).from_config(schedule.get_config())
    assert float(copy(7)) == float(schedule(7))
