"""tf.summary: which events stand in the file, read back by the reader of the callback's tests."""

from __future__ import annotations

import numpy as np
import pytest

import weft.compat.tensorflow as tf
from tests.keras.callbacks.test_tensorboard import events


def written(folder):
    return {
        tag: [(step, plugin) for step, plugin, _ in entries]
        for tag, entries in events(folder).items()
    }


def test_all_kinds(tmp_path):
    pictures = np.random.default_rng(0).random((5, 4, 6, 3))
    with tf.summary.create_file_writer(str(tmp_path)).as_default(step=2):
        with tf.name_scope("net"):
            assert bool(tf.summary.scalar("loss", tf.constant(0.5)))
        tf.summary.histogram("h", np.arange(10), step=7, buckets=5)
        tf.summary.image("i", pictures, max_outputs=2)
        tf.summary.text("one", "hello")
        tf.summary.text("two", tf.constant([["a", "b"]]))
    found = events(tmp_path)
    ((step, plugin, loss),) = found["net/loss"]
    assert (step, plugin, float(loss)) == (2, "scalars", 0.5)
    ((step, _, rows),) = found["h"]
    assert step == 7 and rows[:, 2].tolist() == [2.0] * 5
    width, height, *parts = found["i"][0][2]
    assert (width, height, len(parts)) == (b"6", b"4", 2)
    assert (found["one"][0][2], found["two"][0][2]) == ([b"hello"], [b"a", b"b"])


def test_in_functions_they_are_written_at_each_run(tmp_path):
    step = tf.Variable(5, dtype=tf.int64)

    @tf.function
    def train(x):
        tf.summary.scalar("x", x)
        tf.summary.text("note", "same")
        for i in tf.range(2):
            tf.summary.scalar("loop", x, step=tf.cast(i, tf.int64))
        with tf.summary.record_if(x > 1.0):
            tf.summary.scalar("large", x, step=step)
        return x

    train(tf.constant(0.0))
    assert not list(tmp_path.iterdir())
    train = tf.function(train.python_function)
    with tf.summary.create_file_writer(tmp_path).as_default(step=step):
        for x in range(3):
            train(tf.constant(float(x)))
            step.assign_add(1)
    found = written(tmp_path)
    assert found["x"] == [(5, "scalars"), (6, "scalars"), (7, "scalars")]
    assert found["note"] == [(5, "text"), (6, "text"), (7, "text")]
    assert found["loop"] == [(0, "scalars"), (1, "scalars")] * 3
    assert found["large"] == [(7, "scalars")]


def test_which_are_written(tmp_path):
    assert not bool(tf.summary.scalar("nobody", 1.0, step=0))
    assert not bool(tf.summary.should_record_summaries())
    with tf.summary.create_noop_writer().as_default():
        tf.summary.scalar("nothing", 1.0, step=0)
    writer = tf.summary.create_file_writer(tmp_path, max_queue=1)
    writer.set_as_default(step=3)
    tf.summary.scalar("set", 1.0)
    assert written(tmp_path) == {"set": [(3, "scalars")]}
    assert tf.summary.experimental.get_step() == 3
    with tf.summary.record_if(False):
        assert not bool(tf.summary.scalar("off", 1.0))
    with tf.summary.record_if(lambda: True):
        assert bool(tf.summary.scalar("on", 1.0))
    tf.summary.flush()
    writer.close()
    assert set(written(tmp_path)) == {"set", "on"}
    with pytest.raises(RuntimeError, match="the writer is closed"):
        tf.summary.scalar("late", 1.0)
    tf.summary.create_noop_writer().set_as_default()
    tf.summary.experimental.set_step(None)


def test_what_is_refused(tmp_path):
    with tf.summary.create_file_writer(tmp_path).as_default():
        with pytest.raises(ValueError, match="there is no step"):
            tf.summary.scalar("a", 1.0)
        with pytest.raises(ValueError, match=r"'a' must be one number; .* \(2,\)"):
            tf.summary.scalar("a", [1.0, 2.0], step=0)
        with pytest.raises(ValueError, match="put an axis before one picture"):
            tf.summary.image("a", np.zeros((4, 4, 3)), step=0)
    with pytest.raises(AttributeError, match=r"TensorFlow 1: use tf\.summary"):
        tf.summary.FileWriter


def test_python_functions_without_results_run_each_time():
    seen = []

    @tf.function
    def f(x):
        tf.py_function(lambda value: seen.append(int(value)), [x], [])
        return x

    for number in range(3):
        f(tf.constant(number))
    assert seen == [0, 1, 2]


def test_text_prints_while_traced(capsys):
    text = tf.constant(["a", "b"])

    @tf.function
    def f(x):
        tf.print("text", text, x)
        return x

    f(tf.constant(1))
    assert capsys.readouterr().err == 'text ["a" "b"] 1\n'
