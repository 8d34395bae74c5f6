"""What a classifier of points in the plane has learnt, also while it learns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from weft.errors import ArgumentError
from weft.viz._figure import (
    CLASS_COLOURS,
    INK,
    PathLike,
    finished,
    new_figure,
    plain_axes,
)
from weft.viz._words import use_font, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "os^Dvp*h<>"


def plot_decision_boundary(
    model: Any,
    x: Any,
    y: Any,
    path: PathLike | None = None,
    *,
    names: Sequence[str] | None = None,
    resolution: int = 160,
    title: str | None = None,
) -> Figure:
    """Draw which class a model gives to each point of the plane, and the data on it.

    model: has `predict(points)`, or is a function of points (n, 2); it gives one
        probability (of class 1) for each point, or one for each class.
    x: the points (n, 2); y: their classes, as numbers or one-hot.

    Raises:
        ArgumentError: points that do not lie in a plane.

    >>> figure = plot_decision_boundary(
    ...     lambda points: (points[:, :1] > 0.5).astype(float), [[0, 0], [1, 1]], [0, 1])
    >>> figure.axes[0].get_title()
    'Decision boundary'
    """
    points, classes = _data(x, y, "plot_decision_boundary")
    figure = new_figure(4.8, 4.4)
    axes = figure.add_subplot()
    lines, grid = _grid(points, resolution)
    _draw(axes, lines, _predicted(model, grid), points, classes, names)
    axes.set_title(
        word("decision boundary").capitalize() if title is None else title, color=INK
    )
    return finished(figure, path)


def animate_decision_boundary(
    model: Any,
    x: Any,
    y: Any,
    path: PathLike,
    *,
    frames: int = 30,
    epochs_per_frame: int = 1,
    frames_per_second: float = 8.0,
    names: Sequence[str] | None = None,
    resolution: int = 100,
    **fit: Any,
) -> Path:
    """Train a model and write its decision boundary, epoch by epoch, as a GIF.

    model: a compiled model; its `fit(x, y, epochs=…, **fit)` is called for every frame.
    path: the file; without Pillow the frames are written as PNG files beside it, into a
        folder of its name.

    Returns:
        The file, or the folder of frames.
    """
    points, classes = _data(x, y, "animate_decision_boundary")
    lines, grid = _grid(points, resolution)
    figure = new_figure(4.4, 4.2)
    figure.set_dpi(100)
    axes = figure.add_subplot()

    def draw(frame: int) -> None:
        if frame:
            model.fit(x, y, epochs=epochs_per_frame, **{"verbose": 0, **fit})
        axes.clear()
        _draw(axes, lines, _predicted(model, grid), points, classes, names)
        axes.set_title(f"{word('epoch')} {frame * epochs_per_frame}", color=INK)
        use_font(figure)

    # The layout must not move from frame to frame.
    draw(0)
    figure.canvas.draw()
    figure.set_layout_engine("none")
    try:
        from PIL import Image
    except ImportError:
        return _write_frames(figure, draw, frames, Path(path).with_suffix(""))
    images = []
    for frame in range(frames + 1):
        if frame:
            draw(frame)
        figure.canvas.draw()
        buffer = np.asarray(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]
        images.append(Image.fromarray(buffer).convert("RGB"))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    _write_gif(images, Path(path), 1000 / frames_per_second)
    return Path(path)


def _write_gif(images: list, path: Path, milliseconds: float) -> None:
    """Frames in one palette, so that no colour flickers."""
    from PIL import Image

    few = images[:: max(1, len(images) // 6)]
    together = Image.new("RGB", (images[0].width, images[0].height * len(few)))
    for number, image in enumerate(few):
        together.paste(image, (0, number * image.height))
    # This method keeps rare colours too, such as those of a few points.
    palette = together.quantize(256, method=Image.Quantize.MAXCOVERAGE)
    plain = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    plain[0].save(
        path, save_all=True, append_images=plain[1:], duration=milliseconds, loop=0
    )


def _write_frames(figure: Figure, draw: Any, frames: int, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for frame in range(frames + 1):
        if frame:
            draw(frame)
        figure.savefig(folder / f"frame_{frame:03}.png", dpi=100)
    return folder


def _data(x: Any, y: Any, who: str) -> tuple[np.ndarray, np.ndarray]:
    points, classes = np.asarray(x, float), np.asarray(y)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ArgumentError(
            f"{who}: x must be points of a plane, (n, 2); received shape {points.shape}"
        )
    if classes.ndim == 2:
        classes = classes[:, 0] if classes.shape[1] == 1 else classes.argmax(axis=1)
    if classes.shape != (len(points),):
        raise ArgumentError(
            f"{who}: y must be one class for each of {len(points)} points; received shape "
            f"{classes.shape}"
        )
    return points, classes.astype(int)


def _grid(points: np.ndarray, resolution: int) -> tuple[list[np.ndarray], np.ndarray]:
    """The two axes' numbers, and all points of the grid."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.15 * np.maximum(high - low, 1e-6) + 0.05
    lines = [
        np.linspace(a - m, b + m, resolution, dtype=np.float32)
        for a, b, m in zip(low, high, margin)
    ]
    return lines, np.stack(np.meshgrid(*lines), axis=-1).reshape(-1, 2)


