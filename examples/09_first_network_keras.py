# %% [markdown]
# # The first network, with Keras
#
# The same network as by hand, in five steps: data, model, compile, fit, evaluate.

# %%
import numpy as np
from lesson import PICTURES, load_digits, print, quick, say

from weft import keras, viz

keras.utils.set_random_seed(42)

# %% [markdown]
# ## 1. Data
#
# Pixels from 0 to 255 become floats from 0 to 1 (min-max scaling), pictures become rows.

# %%
name, (train_images, train_labels), (test_images, test_labels) = load_digits()
print(name, train_images.shape, train_images.dtype, "labels", train_labels[:5])
train_pixels = train_images.reshape(-1, 28 * 28).astype("float32") / 255
test_pixels = test_images.reshape(-1, 28 * 28).astype("float32") / 255

# %% [markdown]
# ## 2. Model

# %%
model = keras.Sequential(
    [
        keras.Input((28 * 28,)),
        keras.layers.Dense(512, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.summary()

# %% [markdown]
# ## 3. Compile: optimizer, loss, metrics
#
# The optimizer decides how weights are changed, the loss what is made small, the metrics
# what people look at. Accuracy can't be the loss: it jumps, and has no gradient. Labels
# that are numbers go with the *sparse* loss; one-hot labels with the other.

# %%
model.compile(
    optimizer="rmsprop",
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
print("one-hot:", keras.utils.to_categorical(train_labels[:2], 10).astype(int).tolist())

# %% [markdown]
# ## 4. Fit
#
# 60,000 samples in batches of 128 make 469 steps an epoch, the last with 96 samples, and
# 2,345 updates in five epochs. Here a tenth is held back for validation, which leaves 422
# steps an epoch.

# %%
history = model.fit(
    train_pixels,
    train_labels,
    epochs=quick(5, 2),
    batch_size=128,
    validation_split=0.1,
    verbose=2,
)
print("updates:", int(model.optimizer.iterations))

# %% [markdown]
# ## 5. Evaluate and predict

# %%
test_loss, test_accuracy = model.evaluate(test_pixels, test_labels, verbose=0)
print(f"test accuracy: {test_accuracy:.4f}, test loss: {test_loss:.4f}")
probabilities = model.predict(test_pixels[:20], verbose=0)
print("first digit:", probabilities[0].argmax(), "sum:", probabilities[0].sum().round(4))

# %% [markdown]
# ## Pictures

# %%
PICTURES.mkdir(parents=True, exist_ok=True)
viz.plot_history(history, PICTURES / "09_history.png", title=say(f"{name}, 512 relu units"))
viz.plot_predictions(
    test_images[:20], probabilities, test_labels[:20], path=PICTURES / "09_predictions.png"
)

# %% [markdown]
# ## Keep the weights
#
# The weights are plain NumPy arrays. A model of the same form can take them over.

# %%
again = keras.models.clone_model(model)
again.set_weights(model.get_weights())
print("the same:", np.allclose(again.predict(test_pixels[:20], verbose=0), probabilities))
