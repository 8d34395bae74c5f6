"""Regression: normalisation, k-fold validation, mean absolute error."""

import numpy as np
from facts import close, done, fact, same
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(0)
generator = np.random.default_rng(2)
slopes = generator.normal(size=13)


def draw_houses(count):
    data = generator.normal(5.0, 3.0, size=(count, 13)) * np.arange(1, 14)
    prices = (
        22 + ((data / np.arange(1, 14) - 5) / 3) @ slopes + generator.normal(size=count)
    )
    return data, prices


train_data, train_targets = draw_houses(404)
test_data, test_targets = draw_houses(102)
mean = train_data.mean(axis=0)
train_data -= mean
std = train_data.std(axis=0)
train_data /= std
test_data -= mean
test_data /= std


def build_model():
    model = keras.Sequential(
        [
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
    return model


k = 4
num_val_samples = len(train_data) // k
num_epochs = 30
all_scores, all_mae_histories = [], []
for i in range(k):
    val_data = train_data[i * num_val_samples : (i + 1) * num_val_samples]
    val_targets = train_targets[i * num_val_samples : (i + 1) * num_val_samples]
    partial_train_data = np.concatenate(
        [train_data[: i * num_val_samples], train_data[(i + 1) * num_val_samples :]], axis=0
    )
    partial_train_targets = np.concatenate(
        [train_targets[: i * num_val_samples], train_targets[(i + 1) * num_val_samples :]],
        axis=0,
    )
    model = build_model()
    history = model.fit(
        partial_train_data,
        partial_train_targets,
        validation_data=(val_data, val_targets),
        epochs=num_epochs,
        batch_size=16,
        verbose=0,
    )
    all_mae_histories.append(history.history["val_mae"])
    val_mse, val_mae = model.evaluate(val_data, val_targets, verbose=0)
    close(val_mae, history.history["val_mae"][-1], 1e-4)
    all_scores.append(val_mae)

average_mae_history = [
    np.mean([x[i] for x in all_mae_histories]) for i in range(num_epochs)
]
same(len(average_mae_history), num_epochs)
fact(average_mae_history[0] > 10, f"before training {average_mae_history[0]}")
fact(np.mean(all_scores) < 3.5, f"after training {all_scores}")


def smooth_curve(points, factor=0.9):
    smoothed_points = []
    for point in points:
        if smoothed_points:
            previous = smoothed_points[-1]
            smoothed_points.append(previous * factor + point * (1 - factor))
        else:
            smoothed_points.append(point)
    return smoothed_points


same(len(smooth_curve(average_mae_history[10:])), num_epochs - 10)
model = build_model()
model.fit(train_data, train_targets, epochs=60, batch_size=16, verbose=0)
test_mse_score, test_mae_score = model.evaluate(test_data, test_targets, verbose=0)
predictions = model.predict(test_data, verbose=0)
same(predictions.shape, (102, 1))
close(np.abs(predictions[:, 0] - test_targets).mean(), test_mae_score, 1e-3)
close(np.square(predictions[:, 0] - test_targets).mean(), test_mse_score, 1e-3)

# Normalisation as a layer that is fitted to the training data.
normalization = layers.Normalization(axis=-1)
raw, prices = draw_houses(200)
normalization.adapt(raw)
scaled = np.asarray(normalization(raw.astype("float32")))
close(scaled.mean(axis=0), np.zeros(13), 1e-4)
close(scaled.std(axis=0), np.ones(13), 1e-3)
model = keras.Sequential([normalization, layers.Dense(1)])
model.compile(keras.optimizers.Adam(0.3), "mse", metrics=["mae"])
model.fit(raw, prices, epochs=50, verbose=0)
fact(model.evaluate(raw, prices, verbose=0)[1] < 2.0, "a line is enough")
done()
