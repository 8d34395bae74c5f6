"""Functional models: `keras.Model(inputs, outputs)`."""

from __future__ import annotations

import collections
import warnings
from collections.abc import Callable
from typing import Any

from weft import ops, tree
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ArgumentTypeError
from weft.keras.backend.keras_tensor import KerasTensor
from weft.keras.backend.names import auto_name
from weft.keras.backend.operation import Operation
from weft.keras.backend.settings import standardize_dtype
from weft.keras.layers import calling, quick
from weft.keras.layers.input_layer import Input, InputLayer
from weft.keras.layers.input_spec import InputSpec, assert_input_compatibility
from weft.keras.layers.layer import Layer
from weft.keras.models.function import Function
from weft.keras.models.model import Model
from weft.keras.training.trainer import Trainer
from weft.keras.utils.inputs import convert_inputs
from weft.keras.utils.serialization import (
    deserialize_keras_object,
    serialize_keras_object,
    shared_object,
)


class Functional(Function, Model):
    """A model that is a graph of layers between symbolic inputs and outputs."""

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any):
        trainable = kwargs.pop("trainable", None)
        automatic = auto_name("functional")
        if isinstance(inputs, tuple | list) and len(inputs) == 1 and not isinstance(
                inputs[0], KerasTensor):  # fmt: skip
            inputs = inputs[0]
        _require_symbols("inputs", inputs)
        _require_symbols("outputs", outputs)
        if not all(_is_input(x) for x in tree.leaves(inputs)):
            inputs, outputs = _with_new_inputs(inputs, outputs)
        Trainer.__init__(self)
        Layer.__init__(self, name=automatic if name is None else name, **kwargs)
        self._map(inputs, outputs)
        _require_unique_names(self._operations)
        _warn_of_other_keys(inputs)
        self._layers.extend(op for op in self._operations if isinstance(op, Layer))
        self.built = True
        self.__dict__["_input_ranks"] = [len(x.shape) for x in self._inputs]
        if trainable is not None:
            self.trainable = trainable
        self._lock_state()

    def _require_super_init(self) -> None:
        """Set up by its own constructor."""

    # -- facts -------------------------------------------------------------------------

    def _own_layers(self) -> list[Layer]:
        return [op for op in self._operations if isinstance(op, Layer)]

    @property
    def inputs_struct(self) -> Any:
        """The symbolic inputs as they were given."""
        return self._inputs_struct

    @property
    def outputs_struct(self) -> Any:
        """The symbolic outputs as they were given."""
        return self._outputs_struct

    @property
    def input(self) -> Any:
        """The symbolic input(s)."""
        return self._inputs_struct

    @property
    def output(self) -> Any:
        """The symbolic output(s)."""
        return self._outputs_struct

    @property
    def input_shape(self) -> Any:
        return tree.map(lambda x: x.shape, self._inputs_struct)

    @property
    def output_shape(self) -> Any:
        return tree.map(lambda x: x.shape, self._outputs_struct)

    @property
    def input_names(self) -> list[str]:
        return [x._keras_history.operation.name for x in self._inputs]

    @property
    def output_names(self) -> list[str]:
        return [x._keras_history.operation.name for x in self._outputs]

    @property
    def input_spec(self) -> Any:
        """What inputs must look like: the symbolic inputs' shapes, any batch size."""
        if "_own_input_spec" in self.__dict__:
            return self.__dict__["_own_input_spec"]
        struct = self._inputs_struct
        names = sorted(struct) if isinstance(struct, dict) else self.input_names
        return [_spec_of(x, name) for x, name in zip(self._inputs, names)]

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        self.__dict__["_own_input_spec"] = value

    # -- calling -----------------------------------------------------------------------

    def call(
        self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any
    ) -> Any:
        leaves = self._standardize_inputs(inputs)
        if mask is not None:
            for x, its_mask in zip(leaves, tree.leaves(mask)):
                if its_mask is not None:
                    calling.set_keras_mask(x, its_mask)
        return self._run_through_graph(leaves, _with_training(training))

    def _standardize_inputs(self, inputs: Any) -> list:
        """The inputs in the model's order, in the dtypes and ranks it was made for."""
        leaves = self._flatten_inputs(inputs)
        if len(leaves) != len(self._inputs):
            raise ArgumentError(
                f'Layer "{self.name}" expects {len(self._inputs)} input(s), but it '
                f"received {len(leaves)} input tensors. Inputs received: "
                f"{[getattr(x, 'shape', x) for x in leaves]}"
            )
        return [_fitted(x, symbol) for x, symbol in zip(leaves, self._inputs)]

    def _flatten_inputs(self, inputs: Any) -> list:
        struct = self._inputs_struct
        if isinstance(inputs, dict):
            names = sorted(struct) if isinstance(struct, dict) else self.input_names
            missing = [name for name in names if name not in inputs]
            optional = {x._keras_history.operation.name for x in self._inputs
                        if x._keras_history.operation.optional}  # fmt: skip
            if not set(missing) - optional:
                return [inputs.get(name) for name in names]
            raise ArgumentError(
                f'Missing data for input "{missing[0]}" of model "{self.name}". You passed '
                f"a data dictionary with keys {list(inputs)}. Expected the following keys: "
                f"{list(names)}"
            )
        return tree.leaves(inputs)

    def _assert_input_compatibility(self, inputs: Any) -> None:
        assert_input_compatibility(self.input_spec, self._flatten_inputs(inputs), self.name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        known = self.__dict__.get("_quick")
        if known is not None and len(args) == 1:
            x = quick.as_input(args[0])
            if known.fits(x, kwargs):
                return known.call(self, x, kwargs.get("training"))
        if args or "inputs" in kwargs:
            inputs = args[0] if args else kwargs["inputs"]
            self._assert_input_compatibility(convert_inputs(inputs, None))
        return super().__call__(*args, **kwargs)

    def compute_output_spec(
        self, inputs: Any, training: Any = None, mask: Any = None
    ) -> Any:
        return Layer.compute_output_spec(self, inputs, training=training, mask=mask)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return Function.compute_output_shape(self, input_shape)

    def build(self, input_shape: Any) -> None:
        """A functional model is built by its layers."""

    # -- config ------------------------------------------------------------------------

    def get_config(self) -> dict:
        if (type(self).__init__ is not Functional.__init__ and not isinstance(
                self, Functional)) or _is_own_class(type(self)):  # fmt: skip
            return Model.get_config(self)
        return functional_config(self)

    def get_build_config(self) -> dict | None:
        return {"input_shape": None}

    def build_from_config(self, config: dict) -> None:
        """Built already."""


def _is_own_class(kind: type[Functional]) -> bool:
    """Whether it is a user's class, whose constructor's arguments are the config."""
    return kind is not Functional and kind.__init__ is not Functional.__init__


def _require_symbols(what: str, structure: Any) -> None:
    leaves = tree.leaves(structure)
    odd = [leaf for leaf in leaves if not isinstance(leaf, KerasTensor)]
    if odd or not leaves:
        raise ArgumentTypeError(
            f"All `{what}` values must be KerasTensors, as keras.Input and layers give "
            f"them. Received: {what}={structure}, including invalid value "
            f"{odd[0] if odd else 'nothing'}"
        )


def _is_input(x: KerasTensor) -> bool:
    history = x._keras_history
    return history is not None and isinstance(history.operation, InputLayer)


def _with_new_inputs(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """The same graph from fresh inputs, where the given ones are results of layers."""
    graph = Function(inputs, outputs, name="cut")
    fresh = tree.map(
        lambda x: Input(batch_shape=x.shape, dtype=x.dtype, name=_input_name(x)), inputs
    )
    results = graph._run_through_graph(tree.leaves(fresh), lambda operation: operation)
    return fresh, results


def _input_name(x: KerasTensor) -> str | None:
    return x._keras_history.operation.name if _is_input(x) else None


def _require_unique_names(operations: list[Operation]) -> None:
    counts = collections.Counter(operation.name for operation in operations)
    for name, count in counts.items():
        if count > 1:
            raise ArgumentError(
                f'The name "{name}" is used {count} times in the model. '
                "All operation names should be unique."
            )


def _warn_of_other_keys(inputs: Any) -> None:
    if not isinstance(inputs, dict):
        return
    for key, x in inputs.items():
        if isinstance(x, KerasTensor) and x.name != key and x._keras_history is not None:
            warnings.warn(
                "When providing `inputs` as a dict, all keys in the dict must match the "
                f"names of the corresponding tensors. Received key '{key}' mapping to "
                f"value {x} which has name '{x.name}'. Change the tensor name to '{key}' "
                f"(via `Input(..., name='{key}')`)",
                stacklevel=4,
            )


def _spec_of(x: KerasTensor, name: str) -> InputSpec:
    shape = (None, *x.shape[1:]) if x.shape else ()
    operation = x._keras_history.operation
    return InputSpec(
        shape=shape,
        allow_last_axis_squeeze=True,
        name=name,
        optional=getattr(operation, "optional", False),
    )


def _fitted(x: Any, symbol: KerasTensor) -> Any:
    """`x` in the dtype of the model's input; a last axis of 1 added or dropped."""
    if x is None:
        return None
    if isinstance(x, KerasTensor):
        return x
    wanted = symbol.shape
    if type(x) is Tensor and x.dtype is symbol.dtype and x.ndim == len(wanted):
        return x
    tensor = ops.convert_to_tensor(x, dtype=symbol.dtype)
    fitted = tensor
    if tensor.ndim == len(wanted) + 1 and tensor.shape[-1] == 1:
        fitted = ops.squeeze(tensor, axis=-1)
    elif tensor.ndim == len(wanted) - 1 and wanted[-1] == 1:
        fitted = ops.expand_dims(tensor, axis=-1)
    mask = calling.get_keras_mask(x)
    if mask is not None and fitted is not x:
        calling.set_keras_mask(fitted, mask)
    return fitted


def _with_training(training: Any) -> Callable:
    if training is None:
        return lambda operation: operation

    def callable_of(operation: Operation) -> Callable:
        if not isinstance(operation, Layer):
            return operation
        if not calling.signature_of(type(operation).call).takes("training"):
            return operation

        def call(*args: Any, **kwargs: Any) -> Any:
            kwargs["training"] = kwargs.get("training", training)
            return operation(*args, **kwargs)

        return call

    return callable_of


# -- config --------------------------------------------------------------------------------


def functional_config(model: Functional) -> dict:
    """The graph as plain data: each operation with the calls that this model uses."""
    nodes = {id(node) for node in model._nodes}
    numbers: dict[int, int] = {}
    for operation in model._operations:
        kept = [node for node in operation._inbound_nodes if id(node) in nodes]
        numbers.update({id(node): number for number, node in enumerate(kept)})
    layers = []
    for operation in model._operations:
        data = serialize_keras_object(operation)
        calls = [node for node in operation._inbound_nodes if id(node) in numbers]
        data["name"] = operation.name
        data["inbound_nodes"] = [
            _node_data(node, numbers) for node in calls if not node.is_input
        ]
        layers.append(data)
    config = {"name": model.name, "trainable": model.trainable, "layers": layers}
    config["input_layers"] = _map_symbols(model._inputs_struct, numbers)
    config["output_layers"] = _map_symbols(model._outputs_struct, numbers)
    return config


def _history(symbol: KerasTensor, numbers: dict[int, int]) -> list:
    operation, node_index, tensor_index = symbol._keras_history
    return [operation.name, numbers[id(operation._inbound_nodes[node_index])], tensor_index]


def _map_symbols(structure: Any, numbers: dict[int, int]) -> Any:
    if isinstance(structure, dict):
        return {key: _map_symbols(value, numbers) for key, value in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)([_map_symbols(item, numbers) for item in structure])
    return _history(structure, numbers)


def _node_data(node: Any, numbers: dict[int, int]) -> dict:
    def data(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return serialize_keras_object(leaf)
        config = {"shape": list(leaf.shape), "dtype": standardize_dtype(leaf.dtype),
                  "keras_history": _history(leaf, numbers)}  # fmt: skip
        return {"class_name": "__keras_tensor__", "config": config}

    args = tree.map(data, node.args)
    kwargs = tree.map(data, node.kwargs)
    return {"args": list(args), "kwargs": kwargs}


class _Made(dict):
    """The operations of a config by name.

    `calls` are the nodes of each that this config speaks of: a layer shared with another
    model has calls of that one as well.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, list] = {}


def functional_from_config(
    cls: type, config: dict, custom_objects: dict | None = None
) -> Any:
    """The model that `functional_config` described: layers are made, then called again."""
    made = _Made()
    waiting: list[tuple[str, int, dict]] = []
    for data in config["layers"]:
        is_shared = shared_object(data) is not None
        operation = deserialize_keras_object(
            {k: v for k, v in data.items() if k not in ("name", "inbound_nodes")},
            custom_objects=custom_objects,
        )
        if data.get("name") and operation.name != data["name"]:
            operation.name = data["name"]
        made[data["name"]] = operation
        is_new = not is_shared or isinstance(operation, InputLayer)
        made.calls[data["name"]] = list(operation._inbound_nodes) if is_new else []
        for number, call in enumerate(data["inbound_nodes"]):
            waiting.append((data["name"], number, call))
    _call_again(waiting, made)

    def symbols(spec: Any) -> Any:
        if isinstance(spec, dict):
            return {key: symbols(value) for key, value in spec.items()}
        if _is_history(spec):
            return _symbol(made, spec)
        return type(spec)([symbols(item) for item in spec])

    inputs, outputs = symbols(config["input_layers"]), symbols(config["output_layers"])
    extra = (
        {"trainable": config["trainable"]} if config.get("trainable") is not None else {}
    )
    return cls(inputs, outputs, name=config.get("name"), **extra)


def _is_history(spec: Any) -> bool:
    return isinstance(spec, list | tuple) and len(spec) == 3 and isinstance(spec[0], str)


def _symbol(made: _Made, history: Any) -> KerasTensor | None:
    name, node_index, tensor_index = history
    operation = made.get(name)
    if operation is None:
        raise ArgumentError(
            f"Functional.from_config: no layer is named {name!r} in the config"
        )
    calls = made.calls[name]
    return (
        calls[node_index].output_tensors[tensor_index] if node_index < len(calls) else None
    )


def _call_again(waiting: list, made: _Made) -> None:
    """Call each operation once its arguments are there; calls of one keep their order."""
    while waiting:
        left = []
        for name, number, call in waiting:
            # An operation deserialised with nodes of its own has no calls here.
            ready = len(made.calls[name]) == number
            arguments = _arguments(call, made) if ready else None
            if arguments is None:
                left.append((name, number, call))
                continue
            args, kwargs = arguments
            made[name](*args, **kwargs)
            made.calls[name].append(made[name]._inbound_nodes[-1])
        if len(left) == len(waiting):
            names = sorted({name for name, _, _ in left})
            raise ArgumentError(
                f"Functional.from_config: the layers {names} need results that no layer of "
                "the config gives"
            )
        waiting = left


def _arguments(call: dict, made: _Made) -> tuple[list, dict] | None:
    missing = False

    def fill(data: Any) -> Any:
        nonlocal missing
        if isinstance(data, dict) and data.get("class_name") == "__keras_tensor__":
            symbol = _symbol(made, data["config"]["keras_history"])
            missing = missing or symbol is None
            return symbol
        if isinstance(data, dict) and "class_name" in data:
            return deserialize_keras_object(data)
        if isinstance(data, dict):
            return {key: fill(value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return type(data)([fill(item) for item in data])
        return data

    args, kwargs = [fill(item) for item in call["args"]], fill(call["kwargs"])
    return None if missing else (args, kwargs)


__all__ = ["Functional", "functional_config", "functional_from_config"]
