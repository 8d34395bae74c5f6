"""How good a classifier is: confusion matrix and ROC curve."""

from __future__ import annotations

from collections.abc import Sequence
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
from weft.viz._words import word

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_confusion_matrix(
    labels: Any,
    predictions: Any,
    path: PathLike | None = None,
    *,
    names: Sequence[str] | None = None,
    is_share: bool = False,
    title: str | None = None,
) -> Figure:
    """Draw how often each true class (row) was taken for each class (column).

    labels: true class numbers (n,) or one-hot (n, classes).
    predictions: class numbers (n,) or probabilities (n, classes).
    is_share: shares of the true class in place of counts.

    Raises:
        ArgumentError: lengths that differ.

    >>> figure = plot_confusion_matrix([0, 1, 1], [0, 1, 0])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1', '0', '1', '1']
    """
    who = "plot_confusion_matrix"
    true, said = _classes(labels, who), _classes(predictions, who)
    if true.shape != said.shape or not true.size:
        raise ArgumentError(
            f"{who}: labels and predictions must be as many, and at least one; received "
            f"{len(true)} and {len(said)}"
        )
    count = max(int(max(true.max(), said.max())) + 1, len(names or ()))
    names = [str(number) for number in range(count)] if names is None else list(names)
    if len(names) != count:
        raise ArgumentError(
            f"{who}: names must hold a name for each of {count} classes; received {len(names)}"
        )
    matrix = np.zeros((count, count), int)
    np.add.at(matrix, (true, said), 1)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)

    side = min(2.2 + 0.42 * count, 11.0)
    figure = new_figure(side + 0.4, side)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(matrix.shape):
        value = f"{shares[row, column]:.0%}" if is_share else str(matrix[row, column])
        colour = "white" if shares[row, column] > 0.55 else INK
        axes.text(column, row, value, ha="center", va="center", color=colour,
                  fontsize=9 if count <= 12 else 6)  # fmt: skip
    is_long = max(map(len, names)) > 4
    axes.set_xticks(range(count), names, rotation=45 if is_long else 0,
                    ha="right" if is_long else "center")  # fmt: skip
    axes.set_yticks(range(count), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(word("predicted class"))
    axes.set_ylabel(word("true class"))
    right = int(np.trace(matrix))
    if title is None:
        name = word("confusion matrix").capitalize()
        title = f"{name}: {word('accuracy')} {right / len(true):.1%}"
    axes.set_title(title, color=INK)
    return finished(figure, path)


def _classes(values: Any, who: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim == 2:
        if array.shape[1] > 1:
            return array.argmax(axis=1)
        array = array[:, 0]
    if array.ndim != 1:
        raise ArgumentError(
            f"{who}: expected class numbers (n,) or one row of scores per sample; received "
            f"shape {array.shape}"
        )
    if array.dtype.kind == "f" and array.size and not (array == np.round(array)).all():
        return (array >= 0.5).astype(int)  # Probabilities of the second class.
    return array.astype(int)


def plot_roc(
    labels: Any,
    scores: Any,
    path: PathLike | None = None,
    *,
    names: Sequence[str] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the ROC curve: true against false positives for every threshold, and its area.

    labels: 0 and 1 (n,), or class numbers or one-hot for several classes.
    scores: of class 1 (n,), or of every class (n, classes): one curve per class then.

    >>> figure = plot_roc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> figure.axes[0].get_legend().get_texts()[0].get_text()
    'AUC 0.750'
    """
    scores = np.asarray(scores, float)
    if scores.ndim == 2 and scores.shape[1] == 1:
        scores = scores[:, 0]
    true = np.asarray(labels)
    if true.ndim == 2:
        true = true[:, 0] if true.shape[1] == 1 else true.argmax(axis=1)
    if scores.ndim not in (1, 2) or len(true) != len(scores):
        raise ArgumentError(
            "plot_roc: scores must be (n,) or (n, classes) with one row per label; received "
            f"shapes {scores.shape} and {true.shape}"
        )
    figure = new_figure(5.0, 4.6)
    axes = figure.add_subplot()
    if scores.ndim == 1:
        _draw_curve(axes, true.astype(int) == 1, scores, "", CLASS_COLOURS[0])
    else:
        for number in range(scores.shape[1]):
            name = names[number] if names else f"{word('class')} {number}"
            colour = CLASS_COLOURS[number % len(CLASS_COLOURS)]
            _draw_curve(axes, true == number, scores[:, number], f"{name}: ", colour)
    axes.plot([0, 1], [0, 1], ":", color="#888888", label=word("chance"), linewidth=1.2)
    axes.set_xlabel(word("false positive rate"))
    axes.set_ylabel(word("true positive rate"))
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_aspect("equal")
    plain_axes(axes)
    axes.legend(frameon=False, loc="lower right", fontsize=8.5)
    axes.set_title(word("ROC curve") if title is None else title, color=INK)
    return finished(figure, path)


def _draw_curve(
    axes: Any, positive: np.ndarray, scores: np.ndarray, name: str, colour: str
):
    count, others = int(positive.sum()), int((~positive).sum())
    if not count or not others:
        raise ArgumentError(
            "plot_roc: there must be samples of the class and others; received "
            f"{count} and {others}"
        )
    order = np.argsort(-scores, kind="stable")
    hits, ranked = positive[order], scores[order]
    # Equal scores pass the threshold together.
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    true_rate = np.append(0, np.cumsum(hits)[last] / count)
    false_rate = np.append(0, np.cumsum(~hits)[last] / others)
    area = np.trapezoid(true_rate, false_rate)
    axes.plot(
        false_rate, true_rate, color=colour, linewidth=1.8, label=f"{name}AUC {area:.3f}"
    )


__all__ = ["plot_confusion_matrix", "plot_roc"]
