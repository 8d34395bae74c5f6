"""`@function`: a Python function as one traced program per signature.

    @weft.function
    def step(x):
        counter.assign_add(1.0)
        return x * counter

The Python code runs once for each new signature (structure, shapes, dtypes, Python values)
and leaves a graph; every call after that runs the graph. Variables that the code reads and
assigns are inputs and results of the graph.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import threading
import types
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weft import config, tree
from weft.autodiff.keeping import bind_keeping
from weft.autodiff.residuals import copy_nodes
from weft.core.graph import Graph
from weft.core.state import STATE, recording, tracing
from weft.core.tensor import Tensor, TracedTensor
from weft.core.trace import Trace
from weft.core.variable import Variable
from weft.errors import (
    ArgumentError,
    ArgumentTypeError,
    TraceError,
    leave_out_own_lines,
    warn,
    with_short_traceback,
)
from weft.function.concrete import ConcreteFunction, signature_text, type_text
from weft.function.execute import Program, UpdatingProgram, run_program
from weft.function.signature import (
    Arguments,
    InputSignature,
    Key,
    describe,
    example_of,
    replace_tensors,
    spec_of,
    when_dead,
)
from weft.ops.convert import convert_to_tensor

# More traces than this of one function are worth a word.
_MANY_TRACES = 8
_DEEPEST_RECURSION = 100

_settings = {"run_eagerly": False}


def run_functions_eagerly(run_eagerly: bool) -> None:
    """With True, functions run as plain Python, to be stepped through in a debugger."""
    _settings["run_eagerly"] = bool(run_eagerly)


def functions_run_eagerly() -> bool:
    """Whether functions run as plain Python."""
    return _settings["run_eagerly"]


# -- one trace ---------------------------------------------------------------------------


class TracedFunction:
    """A function traced for one signature: its graph, its variables, its result's form.

    `signature(returns, verbose)` is its signature as text.
    """

    def __init__(
        self,
        name: str,
        trace: Trace,
        graph: Graph,
        structure: Any,
        leaves: Sequence[Any],
        signature: Callable[..., str],
    ) -> None:
        self.signature = signature
        self.name, self.graph, self.program = name, graph, Program(graph)
        self.variables, self.written = trace.variables, trace.written
        self._updating = UpdatingProgram(graph, self.variables, self.written)
        self.count = len(graph.outputs) - len(self.written)
        self._structure, self._leaves = structure, list(leaves)
        self._is_one_tensor = structure is tree.LEAF and isinstance(leaves[0], TracedTensor)
        # Tensors from outside are constants of the graph, unless a tape watches them.
        self._constants = list(trace._constants.values())
        self._lifted: dict[tuple[int, ...], Program] = {}
        self._leaves = [
            _RESULT if isinstance(leaf, TracedTensor) else leaf for leaf in self._leaves
        ]

    @property
    def structured_outputs(self) -> Any:
        """What it returns, with specs in place of tensors."""
        specs = iter(self.graph.output_specs())
        leaves = [
            spec_of(next(specs), None) if leaf is _RESULT else leaf for leaf in self._leaves
        ]
        return tree.unflatten(self._structure, leaves)

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables it uses that optimizers see."""
        return [variable for variable in self.variables if variable.trainable]

    def __call__(self, tensors: Sequence[Tensor]) -> Any:
        """Run on the tensors of one call, in the order of its key."""
        if STATE.tapes:
            outputs = self._run_watched(tensors)
        else:
            found = self.run([tensor._array for tensor in tensors])
            outputs = [Tensor(array) for array in found]
        if self._is_one_tensor:
            return outputs[0]
        results = iter(outputs)
        leaves = [next(results) if leaf is _RESULT else leaf for leaf in self._leaves]
        return tree.unflatten(self._structure, leaves)

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The arrays of the results for arrays of arguments; tapes do not see it."""
        return self._updating(arrays)

    def _run_watched(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        inputs = [*tensors, *[variable.value for variable in self.variables]]
        watched = [
            position
            for position, (tensor, _) in enumerate(self._constants)
            if any(tape.watches(tensor) for tape in STATE.tapes)
        ]
        inputs += [self._constants[position][0] for position in watched]
        program = self._with_inputs(tuple(watched)) if watched else self.program
        found = bind_keeping(run_program, inputs, {"program": program})
        outputs = found[: self.count]
        values = found[self.count : self.count + len(self.written)]
        for variable, value in zip(self.written, values):
            variable.set_tensor(value)
        return outputs

    def _with_inputs(self, positions: tuple[int, ...]) -> Program:
        """The program that takes some of its constants as further inputs."""
        program = self._lifted.get(positions)
        if program is None:
            values = [self._constants[position][1].value for position in positions]
            lifted = {value.node for value in values}
            nodes = [node for node in self.graph.nodes if node not in lifted]
            graph = copy_nodes(
                [*self.graph.inputs, *values], nodes, self.graph.outputs, self.graph.name
            )
            program = self._lifted[positions] = Program(graph)
        return program

    def __repr__(self) -> str:
        inputs = ", ".join(map(str, self.graph.input_specs()))
        outputs = ", ".join(map(str, self.graph.output_specs()[: self.count]))
        return f"<weft.function.TracedFunction {self.name}({inputs}) -> ({outputs})>"


_RESULT = object()


def _result_leaf(leaf: Any, trace: Trace) -> Any:
    """Tensors of any kind as traced tensors; Python values as they are."""
    if isinstance(leaf, Tensor | Variable | np.ndarray | np.generic):
        tensor = convert_to_tensor(leaf)
        if tensor.dtype == "string":
            # Text is the host's: it was known when the function was traced.
            return tensor
        return TracedTensor(trace.value_of(tensor), trace)
    return leaf


# -- all traces --------------------------------------------------------------------------


class Function:
    """A Python function that is traced into graphs; made by `weft.function`.

    Attributes:
        python_function: the function as it was written.
        trace_count: for how many signatures it was traced.
    """

    def __init__(
        self,
        python_function: Callable,
        input_signature: Any = None,
        autograph: bool = True,
        reduce_retracing: bool = False,
        jit_compile: bool | None = None,
        name: str | None = None,
        _instance: Any = None,
    ) -> None:
        if not callable(python_function):
            raise ArgumentTypeError(
                f"function: expected a Python function; received "
                f"{type(python_function).__name__}"
            )
        if inspect.isgeneratorfunction(python_function):
            raise ArgumentTypeError(
                f"function: {python_function.__name__} is a generator (it has a `yield`), "
                "which has no program; return a list or a tensor of all values instead"
            )
        self.python_function = python_function
        self.name: str = str(name or getattr(python_function, "__name__", "function"))
        self._who, self._noted_text = f"function {self.name}", False
        self._options = {
            "input_signature": input_signature,
            "autograph": autograph,
            "reduce_retracing": reduce_retracing,
            "jit_compile": jit_compile,
            "name": name,
        }
        functools.update_wrapper(self, python_function)
        self._instance: Callable = _instance or _nothing
        self._is_bound = _instance is not None
        self._arguments = Arguments(python_function, self._is_bound)
        self._signature = None
        if input_signature is not None and self._may_be_called():
            self._signature = InputSignature(self.name, input_signature, self._arguments)
        self._cache: dict[tuple, tuple[TracedFunction, list]] = {}
        self._lock = threading.RLock()
        self._converted: Callable | None = None
        self._local = threading.local()
        self._may_create = True
        self._own_variables: list[Variable] = []
        self._last_described: tuple[str, ...] = ()
        self._methods: dict[int, tuple[weakref.ref, Function]] = {}
        self.trace_count = 0

    def _may_be_called(self) -> bool:
        # A method's function is seen before it has an instance: `self` is not declared.
        return self._is_bound or self._arguments.names[:1] != ["self"]

    # -- calling -------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if STATE.trace is not None:
            return self._inline(args, kwargs)
        try:
            if _settings["run_eagerly"]:
                return self._run_python(self.python_function, args, kwargs)
            values = self._arguments.ordered(self._who, args, kwargs)
            if self._signature is not None:
                values = self._signature.fit(values)
            key = Key()
            key.add_all(values)
            entry = self._cache.get((config.floatx(), *key.parts))
            if entry is not None:
                return entry[0](key.tensors)
            if any(tensor.dtype == "string" for tensor in key.tensors):
                return self._run_on_text(values)
            return self._traced(values, key)(key.tensors)
        except Exception as error:
            leave_out_own_lines(error)
            raise

    def _run_on_text(self, values: Sequence[Any]) -> Any:
        """No program holds text: the function is run as Python."""
        if not self._noted_text:
            self._noted_text = True
            warn(
                f"{self._who}: there is text among its arguments, which no program can hold; "
                "it is run as Python; keep text outside to have it compiled"
            )
        return self._call_ordered(values)

    def _run_python(self, function: Callable, args: Sequence, kwargs: dict) -> Any:
        return function(*self._instance(), *args, **kwargs)

    def _inline(self, args: tuple, kwargs: dict) -> Any:
        """Called while something else is traced: its operations join that graph."""
        if self._signature is not None:
            values = self._arguments.ordered(self._who, args, kwargs)
            values = self._signature.fit(values)
            call = functools.partial(self._call_ordered, values)
        else:
            call = functools.partial(self._run_python, self._conversion(), args, kwargs)
        return self._deeper(call)

    def _call_ordered(self, values: Sequence[Any]) -> Any:
        instance = self._instance()
        function = self._conversion()
        return self._arguments.call(functools.partial(function, *instance), values)

    def _deeper(self, call: Callable[[], Any]) -> Any:
        depth = getattr(self._local, "depth", 0)
        if depth >= _DEEPEST_RECURSION:
            raise TraceError(
                f"function {self.name}: it calls itself without end while it is traced "
                f"({depth} calls deep); how deep a recursion goes may depend on Python "
                "values, but not on tensors; use weft.while_loop"
            )
        self._local.depth = depth + 1
        try:
            return call()
        finally:
            self._local.depth = depth

    # -- tracing -------------------------------------------------------------------

    def _conversion(self) -> Callable:
        if self._converted is None:
            convert = _autograph() if self._options["autograph"] else None
            plain = self.python_function
            self._converted = plain if convert is None else convert(plain)
        return self._converted

    def _traced(self, values: Sequence[Any], key: Key) -> TracedFunction:
        parts = (config.floatx(), *key.parts)
        with self._lock:
            entry = self._cache.get(parts)
            if entry is not None:
                return entry[0]
            created: list[Variable] = []
            concrete = self._trace(values, key.tensors, created)
            if created:
                # The variables exist from now on: the trace that stays must make no more.
                self._own_variables = created
                self._may_create = False
                concrete = self._trace(values, key.tensors, [])
            self._may_create = False
            self.trace_count += 1
            self._notice_growth(values)
            cache = self._cache
            references = when_dead(key.objects, functools.partial(_drop, cache, parts))
            cache[parts] = (concrete, references)
            return concrete

    def _trace(
        self, values: Sequence[Any], tensors: Sequence[Tensor], created: list[Variable]
    ) -> TracedFunction:
        def on_creation(variable: Variable) -> None:
            if not self._may_create:
                raise TraceError(
                    f"function {self.name}: it makes a variable ({variable.name}) in a "
                    "call that is not its first; make variables outside, or once: "
                    "`if self.v is None: self.v = weft.Variable(...)`"
                )
            created.append(variable)

        with tracing(None):
            trace = Trace(self.name)
        trace.on_creation = on_creation
        with tracing(trace), recording(()):
            inputs = [trace.new_input(tensor.spec) for tensor in tensors]
            arguments = replace_tensors(values, inputs)
            result = self._deeper(functools.partial(self._call_ordered, arguments))
            leaves, structure = tree.flatten(result)
            leaves = [_result_leaf(leaf, trace) for leaf in leaves]
            outputs = [leaf for leaf in leaves if isinstance(leaf, TracedTensor)]
            graph = trace.finish(inputs, outputs)
        # Texts, for the trace may not keep the arguments alive.
        texts = list(map(type_text, values))
        signature = functools.partial(signature_text, self._arguments.signature, texts)
        return TracedFunction(self.name, trace, graph, structure, leaves, signature)

    def _notice_growth(self, values: Sequence[Any]) -> None:
        """Say once which argument makes the function be traced over and over."""
        described = tuple(map(describe, values))
        before, self._last_described = self._last_described, described
        if self.trace_count != _MANY_TRACES + 1:
            return
        changes = [
            f"{name!r} changed from {old} to {new}"
            for name, old, new in zip(self._arguments.names, before, described)
            if old != new
        ]
        why = (
            "argument " + " and ".join(changes) if changes else "objects are new each time"
        )
        warn(
            f"function {self.name} was traced {self.trace_count} times; last time {why}. "
            "Each new shape, dtype or Python value is a new program: pass tensors in place "
            "of Python numbers, and keep to a few shapes",
        )

    # -- looking -------------------------------------------------------------------

    @with_short_traceback
    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The function for these arguments; TensorSpecs may stand for tensors."""
        declared = [] if self._signature is None else self._signature.specs
        if not args and not kwargs:
            args = tuple(declared)
        values = self._arguments.ordered(self._who, args, kwargs)
        return ConcreteFunction(self, (*declared, *values[len(declared) :]))

    def traced(self, *args: Any, **kwargs: Any) -> TracedFunction:
        """The trace for these arguments; TensorSpecs may stand for tensors."""
        if not args and not kwargs and self._signature is not None:
            args = tuple(self._signature.specs)
        args, kwargs = tree.map(example_of, (args, kwargs))
        return self.traced_for(self._arguments.ordered(self._who, args, kwargs))

    def traced_for(self, values: Sequence[Any]) -> TracedFunction:
        """The trace for one value per parameter."""
        if self._signature is not None:
            values = self._signature.fit(values)
        key = Key()
        key.add_all(values)
        return self._traced(values, key)

    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        """The signatures that it was traced for, as text."""
        traced = [traced for traced, _ in self._cache.values()]
        texts = [one.signature(one.structured_outputs, verbose) for one in traced]
        return "\n\n".join(texts)

    def graph(self, *args: Any, **kwargs: Any) -> Graph:
        """The graph for these arguments; print it to see the program."""
        return self.traced(*args, **kwargs).graph

    @property
    def input_signature(self) -> Any:
        """The declared inputs, or None."""
        return self._options["input_signature"]

    @property
    def code(self) -> str:
        """The source that is traced: AutoGraph's rewriting, or the function's own."""
        converted = self._conversion()
        conversion = getattr(converted, "__weft_conversion__", None)
        if conversion is not None:
            return conversion.source
        return inspect.getsource(converted)

    def experimental_get_tracing_count(self) -> int:
        """`trace_count`, under the name that TensorFlow gives it."""
        return self.trace_count

    def __repr__(self) -> str:
        return f"<weft.function.Function {self.name!r} at {id(self):#x}>"

    # -- methods -------------------------------------------------------------------

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        known = self._methods.get(id(instance))
        if known is not None and known[0]() is instance:
            return known[1]
        return self._for_instance(instance)

    def _for_instance(self, instance: Any) -> Function:
        """The method of one object, with traces of its own, for as long as it lives."""
        key, methods = id(instance), self._methods
        try:
            reference = weakref.ref(instance, lambda _: methods.pop(key, None))
        except TypeError:
            # It can't be watched: it lives as long as this function does.
            reference = lambda: instance  # type: ignore[assignment]

        def alive() -> tuple:
            found = reference()
            if found is None:
                raise ArgumentError(
                    f"function {self.name}: the object that this method belongs to is "
                    "gone; keep it in a name while you use the method"
                )
            return (found,)

        options = {**self._options, "name": self.name}
        method = type(self)(self.python_function, _instance=alive, **options)
        methods[key] = (reference, method)
        return method


