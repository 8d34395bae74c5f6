"""Learning curves: how loss and metrics went from epoch to epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from weft.errors import ArgumentError
from weft.viz._figure import BLUE, FAINT, INK, ORANGE, PathLike, finished, new_figure
from weft.viz._words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_VALIDATION = "val_"
_COLUMNS = 3
_ABBREVIATIONS = frozenset({"auc", "mae", "mape", "mse", "msle", "rmse"})
_SMALL_IS_BETTER = _ABBREVIATIONS - {"auc"}


def plot_history(
    history: Any, path: PathLike | None = None, *, title: str | None = None
) -> Figure:
    """Draw one panel for the loss and one for each metric, training beside validation.

    `history` is what `fit` returns, or a dict of lists: one number for each epoch. The best
    epoch of a validation curve is marked.

    Raises:
        ArgumentError: there is nothing to draw, or no dict of lists of numbers.
        MissingExtraError: matplotlib is not installed.

    >>> figure = plot_history({"loss": [0.9, 0.4, 0.3], "accuracy": [0.7, 0.8, 0.9]})
    >>> [axes.get_title() for axes in figure.axes]
    ['Loss', 'Accuracy']
    """
    curves = _curves(history)
    names = list(dict.fromkeys(name.removeprefix(_VALIDATION) for name in curves))
    # Histories list their entries by name; a reader looks for the loss first.
    names.sort(key=lambda name: name != "loss")
    epochs = getattr(history, "epoch", None)

    columns = min(len(names), _COLUMNS)
    rows = -(-len(names) // columns)
    figure = new_figure(4.6 * columns, 3.5 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, name in zip(panels, names):
        _draw_panel(panel, name, curves, epochs)
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    if title:
        figure.suptitle(title, color=INK)
    return finished(figure, path)


def _curves(history: Any) -> dict[str, np.ndarray]:
    table = getattr(history, "history", history)
    if not isinstance(table, Mapping):
        raise ArgumentError(
            "plot_history: `history` must be what fit() returns, or a dict of lists; "
            f"received {type(history).__name__}."
        )
    curves = {}
    for name, values in table.items():
        try:
            curve = np.asarray(values, float)
        except (TypeError, ValueError):
            curve = None
        if curve is None or curve.ndim != 1:
            raise ArgumentError(
                "plot_history: each entry must be a list with one number for each epoch; "
                f"received {name}={values!r}."
            )
        if curve.size:
            curves[str(name)] = curve
    if not curves:
        raise ArgumentError(
            "plot_history: the history holds no epochs; train with fit(...) first; "
            f"received {table!r}."
        )
    return curves


def _draw_panel(
    panel: Axes, name: str, curves: Mapping[str, np.ndarray], epochs: Sequence[int] | None
) -> None:
    styles = (
        (name, word("training"), BLUE, "o-"),
        (_VALIDATION + name, word("validation"), ORANGE, "s--"),
    )
    drawn = [style for style in styles if style[0] in curves]
    for key, label, colour, line in drawn:
        panel.plot(
            _steps(curves[key], epochs), curves[key], line, color=colour, label=label,
            markersize=_marker_size(curves[key]), linewidth=1.6,
        )  # fmt: skip
    validation = curves.get(_VALIDATION + name)
    if validation is not None and np.isfinite(validation).any() and name in curves:
        _mark_best(panel, name, validation, _steps(validation, epochs))
    _label(panel, name)
    if len(drawn) > 1:
        panel.legend(frameon=False)


def _steps(curve: np.ndarray, epochs: Sequence[int] | None) -> np.ndarray:
    """The numbers of the epochs, from 1 as the progress bar counts them."""
    if epochs is not None and len(epochs) == len(curve):
        return np.asarray(epochs) + 1
    return np.arange(1, len(curve) + 1)


def _marker_size(curve: np.ndarray) -> float:
    # Dots of a hundred epochs would run into one thick line.
    return 4.5 if len(curve) <= 40 else 0.0


def _is_better_small(name: str) -> bool:
    return "loss" in name or "error" in name or name in _SMALL_IS_BETTER


def _mark_best(panel: Axes, name: str, curve: np.ndarray, steps: np.ndarray) -> None:
    best = int(np.nanargmin(curve) if _is_better_small(name) else np.nanargmax(curve))
    panel.plot(
        steps[best], curve[best], "o", markersize=11, fillstyle="none",
        color=ORANGE,
        label=f"{word('best')}: {curve[best]:.4g}, {word('epoch')} {steps[best]}",
    )  # fmt: skip


def _label(panel: Axes, name: str) -> None:
    from matplotlib.ticker import MaxNLocator

    words = name.replace("_", " ")
    title = name.upper() if name in _ABBREVIATIONS else words[:1].upper() + words[1:]
    panel.set_title(word(title), color=INK)
    panel.set_xlabel(word("epoch"))
    panel.xaxis.set_major_locator(
        MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])
    )
    panel.grid(color=FAINT, alpha=0.4, linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)
