"""tf.train: what is saved comes back, and what does not fit is told."""

from __future__ import annotations

import os
import zipfile

import numpy as np
import pytest

import weft.compat.tensorflow as tf

X = np.random.default_rng(0).random((16, 3)).astype("float32")


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


class Net(tf.Module):
    def __init__(self, start=0.0):
        super().__init__()
        self.parts = [tf.Variable([start, start]), {"k": tf.Variable(start)}]
        self.half = tf.Variable(start, dtype=tf.bfloat16)
        self.me = self

    def values(self):
        return [float(v) for v in (self.parts[0][1], self.parts[1]["k"], self.half)]


def model(width=2, built=True):
    layers = [tf.keras.layers.Dense(width), tf.keras.layers.BatchNormalization()]
    made = tf.keras.Sequential([tf.keras.Input((3,))] * built + layers)
    made.compile("adam", "mse")
    return made


def test_modules_lists_dicts_and_counters():
    net, step = Net(3.0), tf.Variable(4, dtype=tf.int64)
    saved = tf.train.Checkpoint(net=net, step=step)
    assert [saved.save("d/ck"), saved.save("d/ck")] == ["d/ck-1", "d/ck-2"]
    assert tf.train.latest_checkpoint("d") == "d/ck-2"
    assert tf.train.latest_checkpoint("nothing") is None
    other, step = Net(), tf.Variable(0, dtype=tf.int64)
    fresh = tf.train.Checkpoint(net=other, step=step)
    fresh.restore("d/ck-2").assert_consumed().assert_existing_objects_matched()
    assert (other.values(), int(step)) == ([3.0, 3.0, 3.0], 4)
    assert int(fresh.save_counter) == 2 and fresh.save("d/ck") == "d/ck-3"
    names = dict(tf.train.list_variables("d"))
    assert names["net/parts/0/.ATTRIBUTES/VARIABLE_VALUE"] == [2]
    key = "net/parts/1/k/.ATTRIBUTES/VARIABLE_VALUE"
    assert tf.train.load_variable("d/ck-1", key) == 3.0
    assert tf.train.load_checkpoint("d").has_tensor(key)


@pytest.mark.parametrize("built", [True, False])
def test_training_goes_on_where_it_was(built):
    first = model()
    first.fit(X, X[:, :2], epochs=1, batch_size=4, verbose=0, shuffle=False)
    saved = tf.train.Checkpoint(optimizer=first.optimizer, model=first)
    path = saved.write("w")
    second = model(built=built)
    status = tf.train.Checkpoint(optimizer=second.optimizer, model=second).read(path)
    assert int(second.optimizer.iterations) == 4
    for one in (first, second):
        one.fit(X, X[:, :2], epochs=1, batch_size=4, verbose=0, shuffle=False)
    status.assert_consumed()
    for a, b in zip(first.get_weights(), second.get_weights()):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(
        *[np.asarray(one.optimizer.variables[-1]) for one in (first, second)]
    )


def test_attributes_that_come_after_restoring():
    net = tf.Module()
    net.late = tf.Variable(5.0)
    tf.train.Checkpoint(net=net).write("w")
    later = tf.Module()
    status = tf.train.Checkpoint(net=later).read("w")
    with pytest.raises(AssertionError, match="1 entries of the file belong to no object"):
        status.assert_consumed()
    later.late = tf.Variable(0.0)
    assert float(later.late) == 5.0
    status.assert_consumed()


def test_a_root_and_attributes():
    tf.train.Checkpoint(model()).write("w")
    tf.train.Checkpoint(model()).read("w").assert_consumed()
    saved = tf.train.Checkpoint()
    saved.late, saved.several = tf.Variable(4.0), [tf.Variable(1.0)]
    saved.write("a")
    saved.late.assign(0.0)
    saved.restore("a").assert_consumed()
    assert float(saved.late) == 4.0


def test_iterators_and_generators_go_on():
    dataset = tf.data.Dataset.range(10).shuffle(10, seed=1, reshuffle_each_iteration=False)
    iterator, generator = iter(dataset), tf.random.Generator.from_seed(1)
    saved = tf.train.Checkpoint(iterator=iterator, generator=generator)
    for _ in range(3):
        next(iterator)
    saved.write("w")
    wanted = int(next(iterator)), float(generator.normal([]))
    next(iterator)
    saved.read("w").assert_consumed()
    assert (int(next(iterator)), float(generator.normal([]))) == wanted


def test_what_is_missing_is_told():
    tf.train.Checkpoint(a=tf.Variable(1.0), b=tf.Variable([1.0, 2.0])).write("w")
    a = tf.Variable(0.0)
    status = tf.train.Checkpoint(a=a, c=tf.Variable(0.0)).read("w")
    assert float(a) == 1.0 and status.expect_partial() is status
    status.assert_nontrivial_match()
    with pytest.raises(AssertionError, match="1 objects are not in the file: c"):
        status.assert_existing_objects_matched()
    with pytest.raises(AssertionError, match=r"1 entries of the file .*: b"):
        tf.train.Checkpoint(a=a).read("w").assert_consumed()
    with pytest.raises(AssertionError, match="entries were not read"):
        tf.train.Checkpoint(z=a).read("w").assert_nontrivial_match()
    with pytest.raises(
        ValueError, match=r"b is f32\[2\] in the file, and its variable f32"
    ):
        tf.train.Checkpoint(b=tf.Variable(1.0)).read("w")
    with pytest.raises(TypeError, match="make the variable of that dtype"):
        tf.train.Checkpoint(a=tf.Variable(1)).read("w")
    with pytest.raises(ValueError, match=r"'a' must have state to save.*received int"):
        tf.train.Checkpoint(a=3)
    with pytest.raises(tf.errors.NotFoundError, match="give what save"):
        tf.train.Checkpoint(a=a).restore("nothing")
    open("theirs.index", "w").close()
    with pytest.raises(tf.errors.NotFoundError, match="was written by TensorFlow"):
        tf.train.Checkpoint(a=a).restore("theirs")
    tf.train.Checkpoint(a=a).restore(None)


