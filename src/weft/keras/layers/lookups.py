"""Words and whole numbers as places in a vocabulary, and back."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from weft.core.tensor import Tensor
from weft.errors import ArgumentError, did_you_mean
from weft.keras.layers.on_host import (
    ENCODINGS,
    HostLayer,
    encoded,
    encoded_shape,
    text_batches,
)
from weft.keras.utils.fingerprints import bucket
from weft.keras.utils.serialization import deserialize_keras_object

MODES = ("int", *ENCODINGS, "tf_idf")
_FILE = "vocabulary.txt"
_IDF = "idf_weights"


class _Known:
    """What is known of tokens: the vocabulary, and what was counted to make it."""

    def __init__(self) -> None:
        self.tokens: list = []
        self.numbers: dict[Any, int] = {}
        self.weights: np.ndarray | None = None
        self.given_tokens: list | None = None
        self.given_weights: list | None = None
        self.size_when_saved: int | None = None
        self.forget_counts()

    def forget_counts(self) -> None:
        self.counts: collections.Counter = collections.Counter()
        self.documents: collections.Counter = collections.Counter()
        self.document_count = 0


def require_one_of(who: str, name: str, value: Any, allowed: tuple) -> None:
    """Raise ArgumentError unless `value` is allowed."""
    if value not in allowed:
        raise ArgumentError(
            f"{who}: Unknown value for `{name}`. Allowed values are: {allowed}. Received: "
            f"{name}={value!r}.{did_you_mean(str(value), [str(one) for one in allowed])}"
        )


class Vocabulary(HostLayer):
    """What layers with a vocabulary have in common: it is given, adapted, saved, loaded."""

    def _table(self) -> Lookup:
        """The lookup that holds the vocabulary."""
        raise NotImplementedError

    def _counted(self, batch: np.ndarray) -> list[list]:
        """The tokens of a batch, row by row."""
        raise NotImplementedError

    @property
    def variable_dtype(self) -> Any:
        return self._input_kind

    @property
    def dtype(self) -> Any:
        """The dtype of the inputs."""
        return self._input_kind

    @property
    def compute_dtype(self) -> Any:
        return self._input_kind

    def adapt(
        self, data: Any, batch_size: int | None = None, steps: int | None = None
    ) -> None:
        """Make the vocabulary of the most frequent tokens in the data.

        Args:
            data: an array or list, or a dataset (or other iterable) of batches of inputs.
            batch_size: taken for compatibility; an array is counted at once.
            steps: how many batches to look at, if not all of them.

        Raises:
            ArgumentError: the vocabulary was given.
        """
        if self._table().is_static:
            raise ArgumentError(
                f"Cannot adapt layer '{self.name}' after setting a static vocabulary via "
                "`vocabulary` argument or `set_vocabulary()` method."
            )
        self.reset_state()
        for batch in text_batches(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forget what was adapted."""
        self._table()._reset()

    def update_state(self, data: Any) -> None:
        """Count the tokens of one batch."""
        batch = self._as_input(data, self._table()._token_kind)._array
        if batch.size:
            self._table()._count(self._counted(batch))

    def finalize_state(self) -> None:
        """Make the vocabulary of what was counted."""
        self._table()._choose()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list:
        """The tokens by their numbers; the first stand for padding and unknown tokens."""
        table = self._table()
        special = table.special_tokens if include_special_tokens else []
        return [*special, *table._known.tokens]

    def vocabulary_size(self) -> int:
        """The number of tokens, with those for padding and unknown tokens."""
        table = self._table()
        known = table._known
        if not known.tokens and known.size_when_saved is not None:
            return known.size_when_saved
        return len(table.special_tokens) + len(known.tokens)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Give the vocabulary: a list or array of tokens, or a file with one in each line.

        Args:
            vocabulary: with or without the tokens for padding and unknown tokens in front.
            idf_weights: for output_mode='tf_idf', the weight of each token.

        Raises:
            ArgumentError: tokens that occur twice, or more than `max_tokens`.
        """
        self._table()._set(vocabulary, idf_weights)
        self._table().is_static = True

    def save_assets(self, dir_path: str) -> None:
        """Write the vocabulary into a folder, unless the config has it."""
        if self._table()._known.given_tokens is None:
            tokens = map(str, self.get_vocabulary())
            (Path(dir_path) / _FILE).write_text("\n".join(tokens), "utf-8")

    def load_assets(self, dir_path: str) -> None:
        """Read what `save_assets` wrote."""
        path = Path(dir_path) / _FILE
        if self._table()._known.given_tokens is None and path.is_file():
            self._table()._load(path.read_text("utf-8").split("\n"))

    def save_own_variables(self, store: Any) -> None:
        weights = self._table()._known.weights
        if weights is not None:
            store[_IDF] = weights

    def load_own_variables(self, store: Any) -> None:
        if _IDF in store:
            self._table()._known.weights = np.asarray(store[_IDF], np.float32)

    @classmethod
    def from_config(cls, config: dict) -> Any:
        config = dict(config)
        size = config.pop("vocabulary_size", None)
        for name in ("standardize", "split"):
            if isinstance(config.get(name), dict):
                config[name] = deserialize_keras_object(config[name])
        if isinstance(config.get("vocabulary"), str):
            # A config may come from anybody: it names no files to read.
            config["vocabulary"] = config["idf_weights"] = None
        layer = cls(**config)
        layer._table()._known.size_when_saved = size
        return layer


class Lookup(Vocabulary):
    """A table of tokens; subclasses say what tokens are."""

    settings: tuple[str, ...] = (
        "invert", "max_tokens", "num_oov_indices", "oov_token", "mask_token", "output_mode",
        "sparse", "pad_to_max_tokens",
    )  # fmt: skip

    def __init__(
        self, max_tokens: int | None, num_oov_indices: int, mask_token: Any, oov_token: Any,
        vocabulary: Any, idf_weights: Any, invert: bool, output_mode: str,
        pad_to_max_tokens: bool, sparse: bool, salt: Any, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        who = type(self).__name__
        output_mode = "multi_hot" if output_mode == "binary" else output_mode
        require_one_of(who, "output_mode", output_mode, MODES)
        if max_tokens is not None and max_tokens <= 1:
            raise ArgumentError(
                f"{who}: If set, `max_tokens` must be greater than 1. Received: "
                f"max_tokens={max_tokens}"
            )
        if pad_to_max_tokens and max_tokens is None:
            raise ArgumentError(
                f"{who}: If pad_to_max_tokens is True, must set `max_tokens`. Received: "
                f"max_tokens={max_tokens}"
            )
        if num_oov_indices < 0:
            raise ArgumentError(
                f"{who}: `num_oov_indices` must be greater than or equal to 0. Received: "
                f"num_oov_indices={num_oov_indices}"
            )
        if invert and output_mode != "int":
            raise ArgumentError(
                f"{who}: `output_mode` must be `'int'` when `invert` is true. Received: "
                f"output_mode={output_mode}"
            )
        if sparse:
            raise ArgumentError(f"{who}: weft has dense tensors only; leave `sparse` out")
        if idf_weights is not None and output_mode != "tf_idf":
            raise ArgumentError(
                f"{who}: `idf_weights` should only be set if `output_mode` is `'tf_idf'`. "
                f"Received: idf_weights={idf_weights} and output_mode={output_mode}"
            )
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert, self.output_mode = invert, output_mode
        self.pad_to_max_tokens, self.sparse = pad_to_max_tokens, False
        self.salt = [salt, salt] if isinstance(salt, int) else salt
        self.is_static = False
        self._known = _Known()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
            if not isinstance(vocabulary, str | os.PathLike):
                self._known.given_tokens = _listed(vocabulary)
                self._known.given_weights = idf_weights and _listed(idf_weights)

    def _table(self) -> Lookup:
        return self

    # -- tokens: the inner form is bytes or int, the outer one str or int -----------------

    def _inner(self, token: Any) -> Any:
        raise NotImplementedError

    def _outer(self, token: Any) -> Any:
        raise NotImplementedError

    def _bucket(self, token: Any) -> int:
        """Which of several numbers an unknown token gets."""
        raise NotImplementedError

    @property
    def _has_mask(self) -> bool:
        return self.mask_token is not None and self.output_mode == "int"

    @property
    def special_tokens(self) -> list:
        """The tokens in front: for padding, and for unknown ones."""
        mask = [self.mask_token] if self._has_mask else []
        return mask + [self.oov_token] * self.num_oov_indices

    # -- the vocabulary ------------------------------------------------------------------

    def _counted(self, batch: np.ndarray) -> list[list]:
        # A value that stands alone is a document of its own.
        rows = batch.reshape(-1, 1) if batch.ndim < 2 else batch.reshape(len(batch), -1)
        return rows.tolist()

    def _reset(self) -> None:
        if not self.is_static:
            self._known.forget_counts()
            self._keep([])

    def _count(self, rows: Iterable[list]) -> None:
        known = self._known
        for row in rows:
            known.counts.update(row)
            known.document_count += 1
            if self.output_mode == "tf_idf":
                known.documents.update(set(row))

    def _choose(self) -> None:
        known = self._known
        if self.is_static or not known.document_count:
            return
        reserved = {self._inner(self.oov_token)}
        if self.mask_token is not None:
            reserved.add(self._inner(self.mask_token))
        found = [token for token in known.counts if token not in reserved]
        found.sort(key=self._rank, reverse=True)
        if self.max_tokens is not None:
            found = found[: self.max_tokens - len(self.special_tokens)]
        if self.output_mode == "tf_idf":
            seen = np.array([known.documents[token] for token in found], np.float64)
            self._keep_weights(np.log1p(known.document_count / (1 + seen)))
        self._keep([self._outer(token) for token in found])

    def _rank(self, token: Any) -> Any:
        """Frequent tokens come first, and of equally frequent ones the last in order."""
        return self._known.counts[token], token

    def _keep(self, tokens: list) -> None:
        first = len(self.special_tokens)
        numbers = {self._inner(token): first + i for i, token in enumerate(tokens)}
        if self.mask_token is not None:
            numbers[self._inner(self.mask_token)] = 0 if self._has_mask else -1
        self._known.tokens, self._known.numbers = tokens, numbers

    def _keep_weights(self, weights: np.ndarray) -> None:
        # An unknown token weighs what tokens weigh on the average.
        unknown = np.full(self.num_oov_indices, weights.mean() if len(weights) else 0.0)
        self._known.weights = np.concatenate([unknown, weights]).astype(np.float32)

    def _set(self, vocabulary: Any, idf_weights: Any) -> None:
        who = type(self).__name__
        if isinstance(vocabulary, str | os.PathLike):
            vocabulary = Path(vocabulary).read_text("utf-8").splitlines()
        tokens = [self._outer(self._inner(token)) for token in _listed(vocabulary)]
        if not tokens:
            raise ArgumentError(f"{who}: Cannot set an empty vocabulary. Received: []")
        if (self.output_mode == "tf_idf") != (idf_weights is not None):
            raise ArgumentError(
                f"{who}: `idf_weights` must be given with a vocabulary if, and only if, "
                f"output_mode is 'tf_idf'; received output_mode={self.output_mode!r}, "
                f"idf_weights={idf_weights}"
            )
        special = self.special_tokens
        has_special = bool(special) and tokens[: len(special)] == special
        rest = tokens[len(special) :] if has_special else tokens
        self._require_plain(rest)
        if self.max_tokens is not None and len(special) + len(rest) > self.max_tokens:
            raise ArgumentError(
                f"{who}: Attempted to set a vocabulary larger than the maximum vocab size. "
                f"Received vocabulary size is {len(special) + len(rest)}; `max_tokens` is "
                f"{self.max_tokens}."
            )
        if idf_weights is not None:
            weights = np.asarray(_listed(idf_weights), np.float64)
            if len(weights) != len(tokens):
                raise ArgumentError(
                    f"{who}: `idf_weights` must be the same length as vocabulary. "
                    f"len(idf_weights) is {len(weights)}; len(vocabulary) is {len(tokens)}"
                )
            self._keep_weights(weights[len(special) :] if has_special else weights)
        self._keep(rest)

    def _require_plain(self, tokens: list) -> None:
        twice = [token for token, n in collections.Counter(tokens).items() if n > 1]
        if twice:
            raise ArgumentError(
                f"{type(self).__name__}: The passed vocabulary has at least one repeated "
                "term. Please uniquify your dataset. The repeated terms are: "
                f"{twice[:10]}"
            )
        if self.mask_token is not None and self.mask_token in tokens:
            raise ArgumentError(
                f"{type(self).__name__}: Found reserved mask token at unexpected location "
                "in `vocabulary`: leave the mask and OOV tokens out, or put them first, as "
                f"{self.special_tokens}. Received: mask_token={self.mask_token!r} at "
                f"vocabulary[{tokens.index(self.mask_token)}]"
            )

    def _load(self, lines: list[str]) -> None:
        self._keep([self._outer(self._inner(x)) for x in lines[len(self.special_tokens) :]])

    # -- the computation -----------------------------------------------------------------

    def _width(self) -> int:
        if self.pad_to_max_tokens and self.max_tokens is not None:
            return self.max_tokens
        if not self._known.tokens and self._known.size_when_saved is None:
            raise self._not_set()
        return self.vocabulary_size()

    def _not_set(self) -> ArgumentError:
        return ArgumentError(
            f"{type(self).__name__} {self.name!r}: you must set the layer's vocabulary "
            "before calling it. Either pass a `vocabulary` argument to the layer, call "
            "`adapt(data)`, or `set_vocabulary(tokens)`"
        )

    def call(self, inputs: Any) -> Tensor:
        if self.invert:
            return self._on_host(self._found, [inputs], inputs.shape, self._token_kind)
        if self.output_mode == "int":
            return self._on_host(self._numbers, [inputs], inputs.shape, "int64")
        shape = encoded_shape(inputs.shape, self._width(), self.output_mode)
        dtype = "float32" if self.output_mode == "tf_idf" else "int64"
        return self._on_host(self._vectors, [inputs], shape, dtype)

    def _numbers(self, array: np.ndarray) -> np.ndarray:
        numbers = self._numbers_of(array.reshape(-1).tolist())
        return np.array(numbers, np.int64).reshape(array.shape)

    def _numbers_of(self, tokens: list) -> list[int]:
        """The tokens' numbers; -1 for those that are masked where there is no mask."""
        if not self._known.tokens:
            raise self._not_set()
        known = self._known.numbers
        if self.num_oov_indices == 1:
            unknown = int(self._has_mask)
            return [known.get(token, unknown) for token in tokens]
        return [known[x] if x in known else self._unknown(x) for x in tokens]

    def _unknown(self, token: Any) -> int:
        if not self.num_oov_indices:
            raise ArgumentError(
                f"{type(self).__name__} {self.name!r}: When `num_oov_indices=0` all inputs "
                f"should be in vocabulary, found OOV value {token!r}, consider setting "
                "`num_oov_indices=1`."
            )
        return int(self._has_mask) + self._bucket(token)

    def _vectors(self, array: np.ndarray) -> np.ndarray:
        return self._encoded(self._numbers(array))

    def _encoded(self, numbers: np.ndarray) -> np.ndarray:
        if self.output_mode != "tf_idf":
            return encoded(numbers, self._width(), self.output_mode)
        counts = encoded(numbers, self._width(), "count").astype(np.float32)
        weights = self._known.weights
        assert weights is not None, "the weights are kept with the vocabulary"
        return counts * np.pad(weights, (0, counts.shape[-1] - len(weights)))

    def _found(self, array: np.ndarray) -> np.ndarray:
        """The tokens of numbers."""
        if not self._known.tokens:
            raise self._not_set()
        tokens = [self._inner(token) for token in self.get_vocabulary()]
        unknown = self._inner(self.oov_token)
        flat = [
            tokens[n] if 0 <= n < len(tokens) else unknown
            for n in array.reshape(-1).tolist()
        ]
        kind: Any = np.object_ if self._token_kind == "string" else np.int64
        out = np.empty(len(flat), kind)
        out[:] = flat
        return out.reshape(array.shape)

    _token_kind = "string"

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "vocabulary": self._known.given_tokens,
            "idf_weights": self._known.given_weights,
            "vocabulary_size": self.vocabulary_size(),
            "oov_method": "floormod",
            "salt": self.salt,
        }


