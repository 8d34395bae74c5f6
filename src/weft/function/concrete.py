"""ConcreteFunction: a function with its signature settled, as a thing to hold and to call.

    f(x, power=2)
    g = f.get_concrete_function(TensorSpec([3]), power=2)
    g(x)            what was a tensor is asked for, what was a Python value is known

Tensors are asked for by the names of the parameters, or all in a row: `g(x, y)` for a
signature `({"a": …, "b": …},)` too.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from weft import tree
from weft.core.graph import Graph
from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.errors import ArgumentError, ArgumentTypeError, with_short_traceback
from weft.function.signature import TensorSpec, describe, example_of, fit_tensor, spec_of

if TYPE_CHECKING:
    from weft.function.function import Function, TracedFunction

_EMPTY = inspect.Parameter.empty


class ConcreteFunction:
    """A function for one signature; made by `Function.get_concrete_function`.

    Where the signature leaves extents open, each shape that comes is traced once.

    Args:
        function: whose signature is settled.
        values: one per parameter: specs or tensors, and Python values.

    Example:
        >>> import weft
        >>> @weft.function
        ... def scaled(x, by):
        ...     return x * by
        >>> tripled = scaled.get_concrete_function(weft.TensorSpec([2]), 3.0)
        >>> tripled([1.0, 2.0]).tolist()
        [3.0, 6.0]
    """

    def __init__(self, function: Function, values: tuple) -> None:
        self.name, self._function = function.name, function
        self._arguments = function._arguments
        kinds, names = self._arguments.kinds, self._arguments.names
        self._values = [
            # The names of further keywords stand for themselves.
            _with_specs(value, "" if kind is inspect.Parameter.VAR_KEYWORD else f"{name}_")
            for kind, name, value in zip(kinds, names, values)
        ]
        leaves = tree.leaves(self._values)
        self._specs = [leaf for leaf in leaves if isinstance(leaf, TensorSpec)]
        if all(spec.is_known and spec.dtype != "string" for spec in self._specs):
            # What does not trace says so now.
            _ = self.traced

    @functools.cached_property
    def traced(self) -> TracedFunction:
        """The trace behind it.

        Raises:
            ArgumentError: an extent is open, or an argument is text: each call has its own.
        """
        return self._function.traced_for(tree.map(example_of, self._values))

    # -- calling -------------------------------------------------------------------------

    @with_short_traceback
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The results for these tensors.

        Raises:
            ArgumentTypeError: they do not fit the parameters.
            ShapeError, DTypeError: a tensor is not as the signature says.
        """
        return self._arguments.call(self._function, self._fitted(args, kwargs))

    def _fitted(self, args: tuple, kwargs: dict) -> list[Any]:
        """One value per parameter, as the signature says."""
        if not kwargs and len(args) == len(self._specs) != len(self._values):
            if not any(map(tree.is_container, args)):
                return self._filled(args)
        elif not args and set(kwargs) == {spec.name for spec in self._specs}:
            return self._filled([kwargs[spec.name] for spec in self._specs])
        who = f"function {self.name}"
        given = self._arguments.partial(who, args, kwargs)
        return [
            self._fit(name, wanted, given.get(name, _EMPTY))
            for name, wanted in zip(self._arguments.names, self._values)
        ]

    def _filled(self, tensors: Any) -> list[Any]:
        """The signature with tensors in place of its specs, in their order."""
        new = iter(tensors)

        def fill(leaf: Any) -> Any:
            return self._tensor(leaf, next(new)) if isinstance(leaf, TensorSpec) else leaf

        return [tree.map(fill, value) for value in self._values]

    def _fit(self, name: str, wanted: Any, given: Any) -> Any:
        if given is _EMPTY:
            if any(isinstance(leaf, TensorSpec) for leaf in tree.leaves(wanted)):
                raise ArgumentTypeError(
                    f"function {self.name}: argument {name!r} is missing; it takes "
                    f"{self.pretty_printed_signature(verbose=False)}"
                )
            return wanted
        if isinstance(wanted, TensorSpec):
            return self._tensor(wanted, given)
        leaves, structure = tree.flatten(wanted)
        parts, received = tree.flatten(given)
        if structure != received:
            raise ArgumentTypeError(
                f"function {self.name}: argument {name!r} must have the structure "
                f"{structure!r} of its signature; received {describe(given)}"
            )
        return tree.unflatten(received, map(self._leaf, leaves, parts))

    def _leaf(self, wanted: Any, given: Any) -> Any:
        if isinstance(wanted, TensorSpec):
            return self._tensor(wanted, given)
        # Another variable may stand in for the one of the signature; a value may not.
        is_variable = isinstance(wanted, Variable) and isinstance(given, Variable | Tensor)
        if is_variable or given is wanted or given == wanted:
            return given
        raise ArgumentError(
            f"function {self.name}: {describe(wanted)} is settled by its signature; received "
            f"{describe(given)}; leave it out, or ask get_concrete_function for another"
        )

    def _tensor(self, spec: TensorSpec, given: Any) -> Tensor:
        return fit_tensor(f"function {self.name}", spec.name or "", spec, given)

    # -- looking -------------------------------------------------------------------------

    @property
    def structured_input_signature(self) -> tuple[tuple, dict]:
        """The signature as (positional arguments, keyword arguments)."""
        return self._arguments.call(lambda *args, **kwargs: (args, kwargs), self._values)

    @property
    def inputs(self) -> list[TensorSpec]:
        """The specs of the tensors that it takes, in a row."""
        return list(self._specs)

    @property
    def structured_outputs(self) -> Any:
        """What it returns, with specs in place of tensors."""
        return self.traced.structured_outputs

    @property
    def outputs(self) -> list[TensorSpec]:
        """The specs of the tensors that it returns, in a row."""
        found = tree.leaves(self.structured_outputs)
        return [leaf for leaf in found if isinstance(leaf, TensorSpec)]

    @property
    def output_shapes(self) -> Any:
        """The shapes of what it returns; None for what is no tensor."""
        return tree.map(lambda leaf: getattr(leaf, "shape", None), self.structured_outputs)

    @property
    def output_dtypes(self) -> Any:
        """The dtypes of what it returns; None for what is no tensor."""
        return tree.map(lambda leaf: getattr(leaf, "dtype", None), self.structured_outputs)

    @property
    def graph(self) -> Graph:
        """The program; print it to see it."""
        return self.traced.graph

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables that it uses."""
        return tuple(self.traced.variables)

    captured_inputs = variables

    @property
    def trainable_variables(self) -> tuple[Variable, ...]:
        """The variables that it uses and that optimizers see."""
        return tuple(self.traced.trainable_variables)

    def pretty_printed_signature(self, verbose: bool = True) -> str:
        """The signature as text: one parameter per line, or all in one."""
        known = all(spec.is_known and spec.dtype != "string" for spec in self._specs)
        returns = self.traced.structured_outputs if known else _EMPTY
        texts = list(map(type_text, self._values))
        return signature_text(self._arguments.signature, texts, returns, verbose)

    def __str__(self) -> str:
        return f"ConcreteFunction {self.pretty_printed_signature()}"

    def __repr__(self) -> str:
        signature = self.pretty_printed_signature(verbose=False)
        return f"<weft.function.ConcreteFunction {self.name}{signature}>"


def _with_specs(value: Any, start: str) -> Any:
    """A value with specs in place of tensors, named by where they stand."""
    if isinstance(value, dict):
        return type(value)({k: _with_specs(value[k], f"{start}{k}_") for k in value})
    if isinstance(value, list | tuple):
        names = getattr(value, "_fields", range(len(value)))
        items = [_with_specs(item, f"{start}{n}_") for n, item in zip(names, value)]
        return tree.unflatten(tree.flatten(value)[1], tree.leaves(items))
    return spec_of(value, start.removesuffix("_"))


# -- signatures as text ------------------------------------------------------------------


def signature_text(
    signature: inspect.Signature, texts: Sequence[str], returns: Any, verbose: bool = True
) -> str:
    """The parameters and what they are, and what is returned where that is known."""
    pairs = list(zip(signature.parameters.values(), texts))
    result = "?" if returns is _EMPTY else type_text(returns)
    if not verbose:
        parameters = [
            parameter.replace(default=_EMPTY, annotation=_Text(text))
            for parameter, text in pairs
        ]
        return f"{inspect.Signature(parameters)} -> {result}"
    lines = [
        f"  {parameter.name} ({parameter.kind.name}): {text}" for parameter, text in pairs
    ]
    return "\n".join(
        ["Input Parameters:", *(lines or ["  None"]), "Output Type:", f"  {result}"]
    )


class _Text:
    """An annotation that shows as a text without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def type_text(value: Any) -> str:
    """What an argument or a result is: a spec, a value, or a structure of them."""
    if isinstance(value, Tensor | np.ndarray | np.generic):
        value = spec_of(value, None)
    if isinstance(value, TensorSpec):
        return repr(value)
    if isinstance(value, dict):
        entries = [f"[{key!r}, {type_text(item)}]" for key, item in value.items()]
        return f"Dict[{', '.join(entries)}]"
    if isinstance(value, list | tuple):
        name = "List" if isinstance(value, list) else "Tuple"
        return f"{name}[{', '.join(map(type_text, value))}]"
    if isinstance(value, Variable):
        return f"Variable({value.spec})"
    return f"Literal[{describe(value)}]"


__all__ = ["ConcreteFunction", "signature_text", "type_text"]
