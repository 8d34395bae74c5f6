"""mnist.load_data: what lies in the cache is checked, used, and never changed."""

import numpy as np
import pytest

from weft.keras.datasets import mnist

SHAPES = {
    "x_train": (60000, 28, 28),
    "y_train": (60000,),
    "x_test": (10000, 28, 28),
    "y_test": (10000,),
}


@pytest.fixture
def cached(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    return tmp_path / "datasets" / "mnist.npz"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch, tmp_path):
    monkeypatch.setattr(mnist, "ORIGIN", (tmp_path / "published" / "mnist.npz").as_uri())


def arrays(**changed) -> dict:
    return {name: np.zeros(shape, np.uint8) for name, shape in SHAPES.items()} | changed


def test_a_file_in_the_cache_is_used_as_it_is(cached):
    labels = (np.arange(60000) % 10).astype(np.uint8)
    np.savez_compressed(cached, **arrays(y_train=labels))
    before = cached.read_bytes()
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert np.array_equal(y_train, labels)
    assert {"x_train": x_train.shape, "x_test": x_test.shape, "y_test": y_test.shape} == {
        name: SHAPES[name] for name in ("x_train", "x_test", "y_test")
    }
    assert cached.read_bytes() == before


BAD_ARRAYS = {
    "shape": (dict(y_test=np.zeros(9999, np.uint8)), r"y_test of shape \(9999,\)"),
    "dtype": (dict(x_test=np.zeros((10000, 28, 28), np.float32)), "dtype float32"),
    "label": (dict(y_train=np.full(60000, 10, np.uint8)), "y_train with values up to 10"),
    "pickle": (dict(y_test=np.full(10000, None, object)), "cannot be read"),
}


@pytest.mark.parametrize("change", BAD_ARRAYS)
def test_wrong_arrays_are_an_error_and_the_file_stays(cached, change):
    changed, message = BAD_ARRAYS[change]
    np.savez_compressed(cached, **arrays(**changed))
    before = cached.read_bytes()
    with pytest.raises(ValueError, match=message) as caught:
        mnist.load_data()
    assert str(cached) in str(caught.value)
    assert "move it away" in str(caught.value)
    assert cached.read_bytes() == before


def test_a_missing_array_is_named(cached):
    some = arrays()
    del some["y_test"]
    np.savez_compressed(cached, **some)
    with pytest.raises(ValueError, match=r"without \['y_test'\]"):
        mnist.load_data()


def damaged_files() -> dict[str, bytes]:
    import io

    whole = io.BytesIO()
    np.savez_compressed(whole, **arrays())
    content = whole.getvalue()
    flipped = bytearray(content)
    flipped[len(content) // 3] ^= 0xFF
    return {
        "empty": b"",
        "text": b"<html>Not Found</html>",
        "truncated": content[: len(content) // 2],
        "flipped": bytes(flipped),
        "npy": content[:4] + b"\0" * 100,
    }


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "flipped", "npy"])
def test_a_damaged_file_is_an_error_and_stays(cached, kind):
    content = damaged_files()[kind]
    cached.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"mnist\.load_data: the file .* is not this dataset"
    ):
        mnist.load_data()
    assert cached.read_bytes() == content


def test_offline_says_where_to_put_the_file(cached, capsys):
    with pytest.raises(ConnectionError) as caught:
        mnist.load_data()
    assert str(cached) in str(caught.value)
    assert "drawn_digits" in str(caught.value)
    assert list(cached.parent.iterdir()) == []


def test_a_download_is_checked_and_kept(cached, tmp_path, monkeypatch, capsys):
    published = tmp_path / "published" / "mnist.npz"
    published.parent.mkdir()
    np.savez_compressed(published, **arrays())
    with pytest.raises(ValueError, match="sha256"):
        mnist.load_data()
    assert not cached.exists()

    import hashlib

    monkeypatch.setattr(mnist, "SHA256", hashlib.sha256(published.read_bytes()).hexdigest())
    mnist.load_data()
    assert cached.read_bytes() == published.read_bytes()
    assert mnist.cached_file() == cached
    assert mnist.fetch() == cached


def test_other_names_and_absolute_paths(cached, tmp_path):
    elsewhere = tmp_path / "mine.npz"
    np.savez_compressed(elsewhere, **arrays())
    (x_train, _), _ = mnist.load_data(str(elsewhere))
    assert x_train.shape == (60000, 28, 28)


def test_an_unknown_dataset_is_named():
    from weft.keras import datasets

    assert {"mnist", "drawn_digits"} <= set(dir(datasets))
    with pytest.raises(
        AttributeError, match=r"no dataset is called 'minst'.*Did you mean 'mnist'"
    ):
        datasets.minst
