"""A linear classifier in plain TensorFlow, and what a GradientTape sees."""

import numpy as np
import tensorflow as tf
from facts import close, done, fact, raises, same

np.random.seed(0)
num_samples_per_class = 500
negative_samples = np.random.multivariate_normal(
    mean=[0, 3], cov=[[1, 0.5], [0.5, 1]], size=num_samples_per_class
)
positive_samples = np.random.multivariate_normal(
    mean=[3, 0], cov=[[1, 0.5], [0.5, 1]], size=num_samples_per_class
)
inputs = np.vstack((negative_samples, positive_samples)).astype(np.float32)
targets = np.vstack(
    (
        np.zeros((num_samples_per_class, 1), dtype="float32"),
        np.ones((num_samples_per_class, 1), dtype="float32"),
    )
)
input_dim, output_dim = 2, 1
W = tf.Variable(initial_value=tf.random.uniform(shape=(input_dim, output_dim)))
b = tf.Variable(initial_value=tf.zeros(shape=(output_dim,)))


def model(inputs, W, b):
    return tf.matmul(inputs, W) + b


def mean_squared_error(targets, predictions):
    per_sample_losses = tf.square(targets - predictions)
    return tf.reduce_mean(per_sample_losses)


learning_rate = 0.1


@tf.function(jit_compile=True)
def training_step(inputs, targets, W, b):
    with tf.GradientTape() as tape:
        predictions = model(inputs, W, b)
        loss = mean_squared_error(predictions, targets)
    grad_loss_wrt_W, grad_loss_wrt_b = tape.gradient(loss, [W, b])
    W.assign_sub(grad_loss_wrt_W * learning_rate)
    b.assign_sub(grad_loss_wrt_b * learning_rate)
    return loss


for step in range(40):
    loss = training_step(inputs, targets, W, b)
text = f"Loss at step {step}: {loss:.4f}"
fact(text.startswith("Loss at step 39: 0.0"), text)
predictions = model(inputs, W, b)
accuracy = np.mean((predictions[:, 0].numpy() > 0.5) == (targets[:, 0] > 0.5))
fact(accuracy > 0.97, f"{accuracy}")
x = np.linspace(-1, 4, 100)
y = -W[0] / W[1] * x + (0.5 - b) / W[1]
same(y.shape, (100,))

# Constants are watched when asked.
input_const = tf.constant(3.0)
with tf.GradientTape() as tape:
    tape.watch(input_const)
    result = tf.square(input_const)
gradient = tape.gradient(result, input_const)
same(str(gradient), "tf.Tensor(6.0, shape=(), dtype=float32)")
with tf.GradientTape() as tape:
    result = tf.square(input_const)
same(tape.gradient(result, input_const), None)
fact(
    "persistent" in raises(RuntimeError, lambda: tape.gradient(result, input_const)),
    "one use",
)

# Position, speed, acceleration.
time = tf.Variable(0.0)
with tf.GradientTape() as outer_tape:
    with tf.GradientTape() as inner_tape:
        position = 4.9 * time**2
    speed = inner_tape.gradient(position, time)
acceleration = outer_tape.gradient(speed, time)
close(acceleration, 9.8)

# One tape, many gradients.
x = tf.Variable([1.0, 2.0])
with tf.GradientTape(persistent=True) as tape:
    y = x * x
    z = tf.reduce_sum(y * x)
close(tape.gradient(y, x), [2.0, 4.0])
close(tape.gradient(z, x), [3.0, 12.0])
close(tape.gradient(z, y), [1.0, 2.0])
close(tape.jacobian(y, x), [[2.0, 0.0], [0.0, 4.0]])
del tape

# Structures of variables.
W = tf.Variable(tf.random.uniform((2, 2)))
b = tf.Variable(tf.zeros((2,)))
x = tf.random.uniform((2, 2))
with tf.GradientTape() as tape:
    y = tf.matmul(x, W) + b
grad_of_y_wrt_W_and_b = tape.gradient(y, [W, b])
close(grad_of_y_wrt_W_and_b[1], [2.0, 2.0])
close(grad_of_y_wrt_W_and_b[0], tf.matmul(x, tf.ones((2, 2)), transpose_a=True))
with tf.GradientTape() as tape:
    y = tf.reduce_sum(tf.matmul(x, W) + b)
by_name = tape.gradient(y, {"kernel": W, "bias": b})
same(sorted(by_name), ["bias", "kernel"])

# Tensors stay as they are; variables change.
x = tf.ones(shape=(2, 2))


def change(tensor):
    tensor[0, 0] = 0.0


raises(TypeError, lambda: change(x))
v = tf.Variable(initial_value=tf.random.normal(shape=(3, 1)))
v.assign(tf.ones((3, 1)))
v[0, 0].assign(3.0)
v.assign_add(tf.ones((3, 1)))
close(v, [[4.0], [2.0], [2.0]])
print(tf.ones(shape=(2, 1)))
print(tf.zeros(shape=(2, 1)))
print(tf.random.normal(shape=(3, 1), mean=0.0, stddev=1.0).shape)
a = tf.ones((2, 2))
b = tf.square(a)
c = tf.sqrt(a)
d = b + c
e = tf.matmul(a, b)
e *= d
close(e, [[4.0, 4.0], [4.0, 4.0]])
e = tf.concat((a, b), axis=0)
same(tuple(e.shape), (4, 2))
done()