def _listed(values: Any) -> list:
    if hasattr(values, "numpy"):
        values = values.numpy()
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


class StringLookup(Lookup):
    """Words as places in a vocabulary; or, inverted, places as words.

    Args:
        max_tokens: the largest size of the vocabulary, with the tokens in front.
        num_oov_indices: how many numbers unknown words share.
        mask_token: the word for padding, number 0; None without.
        oov_token: what unknown numbers give when inverted.
        vocabulary: a list or array of words, or a file with one in each line.
        idf_weights: for 'tf_idf' with a given vocabulary: a weight for each word.
        invert: numbers become words.
        output_mode: 'int', or vectors as in `CategoryEncoding`: 'one_hot', 'multi_hot',
            'count', and 'tf_idf' (counts times weights, which rare words have more of).
        pad_to_max_tokens: whether vectors are `max_tokens` wide.
        salt: other unknown words then share a number.

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.StringLookup(vocabulary=["a", "b"])
        >>> layer(["b", "z"]).tolist()
        [2, 0]
    """

    settings = (*Lookup.settings, "encoding")
    takes_text = True

    def __init__(
        self, max_tokens: int | None = None, num_oov_indices: int = 1,
        mask_token: str | None = None, oov_token: str = "[UNK]", vocabulary: Any = None,
        idf_weights: Any = None, invert: bool = False, output_mode: str = "int",
        pad_to_max_tokens: bool = False, sparse: bool = False, encoding: str = "utf-8",
        name: str | None = None, salt: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        self.encoding = encoding
        kwargs.pop("oov_method", None)
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights,
            invert, output_mode, pad_to_max_tokens, sparse, salt, name=name, **kwargs,
        )  # fmt: skip

    @property
    def _input_kind(self) -> str:  # type: ignore[override]
        return "int64" if self.invert else "string"

    @property
    def dtype(self) -> Any:
        return "string"

    def _inner(self, token: Any) -> bytes:
        return token.encode(self.encoding) if isinstance(token, str) else bytes(token)

    def _outer(self, token: bytes) -> str:
        return token.decode(self.encoding)

    def _bucket(self, token: bytes) -> int:
        return bucket(token, self.num_oov_indices, self.salt)


