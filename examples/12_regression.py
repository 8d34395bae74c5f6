# %% [markdown]
# # Regression: the answer is a number
#
# The last layer has one unit and no activation, the loss is the mean squared error. Mean
# absolute error is easier to read: it has the unit of the answer.

# %%
import matplotlib.pyplot as plt
import numpy as np
from lesson import print, quick, save

from weft import keras

keras.utils.set_random_seed(2)
random = np.random.default_rng(2)

# %% [markdown]
# ## Made-up flats
#
# Features of very different size: square metres, rooms, age in years, distance in metres.

# %%
count = 1200
area = random.uniform(25, 140, count)
rooms = np.clip(np.round(area / 28 + random.normal(0, 0.6, count)), 1, 6)
age = random.uniform(0, 60, count)
distance = random.gamma(2, 900, count)
price = (
    60
    + 3.1 * area
    + 9 * rooms
    - 1.2 * age
    - 55 * (1 - np.exp(-distance / 1500))
    + random.normal(0, 12, count)
)
features = np.stack([area, rooms, age, distance], 1).astype("float32")
prices = price[:, None].astype("float32")
train, test = slice(0, 1000), slice(1000, count)

# %% [markdown]
# ## Normalise with what the training data says
#
# Mean and spread come from the training samples alone. Taken from all samples, they would
# tell the model something about the test.

# %%
mean, spread = features[train].mean(0), features[train].std(0)
scaled = (features - mean) / spread
print("means before", mean.round(1), "after", scaled[train].mean(0).round(3))


def network():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), "mse", metrics=["mae"])
    return model


epochs = quick(100, 3)
for name, inputs in (("as they are", features), ("normalised", scaled)):
    model = network()
    model.fit(inputs[train], prices[train], epochs=epochs, verbose=0)
    loss, mae = model.evaluate(inputs[test], prices[test], verbose=0)
    print(f"features {name:<12} mean absolute error {mae:7.2f} (noise alone: about 9.6)")

# %% [markdown]
# ## Is it better than something simple?
#
# Always compare: with the mean, which knows nothing, and with a straight line.

# %%
predicted = model.predict(scaled[test], verbose=0)
guess = np.abs(prices[test] - prices[train].mean()).mean()
columns = np.concatenate([scaled, np.ones((count, 1), "float32")], 1)
line = columns @ np.linalg.lstsq(columns[train], prices[train], rcond=None)[0]
print(f"mean {guess:.2f}, line {np.abs(line - prices)[test].mean():.2f}, network {mae:.2f}")
r2 = keras.metrics.R2Score()
r2.update_state(prices[test], predicted)
print(f"R² of the network: {float(r2.result()):.4f}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.9), layout="constrained")
axes[0].plot([0, 600], [0, 600], color="#bbbbbb")
axes[0].plot(prices[test], predicted, ".", color="#1f5fa8")
axes[0].set(title="predicted beside true", xlabel="price", ylabel="predicted")
axes[1].hist((predicted - prices[test]).ravel(), bins=25, color="#1f5fa8")
axes[1].set(title="errors", xlabel="predicted - price")
save(figure, "12_regression")
