"""A model's layers as a diagram: SVG that needs no other program."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from weft import tree
from weft.diagram import Arrow, Box, draw
from weft.errors import ArgumentError

_INPUT, _LAYER, _MODEL, _FROZEN = "#cfe3f7", "#eef1f5", "#e5defa", "#e2e2e2"
_DIRECTIONS = {"TB": False, "BT": False, "LR": True, "RL": True}


class ModelDiagram:
    """The diagram of a model: its SVG text, shown in notebooks and written by `write`."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def write(self, path: Any) -> None:
        """Write the SVG file."""
        Path(path).write_text(self.svg, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<ModelDiagram of {len(self.svg)} characters of SVG>"


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> ModelDiagram:
    """The diagram of a model's layers; weft draws it itself, in place of Graphviz.

    Args:
        rankdir: 'TB' from top to bottom, 'LR' from left to right.
        expand_nested: draw the layers of models inside of the model.
        dpi, splines: of Graphviz; they change nothing here.

    Raises:
        ArgumentError: a model that is not built.
    """
    if rankdir not in _DIRECTIONS:
        raise ArgumentError(
            f"model_to_dot: rankdir must be one of {', '.join(_DIRECTIONS)}; received "
            f"{rankdir!r}"
        )
    if not getattr(model, "built", False) and not getattr(model, "inputs", None):
        raise ArgumentError(
            f"plot_model: {model.name!r} is not built, and its layers are not known yet; "
            "call build(), or the model on a batch of data"
        )

    def told(layer: Any, node: Any) -> Iterator[str]:
        if show_layer_activations and getattr(layer, "activation", None) is not None:
            activation = layer.activation
            yield f"activation: {getattr(activation, '__name__', activation)}"
        if show_shapes:
            if node is not None and node.input_tensors:
                yield f"in: {_shapes(node.input_tensors)}"
            outputs = None if node is None else node.output_tensors
            yield f"out: {_shapes(outputs) if outputs else '?'}"
        if show_dtype:
            yield f"dtype: {getattr(layer, 'dtype', '?')}"
        if show_trainable and getattr(layer, "weights", None):
            yield "trainable" if layer.trainable else "not trainable"

    boxes: dict[Any, Box] = {}
    arrows: list[Arrow] = []
    _add_model(model, (), expand_nested, show_layer_names, told, boxes, arrows)
    return ModelDiagram(draw(boxes, arrows, is_across=_DIRECTIONS[rankdir]))


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> ModelDiagram:
    """Draw a model's layers and write the diagram as an SVG file.

    The file's ending becomes .svg, whatever `to_file` says: browsers, notebooks and
    documents show it at any size. With to_file=None nothing is written.

    Example:
        >>> from weft import keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> keras.utils.plot_model(model, to_file=None).svg[:4]
        '<svg'
    """
    diagram = model_to_dot(
        model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi,
        show_layer_activations=show_layer_activations, show_trainable=show_trainable,
    )  # fmt: skip
    if to_file is not None:
        path = Path(os.fspath(to_file)).with_suffix(".svg")
        diagram.write(path)
    return diagram


def _shapes(tensors: list) -> str:
    shapes = [str(tuple(tensor.shape)) for tensor in tensors]
    return ", ".join(shapes)


def _add_model(
    model: Any, inside: tuple, expand: bool, with_names: bool, told: Any, boxes: dict,
    arrows: list,
) -> tuple[dict[int, Any], list]:  # fmt: skip
    """Add a model's layers; which box makes each symbolic tensor, and its last boxes."""
    nodes = getattr(model, "_functional", None) or model
    nodes = getattr(nodes, "_nodes", None)
    if nodes is None:
        return _add_list(model, inside, with_names, told, boxes, arrows)
    makers: dict[int, Any] = {}
    for node in nodes:
        layer = node.operation
        is_model = hasattr(layer, "layers") and getattr(layer, "layers", None)
        key = (*inside, id(node))
        if expand and is_model:
            inner, last = _add_model(layer, key, True, with_names, told, boxes, arrows)
            given = tree.leaves(layer.inputs)
            for symbol, tensor in zip(given, node.input_tensors):
                start, end = makers.get(id(tensor)), inner.get(id(symbol))
                if start is not None and end is not None:
                    arrows.append(Arrow(start, end))
            for tensor, maker in zip(node.output_tensors, last):
                makers[id(tensor)] = maker
            continue
        boxes[key] = _layer_box(layer, node, with_names, told)
        for start in dict.fromkeys(makers.get(id(t)) for t in node.input_tensors):
            if start is not None:
                arrows.append(Arrow(start, key))
        for tensor in node.output_tensors:
            makers[id(tensor)] = key
    last = [makers[id(t)] for t in tree.leaves(model.outputs) if id(t) in makers]
    return makers, last


def _add_list(
    model: Any, inside: tuple, with_names: bool, told: Any, boxes: dict, arrows: list
) -> tuple[dict[int, Any], list]:
    """The layers of a model of another kind (a subclass), without arrows between them."""
    for layer in model.layers:
        boxes[(*inside, id(layer))] = _layer_box(layer, None, with_names, told)
    return {}, []


def _layer_box(layer: Any, node: Any, with_names: bool, told: Any) -> Box:
    kind = type(layer).__name__
    title = f"{layer.name} ({kind})" if with_names else kind
    is_input = node is not None and not node.input_tensors
    colour = _INPUT if is_input else _MODEL if hasattr(layer, "layers") else _LAYER
    if getattr(layer, "weights", None) and not getattr(layer, "trainable", True):
        colour = _FROZEN
    return Box(title, list(told(layer, node)), colour, is_round=is_input)


__all__ = ["ModelDiagram", "model_to_dot", "plot_model"]
