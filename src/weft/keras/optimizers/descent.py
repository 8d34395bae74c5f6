"""Rules that scale the gradient: SGD, RMSprop, Adagrad, Adadelta, FTRL."""

from __future__ import annotations

from typing import Any

from weft import ops
from weft.errors import ArgumentError
from weft.keras.optimizers.means import settled
from weft.keras.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent, with momentum if asked.

        velocity = momentum · velocity - learning_rate · gradient
        variable = variable + velocity

    With `nesterov`: variable + momentum · velocity - learning_rate · gradient.

    Example:
        >>> from weft.keras.optimizers import SGD
        >>> float(SGD().learning_rate)
        0.009999999776482582
    """

    hyperparameters = ("momentum", "nesterov")

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False,
        *common: Any, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, *common, **more)
        if not isinstance(momentum, int | float) or not 0 <= momentum <= 1:
            raise ArgumentError(
                f"SGD: `momentum` must be a float between [0, 1]; received {momentum!r}"
            )
        self.momentum, self.nesterov = momentum, nesterov
        self.slots = ("momentum",) if momentum else ()

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        step = gradient * learning_rate
        if not self.momentum:
            variable.assign(variable.value - step)
            return
        slot = self.slot("momentum", variable)
        velocity = settled(slot.value * self.momentum - step)
        slot.assign(velocity)
        if self.nesterov:
            velocity = velocity * self.momentum - step
        variable.assign(variable.value + velocity)


class RMSprop(Optimizer):
    """Divides by a running root of squared gradients (Hinton, 2012).

        velocity = rho · velocity + (1 - rho) · gradient²
        variable = variable - learning_rate · gradient / √(velocity + epsilon)

    With `centered` the square of the running mean gradient is taken off the velocity.
    """

    hyperparameters = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.0,
        epsilon: float = 1e-7, centered: bool = False, *common: Any, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, *common, **more)
        self.rho, self.momentum = rho, momentum
        self.epsilon, self.centered = epsilon, centered

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        # All of one slot before the next one: the order of variables in Keras's files.
        names = ["velocity"]
        names += ["momentum"] if self.momentum > 0 else []
        names += ["average_gradient"] if self.centered else []
        for name in names:
            self._slots[name] = self.add_optimizer_variables(variables, name)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        rho, slot = self.rho, self.slot("velocity", variable)
        velocity = settled(rho * slot.value + (1 - rho) * ops.square(gradient))
        slot.assign(velocity)
        if self.centered:
            mean = self.slot("average_gradient", variable)
            mean.assign(settled(rho * mean.value + (1 - rho) * gradient))
            velocity = velocity - ops.square(mean.value)
        step = learning_rate * gradient / ops.sqrt(velocity + self.epsilon)
        if self.momentum > 0:
            momentum = self.slot("momentum", variable)
            step = settled(self.momentum * momentum.value + step)
            momentum.assign(step)
        variable.assign(variable.value - step)


class Adagrad(Optimizer):
    """Divides by the root of the sum of squared gradients (Duchi et al., 2011).

    accumulator = accumulator + gradient²
    variable = variable - learning_rate · gradient / √(accumulator + epsilon)
    """

    hyperparameters = ("initial_accumulator_value", "epsilon")
    slots = ("accumulator",)

    def __init__(
        self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7, *common: Any, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, *common, **more)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def first_of_slot(self, slot: str) -> Any:
        return self.initial_accumulator_value

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        slot = self.slot("accumulator", variable)
        accumulator = slot.value + ops.square(gradient)
        slot.assign(accumulator)
        step = learning_rate * gradient / ops.sqrt(accumulator + self.epsilon)
        variable.assign(variable.value - step)


class Adadelta(Optimizer):
    """Steps in the variable's own unit, by running squares of steps (Zeiler, 2012).

    squares = rho · squares + (1 - rho) · gradient²
    step = gradient · √(steps + epsilon) / √(squares + epsilon)
    steps = rho · steps + (1 - rho) · step²
    variable = variable - learning_rate · step
    """

    hyperparameters = ("rho", "epsilon")
    slots = ("accumulated_grad", "accumulated_delta_var")

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7,
        *common: Any, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, *common, **more)
        self.rho, self.epsilon = rho, epsilon

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        rho, epsilon = self.rho, self.epsilon
        squares, steps = (self.slot(name, variable) for name in self.slots)
        squares.assign(settled(rho * squares.value + (1 - rho) * ops.square(gradient)))
        step = (
            ops.sqrt(steps.value + epsilon) * gradient / ops.sqrt(squares.value + epsilon)
        )
        steps.assign(settled(rho * steps.value + (1 - rho) * ops.square(step)))
        variable.assign(variable.value - learning_rate * step)


class Ftrl(Optimizer):
    """Follow the regularized leader: sparse weights (McMahan et al., 2013).

    accumulator' = accumulator + gradient²
    sigma = (accumulator'^-power - accumulator^-power) / learning_rate
    linear = linear + gradient - sigma · variable
    variable = (clip(linear, -l1, l1) - linear) / (accumulator'^-power / rate + 2 l2)
    """

    hyperparameters = (
        "learning_rate_power", "initial_accumulator_value", "l1_regularization_strength",
        "l2_regularization_strength", "l2_shrinkage_regularization_strength", "beta",
    )  # fmt: skip
    slots = ("accumulator", "linear")

    def __init__(
        self, learning_rate: Any = 0.001, learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1, l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0, beta: float = 0.0,
        *common: Any, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, *common, **more)
        self.learning_rate_power, self.beta = learning_rate_power, beta
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self._check()

    def _check(self) -> None:
        for name in self.hyperparameters[1:5]:
            if getattr(self, name) < 0:
                raise ArgumentError(
                    f"Ftrl: `{name}` needs to be positive or zero; received "
                    f"{getattr(self, name)}"
                )
        if self.learning_rate_power > 0:
            raise ArgumentError(
                "Ftrl: `learning_rate_power` needs to be negative or zero; received "
                f"{self.learning_rate_power}"
            )

    def first_of_slot(self, slot: str) -> Any:
        return self.initial_accumulator_value if slot == "accumulator" else "zeros"

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        accumulator, linear = (self.slot(name, variable) for name in self.slots)
        l1 = self.l1_regularization_strength
        l2 = self.l2_regularization_strength + self.beta / (2.0 * learning_rate)
        shrunk = gradient + 2 * self.l2_shrinkage_regularization_strength * variable.value
        sum_of_squares = accumulator.value + ops.square(gradient)
        power = -self.learning_rate_power
        after = ops.power(sum_of_squares, power)
        sigma = (after - ops.power(accumulator.value, power)) / learning_rate
        linear.assign(linear.value + (shrunk - sigma * variable.value))
        quadratic = after / learning_rate + 2 * l2
        variable.assign((ops.clip(linear.value, -l1, l1) - linear.value) / quadratic)
        accumulator.assign(sum_of_squares)