class IntegerLookup(Lookup):
    """Whole numbers as places in a vocabulary; or, inverted, places as numbers.

    Args:
        max_tokens, num_oov_indices, idf_weights, invert, output_mode, pad_to_max_tokens:
            as in `StringLookup`.
        mask_token: the number for padding; None without.
        oov_token: what unknown places give when inverted.
        vocabulary: a list or array of numbers, or a file with one in each line.
        oov_method: how several places are shared by unknown numbers: 'floormod' (by the
            remainder) or 'farmhash'.
        salt: with 'farmhash', other numbers then share a place.

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.IntegerLookup(vocabulary=[12, 36])
        >>> layer([36, 5]).tolist()
        [2, 0]
    """

    settings = (*Lookup.settings, "vocabulary_dtype")
    _input_kind = _token_kind = "int64"

    def __init__(
        self, max_tokens: int | None = None, num_oov_indices: int = 1,
        mask_token: int | None = None, oov_token: int = -1, vocabulary: Any = None,
        vocabulary_dtype: str = "int64", idf_weights: Any = None, invert: bool = False,
        output_mode: str = "int", sparse: bool = False, pad_to_max_tokens: bool = False,
        oov_method: str = "floormod", salt: Any = None, name: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        require_one_of("IntegerLookup", "vocabulary_dtype", vocabulary_dtype, ("int64",))
        require_one_of("IntegerLookup", "oov_method", oov_method, ("floormod", "farmhash"))
        self.vocabulary_dtype, self.oov_method = vocabulary_dtype, oov_method
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights,
            invert, output_mode, pad_to_max_tokens, sparse, salt, name=name, **kwargs,
        )  # fmt: skip

    def _inner(self, token: Any) -> int:
        return int(token)

    _outer = _inner

    def _bucket(self, token: int) -> int:
        if self.oov_method == "farmhash":
            return bucket(str(token).encode(), self.num_oov_indices, self.salt)
        return token % self.num_oov_indices

    def get_config(self) -> dict:
        return {**super().get_config(), "oov_method": self.oov_method}
