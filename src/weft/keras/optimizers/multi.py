"""MultiOptimizer: other optimizers for other variables, by patterns of their paths."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from weft.errors import ArgumentError, ArgumentTypeError
from weft.keras.optimizers.optimizer import Optimizer


class OptimizerMap(MutableMapping):
    """Regular expressions of variable paths to optimizers, and one for all others.

    Args:
        default_optimizer: for variables that no pattern matches.
        optimizer_map: patterns to optimizers; the first that matches counts.
    """

    def __init__(self, default_optimizer: Any, optimizer_map: Any = None) -> None:
        from weft.keras import optimizers

        self._default = optimizers.get(default_optimizer)
        self._map: dict[str, Optimizer] = {}
        for pattern, optimizer in dict(optimizer_map or {}).items():
            self[pattern] = optimizers.get(optimizer)

    @property
    def default_optimizer(self) -> Optimizer:
        """The optimizer of variables that no pattern matches."""
        return self._default

    def __getitem__(self, key: str) -> Optimizer:
        if key in self._map:
            return self._map[key]
        for pattern, optimizer in self._map.items():
            if re.search(pattern, key):
                return optimizer
        return self._default

    def __setitem__(self, key: str, value: Optimizer) -> None:
        if not isinstance(value, Optimizer):
            raise ArgumentTypeError(
                f"OptimizerMap: values must be optimizers; received {type(value).__name__}"
            )
        if key in self._map:
            raise ArgumentError(f"OptimizerMap: {key!r} is there already; delete it first")
        self._map[key] = value

    def __delitem__(self, key: str) -> None:
        del self._map[key]

    def __len__(self) -> int:
        return len(self._map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._map)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make an equal map."""
        from weft.keras import optimizers

        return {
            "default_optimizer": optimizers.serialize(self._default),
            "optimizer_map": {k: optimizers.serialize(o) for k, o in self._map.items()},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A map out of its config."""
        from weft.keras import optimizers

        inner = {
            pattern: optimizers.deserialize(one, custom_objects)
            for pattern, one in config["optimizer_map"].items()
        }
        default = optimizers.deserialize(config["default_optimizer"], custom_objects)
        return cls(default, inner)


class MultiOptimizer(Optimizer):
    """Applies gradients with the optimizer that an `OptimizerMap` names for each variable."""

    def __init__(
        self,
        optimizer_map: Any,
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate=0.0, loss_scale_factor=loss_scale_factor, name=name)
        if not isinstance(optimizer_map, OptimizerMap):
            raise ArgumentTypeError(
                "MultiOptimizer: optimizer_map must be an OptimizerMap; received "
                f"{type(optimizer_map).__name__}"
            )
        self.optimizer_map = optimizer_map
        self._owners: dict[int, Optimizer] = {}

    @property
    def optimizers(self) -> list[Optimizer]:
        """All optimizers, each once."""
        found = [*self.optimizer_map._map.values(), self.optimizer_map.default_optimizer]
        return list({id(one): one for one in found}.values())

    @property
    def variables(self) -> list:
        """Its own variables, then those of all optimizers."""
        return [*self._variables, *(v for one in self.optimizers for v in one.variables)]

    @property
    def loss_scale_factor(self) -> float | None:
        """What multiplies the loss, and divides gradients, for all optimizers."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, value: float | None) -> None:
        self._loss_scale_factor = value

    @property
    def learning_rate(self) -> Any:
        """That of the default optimizer."""
        return self.optimizer_map.default_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.optimizer_map.default_optimizer.learning_rate = value

    def _take_learning_rate(self, value: Any) -> None:
        self._learning_rate = None

    def build(self, variables: Sequence[Any]) -> None:
        if self.built:
            return
        super().build(variables)
        for variable in variables:
            path = getattr(variable, "path", None) or variable.name
            self._owners[id(variable)] = self.optimizer_map[path]
        for one in self.optimizers:
            mine = [v for v in variables if self._owners[id(v)] is one]
            if mine:
                one.build(mine)

    def _update(self, grads: Sequence[Any], variables: Sequence[Any]) -> None:
        for one in self.optimizers:
            pairs = [(g, v) for g, v in zip(grads, variables) if self._owners[id(v)] is one]
            if pairs:
                one.apply([g for g, _ in pairs], [v for _, v in pairs])

    def finalize_variable_values(self, var_list: Any) -> None:
        for one in self.optimizers:
            one.finalize_variable_values([v for v in var_list if id(v) in one._index])

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "optimizer_map": self.optimizer_map.get_config(),
            "loss_scale_factor": self.loss_scale_factor,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        found = config["optimizer_map"]
        if isinstance(found, Mapping) and not isinstance(found, OptimizerMap):
            inner = found.get("config", found)
            config = {**config, "optimizer_map": OptimizerMap.from_config(inner)}
        return cls(**config)
