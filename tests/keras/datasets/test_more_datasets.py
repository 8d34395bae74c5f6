"""The other datasets: small files of the published layout, damage, and pickles that attack."""

from __future__ import annotations

import gzip
import json
import pickle
import struct

import numpy as np
import pytest

from tests.keras.real_keras import needs_keras, run_keras
from weft import keras
from weft.keras import datasets
from weft.keras.datasets import _pickles
from weft.keras.datasets._arrays import BadDatasetFile


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = tmp_path / "datasets"
    folder.mkdir()
    for name in dir(datasets):
        module = getattr(datasets, name)
        for origin in ("ORIGIN", "WORDS_ORIGIN"):
            if hasattr(module, origin):
                monkeypatch.setattr(module, origin, (tmp_path / "absent").as_uri())
    return folder


# -- Fashion-MNIST -----------------------------------------------------------------------


def write_idx(path, array):
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header + array.tobytes())


def write_fashion(folder):
    folder.mkdir(parents=True)
    for name, rows in (("train", 60000), ("t10k", 10000)):
        labels = (np.arange(rows) % 10).astype(np.uint8)
        pictures = np.zeros((rows, 28, 28), np.uint8)
        pictures[:, 3, 4] = labels
        write_idx(folder / f"{name}-labels-idx1-ubyte.gz", labels)
        write_idx(folder / f"{name}-images-idx3-ubyte.gz", pictures)


