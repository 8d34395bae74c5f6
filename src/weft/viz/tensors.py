"""Tensors of rank 0 to 5 as what they are: numbers, tables, series, pictures, films."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from weft.errors import ArgumentError
from weft.viz._figure import FAINT, INK, PathLike, finished, new_figure
from weft.viz._words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WHO = "plot_tensor"
_KINDS = ("scalar", "vector", "vector data", "time series", "images", "video")

# Larger tables are drawn as colours, without their numbers.
_MOST_CELLS = 12
_MOST_SHEETS = 5
_LIGHTEST = 0.9
_MOST_PICTURES = 8


def plot_tensor(
    tensor: Any,
    path: PathLike | None = None,
    *,
    channels_first: bool = False,
    title: str | None = None,
) -> Figure:
    """Draw a tensor of rank 0 to 5.

    Rank 0 is a number, 1 a row of numbers, 2 a table (samples, features), 3 a sheet
    (timesteps, features) for each sample, 4 pictures (samples, height, width, channels),
    5 films (samples, frames, height, width, channels).

    Raises:
        ArgumentError: ranks above 5, and tensors without elements.

    >>> import numpy as np
    >>> figure = plot_tensor(np.arange(6).reshape(2, 3))
    >>> figure.get_suptitle()
    'Vector data: rank 2, shape (2, 3), int64'
    """
    array = np.asarray(tensor)
    if array.ndim > 5 or not array.size:
        raise ArgumentError(
            f"{_WHO}: expected a tensor of rank 0 to 5 with elements; received shape "
            f"{array.shape}"
        )
    draw = (_scalar, _vector, _table, _sheets, _pictures, _films)[array.ndim]
    if array.ndim > 3 and channels_first:
        array = np.moveaxis(array, -3, -1)
    figure = draw(array)
    if title is None:
        kind = word(_KINDS[array.ndim])
        shape = np.shape(tensor)
        title = (
            f"{kind[:1].upper()}{kind[1:]}: {word('rank')} {array.ndim}, {word('shape')} "
            f"{tuple(shape)}, {array.dtype}"
        )
    figure.suptitle(title, color=INK, fontsize=11)
    return finished(figure, path)


def _number(value: Any) -> str:
    if isinstance(value, np.floating | float):
        return f"{value:.3g}"
    return str(value)


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _scalar(array: np.ndarray) -> Figure:
    figure = new_figure(3.6, 1.7)
    axes = figure.add_subplot()
    _bare(axes)
    axes.text(
        0.5, 0.45, _number(array[()]), ha="center", va="center", fontsize=26, color=INK
    )
    return figure


def _vector(array: np.ndarray) -> Figure:
    figure = new_figure(max(4.2, min(len(array), _MOST_CELLS + 1) * 0.62 + 0.6), 1.5)
    _draw_table(figure.add_subplot(), array[None, :])
    return figure


def _table(array: np.ndarray) -> Figure:
    rows, columns = (min(extent, _MOST_CELLS) for extent in array.shape)
    figure = new_figure(max(4.4, columns * 0.62 + 1.3), rows * 0.42 + 1.2)
    axes = figure.add_subplot()
    _draw_table(axes, array)
    axes.set_xlabel(word("features"))
    axes.set_ylabel(word("samples"))
    return figure


def _draw_table(axes: Axes, table: np.ndarray) -> None:
    """Cells with numbers, or colours alone where there are too many."""
    rows, columns = table.shape
    _bare(axes)
    numbers = table if table.dtype.kind in "fiub" else np.zeros(table.shape)
    if rows > _MOST_CELLS or columns > _MOST_CELLS:
        if rows == 1:
            shown = table[0, :_MOST_CELLS]
            _cells(axes, shown[None, :], numbers[:, :_MOST_CELLS])
            axes.text(len(shown) + 0.1, 0.5, "…", fontsize=14, va="center")
            return
        axes.imshow(
            numbers.astype(float), cmap="Blues", aspect="auto", interpolation="nearest"
        )
        return
    _cells(axes, table, numbers)


def _cells(axes: Axes, table: np.ndarray, numbers: np.ndarray) -> None:
    from matplotlib.patches import Rectangle

    rows, columns = table.shape
    strength = _strength(numbers)
    for row, column in np.ndindex(rows, columns):
        shade = _LIGHTEST - 0.5 * strength[row, column]
        axes.add_patch(
            Rectangle((column, row), 1, 1, facecolor=(shade, 0.35 + 0.65 * shade, 1.0),
                      edgecolor="white", linewidth=2)
        )  # fmt: skip
        axes.text(column + 0.5, row + 0.5, _number(table[row, column]), ha="center",
                  va="center", fontsize=10, color=INK)  # fmt: skip
    axes.set_xlim(0, columns + 0.5 * (columns == _MOST_CELLS))
    axes.set_ylim(rows, 0)


def _strength(numbers: np.ndarray) -> np.ndarray:
    """Values from 0 (smallest) to 1 (largest)."""
    values = np.nan_to_num(numbers.astype(float))
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.full(values.shape, 0.3)


def _sheets(array: np.ndarray) -> Figure:
    """One sheet for each sample, the first in front."""
    from matplotlib.patches import Rectangle

    count = min(len(array), _MOST_SHEETS)
    sheets = array[:count, : 2 * _MOST_CELLS, : 2 * _MOST_CELLS]
    _, rows, columns = sheets.shape
    with_numbers = rows <= 8 and columns <= 8
    cell = 0.5 if with_numbers else 0.26
    shift = max(0.9, 0.16 * rows)
    wide, high = columns + shift * (count - 1), rows + shift * (count - 1)
    figure = new_figure(max(4.2, wide * cell + 1.4), high * cell + 1.2)
    axes = figure.add_subplot()
    strength = _strength(sheets if sheets.dtype.kind in "fiub" else np.zeros(sheets.shape))
    for number in range(count - 1, -1, -1):
        x0, y0 = shift * number, shift * (count - 1 - number)
        for row, column in np.ndindex(rows, columns):
            shade = _LIGHTEST - 0.5 * strength[number, row, column]
            axes.add_patch(
                Rectangle((x0 + column, y0 + row), 1, 1, edgecolor="white", linewidth=1,
                          facecolor=(shade, 0.35 + 0.65 * shade, 1.0), zorder=-number)
            )  # fmt: skip
            if with_numbers and number == 0:
                axes.text(x0 + column + 0.5, y0 + row + 0.5,
                          _number(sheets[number, row, column]), ha="center", va="center",
                          fontsize=8.5, color=INK, zorder=1)  # fmt: skip
        axes.add_patch(
            Rectangle(
                (x0, y0), columns, rows, fill=False, edgecolor="#5b7fa6", zorder=-number
            )
        )
    _bare(axes)
    axes.set_xlim(-0.2, wide + 0.2)
    axes.set_ylim(high + 0.2, -0.2)
    axes.set_aspect("equal")
    axes.set_xlabel(f"{word('features')} ({array.shape[2]})")
    axes.set_ylabel(f"{word('timesteps')} ({array.shape[1]})")
    more = "" if count == len(array) else f" / {len(array)}"
    axes.text(shift * (count - 1) / 2 - 0.3, shift * (count - 1) / 2 - 0.3,
              f"{word('samples')} ({count}{more})", rotation=45 if count > 1 else 0,
              ha="right", va="bottom", fontsize=9, color=INK)  # fmt: skip
    return figure


def _pictures(array: np.ndarray) -> Figure:
    count = min(len(array), _MOST_PICTURES)
    columns = min(count, 4)
    rows = -(-count // columns)
    figure = new_figure(max(1.5 * columns, 4.4), 1.5 * rows + 0.5)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for number, panel in enumerate(panels):
        panel.set_axis_off()
        if number < count:
            _show(panel, array[number])
    return figure


def _films(array: np.ndarray) -> Figure:
    samples, frames = (min(extent, 5) for extent in array.shape[:2])
    figure = new_figure(max(1.35 * frames + 0.7, 4.6), 1.35 * samples + 0.7)
    panels: Any = figure.subplots(samples, frames, squeeze=False)
    for sample, frame in np.ndindex(samples, frames):
        # As many frames as are shown, spread over the film.
        shown = round(frame * (array.shape[1] - 1) / max(frames - 1, 1))
        panel = panels[sample, frame]
        _show(panel, array[sample, shown])
        _bare(panel)
        panel.spines[:].set_visible(True)
        panel.spines[:].set_color(FAINT)
        if sample == 0:
            panel.set_title(f"{word('frame')} {shown}", fontsize=8.5, color=INK, pad=3)
        if frame == 0:
            panel.set_ylabel(f"{word('sample')} {sample}", fontsize=8.5)
    return figure


def _show(panel: Axes, picture: np.ndarray) -> None:
    channels = picture.shape[-1]
    if channels in (3, 4):
        largest = 255 if picture.dtype.kind in "iu" else max(1.0, float(np.nanmax(picture)))
        panel.imshow(np.clip(picture / largest, 0, 1), interpolation="nearest")
    else:
        panel.imshow(picture[..., 0].astype(float), cmap="gray", interpolation="nearest")


__all__ = ["plot_tensor"]