def _predicted(model: Any, grid: np.ndarray) -> np.ndarray:
    predict = getattr(model, "predict", None)
    if predict is None:
        found = model(grid)
    else:
        try:
            found = predict(grid, verbose=0)
        except TypeError:  # scikit-learn's take no verbose.
            found = getattr(model, "predict_proba", predict)(grid)
    found = np.asarray(found, float)
    return found[:, None] if found.ndim == 1 else found


def _draw(
    axes: Axes, lines: list[np.ndarray], found: np.ndarray, points: np.ndarray,
    classes: np.ndarray, names: Sequence[str] | None,
) -> None:  # fmt: skip
    count = max(found.shape[1], int(classes.max()) + 1, 2)
    shape = (len(lines[1]), len(lines[0]))
    if found.shape[1] == 1:
        share = np.clip(found[:, 0], 0, 1).reshape(shape)
        from matplotlib.colors import LinearSegmentedColormap

        between = LinearSegmentedColormap.from_list(
            "classes", [CLASS_COLOURS[0], "white", CLASS_COLOURS[1]]
        )
        axes.imshow(share, extent=_extent(lines), origin="lower", cmap=between, vmin=-0.15,
                    vmax=1.15, alpha=0.55, aspect="auto", interpolation="bilinear")  # fmt: skip
        if share.min() < 0.5 < share.max():
            axes.contour(*lines, share, levels=[0.5], colors=INK, linewidths=1.4)
    else:
        from matplotlib.colors import ListedColormap

        best = found.argmax(axis=1).reshape(shape)
        axes.imshow(best, extent=_extent(lines), origin="lower", aspect="auto", vmin=-0.5,
                    vmax=count - 0.5, alpha=0.3, interpolation="nearest",
                    cmap=ListedColormap(_colours(count)))  # fmt: skip
        for number in range(count):
            axes.contour(*lines, (best == number).astype(float), levels=[0.5], colors=INK,
                         linewidths=0.9)  # fmt: skip
    for number in np.unique(classes):
        mine = points[classes == number]
        label = names[number] if names else f"{word('class')} {number}"
        axes.scatter(mine[:, 0], mine[:, 1], s=30 if len(points) < 300 else 12, label=label,
                     color=_colours(count)[number], edgecolor="white", linewidth=0.7,
                     marker=_MARKERS[number % len(_MARKERS)])  # fmt: skip
    axes.set_xlim(lines[0][0], lines[0][-1])
    axes.set_ylim(lines[1][0], lines[1][-1])
    axes.set_xlabel("$x_1$")
    axes.set_ylabel("$x_2$")
    plain_axes(axes, is_gridded=False)
    axes.legend(frameon=True, framealpha=0.85, fontsize=8.5, loc="upper right")


def _extent(lines: list[np.ndarray]) -> tuple[float, float, float, float]:
    return lines[0][0], lines[0][-1], lines[1][0], lines[1][-1]


def _colours(count: int) -> list[str]:
    return [CLASS_COLOURS[number % len(CLASS_COLOURS)] for number in range(count)]


__all__ = ["animate_decision_boundary", "plot_decision_boundary"]
