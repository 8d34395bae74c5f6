"""Datasets and their iterators inside of traced functions."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from weft.data import Dataset, EndOfData


def test_next_takes_another_element_at_every_call():
    @weft.function
    def two(elements):
        return next(elements), elements.get_next()

    elements = iter(Dataset.range(6))
    assert [int(x) for x in two(elements)] == [0, 1]
    assert int(next(elements)) == 2
    assert [int(x) for x in two(elements)] == [3, 4]
    with pytest.raises(EndOfData, match="no more elements"):
        two(elements)


def test_next_in_loops_and_branches():
    elements = iter(Dataset.range(20))

    @weft.function
    def total(n):
        found = weft.ops.cast(0, "int64")
        for _ in range(n):
            found += next(elements)
        return found

    @weft.function
    def maybe(x):
        return next(elements) if x > 0 else weft.ops.cast(-1, "int64")

    assert int(total(weft.convert_to_tensor(3))) == 0 + 1 + 2
    signs = [weft.convert_to_tensor(sign) for sign in (1, -1, 1)]
    assert [int(maybe(sign)) for sign in signs] == [3, -1, 4]
    assert int(total(weft.convert_to_tensor(2))) == 5 + 6


def test_a_training_step_that_takes_its_own_batch():
    x = np.arange(6, dtype="float32")
    batches = iter(Dataset.from_tensor_slices((x, 2 * x)).batch(2))
    w = weft.Variable(1.0)

    @weft.function
    def step(batches):
        x, y = next(batches)
        with weft.GradientTape() as tape:
            loss = weft.ops.mean((x * w - y) ** 2)
        w.assign_sub(0.1 * tape.gradient(loss, w))
        return loss

    losses = [float(step(batches)) for _ in range(3)]
    np.testing.assert_allclose(losses, [0.5, 5.265, 1.49445], rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "want"),
    [
        (lambda: Dataset.range(5), 10),
        (lambda: iter(Dataset.range(5)), 10),
        (lambda: Dataset.range(5).repeat(), 21),
        (lambda: iter(Dataset.range(7).repeat()), 21),
    ],
)
def test_a_loop_that_ends_early_takes_no_more(make, want):
    @weft.function
    def f(dataset):
        total = weft.ops.cast(0, "int64")
        for x in dataset:
            total += x
            if total > 20:
                break
        return total

    assert int(f(make())) == want


def test_what_a_loop_leaves_stays_in_the_iterator():
    @weft.function
    def f(elements):
        total = weft.ops.cast(0, "int64")
        for x in elements:
            total += x
            if x >= 3:
                break
        return total

    elements = iter(Dataset.range(10))
    assert int(f(elements)) == 6
    assert int(next(elements)) == 4


def test_enumerate_and_zip_of_datasets():
    @weft.function
    def f(a, b):
        total = weft.ops.cast(0, "int64")
        for i, (x, y) in enumerate(zip(a, b)):
            total += i * x * y
        return total

    assert int(f(Dataset.range(4), iter(Dataset.range(9)))) == 1 + 8 + 27


def test_an_iterator_is_no_list_while_tracing():
    with pytest.raises(weft.errors.TraceError, match="only a `for` statement"):
        weft.function(lambda elements: list(elements))(iter(Dataset.range(3)))