def test_fashion_mnist(cache):
    write_fashion(cache / "fashion-mnist")
    (x_train, y_train), (x_test, y_test) = datasets.fashion_mnist.load_data()
    assert (x_train.shape, x_test.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    np.testing.assert_array_equal(x_test[:, 3, 4], y_test)
    x_train[0] = 7
    write_idx(cache / "fashion-mnist" / "t10k-labels-idx1-ubyte.gz", np.zeros(5, np.uint8))
    with pytest.raises(BadDatasetFile, match=r"sizes \[5\]"):
        datasets.fashion_mnist.load_data()


# -- CIFAR ---------------------------------------------------------------------------------


def cifar_batch(rows, seed, labels):
    rng = np.random.default_rng(seed)
    data = rng.integers(0, 256, (rows, 3072), dtype=np.uint8)
    batch = {key: rng.integers(0, top, rows).tolist() for key, top in labels.items()}
    return {b"data": data} | {key.encode(): value for key, value in batch.items()}


def write_cifar10(cache, rows, protocol=2):
    folder = cache / "cifar-10-batches-py-target" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    names = [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]
    for seed, name in enumerate(names):
        content = pickle.dumps(cifar_batch(rows, seed, {"labels": 10}), protocol)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("protocol", [2, 4])
def test_cifar10(cache, monkeypatch, protocol):
    monkeypatch.setattr(datasets.cifar10, "ROWS_PER_BATCH", 3)
    write_cifar10(cache, 3, protocol)
    (x_train, y_train), (x_test, y_test) = datasets.cifar10.load_data()
    assert (x_train.shape, y_train.shape) == ((15, 32, 32, 3), (15, 1))
    assert (x_test.dtype, y_test.dtype) == (np.uint8, np.uint8)
    third = cifar_batch(3, 2, {"labels": 10})
    np.testing.assert_array_equal(x_train[6].transpose(2, 0, 1).ravel(), third[b"data"][0])
    assert y_train[6:9, 0].tolist() == third[b"labels"]
    keras.config.set_image_data_format("channels_first")
    try:
        assert datasets.cifar10.load_data()[0][0].shape == (15, 3, 32, 32)
    finally:
        keras.config.set_image_data_format("channels_last")


def test_a_pickle_as_python_2_wrote_it(tmp_path):
    # Text is bytes there: the dtype's name, its order, the keys, the content.
    content = (
        b"\x80\x02}q\x01U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\n"
        b"ndarray\nq\x04K\x00\x85U\x01b\x87R(K\x01K\x02K\x03\x86cnumpy\ndtype\nU\x02u1K\x00"
        b"K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x06abcdef"
        b"tbs."
    )
    path = tmp_path / "batch"
    path.write_bytes(content)
    array = _pickles.read_pickle(path, "test")["data"]
    assert array.tolist() == [[97, 98, 99], [100, 101, 102]]


@pytest.mark.parametrize("mode, top", [("fine", 100), ("coarse", 20)])
def test_cifar100(cache, monkeypatch, mode, top):
    monkeypatch.setattr(datasets.cifar100, "ROWS", {"train": 4, "test": 2})
    folder = cache / "cifar-100-python"  # unpacked by hand
    folder.mkdir()
    labels = {"fine_labels": 100, "coarse_labels": 20}
    for name, rows in (("train", 4), ("test", 2)):
        (folder / name).write_bytes(pickle.dumps(cifar_batch(rows, rows, labels), 2))
    (x_train, y_train), (x_test, _) = datasets.cifar100.load_data(mode)
    assert (x_train.shape, x_test.shape) == ((4, 32, 32, 3), (2, 32, 32, 3))
    assert (y_train.shape, y_train.dtype) == ((4, 1), np.int64)
    expected = cifar_batch(4, 4, labels)[f"{mode}_labels".encode()]
    assert y_train[:, 0].tolist() == expected and max(expected) < top
    with pytest.raises(ValueError, match="label_mode"):
        datasets.cifar100.load_data("rough")


class Attack:
    """Pickles of this write a file when they are read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_cannot_run_anything(tmp_path):
    path, trace = tmp_path / "batch", tmp_path / "trace"
    path.write_bytes(pickle.dumps({b"data": Attack(trace)}, 2))
    with pytest.raises(BadDatasetFile, match=r"the name .*open, which data do not need"):
        _pickles.read_pickle(path, "test")
    assert not trace.exists()
    array = np.empty(1, object)
    array[0] = Attack(trace)
    np.savez(tmp_path / "arrays.npz", x=array, allow_pickle=True)
    with pytest.raises(BadDatasetFile, match="which data do not need"):
        _pickles.read_object_arrays(tmp_path / "arrays.npz", ("x",), "test")
    assert not trace.exists()


class Forged:
    """A pickle of an array whose parts can be forged."""

    def __init__(self, shape=(2,), dtype="u1", content=b"ab"):
        self.state = (1, shape, np.dtype(dtype), False, content)

    def __reduce__(self):
        rebuild, first, _ = np.zeros(1).__reduce__()
        return rebuild, first, self.state


FORGERIES = {
    "size": {"shape": (1 << 40,)},
    "negative": {"shape": (-2,)},
    "short": {"content": b"a"},
    "pointers": {"dtype": "O", "content": b"a" * 16},
    "record": {"dtype": "u1,u1"},
    "text": {"dtype": "U4", "content": b"a" * 32},
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_forged_arrays_are_refused(tmp_path, kind):
    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps({b"data": Forged(**FORGERIES[kind])}, 2))
    with pytest.raises(BadDatasetFile):
        _pickles.read_pickle(path, "test")


@pytest.mark.parametrize("dtype", ["u1", "<i8", ">i4", "<f4", "f8", "?"])
@pytest.mark.parametrize("order", "CF")
def test_arrays_come_back(tmp_path, dtype, order):
    array = np.array([[1, 2, 3], [0, 5, 0]], dtype, order=order)
    path = tmp_path / "batch"
    for protocol in (2, 3, 4):
        path.write_bytes(pickle.dumps({"a": array, "n": np.float64(2.5)}, protocol))
        found = _pickles.read_pickle(path, "test")
        np.testing.assert_array_equal(found["a"], array)
        assert found["a"].dtype.isnative and found["n"] == 2.5
        assert found["a"].dtype == array.dtype.newbyteorder("=")


def test_damaged_batches(cache, monkeypatch):
    monkeypatch.setattr(datasets.cifar10, "ROWS_PER_BATCH", 3)
    folder = write_cifar10(cache, 3)
    whole = (folder / "test_batch").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole)
        position = rng.integers(0, 400)
        damaged[position] = rng.integers(0, 256)
        (folder / "test_batch").write_bytes(bytes(damaged[: rng.integers(300, len(whole))]))
        with pytest.raises(BadDatasetFile):
            datasets.cifar10.load_data()


# -- houses ----------------------------------------------------------------------------------


def write_houses(path, rows, columns):
    rng = np.random.default_rng(1)
    np.savez(path, x=rng.random((rows, columns)), y=rng.random(rows))


def test_houses(cache):
    write_houses(cache / "boston_housing.npz", 50, 13)
    (x_train, y_train), (x_test, y_test) = datasets.boston_housing.load_data(test_split=0.3)
    assert (x_train.shape, y_train.shape, x_test.shape) == ((35, 13), (35,), (15, 13))
    write_houses(cache / "california_housing.npz", 700, 8)
    (x_train, _), (x_test, y_test) = datasets.california_housing.load_data("small")
    assert (x_train.shape, x_test.shape, y_test.shape) == ((480, 8), (120, 8), (120,))
    with pytest.raises(ValueError, match="version"):
        datasets.california_housing.load_data("huge")
    with pytest.raises(ValueError, match="0 <= test_split < 1"):
        datasets.boston_housing.load_data(test_split=1.0)
    write_houses(cache / "boston_housing.npz", 50, 12)
    with pytest.raises(BadDatasetFile, match=r"\(50, 12\)"):
        datasets.boston_housing.load_data()


# -- texts -----------------------------------------------------------------------------------


def texts(count, seed):
    rng = np.random.default_rng(seed)
    array = np.empty(count, object)
    array[:] = [rng.integers(1, 60, rng.integers(1, 20)).tolist() for _ in range(count)]
    return array, rng.integers(0, 2, count)


def write_texts(cache):
    x_train, y_train = texts(30, 1)
    x_test, y_test = texts(20, 2)
    np.savez(
        cache / "imdb.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test
    )
    np.savez(cache / "reuters.npz", x=x_train, y=y_train)


TEXT_OPTIONS = [
    {},
    {"num_words": 30, "skip_top": 5},
    {"num_words": 30, "oov_char": None},
    {"maxlen": 10, "seed": 5},
    {"start_char": None, "index_from": 0},
    {"start_char": None, "index_from": 4, "oov_char": 0, "num_words": 20},
]

_REAL = """
import json, sys, numpy as np
from pathlib import Path
folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
import keras
from keras.src.datasets import imdb, reuters, boston_housing, cifar10
def cached(path=None, fname=None, **unused):
    return str(folder / (path or fname))
found = []
for module in (imdb, reuters):
    module.get_file = cached
    found += [
        [[list(map(int, x)) for x in xs], np.asarray(ys).tolist()]
        for one in options for xs, ys in module.load_data(**one)
    ]
boston_housing.get_file = cached
found += [[x.tolist(), y.tolist()] for x, y in boston_housing.load_data(seed=7)]
print(json.dumps(found))
"""


def test_texts(cache):
    write_texts(cache)
    (x_train, y_train), (x_test, _) = datasets.imdb.load_data(num_words=30)
    assert (x_train.shape, x_train.dtype, y_train.shape) == ((30,), np.dtype(object), (30,))
    assert x_test.shape == (20,)
    assert all(text[0] == 1 and max(text) < 30 for text in x_train)
    (x_train, y_train), (x_test, _) = datasets.reuters.load_data(test_split=0.5)
    assert len(x_train) == len(x_test) == 15 and y_train.dtype == np.int64
    with pytest.raises(ValueError, match="increase maxlen"):
        datasets.imdb.load_data(maxlen=1)
    with pytest.raises(TypeError, match="words"):
        datasets.imdb.load_data(words=3)
    with pytest.warns(UserWarning, match="num_words"):
        datasets.imdb.load_data(nb_words=20)


@needs_keras
@pytest.mark.keras
def test_numbers_of_real_keras(cache):
    write_texts(cache)
    write_houses(cache / "boston_housing.npz", 60, 13)
    theirs = json.loads(run_keras(_REAL, cache, json.dumps(TEXT_OPTIONS)))
    mine = []
    for module in (datasets.imdb, datasets.reuters):
        for one in TEXT_OPTIONS:
            mine += [[x.tolist(), y.tolist()] for x, y in module.load_data(**one)]
    houses = datasets.boston_housing.load_data(seed=7)
    mine += [[x.tolist(), y.tolist()] for x, y in houses]
    assert mine == theirs


def test_word_indices_and_topics(cache):
    (cache / "imdb_word_index.json").write_text('{"the": 1, "café": 2}', "utf-8")
    assert datasets.imdb.get_word_index() == {"the": 1, "café": 2}
    (cache / "reuters_word_index.json").write_text("[1, 2]")
    with pytest.raises(BadDatasetFile, match="words with their numbers"):
        datasets.reuters.get_word_index()
    names = datasets.reuters.get_label_names()
    assert len(names) == 46 and names[3] == "earn" and names[-1] == "lead"


OFFLINE = {
    "fashion_mnist": "fashion-mnist/train-labels-idx1-ubyte.gz",
    "cifar10": "cifar-10-batches-py-target_archive",
    "cifar100": "cifar-100-python-target_archive",
    "boston_housing": "boston_housing.npz",
    "california_housing": "california_housing.npz",
    "imdb": "imdb.npz",
    "reuters": "reuters.npz",
}


@pytest.mark.parametrize("name", OFFLINE)
def test_offline_says_where_to_put_the_file(cache, name, capsys):
    with pytest.raises(ConnectionError) as caught:
        getattr(datasets, name).load_data()
    assert str(cache / OFFLINE[name]) in str(caught.value)
