"""keras.utils: datasets out of arrays and folders, images, padded sequences, splits.

Expected values were made once with Keras 3.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.data.test_order import values
from weft import keras
from weft.data import Dataset

utils = keras.utils


def test_windows_over_a_series():
    data, goals = np.arange(10), np.arange(10) * 10
    make = utils.timeseries_dataset_from_array
    assert values(make(data, None, 3, batch_size=4)) == [
        [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]],
        [[4, 5, 6], [5, 6, 7], [6, 7, 8], [7, 8, 9]],
    ]
    strided = make(data, goals, 2, sampling_rate=2, sequence_stride=2, batch_size=2)
    assert values(strided) == [
        ([[0, 2], [2, 4]], [0, 20]), ([[4, 6], [6, 8]], [40, 60])]  # fmt: skip
    part = make(data, goals, 3, start_index=2, end_index=6, batch_size=None)
    assert values(part) == [([2, 3, 4], 20), ([3, 4, 5], 30)]
    shuffled = make(data, goals, 2, shuffle=True, seed=1, batch_size=None)
    assert sorted(int(y) for _, y in shuffled) == list(range(0, 90, 10))
    features = make(np.ones((9, 3), "float32"), None, 4)
    assert features.element_spec.shape == (None, 4, 3)
    with pytest.raises(ValueError, match="sequence_length must be"):
        make(data, None, 0)


def test_pad_sequences():
    pad = utils.pad_sequences
    assert pad([[1, 2, 3], [4]], maxlen=2).tolist() == [[2, 3], [0, 4]]
    after = pad([[1, 2, 3], [4]], 2, padding="post", truncating="post", value=9)
    assert after.tolist() == [[1, 2], [4, 9]]
    assert pad([[[1, 2]], [[3, 4], [5, 6]]]).shape == (2, 2, 2)
    assert pad([["a"], ["b", "c"]], dtype=object, value="-").tolist() == [
        ["-", "a"],
        ["b", "c"],
    ]
    assert pad([]).shape == (0, 0)
    with pytest.raises(ValueError, match="element 1"):
        pad([[1], 2])
    assert keras.preprocessing.sequence.pad_sequences is pad


def test_splits():
    left, right = utils.split_dataset(np.arange(10), left_size=0.7)
    assert (values(left), values(right)) == ([0, 1, 2, 3, 4, 5, 6], [7, 8, 9])
    left, right = utils.split_dataset((np.arange(4), np.arange(4) * 2), right_size=1)
    assert values(right) == [(3, 6)]
    batched = Dataset.range(10).batch(4)
    left, right = utils.split_dataset(batched, left_size=6)
    assert (values(left), values(right)) == ([[0, 1, 2, 3], [4, 5]], [[6, 7, 8, 9]])
    left, right = utils.split_dataset(np.arange(20), 0.5, shuffle=True, seed=2)
    assert sorted(values(left) + values(right)) == list(range(20))
    for sizes in ((None, None), (0.7, 0.7), (0, None), (11, None)):
        with pytest.raises(ValueError, match="split_dataset"):
            utils.split_dataset(np.arange(10), *sizes)


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("PIL")
    random = np.random.default_rng(0)
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        for number in range(4):
            image = random.integers(0, 255, (10 + number, 12, 3))
            utils.save_img(tmp_path / name / f"{number}.png", image, scale=False)
    (tmp_path / "a" / "notes.txt").write_text("not an image")
    return tmp_path


def test_images_from_a_folder(folder, capsys):
    make = utils.image_dataset_from_directory
    dataset = make(folder, image_size=(8, 6), batch_size=3, shuffle=False)
    assert "Found 8 files belonging to 2 classes." in capsys.readouterr().out
    assert dataset.class_names == ["a", "b"]
    images, labels = next(iter(dataset))
    assert (images.shape, images.dtype, labels.dtype) == ((3, 8, 6, 3), "float32", "int32")
    assert [int(label) for _, labels in dataset for label in labels] == [0] * 4 + [1] * 4
    one_hot = next(iter(make(folder, label_mode="categorical", verbose=False)))[1]
    assert one_hot.shape == (8, 2)
    alone = next(iter(make(folder, labels=None, batch_size=None, verbose=False)))
    assert alone.shape == (256, 256, 3)
    arguments = {"validation_split": 0.25, "seed": 3, "verbose": False}
    parts = [make(folder, subset=name, **arguments) for name in ("training", "validation")]
    assert [len(part.file_paths) for part in parts] == [6, 2]
    assert not set(parts[0].file_paths) & set(parts[1].file_paths)
    with pytest.raises(ValueError, match="exactly 2 classes"):
        make(folder, labels=list(range(8)), label_mode="binary")
    with pytest.raises(ValueError, match="no folder"):
        make(folder / "nowhere")


def test_texts_from_a_folder(tmp_path):
    for name in ("good", "bad"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(f"a {name} film")
    dataset = utils.text_dataset_from_directory(tmp_path, shuffle=False, max_length=5)
    texts, labels = next(iter(dataset))
    assert texts.numpy().tolist() == [b"a bad", b"a goo"]
    assert labels.numpy().tolist() == [0, 1]


def test_images_and_arrays(folder):
    image = utils.load_img(folder / "a" / "0.png")
    array = utils.img_to_array(image)
    assert (array.shape, array.dtype) == ((10, 12, 3), np.float32)
    assert utils.img_to_array(image, "channels_first").shape == (3, 10, 12)
    same = utils.img_to_array(utils.array_to_img(array, scale=False))
    np.testing.assert_array_equal(same, array)
    small = utils.load_img(folder / "a" / "0.png", "grayscale", target_size=(4, 5))
    assert utils.img_to_array(small).shape == (4, 5, 1)
    cut = keras.preprocessing.image.smart_resize(array, (5, 5))
    assert cut.shape == (5, 5, 3)
    with pytest.raises(ValueError, match="1, 3 or 4 channels"):
        utils.array_to_img(np.zeros((4, 4, 2)))
    with pytest.raises(ValueError, match="color_mode"):
        utils.load_img(folder / "a" / "0.png", "cmyk")


def test_bilinear_resizing_takes_the_centres_of_pixels():
    from weft.keras.utils.image_utils import resize

    ramp = np.arange(4, dtype="float32").reshape(1, 4, 1)
    assert resize(ramp, (1, 8), "bilinear").ravel().tolist() == [
        0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0]  # fmt: skip
    assert resize(ramp, (1, 2), "nearest").ravel().tolist() == [1.0, 3.0]


# -- Keras 2's preprocessing -----------------------------------------------------------------


def test_tokenizer():
    text = keras.preprocessing.text
    tokenizer = text.Tokenizer(num_words=4, oov_token="?")
    tokenizer.fit_on_texts(["The cat sat on the mat.", "The dog!"])
    assert tokenizer.word_index["the"] == 2
    assert tokenizer.texts_to_sequences(["the cat flew"]) == [[2, 3, 1]]
    assert tokenizer.sequences_to_texts([[2, 3]]) == ["the cat"]
    matrix = tokenizer.texts_to_matrix(["the the cat"], mode="count")
    assert matrix.tolist() == [[0, 0, 2, 1]]
    assert tokenizer.texts_to_matrix(["the the cat"], mode="freq")[0, 2] == 2 / 3
    tfidf = tokenizer.texts_to_matrix(["the the cat"], mode="tfidf")
    np.testing.assert_allclose(tfidf[0, 2], (1 + np.log(2)) * np.log(1 + 2 / 3))
    again = text.tokenizer_from_json(tokenizer.to_json())
    assert again.texts_to_sequences(["the cat flew"]) == [[2, 3, 1]]
    assert text.one_hot("a b a", 50)[0] == text.one_hot("a", 50)[0]
    with pytest.raises(ValueError, match="mode must be"):
        tokenizer.texts_to_matrix(["a"], mode="share")


def test_timeseries_generator():
    make = keras.preprocessing.sequence.TimeseriesGenerator
    data = np.arange(50)
    windows = make(data, data * 2, length=10, sampling_rate=2, batch_size=2)
    assert len(windows) == 20
    x, y = windows[0]
    assert x.tolist() == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]
    assert y.tolist() == [20, 22]
    with pytest.raises(ValueError, match="must fit"):
        make(data[:5], data[:5], length=10)


def test_image_data_generator(folder):
    make = keras.preprocessing.image.ImageDataGenerator
    images = np.arange(4 * 6 * 6 * 3, dtype="float32").reshape(4, 6, 6, 3)
    plain = make(rescale=0.5).flow(images, np.arange(4), batch_size=3, shuffle=False)
    assert [len(x) for x, _ in (plain[0], plain[1])] == [3, 1]
    np.testing.assert_array_equal(plain[0][0], images[:3] * 0.5)
    flipped = make(horizontal_flip=True).flow(images, batch_size=4, shuffle=False, seed=1)[
        0
    ]
    changed = [not np.array_equal(a, b) for a, b in zip(flipped, images)]
    for is_changed, new, old in zip(changed, flipped, images):
        np.testing.assert_array_equal(new, old[:, ::-1] if is_changed else old)
    moved = make(rotation_range=20, zoom_range=0.1, width_shift_range=0.2)
    one, other = (moved.flow(images, seed=3)[0] for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(np.sort(one.ravel()), images.ravel())
    centred = make(featurewise_center=True)
    with pytest.raises(ValueError, match="fit"):
        centred.flow(images)[0]
    centred.fit(images)
    assert abs(centred.flow(images)[0].mean()) < 1e-3
    from_files = make(validation_split=0.25).flow_from_directory(
        folder, target_size=(5, 5), batch_size=3, subset="training"
    )
    assert from_files.class_indices == {"a": 0, "b": 1}
    x, y = next(from_files)
    assert (x.shape, y.shape, from_files.samples) == ((3, 5, 5, 3), (3, 2), 6)


def test_channels_first_is_the_same_transposed():
    images = np.random.default_rng(0).random((4, 3, 6, 6)).astype("float32")
    made = []
    for data_format, source in (
        ("channels_first", images), ("channels_last", np.moveaxis(images, 1, -1))
    ):  # fmt: skip
        generator = keras.preprocessing.image.ImageDataGenerator(
            data_format=data_format, rotation_range=20, width_shift_range=0.2,
            horizontal_flip=True, featurewise_std_normalization=True,
        )  # fmt: skip
        generator.fit(source)
        made.append(generator.flow(source, seed=1)[0])
    np.testing.assert_allclose(np.moveaxis(made[0], 1, -1), made[1], atol=1e-6)


def test_whitened_values_are_independent():
    draws = np.random.default_rng(0)
    images = draws.random((200, 2, 2, 1)) @ np.ones((1, 3)) + draws.random((200, 2, 2, 3))
    generator = keras.preprocessing.image.ImageDataGenerator(zca_whitening=True)
    with pytest.raises(ValueError, match="fit"):
        generator.standardize(images[0])
    generator.fit(images)
    batches = generator.flow(images, batch_size=200, shuffle=False)
    rows = batches[0].reshape(200, -1)
    np.testing.assert_allclose(rows.T @ rows / 200, np.eye(12), atol=1e-3)


def test_a_shift_moves_pixels():
    image = np.zeros((5, 5, 1), "float32")
    image[2, 2] = 1
    generator = keras.preprocessing.image.ImageDataGenerator(width_shift_range=2)
    moved = generator.random_transform(image, seed=0)
    assert abs(float(moved.sum()) - 1) < 1e-5
    assert (moved[2].sum(), moved[2, 2, 0] < 1) == (pytest.approx(1), True)