def _damage(kind):
    with open("w.npz", "rb") as file:
        content = bytearray(file.read())
    if kind == "cut":
        content = content[: len(content) // 2]
    elif kind == "flipped":
        content[content.index(b"NUMPY") + 130] ^= 1
    elif kind == "foreign":
        content = b"no archive"
    else:
        with zipfile.ZipFile("w.npz", "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("b.npy", b"\x93NUMPY\x01\x00" + bytes(1000))
        return
    with open("w.npz", "wb") as file:
        file.write(content)


@pytest.mark.parametrize("kind", ["cut", "flipped", "foreign", "compressed"])
def test_damaged_files(kind):
    a = tf.Variable([1.0, 2.0])
    tf.train.Checkpoint(a=a).write("w")
    _damage(kind)
    with pytest.raises(tf.errors.DataLossError, match=r"w\.npz is no checkpoint of weft"):
        tf.train.Checkpoint(a=a).read("w")


def test_objects_in_files_are_refused():
    a = tf.Variable(1.0)
    tf.train.Checkpoint(a=a).write("w")
    with zipfile.ZipFile("w.npz", "a") as archive, archive.open("b.npy", "w") as member:
        np.lib.format.write_array(member, np.array([print], object), (1, 0))
    with pytest.raises(tf.errors.DataLossError, match="holds Python objects"):
        tf.train.Checkpoint(a=a).read("w")


def test_the_manager_keeps_the_latest():
    step = tf.Variable(0)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(step=step), "m", max_to_keep=2)
    assert manager.restore_or_initialize() is None and manager.latest_checkpoint is None
    for number in range(4):
        step.assign(number)
        assert manager.save() == f"m/ckpt-{number + 1}"
    assert manager.checkpoints == ["m/ckpt-3", "m/ckpt-4"]
    assert manager.save(checkpoint_number=50) == "m/ckpt-50"
    assert sorted(os.listdir("m")) == ["checkpoint", "ckpt-4.npz", "ckpt-50.npz"]
    step.assign(100)
    again = tf.train.CheckpointManager(
        tf.train.Checkpoint(step=step), "m", 2, step_counter=step, checkpoint_interval=5
    )
    assert again.restore_or_initialize() == "m/ckpt-50" and int(step) == 3
    assert again.save() is None
    step.assign_add(5)
    assert again.save() == "m/ckpt-6" == tf.train.latest_checkpoint("m")


def test_the_manager_keeps_one_in_some_hours():
    manager = tf.train.CheckpointManager(
        tf.train.Checkpoint(v=tf.Variable(0)), "m", 1, keep_checkpoint_every_n_hours=2,
        init_fn=lambda: called.append(1),
    )  # fmt: skip
    called = []
    manager.restore_or_initialize()
    for _ in range(4):
        manager.save()
    assert called == [1]
    assert sorted(os.listdir("m")) == ["checkpoint", "ckpt-1.npz", "ckpt-4.npz"]


class Stack(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.first = tf.keras.layers.Dense(4)
        self.others = [tf.keras.layers.Dense(4, activation="relu") for _ in range(2)]

    def call(self, x):
        x = self.first(x)
        for layer in self.others:
            x = layer(x)
        return x


def session(steps):
    """A loop as in the guides: restore before anything is built, train, save."""
    net, optimizer = Stack(), tf.keras.optimizers.Adam(0.1)
    iterator = iter(tf.data.Dataset.from_tensor_slices(X).repeat().batch(4))
    saved = tf.train.Checkpoint(
        step=tf.Variable(0), net=net, optimizer=optimizer, iterator=iterator
    )
    manager = tf.train.CheckpointManager(saved, "loop", max_to_keep=1)
    status = saved.restore(manager.latest_checkpoint)

    @tf.function
    def train(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((net(x) - 1.0) ** 2)
        variables = net.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))

    for _ in range(steps):
        train(next(iterator))
        saved.step.assign_add(1)
    manager.save()
    if int(saved.step) > steps:
        status.assert_consumed()
    return [int(saved.step), *net.get_weights(), *map(np.asarray, optimizer.variables)]


def test_a_loop_that_is_cut_in_two_gives_the_same_numbers():
    session(3)
    copy = tf.train.load_checkpoint("loop")
    halves = session(2)
    assert halves[0] == 5
    # The first session again, from its own checkpoint, without a break.
    whole_net, whole_optimizer = Stack(), tf.keras.optimizers.Adam(0.1)
    whole_net(X[:4])
    whole_optimizer.build(whole_net.trainable_variables)
    names = copy.get_variable_to_shape_map()
    arrays = {name.removesuffix(tf.train._SUFFIX): copy.get_tensor(name) for name in names}
    tf.train._checkpoint.write_arrays("copy", arrays)
    status = tf.train.Checkpoint(net=whole_net, optimizer=whole_optimizer).read("copy")
    status.assert_existing_objects_matched()
    for number in (3, 0):
        x = X[number * 4 : number * 4 + 4]
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((whole_net(x) - 1.0) ** 2)
        variables = whole_net.trainable_variables
        whole_optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    whole = [*whole_net.get_weights(), *map(np.asarray, whole_optimizer.variables)]
    for a, b in zip(halves[1:], whole, strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-6)
