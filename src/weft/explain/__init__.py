"""`weft.explain`: what a function became, kernel by kernel.

report = weft.explain(step, x, y, measure=True)
print(report)                     # a table
report.to_html("step.html")       # the same as a page
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weft import tree
from weft.core.graph import Graph
from weft.core.spec import Spec
from weft.core.variable import Variable, aligned_copy
from weft.errors import ArgumentTypeError
from weft.explain.report import Memory, Report, Row
from weft.explain.rows import report_of
from weft.function import ConcreteFunction, Function, TracedFunction, function
from weft.function.signature import Key, example_of

__all__ = ["Memory", "Report", "Row", "explain", "explain_concrete"]


def explain(fn: Any, *args: Any, measure: bool = False, **kwargs: Any) -> Report:
    """What `fn` becomes for these arguments: its kernels, their work, and their time.

    Nothing that `fn` would change is changed: a measured run works on copies.

    Args:
        fn: a `weft.function`, one of its concrete functions, a plain Python function, or
            an object that explains itself, such as a Keras model.
        args: its arguments, or `TensorSpec`s in their place.
        measure: whether to run it and take times; else they are estimated.
        kwargs: its keyword arguments.

    Returns:
        A `Report`: print it, look at its `rows`, or write a page with `to_html`.

    Raises:
        ArgumentTypeError: `fn` can't be called.

    Example:
        >>> import numpy as np, weft
        >>> x = np.ones((8, 8), "float32")
        >>> report = weft.explain(lambda x: weft.ops.tanh(x @ x), x)
        >>> [row.form for row in report.rows]
        ['contraction']
    """
    if isinstance(fn, ConcreteFunction):
        return explain_concrete(fn.traced, args or None, measure=measure)
    if isinstance(fn, Graph):
        return _explain_graph(fn, args, measure)
    if not isinstance(fn, Function) and hasattr(fn, "explain"):
        return fn.explain(*args, measure=measure, **kwargs)
    if not callable(fn):
        raise ArgumentTypeError(
            "explain: a function is needed; received "
            f"{type(fn).__name__}; give the function, then its arguments"
        )
    traced = fn if isinstance(fn, Function) else function(fn)
    args, kwargs = tree.map(example_of, (args, kwargs))
    concrete = traced.traced(*args, **kwargs)
    return explain_concrete(concrete, _tensors_of(traced, args, kwargs), measure=measure)


def explain_concrete(
    concrete: TracedFunction, tensors: Sequence[Any] | None = None, measure: bool = False
) -> Report:
    """What a function traced for one signature became.

    Args:
        concrete: as `Function.traced` gives it.
        tensors: values for its arguments when it is measured; made up if None.
        measure: whether to run it, on copies, and take times.
    """
    updating = concrete._updating
    executable = updating.executable()
    # Programs from the disk, and other targets, don't know what they were made of.
    if getattr(executable, "layout", None) is None:
        executable = _compiled(updating.graph, updating._donated)
    variables = [variable for variable, _ in updating.variables]
    count = len(updating.graph.inputs) - len(variables)
    specs = updating.graph.input_specs()[:count]
    arguments = _arrays(specs) if tensors is None else [np.asarray(t) for t in tensors]
    return report_of(
        executable,
        name=concrete.name,
        graph=updating.graph,
        arrays=lambda: [*map(aligned_copy, arguments), *map(_copy_of, variables)],
        state_bytes=sum(variable.spec.nbytes for variable in variables),
        written_bytes=sum(variable.spec.nbytes for variable in concrete.written),
        measure=measure,
    )


def _explain_graph(graph: Graph, args: Sequence[Any], measure: bool) -> Report:
    given = [np.asarray(x) for x in args] if args else _arrays(graph.input_specs())
    return report_of(
        _compiled(graph, {}),
        name=graph.name,
        graph=graph,
        arrays=lambda: [aligned_copy(array) for array in given],
        state_bytes=0,
        written_bytes=0,
        measure=measure,
    )


def _compiled(graph: Graph, donated: dict[int, int]) -> Any:
    """The native program, whichever target runs functions now."""
    from weft.targets.llvm.program import compile_graph

    return compile_graph(graph, donated)


def _copy_of(variable: Variable) -> np.ndarray:
    return aligned_copy(variable.buffer())


def _tensors_of(traced: Function, args: tuple, kwargs: dict) -> list[Any]:
    """The tensors of a call, in the order in which the graph takes them."""
    values = traced._arguments.ordered(traced._who, args, kwargs)
    if traced._signature is not None:
        values = traced._signature.fit(values)
    key = Key()
    key.add_all(values)
    return key.tensors


def _arrays(specs: Sequence[Spec]) -> list[np.ndarray]:
    """Made-up arguments: random numbers where they are floats, else zeros."""
    generator = np.random.default_rng(0)
    make: Callable[[Spec], np.ndarray] = lambda spec: (
        generator.standard_normal(spec.shape).astype(spec.dtype.numpy)
        if spec.dtype.is_floating
        else np.zeros(spec.shape, spec.dtype.numpy)
    )
    return [make(spec) for spec in specs]
