"""Own metrics, callbacks, losses, schedules; checkpoints; data sets; class weights."""

import os
import tempfile

import numpy as np
import tensorflow as tf
from facts import close, done, fact, printed, raises, same
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(0)
generator = np.random.default_rng(0)
prototypes = generator.random((10, 64)).astype("float32")


def draw(count):
    labels = generator.integers(0, 10, count).astype("uint8")
    noise = generator.normal(size=(count, 64)) * 0.3
    return (prototypes[labels] + noise).astype("float32"), labels


train_images, train_labels = draw(1000)
val_images, val_labels = draw(300)
test_images, test_labels = draw(300)


def get_mnist_model():
    inputs = keras.Input(shape=(64,))
    features = layers.Dense(128, activation="relu")(inputs)
    features = layers.Dropout(0.5)(features)
    outputs = layers.Dense(10, activation="softmax")(features)
    return keras.Model(inputs, outputs)


# A metric of one's own.
class RootMeanSquaredError(keras.metrics.Metric):
    def __init__(self, name="rmse", **kwargs):
        super().__init__(name=name, **kwargs)
        self.mse_sum = self.add_weight(name="mse_sum", initializer="zeros")
        self.total_samples = self.add_weight(
            name="total_samples", initializer="zeros", dtype="int32"
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = tf.one_hot(y_true, depth=tf.shape(y_pred)[1])
        mse = tf.reduce_sum(tf.square(y_true - y_pred))
        self.mse_sum.assign_add(mse)
        num_samples = tf.shape(y_pred)[0]
        self.total_samples.assign_add(num_samples)

    def result(self):
        return tf.sqrt(self.mse_sum / tf.cast(self.total_samples, tf.float32))

    def reset_state(self):
        self.mse_sum.assign(0.0)
        self.total_samples.assign(0)


model = get_mnist_model()
model.compile(
    optimizer="rmsprop",
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy", RootMeanSquaredError()],
)
course = model.fit(
    train_images,
    train_labels,
    epochs=3,
    validation_data=(val_images, val_labels),
    verbose=0,
).history
same(sorted(course), ["accuracy", "loss", "rmse", "val_accuracy", "val_loss", "val_rmse"])
test_loss, test_acc, test_rmse = model.evaluate(test_images, test_labels, verbose=0)
predictions = model.predict(test_images, verbose=0)
by_hand = np.sqrt(((np.eye(10)[test_labels] - predictions) ** 2).sum() / 300)
close(test_rmse, by_hand, 1e-4)


# A callback that sees every batch.
class LossHistory(keras.callbacks.Callback):
    def on_train_begin(self, logs):
        self.per_batch_losses = []
        self.epoch_ends = []

    def on_batch_end(self, batch, logs):
        self.per_batch_losses.append(logs.get("loss"))

    def on_epoch_end(self, epoch, logs):
        self.epoch_ends.append((epoch, len(self.per_batch_losses), sorted(logs)))
        self.per_batch_losses = []


model = get_mnist_model()
model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
record = LossHistory()
model.fit(
    train_images,
    train_labels,
    epochs=2,
    callbacks=[record],
    validation_data=(val_images, val_labels),
    verbose=0,
)
same(
    record.epoch_ends,
    [(epoch, 32, ["accuracy", "loss", "val_accuracy", "val_loss"]) for epoch in (0, 1)],
)

# Stop in time and keep the best.
folder = tempfile.mkdtemp()
path = os.path.join(folder, "checkpoint_path.keras")
callbacks_list = [
    keras.callbacks.EarlyStopping(monitor="val_accuracy", patience=2),
    keras.callbacks.ModelCheckpoint(filepath=path, monitor="val_loss", save_best_only=True),
]
model = get_mnist_model()
model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(
    train_images,
    train_labels,
    epochs=40,
    callbacks=callbacks_list,
    validation_data=(val_images, val_labels),
    verbose=0,
)
fact(len(history.epoch) < 40, "stopped early")
best = keras.models.load_model(path)
close(
    best.evaluate(val_images, val_labels, verbose=0)[0],
    min(history.history["val_loss"]),
    1e-4,
)
same([layer.name for layer in best.layers], [layer.name for layer in model.layers])
weights_path = os.path.join(folder, "only.weights.h5")
model.save_weights(weights_path)
other = get_mnist_model()
other.load_weights(weights_path)
close(other.predict(test_images, verbose=0), model.predict(test_images, verbose=0), 1e-6)


# The rate of learning by the epoch, by the plateau, by a formula.
def schedule(epoch, lr):
    return lr if epoch < 2 else lr * 0.5


model = get_mnist_model()
model.compile(
    keras.optimizers.Adam(learning_rate=0.01),
    "sparse_categorical_crossentropy",
    metrics=["acc"],
)
with printed() as texts:
    history = model.fit(
        train_images,
        train_labels,
        epochs=4,
        callbacks=[keras.callbacks.LearningRateScheduler(schedule, verbose=1)],
        verbose=2,
    )
close(history.history["learning_rate"], [0.01, 0.01, 0.005, 0.0025])
fact("Epoch 3: LearningRateScheduler setting learning rate to 0.00" in texts[0], texts[0])
fact("acc: " in texts[0] and "32/32 - " in texts[0], texts[0])
plateau = keras.callbacks.ReduceLROnPlateau(
    monitor="loss", factor=0.1, patience=1, min_delta=9
)
history = model.fit(train_images, train_labels, epochs=3, callbacks=[plateau], verbose=0)
close(history.history["learning_rate"][-1], 0.00025, 1e-6)
decay = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=100, decay_rate=0.96)
model.compile(keras.optimizers.SGD(learning_rate=decay), "sparse_categorical_crossentropy")
model.fit(train_images, train_labels, verbose=0)
close(float(model.optimizer.learning_rate), 0.1 * 0.96**0.32)


