"""TextVectorization: texts as numbers of words, or as vectors."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import Any

import numpy as np

from weft.core.tensor import Tensor, TracedTensor
from weft.errors import ArgumentError
from weft.keras.backend.keras_tensor import KerasTensor
from weft.keras.backend.scopes import SCOPES
from weft.keras.layers.lookups import (
    MODES,
    Lookup,
    StringLookup,
    Vocabulary,
    require_one_of,
)
from weft.keras.layers.on_host import encoded_shape

_PUNCTUATION = re.compile(b"[" + re.escape(string.punctuation.encode()) + b"]")

STANDARDIZE: dict[Any, Callable[[bytes], bytes]] = {
    "lower_and_strip_punctuation": lambda text: _PUNCTUATION.sub(b"", text.lower()),
    "lower": bytes.lower,
    "strip_punctuation": lambda text: _PUNCTUATION.sub(b"", text),
}
"""By name: what is done with a text before it is split; capitals are those of ASCII."""

SPLIT: dict[Any, Callable[[bytes], list[bytes]]] = {
    "whitespace": bytes.split,
    "character": lambda text: [c.encode() for c in text.decode("utf-8", "replace")],
}
"""By name: the words of a text."""

# Where the longest of texts is not known, for the shapes of what follows.
_SOME_WIDTH = 3360


class TextVectorization(Vocabulary):
    """Texts as numbers of words, or as vectors over the vocabulary.

    Each text is standardized, split into words, joined to n-grams, and looked up.

    Args:
        max_tokens: the largest size of the vocabulary.
        standardize: 'lower_and_strip_punctuation', 'lower', 'strip_punctuation', None, or a
            function of a tensor of texts.
        split: 'whitespace', 'character', None, or a function of a tensor of texts that gives
            their words, row by row.
        ngrams: an int n for all sequences of 1 to n words, or a tuple of lengths.
        output_mode: 'int' (numbers of words, filled up with 0), 'multi_hot', 'count',
            'tf_idf'.
        output_sequence_length: how many numbers each text has in 'int' mode.
        pad_to_max_tokens: whether vectors are `max_tokens` wide.
        vocabulary: a list or array of words, or a file with one in each line.
        idf_weights: for 'tf_idf' with a given vocabulary: a weight for each word.

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.TextVectorization()
        >>> layer.adapt(["The cat sat.", "The cat ran!"])
        >>> layer.get_vocabulary()
        ['', '[UNK]', 'the', 'cat', 'sat', 'ran']
        >>> layer(["the dog sat"]).tolist()
        [[2, 1, 4]]
    """

    settings = (
        "max_tokens", "standardize", "split", "ngrams", "output_mode",
        "output_sequence_length", "pad_to_max_tokens", "sparse", "ragged", "encoding",
    )  # fmt: skip
    takes_text = True
    _input_kind = "string"

    def __init__(
        self, max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation", split: Any = "whitespace",
        ngrams: Any = None, output_mode: str = "int",
        output_sequence_length: int | None = None, pad_to_max_tokens: bool = False,
        vocabulary: Any = None, idf_weights: Any = None, sparse: bool = False,
        ragged: bool = False, encoding: str = "utf-8", name: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        who = type(self).__name__
        output_mode = "multi_hot" if output_mode == "binary" else output_mode
        require_one_of(who, "output_mode", output_mode, (*MODES[:1], *MODES[2:]))
        for argument, value, known in (
            ("standardize", standardize, STANDARDIZE), ("split", split, SPLIT)
        ):  # fmt: skip
            if value is not None and not callable(value):
                require_one_of(who, argument, value, tuple(known))
        if output_sequence_length is not None and output_mode != "int":
            raise ArgumentError(
                f"{who}: `output_sequence_length` must not be set if `output_mode` is not "
                f"'int'. Received output_sequence_length={output_sequence_length}."
            )
        if ragged or sparse:
            raise ArgumentError(
                f"{who}: weft has dense tensors only; received sparse={sparse}, "
                f"ragged={ragged}; leave both out: short texts are filled up with 0"
            )
        if not (ngrams is None or isinstance(ngrams, int) or all(
                isinstance(n, int) for n in ngrams)):  # fmt: skip
            raise ArgumentError(
                f"{who}: `ngrams` must be None, an integer, or a tuple of integers. "
                f"Received: ngrams={ngrams}"
            )
        self.max_tokens, self.standardize, self.split = max_tokens, standardize, split
        self.ngrams = tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else ngrams
        self.ngrams_arg = ngrams
        self.output_mode, self.output_sequence_length = output_mode, output_sequence_length
        self.pad_to_max_tokens, self.encoding = pad_to_max_tokens, encoding
        self.sparse = self.ragged = False
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, mask_token="" if output_mode == "int" else None,
            vocabulary=vocabulary, idf_weights=idf_weights, output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens, encoding=encoding,
        )  # fmt: skip

    def _table(self) -> Lookup:
        return self._lookup_layer

    # -- words -----------------------------------------------------------------------------

    def _standardized(self, array: np.ndarray) -> np.ndarray:
        if callable(self.standardize):
            return np.asarray(self._as_input(self.standardize(Tensor(array)))._array)
        if self.standardize is None:
            return array
        return np.frompyfunc(STANDARDIZE[self.standardize], 1, 1)(array)

    def _words(self, array: np.ndarray) -> list[list[bytes]]:
        """The words of each text: standardized, split, joined to n-grams."""
        array = np.asarray(self._standardized(array), np.object_)
        array = array.reshape(-1) if array.ndim < 2 or self.split is not None else array
        if callable(self.split):
            found = self.split(Tensor(array))
            rows = [self._as_input(row)._array.reshape(-1).tolist() for row in found]
        elif self.split is not None:
            rows = [SPLIT[self.split](text) for text in array]
        else:
            rows = array.reshape(len(array), -1).tolist()
        if self.ngrams is None:
            return rows
        return [[word for n in self.ngrams for word in _grams(row, n)] for row in rows]

    def _counted(self, batch: np.ndarray) -> list[list]:
        self._require_texts(batch.shape)
        return self._words(batch)

    def _require_texts(self, shape: tuple) -> None:
        if self.split is not None and len(shape) > 1 and (shape[-1] != 1 or len(shape) > 2):
            raise ArgumentError(
                f"{type(self).__name__}: to split texts, the input must be a list of texts, "
                "or the last shape dimension must be 1. Received: "
                f"inputs.shape={tuple(shape)} with rank={len(shape)}"
            )

    # -- the computation -------------------------------------------------------------------

    def call(self, inputs: Any) -> Tensor:
        self._require_texts(inputs.shape)
        if not isinstance(inputs, TracedTensor):
            return Tensor(self._vectors(inputs._array))
        unknown = SCOPES.unknown
        width = unknown if unknown is not None and unknown > 0 else _SOME_WIDTH
        shape = self._shape(inputs.shape, width)
        dtype = "float32" if self.output_mode == "tf_idf" else "int64"
        return self._on_host(self._vectors, [inputs], shape, dtype)

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        self._require_texts(inputs.shape)
        dtype = "float32" if self.output_mode == "tf_idf" else "int64"
        return KerasTensor(self._shape(inputs.shape, None), dtype)

    def _shape(self, shape: tuple, width: int | None) -> tuple:
        """The shape of the results, where texts have so many words."""
        batch = shape[:1]
        if self.output_mode != "int":
            size = self._lookup_layer._width()
            return encoded_shape((*batch, 1), size, self.output_mode)
        if self._keeps_shape(shape):
            return shape
        if self.split is None and self.ngrams is None:
            width = shape[-1]
        return (*batch, self.output_sequence_length or width)

    def _vectors(self, array: np.ndarray) -> np.ndarray:
        rows = self._words(array)
        width = max(map(len, rows), default=0)
        if self.output_sequence_length is not None:
            width = self.output_sequence_length
        rows = [row[:width] for row in rows]
        lengths = np.array([len(row) for row in rows], np.int64)
        table = self._lookup_layer
        numbers = np.full((len(rows), width), 0 if self.output_mode == "int" else -1)
        is_word = np.arange(width) < lengths[:, None]
        numbers[is_word] = table._numbers_of([word for row in rows for word in row])
        found = numbers if self.output_mode == "int" else table._encoded(numbers)
        if self._keeps_shape(array.shape):
            return found.reshape(array.shape)
        return found if array.ndim else found[0]

    def _keeps_shape(self, shape: tuple) -> bool:
        """Whether each text is one word, and stays one number."""
        is_plain = self.split is None and self.output_sequence_length is None
        return is_plain and len(shape) < 2 and self.output_mode == "int"

    def get_config(self) -> dict:
        known = self._lookup_layer._known
        return {
            **super().get_config(),
            "ngrams": self.ngrams_arg,
            "vocabulary": known.given_tokens,
            "idf_weights": known.given_weights,
            "vocabulary_size": self.vocabulary_size(),
        }


def _grams(words: list[bytes], count: int) -> list[bytes]:
    """All sequences of so many words."""
    return [b" ".join(words[i : i + count]) for i in range(len(words) - count + 1)]
