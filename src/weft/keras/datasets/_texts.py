"""What the two datasets of texts share: lists of word numbers, and a table of words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from weft.keras.datasets._arrays import bad_file
from weft.keras.datasets._pickles import read_object_arrays

Texts = list[list[int]]


@dataclass(frozen=True)
class Words:
    """Which words of a text are kept, and the numbers that stand for the others."""

    num_words: int | None
    skip_top: int
    start_char: int | None
    oov_char: int | None
    index_from: int

    def numbered(self, texts: Iterable[list[int]]) -> Texts:
        """The texts with numbers moved up, and the number of the start before each."""
        if self.start_char is not None:
            start, shift = self.start_char, self.index_from
            return [[start] + [word + shift for word in text] for text in texts]
        shift = self.index_from or 0
        return [[word + shift for word in text] for text in texts]

    def kept(self, texts: Texts) -> Texts:
        """The texts with rare and too frequent words left out or replaced."""
        limit = self.num_words or max(map(max, filter(None, texts)), default=0)
        low, other = self.skip_top, self.oov_char
        if other is not None:
            return [[w if low <= w < limit else other for w in text] for text in texts]
        return [[w for w in text if low <= w < limit] for text in texts]


def shorter(
    texts: Texts, labels: np.ndarray, maxlen: int | None
) -> tuple[Texts, np.ndarray]:
    """The texts, and their labels, of fewer words than `maxlen`."""
    if not maxlen:
        return texts, labels
    short = [position for position, text in enumerate(texts) if len(text) < maxlen]
    return [texts[position] for position in short], labels[short]


def as_objects(texts: Texts) -> np.ndarray:
    """An array with one list of word numbers in each place."""
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


def read_texts(
    path: Path, pairs: tuple[tuple[str, str], ...], who: str
) -> dict[str, np.ndarray]:
    """The arrays of texts and labels of a file, by name.

    Raises:
        BadDatasetFile: the file holds something else.
    """
    names = tuple(name for pair in pairs for name in pair)
    arrays = read_object_arrays(path, names, who)
    for text_name, label_name in pairs:
        texts, labels = arrays[text_name], arrays[label_name]
        if texts.ndim != 1 or not all(type(text) is list for text in texts):
            raise bad_file(path, who, f"{text_name} that is no array of lists")
        if not all(type(word) is int for text in texts for word in text):
            raise bad_file(path, who, f"{text_name} with words that are not whole numbers")
        if labels.shape != texts.shape or labels.dtype.kind not in "iu":
            raise bad_file(
                path, who, f"{label_name} of shape {labels.shape} beside {len(texts)} texts"
            )
    return arrays


def read_word_index(path: Path, who: str) -> dict[str, int]:
    """The number of each word.

    Raises:
        BadDatasetFile: the file is no JSON of words and numbers.
    """
    try:
        words: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise bad_file(path, who, f"a file that cannot be read ({error})") from error
    if not isinstance(words, dict) or not all(type(n) is int for n in words.values()):
        raise bad_file(path, who, "something else than words with their numbers")
    return words
