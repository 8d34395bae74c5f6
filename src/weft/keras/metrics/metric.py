"""Metric: variables that add up what batches show, and a result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weft import ops
from weft.core.variable import Variable
from weft.dtypes import canonical
from weft.keras.backend.names import auto_name
from weft.keras.losses.loss import compute_dtype
from weft.keras.training.variables import make_variable


class Metric:
    """The base of metrics: subclasses make variables, and write `update_state` and `result`.

    Args:
        dtype: in which to compute; `floatx()` by default.
        name: shown in logs.

    Example:
        >>> from weft import ops
        >>> from weft.keras.metrics import Metric
        >>> class Largest(Metric):
        ...     def __init__(self, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.largest = self.add_variable((), "zeros", name="largest")
        ...     def update_state(self, values):
        ...         self.largest.assign(ops.maximum(self.largest, ops.max(values)))
        ...     def result(self):
        ...         return self.largest.value
        >>> float(Largest()([1.0, 3.0]))
        3.0
    """

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self._dtype = canonical(compute_dtype(dtype))
        self._own_variables: list[Variable] = []
        self._metrics: list[Metric] = []

    def __setattr__(self, name: str, value: Any) -> None:
        # Metrics inside of metrics count their variables as own.
        if isinstance(value, Metric) and hasattr(self, "_metrics"):
            self._metrics.append(value)
        super().__setattr__(name, value)

    @property
    def dtype(self) -> str:
        """The dtype in which it computes."""
        return self._dtype.name

    @property
    def variables(self) -> list[Variable]:
        """Its variables, and those of metrics inside of it."""
        inner = [variable for metric in self._metrics for variable in metric.variables]
        return [*self._own_variables, *inner]

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any,
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """A variable of this metric, in which it keeps its state."""
        path = f"{self.name}/{name}" if name else None
        variable = make_variable(shape, initializer, dtype or self._dtype, name, path)
        self._own_variables.append(variable)
        return variable

    def add_weight(
        self, shape: Sequence[int] = (), initializer: Any = None, dtype: Any = None,
        name: str | None = None,
    ) -> Variable:  # fmt: skip
        """`add_variable` with defaults."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def reset_state(self) -> None:
        """Begin anew."""
        for variable in self.variables:
            variable.set_zeros()

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take a batch in."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state(…)")

    def result(self) -> Any:
        """The value of all that was taken in."""
        raise NotImplementedError(f"{type(self).__name__} must define result()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    # -- without changing the variables --------------------------------------------

    def _with_values(self, values: Sequence[Any], use: Any) -> Any:
        own = self.variables
        before = [variable.value for variable in own]
        try:
            for variable, value in zip(own, values):
                variable.assign(value)
            return use()
        finally:
            for variable, value in zip(own, before):
                variable.assign(value)

    def _values(self) -> list:
        return [variable.value for variable in self.variables]

    def stateless_update_state(
        self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any
    ) -> list:
        """The values of variables after an update that began with the given ones."""

        def update() -> list:
            self.update_state(*args, **kwargs)
            return self._values()

        return self._with_values(metric_variables, update)

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """The result for given values of the variables."""
        return self._with_values(metric_variables, self.result)

    def stateless_reset_state(self) -> list:
        """The values of variables with which it begins."""

        def reset() -> list:
            self.reset_state()
            return self._values()

        return self._with_values(self._values(), reset)

    # -- configs -------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make an equal metric."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A metric out of its config."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"

    __str__ = __repr__


def as_float(x: Any, dtype: Any) -> Any:
    """A tensor of the metric's dtype."""
    return ops.cast(ops.convert_to_tensor(x), dtype)
