# %% [markdown]
# # Over- and underfitting
#
# A small model can't follow the data: it underfits. A large one with few samples learns
# them by heart, noise and all: it overfits. The loss on samples that it has not been
# trained on tells which.

# %%
import matplotlib.pyplot as plt
import numpy as np
from lesson import print, quick, save

from weft import keras

random = np.random.default_rng(4)


def samples(count):
    x = random.uniform(-3, 3, (count, 1)).astype("float32")
    noise = random.normal(0, 0.35, x.shape)
    return x, (np.sin(1.6 * x) + noise).astype("float32")


train, validation = samples(20), samples(200)


def network(units, hidden, **extra):
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(units, activation="tanh", **extra) for _ in range(hidden)]
    model = keras.Sequential([keras.Input((1,)), *layers, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


# %% [markdown]
# The same 20 samples for three models; the large one also with two remedies. Weight decay
# asks for small weights. Early stopping ends the training where the validation loss is
# best, and takes the weights from there.

# %%
epochs = quick(1500, 60)
decay = keras.regularizers.L2(3e-3)
stop = keras.callbacks.EarlyStopping(patience=100, restore_best_weights=True)
plan = {
    "too small": (network(1, 1), []),
    "about right": (network(4, 1), []),
    "too large": (network(64, 3), []),
    "too large, L2": (network(64, 3, kernel_regularizer=decay), []),
    "too large, stopped early": (network(64, 3), [stop]),
}
line = np.linspace(-3, 3, 200, dtype="float32")[:, None]
figure, axes = plt.subplots(2, 5, figsize=(16, 5.6), layout="constrained")
for column, (name, (model, callbacks)) in enumerate(plan.items()):
    history = model.fit(
        *train,
        validation_data=validation,
        epochs=epochs,
        batch_size=20,
        callbacks=callbacks,
        verbose=0,
    )
    seen, unseen = (model.evaluate(*part, verbose=0) for part in (train, validation))
    print(f"{name:<25} training loss {seen:.3f}   validation loss {unseen:.3f}")

    curves, shape = axes[0, column], axes[1, column]
    curves.semilogy(history.history["loss"], color="#1f5fa8", label="training")
    curves.semilogy(history.history["val_loss"], color="#e07b00", label="validation")
    curves.set(title=name, ylim=(0.01, 5), xlabel="epoch")
    shape.plot(line, np.sin(1.6 * line), color="#bbbbbb")
    shape.plot(*train, "o", color="#1f5fa8", ms=4)
    shape.plot(line, model.predict(line, verbose=0), color="#c81e2b")
    shape.set_ylim(-2, 2)
axes[0, 0].legend(frameon=False)
axes[0, 0].set_ylabel("loss")
save(figure, "10_fitting")

# %% [markdown]
# More samples are the best remedy: the same large model with sixty times as many.

# %%
many = samples(1200)
model = network(64, 3)
model.fit(*many, epochs=quick(40, 3), verbose=0)
unseen = model.evaluate(*validation, verbose=0)
print(
    f"{'too large, many samples':<25} validation loss {unseen:.3f} (noise alone: about 0.12)"
)
