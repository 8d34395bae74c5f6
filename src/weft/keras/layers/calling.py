"""How a layer is called: its signature, the training flag that is passed down, masks."""

from __future__ import annotations

import functools
import inspect
import threading
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from weft import tree
from weft.core.state import is_tracing
from weft.core.tensor import Tensor
from weft.errors import ArgumentTypeError
from weft.keras.backend.keras_tensor import KerasTensor
from weft.keras.backend.scopes import known_shape


class _Calls(threading.local):
    """The outermost layer being called, and the training flag that it was called with."""

    def __init__(self) -> None:
        self.entry: Any = None
        self.training: Any = None


CALLS = _Calls()


class Signature(NamedTuple):
    """What a layer's `call` takes."""

    names: tuple[str, ...]
    required: tuple[str, ...]
    takes_any: bool
    training: bool
    training_default: Any
    mask: bool

    def takes(self, name: str) -> bool:
        return name in self.names or self.takes_any


@functools.lru_cache(maxsize=4096)
def signature_of(call: Callable) -> Signature:
    """The signature of a class's `call`, without self."""
    parameters = list(inspect.signature(call).parameters.values())[1:]
    kinds = inspect.Parameter
    named = [
        p for p in parameters if p.kind not in (kinds.VAR_KEYWORD, kinds.VAR_POSITIONAL)
    ]
    names = tuple([p.name for p in named])
    training = next((p for p in named if p.name == "training"), None)
    return Signature(
        names=names,
        required=tuple([p.name for p in named if p.default is kinds.empty]),
        takes_any=any(p.kind is kinds.VAR_KEYWORD for p in parameters),
        training=training is not None,
        training_default=None if training is None else training.default,
        mask="mask" in names,
    )


# -- inputs ------------------------------------------------------------------------------


def is_data(x: Any) -> bool:
    """Whether it is a tensor, with or without values."""
    return isinstance(x, Tensor | KerasTensor)


def tensor_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that are tensors, or structures with tensors in them."""
    found = {}
    for name, value in arguments.items():
        if is_data(value) or (
            isinstance(value, tuple | list | dict) and any(map(is_data, tree.leaves(value)))
        ):
            found[name] = value
    return found


def shape_structure(structure: Any) -> Any:
    """The shapes of a structure's tensors, None where unknown."""
    if isinstance(structure, KerasTensor):
        return structure.shape
    if isinstance(structure, Tensor):
        return known_shape(structure.shape)
    if isinstance(structure, dict):
        return {key: shape_structure(value) for key, value in structure.items()}
    if isinstance(structure, list | tuple):
        shapes = [shape_structure(item) for item in structure]
        return shapes if isinstance(structure, list) else tuple(shapes)
    return None


def bind_arguments(layer: Any, signature: Signature, args: tuple, kwargs: dict) -> dict:
    """The call's arguments by name.

    Raises:
        ArgumentTypeError: if they do not fit `call`.
    """
    names = signature.names
    arguments = dict(zip(names, args))
    arguments.update(kwargs)
    if len(args) > len(names) and not _takes_more(type(layer).call):
        raise ArgumentTypeError(
            f"{type(layer).__name__} {layer.name!r}: call() takes {len(names)} positional "
            f"arguments ({', '.join(names)}); received {len(args)}; several inputs go in "
            "one list: layer([a, b])"
        )
    missing = [name for name in signature.required if name not in arguments]
    if missing:
        raise ArgumentTypeError(
            f"{type(layer).__name__} {layer.name!r}: call() needs {', '.join(missing)}; "
            f"received {', '.join(arguments) or 'nothing'}"
        )
    return arguments


@functools.lru_cache(maxsize=1024)
def _takes_more(call: Callable) -> bool:
    parameters = inspect.signature(call).parameters.values()
    return any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)


# -- masks -------------------------------------------------------------------------------

# Tensors are closed to attributes; their masks stand here while they live.
_MASKS: dict[int, tuple[weakref.ref, Any]] = {}


def get_keras_mask(x: Any) -> Any:
    """The mask of a tensor: True where a step counts; None without one."""
    if isinstance(x, KerasTensor):
        return x._keras_mask
    if not _MASKS:
        return None
    found = _MASKS.get(id(x))
    return found[1] if found is not None and found[0]() is x else None


def set_keras_mask(x: Any, mask: Any) -> None:
    """Give a tensor a mask."""
    if isinstance(x, KerasTensor):
        x._keras_mask = mask
    elif isinstance(x, Tensor):
        key = id(x)
        _MASKS[key] = (weakref.ref(x, lambda _: _MASKS.pop(key, None)), mask)


def masks_of(structure: Any) -> Any:
    """The masks of a structure's tensors, None where there is none at all."""
    if not isinstance(structure, tuple | list | dict):
        return get_keras_mask(structure)
    masks = [get_keras_mask(leaf) for leaf in tree.leaves(structure)]
    if all(mask is None for mask in masks):
        return None
    return tree.unflatten(tree.flatten(structure)[1], masks)


def rewritten(function: Callable) -> Callable:
    """A user's function as AutoGraph rewrites it while tracing; else the function itself."""
    # Our own layers need no rewriting, nor AutoGraph in memory.
    is_own = (getattr(function, "__module__", None) or "").startswith("weft.")
    if is_own or not is_tracing():
        return function
    from weft.function.autograph import converted

    return converted(function)
