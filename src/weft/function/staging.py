"""Tracing the Python functions of control flow into sub-graphs.

A sub-graph is closed: the outer tensors that it uses and the variables that it reads are
operands; the variables that it assigns are results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weft import tree
from weft.core.graph import Graph
from weft.core.state import STATE, recording, tracing
from weft.core.tensor import Tensor, TracedTensor
from weft.core.trace import Trace
from weft.core.variable import Variable
from weft.dtypes import DType, result_type
from weft.errors import ArgumentTypeError, DTypeError, ShapeError
from weft.ops.convert import cast, convert_to_tensor

WEAK = (bool, int, float, complex)


def is_number(x: Any) -> bool:
    """Whether `x` is a Python number, whose dtype gives way to others'."""
    return isinstance(x, WEAK)


def is_tensor_like(x: Any) -> bool:
    """Whether `x` becomes a tensor of a graph: tensors, variables, arrays, numbers."""
    return isinstance(x, (Tensor, Variable, np.ndarray, np.generic, *WEAK))


class Staged:
    """One function being traced inside of the current trace."""

    def __init__(self, name: str) -> None:
        self.trace = Trace(name)
        self.inputs: list[TracedTensor] = []
        self.leaves: list[Any] = []
        self.structure: Any = None

    def run(self, function: Callable, arguments: Callable[[Trace], tuple]) -> Staged:
        """Trace `function(*arguments(trace))`."""
        with tracing(self.trace), recording(()):
            self.leaves, self.structure = tree.flatten(function(*arguments(self.trace)))
            self.leaves = [
                leaf.value if isinstance(leaf, Variable) else leaf for leaf in self.leaves
            ]
        return self

    def tensors(self, dtypes: Sequence[DType | None]) -> list[Tensor]:
        """The results that are tensors, in these dtypes (None: not a tensor)."""
        with tracing(self.trace), recording(()):
            return [
                _in_dtype(leaf, dtype)
                for leaf, dtype in zip(self.leaves, dtypes)
                if dtype is not None
            ]

    def settle(self, outputs: Sequence[Tensor]) -> None:
        """Let everything that will be an output enter the graph, and so be captured."""
        for tensor in [*outputs, *[self.trace._current[v] for v in self.trace.written]]:
            self.trace.value_of(tensor)


def _in_dtype(leaf: Any, dtype: DType) -> Tensor:
    tensor = convert_to_tensor(leaf)
    return tensor if tensor.dtype is dtype else cast(tensor, dtype)


def shared(
    staged: Sequence[Staged], outputs: Sequence[Sequence[Tensor]]
) -> tuple[list[Graph], list[Variable], list[Variable], list[Tensor]]:
    """Graphs with the same operands after their arguments, and the same results.

    Returns the graphs, the variables that are operands (the written ones first), the
    written ones, and the captured tensors. All graphs give their outputs and then the
    written variables' values.
    """
    for one, tensors in zip(staged, outputs):
        one.settle(tensors)
    traces = [one.trace for one in staged]
    written = list(dict.fromkeys(v for trace in traces for v in trace.written))
    used = list(dict.fromkeys(v for trace in traces for v in trace.variables))
    for trace in traces:
        trace.include_written(written)
    variables = list(dict.fromkeys([*written, *used]))
    captures = list({id(c): c for trace in traces for c in trace.captures()}.values())
    for one, tensors in zip(staged, outputs):
        one.settle(tensors)
    more = list({id(c): c for trace in traces for c in trace.captures()}.values())
    captures = more if len(more) > len(captures) else captures
    graphs = [
        one.trace.finish(one.inputs, tensors, variables, captures)
        for one, tensors in zip(staged, outputs)
    ]
    return graphs, variables, written, captures


def assign(variables: Sequence[Variable], tensors: Sequence[Tensor]) -> None:
    """Give variables of the current trace their new values."""
    for variable, tensor in zip(variables, tensors):
        STATE.trace.write(variable, tensor)


# -- agreement ---------------------------------------------------------------------------


def path_names(
    structure: Any, prefix: str, given: Sequence[str] | None = None
) -> list[str]:
    """A name for each leaf, such as `result[0]['loss']`.

    `given` names the outermost parts, where somebody knows what the user calls them.
    """
    if structure is tree.LEAF:
        return [prefix if not given else repr(given[0])]
    keys = structure.keys if structure.keys is not None else range(len(structure.children))
    prefixes = [f"{prefix}[{key!r}]" for key in keys]
    if given and len(given) == len(prefixes):
        prefixes = [repr(name) for name in given]
    return [
        name
        for inner, child in zip(prefixes, structure.children)
        for name in path_names(child, inner)
    ]


def common_dtypes(
    who: str, names: Sequence[str], first: Sequence, second: Sequence
) -> list:
    """The dtype of each pair of leaves; None for pairs of equal things that are no tensors.

    A Python number takes the dtype of the tensor it meets, if it can.
    """
    return [
        _common_dtype(who, name, one, other)
        for name, one, other in zip(names, first, second)
    ]


def _common_dtype(who: str, name: str, one: Any, other: Any) -> DType | None:
    if not (is_tensor_like(one) and is_tensor_like(other)):
        if one is other or (type(one) is type(other) and _equal(one, other)):
            return None
        raise ArgumentTypeError(
            f"{who}: {name} is {_shown(one)} on one side and {_shown(other)} on the other; "
            "both must be tensors, or the same Python value"
        )
    shapes = [np.shape(x) if is_number(x) else tuple(x.shape) for x in (one, other)]
    if shapes[0] != shapes[1]:
        raise ShapeError(
            f"{who}: {name} must have one shape; received {_shown(one)} and {_shown(other)}"
        )
    if is_number(one) or is_number(other):
        kinds = [x if is_number(x) else _dtype_of(x) for x in (one, other)]
        common = result_type(*kinds)
        for x in (one, other):
            if not is_number(x) and _dtype_of(x) is not common:
                raise _two_dtypes(who, name, one, other)
        return common
    if _dtype_of(one) is not _dtype_of(other):
        raise _two_dtypes(who, name, one, other)
    return _dtype_of(one)


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except (TypeError, ValueError):
        return False


def _dtype_of(x: Any) -> DType:
    return x.dtype if isinstance(x, Tensor | Variable) else convert_to_tensor(x).dtype


def _two_dtypes(who: str, name: str, one: Any, other: Any) -> DTypeError:
    return DTypeError(
        f"{who}: {name} must have one dtype; received {_shown(one)} and {_shown(other)}; "
        "cast one of them with weft.ops.cast"
    )


def _shown(x: Any) -> str:
    if isinstance(x, Tensor | Variable):
        return str(x.spec)
    if isinstance(x, np.ndarray | np.generic):
        return f"{x.dtype}{list(x.shape)}"
    return repr(x)
