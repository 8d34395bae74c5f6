"""Two classes: reviews as multi-hot vectors, a validation split, the course of the losses."""

import numpy as np
from facts import close, done, fact, printed, same
from tensorflow import keras
from tensorflow.keras import layers, models, optimizers

keras.utils.set_random_seed(0)
words = 1000
generator = np.random.default_rng(0)
taste = generator.normal(size=words)


def draw_reviews(count):
    found, labels = [], []
    for _ in range(count):
        length = generator.integers(20, 120)
        review = generator.integers(1, words, size=length)
        found.append([int(word) for word in review])
        labels.append(int(taste[review].sum() + generator.normal() > 0))
    return np.array(found, dtype=object), np.array(labels)


def vectorize_sequences(sequences, dimension=words):
    results = np.zeros((len(sequences), dimension))
    for i, sequence in enumerate(sequences):
        for j in sequence:
            results[i, j] = 1.0
    return results


train_data, train_labels = draw_reviews(1500)
test_data, test_labels = draw_reviews(500)
same(max([max(sequence) for sequence in train_data]) < words, True)

x_train, x_test = vectorize_sequences(train_data), vectorize_sequences(test_data)
y_train = np.asarray(train_labels).astype("float32")
y_test = np.asarray(test_labels).astype("float32")
same(x_train.dtype, np.float64)

# The three editions write the same network in three ways.
model = models.Sequential()
model.add(layers.Dense(16, activation="relu", input_shape=(words,)))
model.add(layers.Dense(16, activation="relu"))
model.add(layers.Dense(1, activation="sigmoid"))
same(model.count_params(), words * 16 + 16 + 16 * 16 + 16 + 17)
model.compile(
    optimizer=optimizers.RMSprop(learning_rate=0.001),
    loss=keras.losses.binary_crossentropy,
    metrics=[keras.metrics.binary_accuracy],
)
x_val, partial_x_train = x_train[:500], x_train[500:]
y_val, partial_y_train = y_train[:500], y_train[500:]
with printed() as texts:
    history = model.fit(
        partial_x_train,
        partial_y_train,
        epochs=6,
        batch_size=128,
        validation_data=(x_val, y_val),
    )
fact("Epoch 1/6" in texts[0] and "8/8 " in texts[0], texts[0])
fact("val_binary_accuracy: " in texts[0], texts[0])
history_dict = history.history
same(
    sorted(history_dict.keys()),
    ["binary_accuracy", "loss", "val_binary_accuracy", "val_loss"],
)
same(len(history_dict["val_loss"]), 6)
fact(history_dict["loss"][-1] < history_dict["loss"][0], "the loss falls")
same(type(history_dict["loss"][0]), float)

model = keras.Sequential(
    [
        layers.Dense(16, activation="relu"),
        layers.Dense(16, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=8, batch_size=64, verbose=0)
results = model.evaluate(x_test, y_test, verbose=0)
same(len(results), 2)
fact(results[1] > 0.75, f"accuracy {results[1]}")
predictions = model.predict(x_test, verbose=0)
same((predictions.shape, predictions.dtype.name), ((500, 1), "float32"))
close(((predictions[:, 0] > 0.5) == y_test).mean(), results[1], 1e-6)

# A share of the last rows for validation; epochs of the course as text and numbers.
model = keras.Sequential(
    [layers.Dense(16, activation="tanh"), layers.Dense(1, activation="sigmoid")]
)
model.compile(optimizer="adam", loss="mse", metrics=["accuracy"])
history = model.fit(
    x_train, y_train, epochs=2, batch_size=512, validation_split=0.4, verbose=0
)
same(history.epoch, [0, 1])
same(history.params["epochs"], 2)
same(history.params["steps"], 2)
same(list(history.history), ["accuracy", "loss", "val_accuracy", "val_loss"])
done()
