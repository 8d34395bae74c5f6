"""The worker for JAX without Keras: the same networks as pure functions under jit.

python worker_jax.py WORKLOAD
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import workloads
from jax import lax

Apply = Callable[..., Any]


# -- layers: weights, and the functions that use them --------------------------------------


def _dense(key: Any, inputs: int, outputs: int) -> dict[str, Any]:
    limit = (6 / (inputs + outputs)) ** 0.5
    w = jax.random.uniform(key, (inputs, outputs), minval=-limit, maxval=limit)
    return {"w": w, "b": jnp.zeros(outputs)}


def _conv(key: Any, size: int, inputs: int, outputs: int) -> dict[str, Any]:
    limit = (6 / (size * size * (inputs + outputs))) ** 0.5
    shape = (size, size, inputs, outputs)
    w = jax.random.uniform(key, shape, minval=-limit, maxval=limit)
    return {"w": w, "b": jnp.zeros(outputs)}


def _affine(layer: dict[str, Any], x: Any) -> Any:
    return x @ layer["w"] + layer["b"]


def _convolve(
    layer: dict[str, Any], x: Any, stride: int = 1, padding: str = "VALID"
) -> Any:
    names = ("NHWC", "HWIO", "NHWC")
    strides = (stride, stride)
    y = lax.conv_general_dilated(x, layer["w"], strides, padding, dimension_numbers=names)
    return y + layer["b"]


def _pool(x: Any) -> Any:
    window = (1, 2, 2, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def _normalise(layer: dict[str, Any], x: Any, axes: tuple[int, ...]) -> Any:
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-3) * layer["scale"] + layer["shift"]


def _scales(width: int) -> dict[str, Any]:
    return {"scale": jnp.ones(width), "shift": jnp.zeros(width)}


# -- networks: how their weights are made, and what they compute ---------------------------


def _chain(sizes: tuple[int, ...], hidden: Callable, last: Callable) -> tuple[Apply, Apply]:
    def make(key: Any) -> list[dict]:
        keys = jax.random.split(key, len(sizes))
        return [_dense(k, i, o) for k, i, o in zip(keys, sizes, sizes[1:], strict=False)]

    def apply(layers: list[dict], x: Any) -> Any:
        for layer in layers[:-1]:
            x = hidden(_affine(layer, x))
        return last(_affine(layers[-1], x))

    return make, apply


def _cnn_make(key: Any) -> dict[str, Any]:
    k = jax.random.split(key, 5)
    shapes = ((1, 32), (32, 64), (64, 64))
    convs = [_conv(k[i], 3, *shape) for i, shape in enumerate(shapes)]
    return {"convs": convs, "dense": [_dense(k[3], 576, 64), _dense(k[4], 64, 10)]}


def _cnn(weights: dict[str, Any], x: Any) -> Any:
    first, second, third = weights["convs"]
    x = _pool(jax.nn.relu(_convolve(first, x)))
    x = _pool(jax.nn.relu(_convolve(second, x)))
    x = jax.nn.relu(_convolve(third, x)).reshape(len(x), -1)
    hidden, head = weights["dense"]
    return _affine(head, jax.nn.relu(_affine(hidden, x)))


_BLOCKS = ((32, 32, 1), (32, 64, 2), (64, 128, 2))


def _deepcnn_make(key: Any) -> dict[str, Any]:
    keys = iter(jax.random.split(key, 16))

    def normalised(size: int, inputs: int, outputs: int) -> dict[str, Any]:
        return {**_conv(next(keys), size, inputs, outputs), **_scales(outputs)}

    blocks = []
    for inputs, outputs, stride in _BLOCKS:
        block = {"a": normalised(3, inputs, outputs), "b": normalised(3, outputs, outputs)}
        if stride > 1:
            block["past"] = normalised(1, inputs, outputs)
        blocks.append(block)
    return {
        "stem": normalised(3, 3, 32),
        "blocks": blocks,
        "head": _dense(next(keys), 128, 10),
    }


def _deepcnn(weights: dict[str, Any], x: Any) -> Any:
    def normalised(layer: dict[str, Any], x: Any, stride: int = 1) -> Any:
        # The batch's own statistics, in the test too: the test is one large batch.
        return _normalise(layer, _convolve(layer, x, stride, "SAME"), (0, 1, 2))

    x = jax.nn.relu(normalised(weights["stem"], x))
    for block, (_, _, stride) in zip(weights["blocks"], _BLOCKS, strict=True):
        inner = jax.nn.relu(normalised(block["a"], x, stride))
        inner = normalised(block["b"], inner)
        past = normalised(block["past"], x, stride) if "past" in block else x
        x = jax.nn.relu(inner + past)
    return _affine(weights["head"], x.mean((1, 2)))


def _lstm_make(key: Any) -> dict[str, Any]:
    k = jax.random.split(key, 3)
    bias = jnp.zeros(512).at[128:256].set(1.0)  # remember at first
    state = jax.nn.initializers.orthogonal()(k[1], (128, 512))
    return {
        "x": _dense(k[0], 32, 512) | {"b": bias},
        "h": state,
        "head": _dense(k[2], 128, 1),
    }


def _lstm(weights: dict[str, Any], x: Any) -> Any:
    projected = _affine(weights["x"], x).swapaxes(0, 1)
    zeros = jnp.zeros((x.shape[0], 128))

    def step(carry: tuple, row: Any) -> tuple:
        h, c = carry
        i, f, g, o = jnp.split(row + h @ weights["h"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    (h, _), _ = lax.scan(step, (zeros, zeros), projected)
    return _affine(weights["head"], h)


def _transformer_make(key: Any) -> dict[str, Any]:
    keys = iter(jax.random.split(key, 16))
    sizes = {"q": (128, 128), "k": (128, 128), "v": (128, 128), "out": (128, 128),
             "wide": (128, 512), "narrow": (512, 128)}  # fmt: skip
    blocks = [
        {
            **{name: _dense(next(keys), *size) for name, size in sizes.items()},
            "norm1": _scales(128),
            "norm2": _scales(128),
        }
        for _ in range(2)
    ]
    embedding = jax.random.uniform(next(keys), (8000, 128), minval=-0.05, maxval=0.05)
    return {"embedding": embedding, "blocks": blocks, "head": _dense(next(keys), 128, 2)}


def _transformer(weights: dict[str, Any], words: Any) -> Any:
    x = weights["embedding"][words]
    batch, length, width = x.shape
    heads = lambda y: y.reshape(batch, length, 4, width // 4)
    for block in weights["blocks"]:
        q, k, v = (heads(_affine(block[name], x)) for name in "qkv")
        scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / (width // 4) ** 0.5
        mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), v)
        x = x + _affine(block["out"], mixed.reshape(x.shape))
        x = _normalise(block["norm1"], x, (-1,))
        y = _affine(block["narrow"], jax.nn.relu(_affine(block["wide"], x)))
        x = _normalise(block["norm2"], x + y, (-1,))
    return _affine(weights["head"], x.mean(1))


def _same(x: Any) -> Any:
    return x


NETWORKS: dict[str, tuple[Apply, Apply]] = {
    "mlp": _chain((784, 512, 10), jax.nn.relu, _same),
    "cnn": (_cnn_make, _cnn),
    "deepcnn": (_deepcnn_make, _deepcnn),
    "lstm": (_lstm_make, _lstm),
    "transformer": (_transformer_make, _transformer),
    "tiny": _chain((2, 8, 1), jnp.tanh, jax.nn.sigmoid),
    "orgate": _chain((2, 1), jnp.tanh, jax.nn.sigmoid),
}


# -- losses and optimizers -----------------------------------------------------------------


def _classes(outputs: Any, y: Any) -> Any:
    picked = jnp.take_along_axis(jax.nn.log_softmax(outputs), y[:, None], 1)
    return -picked.mean()


def _squares(outputs: Any, y: Any) -> Any:
    return ((outputs - y) ** 2).mean()


def _binary(outputs: Any, y: Any) -> Any:
    p = jnp.clip(outputs, 1e-7, 1 - 1e-7)
    return -(y * jnp.log(p) + (1 - y) * jnp.log(1 - p)).mean()


def _each(function: Callable, *trees: Any) -> Any:
    return jax.tree_util.tree_map(function, *trees)


def _rmsprop(rate: float) -> tuple[Callable, Callable]:
    def update(weights: Any, slots: Any, gradients: Any, count: Any) -> tuple:
        slots = _each(lambda s, g: 0.9 * s + 0.1 * g * g, slots, gradients)
        step = lambda w, s, g: w - rate * g / jnp.sqrt(s + 1e-7)
        return _each(step, weights, slots, gradients), slots

    return lambda weights: _each(jnp.zeros_like, weights), update


def _adam(rate: float) -> tuple[Callable, Callable]:
    def update(weights: Any, slots: Any, gradients: Any, count: Any) -> tuple:
        first = _each(lambda m, g: 0.9 * m + 0.1 * g, slots[0], gradients)
        second = _each(lambda v, g: 0.999 * v + 0.001 * g * g, slots[1], gradients)
        scale = rate * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        step = lambda w, m, v: w - scale * m / (jnp.sqrt(v) + 1e-7)
        return _each(step, weights, first, second), (first, second)

    zeros = functools.partial(_each, jnp.zeros_like)
    return lambda weights: (zeros(weights), zeros(weights)), update


def _sgd(rate: float) -> tuple[Callable, Callable]:
    def update(weights: Any, slots: Any, gradients: Any, count: Any) -> tuple:
        return _each(lambda w, g: w - rate * g, weights, gradients), slots

    return lambda weights: (), update


SETTINGS = {
    "mlp": (_classes, _rmsprop(1e-3)),
    "cnn": (_classes, _rmsprop(1e-3)),
    "deepcnn": (_classes, _adam(1e-3)),
    "lstm": (_squares, _adam(1e-3)),
    "transformer": (_classes, _adam(1e-3)),
    "tiny": (_binary, _adam(0.05)),
    "orgate": (_squares, _sgd(0.1)),
}


# -- measuring -----------------------------------------------------------------------------


def train(name: str) -> None:
    """Measure a loop over one jitted step."""
    import numpy as np

    make, apply = NETWORKS[name]
    loss_of, (slots_of, update) = SETTINGS[name]

    def build(x: Any, y: Any, batch: int) -> tuple[Callable, Callable, Callable]:
        weights = make(jax.random.PRNGKey(0))
        state = [weights, slots_of(weights), jnp.array(0.0)]

        @functools.partial(jax.jit, donate_argnums=(0, 1, 2))
        def step(weights: Any, slots: Any, count: Any, x: Any, y: Any) -> tuple:
            loss, gradients = jax.value_and_grad(lambda w: loss_of(apply(w, x), y))(weights)
            weights, slots = update(weights, slots, gradients, count + 1)
            return weights, slots, count + 1, loss

        def take(x: Any, y: Any) -> Any:
            *state[:], loss = step(*state, x, y)
            return loss

        generator = np.random.default_rng(0)

        def epochs(count: int, ended: Callable) -> None:
            for _ in range(count):
                order = generator.permutation(len(x))
                parts = [order[i : i + batch] for i in range(0, len(x), batch)]
                losses = [take(x[rows], y[rows]) for rows in parts]
                ended(sum(map(float, losses)) / len(losses))

        predict = jax.jit(apply)
        return lambda: take(x[:batch], y[:batch]), epochs, lambda x: predict(state[0], x)

    workloads.measure_training(name, build)


def predict() -> None:
    """Measure one image at a time."""
    import numpy as np

    calls = {}
    for name, shape in (("mlp", (1, 784)), ("cnn", (1, 28, 28, 1))):
        make, apply = NETWORKS[name]
        weights, function = make(jax.random.PRNGKey(0)), jax.jit(apply)
        x = np.random.default_rng(0).random(shape, dtype=np.float32)
        calls[f"{name} call"] = lambda f=function, w=weights, x=x: np.asarray(f(w, x))
    workloads.measure_calls(calls)


def eager() -> None:
    """Measure single operations."""

    class Ops:
        relu, softmax = staticmethod(jax.nn.relu), staticmethod(jax.nn.softmax)
        sum, matmul = staticmethod(jnp.sum), staticmethod(jnp.matmul)

    arrays = {k: jnp.asarray(v) for k, v in workloads.eager_arrays().items()}
    calls = workloads.eager_calls(arrays, Ops, lambda r: r.block_until_ready())
    workloads.measure_calls(calls)


OTHERS = {"predict": predict, "eager": eager}

if __name__ == "__main__":
    workload = sys.argv[1]
    OTHERS[workload]() if workload in OTHERS else train(workload)
