"""The demonstration: which data it takes, what it draws, and how it gets by with less."""

import sys
from pathlib import Path

import numpy as np
import pytest

from weft import demo
from weft.keras.datasets import drawn_digits, mnist
from weft.viz import _words

try:
    from weft.keras import Sequential
except ImportError:
    Sequential = None

PICTURES = ["first_layer.png", "learning_curves.png", "test_digits.png"]


@pytest.fixture
def small_digits(monkeypatch):
    def load_data():
        return drawn_digits.draw(600, seed=1), drawn_digits.draw(200, seed=2)

    def fetch(timeout):
        raise ConnectionError("no network here; put it at /cache/mnist.npz")

    monkeypatch.setattr(demo.drawn_digits, "load_data", load_data)
    monkeypatch.setattr(demo.mnist, "fetch", fetch)
    return load_data()


def answers(labels: np.ndarray) -> np.ndarray:
    """Probabilities of a model that takes each seventh digit for the next one."""
    said = labels.copy()
    said[::7] = (said[::7] + 1) % 10
    return np.full((len(labels), 10), 0.02) + 0.8 * np.eye(10)[said]


def write(folder: Path, digits) -> None:
    (_, _), (images, labels) = digits
    history = {"loss": [0.5, 0.2], "accuracy": [0.8, 0.9]}
    kernel = np.random.default_rng(0).normal(size=(784, 20))
    demo._write_pictures(folder, "en", history, kernel, images, answers(labels), labels)


def test_drawn_digits_step_in_and_say_so(small_digits, capsys):
    name, ((x_train, _), (x_test, _)) = demo._digits()
    assert name == "digits drawn by weft"
    assert (len(x_train), len(x_test)) == (600, 200)
    assert "no network here; put it at /cache/mnist.npz" in capsys.readouterr().out


def test_mnist_is_taken_where_it_lies(tmp_path, monkeypatch):
    file = tmp_path / "datasets" / "mnist.npz"
    file.parent.mkdir()
    np.savez_compressed(
        file,
        x_train=np.zeros((60000, 28, 28), np.uint8),
        y_train=np.zeros(60000, np.uint8),
        x_test=np.zeros((10000, 28, 28), np.uint8),
        y_test=np.zeros(10000, np.uint8),
    )
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    name, ((x_train, _), _) = demo._digits()
    assert name == f"MNIST ({file})"
    assert x_train.shape == (60000, 28, 28)


def test_a_bad_file_of_mnist_is_said_and_left(small_digits, tmp_path, monkeypatch, capsys):
    file = tmp_path / "datasets" / "mnist.npz"
    file.parent.mkdir()
    file.write_bytes(b"not mnist")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(demo.mnist, "fetch", lambda timeout: mnist.cached_file())
    name, _ = demo._digits()
    assert name == "digits drawn by weft"
    assert "is not this dataset" in capsys.readouterr().out
    assert file.read_bytes() == b"not mnist"


def test_pictures_are_written_and_named(small_digits, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    write(tmp_path / "pictures", small_digits)
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == PICTURES
    assert f"Pictures in {tmp_path / 'pictures'}" in capsys.readouterr().out


def test_without_matplotlib_it_goes_on(small_digits, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    write(tmp_path / "pictures", small_digits)
    assert 'pip install "weft[plot]"' in capsys.readouterr().out
    assert not (tmp_path / "pictures").exists()


def test_a_folder_that_cannot_be_made_is_said(small_digits, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    (tmp_path / "file").write_text("in the way")
    write(tmp_path / "file", small_digits)
    assert "cannot be written" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [0, 3, 100, 200])
def test_shown_digits_hold_the_surest_mistakes(wrong):
    labels = np.arange(200) % 10
    probabilities = np.full((200, 10), 0.02)
    said = labels.copy()
    said[:wrong] = (said[:wrong] + 1) % 10
    probabilities[np.arange(200), said] = np.linspace(0.3, 0.9, 200)
    shown = demo._shown_digits(probabilities, labels)
    assert len(set(shown)) == len(shown) <= 40
    misread = [number for number in shown if said[number] != labels[number]]
    assert len(misread) >= min(wrong, 20)
    if wrong == 3:
        assert shown[-3:].tolist() == [2, 1, 0]


@pytest.mark.skipif(Sequential is None, reason="needs the models of weft.keras")
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_whole_demonstration(small_digits, language, tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(_words, "korean_font", lambda: "DejaVu Sans")
    folder = str(tmp_path / "pictures")
    assert demo.run(epochs=2, seed=1, folder=folder, language=language) == 0
    printed = capsys.readouterr().out
    assert "digits drawn by weft, 600 to learn from, 200 to test with" in printed
    assert "Total params: 407,050" in printed
    assert "Test: accuracy 0." in printed
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == PICTURES
