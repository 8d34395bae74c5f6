"""The names of `weft.ops` for neural networks, as `keras.ops.nn` lists them."""

from __future__ import annotations

from weft import ops

__all__ = """
batch_normalization binary_crossentropy categorical_crossentropy celu depth_to_space
dot_product_attention elu fold gelu glu hard_shrink hard_sigmoid hard_silu hard_swish
hard_tanh layer_normalization leaky_relu log_sigmoid log_softmax moments multi_hot
normalize one_hot psnr relu relu6 rms_normalization selu sigmoid silu soft_shrink
softmax softplus softsign space_to_depth sparse_categorical_crossentropy sparse_plus
sparse_sigmoid sparsemax squareplus swish tanh_shrink threshold unfold
""".split()

globals().update({name: getattr(ops, name) for name in __all__})
