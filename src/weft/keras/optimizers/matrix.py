"""Rules that know the axes of a matrix: Adafactor and Muon."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from weft import ops
from weft.errors import ShapeError
from weft.keras.optimizers.means import moved, settled
from weft.keras.optimizers.optimizer import Optimizer


def _root_mean_square(x: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(x)))


class Adafactor(Optimizer):
    """Squares of gradients kept as one row and one column (Shazeer, Stern, 2018).

        r, c = running means of gradient² over the last axis, over the one before it
        v = r · c / mean(r);   for vectors v is the running mean of gradient² itself
        step = gradient / √v, scaled so that its root mean square is at most clip_threshold
        variable = variable - max(epsilon_2, rms(variable)) · rate · step

    With `relative_step` the rate is at most 1 / √t.
    """

    hyperparameters = (
        "beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step",
    )  # fmt: skip

    def __init__(
        self, learning_rate: Any = 0.001, beta_2_decay: float = -0.8, epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3, clip_threshold: float = 1.0, relative_step: bool = True,
        *common: Any, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, *common, **more)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1, self.epsilon_2 = epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def build(self, variables: Sequence[Any]) -> None:
        if self.built:
            return
        super().build(variables)
        made: dict[str, list] = {"row": [], "column": [], "velocity": []}
        for variable in variables:
            shape, name, dtype = variable.shape, variable.name, variable.dtype
            rows, columns = shape[:-1], (*shape[:-2], *shape[-1:])
            if len(shape) < 2:
                # Vectors need neither; Keras's files hold an int in the place of each.
                rows, columns, dtype = (), (), "int32"
            made["row"].append(self.add_variable(rows, dtype=dtype, name=name))
            made["column"].append(self.add_variable(columns, dtype=dtype, name=name))
            made["velocity"].append(self.add_variable_from_reference(variable, "velocity"))
        self._slots |= made

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        step = ops.cast(self.iterations + 1, variable.dtype)
        if self.relative_step and not callable(self._learning_rate):
            learning_rate = ops.minimum(learning_rate, 1 / ops.sqrt(step))
        scale = (
            ops.maximum(self.epsilon_2, _root_mean_square(variable.value)) * learning_rate
        )
        square = ops.square(gradient) + self.epsilon_1
        v = self._velocity(square, variable, 1 - ops.power(step, self.beta_2_decay))
        self.slot("velocity", variable).assign(v)
        update = gradient / ops.sqrt(v)
        size = ops.maximum(1.0, _root_mean_square(update) / self.clip_threshold)
        variable.assign(variable.value - scale * (update / size))

    def _velocity(self, square: Any, variable: Any, beta: Any) -> Any:
        if len(variable.shape) < 2:
            v = self.slot("velocity", variable)
            return beta * v.value + (1 - beta) * square
        row, column = self.slot("row", variable), self.slot("column", variable)
        row.assign(beta * row.value + (1 - beta) * ops.mean(square, axis=-1))
        column.assign(beta * column.value + (1 - beta) * ops.mean(square, axis=-2))
        ratio = row.value / ops.mean(row.value, axis=-1, keepdims=True)
        return ops.expand_dims(ratio, -1) * ops.expand_dims(column.value, -2)


class Muon(Optimizer):
    """Momentum made orthogonal by Newton and Schulz's iteration, for matrices (Jordan, 2024).

    Other variables, and those of excluded layers, take steps of AdamW.

        momentum = momentum · m + gradient
        update = the matrix with singular values near 1 of the same singular vectors
        variable = variable - learning_rate · update · √(larger extent) · rms_rate
    """

    hyperparameters = (
        "adam_beta_1", "adam_beta_2", "adam_weight_decay", "epsilon", "exclude_layers",
        "exclude_embeddings", "muon_a", "muon_b", "muon_c", "adam_lr_ratio", "momentum",
        "ns_steps", "nesterov", "rms_rate",
    )  # fmt: skip

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema,
            ema_momentum, ema_overwrite_frequency, loss_scale_factor,
            gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.adam_beta_1, self.adam_beta_2 = adam_beta_1, adam_beta_2
        self.adam_weight_decay, self.epsilon = adam_weight_decay, epsilon
        self.exclude_layers = list(exclude_layers or [])
        self.exclude_embeddings = exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.adam_lr_ratio, self.momentum = adam_lr_ratio, momentum
        self.ns_steps, self.nesterov, self.rms_rate = ns_steps, nesterov, rms_rate

    def _takes_adam(self, variable: Any) -> bool:
        path = getattr(variable, "path", None) or variable.name
        if len(variable.shape) != 2:
            return True
        if self.exclude_embeddings and "embedding" in path.lower():
            return True
        return any(re.search(layer, path) for layer in self.exclude_layers)

    def build(self, variables: Sequence[Any]) -> None:
        if self.built:
            return
        super().build(variables)
        made: dict[str, list] = {"momentum": [], "velocity": []}
        for variable in variables:
            momentum = self.add_variable_from_reference(variable, "momentum")
            made["momentum"].append(momentum)
            velocity = None
            if self._takes_adam(variable):
                velocity = self.add_variable_from_reference(variable, "velocity")
            made["velocity"].append(velocity)
        self._slots |= made

    def decay_of(self, variable: Any) -> float | None:
        return self.adam_weight_decay if self._takes_adam(variable) else self.weight_decay

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if self.slot("velocity", variable) is not None:
            self._adam_step(gradient, variable, learning_rate * self.adam_lr_ratio)
            return
        slot = self.slot("momentum", variable)
        slot.assign(settled(slot.value + (gradient + slot.value * (self.momentum - 1))))
        ahead = gradient + self.momentum * slot.value if self.nesterov else slot.value
        step = learning_rate * self.zeropower_via_newtonschulz5(ahead, self.ns_steps)
        variable.assign(variable.value - self.lr_adjust(step))

    def lr_adjust(self, x: Any) -> Any:
        """A step scaled so that its root mean square is about `rms_rate`."""
        if self.rms_rate is None:
            return x
        return x * (max(x.shape) ** 0.5 * self.rms_rate)

    def transpose_last_axis(self, x: Any) -> Any:
        """The last two axes exchanged."""
        return ops.swapaxes(x, -1, -2)

    def _adam_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        step = ops.cast(self.iterations + 1, variable.dtype)
        left = 1 - ops.power(self.adam_beta_2, step)
        rate = learning_rate * ops.sqrt(left) / (1 - ops.power(self.adam_beta_1, step))
        m = moved(self.slot("momentum", variable), gradient, self.adam_beta_1)
        v = moved(self.slot("velocity", variable), ops.square(gradient), self.adam_beta_2)
        variable.assign(variable.value - m * rate / (ops.sqrt(v) + self.epsilon))

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """`x` with singular values brought near 1, by `steps` steps of fifth order."""
        if len(x.shape) < 2:
            raise ShapeError(f"Muon: a matrix is needed; received {x.spec}")
        is_tall = x.shape[-2] > x.shape[-1]
        x = self.transpose_last_axis(x) if is_tall else x
        x = x / (ops.sqrt(ops.sum(ops.square(x), axis=(-2, -1), keepdims=True)) + 1e-7)
        for _ in range(steps):
            square = ops.matmul(x, self.transpose_last_axis(x))
            higher = self.muon_b * square + ops.matmul(self.muon_c * square, square)
            x = self.muon_a * x + ops.matmul(higher, x)
        return self.transpose_last_axis(x) if is_tall else x
