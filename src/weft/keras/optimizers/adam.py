"""Rules with running moments of the gradient: Adam and its kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weft import ops
from weft.core.state import eager
from weft.errors import ArgumentError
from weft.keras.optimizers.means import moved, settled
from weft.keras.optimizers.optimizer import Optimizer


class Adam(Optimizer):
    """Running means of the gradient and of its square (Kingma, Ba, 2014).

        m = beta_1 · m + (1 - beta_1) · gradient
        v = beta_2 · v + (1 - beta_2) · gradient²
        rate = learning_rate · √(1 - beta_2^t) / (1 - beta_1^t)
        variable = variable - rate · m / (√v + epsilon)

    With `amsgrad` the largest v so far divides (Reddi et al., 2018).
    """

    hyperparameters: tuple[str, ...] = ("beta_1", "beta_2", "epsilon", "amsgrad")
    slots = ("momentum", "velocity")

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-7, amsgrad: bool = False, *common: Any, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, *common, **more)
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.epsilon, self.amsgrad = epsilon, amsgrad

    def build(self, variables: Sequence[Any]) -> None:
        if self.built:
            return
        super().build(variables)
        if self.amsgrad:
            self._slots["velocity_hat"] = self.add_optimizer_variables(
                variables, "velocity_hat"
            )

    def step_number(self, dtype: Any) -> Any:
        """The number of this step, counted from 1."""
        return ops.cast(self.iterations + 1, dtype)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        step = self.step_number(variable.dtype)
        left = 1 - ops.power(self.beta_2, step)
        rate = learning_rate * ops.sqrt(left) / (1 - ops.power(self.beta_1, step))
        m = moved(self.slot("momentum", variable), gradient, self.beta_1)
        v = moved(self.slot("velocity", variable), ops.square(gradient), self.beta_2)
        if self.amsgrad:
            largest = self.slot("velocity_hat", variable)
            v = ops.maximum(largest.value, v)
            largest.assign(v)
        variable.assign(variable.value - m * rate / (ops.sqrt(v) + self.epsilon))


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov, Hutter, 2019)."""

    def __init__(
        self, learning_rate: Any = 0.001, weight_decay: float = 0.004, beta_1: float = 0.9,
        beta_2: float = 0.999, epsilon: float = 1e-7, amsgrad: bool = False,
        *common: Any, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, *common, **more
        )
        if self.weight_decay is None:
            raise ArgumentError(
                "AdamW: Argument `weight_decay` must be a float; received None; use Adam"
            )


class Adamax(Adam):
    """Adam with the largest, not the mean, size of gradients (Kingma, Ba, 2014).

    u = max(beta_2 · u, |gradient|)
    variable = variable - learning_rate / (1 - beta_1^t) · m / (u + epsilon)
    """

    hyperparameters = ("beta_1", "beta_2", "epsilon")
    slots = ("momentum", "norm")

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-7, *common: Any, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, False, *common, **more)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        left = 1 - ops.power(self.beta_1, self.step_number(variable.dtype))
        m = moved(self.slot("momentum", variable), gradient, self.beta_1)
        slot = self.slot("norm", variable)
        u = settled(ops.maximum(self.beta_2 * slot.value, ops.abs(gradient)))
        slot.assign(u)
        step = learning_rate * m / (left * (u + self.epsilon))
        variable.assign(variable.value - step)


class Nadam(Adam):
    """Adam with Nesterov's look ahead (Dozat, 2015).

    mu_t = beta_1 · (1 - 0.96^t / 2)
    m_hat = mu_{t+1} · m / (1 - mu_1 … mu_{t+1}) + (1 - mu_t) · gradient / (1 - mu_1 … mu_t)
    variable = variable - learning_rate · m_hat / (√(v / (1 - beta_2^t)) + epsilon)
    """

    hyperparameters = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-7, *common: Any, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, False, *common, **more)

    def build(self, variables: Sequence[Any]) -> None:
        if self.built:
            return
        super().build(variables)
        dtype = variables[0].dtype if variables else None
        # The product mu_1 … mu_t.
        self._product = self.add_variable((), "ones", dtype, name="u_product")

    def _mu(self, step: Any) -> Any:
        return self.beta_1 * (1.0 - 0.5 * ops.power(0.96, step))

    def update_all(self, grads: Sequence, variables: Sequence, learning_rate: Any) -> None:
        step = self.step_number(self._product.dtype)
        self._product.assign(self._product.value * self._mu(step))
        super().update_all(grads, variables, learning_rate)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        step = self.step_number(variable.dtype)
        now, ahead = self._mu(step), self._mu(step + 1)
        product = ops.cast(self._product.value, variable.dtype)
        m = moved(self.slot("momentum", variable), gradient, self.beta_1)
        v = moved(self.slot("velocity", variable), ops.square(gradient), self.beta_2)
        m_hat = ahead * m / (1 - product * ahead) + (1 - now) * gradient / (1 - product)
        v_hat = v / (1 - ops.power(self.beta_2, step))
        step = m_hat * learning_rate / (ops.sqrt(v_hat) + self.epsilon)
        variable.assign(variable.value - step)


