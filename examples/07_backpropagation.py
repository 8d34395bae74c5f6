# %% [markdown]
# # Backpropagation: the chain rule, walked backwards
#
# `loss = (relu(w·x + b) - target)²` is a chain of small functions. Each knows its own
# slope. The slope of the whole is the product of the slopes on the way.

# %%
import matplotlib.pyplot as plt
import numpy as np
from lesson import print, quick, save

import weft
from weft import keras, ops

x, target = 2.0, 1.0
w, b = weft.Variable(1.5), weft.Variable(-0.5)

# %% [markdown]
# ## By hand
#
# Forward: compute and remember. Backward: start with 1 at the loss and multiply on.

# %%
product = 1.5 * x
total = product + -0.5
active = max(total, 0.0)
error = active - target
loss = error**2
print(f"forward : {product} {total} {active} {error} {loss}")

d_error = 2 * error
d_active = d_error * 1.0
d_total = d_active * (1.0 if total > 0 else 0.0)
d_b = d_total * 1.0
d_product = d_total * 1.0
d_w = d_product * x
print(f"backward: error {d_error}, total {d_total}, b {d_b}, w {d_w}")

# %% [markdown]
# ## With the tape
#
# While a `GradientTape` watches, each operation is noted down. `gradient` walks the notes
# backwards, as above. It can be asked for the slopes in the middle too.

# %%
with weft.GradientTape(persistent=True) as tape:
    t_product = w * x
    t_total = t_product + b
    t_active = ops.relu(t_total)
    t_loss = ops.square(t_active - target)
tape_w, tape_b = tape.gradient(t_loss, [w, b])
print("tape    : b", float(tape_b), " w", float(tape_w))
factors = [
    tape.gradient(t_loss, t_active),
    tape.gradient(t_active, t_total),
    tape.gradient(t_total, t_product),
    tape.gradient(t_product, w),
]
print(
    "factors :", [float(factor) for factor in factors], "product", float(np.prod(factors))
)

# %% [markdown]
# ## A network with two layers by hand
#
# With matrices the same rules hold: the backward step of `x · W` is a product with the
# other operand, transposed.

# %%
random = np.random.default_rng(0)
inputs = random.standard_normal((6, 3)).astype("float32")
wanted = random.standard_normal((6, 2)).astype("float32")
w1 = weft.Variable(random.standard_normal((3, 4)).astype("float32"))
w2 = weft.Variable(random.standard_normal((4, 2)).astype("float32"))


def backward_by_hand(x, y, w1, w2):
    """Forward pass, then the gradients of the mean squared error for w1 and w2."""
    before = x @ w1
    hidden = np.maximum(before, 0)
    output = hidden @ w2
    d_output = 2 * (output - y) / y.size
    d_w2 = hidden.T @ d_output
    d_hidden = d_output @ w2.T
    d_before = d_hidden * (before > 0)
    d_w1 = x.T @ d_before
    return d_w1, d_w2


with weft.GradientTape() as tape:
    output = ops.matmul(ops.relu(ops.matmul(inputs, w1)), w2)
    mean = ops.mean(ops.square(output - wanted))
by_tape = tape.gradient(mean, [w1, w2])
by_hand = backward_by_hand(inputs, wanted, w1.numpy(), w2.numpy())
for name, mine, tapes in zip(("w1", "w2"), by_hand, by_tape):
    print(f"{name}: hand and tape agree: {np.allclose(mine, tapes, atol=1e-5)}")


# %% [markdown]
# ## And if one only tried?
#
# Nudge a weight, look how the loss changes: the finite difference. It agrees, but it needs
# two forward passes for every single weight. Backpropagation needs one backward pass for
# all of them together: this is why networks with millions of weights can be trained.


# %%
def loss_at(value):
    moved = w1.numpy().copy()
    moved[0, 0] = value
    hidden = np.maximum(inputs @ moved, 0)
    return np.mean((hidden @ w2.numpy() - wanted) ** 2)


here, step = float(w1.numpy()[0, 0]), 1e-2
nudged = (loss_at(here + step) - loss_at(here - step)) / (2 * step)
print(f"finite difference {nudged:.4f}, tape {float(by_tape[0][0, 0]):.4f}")

# %% [markdown]
# ## Slopes of slopes
#
# A tape inside a tape differentiates the derivative.

# %%
point = weft.Variable(2.0)
with weft.GradientTape() as outer:
    with weft.GradientTape() as inner:
        cube = point**3
    first = inner.gradient(cube, point)
second = outer.gradient(first, point)
print("x³ at 2: first", float(first), "second", float(second))

# %% [markdown]
# ## Why deep sigmoid networks were hard
#
# The gradient that reaches the first layer is a product over all layers. With sigmoids each
# factor is at most 0.25.

# %%
depth = quick(12, 6)
figure, panel = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
for name, initializer in (("sigmoid", "glorot_uniform"), ("relu", "he_normal")):
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Dense(32, activation=name, kernel_initializer=initializer)
        for _ in range(depth)
    ]
    model = keras.Sequential([keras.Input((32,)), *layers])
    data = random.standard_normal((64, 32)).astype("float32")
    with weft.GradientTape() as tape:
        value = ops.mean(ops.square(model(data) - 1.0))
    kernels = [layer.kernel for layer in layers]
    sizes = [float(ops.mean(ops.abs(g))) for g in tape.gradient(value, kernels)]
    print(f"{name:<8} first layer {sizes[0]:.1e}, last layer {sizes[-1]:.1e}")
    panel.semilogy(range(1, depth + 1), sizes, "o-", label=name)
panel.set(xlabel="layer", ylabel="mean size of the gradient")
panel.legend(frameon=False)
save(figure, "07_vanishing")
