"""Reuters: 11,228 short news of 1987 as numbers of words, in 46 topics.

Collected by Reuters and Carnegie Group, prepared by Keras: words are numbered by how often
they occur, so `num_words=10000` keeps the 10,000 most frequent.
"""

from __future__ import annotations

from weft.keras.datasets._arrays import (
    ORIGIN_FOLDER,
    Split,
    check_test_split,
    in_cache,
    seeded_order,
)
from weft.keras.datasets._texts import (
    Words,
    as_objects,
    read_texts,
    read_word_index,
    shorter,
)

ORIGIN = f"{ORIGIN_FOLDER}reuters.npz"
SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
WORDS_ORIGIN = f"{ORIGIN_FOLDER}reuters_word_index.json"
WORDS_MD5 = "4d44cc38712099c9e383dc6e5f11a921"
_WHO = "reuters.load_data"

_TOPICS = """
    cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade
    reserves ship cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum
    oilseed gold tin strategic-metal livestock retail ipi iron-steel rubber heat jobs lei
    bop zinc orange pet-chem dlr gas silver wpi hog lead
"""


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Split:
    """Load Reuters as `(x_train, y_train), (x_test, y_test)`.

    `x_train` and `x_test` are arrays of lists of word numbers, 8,982 and 2,246; the labels
    are 0 to 45, named by `get_label_names()`.

    Args:
        path: the name of the file in the cache.
        num_words: how many of the most frequent words are kept; None keeps all.
        skip_top: how many of the most frequent words are left out.
        maxlen: news of so many words, or more, are left out.
        test_split: the part of the news for tests.
        seed: of the order of the news.
        start_char: the number before each text; None puts none.
        oov_char: the number in place of words that are left out; None drops them.
        index_from: what is added to the numbers of words, to make room for those two.

    Raises:
        ValueError: `test_split` is not in [0, 1), or the file holds something else.
        ConnectionError: the file cannot be fetched; says where to put it.

    >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10000)  # doctest: +SKIP
    """
    check_test_split(test_split, _WHO)
    arrays = read_texts(in_cache(path, ORIGIN, SHA256), (("x", "y"),), _WHO)
    order = seeded_order(len(arrays["x"]), seed)
    words = Words(num_words, skip_top, start_char, oov_char, index_from)
    texts, labels = shorter(words.numbered(arrays["x"][order]), arrays["y"][order], maxlen)
    kept = words.kept(texts)
    count = int(len(kept) * (1 - test_split))
    train = (as_objects(kept[:count]), labels[:count])
    return train, (as_objects(kept[count:]), labels[count:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The number of each word, from 1; in the texts it is `index_from` higher.

    Raises:
        ConnectionError: the file cannot be fetched; says where to put it.

    >>> number_of_word = get_word_index()  # doctest: +SKIP
    """
    file = in_cache(path, WORDS_ORIGIN, WORDS_MD5)
    return read_word_index(file, "reuters.get_word_index")


def get_label_names() -> tuple[str, ...]:
    """The 46 topics, in the order of the labels.

    >>> get_label_names()[3]
    'earn'
    """
    return tuple(_TOPICS.split())


__all__ = ["get_label_names", "get_word_index", "load_data"]
__dir__ = __all__.copy
