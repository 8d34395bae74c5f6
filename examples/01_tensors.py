# %% [markdown]
# # Tensors and kinds of data
#
# A tensor is a container of numbers with any number of axes. A number is a tensor of rank
# 0, a vector of rank 1, a matrix of rank 2, and so on.

# %%
import matplotlib.pyplot as plt
import numpy as np
from lesson import print, save

import weft
from weft import ops

tensors = {
    "scalar": 12,
    "vector": [12, 3, 6, 14, 7],
    "matrix": [[5, 78, 2], [6, 79, 3]],
    "3-D tensor": [[[5, 78], [6, 79]], [[7, 80], [8, 81]]],
}
for name, values in tensors.items():
    tensor = weft.convert_to_tensor(values)
    print(f"{name:<11} rank {tensor.ndim}  shape {tensor.shape}  dtype {tensor.dtype}")

# %% [markdown]
# A vector with five numbers is called a 5-D vector, but it is a tensor of rank 1. Rank
# counts the axes, not the numbers along one of them.

# %%
vector = weft.convert_to_tensor([12, 3, 6, 14, 7])
five_axes = ops.zeros((2, 3, 4, 5, 6))
print("5-D vector:", vector.shape, "rank", vector.ndim)
print("5-D tensor:", five_axes.shape, "rank", five_axes.ndim)

# %% [markdown]
# ## A tensor has a rank, a shape and a dtype
#
# Python's ints become int32, its floats float32; a NumPy array keeps its dtype. A tensor
# can't be changed: an operation makes a new one.

# %%
print(weft.convert_to_tensor(3.5))
print(weft.convert_to_tensor(np.float64(3.5)))
print(np.add(vector, 1), "<- NumPy's functions take tensors")
try:
    vector[0] = 99
except TypeError as error:
    print("TypeError:", error)

# %% [markdown]
# ## Slices, and the axis of the samples
#
# Axis 0 counts the samples. A batch is a slice along it.

# %%
pictures = np.random.default_rng(0).integers(0, 256, (300, 28, 28), dtype=np.uint8)
pictures = weft.convert_to_tensor(pictures)
print("ten to ninety-nine:", pictures[10:100].shape)
print("lower right quarter:", pictures[:, 14:, 14:].shape)
print("the middle:", pictures[:, 7:-7, 7:-7].shape)
batch_size = 128
for start in range(0, len(pictures), batch_size):
    print("batch", start // batch_size, pictures[start : start + batch_size].shape)

# %% [markdown]
# ## What data looks like as a tensor

# %%
kinds = {
    "vectors (samples, features)": (100, 3),
    "time series (samples, steps, features)": (25, 39, 3),
    "images (samples, height, width, channels)": (8, 64, 64, 3),
    "videos (samples, frames, height, width, channels)": (2, 24, 36, 64, 3),
}
for name, shape in kinds.items():
    tensor = ops.zeros(shape)
    mega = np.prod(shape) * tensor.dtype.size / 1e6
    print(f"rank {tensor.ndim}  {mega:6.2f} MB  {name}: {shape}")

# %% [markdown]
# Drawn, rank by rank: one axis more is one more direction to repeat in.

# %%
numbers = np.random.default_rng(1)
figure, axes = plt.subplots(1, 6, figsize=(13, 2.6), layout="constrained")
titles = ["0: scalar", "1: vector", "2: matrix", "3: series", "4: images", "5: videos"]
sheet = {"vmin": 0, "vmax": 1, "cmap": "Blues"}
axes[0].imshow([[0.7]], extent=(2, 3, 2, 3), **sheet)
axes[1].imshow(numbers.random((1, 5)), extent=(0, 5, 2, 3), **sheet)
axes[2].imshow(numbers.random((5, 5)), extent=(0, 5, 0, 5), **sheet)
for sample in reversed(range(4)):
    step = sample * 0.5
    axes[3].imshow(
        numbers.random((4, 3)),
        extent=(step, step + 3, step, step + 3.4),
        zorder=-sample,
        **sheet,
    )
for sample in range(4):
    left, bottom = (sample % 2) * 2.6, (sample // 2) * 2.6
    colours = numbers.random((6, 6, 3))
    axes[4].imshow(colours, extent=(left, left + 2.3, bottom, bottom + 2.3))
for video in range(2):
    for frame in reversed(range(5)):
        left, bottom = frame * 0.55, video * 2.7 + frame * 0.12
        axes[5].imshow(
            numbers.random((4, 6, 3)),
            extent=(left, left + 2.6, bottom, bottom + 1.8),
            zorder=-frame,
        )
for panel, title in zip(axes, titles):
    panel.set(title=f"rank {title}", xlim=(-0.2, 5.2), ylim=(-0.2, 5.2), aspect="equal")
    panel.axis("off")
save(figure, "01_ranks")
