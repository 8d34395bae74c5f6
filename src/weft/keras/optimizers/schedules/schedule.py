"""Learning rates as functions of the step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from weft import ops
from weft.errors import ArgumentError


class LearningRateSchedule:
    """The base of schedules: subclasses write `__call__(step)` and `get_config`.

    Example:
        >>> from weft.keras.optimizers.schedules import LearningRateSchedule
        >>> class Halved(LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 / 2.0 ** step
        >>> Halved()(1)
        0.05
    """

    hyperparameters: tuple[str, ...] = ()

    def __call__(self, step: Any) -> Any:
        """The learning rate of a step (an int, or an int32 tensor)."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step)")

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make an equal schedule."""
        if not self.hyperparameters:
            raise NotImplementedError(
                f"{type(self).__name__} must define get_config() in order to be saved"
            )
        return {name: getattr(self, name) for name in self.hyperparameters}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A schedule out of its config."""
        return cls(**config)


def _float(step: Any) -> Any:
    return ops.cast(step, "float32")


def _require_steps(who: str, steps: float) -> float:
    if steps <= 0:
        raise ArgumentError(f"{who}: Argument `decay_steps` must be > 0; received {steps}")
    return steps


class ExponentialDecay(LearningRateSchedule):
    """rate · decay_rate^(step / decay_steps); in stairs, if `staircase`."""

    hyperparameters = (
        "initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name",
    )  # fmt: skip

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float,
        staircase: bool = False, name: str = "ExponentialDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_rate = initial_learning_rate, decay_rate
        self.decay_steps = _require_steps("ExponentialDecay", decay_steps)
        self.staircase, self.name = staircase, name

    def __call__(self, step: Any) -> Any:
        periods = _float(step) / float(self.decay_steps)
        periods = ops.floor(periods) if self.staircase else periods
        return self.initial_learning_rate * ops.power(float(self.decay_rate), periods)


class InverseTimeDecay(LearningRateSchedule):
    """rate / (1 + decay_rate · step / decay_steps); in stairs, if `staircase`."""

    hyperparameters = (
        "initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name",
    )  # fmt: skip

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float,
        staircase: bool = False, name: str = "InverseTimeDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_rate = initial_learning_rate, decay_rate
        self.decay_steps = _require_steps("InverseTimeDecay", decay_steps)
        self.staircase, self.name = staircase, name

    def __call__(self, step: Any) -> Any:
        periods = _float(step) / float(self.decay_steps)
        periods = ops.floor(periods) if self.staircase else periods
        return self.initial_learning_rate / (1.0 + self.decay_rate * periods)


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] up to step boundaries[i], the last value after the last boundary."""

    hyperparameters = ("boundaries", "values", "name")

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float],
        name: str = "PiecewiseConstant",
    ) -> None:  # fmt: skip
        if len(boundaries) != len(values) - 1:
            raise ArgumentError(
                "PiecewiseConstantDecay: one value more than boundaries is needed; received "
                f"{len(boundaries)} boundaries and {len(values)} values"
            )
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step: Any) -> Any:
        step = _float(step)
        rate = ops.convert_to_tensor(float(self.values[-1]))
        # From the last to the first, so that the first boundary that holds wins.
        for boundary, value in reversed(list(zip(self.boundaries, self.values))):
            rate = ops.where(step <= float(boundary), float(value), rate)
        return rate


class PolynomialDecay(LearningRateSchedule):
    """From one rate to another along (1 - step / decay_steps)^power, in cycles if asked."""

    hyperparameters = (
        "initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name",
    )  # fmt: skip

    def __init__(
        self, initial_learning_rate: float, decay_steps: int,
        end_learning_rate: float = 0.0001, power: float = 1.0, cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.end_learning_rate = (
            initial_learning_rate,
            end_learning_rate,
        )
        self.decay_steps = _require_steps("PolynomialDecay", decay_steps)
        self.power, self.cycle, self.name = power, cycle, name

    def __call__(self, step: Any) -> Any:
        step, length = _float(step), float(self.decay_steps)
        if self.cycle:
            # At least one period, so that step 0 does not divide by zero.
            periods = ops.where(ops.equal(step, 0.0), 1.0, ops.ceil(step / length))
            done = step / (length * periods)
        else:
            done = ops.minimum(step, length) / length
        span = self.initial_learning_rate - self.end_learning_rate
        return span * ops.power(1.0 - done, float(self.power)) + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """A half wave of the cosine down to alpha · rate, after a linear warm-up if asked.

    Source: Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts", 2016.
    """

    hyperparameters = (
        "initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target",
        "warmup_steps",
    )  # fmt: skip

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, alpha: float = 0.0,
        name: str = "CosineDecay", warmup_target: float | None = None, warmup_steps: int = 0,
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.alpha = initial_learning_rate, alpha
        self.decay_steps = _require_steps("CosineDecay", decay_steps)
        self.warmup_target, self.warmup_steps, self.name = warmup_target, warmup_steps, name

    def __call__(self, step: Any) -> Any:
        step = _float(step)
        if self.warmup_target is None:
            return self._decayed(step, self.initial_learning_rate)
        warm = float(self.warmup_steps)
        climb = self.warmup_target - self.initial_learning_rate
        rising = climb * (step / warm if warm else 1.0) + self.initial_learning_rate
        falling = self._decayed(step - warm, self.warmup_target)
        return ops.where(step < warm, rising, falling)

    def _decayed(self, step: Any, rate: float) -> Any:
        done = ops.clip(step / float(self.decay_steps), 0.0, 1.0)
        wave = 0.5 * (1.0 + ops.cos(math.pi * done))
        return rate * ((1.0 - self.alpha) * wave + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Half waves of the cosine, each `t_mul` times as long and `m_mul` times as high.

    Source: Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts", 2016.
    """

    hyperparameters = (
        "initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name",
    )  # fmt: skip

    def __init__(
        self, initial_learning_rate: float, first_decay_steps: int, t_mul: float = 2.0,
        m_mul: float = 1.0, alpha: float = 0.0, name: str = "SGDRDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.alpha, self.name = (
            initial_learning_rate,
            alpha,
            name,
        )
        self.first_decay_steps = _require_steps("CosineDecayRestarts", first_decay_steps)
        self.t_mul, self.m_mul = t_mul, m_mul

    def __call__(self, step: Any) -> Any:
        done = _float(step) / float(self.first_decay_steps)
        if self.t_mul == 1.0:
            restarts = ops.floor(done)
            done = done - restarts
        else:
            # Restart i begins at (t_mul^i - 1) / (t_mul - 1) first periods.
            grown = 1.0 - done * (1.0 - self.t_mul)
            restarts = ops.floor(ops.log(grown) / math.log(self.t_mul))
            length = ops.power(float(self.t_mul), restarts)
            done = (done - (1.0 - length) / (1.0 - self.t_mul)) / length
        height = ops.power(float(self.m_mul), restarts)
        wave = 0.5 * height * (1.0 + ops.cos(math.pi * done))
        return self.initial_learning_rate * ((1.0 - self.alpha) * wave + self.alpha)
