"""Derivatives of one's own, and none at all.

@weft.custom_gradient
def clipped_exp(x):
    y = weft.ops.exp(x)
    return y, lambda upstream: upstream * weft.ops.minimum(y, 10.0)
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weft import tree
from weft.autodiff.backward import zeros_like
from weft.autodiff.residuals import split
from weft.autodiff.tape import GradientTape
from weft.core.state import STATE, recording, tracing
from weft.core.tensor import Tensor
from weft.core.trace import Trace
from weft.core.variable import Variable
from weft.errors import ArgumentError, ArgumentTypeError
from weft.primitives import elementwise
from weft.primitives.control import call


class _CustomRule:
    """Stands in a tape's records where a primitive stands: one use of a custom gradient."""

    results, selective = True, True

    def __init__(self, name: str, rule: Callable) -> None:
        self.name, self.vjp_rule = name, rule


def custom_gradient(function: Callable | None = None) -> Callable:
    """Decorator: the function returns its result and the function of its gradient.

    `function(*args)` returns `(y, grad_fn)`; `grad_fn(*upstream)` takes one cotangent per
    tensor in `y` and returns one per tensor in `args` (None where nothing flows). If the
    function reads trainable variables, `grad_fn` takes `variables=` too, and returns
    `(gradients, gradients of the variables)`.

    Example:
        >>> import weft
        >>> @weft.custom_gradient
        ... def doubled_backwards(x):
        ...     return x, lambda upstream: upstream * 2.0
    """
    if function is None:
        return custom_gradient

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = _run_traced if STATE.trace is not None else _run_eagerly
        return run(function, args, kwargs)

    return wrapper


def stop_gradient(tensor: Any) -> Any:
    """The same values, through which no gradient flows; structures leaf by leaf."""

    def stop(leaf: Any) -> Any:
        if isinstance(leaf, Variable):
            leaf = leaf.value
        if not isinstance(leaf, Tensor):
            leaf = Tensor(np.array(leaf))
        return elementwise.stop_gradient.bind(leaf)

    return tree.map(stop, tensor)


# -- a call ------------------------------------------------------------------------------


def _tensors_of(args: tuple, kwargs: dict) -> list[Any]:
    leaves = tree.leaves((args, list(kwargs.values())))
    return [leaf for leaf in leaves if isinstance(leaf, Tensor | Variable)]


def _results_of(
    function: Callable, args: tuple, kwargs: dict
) -> tuple[list, Any, Callable]:
    made = function(*args, **kwargs)
    if not (isinstance(made, tuple) and len(made) == 2 and callable(made[1])):
        raise ArgumentTypeError(
            f"custom_gradient: {_name(function)} must return (result, grad_fn); "
            f"received {type(made).__name__}"
        )
    results, structure = tree.flatten(made[0])
    results = [leaf.value if isinstance(leaf, Variable) else leaf for leaf in results]
    for leaf in results:
        if not isinstance(leaf, Tensor):
            raise ArgumentTypeError(
                f"custom_gradient: the results of {_name(function)} must be tensors; "
                f"received {type(leaf).__name__}"
            )
    return results, structure, made[1]


def _name(function: Callable) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _takes_variables(grad_fn: Callable) -> bool:
    parameters = inspect.signature(grad_fn).parameters.values()
    return any(p.name == "variables" or p.kind is p.VAR_KEYWORD for p in parameters)


def _pull(
    function: Callable,
    grad_fn: Callable,
    upstream: Sequence[Tensor],
    inputs: Sequence[Any],
    variables: Sequence[Variable],
) -> list[Tensor | None]:
    """What `grad_fn` gives, flat: one per input, then one per variable."""
    if variables and not _takes_variables(grad_fn):
        names = ", ".join(variable.name for variable in variables)
        raise ArgumentError(
            f"custom_gradient: {_name(function)} uses variables ({names}), so its grad_fn "
            "must take an argument variables=None and return (gradients, gradients of the "
            "variables)"
        )
    more: list = []
    if variables:
        found, more = grad_fn(*upstream, variables=list(variables))
        more = [more] if isinstance(more, Tensor) else tree.leaves(more)
    else:
        found = grad_fn(*upstream)
    flat = tree.leaves(found if isinstance(found, tuple | list | dict) else (found,))
    if len(flat) != len(inputs) or len(more) != len(variables):
        raise ArgumentError(
            f"custom_gradient: the grad_fn of {_name(function)} must return one gradient "
            f"per input and per variable, {len(inputs)} and {len(variables)}; received "
            f"{len(flat)} and {len(more)}"
        )
    return [*flat, *more]


