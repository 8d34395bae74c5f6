"""tf.lookup, and the names that only advise."""

from __future__ import annotations

import pytest

import weft.compat.tensorflow as tf

TEXTS = tf.lookup.StaticHashTable(
    tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2], value_dtype=tf.int64), -1
)
NUMBERS = tf.lookup.StaticHashTable(
    tf.lookup.KeyValueTensorInitializer([1, 2], [0.5, 1.5], tf.int64, tf.float32), 0.0
)
NAMES = tf.lookup.StaticHashTable(
    tf.lookup.KeyValueTensorInitializer([1, 2], ["x", "y"]), "none"
)


def test_lookups():
    assert TEXTS.lookup(tf.constant([["a", "z"]])).numpy().tolist() == [[1, -1]]
    assert int(TEXTS[tf.constant("b")]) == int(TEXTS.size()) == 2
    assert NAMES.lookup([2, 5]).numpy().tolist() == [b"y", b"none"]
    assert (TEXTS.key_dtype, TEXTS.value_dtype) == (tf.string, tf.int64)
    keys, values = TEXTS.export()
    assert (keys.numpy().tolist(), values.numpy().tolist()) == ([b"a", b"b"], [1, 2])
    dataset = tf.data.Dataset.from_tensor_slices(["a", "q"]).map(TEXTS.lookup)
    assert [int(value) for value in dataset] == [1, -1]
    double = tf.function(lambda x: NUMBERS.lookup(x) * 2)
    assert double(tf.constant([2, 5], tf.int64)).numpy().tolist() == [3.0, 0.0]


def test_tables_from_files(tmp_path):
    (tmp_path / "v.txt").write_text("hello\t3\nworld\t4\n")
    place, path = tf.lookup.TextFileIndex, str(tmp_path / "v.txt")
    for value, wanted in ((place.LINE_NUMBER, [1, -1]), (1, [4, -1])):
        table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(path, tf.string, 0, tf.int64, value), -1
        )
        assert table.lookup(tf.constant(["world", "q"])).numpy().tolist() == wanted


REFUSED = {
    "dtype": (lambda: NUMBERS.lookup(tf.constant([2])), TypeError, "are int64; received i32"),
    "text": (lambda: tf.function(NAMES.lookup)(tf.constant([2])), TypeError, "are text"),
    "lengths": (
        lambda: tf.lookup.KeyValueTensorInitializer([1, 2], [1]), ValueError, "as many values",
    ),
    "twice": (
        lambda: tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer([1, 1], [1, 2]), 0
        ),
        RuntimeError, "the key 1 has the values 1 and 2",
    ),
    "save": (lambda: tf.saved_model.save(1, "d"), NotImplementedError, "tf.train.Checkpoint"),
    "load": (lambda: tf.saved_model.load("d"), NotImplementedError, "no SavedModel"),
    "saver": (lambda: tf.train.Saver(), AttributeError, "use tf.train.Checkpoint"),
    "records": (lambda: tf.data.TFRecordDataset, AttributeError, "Dataset.from_generator"),
    "sql": (lambda: tf.data.experimental.SqlDataset, AttributeError, "from_generator"),
    "audio": (lambda: tf.summary.audio, AttributeError, "has no audio"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_what_to_use(name):
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()


def test_folders_of_saved_models_are_known(tmp_path):
    assert not tf.saved_model.contains_saved_model(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert tf.saved_model.contains_saved_model(str(tmp_path))


TEXT_OF_TRACED = {
    "as_string": lambda x: tf.strings.as_string(x),
    "format": lambda x: tf.strings.format("{}", [x]),
}


@pytest.mark.parametrize("name", TEXT_OF_TRACED)
def test_text_of_traced_numbers_says_why_there_is_none(name):
    with pytest.raises(TypeError, match=f"tf.strings.{name}: no program holds text"):
        tf.function(TEXT_OF_TRACED[name])(tf.constant([1, 2]))
