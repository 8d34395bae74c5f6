"""What holds for every primitive, derived from the tables of samples.

For each primitive: there is a row; the spec rule says what evaluation gives; evaluation
gives no warnings and leaves its inputs alone; the derivative rule agrees with finite
differences, and so does its own derivative.
"""

from __future__ import annotations

import collections
import warnings

import numpy as np
import pytest

import weft.ops  # noqa: F401  (attaches the operators, in which derivative rules are written)
from tests.samples import Sample, all_rows, all_samples, gradient_samples, mismatch
from weft.autodiff.tape import GradientTape
from weft.core.evaluate import evaluate_graph
from weft.core.graph import verify
from weft.core.primitive import REGISTRY
from weft.core.spec import spec_of_array
from weft.core.tensor import Tensor
from weft.core.trace import trace_function

# Tested elsewhere: they take graphs or functions, or exist for tapes only.
WITHOUT_ROWS = {
    "call", "cond", "while_loop", "scan",
    "print_values", "check", "host_call", "host_effect",
    "read_variable",
}  # fmt: skip

WITH_ROWS = sorted({row.primitive for row in all_rows()})
DIFFERENTIABLE = sorted({sample.primitive.name for sample in gradient_samples()})

STEP = 1e-5


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_primitive_has_a_row(name):
    module = REGISTRY[name].spec.__module__
    if name not in WITHOUT_ROWS and module.startswith(("weft.primitives", "weft.core")):
        assert name in WITH_ROWS, f"no row for {name} in tests/samples_*.py"


def test_sample_names_are_unique():
    counts = collections.Counter(sample.id for sample in all_samples())
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("name", WITH_ROWS)
def test_spec_is_what_evaluation_gives(name):
    failures = []
    for sample in all_samples(name):
        before = [array.copy() for array in sample.arrays]
        for array in sample.arrays:
            array.flags.writeable = False
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = tuple(spec_of_array(array) for array in sample.expected())
        expected = sample.primitive.spec(*sample.specs, **sample.parameters)
        expected = tuple(expected) if sample.primitive.results else (expected,)
        if found != expected:
            failures.append(f"{sample.id}: the spec is {expected}, evaluated {found}")
        for array, copy in zip(sample.arrays, before):
            if array.tobytes() != copy.tobytes():
                failures.append(f"{sample.id}: evaluation changed an input")
    assert not failures, "\n".join(failures)


def test_mismatch_finds_what_is_wrong():
    (sample,) = (s for s in all_samples("exp") if s.id == "exp/7/float32")
    (expected,) = sample.expected()
    assert mismatch(sample, expected * np.float32(1 + 1e-7), expected) == ""
    assert "1 wrong" in mismatch(sample, expected + np.eye(7, dtype="f4")[3], expected)
    assert "is not" in mismatch(sample, expected.astype("f8"), expected)
    infinite = np.full(7, np.inf, np.float32)
    assert "7 wrong" in mismatch(sample, expected, infinite)
    unknown = np.full(7, np.nan, np.float32)
    assert mismatch(sample, unknown, unknown) == ""


# -- derivatives -------------------------------------------------------------------------


def _floating(sample: Sample) -> list[int]:
    return [i for i, array in enumerate(sample.arrays) if array.dtype == np.float64]


def _directions(sample: Sample, seed: int) -> dict[int, np.ndarray]:
    """For each floating input a random direction."""
    generator = np.random.default_rng(seed)
    return {i: generator.normal(size=sample.arrays[i].shape) for i in _floating(sample)}


def _moved(sample: Sample, directions: dict[int, np.ndarray], step: float) -> list[Tensor]:
    arrays = list(sample.arrays)
    for i, direction in directions.items():
        arrays[i] = arrays[i] + step * direction
    return [Tensor(np.asarray(array)) for array in arrays]


def _weights(sample: Sample) -> list[np.ndarray | None]:
    """Random weights of the floating results, which make one number of them."""
    generator = np.random.default_rng(1)
    return [
        generator.normal(size=array.shape) if array.dtype == np.float64 else None
        for array in sample.expected()
    ]


def _value(sample: Sample, tensors: list[Tensor], weights: list) -> float:
    found = sample.primitive.evaluate(*[t._array for t in tensors], **sample.parameters)
    found = found if sample.primitive.results else (found,)
    pairs = zip(found, weights)
    return float(sum(np.sum(array * w) for array, w in pairs if w is not None))


