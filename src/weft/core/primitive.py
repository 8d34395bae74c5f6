"""Primitive: one thing that can be computed, and all that it means.

    tanh = Primitive("tanh", spec=same_float, evaluate=np.tanh)

    @tanh.vjp
    def _(ct, out, x):
        return ct * (1 - out * out)

`bind` is the only way in: it evaluates now (eager) or adds a node (tracing), and tells the
tapes. Tensors are positional, parameters are keywords. A primitive with several results
(`results=True`) returns a tuple, and its rules take and give tuples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weft.core.large import evaluator_for
from weft.core.state import STATE
from weft.core.tensor import Tensor, TracedTensor
from weft.errors import GraphError, OutOfMemoryError, TextError

REGISTRY: dict[str, Primitive] = {}

LARGE = 1 << 17
"""Elements from which on a target may be asked to evaluate an eager operation."""


class Primitive:
    """A named computation with its rules.

    Args:
        name: unique; the name in graph text and in the targets' tables.
        spec: `(*specs, **parameters) -> Spec` (or a tuple of them): shapes and dtypes of the
            results; raises ShapeError or DTypeError with a message for users.
        evaluate: `(*arrays, **parameters) -> array` (or a tuple): the NumPy meaning.
        results: whether there is a tuple of results instead of one.
        effects: whether it must run, in program order, even if nothing uses its results.
    """

    __slots__ = (
        "effects", "evaluate", "large", "name", "results", "selective", "spec", "vjp_rule",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        *,
        spec: Callable,
        evaluate: Callable,
        results: bool = False,
        effects: bool = False,
    ) -> None:
        if name in REGISTRY:
            raise GraphError(f"primitive {name!r} is defined twice")
        self.name, self.spec, self.evaluate = name, spec, evaluate
        self.results, self.effects = results, effects
        self.vjp_rule: Callable | None = None
        self.selective = False
        # How a target evaluates large arrays at once, with the same bits (targets/eager.py).
        self.large: Callable | None = evaluator_for(name)
        REGISTRY[name] = self

    def vjp(self, rule: Callable) -> Callable:
        """Set the derivative rule: `(ct, out, *inputs, **parameters) -> cotangents`.

        The rule returns one cotangent (one input) or a tuple, None where nothing flows.
        It is written in primitives and tensor operators, so that it can be differentiated.
        """
        self.vjp_rule = rule
        return rule

    def selective_vjp(self, rule: Callable) -> Callable:
        """Set a derivative rule that is told which inputs are wanted.

        `(cts, outs, inputs, needed, parameters) -> cotangents`: `cts` holds None where
        nothing flows, `needed` a bool per input. For primitives made of graphs, which
        leave out what nobody asks for.
        """
        self.vjp_rule, self.selective = rule, True
        return rule

    def bind(self, *inputs: Any, **parameters: Any) -> Any:
        """Apply to tensors: evaluate now, or add a node to the trace; tell the tapes."""
        trace = STATE.trace
        if trace is None:
            outputs = self._evaluate_now(inputs, parameters)
        else:
            try:
                outputs = trace.add(self, inputs, parameters)
            except TextError:
                if any(isinstance(tensor, TracedTensor) for tensor in inputs):
                    raise
                # Known text is the host's, and so is what comes of it.
                outputs = self._evaluate_now(inputs, parameters)
        if STATE.tapes:
            for tape in STATE.tapes:
                tape.record(self, inputs, outputs, parameters)
        return outputs

    def _evaluate_now(self, inputs: tuple, parameters: dict) -> Any:
        arrays = [tensor._array for tensor in inputs]
        try:
            if self.large is not None and max(arrays[0].size, arrays[-1].size) >= LARGE:
                return Tensor(self.large(self, arrays, parameters))
            found = self.evaluate(*arrays, **parameters)
        except MemoryError as error:
            received = ", ".join(str(tensor.spec) for tensor in inputs) or "no tensors"
            raise OutOfMemoryError(
                f"{self.name}: the result must fit into memory; received {received}; use "
                f"smaller shapes, batches or dtypes ({error})"
            ) from error
        if self.results:
            return tuple([Tensor(array) for array in found])
        return Tensor(found)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"
