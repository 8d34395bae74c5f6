"""Pictures beside what a model takes them for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from weft.errors import ArgumentError
from weft.viz._figure import (
    INK,
    RED,
    PathLike,
    finished,
    grid,
    new_figure,
    side_of_square,
    tiles,
)
from weft.viz._words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WHO = "plot_predictions"


def plot_predictions(
    images: Any,
    predictions: Any,
    labels: Any = None,
    path: PathLike | None = None,
    *,
    names: Sequence[str] | None = None,
    limit: int = 40,
    columns: int = 8,
    title: str | None = None,
) -> Figure:
    """Draw pictures in a grid, each with its predicted class; mistakes are red and framed.

    images: (n, height, width), with 1 or 3 channels or none, or (n, pixels) of squares.
    predictions: probabilities (n, classes), or class numbers (n,).
    labels: the true class numbers (n,); without them nothing is marked.
    names: what the classes are called, if not by their numbers.
    limit: at most so many pictures are drawn, from the first on.
    title: what stands above, in place of how many are right.

    Raises:
        ArgumentError: shapes that do not fit together.
        MissingExtraError: matplotlib is not installed.

    >>> figure = plot_predictions(np.zeros((3, 28, 28)), [7, 2, 1], labels=[7, 2, 7])
    >>> [axes.get_title() for axes in figure.axes if axes.get_title()]
    ['7', '2', '1, not 7']
    """
    pictures = _pictures(images)
    classes, shares = _classes(predictions, len(pictures))
    truth = None if labels is None else _truth(labels, len(pictures))
    count = min(len(pictures), limit)
    if count < 1:
        raise ArgumentError(f"{_WHO}: nothing to draw; received {len(pictures)} pictures.")

    rows, columns = grid(count, columns)
    # Names need more room than numbers, and their own line for the true one.
    width, height, size = (1.3, 1.5, 8.0) if names is None else (1.45, 1.85, 7.5)
    figure = new_figure(max(width * columns, 2.6), height * rows + 0.25)
    separator = ", " if names is None else "\n"
    grey_range = (float(pictures[:count].min()), float(pictures[:count].max()))
    for number, axes in enumerate(tiles(figure, count, rows, columns)):
        _show(axes, pictures[number], grey_range)
        said = _name(classes[number], names)
        if shares is not None:
            said += f" ({_percent(shares[number])})"
        if truth is not None and truth[number] != classes[number]:
            said = word(
                "{said}{separator}not {true}",
                said=said,
                separator=separator,
                true=_name(truth[number], names),
            )
            _frame(axes)
            axes.set_title(said, fontsize=size, color=RED, fontweight="bold", pad=3)
        else:
            axes.set_title(said, fontsize=size, color=INK, pad=3)
    if title is None and truth is not None:
        right = int((truth[:count] == classes[:count]).sum())
        title = word("Predictions: {right} of {count} right", right=right, count=count)
    if title:
        figure.suptitle(title, fontsize=11, color=INK)
    return finished(figure, path)


def _pictures(images: Any) -> np.ndarray:
    pictures = np.asarray(images)
    if pictures.ndim == 2:
        side = side_of_square(pictures.shape[1], _WHO, "a flat picture")
        return pictures.reshape(-1, side, side)
    if pictures.ndim == 4 and pictures.shape[3] == 1:
        return pictures[..., 0]
    if pictures.ndim == 3 or (pictures.ndim == 4 and pictures.shape[3] == 3):
        return pictures
    raise ArgumentError(
        f"{_WHO}: images must be (n, height, width), with 1 or 3 channels or none, or "
        f"(n, pixels); received shape {pictures.shape}."
    )


def _classes(predictions: Any, count: int) -> tuple[np.ndarray, np.ndarray | None]:
    """The predicted classes, and the probability of each where there are probabilities."""
    values = np.asarray(predictions)
    is_list = values.ndim == 1
    is_table = values.ndim == 2 and values.shape[1] > 0
    if not (is_list or is_table) or len(values) != count:
        raise ArgumentError(
            f"{_WHO}: predictions must be class numbers ({count},) or probabilities "
            f"({count}, classes), one for each picture; received shape {values.shape}."
        )
    if is_list:
        return values, None
    shares = values.max(axis=1).astype(float)
    # Logits are no probabilities, and are not shown as if they were.
    are_probabilities = shares.size and values.min() >= 0 and shares.max() <= 1 + 1e-3
    return values.argmax(axis=1), shares if are_probabilities else None


def _truth(labels: Any, count: int) -> np.ndarray:
    truth = np.asarray(labels)
    if truth.ndim == 2 and len(truth) == count:
        truth = truth[:, 0] if truth.shape[1] == 1 else truth.argmax(axis=1)
    if truth.shape != (count,):
        raise ArgumentError(
            f"{_WHO}: labels must be class numbers ({count},), one for each picture; "
            f"received shape {truth.shape}."
        )
    return truth


def _percent(share: float) -> str:
    # No model is quite certain: 100 % would say more than it knows.
    return ">99%" if share > 0.99 else f"{share:.0%}"


def _name(number: Any, names: Sequence[str] | None) -> str:
    if names is None:
        return str(number)
    if not 0 <= number < len(names):
        raise ArgumentError(
            f"{_WHO}: names must hold a name for each class; received {len(names)} names "
            f"and class {number}."
        )
    return str(names[int(number)])


def _show(axes: Axes, picture: np.ndarray, grey_range: tuple[float, float]) -> None:
    if picture.ndim == 3:
        largest = 255 if np.issubdtype(picture.dtype, np.integer) else 1
        axes.imshow(np.clip(picture / largest, 0, 1), interpolation="nearest")
        return
    # Ink on paper: large values dark.
    low, high = grey_range
    axes.imshow(picture, cmap="gray_r", vmin=low, vmax=high, interpolation="nearest")


def _frame(axes: Axes) -> None:
    axes.set_axis_on()
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(RED)
        spine.set_linewidth(2)
