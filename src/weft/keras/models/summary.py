"""The table that `model.summary()` prints: layers, output shapes, parameters."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable
from typing import Any

from weft import tree
from weft.errors import ArgumentError
from weft.keras.backend.keras_tensor import KerasTensor
from weft.keras.layers.layer import Layer

_WIDEST = 88
"""Characters in a line where the terminal has room for more."""

# -- texts of the cells ------------------------------------------------------------------


def count_params(weights: Any) -> int:
    """The number of elements of all weights."""
    return sum(math.prod(weight.shape) for weight in weights)


def memory_size(weights: Any) -> int:
    """The bytes of all weights."""
    return sum(math.prod(weight.shape) * weight.dtype.size for weight in weights)


def readable_size(size: int) -> str:
    """Bytes as `1.55 MB`."""
    units = ("B", "KB", "MB", "GB", "TB", "PB")
    power = int(math.log(size, 1024)) if size >= 1 else 0
    power = min(power, len(units) - 1)
    return f"{size / 1024**power:.2f} {units[power]}"


def _shape_text(shape: Any) -> str:
    return str(tuple(shape))


def layer_shape(layer: Any) -> str:
    """The layer's output shape as text; '?' where it is not known."""
    nodes = getattr(layer, "_inbound_nodes", ())
    if nodes:
        shapes = tree.map(_Shape, nodes[0].outputs)
    else:
        shapes = _shapes_by_asking(layer)
    if shapes is None:
        return "?"
    texts = [str(shape) for shape in tree.leaves(shapes)]
    return ", ".join(texts) if texts else "?"


class _Shape:
    """A shape as one leaf of a structure."""

    def __init__(self, x: Any) -> None:
        self.text = _shape_text(x.shape) if isinstance(x, KerasTensor) else "?"

    def __str__(self) -> str:
        return self.text


def _shapes_by_asking(layer: Any) -> Any:
    """The output's shapes for the shapes that the layer was built for."""
    built_for = getattr(layer, "_build_shapes_dict", None)
    if not built_for:
        return None
    try:
        shapes = layer.compute_output_shape(*built_for.values())
    except (NotImplementedError, TypeError, ValueError, AttributeError):
        return None
    if isinstance(shapes, tuple) and all(n is None or isinstance(n, int) for n in shapes):
        return [_shape_text(shapes)]
    leaves = [KerasTensor(s) for s in _listed(shapes)]
    return [_shape_text(symbol.shape) for symbol in leaves]


def _listed(shapes: Any) -> list:
    if isinstance(shapes, dict):
        return [s for value in shapes.values() for s in _listed(value)]
    if isinstance(shapes, tuple) and all(n is None or isinstance(n, int) for n in shapes):
        return [shapes]
    return [s for value in shapes or () for s in _listed(value)]


def _params_text(layer: Any) -> str:
    if not isinstance(layer, Layer):
        return "0"
    if not layer.built:
        return "0 (unbuilt)"
    return f"{layer.count_params():,}"


def _trainable_text(layer: Any) -> str:
    if not getattr(layer, "weights", None):
        return "-"
    return "Y" if layer.trainable else "N"


def _connections(layer: Any, relevant: set[int]) -> str:
    found = []
    for node in layer._inbound_nodes:
        if relevant and id(node) not in relevant:
            continue
        for symbol in node.input_tensors:
            operation, node_index, tensor_index = symbol._keras_history
            found.append(f"{operation.name}[{node_index}][{tensor_index}]")
    return ", ".join(found) or "-"


# -- the table ---------------------------------------------------------------------------


def _wrapped(cell: str, width: int) -> list[str]:
    """The cell in lines of that width, broken between words where that is possible."""
    lines: list[str] = []
    line = ""
    for word in re.findall(r"\s*\S+\s*", cell):
        if len((line + word).rstrip()) <= width:
            line += word
            continue
        if line:
            lines.append(line.rstrip())
        line = word
        if len(word.rstrip()) > width:
            lines.append(word.rstrip()[: max(width - 1, 0)] + "…")
            line = ""
    if line.strip() or not lines:
        lines.append(line.rstrip())
    return lines


