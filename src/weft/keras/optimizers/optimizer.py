"""Optimizer: applies gradients to variables; its subclasses are rules of one step.

What all share is here: learning rates and schedules, clipping, weight decay, accumulation of
gradients, moving averages of weights, loss scaling. A rule is plain elementwise mathematics on
(variable, slots, gradient), so that the compiler can fuse it into what makes the gradient.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from weft import ops
from weft.core.variable import Variable
from weft.errors import ArgumentError, ArgumentTypeError, warn
from weft.function.control import cond
from weft.keras.backend.names import auto_name
from weft.keras.optimizers.schedules.schedule import LearningRateSchedule
from weft.keras.training.variables import make_variable

_COMMON = (
    "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "ema_momentum",
    "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps",
)  # fmt: skip


class Optimizer:
    """The base of optimizers: subclasses write `update_step(gradient, variable, learning_rate)`.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        weight_decay: each step takes `weight_decay * learning_rate` of a variable away.
        clipnorm: the largest norm of each gradient.
        clipvalue: the largest absolute value in gradients.
        global_clipnorm: the largest norm of all gradients together.
        use_ema: whether to keep moving averages of variables.
        ema_momentum: how slowly they move.
        ema_overwrite_frequency: after how many steps variables take their averages; None:
            at the end of `fit`.
        loss_scale_factor: multiplies the loss, and divides gradients, against underflow.
        gradient_accumulation_steps: how many gradients make one update.
        name: shown in configs and in names of variables.

    Example:
        >>> import weft
        >>> from weft.keras.optimizers import SGD
        >>> v = weft.Variable([1.0, 2.0])
        >>> optimizer = SGD(learning_rate=0.5)
        >>> optimizer.apply_gradients([([1.0, 1.0], v)])
        >>> v.numpy().tolist()
        [0.5, 1.5]
    """

    hyperparameters: tuple[str, ...] = ()
    """Names of the rule's own arguments, which are attributes and part of the config."""

    slots: tuple[str, ...] = ()
    """What the rule keeps for each variable, with the variable's shape, zeros at first."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _spell_signature(cls)

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        who = type(self).__name__
        _refuse_unknown(who, kwargs)
        self.name = name or auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue = clipnorm, clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        _check_common(who, self)
        self.built = False
        self._variables: list[Variable] = []
        self._trainable_variables: list[Variable] = []
        self._index: dict[int, int] = {}
        self._slots: dict[str, list] = {}
        self._averages: list[Variable] = []
        self._accumulated: list[Variable] = []
        self._no_decay: set[int] = set()
        self._no_decay_names: list[str] = []
        self._iterations = self.add_variable((), dtype="int32", name="iteration")
        self._learning_rate: Any = None
        self._take_learning_rate(learning_rate)

    # -- variables -----------------------------------------------------------------

    @property
    def variables(self) -> list[Variable]:
        """Iterations, learning rate and slots, in the order in which they were made."""
        return list(self._variables)

    @property
    def iterations(self) -> Any:
        """How many updates were made."""
        if self.gradient_accumulation_steps:
            return ops.floor_divide(self._iterations, self.gradient_accumulation_steps)
        return self._iterations

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A variable of this optimizer; it is saved with it."""
        path = f"{self.name}/{name}" if name else None
        variable = make_variable(shape, initializer, dtype, name, path)
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Any, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A variable with the shape and dtype of another one, for a rule's slot."""
        path = getattr(reference_variable, "path", None) or reference_variable.name
        return self.add_variable(
            reference_variable.shape,
            initializer,
            reference_variable.dtype,
            name=f"{path.replace('/', '_')}_{name or 'optimizer'}",
        )

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Any], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """One or more slots for each variable: lists in the order of the variables."""
        names = [name] if isinstance(name, str) else list(name)
        several = isinstance(initializer, list | tuple)
        firsts = list(initializer) if several else [initializer] * len(names)
        made: list[list[Variable]] = [[] for _ in names]
        for variable in trainable_variables:
            for slot, one, first in zip(made, names, firsts):
                slot.append(self.add_variable_from_reference(variable, one, first))
        return made[0] if isinstance(name, str) else tuple(made)

    def build(self, variables: Sequence[Any]) -> None:
        """Make what is kept for each of these variables."""
        if self.built:
            return
        self._trainable_variables = list(variables)
        self._index = {id(v): i for i, v in enumerate(self._trainable_variables)}
        if self.use_ema:
            self._averages = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._accumulated = self.add_optimizer_variables(
                variables, "gradient_accumulator"
            )
        if self.slots:
            made = self.add_optimizer_variables(
                variables, self.slots, [self.first_of_slot(slot) for slot in self.slots]
            )
            self._slots = dict(zip(self.slots, made))
        self.built = True

    def first_of_slot(self, slot: str) -> Any:
        """The initializer of a slot."""
        return "zeros"

    def _get_variable_index(self, variable: Any) -> int:
        return self._index[id(variable)]

    def slot(self, name: str, variable: Any) -> Variable:
        """What is kept under this name for a variable."""
        return self._slots[name][self._index[id(variable)]]

    def assign(self, variable: Any, value: Any) -> None:
        """Give a variable a new value."""
        variable.assign(value)

    def assign_add(self, variable: Any, value: Any) -> None:
        """Add to a variable."""
        variable.assign(variable.value + value)

    def assign_sub(self, variable: Any, value: Any) -> None:
        """Subtract from a variable."""
        variable.assign(variable.value - value)

    # -- learning rate -------------------------------------------------------------

    @property
    def learning_rate(self) -> Any:
        """A variable, or what the schedule gives now."""
        if isinstance(self._learning_rate, LearningRateSchedule):
            return self._learning_rate(self._iterations)
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        return self._learning_rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        is_value = not isinstance(value, LearningRateSchedule) and not callable(value)
        if is_value and isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(_checked_rate(type(self).__name__, value))
            return
        if isinstance(self._learning_rate, Variable):
            old = self._learning_rate
            self._variables = [v for v in self._variables if v is not old]
        self._take_learning_rate(value)

    lr = learning_rate

    def _take_learning_rate(self, value: Any) -> None:
        is_variable = isinstance(value, Variable)
        if isinstance(value, LearningRateSchedule) or (callable(value) and not is_variable):
            self._learning_rate = value
            return
        rate = _checked_rate(type(self).__name__, value)
        self._learning_rate = self.add_variable((), rate, "float32", name="learning_rate")

    # -- one step ------------------------------------------------------------------

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Apply one gradient to one variable."""
        raise NotImplementedError(
            f"{type(self).__name__} must define update_step(gradient, variable, learning_rate)"
        )

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]]) -> None:
        """Apply pairs of (gradient, variable).

        Raises:
            ArgumentError: if there are none, or a variable is not known to this optimizer.
        """
        pairs = list(grads_and_vars)
        gradients = [gradient for gradient, _ in pairs]
        self.apply(gradients, [variable for _, variable in pairs])

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        """Apply gradients to variables, by default to those it was built with."""
        if len(grads) == 0:
            return
        if trainable_variables is None:
            trainable_variables = self._require_built(len(grads))
        else:
            trainable_variables = list(trainable_variables)
            if not self.built:
                self.build(trainable_variables)
            self._require_known(trainable_variables)
        grads, variables = _with_gradients(self.name, grads, trainable_variables)
        if not grads:
            return
        grads = [ops.convert_to_tensor(gradient) for gradient in grads]
        if self.loss_scale_factor is not None:
            grads = [gradient / self.loss_scale_factor for gradient in grads]
        if self.gradient_accumulation_steps:
            self._accumulate(grads, variables)
        else:
            self._update(grads, variables)
        if self.use_ema:
            self._update_averages()
        for variable in variables:
            if getattr(variable, "constraint", None) is not None:
                variable.assign(variable.constraint(variable.value))
        self._iterations.assign_add(1)

    def _update(self, grads: Sequence[Any], variables: Sequence[Any]) -> None:
        grads = self._clip(grads)
        self._apply_weight_decay(variables)
        self.update_all(grads, variables, self.learning_rate)

    def update_all(
        self, grads: Sequence[Any], variables: Sequence[Any], learning_rate: Any
    ) -> None:
        """One step of every variable."""
        for gradient, variable in zip(grads, variables):
            rate = ops.cast(learning_rate, variable.dtype)
            self.update_step(ops.cast(gradient, variable.dtype), variable, rate)

    def _accumulate(self, grads: Sequence[Any], variables: Sequence[Any]) -> None:
        """Add gradients up; every so many steps apply their mean."""
        steps = self.gradient_accumulation_steps
        sums = [self._accumulated[self._get_variable_index(v)] for v in variables]

        def update() -> None:
            means = [(total.value + g) / steps for total, g in zip(sums, grads)]
            self._update(means, variables)
            for total in sums:
                total.assign(ops.zeros_like(total.value))

        def add() -> None:
            for total, gradient in zip(sums, grads):
                total.assign_add(gradient)

        cond(ops.equal((self._iterations.value + 1) % steps, 0), update, add)

    # -- clipping, decay, averages -------------------------------------------------

    def _clip(self, grads: Sequence[Any]) -> list:
        if self.clipnorm and self.clipnorm > 0:
            return [clip_by_norm(gradient, self.clipnorm) for gradient in grads]
        if self.global_clipnorm and self.global_clipnorm > 0:
            return clip_by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue and self.clipvalue > 0:
            return [
                ops.clip(gradient, -self.clipvalue, self.clipvalue) for gradient in grads
            ]
        return list(grads)

    def exclude_from_weight_decay(
        self, var_list: Iterable[Any] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Leave variables alone, given themselves or by regular expressions of names.

        Raises:
            ArgumentError: once the optimizer is built.
        """
        if self.built:
            raise ArgumentError(
                f"{self.name}: exclude_from_weight_decay must be called before the "
                "optimizer is built by its first step"
            )
        self._no_decay |= {id(variable) for variable in var_list or ()}
        self._no_decay_names += list(var_names or ())

    def _use_weight_decay(self, variable: Any) -> bool:
        if id(variable) in self._no_decay:
            return False
        return not any(re.search(name, variable.name) for name in self._no_decay_names)

    def decay_of(self, variable: Any) -> float | None:
        """The weight decay of a variable; None for none."""
        return self.weight_decay

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        for variable in variables:
            decay = self.decay_of(variable)
            if decay is None or not self._use_weight_decay(variable):
                continue
            rate = ops.cast(self.learning_rate, variable.dtype)
            variable.assign(variable.value - variable.value * decay * rate)

    def _update_averages(self) -> None:
        updates = ops.convert_to_tensor(self.iterations)
        is_first = ops.equal(updates, 0)
        for variable, average in zip(self._trainable_variables, self._averages):
            moved = self.ema_momentum * average.value
            moved = moved + (1.0 - self.ema_momentum) * variable.value
            average.assign(ops.where(is_first, variable.value, moved))
            if self.ema_overwrite_frequency:
                steps = (updates + 1) % self.ema_overwrite_frequency
                chosen = ops.where(ops.equal(steps, 0), average.value, variable.value)
                variable.assign(chosen)

    def finalize_variable_values(self, var_list: Iterable[Any]) -> None:
        """Give variables their moving averages, at the end of training."""
        if not self.use_ema or not self.built:
            return
        for variable in var_list:
            variable.assign(self._averages[self._get_variable_index(variable)].value)

    # -- loss scaling, stateless use -----------------------------------------------

    def scale_loss(self, loss: Any) -> Any:
        """The loss whose gradients `apply` expects."""
        if self.loss_scale_factor is None:
            return loss
        return loss * self.loss_scale_factor

    def stateless_apply(
        self, optimizer_variables: Sequence, grads: Sequence, trainable_variables: Sequence
    ) -> tuple[list, list]:
        """New values of trainable and optimizer variables for given ones.

        The optimizer must be built; its own variables keep their values.
        """
        self._require_built(len(grads))
        own = [*self._trainable_variables, *self._variables]
        before = [variable.value for variable in own]
        try:
            for variable, value in zip(own, [*trainable_variables, *optimizer_variables]):
                variable.assign(value)
            self.apply(grads)
            after = [variable.value for variable in own]
        finally:
            for variable, value in zip(own, before):
                variable.assign(value)
        count = len(self._trainable_variables)
        return after[:count], after[count:]

    # -- saving --------------------------------------------------------------------

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give all variables of the optimizer these values."""
        if len(weights) != len(self._variables):
            raise ArgumentError(
                f"{self.name}: set_weights needs one value per variable; received "
                f"{len(weights)} for {len(self._variables)}; build the optimizer first"
            )
        for variable, weight in zip(self._variables, weights):
            variable.assign(weight)

    def save_own_variables(self, store: Any) -> None:
        """Put the values into a mapping, under their positions."""
        for position, variable in enumerate(self._variables):
            store[str(position)] = variable.numpy()

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Take the values from such a mapping."""
        if len(store.keys()) != len(self._variables):
            warn(
                f"{self.name}: the file has {len(store.keys())} variables, the optimizer "
                f"{len(self._variables)}; its state was not loaded",
            )
            return
        for position, variable in enumerate(self._variables):
            variable.assign(np.asarray(store[str(position)]))

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make an equal optimizer."""
        config: dict[str, Any] = {"name": self.name, "learning_rate": self._rate_config()}
        config |= {name: getattr(self, name) for name in _COMMON}
        return config | {name: getattr(self, name) for name in self.hyperparameters}

    def _rate_config(self) -> Any:
        rate = self._learning_rate
        if isinstance(rate, Variable):
            return float(rate.numpy())
        if isinstance(rate, LearningRateSchedule):
            from weft.keras.optimizers import schedules

            return schedules.serialize(rate)
        return getattr(rate, "__name__", 0.5)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """An optimizer out of its config."""
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            from weft.keras.optimizers import schedules

            config["learning_rate"] = schedules.deserialize(
                config["learning_rate"], custom_objects
            )
        return cls(**config)

    # -- checks --------------------------------------------------------------------

    def _require_built(self, count: int) -> list:
        if not self.built:
            raise ArgumentError(
                f"{self.name}: it does not know its variables yet; call "
                "optimizer.build(variables), or apply(grads, variables)"
            )
        if count != len(self._trainable_variables):
            raise ArgumentError(
                f"{self.name}: one gradient per variable is needed; received {count} "
                f"gradients for {len(self._trainable_variables)} variables"
            )
        return self._trainable_variables

    def _require_known(self, variables: Sequence[Any]) -> None:
        for variable in variables:
            if id(variable) not in self._index:
                raise ArgumentError(
                    f"{self.name}: Unknown variable {getattr(variable, 'name', variable)!r}: "
                    "the optimizer was built for other variables, and can't be called with "
                    "new ones; make a new optimizer (compile the model again)"
                )


# -- helpers -----------------------------------------------------------------------------


def clip_by_norm(x: Any, norm: float) -> Any:
    """`x`, scaled down where its norm is larger than `norm`."""
    square = ops.sum(ops.square(x))
    # sqrt has no derivative at 0; a zero gradient stays zero.
    size = ops.where(square > 0, ops.sqrt(ops.where(square > 0, square, 1.0)), square)
    return x * norm / ops.maximum(size, norm)


def global_norm(xs: Iterable[Any]) -> Any:
    """The norm of all tensors together."""
    total: Any = 0.0
    for x in xs:
        total = total + ops.sum(ops.square(x))
    return ops.sqrt(total)


def clip_by_global_norm(xs: Sequence[Any], norm: float) -> list:
    """All tensors, scaled down where their common norm is larger than `norm`."""
    size = global_norm(xs)
    # size - size is 0, or NaN where the norm is infinite: that must not pass as 0.
    scale = norm * ops.minimum(1.0 / size, 1.0 / norm) + (size - size)
    return [x * ops.cast(scale, x.dtype) for x in xs]


def _with_gradients(name: str, grads: Sequence, variables: Sequence) -> tuple[list, list]:
    """The pairs whose gradient is not None."""
    if len(grads) != len(variables):
        raise ArgumentError(
            f"{name}: one gradient per variable is needed; received {len(grads)} gradients "
            f"for {len(variables)} variables"
        )
    kept = [(g, v) for g, v in zip(grads, variables) if g is not None]
    missing = [v.name for g, v in zip(grads, variables) if g is None]
    if not kept:
        raise ArgumentError(
            f"{name}: No gradients provided for any variable ({', '.join(missing)}): the loss "
            "does not depend on them, or not in a differentiable way"
        )
    if missing:
        warn(
            f"{name}: Gradients do not exist for variables {missing} when minimizing the "
            "loss. If using `model.compile()`, did you forget to provide a `loss` argument?",
        )
    return [g for g, _ in kept], [v for _, v in kept]


def _checked_rate(who: str, value: Any) -> Any:
    if isinstance(value, str) or value is None:
        raise ArgumentTypeError(
            f"{who}: learning_rate must be a number, a schedule or a function; received "
            f"{value!r}"
        )
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value, np.float32)


def _check_common(who: str, optimizer: Any) -> None:
    given = [
        name for name in ("clipnorm", "clipvalue", "global_clipnorm")
        if getattr(optimizer, name) is not None
    ]  # fmt: skip
    if len(given) > 1:
        raise ArgumentError(
            f"{who}: Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set; "
            f"received {' and '.join(given)}"
        )
    steps = optimizer.gradient_accumulation_steps
    if steps is not None and steps < 2:
        raise ArgumentError(
            f"{who}: `gradient_accumulation_steps` must be >= 2; received {steps}; leave it "
            "out to apply every gradient"
        )
    if optimizer.use_ema:
        if not 0 <= optimizer.ema_momentum <= 1:
            raise ArgumentError(
                f"{who}: `ema_momentum` must be in the range [0, 1]; received "
                f"{optimizer.ema_momentum}"
            )
        frequency = optimizer.ema_overwrite_frequency
        if frequency and (not isinstance(frequency, int) or frequency < 1):
            raise ArgumentError(
                f"{who}: `ema_overwrite_frequency` must be an integer >= 1 or None; received "
                f"{frequency}"
            )


def _refuse_unknown(who: str, kwargs: dict) -> None:
    if kwargs.pop("decay", None) is not None:
        warn(
            f"{who}: Argument `decay` is no longer supported and will be ignored; use a "
            "schedule as learning_rate",
        )
    if kwargs:
        raise ArgumentTypeError(
            f"{who}: Argument(s) not recognized: {', '.join(kwargs)}; a learning rate is "
            "learning_rate="
        )


def _spell_signature(cls: Any) -> None:
    """Show `*common, **more` of a rule's constructor as the arguments they stand for."""
    own = inspect.signature(cls.__init__)
    if "common" not in own.parameters:
        return
    base = list(inspect.signature(Optimizer.__init__).parameters.values())[2:]
    named = [p for p in own.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD][1:]
    known = {parameter.name for parameter in named}
    more = [p for p in base if p.name not in known]
    shown = inspect.Signature([next(iter(own.parameters.values())), *named, *more])
    cls.__init__.__signature__ = shown
