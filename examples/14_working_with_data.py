# %% [markdown]
# # Working with data: splits, folds, few samples of a class
#
# The test set is looked at once, at the end. Whatever is tried out on the way is judged on
# validation data.

# %%
import numpy as np
from lesson import print, quick

from weft import keras

keras.utils.set_random_seed(0)
random = np.random.default_rng(0)

# %% [markdown]
# ## Three parts
#
# Shuffle first, then cut: training, validation, test.

# %%
count = 900
classes = random.choice(3, count, p=[0.8, 0.15, 0.05])
centres = np.array([[0, 0], [2, 1], [-1, 2]])
x = (centres[classes] + random.normal(0, 0.8, (count, 2))).astype("float32")
order = random.permutation(count)
train, validation, test = np.split(order, [int(0.7 * count), int(0.85 * count)])
print("samples:", len(train), len(validation), len(test))
print("share of each class:", (np.bincount(classes[train]) / len(train)).round(3))

# %% [markdown]
# ## One-hot
#
# A class is a name, not a size: class 2 is not twice class 1. One-hot gives each its own
# column.

# %%
print(keras.utils.to_categorical([0, 2, 1], 3).astype(int))
encode = keras.layers.CategoryEncoding(num_tokens=3, output_mode="one_hot")
print(encode(np.array([0, 2, 1])).numpy().astype(int).tolist())


# %%
def network():
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def recalls(model):
    """For each class the share of its validation samples that are recognised."""
    said = model.predict(x[validation], verbose=0).argmax(1)
    true = classes[validation]
    return [round(float((said[true == kind] == kind).mean()), 2) for kind in range(3)]


# %% [markdown]
# ## A class with few samples
#
# Under-sampling drops samples of the large classes, over-sampling repeats those of the
# small ones, class weights leave the samples alone and count the rare ones more.
# Only the training part is changed: validation and test stay as the world is.

# %%
epochs = quick(40, 3)
by_class = [train[classes[train] == kind] for kind in range(3)]
fewest, most = min(map(len, by_class)), max(map(len, by_class))
under = np.concatenate([random.choice(part, fewest, replace=False) for part in by_class])
over = np.concatenate([random.choice(part, most, replace=True) for part in by_class])
weights = {kind: len(train) / (3 * len(part)) for kind, part in enumerate(by_class)}
runs = {
    "as it is": (train, None),
    "under-sampled": (under, None),
    "over-sampled": (over, None),
    "class weights": (train, weights),
}
for name, (rows, class_weight) in runs.items():
    model = network()
    model.fit(x[rows], classes[rows], epochs=epochs, class_weight=class_weight, verbose=0)
    print(f"{name:<14} {len(rows):5} samples, recall of the classes {recalls(model)}")

# %% [markdown]
# ## Cross-validation
#
# With few samples one split says little. k folds: each is the validation set once, always
# with a fresh model, and the mean of the k results counts.

# %%
folds = 4
pieces = np.array_split(random.permutation(np.concatenate([train, validation])), folds)
scores = []
for number, held in enumerate(pieces):
    rest = np.concatenate([piece for i, piece in enumerate(pieces) if i != number])
    model = network()
    model.fit(x[rest], classes[rest], epochs=epochs, verbose=0)
    scores.append(model.evaluate(x[held], classes[held], verbose=0)[1])
print("folds:", np.round(scores, 3), f"mean {np.mean(scores):.3f} ± {np.std(scores):.3f}")

# %% [markdown]
# ## Without labels
#
# An autoencoder learns without being told what anything is: the input is its own target.
# What passes through the narrow middle is a summary of the data. The number of middle
# units, of epochs, the learning rate and the batch size are hyperparameters: nobody learns
# them, one tries and compares on validation data.

# %%
hidden = random.normal(0, 1, (600, 2))
mixed = hidden @ random.normal(0, 1, (2, 8)) + random.normal(0, 0.05, (600, 8))
mixed = mixed.astype("float32")
known, unseen = mixed[:500], mixed[500:]
for middle in (1, 2, 3):
    auto = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(middle), keras.layers.Dense(8)]
    )
    auto.compile(keras.optimizers.Adam(0.02), "mse")
    auto.fit(known, known, epochs=quick(60, 3), verbose=0)
    loss = auto.evaluate(unseen, unseen, verbose=0)
    print(f"{middle} middle units: validation loss {loss:.4f}")