def _run_eagerly(function: Callable, args: tuple, kwargs: dict) -> Any:
    watcher = GradientTape(persistent=True)
    inputs = _tensors_of(args, kwargs)
    # The other tapes see what happens inside: grad_fn may use it, and be differentiated.
    with watcher:
        results, structure, grad_fn = _results_of(function, args, kwargs)
    variables = _other_variables(watcher, inputs)
    # Tensors of their own: a gradient reaches them through grad_fn alone.
    outputs = tuple([Tensor(tensor._array) for tensor in results])

    def rule(
        cts: list, outs: tuple, operands: tuple, needed: list, parameters: dict
    ) -> list:
        upstream = [zeros_like(o) if ct is None else ct for ct, o in zip(cts, outs)]
        return _pull(function, grad_fn, upstream, inputs, variables)

    for tape in STATE.tapes:
        tape.record(_CustomRule(_name(function), rule), (*inputs, *variables), outputs, {})
    return tree.unflatten(structure, outputs)


def _other_variables(watcher: GradientTape, inputs: Sequence[Any]) -> list[Variable]:
    given = {id(leaf) for leaf in inputs}
    return [v for v in watcher.watched_variables() if id(v) not in given]


def _run_traced(function: Callable, args: tuple, kwargs: dict) -> Any:
    """As a call of a graph whose derivative is what `grad_fn` says."""
    operands = _tensors_of(args, kwargs)
    outer = [leaf.value if isinstance(leaf, Variable) else leaf for leaf in operands]
    trace = Trace(_name(function))
    watcher = GradientTape(persistent=True)
    with tracing(trace), recording(()):
        inputs = [trace.new_input(tensor.spec) for tensor in outer]
        replaced = iter(inputs)
        inner_args, inner_kwargs = tree.map(
            lambda leaf: next(replaced) if isinstance(leaf, Tensor | Variable) else leaf,
            (args, {key: kwargs[key] for key in kwargs}),
        )
        with watcher:
            results, structure, grad_fn = _results_of(function, inner_args, inner_kwargs)
        _require_no_assignment(function, trace)
        variables = _other_variables(watcher, operands)
        for result in results:
            trace.value_of(result)
        boundary = len(trace.nodes)
        flowing = [i for i, tensor in enumerate(results) if tensor.dtype.is_differentiable]
        upstream = {i: trace.new_input(results[i].spec) for i in flowing}
        seeds = [
            upstream[i] if i in upstream else zeros_like(result)
            for i, result in enumerate(results)
        ]
        found = _pull(function, grad_fn, seeds, inputs, variables)
        _require_no_assignment(function, trace)
    # What the two functions captured and the variables they read are operands as well.
    read = trace.variables
    entries = [trace._entries[variable] for variable in read]
    captured = trace.captures()
    ours = [*inputs, *entries, *[trace._capture(tensor) for tensor in captured]]  # type: ignore[arg-type]
    gradients = dict(enumerate(found[: len(inputs)]))
    position = {variable: len(inputs) + i for i, variable in enumerate(read)}
    for variable, gradient in zip(variables, found[len(inputs) :]):
        gradients[position[variable]] = gradient
    with tracing(trace), recording(()):
        graph = split(
            trace,
            boundary,
            ours,
            results,
            flowing,
            list(upstream.values()),
            {i: g for i, g in gradients.items() if g is not None},
            is_custom=True,
        )
    tensors = [*outer, *[variable.value for variable in read], *captured]
    outputs = call.bind(*tensors, graph=graph)[: len(results)]
    return tree.unflatten(structure, outputs)


def _require_no_assignment(function: Callable, trace: Trace) -> None:
    if trace.written:
        raise ArgumentError(
            f"custom_gradient: {_name(function)} must not assign variables while it is "
            f"traced; it assigns {trace.written[0].name}; return the new value instead"
        )
