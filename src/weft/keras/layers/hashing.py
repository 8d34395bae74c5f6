"""Words and whole numbers in bins, without a vocabulary."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft import dtypes
from weft.core.tensor import Tensor
from weft.errors import ArgumentError
from weft.keras.backend.scopes import in_symbolic_scope
from weft.keras.layers.lookups import require_one_of
from weft.keras.layers.on_host import ENCODINGS, HostLayer, encoded, encoded_shape
from weft.keras.utils.fingerprints import bucket, crossed, fingerprint


class _Bins(HostLayer):
    """A number of bins; which one, or vectors of them."""

    takes_text = True

    def __init__(
        self, num_bins: int, output_mode: str, modes: tuple, sparse: bool, **kwargs: Any
    ) -> None:
        who = type(self).__name__
        if num_bins is None or num_bins <= 0:
            raise ArgumentError(
                f"{who}: `num_bins` cannot be `None` or non-positive values. Received: "
                f"num_bins={num_bins}"
            )
        require_one_of(who, "output_mode", output_mode, modes)
        if sparse:
            raise ArgumentError(f"{who}: weft has dense tensors only; leave `sparse` out")
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if output_mode == "int" else None
        super().__init__(**kwargs)
        self.num_bins, self.output_mode, self.sparse = num_bins, output_mode, False

    def _require_tokens(self, x: Any) -> None:
        is_token = x.dtype is dtypes.string or x.dtype.is_integer
        if not is_token and not in_symbolic_scope():
            raise ArgumentError(
                f"{type(self).__name__} {self.name!r}: inputs must be text or whole "
                f"numbers; received {x.dtype}; cast them first"
            )

    def _result(self, numbers: np.ndarray) -> np.ndarray:
        kind = dtypes.canonical(self.compute_dtype).numpy
        if self.output_mode == "int":
            return numbers.astype(kind)
        return encoded(numbers, self.num_bins, self.output_mode).astype(kind)

    def _result_shape(self, shape: tuple) -> tuple:
        if self.output_mode == "int":
            return shape
        return encoded_shape(shape, self.num_bins, self.output_mode)


class Hashing(_Bins):
    """Words or whole numbers in bins, the same ones on every machine.

    Args:
        num_bins: how many bins there are; with `mask_value`, bin 0 is for that.
        mask_value: the word or number for bin 0; None without.
        salt: an int or two: other words then share a bin.
        output_mode: 'int', or vectors as in `CategoryEncoding`.

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.Hashing(num_bins=5)(["A", "B"]).tolist()
        [4, 3]
    """

    settings = ("num_bins", "salt", "mask_value", "output_mode", "sparse")

    def __init__(
        self, num_bins: int, mask_value: Any = None, salt: Any = None,
        output_mode: str = "int", sparse: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(num_bins, output_mode, ("int", *ENCODINGS), sparse, **kwargs)
        is_pair = isinstance(salt, list | tuple) and len(salt) == 2
        if not (salt is None or isinstance(salt, int) or is_pair):
            raise ArgumentError(
                "The `salt` argument for `Hashing` can only be a tuple of size 2 integers, "
                f"or a single integer. Received: salt={salt}."
            )
        self.mask_value = mask_value
        self.salt = [salt, salt] if isinstance(salt, int) else salt

    def call(self, inputs: Any) -> Tensor:
        self._require_tokens(inputs)
        shape = self._result_shape(inputs.shape)
        return self._on_host(self._hashed, [inputs], shape, self.compute_dtype)

    def _hashed(self, array: np.ndarray) -> np.ndarray:
        has_mask = self.mask_value is not None
        # One bin cannot be shared with the mask's.
        count = self.num_bins - has_mask if self.num_bins > 1 else 1
        mask = self.mask_value.encode() if isinstance(self.mask_value, str) else (
            self.mask_value)  # fmt: skip
        found = [
            0 if has_mask and token == mask
            else bucket(_as_bytes(token), count, self.salt) + has_mask
            for token in array.reshape(-1).tolist()
        ]  # fmt: skip
        return self._result(np.array(found, np.int64).reshape(array.shape))


class HashedCrossing(_Bins):
    """Combinations of several features in bins.

    Args:
        num_bins: how many bins there are.
        output_mode: 'int' or 'one_hot'.

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.HashedCrossing(num_bins=5)
        >>> layer((["A", "B", "A"], [101, 101, 102])).tolist()
        [1, 4, 3]
    """

    settings = ("num_bins", "output_mode", "sparse")

    def __init__(
        self, num_bins: int, output_mode: str = "int", sparse: bool = False,
        name: str | None = None, dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            num_bins, output_mode, ("int", "one_hot"), sparse, name=name, dtype=dtype,
            **kwargs,
        )  # fmt: skip

    def _base_config(self) -> dict:
        return {"name": self.name, "dtype": self.dtype}

    def _as_input(self, value: Any, kind: str | None = None) -> Any:
        if not isinstance(value, list | tuple) or len(value) < 2:
            raise ArgumentError(
                "`HashedCrossing` should be called on a list or tuple of at least two "
                f"inputs. Received: inputs={value}"
            )
        return [HostLayer._as_input(self, one) for one in value]

    def call(self, inputs: Any) -> Tensor:
        for one in inputs:
            self._require_tokens(one)
        first = inputs[0]
        others = [one.shape for one in inputs if one.shape != first.shape]
        if others or len(first.shape) > 2 or (
                len(first.shape) == 2 and first.shape[-1] != 1):  # fmt: skip
            raise ArgumentError(
                "All `HashedCrossing` inputs should have one shape, `()`, `(batch_size)` "
                f"or `(batch_size, 1)`. Received: {[one.shape for one in inputs]}"
            )
        shape = self._result_shape(first.shape)
        return self._on_host(self._crossed, list(inputs), shape, self.compute_dtype)

    def _crossed(self, *arrays: np.ndarray) -> np.ndarray:
        rows = zip(*[array.reshape(-1).tolist() for array in arrays])
        found = [crossed(map(_number, row)) % self.num_bins for row in rows]
        return self._result(np.array(found, np.int64).reshape(arrays[0].shape))


def _as_bytes(token: Any) -> bytes:
    return token if isinstance(token, bytes) else str(token).encode()


def _number(token: Any) -> int:
    return fingerprint(token) if isinstance(token, bytes) else token