# A loss of one's own, as a function and as a class.
def huber_fn(y_true, y_pred):
    error = y_true - y_pred
    is_small_error = tf.abs(error) < 1
    squared_loss = tf.square(error) / 2
    linear_loss = tf.abs(error) - 0.5
    return tf.where(is_small_error, squared_loss, linear_loss)


class HuberLoss(keras.losses.Loss):
    def __init__(self, threshold=1.0, **kwargs):
        self.threshold = threshold
        super().__init__(**kwargs)

    def call(self, y_true, y_pred):
        error = y_true - y_pred
        is_small_error = tf.abs(error) < self.threshold
        squared_loss = tf.square(error) / 2
        linear_loss = self.threshold * tf.abs(error) - self.threshold**2 / 2
        return tf.where(is_small_error, squared_loss, linear_loss)

    def get_config(self):
        base_config = super().get_config()
        return {**base_config, "threshold": self.threshold}


x = generator.normal(size=(200, 5)).astype("float32")
y = (x @ np.arange(5) + generator.normal(size=200)).astype("float32")[:, None]
ends = []
for loss in (huber_fn, HuberLoss(), keras.losses.Huber(), "huber"):
    keras.utils.set_random_seed(4)
    model = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
    model.compile(optimizer="nadam", loss=loss, metrics=["mae"])
    ends.append(model.fit(x, y, epochs=2, verbose=0).history["loss"][-1])
close(ends, [ends[0]] * 4)

# Weights of classes and of rows.
rare = (np.arange(400) % 20 == 0).astype("float32")
points = generator.normal(size=(400, 2)).astype("float32") + 0.8 * rare[:, None]


def recall(**arguments):
    keras.utils.set_random_seed(5)
    model = keras.Sequential([layers.Dense(1, activation="sigmoid")])
    model.compile(
        keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=[keras.metrics.Recall()]
    )
    model.fit(points, rare, epochs=20, verbose=0, **arguments)
    return model.evaluate(points, rare, verbose=0)[1]


plain, balanced = recall(), recall(class_weight={0: 1.0, 1: 19.0})
fact(balanced > plain + 0.3, f"{plain} {balanced}")
close(recall(sample_weight=np.where(rare == 1, 19.0, 1.0)), balanced, 0.02)

# Batches from a pipeline.
dataset = tf.data.Dataset.from_tensor_slices((train_images, train_labels))
dataset = dataset.shuffle(1000, seed=1).batch(64).prefetch(tf.data.AUTOTUNE)
for images, labels in dataset.take(1):
    same((tuple(images.shape), tuple(labels.shape)), ((64, 64), (64,)))
val_dataset = tf.data.Dataset.from_tensor_slices((val_images, val_labels)).batch(64)
model = get_mnist_model()
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
with printed() as texts:
    model.fit(dataset, epochs=2, validation_data=val_dataset)
fact("16/16 " in texts[0], texts[0])
same(model.predict(val_dataset, verbose=0).shape, (300, 10))
fact(len(model.evaluate(val_dataset, verbose=0)) == 2, "loss and accuracy")
scaled = dataset.map(lambda image, label: (image / 2.0, label), num_parallel_calls=2)
same(len(list(scaled)), 16)
model.fit(dataset.repeat(), steps_per_epoch=5, epochs=1, verbose=0)

# What goes wrong says so.
fresh = get_mnist_model()
fact(
    "compile" in raises((RuntimeError, ValueError), lambda: fresh.fit(x, y)),
    "compile first",
)
done()
