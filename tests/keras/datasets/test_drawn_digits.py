"""Drawn digits: the same bits everywhere, in the form of MNIST, cached where possible."""

import hashlib
import os
import stat
import sys

import numpy as np
import pytest

from weft.keras.datasets import drawn_digits
from weft.keras.datasets._drawn_pen import Chance
from weft.keras.datasets._drawn_strokes import POINT_COUNT, SKELETONS, skeletons

# SHA-256 over the bytes of images, then labels. They change only with the edition of the
# drawing, whose number is in drawn_digits.FILE_NAME.
GOLDEN_PART = "e009acfa3988df8b7e89a56ef78b7b6a1a4c470ff010c7ca1c67217f8d3658d5"
GOLDEN_WHOLE = "a4df0818e8e76e09158c34deeded7b1695d9f869719ea6236f83c91c0b1e703d"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def digest(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def test_a_part_has_the_golden_bits():
    assert (
        digest(*drawn_digits.draw(500, drawn_digits.TRAIN_SEED, first=100)) == GOLDEN_PART
    )


@pytest.mark.slow
def test_all_digits_have_the_golden_bits_and_come_back_from_the_cache(home):
    (x_train, y_train), (x_test, y_test) = drawn_digits.load_data()
    assert digest(x_train, y_train, x_test, y_test) == GOLDEN_WHOLE
    cached = home / "datasets" / drawn_digits.FILE_NAME
    assert [entry.name for entry in cached.parent.iterdir()] == [cached.name]
    (x_again, y_again), (x_test_again, y_test_again) = drawn_digits.load_data()
    assert digest(x_again, y_again, x_test_again, y_test_again) == GOLDEN_WHOLE


@pytest.mark.parametrize(("first", "count"), [(0, 1), (3, 20), (255, 4), (4090, 12)])
def test_a_digit_does_not_depend_on_its_company(first, count):
    images, labels = drawn_digits.draw(4200, seed=5)
    own_images, own_labels = drawn_digits.draw(count, seed=5, first=first)
    assert np.array_equal(own_images, images[first : first + count])
    assert np.array_equal(own_labels, labels[first : first + count])


def test_no_digits_are_an_empty_array():
    images, labels = drawn_digits.draw(0, seed=5)
    assert images.shape == (0, 28, 28)
    assert labels.shape == (0,)


def test_digits_look_like_digits():
    images, labels = drawn_digits.draw(3000, seed=3)
    assert images.dtype == labels.dtype == np.uint8
    assert set(np.bincount(labels, minlength=10) > 200) == {True}
    # Ink in the middle, bare paper at the rim, and no picture empty or full.
    share = (images > 0).mean(axis=(1, 2))
    assert share.min() > 0.02 and share.max() < 0.6
    assert (images[:, [0, -1]] > 0).mean() < 0.02
    assert images.max() == 255


def test_seeds_give_different_digits():
    train, _ = drawn_digits.draw(300, drawn_digits.TRAIN_SEED)
    test, _ = drawn_digits.draw(300, drawn_digits.TEST_SEED)
    seen = {image.tobytes() for image in train} | {image.tobytes() for image in test}
    assert len(seen) == 600


def test_a_simple_classifier_learns_most_of_them_but_not_all():
    images, labels = drawn_digits.draw(3000, seed=1)
    others, answers = drawn_digits.draw(1000, seed=2)
    means = np.stack([images[labels == digit].mean(axis=0).ravel() for digit in range(10)])
    points = others.reshape(len(others), -1).astype(float)
    distances = ((points[:, None] - means) ** 2).sum(axis=2)
    accuracy = (distances.argmin(axis=1) == answers).mean()
    assert 0.5 < accuracy < 0.9


@pytest.mark.parametrize("skeleton", skeletons(), ids=lambda skeleton: str(skeleton.digit))
def test_points_lie_on_the_way_between_anchors(skeleton):
    assert skeleton.weights.shape == (POINT_COUNT, len(skeleton.anchors))
    # Weights that sum to one move and stretch with the anchors.
    assert np.allclose(skeleton.weights.sum(axis=1), 1.0)
    points = skeleton.weights @ skeleton.anchors
    assert np.array_equal(points[0], skeleton.anchors[0])
    assert points.min() >= -8 and points.max() <= 108


def test_each_digit_has_several_ways():
    assert sorted(SKELETONS) == list(range(10))
    assert all(len(ways) >= 2 for ways in SKELETONS.values())


def test_chance_is_even_and_bounded():
    chance = Chance(11, np.arange(20000))
    assert abs(chance.uniform(2.0, 4.0).mean() - 3.0) < 0.02
    bell = chance.bell(2.0)
    assert abs(bell.mean()) < 0.05 and abs(bell.std() - 2.0) < 0.05
    assert np.abs(bell).max() <= 7.0
    assert np.array_equal(np.unique(chance.below(7)), np.arange(7))


def test_a_wrong_file_in_the_cache_is_left_alone(home, monkeypatch):
    cached = home / "datasets" / drawn_digits.FILE_NAME
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"somebody's notes")
    small = {"x_train": None, "y_train": None, "x_test": None, "y_test": None}
    monkeypatch.setattr(drawn_digits, "_draw_all", lambda: small)
    with pytest.warns(UserWarning, match="is not this dataset.*drawn anew"):
        assert drawn_digits.load_data() == ((None, None), (None, None))
    assert cached.read_bytes() == b"somebody's notes"


@pytest.mark.skipif(sys.platform == "win32", reason="folder modes")
@pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root writes anywhere"
)
def test_a_read_only_home_is_no_hindrance(home, monkeypatch):
    home.mkdir()
    home.chmod(stat.S_IREAD | stat.S_IEXEC)
    monkeypatch.setattr(
        drawn_digits,
        "_draw_all",
        lambda: {
            name: np.zeros(2, np.uint8)
            for name in ("x_train", "y_train", "x_test", "y_test")
        },
    )
    drawn_digits.load_data()
    assert list(home.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_no_hindrance(home, monkeypatch):
    home.parent.joinpath("home").write_text("a file where the folder should be")
    arrays = {
        name: np.zeros(2, np.uint8) for name in ("x_train", "y_train", "x_test", "y_test")
    }
    monkeypatch.setattr(drawn_digits, "_draw_all", lambda: arrays)
    monkeypatch.setattr(drawn_digits, "cached_path", lambda name: home / "datasets" / name)
    (x_train, _), _ = drawn_digits.load_data()
    assert x_train is arrays["x_train"]
