"""What keras.utils shows of the backend."""

from __future__ import annotations

from typing import Any

from weft import tree
from weft.errors import ArgumentError
from weft.keras.backend.keras_tensor import KerasTensor, is_keras_tensor
from weft.keras.backend.names import clear_session
from weft.keras.backend.settings import standardize_dtype
from weft.keras.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)


class Config:
    """Named settings, as attributes; after `freeze()` they can't be changed.

    Example:
        >>> import weft.keras as keras
        >>> keras.utils.Config(units=3).units
        3
    """

    def __init__(self, **kwargs: Any) -> None:
        object.__setattr__(self, "_settings", dict(kwargs))
        object.__setattr__(self, "_frozen", False)

    def freeze(self) -> None:
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        object.__setattr__(self, "_frozen", False)

    def as_dict(self) -> dict:
        return dict(self._settings)

    def update(self, *args: Any, **kwargs: Any) -> None:
        for name, value in dict(*args, **kwargs).items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        try:
            return self._settings[name]
        except KeyError:
            raise AttributeError(f"Config has no setting {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        if self._frozen:
            raise ArgumentError(f"Config: it is frozen; received {name}={value!r}")
        self._settings[name] = value

    def __getitem__(self, name: str) -> Any:
        return self._settings[name]

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __contains__(self, name: str) -> bool:
        return name in self._settings

    def __iter__(self) -> Any:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)

    def __repr__(self) -> str:
        return f"<Config {self._settings}>"


def get_source_inputs(tensor: KerasTensor) -> list[KerasTensor]:
    """The inputs that a symbolic tensor was computed from."""
    history = tensor._keras_history
    if history is None:
        return [tensor]
    node = history.operation._inbound_nodes[history.node_index]
    if node.is_input:
        return tree.leaves(node.outputs)
    found: dict[int, KerasTensor] = {}
    for x in node.input_tensors:
        for source in get_source_inputs(x):
            found.setdefault(id(source), source)
    return list(found.values())


__all__ = [
    "Config", "clear_session", "disable_interactive_logging", "enable_interactive_logging",
    "get_source_inputs", "is_interactive_logging_enabled", "is_keras_tensor",
    "standardize_dtype",
]  # fmt: skip
