"""keras.preprocessing.text, as Keras 2 had it: words as numbers.

Newer code uses `keras.layers.TextVectorization`.
"""

from __future__ import annotations

import collections
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from weft.errors import ArgumentError

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_MODES = ("binary", "count", "tfidf", "freq")


def text_to_word_sequence(
    input_text: str, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """The words of a text, without the characters in `filters`.

    Example:
        >>> text_to_word_sequence("Hello, world!")
        ['hello', 'world']
    """
    if lower:
        input_text = input_text.lower()
    for letter in filters:
        input_text = input_text.replace(letter, split)
    return [word for word in input_text.split(split) if word]


def one_hot(
    input_text: str, n: int, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[int]:
    """Each word of a text as a number below `n`, by hashing; different words may collide."""
    return hashing_trick(input_text, n, "md5", filters, lower, split)


def hashing_trick(
    text: str,
    n: int,
    hash_function: str | Callable | None = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
) -> list[int]:
    """Each word of a text as a number from 1 to n - 1.

    hash_function: of a word; by default (and for 'md5') one that every run gives alike.
    """

    def stable(word: str) -> int:
        return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)

    function = hash_function if callable(hash_function) else stable
    words = text_to_word_sequence(text, filters, lower, split)
    return [function(word) % (n - 1) + 1 for word in words]


class Tokenizer:
    """Numbers for words, the most frequent ones first; 0 is no word.

    Args:
        num_words: only numbers below this are used.
        filters: characters that are no part of words.
        char_level: characters in place of words.
        oov_token: stands for words that were not fitted; it gets number 1.

    Example:
        >>> tokenizer = Tokenizer()
        >>> tokenizer.fit_on_texts(["the cat", "the dog"])
        >>> tokenizer.texts_to_sequences(["the dog and the cat"])
        [[1, 3, 1, 2]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable | None = None,
        **kwargs: Any,
    ) -> None:
        self.document_count = kwargs.pop("document_count", 0)
        if kwargs:
            raise ArgumentError(f"Tokenizer: unknown arguments {sorted(kwargs)}")
        self.num_words, self.filters, self.lower = num_words, filters, lower
        self.split, self.char_level = split, char_level
        self.oov_token, self.analyzer = oov_token, analyzer
        self.word_counts: dict[str, int] = collections.OrderedDict()
        self.word_docs: dict[str, int] = collections.defaultdict(int)
        self.index_docs: dict[int, int] = collections.defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: Any) -> Sequence[str]:
        if self.char_level or isinstance(text, list | tuple):
            return [part.lower() for part in text] if self.lower else list(text)
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Learn the words of texts (or of lists of words)."""
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        known = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        special = [] if self.oov_token is None else [self.oov_token]
        self.word_index = {word: i for i, word in enumerate([*special, *known], 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Iterable[Sequence[int]]) -> None:
        """Learn in how many sequences each number stands, for `sequences_to_matrix`."""
        for sequence in sequences:
            self.document_count += 1
            for number in set(sequence):
                self.index_docs[number] += 1

    def _is_used(self, number: int) -> bool:
        return self.num_words is None or number < self.num_words

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """The numbers of the words of each text; unknown words are left out."""
        unknown = self.word_index.get(self.oov_token) if self.oov_token else None
        found = []
        for text in texts:
            numbers = [self.word_index.get(word) for word in self._words(text)]
            fitted = [n if n is not None and self._is_used(n) else unknown for n in numbers]
            found.append([n for n in fitted if n is not None])
        return found

    def sequences_to_texts(self, sequences: Iterable[Sequence[int]]) -> list[str]:
        """The words of numbers, joined by blanks."""
        found = []
        for sequence in sequences:
            words = [
                self.index_word.get(number) if self._is_used(number) else None
                for number in sequence
            ]
            found.append(" ".join(w for w in (w or self.oov_token for w in words) if w))
        return found

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """One row for each text; see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]], mode: str = "binary"
    ) -> np.ndarray:
        """(sequences, words): whether ('binary') or how often ('count') each word stands.

        mode: also 'freq' (share of the sequence) and 'tfidf'.
        """
        if mode not in _MODES:
            raise ArgumentError(
                f"Tokenizer: mode must be one of {', '.join(_MODES)}; received {mode!r}"
            )
        if self.num_words is None and not self.word_index:
            raise ArgumentError("Tokenizer: give num_words, or call fit_on_texts first")
        if mode == "tfidf" and not self.document_count:
            raise ArgumentError("Tokenizer: mode='tfidf' needs fit_on_texts first")
        width = self.num_words or len(self.word_index) + 1
        matrix = np.zeros((len(sequences), width))
        for row, sequence in zip(matrix, sequences):
            counts = collections.Counter(number for number in sequence if number < width)
            for number, count in counts.items():
                row[number] = self._weight(mode, number, count, len(sequence))
        return matrix

    def _weight(self, mode: str, number: int, count: int, length: int) -> float:
        if mode == "tfidf":
            documents = self.index_docs.get(number, 0)
            inverse = np.log(1 + self.document_count / (1 + documents))
            return (1 + np.log(count)) * inverse
        return {"binary": 1.0, "count": count, "freq": count / length}[mode]

    def get_config(self) -> dict:
        """All that was given and learnt; the tables as JSON texts."""
        tables = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        plain = (
            "num_words", "filters", "lower", "split", "char_level", "oov_token",
            "document_count",
        )  # fmt: skip
        config = {name: getattr(self, name) for name in plain}
        return config | {name: json.dumps(getattr(self, name)) for name in tables}

    def to_json(self, **kwargs: Any) -> str:
        """The tokenizer as JSON, for `tokenizer_from_json`."""
        content = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(content, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The tokenizer that `to_json` described."""
    config = json.loads(json_string)["config"]
    tables = {
        name: json.loads(config.pop(name))
        for name in ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
    }
    tokenizer = Tokenizer(**config)
    tokenizer.word_counts, tokenizer.word_index = (
        tables["word_counts"],
        tables["word_index"],
    )
    tokenizer.word_docs.update(tables["word_docs"])
    tokenizer.index_docs.update({int(k): v for k, v in tables["index_docs"].items()})
    tokenizer.index_word = {int(k): v for k, v in tables["index_word"].items()}
    return tokenizer


__all__ = [
    "Tokenizer", "hashing_trick", "one_hot", "text_to_word_sequence", "tokenizer_from_json",
]  # fmt: skip
__dir__ = __all__.copy
