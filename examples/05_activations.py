# %% [markdown]
# # Activation functions
#
# Without one, layers collapse: three linear layers are one linear layer. An activation
# function bends the line between them.

# %%
import matplotlib.pyplot as plt
import numpy as np
from lesson import print, save

import weft
from weft import keras, ops

random = np.random.default_rng(0)
x = random.standard_normal((5, 4)).astype("float32")
layers = [random.standard_normal((4, 4)).astype("float32") for _ in range(3)]
three = ops.matmul(ops.matmul(ops.matmul(x, layers[0]), layers[1]), layers[2])
one = ops.matmul(x, layers[0] @ layers[1] @ layers[2])
print("three linear layers are one:", np.allclose(three, one, atol=1e-4))

# %% [markdown]
# ## What each gives
#
# A layer takes its activation by name, as a function or as a layer of its own.

# %%
values = weft.convert_to_tensor([-2.0, -0.5, 0.0, 0.5, 2.0])
names = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "swish", "softplus", "gelu"]
for name in names:
    print(f"{name:<11}", keras.activations.get(name)(values).numpy().round(3))
print("PReLU       learns its slope:", keras.layers.PReLU()(values[None]).numpy().round(3))

# %% [markdown]
# Softmax turns a row of scores into probabilities: all positive, sum 1. The largest score
# gets the largest share.

# %%
scores = weft.convert_to_tensor([[1.0, 2.0, 5.0], [0.0, 0.0, 0.0]])
print(
    ops.softmax(scores).numpy().round(3),
    "sums",
    ops.sum(ops.softmax(scores), axis=1).numpy(),
)

# %% [markdown]
# ## Functions and their slopes
#
# The slope is what backpropagation multiplies with. Far from 0 the sigmoid is flat: its
# slope is almost 0, at most 0.25, and a product over many layers vanishes. The slope of
# relu is 1 for every positive number.

# %%
line = ops.linspace(-4.0, 4.0, 401)
figure, axes = plt.subplots(2, 4, figsize=(12, 5.2), layout="constrained", sharex=True)
for panel, name in zip(axes.flat, names):
    function = keras.activations.get(name)
    with weft.GradientTape() as tape:
        tape.watch(line)
        curve = function(line)
    slope = tape.gradient(curve, line)
    panel.axhline(0, color="#bbbbbb", lw=0.8)
    panel.axvline(0, color="#bbbbbb", lw=0.8)
    panel.plot(line, curve, color="#1f5fa8", label="value")
    panel.plot(line, slope, "--", color="#e07b00", label="slope")
    panel.set(title=name, ylim=(-1.6, 3.2))
axes[0, 0].legend(loc="upper left", frameon=False)
save(figure, "05_activations")

# %% [markdown]
# A step function, the perceptron's own, has slope 0 everywhere: nothing could be learned
# by following it. This is why it was replaced.

# %%
with weft.GradientTape() as tape:
    tape.watch(line)
    steps = ops.cast(line > 0, "float32")
print("slope of the step function:", tape.gradient(steps, line))
