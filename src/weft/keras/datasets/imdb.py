"""IMDB: 50,000 film reviews as numbers of words, half of them praising, half not.

Collected by Andrew Maas and others (2011), prepared by Keras: words are numbered by how
often they occur, so `num_words=10000` keeps the 10,000 most frequent.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from weft.errors import ArgumentError, ArgumentTypeError
from weft.keras.datasets._arrays import ORIGIN_FOLDER, Split, in_cache
from weft.keras.datasets._texts import (
    Words,
    as_objects,
    read_texts,
    read_word_index,
    shorter,
)

ORIGIN = f"{ORIGIN_FOLDER}imdb.npz"
SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
WORDS_ORIGIN = f"{ORIGIN_FOLDER}imdb_word_index.json"
WORDS_MD5 = "bfafd718b763782e994055a2d397834f"
_WHO = "imdb.load_data"


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    **kwargs: Any,
) -> Split:
    """Load IMDB as `(x_train, y_train), (x_test, y_test)`.

    `x_train` and `x_test` are arrays of 25,000 lists of word numbers; `y_train` and
    `y_test` are 1 for praise and 0 for the opposite.

    Args:
        path: the name of the file in the cache.
        num_words: how many of the most frequent words are kept; None keeps all.
        skip_top: how many of the most frequent words are left out.
        maxlen: reviews of so many words, or more, are left out.
        seed: of the order of the reviews.
        start_char: the number before each review; None puts none.
        oov_char: the number in place of words that are left out; None drops them.
        index_from: what is added to the numbers of words, to make room for those two.

    Raises:
        ValueError: no review is short enough, or the file holds something else.
        ConnectionError: the file cannot be fetched; says where to put it.

    >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10000)  # doctest: +SKIP
    """
    if "nb_words" in kwargs:
        warnings.warn(
            f"{_WHO}: `nb_words` is called `num_words` now; write num_words=…", stacklevel=2
        )
        num_words = kwargs.pop("nb_words")
    if kwargs:
        raise ArgumentTypeError(f"{_WHO}: unrecognized keyword arguments: {kwargs}")
    file = in_cache(path, ORIGIN, SHA256)
    arrays = read_texts(file, (("x_train", "y_train"), ("x_test", "y_test")), _WHO)
    words = Words(num_words, skip_top, start_char, oov_char, index_from)
    # One generator for both parts, as in Keras.
    generator = np.random.RandomState(seed)
    parts = []
    for part in ("train", "test"):
        order = np.arange(len(arrays[f"x_{part}"]))
        generator.shuffle(order)
        texts = words.numbered(arrays[f"x_{part}"][order])
        parts.append(shorter(texts, arrays[f"y_{part}"][order], maxlen))
    if not all(texts for texts, _ in parts):
        raise ArgumentError(
            f"{_WHO}: no review has fewer than maxlen={maxlen} words; increase maxlen."
        )
    (x_train, y_train), (x_test, y_test) = parts
    kept = words.kept(x_train + x_test)
    count = len(x_train)
    return (as_objects(kept[:count]), y_train), (as_objects(kept[count:]), y_test)


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The number of each word, from 1; in the reviews it is `index_from` higher.

    Raises:
        ConnectionError: the file cannot be fetched; says where to put it.

    >>> number_of_word = get_word_index()  # doctest: +SKIP
    """
    file = in_cache(path, WORDS_ORIGIN, WORDS_MD5)
    return read_word_index(file, "imdb.get_word_index")


__all__ = ["get_word_index", "load_data"]
__dir__ = __all__.copy
