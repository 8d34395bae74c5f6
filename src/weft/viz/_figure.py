"""What all pictures share: a figure without a display, colours, grids of tiles, saving."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from weft.errors import ArgumentError
from weft.viz._words import use_font, without_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PathLike = str | os.PathLike[str]

# Told apart in grey print and by eyes that don't tell red from green.
BLUE, ORANGE, RED = "#1f5fa8", "#e07b00", "#c81e2b"
INK, FAINT = "#222222", "#b8b8b8"
DOTS_PER_INCH = 150


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches that needs no display and no pyplot state.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise without_matplotlib(error) from error
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def finished(figure: Figure, path: PathLike | None) -> Figure:
    """The figure, saved first where a path is given; its ending names the format."""
    use_font(figure)
    if path is not None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    return figure


# Colours of classes, told apart by most eyes.
CLASS_COLOURS = (
    BLUE, ORANGE, "#2a9d5c", RED, "#7b52ab", "#8c564b", "#d16ba5", "#6b6b6b", "#b0a000",
    "#17a2b8",
)  # fmt: skip


def plain_axes(axes: Axes, is_gridded: bool = True) -> None:
    """Axes without a frame at the top and right, with a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    if is_gridded:
        axes.grid(color=FAINT, alpha=0.4, linewidth=0.6)


def grid(count: int, most_columns: int) -> tuple[int, int]:
    """Rows and columns for `count` small pictures, the rows as equal as can be."""
    rows = -(-count // min(most_columns, count))
    return rows, -(-count // rows)


def tiles(figure: Figure, count: int, rows: int, columns: int) -> list[Axes]:
    """Axes without frames for `count` small pictures, row by row."""
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for one in axes:
        one.set_axis_off()
    return list(axes[:count])


def side_of_square(size: int, who: str, what: str) -> int:
    """The side of a square picture with `size` pixels.

    Raises:
        ArgumentError: no square has so many pixels.
    """
    side = math.isqrt(size)
    if side * side != size:
        raise ArgumentError(
            f"{who}: {what} must have as many values as a square picture has pixels; "
            f"received {size}; bring it to (height, width) first."
        )
    return side