class Lion(Optimizer):
    """Only the sign of a mean of momentum and gradient (Chen et al., 2023).

    variable = variable - learning_rate · sign(beta_1 · m + (1 - beta_1) · gradient)
    m = beta_2 · m + (1 - beta_2) · gradient
    """

    hyperparameters = ("beta_1", "beta_2")
    slots = ("momentum",)

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99,
        *common: Any, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, *common, **more)
        self.beta_1, self.beta_2 = beta_1, beta_2

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        slot = self.slot("momentum", variable)
        direction = slot.value * self.beta_1 + gradient * (1.0 - self.beta_1)
        variable.assign(variable.value - learning_rate * ops.sign(direction))
        slot.assign(settled(slot.value * self.beta_2 + gradient * (1.0 - self.beta_2)))


class Lamb(Adam):
    """Adam's step, scaled to the norm of the variable, for large batches (You et al., 2019).

    step = m_hat / (√v_hat + epsilon)
    variable = variable - |variable| / |step| · learning_rate · step
    """

    hyperparameters = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-7, *common: Any, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, False, *common, **more)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        step = self.step_number(variable.dtype)
        m = moved(self.slot("momentum", variable), gradient, self.beta_1)
        v = moved(self.slot("velocity", variable), ops.square(gradient), self.beta_2)
        m_hat = m / (1 - ops.power(self.beta_1, step))
        v_hat = v / (1 - ops.power(self.beta_2, step))
        update = m_hat / (ops.sqrt(v_hat) + self.epsilon)
        size = ops.sqrt(ops.sum(ops.square(variable.value)))
        length = ops.sqrt(ops.sum(ops.square(update)))
        known = ops.logical_and(size > 0, length > 0)
        ratio = ops.where(known, size / ops.where(known, length, 1.0), 1.0)
        variable.assign(variable.value - ratio * learning_rate * update)


class ScheduleFreeAdamW(Adam):
    """Averages of iterates in place of a schedule (Defazio et al., 2024).

    The variable is y; the slot "momentum" holds z; x, the average, follows from both:

        x = (y - (1 - beta_1) · z) / beta_1
        z' = z - learning_rate · gradient / (√(v / (1 - beta_2^t)) + epsilon)
        x' = (1 - 1/t) · x + 1/t · z'
        y' = (1 - beta_1) · z' + beta_1 · x'
    """

    hyperparameters = ("beta_1", "beta_2", "epsilon", "warmup_steps")

    def __init__(
        self, learning_rate: Any = 0.0025, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-8, warmup_steps: int = 0, *common: Any, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, False, *common, **more)
        self.warmup_steps = warmup_steps

    def build(self, variables: Sequence[Any]) -> None:
        if self.built:
            return
        super().build(variables)
        # Now, also if this is called while a step is traced.
        with eager():
            for slot, variable in zip(self._slots["momentum"], variables):
                slot.assign(variable.value)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        step, beta_1 = self.step_number(variable.dtype), self.beta_1
        if self.warmup_steps > 0:
            learning_rate = learning_rate * ops.minimum(step / self.warmup_steps, 1.0)
        z = self.slot("momentum", variable)
        v = moved(self.slot("velocity", variable), ops.square(gradient), self.beta_2)
        root = ops.sqrt(v / (1 - ops.power(self.beta_2, step))) + self.epsilon
        x = (variable.value - (1 - beta_1) * z.value) / beta_1
        z.assign(z.value - learning_rate * gradient / root)
        weight = 1.0 / step
        x = (1 - weight) * x + weight * z.value
        variable.assign((1 - beta_1) * z.value + beta_1 * x)
