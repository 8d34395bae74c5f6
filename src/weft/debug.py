"""Finding the operation that made the first NaN or infinity.

    with weft.debug.check_numerics():
        model.fit(x, y)

Inside, every operation is looked at. One that makes a NaN from numbers, or an infinity from
finite numbers, raises NumericsError: it names the operation, its inputs with their ranges,
and the line of the user's code. Compiled functions run node by node on NumPy meanwhile,
and only complain if what was made reaches a result: `where(x > 0, log(x), 0)` is fine. They
also complain of a NaN that they were given, as in data, and that reaches a result; the error
names the operation that took it in.
Variables keep the values that they had before the step that failed.
"""

from __future__ import annotations

import contextlib
import linecache
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from weft import targets
from weft.core import evaluate
from weft.core.graph import Graph, Node, Value
from weft.core.primitive import REGISTRY, Primitive
from weft.core.spec import spec_of_array
from weft.core.trace import user_source
from weft.dtypes import from_numpy
from weft.errors import ArgumentError, WeftError

__all__ = [
    "NumericsError",
    "check_numerics",
    "disable_check_numerics",
    "enable_check_numerics",
]

# Primitives that run graphs: what happens inside is looked at there. A constant is the
# user's own choice.
_TRANSPARENT = frozenset(
    "call cond while_loop scan run_program constant read_variable".split()
)

# What helps against the usual makers of NaN and infinity.
_REMEDIES = {
    "log": "keep the argument above 0: add a small number first, or use maximum or log1p",
    "log1p": "keep the argument above -1",
    "divide": "keep the divisor away from 0: add a small number, or choose with where(...) "
    "before dividing",
    "sqrt": "keep the argument at 0 or above with maximum; for derivatives, above 0",
    "rsqrt": "keep the argument above 0: add a small number",
    "exp": "subtract the largest value first, or use softmax and log_softmax, which do",
    "power": "a negative base takes whole exponents only; large exponents overflow",
    "cast": "the number is too large for the smaller type: scale the loss, or keep float32",
    "subtract": "the difference overflows: a smaller learning rate, or scaled inputs, help",
    "multiply": "the product overflows: scale the factors down",
    "dot_general": "the sums overflow: a smaller learning rate, or normalised inputs, help",
    "add": "the sum overflows: a smaller learning rate, or clipped gradients, help",
}
_INFINITE_REMEDY = (
    "an input is infinite already, and ∞ - ∞, 0 × ∞ and ∞ / ∞ have no value: look at where "
    "it came from, such as the data"
)
_COMMON_REMEDY = (
    "look at the ranges above; a smaller learning rate, clipped gradients or scaled inputs "
    "often help"
)

_GIVEN_REMEDY = (
    "the input had it before: look at the data, np.isnan(x).any(), and replace or leave out "
    "those rows; or at the weights, if they came from a file or from earlier training"
)


class NumericsError(WeftError, ArithmeticError):
    """An operation made a NaN or an infinity from finite numbers, or took in a given NaN.

    Attributes:
        operation: the primitive's name.
        source: the user's file and line, or None.
        found: "NaN" or "infinity".
    """

    def __init__(self, finding: _Finding) -> None:
        self.operation = finding.operation
        self.source = finding.source
        self.found = finding.found
        super().__init__(finding.message())


@dataclass(frozen=True, slots=True)
class _Finding:
    """What went wrong where, as text, so that no arrays are kept."""

    operation: str
    found: str
    result: str
    inputs: tuple[str, ...]
    parameters: str
    source: tuple[str, int] | None
    function: str | None
    given: bool = False

    def message(self) -> str:
        where = f"\n  at       {_line(*self.source)}" if self.source else ""
        inside = f"\n  inside   function {self.function}" if self.function else ""
        listed = "".join(
            f"\n  input {number}  {text}" for number, text in enumerate(self.inputs)
        )
        parameters = f"\n  with     {self.parameters}" if self.parameters else ""
        remedy = _REMEDIES.get(self.operation, _COMMON_REMEDY)
        of_what = "inputs without NaN" if self.found == "NaN" else "finite inputs"
        if self.found == "NaN" and any("infinite" in text for text in self.inputs):
            remedy = _INFINITE_REMEDY
        did = f"made {self.found} from {of_what}"
        if self.given:
            did, remedy = f"was given {self.found} and passed it on", _GIVEN_REMEDY
        return (
            f"{self.operation}: {did}"
            f"{where}{inside}{listed}{parameters}\n  result   {self.result}\n"
            f"  remedy   {remedy}"
        )


