"""Weights as pictures: what each unit of a first layer looks for in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from weft.errors import ArgumentError
from weft.viz._figure import (
    INK,
    PathLike,
    finished,
    grid,
    new_figure,
    side_of_square,
    tiles,
)
from weft.viz._words import word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WHO = "plot_weights"


def plot_weights(
    kernel: Any,
    path: PathLike | None = None,
    *,
    shape: tuple[int, int] | None = None,
    limit: int = 60,
    columns: int = 12,
    title: str | None = None,
) -> Figure:
    """Draw the weights into each unit as a picture: red above 0, blue below, white for 0.

    kernel: of a Dense layer, (inputs, units), or of a Conv2D layer, (height, width,
        channels, filters), whose channels are averaged; or such a layer itself.
    shape: the (height, width) of the inputs; without it they are a square picture.
    limit: at most so many units are drawn, those with the largest weights first.

    All units share one colour scale, the same to both sides of 0.

    Raises:
        ArgumentError: a kernel of another form.
        MissingExtraError: matplotlib is not installed.

    >>> figure = plot_weights(np.eye(9))
    >>> figure.axes[0].get_title()
    '0'
    """
    pictures = _pictures(kernel, shape)
    strength = np.sqrt((pictures.astype(float) ** 2).mean(axis=(1, 2)))
    # A stable order: units of equal strength stay in theirs.
    order = np.argsort(-strength, kind="stable")[:limit]
    drawn = pictures[order].astype(float)
    largest = _scale(drawn)

    rows, columns = grid(len(order), columns)
    figure = new_figure(max(0.85 * columns + 0.9, 2.4), 0.95 * rows + 0.6)
    axes = tiles(figure, len(order), rows, columns)
    for one, picture, unit in zip(axes, drawn, order):
        shown = one.imshow(picture, cmap="RdBu_r", vmin=-largest, vmax=largest)
        one.set_title(str(unit), fontsize=6.5, color=INK, pad=2)
    bar = figure.colorbar(shown, ax=figure.axes, shrink=0.75, aspect=30, pad=0.01)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)
    if title is None:
        count, total = len(order), len(pictures)
        few = "Weights of the {count} strongest of {total} units"
        some = word(few, count=count, total=total)
        title = some if count < total else word("Weights of all units")
    figure.suptitle(title, fontsize=10, color=INK)
    return finished(figure, path)


def _pictures(kernel: Any, shape: tuple[int, int] | None) -> np.ndarray:
    """Weights as (units, height, width)."""
    weights = np.asarray(getattr(kernel, "kernel", kernel))
    if weights.ndim == 4 and weights.size:
        return weights.mean(axis=2).transpose(2, 0, 1)
    if weights.ndim != 2 or not weights.size:
        raise ArgumentError(
            f"{_WHO}: the kernel must be (inputs, units) or (height, width, channels, "
            f"filters); received shape {weights.shape}."
        )
    inputs, units = weights.shape
    if shape is None:
        shape = (side_of_square(inputs, _WHO, "a unit"),) * 2
    height, width = shape
    if height * width != inputs:
        raise ArgumentError(
            f"{_WHO}: shape (height, width) must hold the {inputs} inputs of a unit; "
            f"received shape={shape}."
        )
    return weights.T.reshape(units, height, width)


def _scale(pictures: np.ndarray) -> float:
    """The weight of the strongest colour: a few outliers do not make all others pale."""
    finite = np.abs(pictures[np.isfinite(pictures)])
    return float(np.percentile(finite, 99.5)) or 1.0 if finite.size else 1.0
