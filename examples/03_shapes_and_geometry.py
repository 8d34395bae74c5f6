# %% [markdown]
# # Broadcasting, reshaping, geometry

# %%
import matplotlib.pyplot as plt
import numpy as np
from lesson import print, quick, save

import weft
from weft import keras, ops

# %% [markdown]
# ## Broadcasting
#
# Two steps let a small tensor meet a large one: axes of size 1 are put in front of the
# smaller, then it is repeated along them. Nothing is copied; the index simply stands still.

# %%
matrix = ops.reshape(ops.arange(6), (2, 3))
row = weft.convert_to_tensor([10, 20, 30])
print(matrix + row)
print(ops.maximum(ops.zeros((64, 3, 32, 10)), ops.ones((32, 10))).shape)
try:
    matrix + weft.convert_to_tensor([1, 2])
except ValueError as error:
    print("ValueError:", error)


# %%
def naive_add_matrix_and_vector(matrix, vector):
    """What broadcasting does, written out."""
    result = np.array(matrix)
    for i in range(result.shape[0]):
        for j in range(result.shape[1]):
            result[i, j] += vector[j]
    return result


print(np.array_equal(naive_add_matrix_and_vector(matrix, row), matrix + row))

# %% [markdown]
# ## Reshaping and transposing
#
# A reshape keeps the numbers in their order and only cuts the lines elsewhere. A transpose
# exchanges rows and columns.

# %%
x = weft.convert_to_tensor([[0, 1], [2, 3], [4, 5]])
print(ops.reshape(x, (6, 1)).shape, ops.reshape(x, (2, 3)).numpy().tolist())
print(ops.transpose(x).numpy().tolist(), ops.transpose(ops.zeros((300, 20))).shape)
print("a batch of pictures as rows:", ops.reshape(ops.zeros((60, 28, 28)), (60, -1)).shape)

# %% [markdown]
# ## Operations move points
#
# Adding a vector shifts, a matrix turns, stretches or shears. `W · x + b` is an affine
# map. Two affine maps in a row are again one, and only the activation between them, here
# relu, makes a network more than a single layer.

# %%
corners = np.array([[0, 0], [1, 0], [1, 1], [0.5, 1.5], [0, 1], [0, 0]], "float32")
angle = np.pi / 6
rotate = np.array(
    [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], "float32"
)
stretch = np.array([[1.6, 0], [0, 0.6]], "float32")
shift = np.array([-0.8, 0.4], "float32")


def affine(points, matrix, offset=0.0):
    """W · x + b for every point; points are rows, so W stands transposed on the right."""
    return ops.matmul(points, ops.transpose(matrix)) + offset


moved = {
    "translation": corners + shift,
    "rotation": affine(corners, rotate),
    "scaling": affine(corners, stretch),
    "affine": affine(corners, rotate @ stretch, shift),
    "affine, then relu": ops.relu(affine(corners, rotate @ stretch, shift)),
}

# %%
two_steps = affine(affine(corners, rotate, shift), stretch, shift)
one_step = affine(corners, stretch @ rotate, stretch @ shift + shift)
print("two affine maps are one:", np.allclose(two_steps, one_step, atol=1e-6))

# %%
figure, axes = plt.subplots(1, 5, figsize=(13, 2.45), layout="constrained")
for panel, (name, points) in zip(axes, moved.items()):
    panel.fill(*corners.T, color="#cccccc")
    panel.fill(*np.asarray(points).T, color="#1f5fa8", alpha=0.6)
    panel.plot(*np.asarray(points).T, ".-", color="#1f5fa8")
    panel.set(title=name, xlim=(-1.6, 2), ylim=(-0.6, 2.1), aspect="equal")
    panel.grid(alpha=0.3)
save(figure, "03_geometry")

# %% [markdown]
# ## Unfolding a crumpled sheet
#
# Two classes may lie tangled like two sheets of paper crumpled into one ball. Each layer
# makes one simple move, and after enough moves they lie flat beside each other. Here a
# network gets two moons that no straight line can part; its last hidden layer has two
# units, so what it made of the plane can be drawn.

# %%
keras.utils.set_random_seed(3)
random = np.random.default_rng(3)
turn = random.uniform(0, np.pi, 400)
upper = np.stack([np.cos(turn), np.sin(turn)], 1)
lower = np.stack([1 - np.cos(turn), 0.5 - np.sin(turn)], 1)
moons = np.concatenate([upper, lower]) + random.normal(0, 0.06, (800, 2))
labels = np.repeat([0, 1], 400)

model = keras.Sequential(
    [
        keras.Input((2,)),
        keras.layers.Dense(16, activation="tanh"),
        keras.layers.Dense(2, activation="tanh", name="unfolded"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
model.fit(moons, labels, epochs=quick(60, 3), verbose=0)
print("accuracy:", model.evaluate(moons, labels, verbose=0)[1])
inner = keras.Model(model.inputs, model.get_layer("unfolded").output)
flat = inner.predict(moons, verbose=0)

# %%
figure, axes = plt.subplots(1, 2, figsize=(8.5, 3.8), layout="constrained")
for panel, points, title in zip(axes, (moons, flat), ("as given", "after two layers")):
    panel.scatter(*points.T, c=labels, cmap="coolwarm", s=8)
    panel.set_title(title)
save(figure, "03_unfolding")
