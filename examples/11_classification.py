# %% [markdown]
# # Classification: two classes, and many
#
# | classes | last layer | loss | labels |
# |---|---|---|---|
# | two | `Dense(1, "sigmoid")` | `binary_crossentropy` | 0 or 1 |
# | many | `Dense(n, "softmax")` | `sparse_categorical_crossentropy` | 0 … n-1 |
# | many | `Dense(n, "softmax")` | `categorical_crossentropy` | one-hot |

# %%
import matplotlib.pyplot as plt
import numpy as np
from lesson import print, quick, save

from weft import keras

keras.utils.set_random_seed(1)
random = np.random.default_rng(1)

# %% [markdown]
# ## Two classes: a disc inside a ring

# %%
count = 800
labels = np.repeat([0, 1], count // 2)
angle = random.uniform(0, 2 * np.pi, count)
radius = np.where(labels == 0, 0.5, 1.5) + random.normal(0, 0.22, count)
points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).astype("float32")

# Shuffle before splitting: the samples lie sorted by class.
order = random.permutation(count)
points, labels = points[order], labels[order]
train, test = slice(0, 600), slice(600, count)

binary = keras.Sequential(
    [
        keras.Input((2,)),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
binary.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
binary.fit(points[train], labels[train], epochs=quick(60, 3), verbose=0)
loss, accuracy = binary.evaluate(points[test], labels[test], verbose=0)
print(f"two classes:   test accuracy {accuracy:.3f}")
print(
    "probability of class 1:", binary.predict(points[test][:3], verbose=0).ravel().round(3)
)

# %% [markdown]
# ## Three classes: the arms of a spiral

# %%
arms, each = 3, 400
kinds = np.repeat(np.arange(arms), each)
along = random.uniform(0.08, 1, arms * each)
turn = 4 * along + kinds * 2 * np.pi / arms + random.normal(0, 0.12, arms * each)
spiral = (2 * along * np.stack([np.cos(turn), np.sin(turn)])).T.astype("float32")
order = random.permutation(len(kinds))
spiral, kinds = spiral[order], kinds[order]
train, test = slice(0, 900), slice(900, len(kinds))

many = keras.Sequential(
    [
        keras.Input((2,)),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(arms, activation="softmax"),
    ]
)
many.compile(
    keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"]
)
many.fit(spiral[train], kinds[train], epochs=quick(80, 3), verbose=0)
loss, accuracy = many.evaluate(spiral[test], kinds[test], verbose=0)
print(f"three classes: test accuracy {accuracy:.3f}")
print("one row of probabilities:", many.predict(spiral[test][:1], verbose=0).round(3))

# %% [markdown]
# One-hot labels and the loss without *sparse* compute the same number.

# %%
one_hot = keras.utils.to_categorical(kinds[test], arms)
predicted = many.predict(spiral[test], verbose=0)
sparse = keras.losses.SparseCategoricalCrossentropy()(kinds[test], predicted)
dense = keras.losses.CategoricalCrossentropy()(one_hot, predicted)
print("sparse", round(float(sparse), 5), "one-hot", round(float(dense), 5))

# %%
side = np.linspace(-2.3, 2.3, 161, dtype="float32")
plane = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
figure, axes = plt.subplots(1, 2, figsize=(9, 4.3), layout="constrained")
inside = binary.predict(plane, verbose=0, batch_size=4096).reshape(161, 161)
axes[0].contourf(side, side, inside, levels=12, cmap="coolwarm", alpha=0.5)
axes[0].scatter(*points.T, c=labels, cmap="coolwarm", s=7)
best = many.predict(plane, verbose=0, batch_size=4096).argmax(1).reshape(161, 161)
axes[1].contourf(side, side, best, levels=[-0.5, 0.5, 1.5, 2.5], cmap="viridis", alpha=0.35)
axes[1].scatter(*spiral.T, c=kinds, cmap="viridis", s=7)
for panel, title in zip(axes, ("two classes: probability", "three classes: the largest")):
    panel.set(title=title, aspect="equal")
save(figure, "11_boundaries")
