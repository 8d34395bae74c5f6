"""Overfitting: smaller and larger networks, weight penalties, dropout, noise, shuffled labels."""

import numpy as np
from facts import close, done, fact, same
from tensorflow import keras
from tensorflow.keras import layers, regularizers

generator = np.random.default_rng(3)
x = generator.normal(size=(240, 40)).astype("float32")
y = (x[:, 0] + 0.5 * x[:, 1] + generator.normal(size=240) > 0).astype("float32")


def train(model, epochs=30, **arguments):
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy"])
    return model.fit(
        x, y, epochs=epochs, batch_size=32, validation_split=0.4, verbose=0, **arguments
    ).history


def build(units, seed=1, **arguments):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            layers.Dense(units, activation="relu", **arguments),
            layers.Dense(units, activation="relu", **arguments),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


small, large = train(build(4)), train(build(256))
fact(large["loss"][-1] < small["loss"][-1], "a large network learns by heart")
fact(large["val_loss"][-1] > small["val_loss"][-1], "and pays for it")
fact(large["val_loss"][-1] > min(large["val_loss"]), "the best epoch is passed")

for penalty in (
    regularizers.l2(0.02),
    regularizers.l1(0.002),
    regularizers.l1_l2(l1=0.001, l2=0.01),
):
    model = build(256, kernel_regularizer=penalty)
    course = train(model)
    fact(course["val_loss"][-1] > 0, "trained")
    same(len(model.losses), 2)
    by_hand = sum(float(penalty(layer.kernel)) for layer in model.layers[:2])
    close(float(sum(model.losses)), by_hand, 1e-4)
    # The loss of training and of evaluation has the penalty in it.
    predictions = model.predict(x, verbose=0)[:, 0].clip(1e-7, 1 - 1e-7)
    crossentropy = -(y * np.log(predictions) + (1 - y) * np.log(1 - predictions)).mean()
    close(model.evaluate(x, y, verbose=0)[0], crossentropy + by_hand, 1e-3)

keras.utils.set_random_seed(1)
model = keras.Sequential(
    [
        layers.Dense(256, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(256, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(1, activation="sigmoid"),
    ]
)
dropped = train(model)
fact(dropped["val_loss"][-1] < large["val_loss"][-1], "dropout helps")
close(model.predict(x, verbose=0), model.predict(x, verbose=0), 1e-7)
many = np.asarray(layers.Dropout(0.5)(np.ones((100, 100), "float32"), training=True))
fact(set(np.unique(many)) == {0.0, 2.0}, "dropped or doubled")
fact(abs(many.mean() - 1) < 0.05, "the mean stays")

# Labels without sense are learned by heart, and say nothing about new data.
random_labels = y.copy()
generator.shuffle(random_labels)
model = build(256)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
course = model.fit(
    x, random_labels, epochs=60, batch_size=32, validation_split=0.25, verbose=0
).history
fact(course["accuracy"][-1] > 0.95, f"{course['accuracy'][-1]}")
fact(course["val_accuracy"][-1] < 0.7, f"{course['val_accuracy'][-1]}")

# Channels of noise make the same network worse than channels of zeros.
noise = np.concatenate([x, generator.normal(size=x.shape)], axis=1)
zeros = np.concatenate([x, np.zeros(x.shape)], axis=1)
results = {}
for name, data in (("noise", noise), ("zeros", zeros)):
    model = build(64)
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy"])
    results[name] = model.fit(data, y, epochs=30, validation_split=0.4, verbose=0).history
fact(results["noise"]["val_loss"][-1] > results["zeros"]["val_loss"][-1], "noise distracts")

# A learning rate that is too large goes nowhere; a sensible one arrives.
ends = {}
for rate in (1.0, 1e-2):
    model = build(64)
    model.compile(
        optimizer=keras.optimizers.RMSprop(rate),
        loss="binary_crossentropy",
        metrics=["accuracy"],
    )
    ends[rate] = model.fit(x, y, epochs=10, verbose=0).history["accuracy"][-1]
fact(ends[1e-2] > ends[1.0], f"{ends}")
done()
