"""Random graphs: the compiled program gives what NumPy gives, whatever is fused and reused.

Each seed makes a graph of maps, views, reductions, contractions, updates and control flow
over a few shapes, with several results, and gives some inputs up to be written over.
"""

from __future__ import annotations

import numpy as np
import pytest

from weft import ops
from weft.core.graph import verify
from weft.core.spec import Spec
from weft.core.trace import trace_function
from weft.function.control import cond, while_loop
from weft.primitives import indexing, sorting
from weft.targets.llvm.program import compile_graph
from weft.targets.numpy import evaluate

SHAPES = ((4, 6), (6,), (4,), (6, 5), (4, 5), (3, 4, 6), ())


class Maker:
    """Grows a random expression from a pool of traced tensors."""

    def __init__(self, rng: np.random.Generator, tensors: list) -> None:
        self.rng, self.pool = rng, list(tensors)

    def pick(self, condition=lambda t: True):
        fitting = [t for t in self.pool if condition(t)]
        return fitting[self.rng.integers(len(fitting))] if fitting else None

    def step(self) -> None:
        name = self.rng.choice(list(STEPS), p=WEIGHTS)
        made = STEPS[name](self)
        if made is not None:
            self.pool.append(made)

    def squash(self, x):
        """Keep numbers tame, so that rounding does not grow."""
        return ops.tanh(x)


def _unary(m):
    x = m.pick()
    function = m.rng.choice([ops.tanh, ops.sigmoid, ops.abs, ops.negative, ops.relu, ops.square])
    return m.squash(function(x))


def _binary(m):
    x = m.pick()
    y = m.pick(lambda t: t.shape == x.shape or t.shape == x.shape[1:] or t.shape == ())
    function = m.rng.choice([ops.add, ops.multiply, ops.subtract, ops.maximum, ops.minimum])
    return m.squash(function(x, y))


def _reduce(m):
    x = m.pick(lambda t: t.ndim > 0)
    axis = int(m.rng.integers(x.ndim))
    function = m.rng.choice([ops.sum, ops.max, ops.min, ops.mean])
    return m.squash(function(x, axis=axis, keepdims=bool(m.rng.integers(2))))


def _normalise(m):
    x = m.pick(lambda t: t.ndim > 0)
    return ops.softmax(x, axis=int(m.rng.integers(x.ndim)))


def _view(m):
    x = m.pick(lambda t: t.ndim > 1)
    choice = m.rng.integers(5)
    if choice == 0:
        return ops.transpose(x)
    if choice == 1:
        return ops.reshape(x, (-1,))
    if choice == 2:
        return ops.flip(x, axis=0)
    if choice == 3:
        return x[1:, ::2]
    return ops.pad(x, [(1, 2)] + [(0, 0)] * (x.ndim - 1))


def _concatenate(m):
    x = m.pick(lambda t: t.ndim > 0)
    y = m.pick(lambda t: t.shape == x.shape)
    return ops.concatenate([x, y], axis=int(m.rng.integers(x.ndim)))


def _matmul(m):
    x = m.pick(lambda t: t.ndim == 2)
    y = m.pick(lambda t: t.ndim == 2 and t.shape[0] == x.shape[1]) if x is not None else None
    if y is None:
        y = ops.transpose(x)
    return m.squash(ops.matmul(x, y))


def _take(m):
    x = m.pick(lambda t: t.ndim > 0)
    indices = ops.convert_to_tensor(m.rng.integers(0, x.shape[0], (5, 1)))
    return indexing.gather.bind(x, indices, axes=(0,))


def _scatter(m):
    x = m.pick(lambda t: t.ndim > 0)
    indices = ops.convert_to_tensor(m.rng.integers(0, x.shape[0], (3, 1)))
    updates = ops.broadcast_to(m.squash(ops.sum(x)), (3, *x.shape[1:]))
    combine = str(m.rng.choice(["add", "set", "maximum"]))
    return m.squash(indexing.scatter.bind(x, indices, updates, axes=(0,), combine=combine))


