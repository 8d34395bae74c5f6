"""LossScaleOptimizer: keeps small float16 gradients from vanishing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weft import ops
from weft.errors import ArgumentError
from weft.function.control import cond
from weft.keras.optimizers.optimizer import Optimizer


class LossScaleOptimizer(Optimizer):
    """Multiplies the loss by a scale that it finds by itself, around another optimizer.

    Where a gradient is not finite, the step is left out and the scale halved; after
    `dynamic_growth_steps` good steps it is doubled.

    Args:
        inner_optimizer: the optimizer that takes the steps.
        initial_scale: the first scale.
        dynamic_growth_steps: good steps between doublings.
        name: its name.
    """

    def __init__(
        self,
        inner_optimizer: Any,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not kwargs.pop("dynamic", True):
            raise ArgumentError(
                "LossScaleOptimizer: the scale is always dynamic; use loss_scale_factor= of "
                "an optimizer for one that stays"
            )
        super().__init__(learning_rate=0.0, name=name, **kwargs)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        self.dynamic_scale = self.add_variable(
            (), initializer=float(initial_scale), name="dynamic_scale"
        )

    @property
    def variables(self) -> list:
        """Its own variables, then those of the inner optimizer."""
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def iterations(self) -> Any:
        """The steps that the inner optimizer took."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """That of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    def _take_learning_rate(self, value: Any) -> None:
        self._learning_rate = None

    def build(self, variables: Sequence[Any]) -> None:
        self.inner_optimizer.build(variables)
        self.built = True

    def scale_loss(self, loss: Any) -> Any:
        scale = self.initial_scale if not self.built else self.dynamic_scale.value
        return loss * ops.cast(scale, loss.dtype)

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        inner = self.inner_optimizer
        if trainable_variables is None:
            trainable_variables = inner._require_built(len(grads))
        variables = list(trainable_variables)
        if not self.built:
            self.build(variables)
        known = [(g, v) for g, v in zip(grads, variables) if g is not None]
        scale = self.dynamic_scale.value
        unscaled = [ops.cast(g, v.dtype) / ops.cast(scale, v.dtype) for g, v in known]
        kept = [v for _, v in known]

        def step() -> None:
            inner.apply(unscaled, kept)
            is_time = ops.equal(self.step_counter.value + 1, self.dynamic_growth_steps)
            count = ops.where(is_time, 0, self.step_counter.value + 1)
            self.step_counter.assign(count)
            grown = ops.where(
                is_time, self.dynamic_scale.value * 2.0, self.dynamic_scale.value
            )
            self.dynamic_scale.assign(grown)

        def skip() -> None:
            self.step_counter.assign(0)
            self.dynamic_scale.assign(self.dynamic_scale.value / 2.0)

        cond(self.check_finite(unscaled), step, skip)

    def check_finite(self, grads: Sequence[Any]) -> Any:
        """Whether all gradients are finite."""
        checks = [ops.all(ops.isfinite(gradient)) for gradient in grads]
        return ops.all(ops.stack(checks))

    def finalize_variable_values(self, var_list: Any) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        from weft.keras import optimizers

        return {
            "name": self.name,
            "inner_optimizer": optimizers.serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        from weft.keras import optimizers

        inner = config["inner_optimizer"]
        if isinstance(inner, Mapping):
            inner = optimizers.deserialize(inner, custom_objects)
        return cls(**{**config, "inner_optimizer": inner})
