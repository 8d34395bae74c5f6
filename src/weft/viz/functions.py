"""Activation functions and their gradients; gradient descent on a curve or a surface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from weft import ops
from weft.autodiff import GradientTape
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, did_you_mean
from weft.ops.convert import convert_to_tensor
from weft.viz._figure import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    RED,
    PathLike,
    finished,
    new_figure,
    plain_axes,
)
from weft.viz._words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACTIVATIONS = (
    "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus",
)  # fmt: skip

_COLUMNS = 3


def plot_activations(
    activations: Sequence[str | Callable] = ACTIVATIONS,
    path: PathLike | None = None,
    *,
    bounds: tuple[float, float] = (-5.0, 5.0),
    title: str | None = None,
) -> Figure:
    """Draw activation functions and, by a GradientTape, their gradients.

    activations: names of functions in `weft.ops`, or functions of a tensor.

    >>> figure = plot_activations(["relu", weft.ops.sin])
    >>> [axes.get_title() for axes in figure.axes]
    ['relu', 'sin']
    """
    if not activations:
        raise ArgumentError("plot_activations: expected at least one function")
    columns = min(_COLUMNS, len(activations))
    rows = -(-len(activations) // columns)
    figure = new_figure(3.3 * columns, 2.6 * rows + 0.35)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    points = np.linspace(*bounds, 401, dtype=np.float32)
    for panel, activation in zip(panels, activations):
        function, name = _function_of(activation)
        values, slopes = _value_and_slope(function, points)
        panel.axhline(0, color=FAINT, linewidth=0.8)
        panel.axvline(0, color=FAINT, linewidth=0.8)
        panel.plot(points, values, color=BLUE, linewidth=2, label=word("function"))
        panel.plot(
            points, slopes, "--", color=ORANGE, linewidth=1.5, label=word("gradient")
        )
        panel.set_title(name, color=INK, fontsize=11)
        plain_axes(panel, is_gridded=False)
    for panel in panels[len(activations) :]:
        panel.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    if title:
        figure.suptitle(title, color=INK)
    return finished(figure, path)


def _function_of(activation: Any) -> tuple[Callable, str]:
    if callable(activation):
        return activation, getattr(activation, "__name__", type(activation).__name__)
    found = getattr(ops, str(activation), None)
    if found is None:
        hint = did_you_mean(activation, dir(ops))
        raise ArgumentError(
            f"plot_activations: no function of weft.ops is called {activation!r}.{hint}"
        )
    return found, str(activation)


def _value_and_slope(
    function: Callable, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    x = convert_to_tensor(points)
    with GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    slope = tape.gradient(y, x)
    return np.asarray(y), np.zeros_like(points) if slope is None else np.asarray(slope)


# -- gradient descent ----------------------------------------------------------------------


def descend(
    function: Callable,
    start: Any,
    learning_rate: float,
    steps: int = 20,
    momentum: float = 0.0,
) -> np.ndarray:
    """The points of gradient descent from `start`, itself first: (steps + 1, …).

    >>> descend(lambda x: x * x, 1.0, learning_rate=0.25, steps=2).tolist()
    [1.0, 0.5, 0.25]
    """
    point = convert_to_tensor(np.asarray(start, np.float32))
    velocity: Any = 0.0
    points = [np.asarray(point)]
    for _ in range(steps):
        with GradientTape() as tape:
            tape.watch(point)
            height = function(point)
        slope = tape.gradient(height, point)
        velocity = momentum * velocity - learning_rate * slope
        point = point + velocity
        points.append(np.asarray(point))
    return np.stack(points)


def plot_descent(
    function: Callable,
    start: Any,
    learning_rates: Sequence[float] = (0.01, 0.1, 0.9),
    path: PathLike | None = None,
    *,
    steps: int = 20,
    momentum: float = 0.0,
    bounds: tuple[float, float] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the way of gradient descent, one panel for each learning rate.

    function: of a tensor; a curve where `start` is a number, else a surface over two.
    start: a number, or two.
    bounds: of the picture; by default a little more than the ways need.

    >>> figure = plot_descent(lambda x: x * x, 2.0, [0.1, 0.5])
    >>> [axes.get_title() for axes in figure.axes]
    ['learning rate 0.1', 'learning rate 0.5']
    """
    first = np.asarray(start, np.float32)
    if first.shape not in ((), (2,)):
        raise ArgumentError(
            f"plot_descent: start must be one number or two; received shape {first.shape}"
        )
    ways = [descend(function, first, rate, steps, momentum) for rate in learning_rates]
    low, high = _bounds(ways, first) if bounds is None else bounds
    width, height = (3.4, 3.4) if first.ndim == 0 else (3.0, 3.3)
    figure = new_figure(width * len(ways), height)
    panels = figure.subplots(1, len(ways), squeeze=False, sharey=True).ravel()
    for panel, rate, way in zip(panels, learning_rates, ways):
        draw = _draw_curve if first.ndim == 0 else _draw_surface
        draw(panel, function, way, low, high)
        panel.set_title(f"{word('learning rate')} {rate:g}", color=INK, fontsize=11)
        plain_axes(panel, is_gridded=False)
        _note_end(panel, function, way)
    if title:
        figure.suptitle(title, color=INK)
    return finished(figure, path)


