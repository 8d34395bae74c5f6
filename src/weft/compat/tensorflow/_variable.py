"""tf.Variable, tf.IndexedSlices, tf.Module."""

from __future__ import annotations

import enum
import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

from weft import ops
from weft.compat.conversion import convert_to_tensor, tensor
from weft.compat.semantics import PACKAGE
from weft.compat.tensorflow._scopes import SCOPE, name_scope
from weft.core.graph import Graph
from weft.core.state import eager
from weft.core.tensor import Tensor, TracedTensor
from weft.core.trace import replay
from weft.core.variable import Variable as CoreVariable
from weft.errors import ArgumentError, DTypeError, InvalidArgumentError, TraceError
from weft.ops.variable import Variable as WeftVariable


class VariableSynchronization(enum.Enum):
    """When copies of a variable are brought together; here there is one copy."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(enum.Enum):
    """How values of several copies are combined; here there is one copy."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3


class InPlaceError(InvalidArgumentError, RuntimeError):
    """`variable += value`, which would put a tensor in the variable's place."""


class IndexedSlices:
    """Rows of a larger tensor, and where they stand."""

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self.values, self.indices = convert_to_tensor(values), convert_to_tensor(indices)
        self.dense_shape = dense_shape

    def __repr__(self) -> str:
        return f"IndexedSlices(indices={self.indices!r}, values={self.values!r})"


def _first_value(x: TracedTensor) -> Tensor:
    """The value of a traced tensor that depends on constants and variables alone.

    Variables, such as the state of the random generator, have the values that they have now.

    Raises:
        TraceError: if it depends on arguments.
    """
    entries = {entry.value: variable for variable, entry in x.trace._entries.items()}
    nodes, inputs, waiting = set(), {}, [x.value]
    while waiting:
        value = waiting.pop()
        if value.node is not None:
            if value.node not in nodes:
                nodes.add(value.node)
                waiting.extend(value.node.inputs)
        elif value in entries:
            inputs[value] = entries[value]
        else:
            raise TraceError(
                f"tf.Variable: the first value must be known; received a traced tensor "
                f"({x.spec}) that depends on the function's arguments; make the variable "
                "outside of the tf.function"
            )
    ordered = [node for node in x.trace.nodes if node in nodes]
    graph = Graph(list(inputs), ordered, [x.value])
    return replay(graph, [Tensor(variable.buffer()) for variable in inputs.values()])[0]


