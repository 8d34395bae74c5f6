"""tf.print: values as TensorFlow writes them."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from weft import tree
from weft.compat.conversion import convert_to_tensor
from weft.core.state import STATE
from weft.core.tensor import Tensor, TracedTensor
from weft.core.variable import Variable
from weft.errors import ArgumentError
from weft.primitives.effects import print_values


def number_text(value: Any) -> str:
    """The shortest of 6 and 9 (double: 15 and 17) digits that gives the number back."""
    if isinstance(value, np.bool_ | bool):
        return "1" if value else "0"
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, np.float64):
        few, many = 15, 17
    elif isinstance(value, np.floating) or np.asarray(value).dtype.kind == "V":
        few, many = 6, 9
    elif np.asarray(value).dtype.kind == "c":
        return f"({number_text(value.real)},{number_text(value.imag)})"
    else:
        return str(value)
    number = float(value)
    short = f"{number:.{few}g}"
    return short if type(value)(float(short)) == value else f"{number:.{many}g}"


def shown(array: np.ndarray, summarize: int = 3) -> str:
    """An array on one line or several: the first and last `summarize` of each axis."""
    if not array.ndim:
        return number_text(array[()])
    return _rows(array, summarize, 1)


def _rows(array: np.ndarray, summarize: int, depth: int) -> str:
    count = array.shape[0]
    if summarize < 0 or count <= 2 * summarize:
        places: list[int | None] = list(range(count))
    else:
        places = [*range(summarize), None, *range(count - summarize, count)]
    if array.ndim == 1:
        parts = ["..." if i is None else _element(array[i]) for i in places]
        return "[" + " ".join(parts) + "]"
    lines = ["..." if i is None else _rows(array[i], summarize, depth + 1) for i in places]
    between = "\n" * (array.ndim - 1) + " " * depth
    return "[" + between.join(lines) + "]"


def _element(value: Any) -> str:
    text = number_text(value)
    return f'"{text}"' if isinstance(value, bytes) else text


class Template(str):
    """What `print_values` formats: parts of text with tensors between them."""

    summarize: int

    def format(self, *arrays: Any) -> str:  # type: ignore[override]
        texts = [shown(np.asarray(array), self.summarize) for array in arrays]
        parts = self.split("\0")
        return "".join([piece for pair in zip(parts, [*texts, ""]) for piece in pair])


def tf_print(*inputs: Any, **kwargs: Any) -> None:
    """Print tensors and other values, by default to standard error; also while traced.

    Args:
        inputs: anything; tensors are shown by their values.
        output_stream: sys.stderr, sys.stdout or "file://path".
        summarize: how many elements of each end of an axis are shown; -1 shows all.
        sep: between the values.
        end: after the last one.
    """
    stream = kwargs.pop("output_stream", sys.stderr)
    summarize = kwargs.pop("summarize", 3)
    sep, end = kwargs.pop("sep", " "), kwargs.pop("end", "\n")
    kwargs.pop("name", None)
    if kwargs:
        raise ArgumentError(f"tf.print: unknown arguments {', '.join(sorted(kwargs))}")
    tensors: list[Tensor] = []
    texts = [_placed(value, tensors) for value in inputs]
    template = Template(sep.join(texts))
    template.summarize = -1 if summarize is None else int(summarize)
    if STATE.trace is not None:
        target = "stdout" if stream is sys.stdout else "stderr"
        print_values.bind(*tensors, template=template, stream=target, end=end)
        return
    text = template.format(*[one._array for one in tensors]) + end
    if isinstance(stream, str):
        with open(stream.removeprefix("file://"), "a", encoding="utf-8") as file:
            file.write(text)
        return
    stream.write(text)
    stream.flush()


def _placed(value: Any, tensors: list[Tensor]) -> str:
    """The text of a value, with a mark for each tensor in it."""
    if isinstance(value, Tensor | Variable | np.ndarray | np.generic):
        tensor = convert_to_tensor(value)
        if tensor.dtype == "string" and not isinstance(tensor, TracedTensor):
            return shown(tensor._array, -1)
        tensors.append(tensor)
        return "\0"
    if tree.is_container(value) and value:
        if isinstance(value, dict):
            inner = [f"{key!r}: {_quoted(item, tensors)}" for key, item in value.items()]
            return "{" + ", ".join(inner) + "}"
        inner = [_quoted(item, tensors) for item in value]
        return (
            f"[{', '.join(inner)}]" if isinstance(value, list) else f"({', '.join(inner)})"
        )
    return str(value)


def _quoted(value: Any, tensors: list[Tensor]) -> str:
    return repr(value) if isinstance(value, str) else _placed(value, tensors)
