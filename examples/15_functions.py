# %% [markdown]
# # From Python to one native program
#
# Outside of functions each operation runs at once (eager mode): convenient, and Python
# stands between every two of them. `weft.function` looks at the whole function first,
# makes a graph of it, and compiles the graph.

# %%
import time

from lesson import quick

import weft
from weft import keras, ops


@weft.function
def square_positive(x):
    # Python runs once for each kind of argument, not at each call: a note says so.
    print("traced")
    if x > 0:
        x = x * x
    else:
        x = ops.zeros_like(x)
    return x


print(square_positive(weft.convert_to_tensor(3.0)))
print(square_positive(weft.convert_to_tensor(-3.0)))
print(square_positive)

# %% [markdown]
# ## What became of the `if`
#
# The condition is a tensor whose value isn't known while tracing. So `if` becomes a
# conditional in the graph, which has both branches; `while` and `for` over tensors become
# loops. Plain Python values stay plain Python.

# %%
print(square_positive.graph(weft.convert_to_tensor(3.0)))


# %%
@weft.function
def collatz(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


print("steps from 27 down to 1:", int(collatz(weft.convert_to_tensor(27))))

# %% [markdown]
# ## Fewer trips through memory
#
# Three operations, three results that nobody else reads: as one kernel the numbers are read
# once and written once. `weft.explain` shows the kernels.


# %%
def damped(x):
    return ops.exp(-x * x) * ops.cos(6.0 * x)


wave = ops.linspace(-3.0, 3.0, quick(2_000_000, 20_000))
compiled = weft.function(damped)
for name, function in (("eager", damped), ("function", compiled)):
    function(wave)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        function(wave)
        times.append(time.perf_counter() - start)
    print(f"{name:<9} {min(times) * 1e3:.2f} ms")
print(weft.explain(compiled, wave))

# %% [markdown]
# ## Derivatives go through all of it
#
# The backward pass is part of the same graph. Control flow too: the derivative follows the
# branch that was taken, and the steps of the loop that were made.


# %%
@weft.function
def power(x, times):
    result = ops.ones_like(x)
    for _ in range(times):
        result = result * x
    return result


x = keras.Variable(2.0)
with weft.GradientTape() as tape:
    value = power(x, weft.convert_to_tensor(5))
print("2⁵ =", float(value), " slope 5·2⁴ =", float(tape.gradient(value, x)))
