"""clone_model: the same architecture with new weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weft import tree
from weft.errors import ArgumentError
from weft.keras.backend.keras_tensor import KerasTensor
from weft.keras.backend.operation import Operation
from weft.keras.layers.input_layer import Input, InputLayer
from weft.keras.layers.layer import Layer
from weft.keras.models.functional import Functional
from weft.keras.models.model import Model
from weft.keras.models.sequential import Sequential


def _copy(operation: Any) -> Any:
    return type(operation).from_config(operation.get_config())


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable | None = None,
    call_function: Callable | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Model:
    """A model of the same layers and settings, with weights of its own.

    Args:
        model: a Sequential, a Functional model, or one with `get_config`.
        input_tensors: symbolic inputs to start from; new ones if left out.
        clone_function: `(layer) -> layer`, to change layers on the way.
        call_function: `(layer, *args, **kwargs) -> result`, to change calls on the way.
        recursive: also go through models inside.

    Example:
        >>> import weft.keras as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> keras.models.clone_model(model).count_params()
        3
    """
    if kwargs:
        raise ArgumentError(f"clone_model: unknown arguments {sorted(kwargs)}")
    clone_layer = clone_function or _copy

    def cloned(layer: Operation) -> Any:
        if recursive and isinstance(layer, Sequential | Functional):
            return clone_model(
                layer, clone_function=clone_function, call_function=call_function,
                recursive=True,
            )  # fmt: skip
        return clone_layer(layer) if isinstance(layer, Layer) else _copy(layer)

    if isinstance(model, Sequential):
        return _clone_sequential(model, input_tensors, cloned)
    if isinstance(model, Functional):
        return _clone_functional(model, input_tensors, cloned, call_function)
    if input_tensors is not None or clone_function is not None:
        raise ArgumentError(
            "clone_model: a subclass of Model is cloned by its config alone; received "
            "input_tensors or clone_function; leave them out"
        )
    return _copy(model)


def _clone_sequential(model: Sequential, tensors: Any, cloned: Callable) -> Sequential:
    layers = [cloned(layer) for layer in model.layers]
    new = type(model)(name=model.name)
    if tensors is not None:
        leaves = tree.leaves(tensors)
        if len(leaves) != 1:
            raise ArgumentError(
                f"clone_model: a Sequential has one input; received {len(leaves)}"
            )
        new.add(_as_symbol(leaves[0]), rebuild=False)
    elif model._layers and isinstance(model._layers[0], InputLayer):
        new.add(_copy(model._layers[0]), rebuild=False)
    for layer in layers:
        new.add(layer, rebuild=False)
    new._maybe_rebuild()
    return new


def _as_symbol(x: Any) -> KerasTensor:
    if isinstance(x, KerasTensor):
        return x
    return Input(batch_shape=x.shape, dtype=x.dtype)


def _clone_functional(
    model: Functional, tensors: Any, cloned: Callable, call_function: Callable | None
) -> Functional:
    if tensors is None:
        inputs = tree.map(
            lambda x: Input(
                batch_shape=x.shape, dtype=x.dtype, name=x._keras_history.operation.name
            ),
            model._inputs_struct,
        )
    else:
        structure = tree.flatten(model._inputs_struct)[1]
        inputs = tree.unflatten(structure, [_as_symbol(x) for x in tree.leaves(tensors)])
    clones: dict[int, Operation] = {}

    def callable_of(operation: Operation) -> Callable:
        clone = clones.get(id(operation))
        if clone is None:
            clone = clones[id(operation)] = cloned(operation)
        if call_function is None or not isinstance(clone, Layer):
            return clone
        return lambda *args, **kwargs: call_function(clone, *args, **kwargs)

    outputs = model._run_through_graph(tree.leaves(inputs), callable_of)
    return type(model)(inputs, outputs, name=model.name)
