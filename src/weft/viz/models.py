"""Inside of a model: what its layers give for an input, and the loss around its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from weft.errors import ArgumentError
from weft.viz._figure import INK, RED, PathLike, finished, new_figure
from weft.viz._words import word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_MAPS = 16
_MOST_NUMBERED = 20


def plot_layer_activations(
    model: Any,
    sample: Any,
    path: PathLike | None = None,
    *,
    limit: int = 8,
    title: str | None = None,
) -> Figure:
    """Draw what each layer of a model gives for one sample.

    sample: one input without the batch axis (a batch's first is taken, where it has one).
    limit: at most so many layers are drawn, from the first on.

    Outputs (units,) are strips of colours, (height, width, channels) are small pictures.

    Raises:
        ArgumentError: a model that is not built, or a sample that does not fit it.
    """
    who = "plot_layer_activations"
    if not getattr(model, "inputs", None):
        raise ArgumentError(
            f"{who}: the model must be built; call it on data, or give it a keras.Input"
        )
    array = np.asarray(sample)
    wanted = len(model.inputs[0].shape)
    if array.ndim == wanted - 1:
        array = array[None]
    if array.ndim != wanted:
        raise ArgumentError(
            f"{who}: a sample must fit the model's input {tuple(model.inputs[0].shape)}; "
            f"received shape {array.shape}"
        )
    layers = [layer for layer in model.layers if layer.output is not model.inputs[0]][
        :limit
    ]
    outputs = _outputs(model, layers)(array[:1])
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    arrays = [array[0], *[np.asarray(output)[0] for output in outputs]]
    names = [word("input"), *[layer.name for layer in layers]]
    tall = [
        1.3 if one.ndim == 3 or _is_square(one, n) else 0.62 for n, one in enumerate(arrays)
    ]
    figure = new_figure(7.0, sum(tall) + 0.32 * len(tall) + 0.3)
    rows: Any = figure.subfigures(len(arrays), 1, height_ratios=[t + 0.3 for t in tall])
    rows = np.atleast_1d(np.asarray(rows, object))
    for number, (row, name, one) in enumerate(zip(rows, names, arrays)):
        _draw_activation(row, f"{name}  {one.shape}", one, _is_square(one, number))
    if title:
        figure.suptitle(title, color=INK)
    return finished(figure, path)


def _outputs(model: Any, layers: list) -> Any:
    """A model of the same inputs that gives all layers' outputs."""
    kind = next(base for base in type(model).__mro__ if base.__name__ == "Model")
    return kind(model.inputs, [layer.output for layer in layers])


def _is_square(array: np.ndarray, number: int) -> bool:
    """Whether an input looks like a flat picture."""
    side = int(np.sqrt(array.size))
    return number == 0 and array.ndim <= 2 and side >= 8 and (
        side * side == array.size or array.ndim == 2
    )  # fmt: skip


def _draw_activation(figure: Any, name: str, array: np.ndarray, is_picture: bool) -> None:
    values = array.astype(float)
    if is_picture and values.ndim == 1:
        side = int(np.sqrt(values.size))
        values = values.reshape(side, side)
    if values.ndim == 3:
        maps = [values] if values.shape[-1] in (3, 4) and values.max() <= 255 else None
        maps = maps or [values[..., n] for n in range(min(values.shape[-1], _MOST_MAPS))]
        panels = figure.subplots(1, len(maps), squeeze=False).ravel()
        for panel, one in zip(panels, maps):
            panel.set_axis_off()
            panel.imshow(
                one / (255 if one.max() > 1 and one.ndim == 3 else 1), cmap="viridis"
            )
        figure.suptitle(name, fontsize=9, color=INK, x=0.02, ha="left")
        return
    panel = figure.subplots()
    units = values.size if values.ndim < 2 and not is_picture else 0
    panel.set_xticks(range(units) if units <= _MOST_NUMBERED else [])
    panel.tick_params(length=0, labelsize=7)
    panel.set_yticks([])
    panel.spines[:].set_visible(False)
    if is_picture:
        panel.imshow(values, cmap="gray_r")
    else:
        strip = values.reshape(1, -1) if values.ndim < 2 else values.T
        largest = float(np.abs(strip).max()) or 1.0
        shown = panel.imshow(strip, cmap="RdBu_r", vmin=-largest, vmax=largest, aspect="auto",
                             interpolation="nearest")  # fmt: skip
        bar = figure.colorbar(shown, ax=panel, pad=0.01, aspect=6)
        bar.ax.tick_params(labelsize=6.5)
        bar.outline.set_visible(False)
    figure.suptitle(name, fontsize=9, color=INK, x=0.02, ha="left")


def plot_loss_landscape(
    model: Any,
    x: Any,
    y: Any,
    path: PathLike | None = None,
    *,
    span: float = 1.0,
    resolution: int = 17,
    samples: int = 512,
    seed: int = 0,
    title: str | None = None,
) -> Figure:
    """Draw a model's loss on a plane through its weights.

    The plane is spanned by two random directions, each scaled, unit by unit, to the size of
    the weights (Li et al., "Visualizing the Loss Landscape of Neural Nets", 2018). The
    weights are as before afterwards.

    model: a compiled model.
    span: how far to go in each direction; 1 is the size of the weights themselves.
    resolution: losses per direction: the model is evaluated resolution² times.
    samples: at most so many of the data are used.
    """
    if resolution < 3:
        raise ArgumentError(
            f"plot_loss_landscape: resolution must be at least 3; received {resolution}"
        )
    x, y = np.asarray(x)[:samples], np.asarray(y)[:samples]
    weights = [np.asarray(weight) for weight in model.get_weights()]
    draws = np.random.default_rng(seed)
    one, other = (_direction(weights, draws) for _ in range(2))
    line = np.linspace(-span, span, resolution)
    losses = np.empty((resolution, resolution))
    try:
        for row, b in enumerate(line):
            for column, a in enumerate(line):
                model.set_weights(
                    [w + a * d + b * e for w, d, e in zip(weights, one, other)]
                )
                found = model.evaluate(x, y, batch_size=len(x), verbose=0)
                losses[row, column] = found[0] if isinstance(found, list | tuple) else found
    finally:
        model.set_weights(weights)
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(8.6, 3.8)
    flat = figure.add_subplot(1, 2, 1)
    # Losses rise steeply far from the weights: equal steps of their logarithm.
    shown = np.log10(np.maximum(losses, 1e-12))
    colours = flat.contourf(line, line, shown, levels=24, cmap="viridis")
    flat.contour(line, line, shown, levels=12, colors="white", linewidths=0.4)
    flat.plot(0, 0, "o", color=RED, markersize=7, markeredgecolor="white")
    flat.annotate(word("here"), (0, 0), xytext=(7, 7), textcoords="offset points", color="white",
                  fontsize=9)  # fmt: skip
    flat.set_xlabel(word("direction 1"))
    flat.set_ylabel(word("direction 2"))
    flat.set_aspect("equal")
    bar = figure.colorbar(colours, ax=flat, shrink=0.85)
    bar.set_label(f"log$_{{10}}$ {word('loss')}")
    deep = figure.add_subplot(1, 2, 2, projection="3d")
    deep.plot_surface(*np.meshgrid(line, line), shown, cmap="viridis", linewidth=0)  # type: ignore[attr-defined]
    deep.view_init(elev=38, azim=-55)  # type: ignore[attr-defined]
    deep.set_xlabel(word("direction 1"), fontsize=8)
    deep.set_ylabel(word("direction 2"), fontsize=8)
    deep.tick_params(labelsize=7, pad=0)
    for axis in (deep.xaxis, deep.yaxis, deep.zaxis):  # type: ignore[attr-defined]
        axis.set_major_locator(MaxNLocator(4))
    name = word("loss landscape").capitalize()
    figure.suptitle(name if title is None else title, color=INK)
    return finished(figure, path)


def _direction(weights: list[np.ndarray], draws: np.random.Generator) -> list[np.ndarray]:
    """Random numbers like the weights, each unit's as large as its weights; none for biases."""
    found = []
    for weight in weights:
        if weight.ndim < 2:
            found.append(np.zeros_like(weight))
            continue
        random = draws.normal(size=weight.shape).astype(weight.dtype)
        axes = tuple(range(weight.ndim - 1))
        size = np.sqrt((weight**2).sum(axis=axes) / ((random**2).sum(axis=axes) + 1e-12))
        found.append(random * size)
    return found


__all__ = ["plot_layer_activations", "plot_loss_landscape"]
