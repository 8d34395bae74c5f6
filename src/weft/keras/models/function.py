"""Function: operations between symbolic inputs and outputs, run in order on data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from weft import tree
from weft.errors import ArgumentError
from weft.keras.backend.keras_tensor import KerasTensor
from weft.keras.backend.names import auto_name
from weft.keras.backend.operation import Node, Operation
from weft.keras.backend.symbolic import compute_output_spec
from weft.keras.layers.input_layer import InputLayer


class Network(NamedTuple):
    """The nodes between inputs and outputs, in an order in which they can run.

    `operations` are ordered by their depth (distance from the outputs), deepest first, and
    within a depth as they were met; that is the order of a model's layers and weights.
    """

    nodes: list[Node]
    operations: list[Operation]


def network_between(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> Network:
    """What is needed to compute `outputs` from `inputs`.

    Raises:
        ArgumentError: if an output depends on something that is no input.
    """
    given = {id(x) for x in inputs}
    order, met = _in_order(inputs, outputs, given)
    depths: dict[Any, int] = {}
    node_depths: dict[int, int] = {}
    for node in reversed(order):
        depth = max(node_depths.get(id(node), 0), depths.get(node.operation, 0))
        depths[node.operation] = node_depths[id(node)] = depth
        if not all(id(x) in given for x in node.output_tensors):
            for parent in node.parent_nodes:
                known = node_depths.get(id(parent), 0)
                node_depths[id(parent)] = max(depth + 1, known)
    # Inputs that no output depends on stand first among the shallowest.
    for x in inputs:
        operation = x._keras_history.operation
        if operation not in depths:
            depths[operation], met[operation] = 0, -1
            order.append(operation._inbound_nodes[x._keras_history.node_index])
    nodes = sorted(order, key=lambda node: -node_depths.get(id(node), 0))
    operations = sorted(depths, key=lambda op: (-depths[op], met[op]))
    return Network(nodes, operations)


def _in_order(
    inputs: list[KerasTensor], outputs: list[KerasTensor], given: set[int]
) -> tuple[list[Node], dict[Operation, int]]:
    """Nodes after the nodes they need; and when each operation was first met."""
    order: list[Node] = []
    met: dict[Operation, int] = {}
    done: set[int] = set()
    waiting: list[tuple[KerasTensor, bool]] = [(x, False) for x in reversed(outputs)]
    while waiting:
        tensor, expanded = waiting.pop()
        history = tensor._keras_history
        if history is None:
            raise ArgumentError(
                f"Functional: an output depends on {tensor}, which no operation made and "
                "which is not among the inputs; make it with keras.Input and list it"
            )
        node = history.operation._inbound_nodes[history.node_index]
        if expanded:
            if id(node) not in done:
                done.add(id(node))
                order.append(node)
            continue
        if id(node) in done:
            continue
        met.setdefault(history.operation, len(met))
        if node.is_input and id(tensor) not in given:
            raise ArgumentError(
                f"Functional: an output depends on the input {history.operation.name!r}, "
                f"{tensor}, which is not among `inputs`; list it there"
            )
        waiting.append((tensor, True))
        if id(tensor) not in given:
            waiting.extend((x, False) for x in reversed(node.input_tensors))
    return order, met


class Function(Operation):
    """Operations between symbolic inputs and outputs.

    Args:
        inputs: a KerasTensor, or a structure of them.
        outputs: likewise, computed from the inputs.
        name: the function's name.

    Example:
        >>> import weft.keras as keras
        >>> x = keras.KerasTensor((None, 2))
        >>> double = keras.Function(x, 2 * x)
        >>> double(keras.ops.ones((1, 2))).tolist()
        [[2.0, 2.0]]
    """

    _inputs: list[KerasTensor]
    _outputs: list[KerasTensor]
    _inputs_struct: Any
    _outputs_struct: Any
    _nodes: list[Node]
    _operations: list[Operation]
    _steps: list[Node]
    _chain: list[Operation] | None

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        Operation.__init__(self, name=auto_name("function") if name is None else name)
        self._map(inputs, outputs)

    def _map(self, inputs: Any, outputs: Any) -> None:
        for tensor in tree.leaves(inputs):
            if isinstance(tensor, KerasTensor) and tensor._keras_history is None:
                InputLayer(input_tensor=tensor)
        state = self.__dict__
        state["_inputs_struct"], state["_outputs_struct"] = inputs, outputs
        state["_inputs"], state["_outputs"] = tree.leaves(inputs), tree.leaves(outputs)
        network = network_between(self._inputs, self._outputs)
        state["_nodes"], state["_operations"] = network.nodes, network.operations
        given = {id(x) for x in self._inputs}
        state["_steps"] = [
            node for node in network.nodes
            if not node.is_input and not all(id(x) in given for x in node.output_tensors)
        ]  # fmt: skip
        state["_chain"] = _chain(self._inputs, self._steps, outputs)

    @property
    def operations(self) -> list[Operation]:
        """The operations, in the order of the model."""
        return list(self._operations)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs, flat."""
        return self._inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs, flat."""
        return self._outputs

    def call(self, inputs: Any) -> Any:
        """The outputs for these inputs."""
        return self._run_through_graph(tree.leaves(inputs), lambda operation: operation)

    def compute_output_spec(self, inputs: Any) -> Any:
        return compute_output_spec(self.call, inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The outputs' shapes for inputs of these shapes."""
        leaves = [KerasTensor(shape) for shape in _shapes(input_shape)]
        inputs = tree.unflatten(tree.flatten(self._inputs_struct)[1], leaves)
        return tree.map(lambda x: x.shape, self.compute_output_spec(inputs))

    def _run_through_graph(self, inputs: list, callable_of: Callable) -> Any:
        """Each node in order; `callable_of(operation)` is what is called."""
        if self._chain is not None:
            (x,) = inputs
            for operation in self._chain:
                x = callable_of(operation)(x)
            return x
        values = {id(symbol): x for symbol, x in zip(self._inputs, inputs)}
        for node in self._steps:
            args, kwargs = node.fill_in(values)
            results = callable_of(node.operation)(*args, **kwargs)
            for symbol, x in zip(node.output_tensors, tree.leaves(results)):
                values[id(symbol)] = x
        return tree.map(lambda symbol: values[id(symbol)], self._outputs_struct)


def _chain(
    inputs: list[KerasTensor], steps: list[Node], outputs: Any
) -> list[Operation] | None:
    """The operations, if each takes what the one before gives, and nothing else."""
    if len(inputs) != 1:
        return None
    last = inputs[0]
    for node in steps:
        if node.kwargs or len(node.args) != 1 or node.args[0] is not last:
            return None
        if not isinstance(node.outputs, KerasTensor):
            return None
        last = node.outputs
    return [node.operation for node in steps] if outputs is last else None


def _shapes(shape: Any) -> list[tuple]:
    if isinstance(shape, dict):
        return [tuple(shape[key]) for key in sorted(shape)]
    if shape and all(isinstance(item, list | tuple) for item in shape):
        return [tuple(item) for item in shape]
    return [tuple(shape)]