def _line(path: str, number: int) -> str:
    code = linecache.getline(path, number).strip()
    return f"{path}:{number}" + (f"\n           {code}" if code else "")


# -- the switch --------------------------------------------------------------------------


@dataclass(slots=True)
class _Switch:
    """How many asked for checks, and what was there before the first of them."""

    depth: int = 0
    nan: bool = True
    infinity: bool = True
    plain: dict[Primitive, Callable] = field(default_factory=dict)
    large: dict[Primitive, Callable | None] = field(default_factory=dict)


_switch = _Switch()
_lock = threading.RLock()
_inside = threading.local()


@contextlib.contextmanager
def check_numerics(*, nan: bool = True, infinity: bool = True) -> Iterator[None]:
    """Look for the first NaN or infinity while the block runs.

    All threads of the process are looked at, and everything is slow meanwhile.

    Args:
        nan: whether to look for NaN.
        infinity: whether to look for infinities.

    Raises:
        NumericsError: from inside the block, where an operation made one.

    Example:
        >>> import weft
        >>> with weft.debug.check_numerics():
        ...     weft.ops.log(weft.ops.zeros(3))
        Traceback (most recent call last):
          ...
        weft.debug.NumericsError: log: made infinity from finite inputs
        ...
    """
    enable_check_numerics(nan=nan, infinity=infinity)
    try:
        yield
    finally:
        disable_check_numerics()


def enable_check_numerics(*, nan: bool = True, infinity: bool = True) -> None:
    """Look for NaN and infinity from now on; see `check_numerics`."""
    if not (nan or infinity):
        raise ArgumentError(
            "check_numerics: there must be something to look for; received nan=False and "
            "infinity=False; leave one of them True"
        )
    with _lock:
        _switch.depth += 1
        _switch.nan, _switch.infinity = nan, infinity
        if _switch.depth > 1:
            return
        _switch.plain = {primitive: primitive.evaluate for primitive in REGISTRY.values()}
        _switch.large = {primitive: primitive.large for primitive in REGISTRY.values()}
        for primitive, plain in _switch.plain.items():
            primitive.large = None
            if primitive.name not in _TRANSPARENT:
                primitive.evaluate = _looked_at(primitive, plain)
        evaluate.instead = _evaluate
        targets.instead = _executable


def disable_check_numerics() -> None:
    """Undo one `enable_check_numerics`; without one there is nothing to undo."""
    with _lock:
        if not _switch.depth:
            return
        _switch.depth -= 1
        if _switch.depth:
            return
        evaluate.instead = None
        targets.instead = None
        for primitive, plain in _switch.plain.items():
            primitive.evaluate = plain
            primitive.large = _switch.large[primitive]
        _switch.plain, _switch.large = {}, {}


# -- single operations -------------------------------------------------------------------


def _looked_at(primitive: Primitive, plain: Callable) -> Callable:
    """`evaluate` that raises where numbers went bad."""

    def evaluate_and_look(*arrays: np.ndarray, **parameters: Any) -> Any:
        found = plain(*arrays, **parameters)
        results = found if primitive.results else (found,)
        finding = _look(primitive, arrays, parameters, results, None, None)
        if finding is not None:
            raise NumericsError(finding)
        return found

    return evaluate_and_look


