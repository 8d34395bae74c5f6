# %% [markdown]
# # The first network, by hand
#
# No Keras: a Dense layer, a Sequential model, batches and the training loop, all written
# here, on tensors and a tape.

# %%
import time

import numpy as np
from lesson import load_digits, print, quick

import weft
from weft import ops

weft.set_random_seed(42)
random = np.random.default_rng(42)


# %% [markdown]
# ## The parts


# %%
class NaiveDense:
    """`activation(x · W + b)`: W begins with small random numbers, b with zeros."""

    def __init__(self, inputs, outputs, activation):
        limit = np.sqrt(6 / (inputs + outputs))  # Glorot's rule
        weights = random.uniform(-limit, limit, (inputs, outputs))
        self.w = weft.Variable(weights.astype("float32"))
        self.b = weft.Variable(np.zeros(outputs, "float32"))
        self.activation = activation

    def __call__(self, x):
        return self.activation(ops.matmul(x, self.w) + self.b)

    @property
    def weights(self):
        return [self.w, self.b]


class NaiveSequential:
    """One layer after the other."""

    def __init__(self, layers):
        self.layers = layers

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def weights(self):
        return [weight for layer in self.layers for weight in layer.weights]


def batches(images, labels, size):
    """All samples once, in random order, `size` at a time; the last may be smaller."""
    order = random.permutation(len(images))
    for start in range(0, len(images), size):
        chosen = order[start : start + size]
        yield images[chosen], labels[chosen]


def crossentropy(labels, probabilities):
    """Minus the logarithm of the probability that the right class was given."""
    right = ops.take_along_axis(probabilities, labels[:, None], axis=1)
    return -ops.mean(ops.log(ops.maximum(right, 1e-7)))


# %% [markdown]
# ## One step
#
# 1. forward pass: predictions for a batch
# 2. loss: how far they are from the labels
# 3. backward pass: the gradient of the loss for every weight
# 4. update: each weight takes a small step against its gradient
#
# `weft.function` turns the four into one native program. Without the line it runs as well,
# operation by operation.

# %%
model = NaiveSequential([NaiveDense(784, 512, ops.relu), NaiveDense(512, 10, ops.softmax)])
learning_rate = 0.1


@weft.function
def train_step(images, labels):
    with weft.GradientTape() as tape:
        loss = crossentropy(labels, model(images))
    gradients = tape.gradient(loss, model.weights)
    for weight, gradient in zip(model.weights, gradients):
        weight.assign_sub(learning_rate * gradient)
    return loss


# %%
name, (train_images, train_labels), (test_images, test_labels) = load_digits()
print(name, train_images.shape, train_labels.shape)
train_images = train_images.reshape(-1, 28 * 28).astype("float32") / 255
test_images = test_images.reshape(-1, 28 * 28).astype("float32") / 255
train_labels, test_labels = train_labels.astype("int32"), test_labels.astype("int32")

for epoch in range(quick(5, 2)):
    start, losses = time.perf_counter(), []
    for images, labels in batches(train_images, train_labels, 128):
        losses.append(float(train_step(images, labels)))
    seconds = time.perf_counter() - start
    print(
        f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, {len(losses)} steps, {seconds:.1f} s"
    )

# %% [markdown]
# ## Does it know digits that it has never seen?

# %%
predictions = ops.argmax(model(test_images), axis=1).numpy()
print(f"test accuracy: {np.mean(predictions == test_labels):.4f}")
