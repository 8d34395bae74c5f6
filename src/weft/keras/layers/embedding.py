"""Embedding: vectors looked up by number; and Masking."""

from __future__ import annotations

from typing import Any

from weft import ops
from weft.core.tensor import Tensor
from weft.errors import ArgumentError
from weft.keras import ops as symbolic_ops
from weft.keras.layers.layer import Layer
from weft.keras.layers.settings import add_weight, take


class Embedding(Layer):
    """Numbers 0 … input_dim - 1 as learned vectors.

    Args:
        input_dim: how many numbers there are.
        output_dim: the length of a vector.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: as in Dense.
        mask_zero: whether 0 stands for nothing, and is masked in the layers that follow.
        weights: an array of first values, (input_dim, output_dim).

    Shapes: (…) integers → (…, output_dim).

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.Embedding(10, 3)(keras.ops.array([[1, 2]])).shape
        (1, 2, 3)
    """

    embeddings_initializer: Any
    mask_zero: bool

    settings: tuple[str, ...] = (
        "input_dim", "output_dim", "embeddings_initializer", "embeddings_regularizer",
        "activity_regularizer", "embeddings_constraint", "mask_zero",
    )  # fmt: skip

    def __init__(
        self, input_dim: int, output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False, weights: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        input_length = kwargs.pop("input_length", None)  # Keras 2's; shapes are known now.
        if input_length is not None:
            kwargs.setdefault("input_shape", (input_length,))
        super().__init__(**kwargs)
        for name, value in (("input_dim", input_dim), ("output_dim", output_dim)):
            if not hasattr(value, "__index__") or value <= 0:
                raise ArgumentError(
                    f"Embedding: {name} must be a positive int; received {value!r}"
                )
        take(self, locals())
        self.input_dim, self.output_dim = int(input_dim), int(output_dim)
        self.supports_masking = mask_zero
        self.autocast = False
        self._first_weights = weights

    @property
    def _makes_masks(self) -> bool:  # type: ignore[override]
        return self.mask_zero

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = add_weight(self, "embeddings", (self.input_dim, self.output_dim))
        if self._first_weights is not None:
            values = self._first_weights
            is_list = isinstance(values, list | tuple) and len(values) == 1
            self.embeddings.assign(values[0] if is_list else values)

    def call(self, inputs: Any) -> Tensor:
        if not inputs.dtype.is_integer:
            inputs = ops.cast(inputs, "int32")
        vectors = ops.take(self.embeddings.value, inputs, axis=0)
        return ops.cast(vectors, self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return symbolic_ops.not_equal(inputs, 0) if self.mask_zero else None


class ReversibleEmbedding(Embedding):
    """An Embedding that can also score vectors against its numbers: `reverse=True`.

    Args:
        tie_weights: whether scores use the embeddings themselves.
        reverse_dtype: the dtype in which scores are computed.
        logit_soft_cap: scores are kept in ±cap by `cap · tanh(scores / cap)`.
    """

    settings = (*Embedding.settings, "tie_weights", "reverse_dtype", "logit_soft_cap")

    def __init__(
        self, input_dim: int, output_dim: int, tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False, reverse_dtype: Any = None,
        logit_soft_cap: float | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            **kwargs,
        )
        self.tie_weights, self.reverse_dtype = tie_weights, reverse_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, inputs_shape: Any = None) -> None:
        super().build(inputs_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                name="reverse_embeddings",
                shape=(self.output_dim, self.input_dim),
                initializer=self.embeddings_initializer,
            )

    def call(self, inputs: Any, reverse: bool = False) -> Tensor:
        if not reverse:
            return super().call(inputs)
        dtype = self.reverse_dtype or self.compute_dtype
        tied = self.tie_weights
        kernel = (
            ops.transpose(self.embeddings.value) if tied else self.reverse_embeddings.value
        )
        logits = ops.matmul(ops.cast(inputs, dtype), ops.cast(kernel, dtype))
        cap = self.logit_soft_cap
        return logits if cap is None else cap * ops.tanh(logits / cap)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return super().compute_mask(inputs, mask) if inputs.dtype.is_integer else mask


class Masking(Layer):
    """Masks steps whose features are all `mask_value`.

    Shapes: (batch, steps, features), unchanged; masked steps become 0.
    """

    settings = ("mask_value",)
    supports_masking = True
    _makes_masks = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self._build_at_init()

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return symbolic_ops.any(symbolic_ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Tensor:
        kept = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return inputs * ops.cast(kept, inputs.dtype)
