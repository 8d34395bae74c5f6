"""Operation and Node: how symbolic tensors remember what made them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from weft import tree
from weft.errors import ArgumentError, ArgumentTypeError, ShapeError
from weft.keras.backend.keras_tensor import KerasTensor, any_symbolic
from weft.keras.backend.names import auto_name
from weft.keras.backend.symbolic import compute_output_spec


class KerasHistory(NamedTuple):
    """Which result, of which call, of which operation a symbolic tensor is."""

    operation: Any
    node_index: int
    tensor_index: int


class Node:
    """One call of an operation on symbolic tensors."""

    def __init__(self, operation: Any, args: tuple, kwargs: dict, outputs: Any) -> None:
        self.operation = operation
        self.args, self.kwargs, self.outputs = args, kwargs, outputs
        self._leaves, self._structure = tree.flatten((args, kwargs))
        self.input_tensors = [x for x in self._leaves if isinstance(x, KerasTensor)]
        self.output_tensors = [
            x for x in tree.leaves(outputs) if isinstance(x, KerasTensor)
        ]
        node_index = len(operation._inbound_nodes)
        operation._inbound_nodes.append(self)
        for index, tensor in enumerate(self.output_tensors):
            tensor._keras_history = KerasHistory(operation, node_index, index)

    @property
    def is_input(self) -> bool:
        """Whether it stands for data from outside."""
        return not self.input_tensors

    @property
    def parent_nodes(self) -> list[Node]:
        """The nodes that made this one's inputs."""
        histories = [x._keras_history for x in self.input_tensors]
        return [h.operation._inbound_nodes[h.node_index] for h in histories if h]

    def fill_in(self, values: dict[int, Any]) -> tuple[tuple, dict]:
        """The call's arguments with `values[id(symbol)]` for each symbol."""
        filled = [
            values.get(id(x), x) if isinstance(x, KerasTensor) else x for x in self._leaves
        ]
        return tree.unflatten(self._structure, filled)

    def __repr__(self) -> str:
        return f"<Node operation={self.operation.name}, id={id(self)}>"


def recorded_arguments(init: Callable, self: Any, args: tuple, kwargs: dict) -> dict | None:
    """The arguments of a constructor by name, None where they don't fit its signature."""
    try:
        bound = _signature(init).bind(self, *args, **kwargs)
    except TypeError:
        return None
    found = {}
    for name, value in list(bound.arguments.items())[1:]:
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            found.update(value)
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            return None
        else:
            found[name] = value
    return found


@functools.lru_cache(maxsize=1024)
def _signature(function: Callable) -> inspect.Signature:
    return inspect.signature(function)


class Operation:
    """Something with a `call` that can be applied to symbolic tensors.

    Args:
        name: unique in a model; made from the class's name where it is left out.
    """

    _init_arguments: dict | None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = object.__new__(cls)
        # What get_config() gives for classes that do not define it.
        arguments = recorded_arguments(cls.__init__, self, args, kwargs)
        object.__setattr__(self, "_init_arguments", arguments)
        return self

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = auto_name(type(self).__name__)
        if not isinstance(name, str) or "/" in name:
            raise ArgumentError(
                f"{type(self).__name__}: the name must be a string without '/'; "
                f"received name={name!r} (of type {type(name).__name__})"
            )
        self.name = name
        self._inbound_nodes: list[Node] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any_symbolic(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The result as symbolic tensors, remembered as a node."""
        outputs = self.compute_output_spec(*args, **kwargs)
        Node(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """What `call` returns for these symbolic arguments."""
        try:
            return compute_output_spec(self.call, *args, **kwargs)
        except (ShapeError, ValueError) as error:
            self._explain(error, args, kwargs)
            raise

    def _explain(self, error: Exception, args: tuple, kwargs: dict) -> None:
        shapes = [
            x.shape for x in tree.leaves((args, kwargs)) if isinstance(x, KerasTensor)
        ]
        error.add_note(
            f"Raised while {type(self).__name__} {self.name!r} was applied to symbolic "
            f"inputs of shape {', '.join(map(str, shapes))}."
        )

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation, on tensors."""
        raise NotImplementedError(
            f"{type(self).__name__} must define call(): the computation on its inputs"
        )

    def quantized_call(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(*args, **kwargs)

    # -- config ----------------------------------------------------------------------

    def get_config(self) -> dict:
        """The arguments of the constructor, as plain data.

        Raises:
            NotImplementedError: if they are not known to be plain data.
        """
        if type(self).__init__ is Operation.__init__:
            return {"name": self.name}
        arguments = self._init_arguments
        if arguments is None or not all(map(_is_plain, tree.leaves(arguments))):
            names = sorted(arguments or ())
            raise NotImplementedError(
                f"{type(self).__name__}: its constructor takes values that are no plain "
                f"data ({', '.join(names)}), so get_config() must be written: return a "
                "dict from which from_config() can make the object again"
            )
        return {"name": self.name, **arguments}

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """A new object with the settings of `config`."""
        try:
            return cls(**config)
        except TypeError as error:
            raise ArgumentTypeError(
                f"{cls.__name__}.from_config: the constructor did not take the config "
                f"{config}: {error}. Write get_config() so that it gives the constructor's "
                "arguments, or write from_config()"
            ) from error

    # -- the symbolic tensors it was applied to ----------------------------------------

    @property
    def input(self) -> Any:
        """The symbolic input(s) of its only call."""
        return self._of_only_call("input")

    @property
    def output(self) -> Any:
        """The symbolic output(s) of its only call."""
        return self._of_only_call("output")

    def _of_only_call(self, what: str) -> Any:
        nodes = self._inbound_nodes
        if len(nodes) != 1:
            state = "has not been called on symbolic inputs" if not nodes else (
                f"has been called {len(nodes)} times")  # fmt: skip
            raise AttributeError(
                f"{type(self).__name__} {self.name!r} {state}, so there is no single "
                f".{what}"
            )
        node = nodes[0]
        if what == "output":
            return node.outputs
        tensors = node.input_tensors or node.output_tensors
        return tensors[0] if len(tensors) == 1 else tensors

    def __repr__(self) -> str:
        return f"<Operation name={self.name}>"


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)
