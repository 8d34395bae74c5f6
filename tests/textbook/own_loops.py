"""Training loops of one's own: step by step, as a function, as `train_step`."""

import numpy as np
import tensorflow as tf
from facts import close, done, fact, same
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(0)
generator = np.random.default_rng(0)
prototypes = generator.random((10, 64)).astype("float32")
labels = generator.integers(0, 10, 1000).astype("int32")
images = (prototypes[labels] + 0.3 * generator.normal(size=(1000, 64))).astype("float32")
train_images, train_labels = images[:800], labels[:800]
val_images, val_labels = images[800:], labels[800:]


def get_mnist_model():
    inputs = keras.Input(shape=(64,))
    features = layers.Dense(64, activation="relu")(inputs)
    features = layers.Dropout(0.2)(features)
    outputs = layers.Dense(10, activation="softmax")(features)
    return keras.Model(inputs, outputs)


# Metrics alone.
metric = keras.metrics.SparseCategoricalAccuracy()
targets = [0, 1, 2]
predictions = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
metric.update_state(targets, predictions)
current_result = metric.result()
same(f"result: {current_result:.2f}", "result: 1.00")
values = [0, 1, 2, 3, 4]
mean_tracker = keras.metrics.Mean()
for value in values:
    mean_tracker.update_state(value)
same(f"Mean of values: {mean_tracker.result():.2f}", "Mean of values: 2.00")
mean_tracker.reset_state()
close(mean_tracker.result(), 0.0)

# Low-level loop.
model = get_mnist_model()
loss_fn = keras.losses.SparseCategoricalCrossentropy()
optimizer = keras.optimizers.RMSprop()
metrics = [keras.metrics.SparseCategoricalAccuracy()]
loss_tracking_metric = keras.metrics.Mean()


def train_step(inputs, targets):
    with tf.GradientTape() as tape:
        predictions = model(inputs, training=True)
        loss = loss_fn(targets, predictions)
    gradients = tape.gradient(loss, model.trainable_weights)
    optimizer.apply_gradients(zip(gradients, model.trainable_weights))
    logs = {}
    for metric in metrics:
        metric.update_state(targets, predictions)
        logs[metric.name] = metric.result()
    loss_tracking_metric.update_state(loss)
    logs["loss"] = loss_tracking_metric.result()
    return logs


def reset_metrics():
    for metric in metrics:
        metric.reset_state()
    loss_tracking_metric.reset_state()


training_dataset = tf.data.Dataset.from_tensor_slices((train_images, train_labels))
training_dataset = training_dataset.batch(32)
epochs = 2
for epoch in range(epochs):
    reset_metrics()
    for inputs_batch, targets_batch in training_dataset:
        logs = train_step(inputs_batch, targets_batch)
    print(f"Results at the end of epoch {epoch}")
    for key, value in logs.items():
        print(f"...{key}: {value:.4f}")
first = float(logs["loss"])
same(int(optimizer.iterations), 50)
same(list(logs), ["sparse_categorical_accuracy", "loss"])


@tf.function
def test_step(inputs, targets):
    predictions = model(inputs, training=False)
    loss = loss_fn(targets, predictions)
    logs = {}
    for metric in metrics:
        metric.update_state(targets, predictions)
        logs["val_" + metric.name] = metric.result()
    loss_tracking_metric.update_state(loss)
    logs["val_loss"] = loss_tracking_metric.result()
    return logs


val_dataset = tf.data.Dataset.from_tensor_slices((val_images, val_labels))
val_dataset = val_dataset.batch(32)
reset_metrics()
for inputs_batch, targets_batch in val_dataset:
    logs = test_step(inputs_batch, targets_batch)
print("Evaluation results:")
for key, value in logs.items():
    print(f"...{key}: {value:.4f}")
right = model.predict(val_images, verbose=0).argmax(axis=1) == val_labels
close(float(logs["val_sparse_categorical_accuracy"]), right.mean(), 1e-6)

