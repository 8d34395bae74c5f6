"""Loss: a number per sample, weighted, masked and reduced to what training minimises."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from weft import config, ops, tree
from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.dtypes import canonical
from weft.errors import ArgumentError
from weft.keras import dtype_policies
from weft.keras.backend.names import auto_name
from weft.keras.utils.serialization import deserialize_keras_object, serialize_keras_object

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


class Loss:
    """The base of losses: subclasses write `call(y_true, y_pred)`, one number per sample.

    Args:
        name: shown in logs.
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of samples),
            "mean_with_sample_weight" (over the sum of weights), "sum", or "none".
        dtype: in which to compute; `floatx()` by default.

    Example:
        >>> from weft import ops
        >>> from weft.keras.losses import Loss
        >>> class Squares(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.mean(ops.square(y_pred - y_true), axis=-1)
        >>> float(Squares()([[0.0]], [[2.0]]))
        4.0
    """

    keeps_labels = False
    """Whether integer labels stay integers, because they name classes."""

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        if reduction not in REDUCTIONS:
            raise ArgumentError(
                f"{type(self).__name__}: reduction must be one of {REDUCTIONS}; received "
                f"{reduction!r}"
            )
        self.name = name or auto_name(type(self).__name__)
        self.reduction = reduction
        self._dtype = canonical(compute_dtype(dtype))

    @property
    def dtype(self) -> str:
        """The dtype in which it computes."""
        return self._dtype.name

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One loss per sample, not reduced."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred)")

    def mask(self, y_true: Any, y_pred: Any, losses: Any) -> Any:
        """Which losses count, beside the mask of the prediction; None: all."""
        return None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        mask = mask_of(y_pred)
        y_pred = each(lambda x: ops.cast(x, self._dtype), y_pred)
        y_true = each(self._converted, y_true)
        losses = ops.convert_to_tensor(self.call(y_true, y_pred), self._dtype)
        own = self.mask(y_true, y_pred, losses)
        if own is not None:
            mask = own if mask is None else ops.logical_and(mask, own)
        weight = weight_and_mask(sample_weight, mask, self._dtype, self.reduction)
        return reduced(losses, weight, self.reduction)

    def _converted(self, y: Any) -> Any:
        y = ops.convert_to_tensor(y)
        if self.keeps_labels and y.dtype.is_integer:
            return y
        return ops.cast(y, self._dtype)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make an equal loss."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A loss out of its config."""
        return cls(**config)


class LossFunctionWrapper(Loss):
    """A loss out of a function of `(y_true, y_pred, **kwargs)`."""

    def __init__(
        self, fn: Callable, reduction: str | None = "sum_over_batch_size",
        name: str | None = None, dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn, self._fn_kwargs = fn, kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The function's losses, after ranks that differ by a last axis of 1 were matched."""
        if not isinstance(y_true, dict | list | tuple) and not isinstance(y_pred, dict):
            y_true, y_pred = same_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **self._fn_kwargs}
        # The named losses know their function; only a free one has to be written down.
        if type(self) is LossFunctionWrapper:
            config["fn"] = serialize_keras_object(self.fn)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**with_function(config))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({getattr(self.fn, '__name__', self.fn)})>"


# -- helpers -----------------------------------------------------------------------------


def arguments_of(values: dict[str, Any]) -> dict[str, Any]:
    """A constructor's arguments by name, out of its `locals()`."""
    others = ("self", "__class__")
    return {name: value for name, value in values.items() if name not in others}


def with_function(config: dict[str, Any]) -> dict[str, Any]:
    """The config with its function, where it was written down as `fn`."""
    fn = config.get("fn")
    if isinstance(fn, str):
        fn = {"class_name": "function", "config": fn}
    return config if fn is None else {**config, "fn": deserialize_keras_object(fn)}


def compute_dtype(dtype: Any) -> Any:
    """The dtype to compute in: of a policy its compute dtype, `floatx()` for None."""
    return config.floatx() if dtype is None else dtype_policies.get(dtype).compute_dtype


def each(convert: Callable, y: Any) -> Any:
    """`convert` applied to each tensor of a structure; lists of numbers are one tensor."""
    if not tree.is_container(y):
        return convert(y)
    is_structure = isinstance(y, dict) or any(
        isinstance(leaf, Tensor | Variable | np.ndarray) for leaf in tree.leaves(y)
    )
    return tree.map(convert, y) if is_structure else convert(ops.convert_to_tensor(y))


def mask_of(y_pred: Any) -> Any:
    """The mask that layers attached to a prediction, or None."""
    # Without that module loaded, no layer can have attached one.
    calling = sys.modules.get("weft.keras.layers.calling")
    if calling is None or tree.is_container(y_pred):
        return None
    return calling.get_keras_mask(y_pred)


def same_rank(x1: Any, x2: Any, expand_rank_1: bool = True) -> tuple[Any, Any]:
    """Add or drop a last axis of extent 1 where ranks differ by one."""
    if len(x1.shape) == len(x2.shape) + 1 and x1.shape[-1] == 1:
        if len(x2.shape) == 1 and expand_rank_1:
            return x1, ops.expand_dims(x2, -1)
        return ops.squeeze(x1, -1), x2
    if len(x2.shape) == len(x1.shape) + 1 and x2.shape[-1] == 1:
        if len(x1.shape) == 1 and expand_rank_1:
            return ops.expand_dims(x1, -1), x2
        return x1, ops.squeeze(x2, -1)
    return x1, x2


def weight_and_mask(
    sample_weight: Any, mask: Any, dtype: Any, reduction: str | None
) -> Any:
    """One weight out of both; None where there is neither.

    Where the loss will be divided by the number of samples, masked ones must not count: the
    others weigh total / valid.
    """
    if sample_weight is not None:
        sample_weight = ops.cast(ops.convert_to_tensor(sample_weight), dtype)
    if mask is None:
        return sample_weight
    weight = ops.cast(ops.convert_to_tensor(mask), dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        total = float(np.prod(weight.shape))
        weight = weight * ops.divide_no_nan(total, ops.sum(weight))
    if sample_weight is None:
        return weight
    weight, sample_weight = same_rank(weight, sample_weight)
    return sample_weight * weight


def reduced(losses: Any, weight: Any, reduction: str | None) -> Any:
    """Losses times weights, reduced to one number unless reduction is "none"."""
    if weight is not None:
        losses, weight = same_rank(losses, weight)
        losses = losses * weight
    if reduction in (None, "none") or losses.shape in ((), (0,)):
        return losses
    total = ops.sum(losses)
    if reduction not in _MEANS:
        return total
    if reduction == "mean_with_sample_weight" and weight is not None:
        return ops.divide_no_nan(total, ops.sum(weight))
    count = float(np.prod(losses.shape))
    return total / count if count else ops.zeros_like(total)