def _gradients(sample: Sample, tensors: list[Tensor], weights: list) -> dict[int, Tensor]:
    """Gradients of the weighted sum with respect to the floating inputs."""
    sources = [tensors[i] for i in _floating(sample)]
    with GradientTape() as tape:
        tape.watch(sources)
        found = sample.primitive.bind(*tensors, **sample.parameters)
        found = found if sample.primitive.results else (found,)
        targets = [out for out, w in zip(found, weights) if w is not None]
    seeds = [Tensor(w) for w in weights if w is not None]
    gradients = tape.gradient(targets, sources, output_gradients=seeds)
    return dict(zip(_floating(sample), gradients))


def _along(gradients: dict[int, Tensor], directions: dict[int, np.ndarray]) -> float:
    return float(
        sum(
            np.sum(gradient.numpy() * directions[i])
            for i, gradient in gradients.items()
            if gradient is not None
        )
    )


def _near(found: float, expected: float, scale: float) -> bool:
    return abs(found - expected) <= 2e-6 * max(1.0, abs(expected), scale)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradient_is_finite_difference(name):
    failures = []
    for sample in gradient_samples(name):
        weights, directions = _weights(sample), _directions(sample, 2)
        gradients = _gradients(sample, _moved(sample, {}, 0), weights)
        found = _along(gradients, directions)
        above = _value(sample, _moved(sample, directions, STEP), weights)
        below = _value(sample, _moved(sample, directions, -STEP), weights)
        expected = (above - below) / (2 * STEP)
        for i, gradient in gradients.items():
            if gradient is not None and gradient.spec != sample.specs[i]:
                failures.append(f"{sample.id}: gradient {i} is {gradient.spec}")
        if not _near(found, expected, 0.0):
            failures.append(f"{sample.id}: the rule gives {found}, differences {expected}")
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_second_gradient_is_finite_difference(name):
    failures = []
    for sample in gradient_samples(name):
        weights = _weights(sample)
        inner, outer = _directions(sample, 2), _directions(sample, 3)

        def slope(tensors, sample=sample, weights=weights, inner=inner):
            return _along(_gradients(sample, tensors, weights), inner)

        above = slope(_moved(sample, outer, STEP))
        below = slope(_moved(sample, outer, -STEP))
        expected = (above - below) / (2 * STEP)
        found = _second_gradient(sample, weights, inner, outer)
        if not _near(found, expected, abs(above)):
            failures.append(f"{sample.id}: the rule gives {found}, differences {expected}")
    assert not failures, "\n".join(failures)


def _second_gradient(sample, weights, inner, outer) -> float:
    tensors = _moved(sample, {}, 0)
    sources = [tensors[i] for i in _floating(sample)]
    with GradientTape() as tape:
        tape.watch(sources)
        gradients = _gradients(sample, tensors, weights)
    pairs = [(g, Tensor(inner[i])) for i, g in gradients.items() if g is not None]
    if not pairs:
        return 0.0
    targets, seeds = zip(*pairs)
    second = tape.gradient(list(targets), sources, output_gradients=list(seeds))
    return _along(dict(zip(_floating(sample), second)), outer)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_traced_gradient_is_the_eager_one(name, dtype):
    failures = []
    for sample in gradient_samples(name, dtype=dtype):
        positions = [i for i, spec in enumerate(sample.specs) if spec.dtype == dtype]

        def gradients(*tensors, sample=sample, positions=positions):
            sources = [tensors[i] for i in positions]
            with GradientTape() as tape:
                tape.watch(sources)
                found = sample.primitive.bind(*tensors, **sample.parameters)
            return tape.gradient(found, sources, unconnected_gradients="zero")

        eager = gradients(*[Tensor(array) for array in sample.arrays])
        graph, _ = trace_function(gradients, sample.specs)
        traced = evaluate_graph(verify(graph), sample.arrays)
        for i, tensor, array in zip(positions, eager, traced):
            if tensor.spec != sample.specs[i]:
                failures.append(f"{sample.id}: gradient {i} is {tensor.spec}")
            if tensor._array.astype(float).tobytes() != array.astype(float).tobytes():
                failures.append(f"{sample.id}: traced {array}, eager {tensor._array}")
    assert not failures, "\n".join(failures)