def _look(
    primitive: Primitive,
    arrays: Sequence[Any],
    parameters: dict[str, Any],
    results: Sequence[Any],
    node: Node | None,
    function: str | None,
) -> _Finding | None:
    """What this application of a primitive made that its inputs did not have.

    In a function also a NaN that it was given: nobody further up can have made that.
    """
    for result in results:
        made = _trouble(result)
        given = made in {_trouble(array) for array in arrays}
        if made is None or (given and (node is None or made == "infinity")):
            continue
        if made == "infinity" and any(_trouble(array) for array in arrays):
            continue
        hidden = (Graph, np.ndarray)
        shown = {k: v for k, v in parameters.items() if not isinstance(v, hidden)}
        return _Finding(
            operation=primitive.name,
            found=made,
            result=_described(result),
            inputs=tuple(map(_described, arrays)),
            parameters=", ".join(f"{key}={value}" for key, value in shown.items()),
            source=node.source if node is not None else user_source(),
            function=function,
            given=given,
        )
    return None


def _trouble(array: Any) -> str | None:
    """'NaN', 'infinity', or None: the worst that is in an array and is looked for."""
    array = np.asarray(array)
    if not from_numpy(array.dtype).is_floating or np.isfinite(array).all():
        return None
    if np.isnan(array).any():
        return "NaN" if _switch.nan else None
    return "infinity" if _switch.infinity else None


def _described(array: Any) -> str:
    """Spec, range, and how many are not finite."""
    array = np.asarray(array)
    spec = spec_of_array(array)
    if not array.size:
        return f"{spec}, empty"
    if not spec.dtype.is_floating:
        if spec.dtype.kind in ("int", "uint"):
            return f"{spec} from {array.min()} to {array.max()}"
        return str(spec)
    wide = array.astype(np.float64)
    good = wide[np.isfinite(wide)]
    parts = [f"from {good.min():.6g} to {good.max():.6g}"] if good.size else []
    nans = int(np.isnan(wide).sum())
    infinities = int(np.isinf(wide).sum())
    if nans:
        parts.append(f"{nans} NaN")
    if infinities:
        parts.append(f"{infinities} infinite")
    return f"{spec} {', '.join(parts)}"


# -- graphs ------------------------------------------------------------------------------


def _executable(graph: Graph, donated: Mapping[int, int]) -> targets.Executable:
    """Runs a graph node by node and complains before anything is written over."""

    def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        before = getattr(_inside, "findings", None)
        _inside.findings = []
        try:
            found = _evaluate(graph, arrays)
            if _inside.findings:
                raise NumericsError(_inside.findings[0])
        finally:
            _inside.findings = before
        # Results may be views of arguments that are written over.
        kept = {output: np.array(found[output]) for output in donated.values()}
        for number, output in donated.items():
            arrays[number][...] = kept[output]
        return [array for output, array in enumerate(found) if output not in kept]

    return run


def _evaluate(graph: Graph, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The graph's outputs; what made a bad one is added to the thread's findings.

    Each bad value remembers the finding it comes from. Only outputs count: a bad value
    that a `select` leaves out did no harm.
    """
    findings = getattr(_inside, "findings", None)
    if findings is None:
        # Called by an eager cond, while_loop or scan: nobody above waits for findings.
        return _executable(graph, {})(arrays)
    plain = _switch.plain
    values: dict[Value, np.ndarray] = dict(zip(graph.inputs, arrays))
    origins: dict[Value, _Finding] = {}
    last = evaluate.last_uses(graph)
    for position, node in enumerate(graph.nodes):
        primitive = node.primitive
        inputs = [values[value] for value in node.inputs]
        known = len(findings)
        found = plain.get(primitive, primitive.evaluate)(*inputs, **node.parameters)
        results = found if primitive.results else (found,)
        inner = findings[known:]
        del findings[known:]
        origin = next((origins[v] for v in node.inputs if v in origins), None)
        if inner:
            origin = origin or inner[0]
        elif primitive.name not in _TRANSPARENT and origin is None:
            origin = _look(primitive, inputs, node.parameters, results, node, graph.name)
        for value, result in zip(node.outputs, results):
            values[value] = result
            if origin is not None and _trouble(result):
                origins[value] = origin
        for value in {*node.inputs, *node.outputs}:
            if last[value] == position:
                del values[value]
    findings += [origins[value] for value in graph.outputs if value in origins]
    return [np.asarray(values[value]) for value in graph.outputs]
