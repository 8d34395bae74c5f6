"""Files of models and weights: exchanged with real Keras, whole or absent, without code."""

from __future__ import annotations

import contextlib
import io
import json
import os
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.keras.real_keras import needs_keras, run_keras
from weft import keras
from weft.keras import layers

h5py = pytest.importorskip("h5py")

SAVED = Path(__file__).resolve().parents[2] / "fixtures" / "saved"
ANSWERS = dict(np.load(SAVED / "answers.npz"))
X = ANSWERS["x"]


def close(mine, theirs):
    np.testing.assert_allclose(np.asarray(mine), theirs, rtol=2e-5, atol=2e-6)


def small(units=3, compiled=True):
    model = keras.Sequential([
        keras.Input((4,)),
        layers.Dense(units, activation="relu"),
        layers.BatchNormalization(),
        layers.Dropout(0.3),
        layers.Dense(2),
    ])  # fmt: skip
    if compiled:
        model.compile("adam", "mse", metrics=["mae"])
        model.fit(X, X[:, :2], verbose=0)
    return model


class Blocks(keras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [layers.Dense(3), layers.Dense(4)]
        self.named = {"a": layers.Dense(2, activation="relu")}
        self.out = layers.Dense(1)
        self.deep = [[layers.Dense(1)], layers.Dense(1)]

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        x = self.named["a"](x)
        return self.out(x) + self.deep[0][0](x) + self.deep[1](x)


def equal_state(one, other):
    for mine, theirs in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
    if one.optimizer is not None:
        for mine, theirs in zip(
            one.optimizer.variables, other.optimizer.variables, strict=True
        ):
            np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


# -- what real Keras wrote ---------------------------------------------------------------


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_sequential_model_of_keras(ending):
    model = keras.models.load_model(SAVED / f"sequential{ending}")
    close(model.predict(X, verbose=0), ANSWERS["sequential"])
    assert int(model.optimizer.iterations.numpy()) == 2
    assert model.layers[0].kernel_regularizer is not None
    model.fit(X, np.arange(16) % 2, verbose=0)
    assert int(model.optimizer.iterations.numpy()) == 3


def test_a_functional_model_of_keras():
    model = keras.models.load_model(SAVED / "functional.keras")
    answers = model.predict(X, verbose=0)
    for name, value in answers.items():
        close(value, ANSWERS[f"functional_{name}"])
    assert len(model.trainable_variables) == 4  # the shared layer counts once
    assert type(model.optimizer._learning_rate).__name__ == "ExponentialDecay"
    model.fit(X, {"sum": X[:, :3], "twice": X[:, 1:]}, verbose=0)


@pytest.mark.parametrize("ending", [".weights.h5", ".weights.json"])
def test_weights_of_keras(ending):
    model = Blocks()
    model(X)
    model.load_weights(SAVED / f"blocks{ending}")
    close(model.predict(X, verbose=0), ANSWERS["blocks"])


# -- here and back -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.keras", "a.h5", "folder"])
def test_a_model_comes_back(tmp_path, name):
    model = small()
    keras.models.save_model(model, tmp_path / name, zipped=None if "." in name else False)
    copy = keras.models.load_model(tmp_path / name)
    np.testing.assert_array_equal(copy.predict(X, verbose=0), model.predict(X, verbose=0))
    equal_state(model, copy)
    assert copy.evaluate(X, X[:, :2], verbose=0) == model.evaluate(X, X[:, :2], verbose=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_open_files_and_compile_false():
    model = small()
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    copy = keras.models.load_model(file, compile=False)
    assert not copy.compiled
    np.testing.assert_array_equal(copy.get_weights()[0], model.get_weights()[0])


def test_layers_that_are_shared(tmp_path):
    shared = layers.Dense(3)
    inputs, inner = keras.Input((4,)), keras.Input((4,))
    part = keras.Model(inner, layers.Activation("relu")(shared(inner)))
    model = keras.Model(inputs, [shared(inputs), part(inputs), shared(inputs * 2)])
    model.save(tmp_path / "m.keras")
    copy = keras.models.load_model(tmp_path / "m.keras")
    assert len(copy.weights) == 2
    for mine, theirs in zip(
        copy.predict(X, verbose=0), model.predict(X, verbose=0), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


@keras.utils.register_keras_serializable(package="tests")
class Scale(layers.Layer):
    def __init__(self, start=1.0, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape):
        self.factor = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(self.start)
        )

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {**super().get_config(), "start": self.start}

    def save_assets(self, folder):
        Path(folder, "note.txt").write_text(f"started at {self.start}")

    def load_assets(self, folder):
        self.note = Path(folder, "note.txt").read_text()


def test_layers_of_ones_own_with_files(tmp_path):
    model = keras.Sequential([keras.Input((4,)), Scale(2.5)])
    model.save(tmp_path / "m.keras")
    copy = keras.models.load_model(tmp_path / "m.keras")
    assert copy.layers[0].note == "started at 2.5"
    assert float(copy.layers[0].factor.numpy()) == 2.5


class Unknown(layers.Layer):
    def call(self, x):
        return x


def test_unknown_classes_are_named(tmp_path):
    keras.Sequential([keras.Input((4,)), Unknown()]).save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=r"no class 'Unknown'.*custom_objects"):
        keras.models.load_model(tmp_path / "m.keras")
    given = {"Unknown": Unknown}
    model = keras.models.load_model(tmp_path / "m.keras", custom_objects=given)
    assert isinstance(model.layers[0], Unknown)


def off_by(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.hdf5"])
def test_training_goes_on_with_functions_that_were_given(tmp_path, name):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    model.compile("sgd", off_by, metrics=[off_by])
    x, y = np.ones((8, 4), "float32"), np.zeros(8, "float32")
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / name)
    model.fit(x, y, verbose=0, callbacks=[checkpoint])
    copy = keras.models.load_model(tmp_path / name, custom_objects={"off_by": off_by})
    assert copy.loss is off_by
    again, before = (one.fit(x, y, verbose=0).history for one in (copy, model))
    assert again == before and sorted(again) == ["loss", "off_by"]


def test_bfloat16_and_nothing_else_beside(tmp_path):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, dtype="bfloat16")])
    model.save_weights(tmp_path / "a.weights.h5")
    copy = keras.Sequential([keras.Input((4,)), layers.Dense(3, dtype="bfloat16")])
    copy.load_weights(tmp_path / "a.weights.h5")
    equal_state(model, copy)
    assert [path.name for path in tmp_path.iterdir()] == ["a.weights.h5"]


def test_shards(tmp_path):
    model = small()
    model.save_weights(tmp_path / "a.weights.json", max_shard_size=1e-7)
    assert len(list(tmp_path.iterdir())) > 3
    copy = small()
    copy.load_weights(tmp_path / "a.weights.json")
    equal_state(model, copy)


def test_weights_inside_a_model_file(tmp_path):
    model = small()
    model.save(tmp_path / "a.keras")
    copy = small()
    copy.load_weights(tmp_path / "a.keras")
    equal_state(model, copy)


def test_older_weights(tmp_path):
    model, copy = small(), small()
    with pytest.warns(UserWarning, match=r"\.weights\.h5"):
        model.save_weights(tmp_path / "a.h5")
    copy.load_weights(tmp_path / "a.h5")
    for mine, theirs in zip(copy.weights, model.weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


def test_older_weights_by_name(tmp_path):
    model = small()
    model.save(tmp_path / "a.h5")
    copy = keras.Sequential([keras.Input((4,)), layers.Dense(3, name=model.layers[0].name)])
    copy.load_weights(tmp_path / "a.h5", by_name=True)
    np.testing.assert_array_equal(copy.get_weights()[0], model.get_weights()[0])
    with pytest.raises(ValueError, match="Layer count mismatch"):
        copy.load_weights(tmp_path / "a.h5")


KERAS_2 = {
    "class_name": "Functional",
    "config": {
        "name": "model",
        "layers": [
            {"class_name": "InputLayer", "name": "input_1", "inbound_nodes": [],
             "config": {"batch_input_shape": [None, 4], "dtype": "float32",
                        "sparse": False, "ragged": False, "name": "input_1"}},
            {"class_name": "Dense", "name": "dense", "inbound_nodes": [[["input_1", 0, 0, {}]]],
             "config": {"name": "dense", "trainable": True, "dtype": "float32", "units": 3,
                        "activation": "relu", "use_bias": True,
                        "kernel_initializer": {"class_name": "GlorotUniform",
                                               "config": {"seed": None}},
                        "bias_initializer": {"class_name": "Zeros", "config": {}}}},
            {"class_name": "Concatenate", "name": "both",
             "inbound_nodes": [[["dense", 0, 0, {}], ["input_1", 0, 0, {}]]],
             "config": {"name": "both", "trainable": True, "dtype": "float32", "axis": -1}},
        ],
        "input_layers": [["input_1", 0, 0]],
        "output_layers": [["both", 0, 0]],
    },
}  # fmt: skip


def test_a_file_of_keras_2(tmp_path):
    kernel, bias = np.ones((4, 3), "float32"), np.zeros(3, "float32")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(KERAS_2).encode()
        file.attrs["training_config"] = json.dumps({
            "loss": "mse", "metrics": [[{"class_name": "MeanMetricWrapper", "config": {
                "name": "mae", "dtype": "float32", "fn": "mean_absolute_error"}}]],
            "loss_weights": None, "weighted_metrics": None,
            "optimizer_config": {"class_name": "SGD", "config": {
                "name": "SGD", "learning_rate": 0.5, "decay": 0.0, "momentum": 0.0}},
        })  # fmt: skip
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [b"input_1", b"dense", b"both"]
        for name in ("input_1", "both"):
            group.create_group(name).attrs["weight_names"] = []
        dense = group.create_group("dense")
        dense.attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
        dense["dense/kernel:0"], dense["dense/bias:0"] = kernel, bias
    model = keras.models.load_model(tmp_path / "a.h5")
    close(model.predict(X, verbose=0), np.concatenate([X @ kernel, X], axis=1))
    assert float(model.optimizer.learning_rate.numpy()) == 0.5
    assert len(model.evaluate(X, np.zeros((16, 7)), verbose=0)) == 2


# -- mistakes ------------------------------------------------------------------------------


def test_weights_that_do_not_fit(tmp_path):
    model = small()
    model.save_weights(tmp_path / "a.weights.h5")
    other = small(units=5)
    with pytest.raises(ValueError, match=r"load_weights: A total of 4 objects .*Dense"):
        other.load_weights(tmp_path / "a.weights.h5")
    with pytest.warns(UserWarning, match="could not be loaded"):
        other.load_weights(tmp_path / "a.weights.h5", skip_mismatch=True)
    assert other.get_weights()[1].shape == (5,)


def test_missing_and_extra_weights(tmp_path):
    longer = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(3)])
    shorter = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    longer.save_weights(tmp_path / "longer.weights.h5")
    shorter.save_weights(tmp_path / "shorter.weights.h5")
    with pytest.raises(ValueError, match=r"expected 2 variables, but received 0"):
        longer.load_weights(tmp_path / "shorter.weights.h5")
    with pytest.warns(UserWarning, match="no place for: layers/dense_1"):
        shorter.load_weights(tmp_path / "longer.weights.h5")


MISTAKES = {
    "ending": (lambda m, p: m.save(p / "a.model"), ValueError, "must end in `.keras`"),
    "weights": (lambda m, p: m.save_weights(p / "a.txt"), ValueError, "weights.h5"),
    "absent": (lambda m, p: keras.models.load_model(p / "no.keras"), OSError, "not found"),
    "absent weights": (lambda m, p: m.load_weights(p / "no.weights.h5"), OSError, "found"),
    "folder": (lambda m, p: keras.models.load_model(p), ValueError, "not supported"),
    "argument": (lambda m, p: m.save(p / "a.keras", colour=1), ValueError, "colour"),
    "unbuilt": (
        lambda m, p: keras.Sequential([layers.Dense(1)]).save_weights(p / "a.weights.h5"),
        ValueError, "not built",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", MISTAKES)
def test_mistakes(tmp_path, kind):
    act, error, message = MISTAKES[kind]
    with pytest.raises(error, match=message):
        act(small(compiled=False), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_overwriting(tmp_path, monkeypatch):
    model = small(compiled=False)
    model.save(tmp_path / "a.keras")
    before = (tmp_path / "a.keras").read_bytes()
    with pytest.raises(ValueError, match="overwrite=False"):
        model.save(tmp_path / "a.keras", overwrite=False)
    monkeypatch.setattr(Scale, "save_own_variables", lambda self, store: 1 / 0)
    broken = keras.Sequential([keras.Input((4,)), Scale()])
    for name in ("a.keras", "a.weights.h5"):
        with pytest.raises(ZeroDivisionError):
            (broken.save if name == "a.keras" else broken.save_weights)(tmp_path / name)
    assert (tmp_path / "a.keras").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]


# -- files that attack -----------------------------------------------------------------------


def repacked(source, target, **changed):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name not in changed:
                new.writestr(name, old.read(name))
        for name, content in changed.items():
            new.writestr(name, content)


def test_sizes_are_checked_before_memory_is_taken(tmp_path):
    source = SAVED / "sequential.keras"
    with zipfile.ZipFile(source) as archive:
        config = archive.read("config.json").decode()
    huge = config.replace('"units": 2', '"units": 100000000000')
    repacked(source, tmp_path / "a.keras", **{"config.json": huge})
    with pytest.raises(ValueError, match="far more than the file holds"):
        keras.models.load_model(tmp_path / "a.keras")
    model = small(compiled=False)
    model.save_weights(tmp_path / "a.weights.h5")
    with h5py.File(tmp_path / "a.weights.h5", "a") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars"].create_dataset("0", (1 << 40,), "float32", chunks=(1024,))
    with pytest.raises(ValueError, match="more than the model"):
        model.load_weights(tmp_path / "a.weights.h5")


def test_links_and_objects_are_refused(tmp_path):
    model = small(compiled=False)
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["numbers"] = np.zeros((4, 3), "float32")
    kinds = {
        "external": lambda group: group.__setitem__(
            "0", h5py.ExternalLink(str(secret), "/numbers")
        ),
        "soft": lambda group: group.__setitem__("0", h5py.SoftLink("/layers/dense_1")),
        "storage": lambda group: group.create_dataset(
            "0", (4, 3), "float32", external=[(str(secret), 0, 48)]
        ),
        "text": lambda group: group.create_dataset("0", data=[["a"] * 3] * 4),
    }
    for kind, change in kinds.items():
        path = tmp_path / f"{kind}.weights.h5"
        model.save_weights(path)
        with h5py.File(path, "a") as file:
            del file["layers/dense/vars/0"]
            change(file["layers/dense/vars"])
        with pytest.raises(ValueError, match="could not be loaded"):
            model.load_weights(path)


def test_names_outside_and_code_are_refused(tmp_path):
    source = SAVED / "sequential.keras"
    repacked(source, tmp_path / "a.keras", **{"assets/../../evil.txt": "x"})
    with pytest.raises(ValueError, match="would land outside"):
        keras.models.load_model(tmp_path / "a.keras")
    with zipfile.ZipFile(source) as archive:
        config = json.loads(archive.read("config.json"))
    named = {
        "module": "os",
        "class_name": "system",
        "config": "true",
        "registered_name": "x",
    }
    code = {
        "module": "keras.layers", "class_name": "Lambda", "registered_name": None,
        "config": {"name": "l", "function": {
            "class_name": "__lambda__", "config": {"code": "4wEAAAA="}}},
    }  # fmt: skip
    for layer, message in ((named, "no class 'system'"), (code, "code of a lambda")):
        config["config"]["layers"][2] = layer
        repacked(source, tmp_path / "b.keras", **{"config.json": json.dumps(config)})
        with pytest.raises(ValueError, match=message):
            keras.models.load_model(tmp_path / "b.keras", safe_mode=False)


def test_damaged_files(tmp_path):
    whole = (SAVED / "sequential.keras").read_bytes()
    rng = np.random.default_rng(0)
    for number in range(25):
        damaged = bytearray(whole)
        for position in rng.integers(0, len(whole), 30):
            damaged[position] = rng.integers(0, 256)
        cut = len(whole) if number % 2 else rng.integers(10, len(whole))
        (tmp_path / "a.keras").write_bytes(bytes(damaged[:cut]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(
                ValueError, TypeError, KeyError, OSError, RuntimeError
            ):
                keras.models.load_model(tmp_path / "a.keras")


# -- real Keras reads what weft writes -------------------------------------------------------

_READ = """
import sys, numpy as np
folder = sys.argv[1]
import keras
x = np.load(folder + "/x.npy")
np.save(folder + "/a.npy", keras.models.load_model(folder + "/a.keras").predict(x, verbose=0))
model = keras.models.load_model(folder + "/a.keras")
model.fit(x, x[:, :2], verbose=0)
older = keras.models.load_model(folder + "/a.h5", compile=False)
np.save(folder + "/h5.npy", older.predict(x, verbose=0))
many = keras.models.load_model(folder + "/f.keras").predict(x, verbose=0)
np.savez(folder + "/f.npz", *many)
L = keras.layers
class Blocks(keras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [L.Dense(3), L.Dense(4)]
        self.named = {"a": L.Dense(2, activation="relu")}
        self.out = L.Dense(1)
        self.deep = [[L.Dense(1)], L.Dense(1)]
    def call(self, x):
        for block in self.blocks:
            x = block(x)
        x = self.named["a"](x)
        return self.out(x) + self.deep[0][0](x) + self.deep[1](x)
blocks = Blocks()
blocks(x)
for name in ("b.weights.h5", "b.weights.json"):
    blocks.load_weights(folder + "/" + name)
    np.save(folder + "/" + name + ".npy", blocks.predict(x, verbose=0))
"""


@needs_keras
@pytest.mark.keras
def test_real_keras_reads_these_files(tmp_path):
    model = small()
    model.save(tmp_path / "a.keras")
    model.save(tmp_path / "a.h5")
    # Keras does not read its own files of layers shared between nested models.
    twice = layers.Dense(4)
    inputs, inner = keras.Input((4,)), keras.Input((4,))
    part = keras.Model(inner, layers.Activation("relu")(layers.Dense(3)(inner)))
    both = keras.Model(inputs, [twice(inputs) * 2, part(twice(inputs))])
    both.save(tmp_path / "f.keras")
    blocks = Blocks()
    blocks.compile("rmsprop", "mse")
    blocks.fit(X, X[:, :1], verbose=0)
    blocks.save_weights(tmp_path / "b.weights.h5")
    blocks.save_weights(tmp_path / "b.weights.json", max_shard_size=1e-7)
    np.save(tmp_path / "x.npy", X)
    run_keras(_READ, os.fspath(tmp_path))
    expected = model.predict(X, verbose=0)
    for name in ("a.npy", "h5.npy"):
        close(np.load(tmp_path / name), expected)
    found = np.load(tmp_path / "f.npz")
    for name, value in zip(found.files, both.predict(X, verbose=0), strict=True):
        close(found[name], value)
    for name in ("b.weights.h5.npy", "b.weights.json.npy"):
        close(np.load(tmp_path / name), blocks.predict(X, verbose=0))


def test_checkpoints(tmp_path):
    model = small()
    checkpoint = keras.callbacks.ModelCheckpoint(
        tmp_path / "best-{epoch}.keras", monitor="loss", save_best_only=True
    )
    weights = keras.callbacks.ModelCheckpoint(
        tmp_path / "last.weights.h5", save_weights_only=True
    )
    model.fit(X, X[:, :2], epochs=2, verbose=0, callbacks=[checkpoint, weights])
    copy = keras.models.load_model(tmp_path / "best-1.keras")
    assert copy.count_params() == model.count_params()
    copy.load_weights(tmp_path / "last.weights.h5")
    np.testing.assert_array_equal(copy.get_weights()[0], model.get_weights()[0])
