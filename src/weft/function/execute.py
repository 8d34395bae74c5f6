"""The one place where a traced function's graph is run.

A Program is a graph with the executable that a target made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from weft import targets
from weft.autodiff.backward import zeros_like
from weft.autodiff.keeping import KEEPING, Cotangents, Tensors, bind_keeping
from weft.autodiff.residuals import forget, keep
from weft.core.graph import Graph
from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.core.variable import ALONE, Variable
from weft.primitives import elementwise
from weft.primitives.control import call

Arrays = Sequence[np.ndarray]


class Program:
    """A graph, compiled when it is first run."""

    __slots__ = ("_backward", "_executable", "_keeping", "graph")

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._executable: Callable[[list], list] | None = None
        self._keeping: dict[tuple[bool, ...], Program] = {}
        self._backward: Program | None = None

    def __call__(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        if targets.instead is not None:
            return targets.instead(self.graph, {})(arrays)
        executable = self._executable
        if executable is None:
            executable = self._executable = targets.compile_graph(self.graph)
        return executable(arrays)

    def keeping(self, needed: Sequence[bool]) -> Program:
        """The program that keeps what its derivative needs."""
        if self.graph.derivative is not None:
            return self
        key = tuple(needed)
        made = self._keeping.get(key)
        if made is None:
            made = self._keeping[key] = Program(keep(self.graph, needed))
        return made

    def backward(self) -> Program:
        """The program of the derivative."""
        if self._backward is None:
            self._backward = Program(self.graph.derivative.backward)
        return self._backward


class UpdatingProgram:
    """A graph that writes variables' next values over their arrays.

    Args:
        graph: inputs are arguments, then `variables`; outputs are results, then the next
            values of `written`.
    """

    __slots__ = ("_donated", "_executable", "graph", "variables")

    def __init__(
        self, graph: Graph, variables: Sequence[Variable], written: Sequence[Variable]
    ) -> None:
        self.graph = graph
        first_input = len(graph.inputs) - len(variables)
        first_output = len(graph.outputs) - len(written)
        place = {variable: first_input + i for i, variable in enumerate(variables)}
        self._donated = {place[v]: first_output + i for i, v in enumerate(written)}
        self.variables = [(variable, variable in set(written)) for variable in variables]
        self._executable: Callable[[list], list] | None = None

    def executable(self) -> Any:
        """What the target made of the graph, made when it is first wanted."""
        if targets.instead is not None:
            return targets.instead(self.graph, self._donated)
        if self._executable is None:
            self._executable = targets.compile_graph(self.graph, self._donated)
        return self._executable

    def __call__(self, arrays: Arrays) -> list[np.ndarray]:
        """The results for these arguments; the written variables take their new values."""
        executable = self.executable()
        # Small steps come thousands of times a second: the usual case is written out.
        buffers = [
            variable._array
            if not updated or getrefcount(variable._array) <= ALONE
            else variable.buffer_to_update()
            for variable, updated in self.variables
        ]
        return executable([*arrays, *buffers])


# -- under a tape, in eager mode -----------------------------------------------------------


def _run_spec(*specs: Spec, program: Program) -> tuple[Spec, ...]:
    return program.graph.output_specs()


def _run_evaluate(*arrays: np.ndarray, program: Program) -> list[np.ndarray]:
    return program(list(arrays))


run_program = Primitive("run_program", spec=_run_spec, evaluate=_run_evaluate, results=True)
"""Only ever bound in eager mode: a compiled function, as a tape sees it."""


def _run_keeping(inputs: Tensors, parameters: dict, needed: list[bool]) -> Any:
    return run_program.bind(*inputs, program=parameters["program"].keeping(needed))


KEEPING[run_program] = _run_keeping


@run_program.selective_vjp
def _(
    cts: Cotangents, outs: Tensors, inputs: Tensors, needed: list[bool], parameters: dict
) -> Cotangents:
    program: Program = parameters["program"]
    if STATE.trace is not None:
        return call.vjp_rule(cts, outs, inputs, needed, {"graph": program.graph})  # type: ignore[misc]
    if program.graph.derivative is None:
        program = program.keeping(needed)
        outs = run_program.bind(*inputs, program=program)
        cts = [*cts, *[None] * (len(outs) - len(cts))]
    derivative = program.graph.derivative
    found: list[Tensor | None] = [None] * len(inputs)
    if any(ct is not None for ct in cts[: derivative.results]):
        given = [
            zeros_like(outs[i]) if cts[i] is None else cts[i] for i in derivative.flowing
        ]
        operands = [*derivative.residuals(inputs, outs), *given]
        results = bind_keeping(run_program, operands, {"program": program.backward()})
        for index, result in zip(derivative.reached, results):
            found[index] = result
    rest: Any = cts[derivative.results :]
    if any(ct is not None for ct in rest):
        graph = program.graph
        tail = Program(forget(graph, graph.outputs[derivative.results :]))
        rule: Any = run_program.vjp_rule
        more = rule(rest, outs[derivative.results :], inputs, needed, {"program": tail})
        for index, cotangent in enumerate(more):
            known = found[index]
            if known is not None and cotangent is not None:
                cotangent = elementwise.add.bind(known, cotangent)
            found[index] = known if cotangent is None else cotangent
    return found