def _drop(cache: dict, parts: tuple, reference: Any) -> None:
    cache.pop(parts, None)


def _nothing() -> tuple:
    return ()


@functools.cache
def _autograph() -> Callable | None:
    try:
        module = importlib.import_module("weft.function.autograph")
    except ModuleNotFoundError as error:
        if error.name != "weft.function.autograph":
            raise
        return None
    return getattr(module, "convert", None)


def function(
    python_function: Callable | None = None,
    input_signature: Any = None,
    autograph: bool = True,
    reduce_retracing: bool = False,
    jit_compile: bool | None = None,
    name: str | None = None,
) -> Any:
    """Trace a Python function into programs, one per signature.

    Args:
        python_function: or None, to be used as `@function(...)`.
        input_signature: a list of TensorSpecs; arguments are checked and cast to them.
        autograph: whether Python's `if`, `for` and `while` on tensors become part of the
            program.
        reduce_retracing: taken for compatibility; shapes of a program are always known.
        jit_compile: taken for compatibility; every program is compiled.
        name: shown in messages and graphs.

    Returns:
        A `Function`.

    Example:
        >>> import weft
        >>> @weft.function
        ... def square(x):
        ...     return x * x
        >>> float(square(3.0)), square.trace_count
        (9.0, 1)
    """
    options: dict[str, Any] = {
        "input_signature": input_signature,
        "autograph": autograph,
        "reduce_retracing": reduce_retracing,
        "jit_compile": jit_compile,
        "name": name,
    }
    if python_function is None:
        return functools.partial(Function, **options)
    if isinstance(python_function, Function):
        return Function(python_function.python_function, **options)
    if isinstance(python_function, types.MethodType):
        unbound, instance = python_function.__func__, python_function.__self__
        return Function(unbound, _instance=lambda: (instance,), **options)
    return Function(python_function, **options)
