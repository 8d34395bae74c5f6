"""The first network without layers: NaiveDense, NaiveSequential, a batch generator, a step."""

import math

import numpy as np
import tensorflow as tf
from facts import close, done, fact, same
from tensorflow.keras import optimizers

tf.random.set_seed(1)


class NaiveDense:
    def __init__(self, input_size, output_size, activation=None):
        self.activation = activation
        w_shape = (input_size, output_size)
        w_initial_value = tf.random.uniform(w_shape, minval=0, maxval=1e-1)
        self.W = tf.Variable(w_initial_value)
        b_shape = (output_size,)
        b_initial_value = tf.zeros(b_shape)
        self.b = tf.Variable(b_initial_value)

    def __call__(self, inputs):
        x = tf.matmul(inputs, self.W)
        x = x + self.b
        if self.activation is not None:
            x = self.activation(x)
        return x

    @property
    def weights(self):
        return [self.W, self.b]


class NaiveSequential:
    def __init__(self, layers):
        self.layers = layers

    def __call__(self, inputs):
        x = inputs
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def weights(self):
        weights = []
        for layer in self.layers:
            weights += layer.weights
        return weights


class BatchGenerator:
    def __init__(self, images, labels, batch_size=128):
        assert len(images) == len(labels)
        self.index = 0
        self.images = images
        self.labels = labels
        self.batch_size = batch_size
        self.num_batches = math.ceil(len(images) / batch_size)

    def next(self):
        images = self.images[self.index : self.index + self.batch_size]
        labels = self.labels[self.index : self.index + self.batch_size]
        self.index += self.batch_size
        return images, labels


model = NaiveSequential(
    [
        NaiveDense(input_size=28 * 28, output_size=512, activation=tf.nn.relu),
        NaiveDense(input_size=512, output_size=10, activation=tf.nn.softmax),
    ]
)
assert len(model.weights) == 4
learning_rate = 1e-3


def update_weights(gradients, weights):
    for g, w in zip(gradients, weights):
        w.assign_sub(g * learning_rate)


def one_training_step(model, images_batch, labels_batch):
    with tf.GradientTape() as tape:
        predictions = model(images_batch)
        per_sample_losses = tf.keras.losses.sparse_categorical_crossentropy(
            labels_batch, predictions
        )
        average_loss = tf.reduce_mean(per_sample_losses)
    gradients = tape.gradient(average_loss, model.weights)
    update_weights(gradients, model.weights)
    return average_loss


def fit(model, images, labels, epochs, batch_size=128):
    losses = []
    for epoch_counter in range(epochs):
        print(f"Epoch {epoch_counter}")
        batch_generator = BatchGenerator(images, labels)
        for batch_counter in range(batch_generator.num_batches):
            images_batch, labels_batch = batch_generator.next()
            loss = one_training_step(model, images_batch, labels_batch)
            if batch_counter % 5 == 0:
                print(f"loss at batch {batch_counter}: {loss:.2f}")
            losses.append(float(loss))
    return losses


generator = np.random.default_rng(0)
prototypes = generator.random((10, 28 * 28))
train_labels = generator.integers(0, 10, 1300).astype("uint8")
drawn = prototypes[train_labels] > 0.8
train_images = (drawn & (generator.random((1300, 784)) > 0.2)).astype("float32")
losses = fit(model, train_images, train_labels, epochs=2)
same(len(losses), 22)
fact(losses[-1] < losses[0], f"{losses}")

# The other editions move the weights with an optimizer.
optimizer = optimizers.SGD(learning_rate=1e-3)


def update_weights(gradients, weights):  # noqa: F811
    optimizer.apply_gradients(zip(gradients, weights))


more = fit(model, train_images, train_labels, epochs=3)
same(int(optimizer.iterations), 33)
fact(more[-1] < losses[-1], f"{more}")

predictions = model(train_images)
predictions = predictions.numpy()
predicted_labels = np.argmax(predictions, axis=1)
matches = predicted_labels == train_labels
fact(f"accuracy: {matches.mean():.2f}".startswith("accuracy: "), "formatted")

# The dot product, the sum and relu, element by element.


def naive_relu(x):
    assert len(x.shape) == 2
    x = x.copy()
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] = max(x[i, j], 0)
    return x


def naive_matrix_dot(x, y):
    z = np.zeros((x.shape[0], y.shape[1]))
    for i in range(x.shape[0]):
        for j in range(y.shape[1]):
            z[i, j] = np.sum(x[i, :] * y[:, j])
    return z


a, b = generator.normal(size=(4, 5)), generator.normal(size=(5, 3))
close(naive_matrix_dot(a, b), tf.matmul(a, b))
close(naive_relu(a), tf.nn.relu(a))
done()
