"""Gradients against finite differences, along random directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weft import tree
from weft.autodiff.tape import GradientTape
from weft.core.tensor import Tensor
from weft.errors import WeftError


class GradientError(WeftError, AssertionError):
    """A derivative that finite differences do not confirm."""


def check_gradients(
    function: Callable,
    arguments: Sequence[Any],
    *,
    order: int = 1,
    directions: int = 2,
    step: float = 1e-6,
    tolerance: float = 1e-5,
    seed: int = 0,
) -> None:
    """Compare the gradients of `function(*arguments)` with central differences.

    Args:
        function: of tensors; its results may have any structure. Floating arguments are
            taken in float64, where differences are exact enough to compare with.
        arguments: arrays or tensors.
        order: 2 checks the derivative of the gradient as well, and so on.
        directions: how many random directions to try.
        step: the half width of the difference.
        tolerance: relative to the size of the derivative, or to one if that is larger.

    Raises:
        GradientError: naming the order, and both numbers.

    Example:
        >>> import weft
        >>> weft.autodiff.check_gradients(weft.ops.sin, [0.5], order=2)
    """
    arrays = [_in_double(argument) for argument in arguments]
    floating = [i for i, array in enumerate(arrays) if array.dtype.kind == "f"]
    generator = np.random.default_rng(seed)
    for depth in range(1, order + 1):
        weights = [
            generator.normal(size=array.shape)
            for array in _floating_results(function, arrays)
        ]
        gradient = _gradient_of(function, weights, floating)
        for _ in range(directions):
            moves = {i: generator.normal(size=arrays[i].shape) for i in floating}
            up, down = (
                _weighted(function, weights, _moved(arrays, moves, sign * step))
                for sign in (1.0, -1.0)
            )
            expected = (up - down) / (2 * step)
            found = gradient(*map(Tensor, arrays))
            received = sum(
                float(np.sum(part._array * moves[i])) for i, part in zip(floating, found)
            )
            if not abs(expected - received) <= tolerance * max(1.0, abs(expected)):
                raise GradientError(
                    f"check_gradients: the derivative of order {depth} should be "
                    f"{expected:.8g} along a random direction; the gradient says "
                    f"{received:.8g}"
                )
        function = gradient


def _in_double(argument: Any) -> np.ndarray:
    array = np.array(argument._array if isinstance(argument, Tensor) else argument)
    return array.astype(np.float64) if array.dtype.kind in "fV" else array


def _moved(arrays: list, moves: dict[int, np.ndarray], by: float) -> list:
    return [
        np.asarray(array + by * moves[i]) if i in moves else array
        for i, array in enumerate(arrays)
    ]


def _floating(tensors: Any) -> list[Tensor]:
    leaves = [leaf for leaf in tree.leaves(tensors) if isinstance(leaf, Tensor)]
    return [leaf for leaf in leaves if leaf.dtype.is_differentiable]


def _floating_results(function: Callable, arrays: list) -> list[np.ndarray]:
    return [result._array for result in _floating(function(*map(Tensor, arrays)))]


def _weighted(function: Callable, weights: list, arrays: list) -> float:
    results = _floating_results(function, arrays)
    return sum(float(np.sum(result * w)) for result, w in zip(results, weights))


def _gradient_of(function: Callable, weights: list, floating: list[int]) -> Callable:
    def gradient(*tensors: Tensor) -> list[Tensor]:
        sources = [tensors[i] for i in floating]
        with GradientTape() as tape:
            tape.watch(sources)
            results = _floating(function(*tensors))
        seeds = [Tensor(np.asarray(w, r.dtype.numpy)) for w, r in zip(weights, results)]
        return tape.gradient(results, sources, seeds, unconnected_gradients="zero")

    return gradient