class Variable(WeftVariable):
    """A tensor that can be assigned.

    Args:
        initial_value: anything that `tf.convert_to_tensor` takes, or a function without
            arguments that gives it.
        trainable: whether gradient tapes watch it by themselves; True by default.
        name: shown with `:0` behind it.
        dtype: of the variable; Python's numbers and arrays are converted to it.
        constraint: function applied to the value after an optimizer's update.
        shape: checked, if given.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> v = tf.Variable([1.0, 2.0])
        >>> v.assign_add([1.0, 1.0]).numpy().tolist(), v.name
        ([2.0, 3.0], 'Variable:0')
    """

    def __init__(
        self, initial_value: Any = None, trainable: bool | None = None,
        validate_shape: bool = True, caching_device: Any = None, name: str | None = None,
        variable_def: Any = None, dtype: Any = None, import_scope: Any = None,
        constraint: Callable | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE, shape: Any = None,
        experimental_enable_variable_lifting: bool = True,
    ) -> None:  # fmt: skip
        if initial_value is None:
            raise ArgumentError("tf.Variable: give an initial_value, such as tf.zeros(...)")
        with eager():
            value = initial_value() if callable(initial_value) else initial_value
            if isinstance(value, TracedTensor):
                value = _first_value(value)
            value = tensor("tf.Variable", value, dtype)
        if value.dtype == "string":
            raise DTypeError(
                "tf.Variable: variables hold numbers; received text; keep it in a Python "
                "variable or a tf.constant"
            )
        if shape is not None and None in tuple(shape):
            shape = None
        super().__init__(
            value,
            trainable=True if trainable is None else trainable,
            name=f"{SCOPE.get()}{name or 'Variable'}:0",
            shape=shape,
            constraint=constraint,
        )
        self.synchronization, self.aggregation = synchronization, aggregation

    # -- reading -------------------------------------------------------------------

    @property
    def value(self) -> Any:  # type: ignore[override]
        """A method for users, as in TensorFlow; the tensor itself inside of weft."""
        if sys._getframe(1).f_code.co_filename.startswith(PACKAGE):
            return CoreVariable.value.fget(self)  # type: ignore[attr-defined]
        return self.read_value

    def initialized_value(self) -> Tensor:
        """The value: variables are initialised when they are made."""
        return self.read_value()

    def is_initialized(self, name: str | None = None) -> bool:
        """Always."""
        return True

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """`tf.gather_nd` of the value."""
        from weft.compat.tensorflow._arrays import gather_nd

        return gather_nd(self, indices)

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """`tf.gather` of the value."""
        from weft.compat.tensorflow._arrays import gather

        return gather(self, indices)

    # -- assigning -----------------------------------------------------------------

    def _given(self, value: Any) -> Tensor:
        return tensor(f"Variable {self.name!r}", value, self.dtype)

    def assign(
        self, value: Any, use_locking: bool = False, name: str | None = None,
        read_value: bool = True,
    ) -> Variable:  # fmt: skip
        """Take a new value, of this variable's shape and dtype.

        Raises:
            ShapeError, ConversionError: if it has another.
        """
        self.set_tensor(self._given(value))
        return self

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None,
        read_value: bool = True,
    ) -> Variable:  # fmt: skip
        """Add to the value."""
        self.set_tensor(ops.add(self.value, self._given(delta)))
        return self

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None,
        read_value: bool = True,
    ) -> Variable:  # fmt: skip
        """Subtract from the value."""
        self.set_tensor(ops.subtract(self.value, self._given(delta)))
        return self

    def _scatter(self, indices: Any, updates: Any, reduction: str | None) -> Variable:
        updates = self._given(updates)
        places = convert_to_tensor(indices)
        self.set_tensor(ops.scatter_update(self.value, places, updates, reduction))
        return self

    def scatter_nd_update(
        self, indices: Any, updates: Any, name: str | None = None
    ) -> Variable:
        """Put updates in at indices."""
        return self._scatter(indices, updates, None)

    def scatter_nd_add(
        self, indices: Any, updates: Any, name: str | None = None
    ) -> Variable:
        """Add updates at indices."""
        return self._scatter(indices, updates, "add")

    def scatter_nd_sub(
        self, indices: Any, updates: Any, name: str | None = None
    ) -> Variable:
        """Subtract updates at indices."""
        return self._scatter(indices, ops.negative(self._given(updates)), "add")

    def _scatter_slices(
        self, delta: IndexedSlices, reduction: str | None, sign: int
    ) -> Variable:
        places = ops.expand_dims(delta.indices, -1)
        values = delta.values if sign > 0 else ops.negative(delta.values)
        return self._scatter(places, values, reduction)

    def scatter_update(
        self,
        sparse_delta: IndexedSlices,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Replace rows."""
        return self._scatter_slices(sparse_delta, None, 1)

    def scatter_add(
        self,
        sparse_delta: IndexedSlices,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Add to rows."""
        return self._scatter_slices(sparse_delta, "add", 1)

    def scatter_sub(
        self,
        sparse_delta: IndexedSlices,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Subtract from rows."""
        return self._scatter_slices(sparse_delta, "add", -1)

    def _no_in_place(self, other: Any) -> Any:
        raise InPlaceError(
            f"Variable {self.name!r}: `variable += value` would put a tensor in the place of "
            "the variable; use variable.assign_add(value), or out = variable + value"
        )

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = _no_in_place


class Module:
    """An object whose variables, and those of its parts, can be asked for.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> class Line(tf.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.slope = tf.Variable(2.0)
        >>> len(Line().trainable_variables)
        1
    """

    def __init__(self, name: str | None = None) -> None:
        self._name = name or _snake_case(type(self).__name__)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        # A checkpoint that was restored before has state for attributes that come now.
        if "_on_attribute" in vars(self):
            vars(self)["_on_attribute"]()

    @property
    def name(self) -> str:
        return self._name

    @property
    def name_scope(self) -> Any:
        return name_scope(self._name)

    def _parts(self) -> Iterator[Any]:
        seen: set[int] = set()
        waiting = [value for _, value in sorted(vars(self).items())]
        while waiting:
            value = waiting.pop(0)
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, list | tuple):
                waiting[:0] = list(value)
            elif isinstance(value, dict):
                waiting[:0] = [value[key] for key in sorted(value, key=str)]
            elif isinstance(value, CoreVariable) or hasattr(value, "trainable_variables"):
                yield value

    @property
    def variables(self) -> tuple:
        """Its variables, and those of its parts."""
        found: dict[int, Any] = {}
        for part in self._parts():
            own = [part] if isinstance(part, CoreVariable) else part.variables
            found.update((id(variable), variable) for variable in own)
        return tuple(found.values())

    @property
    def trainable_variables(self) -> tuple:
        """The variables that are trained."""
        return tuple([variable for variable in self.variables if variable.trainable])

    @property
    def non_trainable_variables(self) -> tuple:
        """The variables that are not trained."""
        return tuple([variable for variable in self.variables if not variable.trainable])

    @property
    def submodules(self) -> tuple:
        """The modules among its parts, and theirs."""
        found: list[Any] = []
        for part in self._parts():
            if isinstance(part, Module):
                found += [part, *part.submodules]
        return tuple(found)

    @classmethod
    def with_name_scope(cls, method: Callable) -> Callable:
        """Decorator: variables made in the method have the module's name before theirs."""

        @functools.wraps(method)
        def within(self: Any, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return within


def _snake_case(name: str) -> str:
    parts = [f"_{letter.lower()}" if letter.isupper() else letter for letter in name]
    return "".join(parts).lstrip("_")