def _cropped(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


_ALIGN = {"left": str.ljust, "right": str.rjust, "center": str.center}


def _row(cells: list[str], widths: list[int], align: list[str], bar: str) -> list[str]:
    columns = [_wrapped(cell, width) for cell, width in zip(cells, widths)]
    height = max(map(len, columns))
    lines = []
    for number in range(height):
        parts = []
        for column, width, how in zip(columns, widths, align):
            text = column[number] if number < len(column) else ""
            parts.append(f" {_ALIGN[how](text, width)} ")
        lines.append(bar + bar.join(parts) + bar)
    return lines


def _rule(widths: list[int], left: str, middle: str, right: str, line: str) -> str:
    return left + middle.join(line * (width + 2) for width in widths) + right


def draw_table(
    header: list[str], rows: list[list[str]], widths: list[int], align: list[str]
) -> list[str]:
    """The lines of a table whose columns have these widths of text."""
    lines = [_rule(widths, "┏", "┳", "┓", "━")]
    lines += _row([_cropped(*pair) for pair in zip(header, widths)], widths, align, "┃")
    lines.append(_rule(widths, "┡", "╇", "┩", "━"))
    between = _rule(widths, "├", "┼", "┤", "─")
    for number, row in enumerate(rows):
        if number:
            lines.append(between)
        lines += _row(row, widths, align, "│")
    lines.append(_rule(widths, "└", "┴", "┘", "─"))
    return lines


def column_widths(line_length: int, positions: list[float]) -> list[int]:
    """Widths of text so that the table is `line_length` wide.

    Columns end at `positions` (shares of the line, or characters); what bars and spaces
    take is cut from all columns alike.
    """
    if positions[-1] <= 1:
        positions = [int(line_length * position) for position in positions]
    starts = [0, *positions[:-1]]
    widths = [int(end) - int(start) for start, end in zip(starts, positions)]
    excess = sum(widths) + 3 * len(widths) + 1 - line_length
    for number, width in enumerate(widths):
        cut = round(excess / (len(widths) - number))
        widths[number] = max(width - cut, 1)
        excess -= cut
    return widths


# -- the summary -------------------------------------------------------------------------


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Any = None,
    print_fn: Callable | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> None:
    """Print a model's layers with output shapes and numbers of parameters.

    Args:
        model: a model.
        line_length: characters in a line; what the terminal has room for, up to 88, if
            left out.
        positions: relative or absolute ends of the columns.
        print_fn: takes the whole text; prints it if left out.
        expand_nested: whether layers of inner models are listed too.
        show_trainable: whether a column says if layers are trained.
        layer_range: (first name, last name) to show; regular expressions are fine.
    """
    text = summary_text(
        model, line_length, positions, expand_nested, show_trainable, layer_range
    )
    if print_fn is None:
        print(text)
    else:
        print_fn(text)


def _is_sequential_like(model: Any) -> bool:
    """Whether each layer follows the one before, so that connections say nothing."""
    from weft.keras.models.functional import Functional
    from weft.keras.models.sequential import Sequential

    if isinstance(model, Sequential) or not isinstance(model, Functional):
        return True
    for operation in model._operations:
        nodes = [node for node in operation._inbound_nodes if id(node) in _relevant(model)]
        if len(nodes) > 1 or any(len(node.input_tensors) > 1 for node in nodes):
            return False
        users = [n for n in model._steps for x in n.input_tensors
                 if x._keras_history.operation is operation]  # fmt: skip
        if len(users) > 1:
            return False
    return len(model._inputs) == 1


def _relevant(model: Any) -> set[int]:
    return {id(node) for node in getattr(model, "_nodes", ())}


def summary_text(
    model: Any,
    line_length: int | None = None,
    positions: Any = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> str:
    """The text that `print_summary` prints."""
    sequential = _is_sequential_like(model)
    header = ["Layer (type)", "Output Shape", "Param #"]
    align = ["left", "left", "right"]
    if sequential:
        ends = list(positions or (0.45, 0.80, 1.0))
    else:
        ends = list(positions or (0.3, 0.56, 0.74, 1.0))
        header.append("Connected to")
        align.append("left")
    if show_trainable:
        header.append("Trainable")
        align.append("center")
        if positions is None:
            ends = [0.9 * end for end in ends] + [1.0]
    length = line_length or min(terminal_width() - 4, _WIDEST)
    rows = _rows(model, sequential, show_trainable, expand_nested, layer_range)
    widths = column_widths(length, ends)
    lines = [f'Model: "{model.name}"', *draw_table(header, rows, widths, align)]
    return "\n".join([*lines, *_totals(model), ""])


def _rows(
    model: Any,
    sequential: bool,
    show_trainable: bool,
    expand_nested: bool,
    layer_range: Any,
) -> list[list[str]]:
    layers = (
        list(model._operations) if hasattr(model, "_operations") else list(model.layers)
    )
    if layer_range is not None:
        layers = _in_range(layers, layer_range)
    relevant = _relevant(model)
    rows: list[list[str]] = []

    def add(layer: Any, depth: int) -> None:
        prefix = f"{'   ' * depth}└ " if depth else ""
        row = [f"{prefix}{layer.name} ({type(layer).__name__})", layer_shape(layer),
               _params_text(layer)]  # fmt: skip
        if not sequential:
            row.append(_connections(layer, relevant))
        if show_trainable:
            row.append(_trainable_text(layer))
        rows.append(row)
        inner = getattr(layer, "layers", None)
        if expand_nested and inner:
            for nested in inner:
                add(nested, depth + 1)

    for layer in layers:
        add(layer, 0)
    return rows


def _in_range(layers: list, layer_range: Any) -> list:
    if len(layer_range) != 2:
        raise ArgumentError(
            f"summary: layer_range must hold two names, the first and the last; received "
            f"{layer_range}"
        )
    first, last = (
        [i for i, layer in enumerate(layers) if re.match(str(end), layer.name)]
        for end in layer_range
    )
    if not first or not last:
        raise ArgumentError(
            f"Passed layer_names do not match the layer names in the model. Received: "
            f"{layer_range}"
        )
    return layers[min(first) : max(last) + 1]


def _totals(model: Any) -> list[str]:
    trainable = list(model.trainable_variables)
    others = [v for v in model.non_trainable_variables if not _is_seed(v)]
    trainable_count, other_count = count_params(trainable), count_params(others)
    optimizer: Any = getattr(model, "optimizer", None)
    # Before the first step an optimizer has no slots yet, and Keras does not count it.
    is_built = optimizer is not None and optimizer.built
    optimizer_weights = list(optimizer.variables) if is_built else []
    optimizer_count = count_params(optimizer_weights)
    total = trainable_count + other_count + optimizer_count
    size = memory_size([*trainable, *others, *optimizer_weights])
    lines = [
        f" Total params: {total:,} ({readable_size(size)})",
        f" Trainable params: {trainable_count:,} ({readable_size(memory_size(trainable))})",
        f" Non-trainable params: {other_count:,} ({readable_size(memory_size(others))})",
    ]
    if optimizer_weights:
        bytes_used = readable_size(memory_size(optimizer_weights))
        lines.append(f" Optimizer params: {optimizer_count:,} ({bytes_used})")
    return lines


def _is_seed(variable: Any) -> bool:
    return variable.name == "seed_generator_state"


def terminal_width() -> int:
    """The width of the terminal, 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns
