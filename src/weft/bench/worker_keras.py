"""The worker for Keras's API: the same models on weft.keras and on Keras with a backend.

python worker_keras.py WORKLOAD        WEFT_BENCH_LIBRARY names the module
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

import workloads

LIBRARY = os.environ["WEFT_BENCH_LIBRARY"]


def _mlp(keras: Any) -> Any:
    dense = keras.layers.Dense
    return keras.Sequential(
        [
            keras.Input((784,)),
            dense(512, activation="relu"),
            dense(10, activation="softmax"),
        ]
    )


def _cnn(keras: Any) -> Any:
    layers = keras.layers
    model = keras.Sequential([keras.Input((28, 28, 1))])
    for filters in (32, 64):
        model.add(layers.Conv2D(filters, 3, activation="relu"))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Conv2D(64, 3, activation="relu"))
    model.add(layers.Flatten())
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))
    return model


def _deepcnn(keras: Any) -> Any:
    layers = keras.layers

    def normalised(x: Any, filters: int, size: int, stride: int) -> Any:
        convolution = layers.Conv2D(
            filters, size, strides=stride, padding="same", use_bias=False
        )
        return layers.BatchNormalization(momentum=0.9)(convolution(x))

    images = keras.Input((32, 32, 3))
    x = layers.ReLU()(normalised(images, 32, 3, 1))
    for filters, stride in ((32, 1), (64, 2), (128, 2)):
        inner = layers.ReLU()(normalised(x, filters, 3, stride))
        inner = normalised(inner, filters, 3, 1)
        past = x if stride == 1 else normalised(x, filters, 1, stride)
        x = layers.ReLU()(layers.add([inner, past]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Dense(10, activation="softmax")(x))


def _lstm(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential([keras.Input((100, 32)), layers.LSTM(128), layers.Dense(1)])


def _transformer(keras: Any) -> Any:
    layers = keras.layers
    words = keras.Input((128,), dtype="int32")
    x = layers.Embedding(8000, 128)(words)
    for _ in range(2):
        attended = layers.MultiHeadAttention(4, 32)(x, x)
        x = layers.LayerNormalization()(layers.add([x, attended]))
        wide = layers.Dense(512, activation="relu")(x)
        x = layers.LayerNormalization()(layers.add([x, layers.Dense(128)(wide)]))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(words, layers.Dense(2, activation="softmax")(x))


def _tiny(keras: Any) -> Any:
    dense = keras.layers.Dense
    return keras.Sequential(
        [keras.Input((2,)), dense(8, activation="tanh"), dense(1, activation="sigmoid")]
    )


def _orgate(keras: Any) -> Any:
    dense = keras.layers.Dense(1, activation="sigmoid")
    return keras.Sequential([keras.Input((2,)), dense])


_CLASSES = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
# Workload → how its model is made, and how it is compiled.
MODELS: dict[str, tuple[Callable, Callable[[Any], dict[str, Any]]]] = {
    "mlp": (_mlp, lambda keras: {"optimizer": "rmsprop", **_CLASSES}),
    "cnn": (_cnn, lambda keras: {"optimizer": "rmsprop", **_CLASSES}),
    "deepcnn": (_deepcnn, lambda keras: {"optimizer": "adam", **_CLASSES}),
    "lstm": (_lstm, lambda keras: {"optimizer": "adam", "loss": "mse"}),
    "transformer": (_transformer, lambda keras: {"optimizer": "adam", **_CLASSES}),
    "tiny": (
        _tiny,
        lambda keras: {
            "optimizer": keras.optimizers.Adam(0.05),
            "loss": "binary_crossentropy",
            "metrics": ["accuracy"],
        },
    ),
    "orgate": (
        _orgate,
        lambda keras: {
            "optimizer": keras.optimizers.SGD(0.1),
            "loss": "mse",
            "metrics": ["accuracy"],
        },
    ),
}


def train(name: str) -> None:
    """Measure `fit`."""
    keras = importlib.import_module(LIBRARY)

    def build(x: Any, y: Any, batch: int) -> tuple[Callable, Callable, Callable]:
        keras.utils.set_random_seed(0)
        make, settings = MODELS[name]
        model = make(keras)
        model.compile(**settings(keras))

        def fit(x: Any, y: Any, epochs: int, callbacks: list) -> Any:
            return model.fit(
                x, y, batch_size=batch, epochs=epochs, verbose=0, callbacks=callbacks
            )

        def epochs(count: int, ended: Callable) -> None:
            callback: Any = keras.callbacks.Callback

            class Stamp(callback):
                def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                    ended(logs["loss"])

            fit(x, y, count, [Stamp()])

        first = lambda: fit(x[:batch], y[:batch], 1, []).history["loss"][0]
        return first, epochs, lambda x: model.predict(x, batch_size=256, verbose=0)

    workloads.measure_training(name, build)


def predict() -> None:
    """Measure one image at a time."""
    import numpy as np

    keras = importlib.import_module(LIBRARY)
    calls = {}
    for name, shape in (("mlp", (1, 784)), ("cnn", (1, 28, 28, 1))):
        model = MODELS[name][0](keras)
        x = np.random.default_rng(0).random(shape, dtype=np.float32)
        calls[f"{name} predict"] = lambda m=model, x=x: m.predict(x, verbose=0)
        calls[f"{name} predict_on_batch"] = lambda m=model, x=x: m.predict_on_batch(x)
        calls[f"{name} call"] = lambda m=model, x=x: np.asarray(
            keras.ops.convert_to_numpy(m(x, training=False))
        )
    workloads.measure_calls(calls)


def eager() -> None:
    """Measure single operations."""
    keras = importlib.import_module(LIBRARY)
    ops = keras.ops
    arrays = {k: ops.convert_to_tensor(v) for k, v in workloads.eager_arrays().items()}
    finish = lambda r: r.block_until_ready() if hasattr(r, "block_until_ready") else r
    workloads.measure_calls(workloads.eager_calls(arrays, ops, finish))


OTHERS = {
    "predict": predict,
    "eager": eager,
    "import": lambda: workloads.measure_import(LIBRARY),
}

if __name__ == "__main__":
    workload = sys.argv[1]
    OTHERS[workload]() if workload in OTHERS else train(workload)
