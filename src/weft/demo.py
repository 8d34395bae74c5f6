"""`weft demo`: the first network of the textbooks learns to read digits, in a few seconds.

digits ──► Sequential ──► compile ──► fit ──► evaluate ──► pictures of what was learned
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from weft import viz
from weft.errors import MissingExtraError
from weft.keras.datasets import drawn_digits, mnist
from weft.keras.datasets._arrays import Split
from weft.viz._words import word

FOLDER = "weft-demo"
# Whoever has no network should not wait long to be told.
_DOWNLOAD_TIMEOUT_SECONDS = 5.0
_SHOWN_DIGITS = 40


def run(
    epochs: int = 5,
    seed: int | None = None,
    folder: str | None = None,
    language: str = "en",
) -> int:
    """Train, test, and draw what was learned; returns the exit code of the command.

    The data are MNIST where it lies in the cache or can be downloaded, else drawn digits.
    With a seed each run gives the same numbers. The pictures go to `folder`, by default
    "weft-demo" in the current folder. The words on them are English ("en") or Korean ("ko").
    """
    # The models are loaded now, so that looking at this command's help costs nothing.
    from weft import keras

    name, ((x_train, y_train), (x_test, y_test)) = _digits()
    print(f"Data: {name}, {len(x_train):,} to learn from, {len(x_test):,} to test with.\n")
    if seed is not None:
        keras.utils.set_random_seed(seed)

    images_train, images_test = _prepared(x_train), _prepared(x_test)
    model = keras.Sequential(
        [
            keras.layers.Input((784,)),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer="rmsprop",
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.summary()

    begin = time.perf_counter()
    history = model.fit(images_train, y_train, epochs=epochs, batch_size=128)
    seconds = time.perf_counter() - begin
    loss, accuracy = model.evaluate(images_test, y_test, verbose=0)
    probabilities = np.asarray(model.predict(images_test, verbose=0))

    mistakes = int((probabilities.argmax(axis=1) != y_test).sum())
    print(f"\nLearned in {seconds:.1f} s, compilation included.")
    print(f"Test: accuracy {accuracy:.4f}, loss {loss:.4f}; {mistakes} digits misread.")
    kernel = np.asarray(model.layers[0].kernel)
    shown = x_test, probabilities, y_test
    _write_pictures(Path(folder or FOLDER), language, history, kernel, *shown)
    return 0


def _digits() -> tuple[str, Split]:
    """What the data are called, and the digits: MNIST if it can be had."""
    try:
        path = mnist.fetch(timeout=_DOWNLOAD_TIMEOUT_SECONDS)
        return f"MNIST ({path})", mnist.load_data()
    except (OSError, ValueError) as error:
        print(f"MNIST cannot be had: {error}")
        print("The digits are drawn by weft instead (weft.keras.datasets.drawn_digits).")
        return "digits drawn by weft", drawn_digits.load_data()


def _prepared(images: np.ndarray) -> np.ndarray:
    """Pictures as rows of 784 numbers between 0 and 1."""
    return images.reshape(len(images), 784).astype("float32") / 255


def _write_pictures(
    folder: Path,
    language: str,
    history: Any,
    kernel: np.ndarray,
    images: np.ndarray,
    probabilities: np.ndarray,
    labels: np.ndarray,
) -> None:
    """Draw the pictures into the folder and say where; without matplotlib, say how to."""
    chosen = _shown_digits(probabilities, labels)
    mistakes = int((probabilities.argmax(axis=1) != labels).sum())

    def draw_digits(path: Path) -> Any:
        title = word("The first test digits, and the surest of {n} mistakes", n=mistakes)
        said = probabilities[chosen]
        return viz.plot_predictions(images[chosen], said, labels[chosen], path, title=title)

    pictures: dict[str, Callable[[Path], Any]] = {
        "learning_curves.png": lambda path: viz.plot_history(history, path),
        "test_digits.png": draw_digits,
        "first_layer.png": lambda path: viz.plot_weights(kernel, path),
    }
    try:
        viz.set_language(language)
        for name, draw in pictures.items():
            draw(folder / name)
    except MissingExtraError as error:
        print(f"No pictures: {error}")
    except OSError as error:
        print(f"No pictures: {folder.resolve()} cannot be written ({error}).")
    else:
        print(f"Pictures in {folder.resolve()}: {', '.join(pictures)}")
    finally:
        viz.set_language("en")


def _shown_digits(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which digits to draw: the first ones of the test, then the surest mistakes."""
    classes = probabilities.argmax(axis=1)
    mistakes = np.flatnonzero(classes != labels)
    surest = mistakes[np.argsort(-probabilities.max(axis=1)[mistakes], kind="stable")]
    surest = surest[: _SHOWN_DIGITS // 2]
    others = np.setdiff1d(np.arange(min(_SHOWN_DIGITS * 2, len(labels))), surest)
    return np.concatenate([others[: _SHOWN_DIGITS - len(surest)], surest])