def _update(m):
    x = m.pick(lambda t: t.ndim > 0 and t.shape[0] > 1)
    if x is None:
        return None
    starts = [ops.convert_to_tensor(int(m.rng.integers(0, 9)))]
    starts += [ops.convert_to_tensor(0)] * (x.ndim - 1)
    return indexing.dynamic_update_slice.bind(x, m.squash(x[:1] * 2.0), *starts)


def _sort(m):
    x = m.pick(lambda t: t.ndim > 0)
    return sorting.sort.bind(x, axis=x.ndim - 1)


def _argmax(m):
    x = m.pick(lambda t: t.ndim > 0)
    return ops.cast(ops.argmax(x, axis=int(m.rng.integers(x.ndim))), "float32") * 0.1


def _cond(m):
    x = m.pick()
    y = m.pick(lambda t: t.shape == x.shape)
    return cond(ops.sum(x) > 0.3, lambda: m.squash(x + y), lambda: x * 0.5)


def _loop(m):
    x = m.pick()
    y = m.pick(lambda t: t.shape == x.shape)
    times = int(m.rng.integers(4))

    def body(i, a, b):
        return i + 1, b, m.squash(a + y)  # the two change places

    _, a, b = while_loop(lambda i, a, b: i < times, body, (ops.convert_to_tensor(0), x, y))
    return a - b


STEPS = {
    "unary": _unary, "binary": _binary, "reduce": _reduce, "normalise": _normalise,
    "view": _view, "concatenate": _concatenate, "matmul": _matmul, "take": _take,
    "scatter": _scatter, "update": _update, "sort": _sort, "argmax": _argmax,
    "cond": _cond, "loop": _loop,
}  # fmt: skip
_RAW = np.array([4, 8, 4, 2, 4, 1, 3, 1, 1, 1, 0.3, 1, 0.7, 0.7])
WEIGHTS = _RAW / _RAW.sum()


def make(seed: int, steps: int = 25):
    """A random graph, arrays for it, and inputs that some outputs may be written over."""
    rng = np.random.default_rng(seed)
    specs = [Spec(shape, "float32") for shape in SHAPES]

    def build(*tensors):
        maker = Maker(rng, list(tensors))
        for _ in range(steps):
            maker.step()
        made = maker.pool[len(tensors) :]
        results = [made[i] for i in rng.integers(0, len(made), 4)]
        updates = []
        for number, tensor in enumerate(tensors):
            same = [t for t in made if t.shape == tensor.shape]
            if same and rng.integers(2):
                updates.append((number, same[rng.integers(len(same))]))
            elif rng.integers(4) == 0:
                updates.append((number, tensor))
        build.donors = [number for number, _ in updates]
        return [*results, *[new for _, new in updates]]

    graph, _ = trace_function(build, specs)
    verify(graph)
    arrays = [rng.standard_normal(s).astype("float32") for s in SHAPES]
    donated = {number: 4 + i for i, number in enumerate(build.donors)}
    return graph, arrays, donated


def check(seed: int) -> None:
    graph, arrays, donated = make(seed)
    expected = evaluate(graph, [array.copy() for array in arrays])
    executable = compile_graph(graph, donated)
    for _ in range(2):
        given = [array.copy() for array in arrays]
        found = executable(given)
        over = {output: number for number, output in donated.items()}
        rest = iter(found)
        for number, wanted in enumerate(expected):
            got = given[over[number]] if number in over else next(rest)
            np.testing.assert_allclose(
                got, wanted, rtol=2e-4, atol=2e-5, err_msg=f"seed {seed}, result {number}"
            )
        for number, array in enumerate(given):
            if number not in donated:
                np.testing.assert_array_equal(array, arrays[number])


@pytest.mark.parametrize("block", range(8))
def test_random_graphs(block):
    for seed in range(block * 8, block * 8 + 8):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_many_random_graphs(block):
    for seed in range(1000 + block * 10, 1000 + block * 10 + 10):
        check(seed)
