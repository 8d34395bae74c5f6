"""TensorBoard's files, read back by a reader of their format that stands here."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import pytest

from weft import keras
from weft.keras.callbacks.events import EventWriter, crc32c, png


def fields(data):
    """The fields of a message as (number, value)."""
    position = 0

    def varint():
        nonlocal position
        number = shift = 0
        while True:
            byte = data[position]
            position += 1
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number

    while position < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or varint()
            yield key >> 3, data[position : position + size]
            position += size


def records(path):
    content = path.read_bytes()
    position = 0
    while position < len(content):
        (length,) = struct.unpack_from("<Q", content, position)
        for start, size in ((position, 8), (position + 12, length)):
            value = crc32c(content[start : start + size])
            masked = ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF
            assert struct.unpack_from("<I", content, start + size) == (masked,)
        yield content[position + 12 : position + 12 + length]
        position += 16 + length


DTYPES = {1: "<f4", 2: "<f8"}


def tensor(data):
    parts = list(fields(data))
    shape = [
        dict(fields(one)).get(1, 0)
        for number, value in parts
        if number == 2
        for _, one in fields(value)
    ]
    kind = dict(parts)[1]
    if kind == 7:
        return [value for number, value in parts if number == 8]
    return np.frombuffer(dict(parts)[4], DTYPES[kind]).reshape(shape)


def events(folder):
    """{tag: [(step, plugin, value), …]} of the files in a folder."""
    found = {}
    for path in folder.iterdir():
        assert path.name.startswith("events.out.tfevents.")
        first, *others = records(path)
        assert dict(fields(first))[3] == b"brain.Event:2"
        for event in others:
            event = dict(fields(event))
            value = dict(fields(dict(fields(event[5]))[1]))
            plugin = dict(fields(dict(fields(value[9]))[1]))[1].decode()
            entry = (event.get(2, 0), plugin, tensor(value[8]))
            found.setdefault(value[1].decode(), []).append(entry)
    return found


X = np.random.default_rng(0).random((64, 4)).astype("float32")


def trained(folder, **options):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3, activation="relu", name="first"),
            keras.layers.Dense(1, name="last"),
        ],
        name="net",
    )
    model.compile("adam", "mse", metrics=["mae"])
    board = keras.callbacks.TensorBoard(folder, **options)
    history = model.fit(
        X, X[:, :1], epochs=3, batch_size=8, validation_split=0.25, verbose=0,
        callbacks=[board],
    )  # fmt: skip
    return model, history.history


def test_checksums():
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA


def test_epochs(tmp_path):
    _, history = trained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"train", "validation"}
    train, validation = events(tmp_path / "train"), events(tmp_path / "validation")
    for name in ("loss", "mae"):
        for run, key in ((train, name), (validation, f"val_{name}")):
            entries = run[f"epoch_{name}"]
            assert [(step, plugin) for step, plugin, _ in entries] == [
                (epoch, "scalars") for epoch in range(3)
            ]
            np.testing.assert_allclose([float(v) for *_, v in entries], history[key], 1e-6)
    assert float(train["epoch_learning_rate"][0][2]) == pytest.approx(1e-3)
    assert [step for step, *_ in validation["evaluation_loss_vs_iterations"]] == [6, 12, 18]
    ((_, plugin, (described,)),) = train["keras"]
    assert plugin == "graph_keras_model"
    assert json.loads(described)["class_name"] == "Sequential"
    assert set(train) == {"keras", "epoch_loss", "epoch_mae", "epoch_learning_rate"}


def test_batches_and_speed(tmp_path):
    trained(tmp_path, update_freq=2, write_steps_per_second=True, write_graph=False)
    train = events(tmp_path / "train")
    assert [step for step, *_ in train["batch_loss"]] == list(range(2, 19, 2))
    assert len(train["batch_steps_per_second"]) == 9
    assert all(float(v) > 0 for *_, v in train["epoch_steps_per_second"])
    assert "keras" not in train


def test_histograms_and_pictures(tmp_path):
    model, _ = trained(tmp_path, histogram_freq=2, write_images=True)
    train = events(tmp_path / "train")
    entries = train["net/first/kernel/histogram"]
    assert [(step, plugin) for step, plugin, _ in entries] == [
        (0, "histograms"), (2, "histograms")
    ]  # fmt: skip
    kernel = model.get_layer("first").get_weights()[0]
    rows = entries[-1][2]
    assert rows.shape == (30, 3) and rows[:, 2].sum() == kernel.size
    np.testing.assert_allclose(rows[[0, -1], [0, 1]], [kernel.min(), kernel.max()], 1e-6)
    _, plugin, (width, height, picture) = train["net/first/kernel/image"][0]
    assert (plugin, width, height) == ("images", b"4", b"3")
    assert picture.startswith(b"\x89PNG")


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png(channels):
    picture = np.random.default_rng(1).integers(0, 256, (5, 7, channels), np.uint8)
    content = png(picture)
    start = content.index(b"IDAT") + 4
    (size,) = struct.unpack(">I", content[start - 8 : start - 4])
    rows = np.frombuffer(zlib.decompress(content[start : start + size]), np.uint8)
    np.testing.assert_array_equal(rows.reshape(5, -1)[:, 1:], picture.reshape(5, -1))


def test_odd_histograms(tmp_path):
    writer = EventWriter(tmp_path)
    for step, values in enumerate(([], [2.0, 2.0], [np.nan, np.inf, 1.0, 3.0])):
        writer.histogram("h", values, step)
    writer.text("note", "über", 1)
    writer.close()
    found = events(tmp_path)
    assert [rows[:, 2].sum() for *_, rows in found["h"]] == [0, 2, 2]
    assert found["note"] == [(1, "text", ["über".encode()])]


def test_embeddings(tmp_path):
    model = keras.Sequential([
        keras.Input((3,), dtype="int32"),
        keras.layers.Embedding(5, 2, name="words"),
        keras.layers.Flatten(),
        keras.layers.Dense(1),
    ])  # fmt: skip
    model.compile("sgd", "mse")
    board = keras.callbacks.TensorBoard(
        tmp_path, embeddings_freq=1, embeddings_metadata={"words": "words.tsv"}
    )
    model.fit(np.ones((4, 3), int), np.ones(4), verbose=0, callbacks=[board])
    config = (tmp_path / "projector_config.pbtxt").read_text()
    assert 'tensor_path: "words.tsv"' in config
    table = np.loadtxt(tmp_path / "words.tsv")
    np.testing.assert_allclose(table, model.layers[0].get_weights()[0], rtol=1e-5)


def test_mistakes(tmp_path):
    with pytest.raises(ValueError, match="update_freq"):
        keras.callbacks.TensorBoard(tmp_path, update_freq="never")
    with pytest.warns(UserWarning, match=r"weft\.explain"):
        keras.callbacks.TensorBoard(tmp_path, profile_batch=2)
    with pytest.raises(ValueError, match="channels"):
        EventWriter(tmp_path).image("i", np.zeros((2, 3)), 0)


def test_a_custom_scalar(tmp_path):
    board = keras.callbacks.TensorBoard(tmp_path)
    board.summary.scalar("mine", 0.25, step=3)
    board.summary.close()
    ((step, _, value),) = events(tmp_path / "train")["mine"]
    assert (step, float(value)) == (3, 0.25)


def test_tensorboard_itself_reads_them(tmp_path):
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    _, history = trained(tmp_path, histogram_freq=1)
    run = accumulator.EventAccumulator(str(tmp_path / "train"))
    run.Reload()
    assert {"epoch_loss", "keras"} <= set(run.Tags()["tensors"])
    found = [event.tensor_proto.tensor_content for event in run.Tensors("epoch_loss")]
    found = [struct.unpack("<f", one)[0] for one in found]
    np.testing.assert_allclose(found, history["loss"], 1e-6)


def test_orbax_is_named_when_it_is_missing(tmp_path):
    try:
        import orbax.checkpoint  # noqa: F401
    except ImportError:
        with pytest.raises(ImportError, match="pip install orbax-checkpoint"):
            keras.callbacks.OrbaxCheckpoint(tmp_path)