# The same step as one program.
fast_step = tf.function(train_step)
reset_metrics()
for _ in range(3):
    for inputs_batch, targets_batch in training_dataset:
        logs = fast_step(inputs_batch, targets_batch)
fact(float(logs["loss"]) < first, "goes on")
same(int(optimizer.iterations), 125)

# `fit` around a step of one's own.
loss_fn = keras.losses.SparseCategoricalCrossentropy()
loss_tracker = keras.metrics.Mean(name="loss")


class CustomModel(keras.Model):
    def train_step(self, data):
        inputs, targets = data
        with tf.GradientTape() as tape:
            predictions = self(inputs, training=True)
            loss = loss_fn(targets, predictions)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
        loss_tracker.update_state(loss)
        return {"loss": loss_tracker.result()}

    @property
    def metrics(self):
        return [loss_tracker]


def as_custom(cls):
    inputs = keras.Input(shape=(64,))
    features = layers.Dense(64, activation="relu")(inputs)
    outputs = layers.Dense(10, activation="softmax")(layers.Dropout(0.2)(features))
    return cls(inputs, outputs)


model = as_custom(CustomModel)
model.compile(optimizer=keras.optimizers.RMSprop())
course = model.fit(train_images, train_labels, epochs=3, verbose=0).history
same(list(course), ["loss"])
fact(course["loss"][2] < course["loss"][0], f"{course}")


# With what `compile` was told.
class CompiledModel(keras.Model):
    def train_step(self, data):
        inputs, targets = data
        with tf.GradientTape() as tape:
            predictions = self(inputs, training=True)
            loss = self.compute_loss(y=targets, y_pred=predictions)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(targets, predictions)
        return {m.name: m.result() for m in self.metrics}

    def test_step(self, data):
        inputs, targets = data
        predictions = self(inputs, training=False)
        loss = self.compute_loss(y=targets, y_pred=predictions)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(targets, predictions)
        return {m.name: m.result() for m in self.metrics}


model = as_custom(CompiledModel)
model.compile(
    optimizer=keras.optimizers.RMSprop(),
    loss=keras.losses.SparseCategoricalCrossentropy(),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)
course = model.fit(
    train_images,
    train_labels,
    epochs=3,
    validation_data=(val_images, val_labels),
    verbose=0,
).history
fact({"loss", "val_loss"} <= set(course), f"{sorted(course)}")
fact(course["val_loss"][2] < course["val_loss"][0], f"{course}")

# Batch by batch.
model = get_mnist_model()
model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
losses = []
for start in [*range(0, 800, 100)] * 3:
    loss, accuracy = model.train_on_batch(
        train_images[start : start + 100], train_labels[start : start + 100]
    )
    losses.append(loss)
fact(sum(losses[-8:]) < sum(losses[:8]), f"{losses}")
same(len(model.test_on_batch(val_images, val_labels)), 2)
same(model.predict_on_batch(val_images[:5]).shape, (5, 10))

# The first network of many lines: an own layer with a penalty, and its loss.


class ActivityPenalty(layers.Layer):
    def __init__(self, rate=1e-2):
        super().__init__()
        self.rate = rate

    def call(self, inputs):
        self.add_loss(self.rate * tf.reduce_mean(tf.square(inputs)))
        return inputs


model = keras.Sequential([layers.Dense(8), ActivityPenalty(), layers.Dense(1)])
model.compile("sgd", "mse")
x = generator.normal(size=(64, 3)).astype("float32")
y = x.sum(axis=1, keepdims=True)
course = model.fit(x, y, epochs=3, verbose=0).history["loss"]
fact(course[-1] < course[0], f"{course}")
hidden = np.asarray(model.layers[0](x))
close(
    model.evaluate(x, y, batch_size=64, verbose=0),
    np.square(model.predict(x, verbose=0) - y).mean() + 1e-2 * np.square(hidden).mean(),
    1e-4,
)
done()
