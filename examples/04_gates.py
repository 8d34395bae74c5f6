# %% [markdown]
# # Gates: what a perceptron can learn, and what it can't
#
# A perceptron weighs its inputs, adds them up and compares with a threshold. With the
# threshold moved to the other side it is called bias: `step(w · x + b)`.

# %%
import matplotlib.pyplot as plt
import numpy as np
from lesson import print, quick, save

from weft import keras, ops

inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
gates = {
    "OR": [0, 1, 1, 1],
    "AND": [0, 0, 0, 1],
    "NAND": [1, 1, 1, 0],
    "XOR": [0, 1, 1, 0],
}


# %% [markdown]
# With weights chosen by hand, three of the gates are a single perceptron, and XOR is three
# of them in two layers: AND of OR and NAND.


# %%
def perceptron(x, weights, bias):
    """1 where the weighted sum passes the threshold, else 0."""
    return ops.cast(ops.matmul(x, weights) + bias > 0, "float32")


x = inputs.astype("float32")
either = perceptron(x, np.array([1.0, 1.0], "float32"), -0.5)
both = perceptron(x, np.array([1.0, 1.0], "float32"), -1.5)
not_both = perceptron(x, np.array([-1.0, -1.0], "float32"), 1.5)
pair = ops.stack([either, not_both], axis=1)
exclusive = perceptron(pair, np.array([1.0, 1.0], "float32"), -1.5)
for name, output in zip(gates, (either, both, not_both, exclusive)):
    print(f"{name:<5}", output.numpy().astype(int), "wanted", gates[name])


# %% [markdown]
# ## Learned
#
# One linear unit, mean squared error, plain gradient descent: an output above one half
# counts as 1. The unit draws a line; for OR, AND and NAND there is a line with the ones on
# one side. For XOR there is none, whatever the training does.


# %%
def one_unit():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["acc"])
    return model


models = {}
for name, outputs in gates.items():
    keras.utils.set_random_seed(777)
    model = models[name] = one_unit()
    history = model.fit(
        inputs, np.array(outputs)[:, None], epochs=quick(300, 30), verbose=0
    )
    print(f"{name:<5} accuracy of one unit: {history.history['acc'][-1]:.2f}")

# %% [markdown]
# ## XOR with a hidden layer
#
# 32 relu units first, and one sigmoid unit that reads them: 129 parameters.

# %%
keras.utils.set_random_seed(777)
deep = keras.Sequential(
    [
        keras.Input((2,)),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
deep.compile(keras.optimizers.RMSprop(0.01), "binary_crossentropy", metrics=["acc"])
deep.fit(inputs, np.array(gates["XOR"])[:, None], epochs=quick(200, 20), verbose=0)
print("parameters:", deep.count_params())
print("loss, accuracy:", deep.evaluate(inputs, np.array(gates["XOR"])[:, None], verbose=0))
print(deep.predict(inputs, verbose=0).round(2).ravel())
models["XOR, two layers"] = deep

# %%
side = np.linspace(-0.4, 1.4, 91)
plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
figure, axes = plt.subplots(1, 5, figsize=(14, 3.1), layout="constrained")
for panel, (name, model) in zip(axes, models.items()):
    heights = model.predict(plane, verbose=0, batch_size=1024).reshape(91, 91)
    colours = ["#fbe3c0", "#cfe0f3"]
    panel.contourf(side, side, heights > 0.5, levels=[-1, 0.5, 2], colors=colours)
    wanted = np.array(gates[name.split(",")[0]])
    panel.scatter(*inputs[wanted == 1].T, marker="s", color="#1f5fa8", s=70)
    panel.scatter(*inputs[wanted == 0].T, marker="^", color="#e07b00", s=80)
    panel.set(title=name, xticks=[0, 1], yticks=[0, 1], aspect="equal")
save(figure, "04_gates")