def _bounds(ways: list[np.ndarray], start: np.ndarray) -> tuple[float, float]:
    """Around the start and the ways; a way that runs off does not stretch the picture."""
    reach = float(np.abs(start).max()) or 1.0
    points = np.concatenate([way.ravel() for way in ways])
    points = points[np.isfinite(points) & (np.abs(points) < 1.7 * reach)]
    low, high = min(points.min(), -reach), max(points.max(), reach)
    margin = 0.15 * (high - low)
    return float(low - margin), float(high + margin)


def _heights(function: Callable, points: np.ndarray) -> np.ndarray:
    """The function at many points; one by one where it does not take them together."""
    flat = points.reshape(-1, *points.shape[2:]) if points.ndim == 3 else points
    return np.array([float(function(Tensor(point))) for point in flat], np.float32)


def _draw_curve(
    panel: Axes, function: Callable, way: np.ndarray, low: float, high: float
) -> None:
    points = np.linspace(low, high, 200, dtype=np.float32)
    heights = _heights(function, points)
    panel.plot(points, heights, color=BLUE, linewidth=1.8)
    shown = way[np.isfinite(way) & (way >= low) & (way <= high)]
    panel.plot(shown, _heights(function, shown), "o-", color=RED, markersize=4, linewidth=1)
    panel.plot(shown[:1], _heights(function, shown[:1]), "o", color=INK, markersize=7)
    spread = float(np.nanmax(heights) - np.nanmin(heights)) or 1.0
    panel.set_ylim(np.nanmin(heights) - 0.08 * spread, np.nanmax(heights) + 0.12 * spread)
    panel.set_xlim(low, high)
    panel.set_xlabel("x")


def _draw_surface(
    panel: Axes, function: Callable, way: np.ndarray, low: float, high: float
) -> None:
    line = np.linspace(low, high, 60, dtype=np.float32)
    points = np.stack(np.meshgrid(line, line), axis=-1)
    heights = _heights(function, points).reshape(60, 60)
    panel.contourf(line, line, heights, levels=24, cmap="Blues_r", alpha=0.85)
    panel.contour(line, line, heights, levels=12, colors="white", linewidths=0.5)
    shown = way[np.isfinite(way).all(axis=1)]
    panel.plot(shown[:, 0], shown[:, 1], "o-", color=RED, markersize=3.5, linewidth=1.1)
    panel.plot(*shown[0], "o", color=INK, markersize=7)
    panel.set_xlim(low, high)
    panel.set_ylim(low, high)
    panel.set_aspect("equal")
    panel.set_xlabel("$x_1$")
    panel.set_ylabel("$x_2$")


def _note_end(panel: Axes, function: Callable, way: np.ndarray) -> None:
    end = way[-1]
    height = float(function(Tensor(end))) if np.isfinite(end).all() else np.inf
    began = float(function(Tensor(way[0])))
    runs_off = not np.isfinite(height) or height > began + abs(began)
    text = word("diverges") if runs_off else f"f = {height:.3g}"
    panel.text(
        0.5, 0.97, f"{len(way) - 1} {word('steps')}: {text}", ha="center", va="top",
        transform=panel.transAxes, fontsize=9, color=RED if runs_off else INK,
        bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5},
    )  # fmt: skip


__all__ = ["ACTIVATIONS", "descend", "plot_activations", "plot_descent"]
