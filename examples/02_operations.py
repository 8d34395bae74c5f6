# %% [markdown]
# # Tensor operations, naive and vectorised
#
# A Dense layer computes `relu(dot(x, W) + b)`: a product, a sum and a maximum. Here each is
# written as loops over single numbers first, and then as one operation on whole tensors.

# %%
import time

import numpy as np
from lesson import print, quick

import weft
from weft import keras, ops


# %%
def naive_relu(x):
    """Every negative number becomes 0."""
    assert x.ndim == 2
    x = x.copy()
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] = max(x[i, j], 0)
    return x


def naive_add(x, y):
    """Number by number: both must have the same shape."""
    assert x.shape == y.shape
    x = x.copy()
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] += y[i, j]
    return x


def naive_vector_dot(x, y):
    """Multiply pairwise and add up: two vectors give one number."""
    assert x.shape == y.shape
    total = 0.0
    for i in range(x.shape[0]):
        total += x[i] * y[i]
    return total


def naive_matrix_dot(x, y):
    """Row i of x with column j of y gives number (i, j): (m, n) · (n, k) = (m, k)."""
    assert x.shape[1] == y.shape[0]
    z = np.zeros((x.shape[0], y.shape[1]), x.dtype)
    for i in range(x.shape[0]):
        for j in range(y.shape[1]):
            z[i, j] = naive_vector_dot(x[i, :], y[:, j])
    return z


# %% [markdown]
# Both ways give the same numbers.

# %%
random = np.random.default_rng(0)
x = random.standard_normal((20, 30)).astype("float32")
y = random.standard_normal((20, 30)).astype("float32")
w = random.standard_normal((30, 8)).astype("float32")
print("relu  ", np.allclose(naive_relu(x), ops.relu(x)))
print("add   ", np.allclose(naive_add(x, y), ops.add(x, y)))
print("matmul", np.allclose(naive_matrix_dot(x, w), ops.matmul(x, w), atol=1e-5))

# %% [markdown]
# ## Why nobody writes the loops
#
# A loop in Python looks at one number at a time. An operation on a whole tensor runs as
# machine code. `weft.function` goes one step further: the sum and the maximum become one
# pass over the memory.

# %%
rounds = quick(20, 2)
big_x, big_y = np.tile(x, (5, 5)), np.tile(y, (5, 5))
tensor_x, tensor_y = weft.convert_to_tensor(big_x), weft.convert_to_tensor(big_y)


@weft.function
def fused(x, y):
    return ops.relu(x + y)


def milliseconds(call, repeats):
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


loops = milliseconds(lambda: naive_relu(naive_add(big_x, big_y)), 2)
whole = milliseconds(lambda: np.maximum(big_x + big_y, 0.0), rounds)
woven = milliseconds(lambda: fused(tensor_x, tensor_y), rounds)
print(f"loops {loops:.2f} ms, NumPy {whole:.4f} ms, weft.function {woven:.4f} ms")
print("same numbers:", np.allclose(np.maximum(big_x + big_y, 0), fused(big_x, big_y)))

# %% [markdown]
# ## Shapes that don't fit
#
# In `(m, n) · (n, k)` the inner sizes must agree. `x * y` multiplies number by number and
# is no matrix product.

# %%
try:
    ops.matmul(x, y)
except ValueError as error:
    print("ValueError:", error)
print("x · yᵀ", ops.matmul(x, ops.transpose(y)).shape)
print("x * y ", (tensor_x * tensor_y).shape)

# %% [markdown]
# ## A Dense layer is this formula

# %%
layer = keras.layers.Dense(8, activation="relu")
output = layer(x)
kernel, bias = layer.kernel, layer.bias
by_hand = naive_relu(naive_matrix_dot(x, kernel.numpy()) + bias.numpy())
print("W", kernel.shape, "b", bias.shape, "equal:", np.allclose(output, by_hand, atol=1e-5))
