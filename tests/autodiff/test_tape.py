"""GradientTape, eagerly and in traced functions."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from weft import function, ops
from weft.autodiff import GradientError, GradientTape, check_gradients
from weft.core.spec import Spec
from weft.core.trace import trace_function
from weft.core.variable import Variable
from weft.errors import ArgumentError, ArgumentTypeError, GraphError, ShapeError


def tensor(value):
    return ops.convert_to_tensor(value)


def variable(value, **options):
    return Variable(np.array(value, np.float32), **options)


def test_gradient_of_a_watched_tensor():
    x = tensor(3.0)
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert float(tape.gradient(y, x)) == 6.0


def test_structures_of_sources_and_targets():
    x, w = tensor(3.0), variable(2.0)
    with GradientTape() as tape:
        tape.watch(x)
        targets = {"a": x * w, "b": [w * w]}
    found = tape.gradient(targets, {"x": x, "w": [w]})
    assert float(found["x"]) == 2.0
    assert float(found["w"][0]) == 7.0


def test_intermediate_results_are_sources():
    x = tensor(3.0)
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
        z = y * y
    dy, dx = tape.gradient(z, [y, x])
    assert (float(dy), float(dx)) == (18.0, 108.0)


def test_output_gradients():
    x = tensor([1.0, 2.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    found = tape.gradient(y, x, output_gradients=[10.0, 100.0])
    assert found is not None and found.numpy().tolist() == [20.0, 400.0]


def test_output_gradients_must_fit():
    x = tensor([1.0, 2.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    with pytest.raises(ShapeError, match="target's shape"):
        tape.gradient(y, x, output_gradients=tensor(1.0))


def test_unconnected_sources():
    x, z = tensor(3.0), tensor([1.0, 2.0])
    with GradientTape(persistent=True) as tape:
        tape.watch([x, z])
        y = x * x
    assert tape.gradient(y, z) is None
    assert tape.gradient(y, z, unconnected_gradients="zero").numpy().tolist() == [0, 0]
    with pytest.raises(ArgumentError, match="'none' or 'zero'"):
        tape.gradient(y, x, unconnected_gradients="one")


def test_a_tape_gives_its_gradient_once():
    x = tensor(3.0)
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(ArgumentError, match="persistent=True"):
        tape.gradient(y, x)


def test_a_tape_lets_go_of_what_it_recorded():
    x = tensor(np.ones(1000, np.float32))
    with GradientTape() as tape:
        tape.watch(x)
        middle = x * x
        y = middle * 2.0
    alive = weakref.ref(middle)
    del middle
    assert alive() is not None
    tape.gradient(y, x)
    gc.collect()
    assert alive() is None


def test_unwatched_operations_leave_no_records():
    x = tensor(3.0)
    with GradientTape() as tape:
        for _ in range(10):
            x = x * x * 0.1
    assert tape._records == []


def test_variables():
    w, frozen = variable(2.0), variable(5.0, trainable=False)
    with GradientTape(persistent=True) as tape:
        y = w * w * frozen
    assert [float(tape.gradient(y, w)), tape.gradient(y, frozen)] == [20.0, None]
    assert tape.watched_variables() == (w,)


def test_watch_accessed_variables_off():
    w, v = variable(2.0), variable(3.0)
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(v)
        y = w * v
    dw, dv = tape.gradient(y, [w, v])
    assert dw is None and float(dv) == 2.0


def test_a_variable_read_before_and_after_assignment():
    def step(v):
        with GradientTape() as tape:
            y = v * 2.0
            v.assign(v * 10.0)
            y = y + v * v
        return tape.gradient(y, v)

    one, other = variable(1.0), variable(1.0)
    expected = 2.0 + 2 * 10.0
    assert float(step(one)) == expected
    assert float(function(step)(other)) == expected


def test_old_values_survive_assignment():
    w = variable([1.0, 2.0])
    with GradientTape() as tape:
        y = w * w
    w.assign([100.0, 100.0])
    assert tape.gradient(y, w).numpy().tolist() == [2.0, 4.0]


def test_higher_orders():
    def third(x):
        with GradientTape() as outer:
            outer.watch(x)
            with GradientTape() as middle:
                middle.watch(x)
                with GradientTape() as inner:
                    inner.watch(x)
                    y = ops.exp(x * 2.0)
                first = inner.gradient(y, x)
            second = middle.gradient(first, x)
        return outer.gradient(second, x)

    x = tensor(0.5)
    for run in (third, function(third)):
        np.testing.assert_allclose(run(x).numpy(), 8 * np.exp(1.0), rtol=1e-5)


def test_a_persistent_tape_inside_its_context():
    x = tensor(2.0)
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x * x
        dy = tape.gradient(y, x)
    assert float(tape.gradient(dy, x)) == 12.0


def test_stop_recording_and_reset():
    x = tensor(3.0)
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        with tape.stop_recording():
            hidden = x * x
        y = x * hidden
    assert float(tape.gradient(y, x)) == 9.0
    tape.reset()
    with tape:
        tape.watch(x)
        y = x * 5.0
    assert float(tape.gradient(y, x)) == 5.0


def test_a_tape_cannot_be_entered_twice():
    with GradientTape() as tape, pytest.raises(ArgumentError, match="recording already"):
        tape.__enter__()


def test_integers_have_no_gradient():
    x = tensor(3)
    with GradientTape() as tape:
        with pytest.warns(UserWarning, match="floating tensors only"):
            tape.watch(x)
        y = x * x
    with pytest.warns(UserWarning, match="must have a floating dtype"):
        assert tape.gradient(y, x) is None


@pytest.mark.parametrize("source", [1.0, None, "x"])
def test_sources_are_tensors(source):
    with GradientTape() as tape:
        y = tensor(1.0)
    with pytest.raises(ArgumentTypeError, match="sources are tensors"):
        tape.gradient(y, source)


def test_a_primitive_without_derivative_is_named():
    from weft.core.primitive import REGISTRY, Primitive

    name = "without_derivative"
    primitive = Primitive(name, spec=lambda x: x, evaluate=lambda x: x)
    try:
        x = tensor(1.0)
        with GradientTape() as tape:
            tape.watch(x)
            y = primitive.bind(x)
        with pytest.raises(GraphError, match=name):
            tape.gradient(y, x)
    finally:
        del REGISTRY[name]


def test_zero_and_one_seeds_take_no_room_in_graphs():
    def step(x):
        with GradientTape() as tape:
            tape.watch(x)
            y = x * x
        return tape.gradient(y, x)

    graph, _ = trace_function(step, [Spec((100, 100), "float32")])
    constants = [n for n in graph.nodes if n.primitive.name == "constant"]
    assert all(node.output.shape == () for node in constants)


# -- jacobians ---------------------------------------------------------------------------


def test_jacobian():
    matrix = tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

    def jacobian(x):
        with GradientTape() as tape:
            tape.watch(x)
            y = x * x * matrix
        return tape.jacobian(y, x)

    x = tensor([1.0, 2.0, 0.5])
    expected = np.einsum("ij,jk->ijk", matrix.numpy() * 2 * x.numpy(), np.eye(3))
    for run in (jacobian, function(jacobian)):
        np.testing.assert_allclose(run(x).numpy(), expected)


def test_jacobian_of_what_is_not_connected():
    x, z = tensor([1.0]), tensor([1.0, 2.0])
    with GradientTape(persistent=True) as tape:
        tape.watch([x, z])
        y = x * 2.0
    assert tape.jacobian(y, z) is None
    assert tape.jacobian(y, z, unconnected_gradients="zero").shape == (1, 2)


def test_batch_jacobian():
    def jacobian(x):
        with GradientTape() as tape:
            tape.watch(x)
            y = x[:, :, None] * x[:, None, :]
        return tape.batch_jacobian(y, x)

    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    eye = np.eye(3)
    expected = np.einsum("ij,bk->bikj", eye, x) + np.einsum("kj,bi->bikj", eye, x)
    for run in (jacobian, function(jacobian)):
        np.testing.assert_allclose(run(tensor(x)).numpy(), expected, rtol=1e-6)


def test_hessian():
    def hessian(x):
        with GradientTape() as outer:
            outer.watch(x)
            with GradientTape() as tape:
                tape.watch(x)
                y = x[0] * x[0] * x[0] * x[1]
            gradient = tape.gradient(y, x)
        return outer.jacobian(gradient, x)

    for run in (hessian, function(hessian)):
        assert run(tensor([1.0, 2.0])).numpy().tolist() == [[12.0, 3.0], [3.0, 0.0]]


# -- the check of gradients ----------------------------------------------------------------


def test_check_gradients():
    check_gradients(lambda x, y: ops.sin(x) * y, [[0.5, 1.0], 2.0], order=2)

    def wrong(x):
        return ops.stop_gradient(x) * x

    with pytest.raises(GradientError, match="order 1"):
        check_gradients(wrong, [0.5])
