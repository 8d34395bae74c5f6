# %% [markdown]
# # Gradient descent by hand
#
# The gradient says in which direction the loss grows. A step against it makes the loss
# smaller; how far to step is the learning rate.

# %%
import matplotlib.pyplot as plt
import numpy as np
from lesson import print, save

import weft
from weft import keras, ops


def descend(loss, start, rate, steps):
    """Follow the slope of `loss` downhill; returns every place on the way."""
    x = weft.Variable(float(start))
    places = [float(x)]
    for _ in range(steps):
        with weft.GradientTape() as tape:
            value = loss(x)
        x.assign_sub(rate * tape.gradient(value, x))
        places.append(float(x))
    return np.array(places)


def parabola(x):
    return x * x


# %% [markdown]
# ## The learning rate
#
# Too small: it stops far from the minimum. Too large: each step lands higher than the last.

# %%
rates = {"too small": 0.01, "good": 0.2, "zigzag": 0.9, "too large": 1.05}
paths = {name: descend(parabola, 2.0, rate, 12) for name, rate in rates.items()}
for name, path in paths.items():
    print(f"{name:<10} rate {rates[name]:<5} ends at x = {path[-1]:8.4f}")

figure, axes = plt.subplots(1, 4, figsize=(13, 3), layout="constrained")
for panel, (name, path) in zip(axes, paths.items()):
    reach = max(2.2, np.abs(path).max() * 1.05)
    line = np.linspace(-reach, reach, 200)
    panel.plot(line, line**2, color="#888888")
    panel.plot(path, path**2, ".-", color="#c81e2b")
    panel.set(title=f"{name}: {rates[name]}", xlabel="x")
axes[0].set_ylabel("loss")
save(figure, "06_learning_rates")

# %% [markdown]
# The optimizers of Keras begin with these rates; 0.001 is a good first try for most.

# %%
for name in ("SGD", "Adagrad", "RMSprop", "Adam", "Nadam"):
    optimizer = keras.optimizers.get(name)
    print(f"{name:<8} {float(optimizer.learning_rate):g}")


# %% [markdown]
# ## Where one starts matters, and momentum helps
#
# This loss has a local minimum on the right and the global one on the left. Plain descent
# rolls into the nearest. With momentum a step keeps some of the speed of the one before,
# like a ball, and can roll over a small hill.


# %%
def valleys(x):
    return 0.05 * x**4 - 0.5 * x**2 + 0.4 * x + 2.0


def descend_with_momentum(loss, start, rate, momentum, steps):
    x = weft.Variable(float(start))
    velocity = 0.0
    places = [float(x)]
    for _ in range(steps):
        with weft.GradientTape() as tape:
            value = loss(x)
        slope = tape.gradient(value, x)
        velocity = momentum * velocity - rate * slope
        x.assign_add(velocity)
        places.append(float(x))
    return np.array(places)


runs = {
    "from the left": descend(valleys, -3.6, 0.1, 40),
    "from the right": descend(valleys, 3.4, 0.1, 40),
    "from the right, momentum 0.9": descend_with_momentum(valleys, 3.4, 0.1, 0.9, 150),
}
line = np.linspace(-3.9, 3.9, 300)
figure, axes = plt.subplots(1, 3, figsize=(13, 3.2), layout="constrained")
for panel, (name, path) in zip(axes, runs.items()):
    print(f"{name}: x = {path[-1]:.3f}, loss {float(valleys(path[-1])):.3f}")
    panel.plot(line, valleys(line), color="#888888")
    panel.plot(path, valleys(path), ".-", color="#1f5fa8", lw=0.8, ms=4)
    panel.plot(path[-1], valleys(path[-1]), "o", color="#c81e2b", ms=9)
    panel.set(title=name, xlabel="x")
axes[0].set_ylabel("loss")
save(figure, "06_momentum")

# %% [markdown]
# The optimizer of Keras does the same arithmetic. Every step by hand equals its step.

# %%
x = keras.Variable(3.4)
sgd = keras.optimizers.SGD(0.1, momentum=0.9)
for _ in range(150):
    with weft.GradientTape() as tape:
        value = valleys(x)
    sgd.apply([tape.gradient(value, x)], [x])
by_hand = runs["from the right, momentum 0.9"][-1]
print("equal to keras.optimizers.SGD:", bool(np.isclose(by_hand, float(x), atol=1e-4)))


# %% [markdown]
# ## Two parameters: a surface
#
# In a long valley the gradient points across rather than along. Plain descent goes to and
# fro; momentum averages that out; RMSprop and Adam give each parameter its own scale.


# %%
def bowl(point):
    return 0.5 * (point[0] ** 2 + 12.0 * point[1] ** 2)


optimizers = {
    "SGD": keras.optimizers.SGD(0.15),
    "SGD, momentum 0.8": keras.optimizers.SGD(0.05, momentum=0.8),
    "RMSprop": keras.optimizers.RMSprop(0.2),
    "Adam": keras.optimizers.Adam(0.3),
}
grid = np.linspace(-4.5, 4.5, 120), np.linspace(-1.8, 1.8, 80)
surface = bowl(np.meshgrid(*grid))
figure, axes = plt.subplots(2, 2, figsize=(9.5, 4.6), layout="constrained")
for panel, (name, optimizer) in zip(axes.flat, optimizers.items()):
    point = keras.Variable([-4.0, 1.4])
    path = [point.numpy().copy()]
    for _ in range(40):
        with weft.GradientTape() as tape:
            value = bowl(point)
        optimizer.apply([tape.gradient(value, point)], [point])
        path.append(point.numpy().copy())
    print(f"{name:<18} loss after 40 steps {float(bowl(point)):.2e}")
    panel.contour(*grid, surface, levels=np.geomspace(0.1, 30, 10), colors="#bbbbbb")
    panel.plot(*np.array(path).T, ".-", color="#c81e2b", lw=1)
    panel.set_title(name)
save(figure, "06_surface")


# %% [markdown]
# ## Batches: all, some, one
#
# The loss of all samples gives the true gradient, slowly. One sample gives a noisy one,
# cheaply. Mini-batches are the middle way that everybody uses: *stochastic* gradient
# descent, because the batches are drawn at random.

# %%
random = np.random.default_rng(0)
xs = random.uniform(-1, 1, (256, 1)).astype("float32")
ys = 3 * xs - 1 + random.normal(0, 0.2, xs.shape).astype("float32")
for name, size in {"batch": 256, "mini-batch": 32, "one sample": 1}.items():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    model.fit(xs, ys, batch_size=size, epochs=5, verbose=0)
    slope, offset = (float(ops.sum(w)) for w in model.weights)
    updates = int(model.optimizer.iterations)
    print(f"{name:<10} {updates:5} updates: y = {slope:.2f} x {offset:+.2f}  (3 x - 1)")
