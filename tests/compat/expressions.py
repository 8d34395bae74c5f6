"""Expressions whose values under real TensorFlow are stored in `expressions.json`.

Each is evaluated with these names: tf, np, and the tensors below. What TensorFlow gives
(dtype, shape, values, or that it raises) is what the compat names must give.
"""

from __future__ import annotations

from typing import Any

SETUP = """
f = tf.constant([1.0, 2.0])
i = tf.constant([1, 2])
l = tf.constant([1, 2], tf.int64)
d = tf.constant([1.0, 2.0], tf.float64)
b = tf.constant([True, False])
s = tf.constant(["a", "b"])
m = tf.constant([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])
n = tf.constant([[3, 1, 2], [9, 7, 8]])
q = tf.constant([[4.0, 1.0], [1.0, 3.0]])
cube = tf.reshape(tf.range(24), (2, 3, 4))
v = tf.Variable([1.0, 2.0])
vi = tf.Variable([1, 2])
photo = tf.reshape(tf.range(24.0), (1, 2, 4, 3)) / 24
bytes8 = tf.constant([[[0, 130, 255], [10, 20, 30]], [[9, 8, 7], [200, 100, 50]]], tf.uint8)
nan = tf.constant([1.0, float("nan"), float("inf")])
"""

EXPRESSIONS = """
f + np.ones(2)
f + np.array([1, 2])
i + np.array([1.5, 2.0])
np.ones(2) + f
np.array([1, 2]) * f
f + 1
1 - f
f + True
i / 2
i / i
2 / i
l / l
tf.constant([1, 2], tf.int8) / tf.constant([1, 2], tf.int8)
tf.constant([1, 2], tf.uint8) / tf.constant([1, 2], tf.uint8)
i + 1.5
1.5 + i
i / 2.0
i + f
i + l
f * d
i // 2
-7 // tf.constant(2)
tf.constant(-7) % 3
i ** 2
i ** -1
2 ** i
f ** 0.5
-i
~b
b & True
b | tf.constant([False, False])
i & 1
i == f
i == 1
i == 1.5
f == tf.constant([1.0, 2.0, 3.0])
f != tf.constant([1.0, 2.0, 3.0])
f > 1
i >= f
abs(tf.constant([-1, 2]))
s == "a"
s != "a"
s + "c"
m @ tf.transpose(m)
v + 1
v * f
v ** 2
v > 1
vi / 2
v[0]
m[0]
m[:, 1]
m[..., tf.newaxis]
m[1, ::-1]
m[-1, -1]
m[m > 0]
m[5]
cube[:, 1, 2:]
cube[..., -1]
cube[tf.constant(1), 0]
tf.add(i, f)
tf.add(1.5, 2)
tf.add(f, np.ones(2))
tf.add(np.ones(2), 1)
tf.add(np.array([1, 2]), 1.5)
tf.subtract(5, 3)
tf.multiply(f, 2)
tf.divide(3, 2)
tf.divide(i, 2.0)
tf.math.floordiv(7, 2)
tf.math.mod(-7, 3)
tf.math.divide_no_nan(1.0, 0.0)
tf.math.divide_no_nan(f, tf.constant([0.0, 2.0]))
tf.math.multiply_no_nan(nan, tf.constant([0.0, 0.0, 0.0]))
tf.pow(2, 3)
tf.pow(i, 2.0)
tf.pow(2.0, 0.5)
tf.sqrt(i)
tf.sqrt(4.0)
tf.exp(m)
tf.sin(i)
tf.square(3)
tf.square(3.0)
tf.math.log(f)
tf.math.log1p(f)
tf.math.expm1(f)
tf.math.rsqrt(f)
tf.math.reciprocal(f)
tf.math.sigmoid(m)
tf.math.softplus(m)
tf.math.log_sigmoid(m)
tf.math.erf(f)
tf.math.lgamma(f)
tf.math.digamma(f)
tf.math.sign(m)
tf.math.ceil([1.2, -1.2])
tf.floor([1.2, -1.2])
tf.floor(i)
tf.round([0.5, 1.5, 2.5, -0.5])
tf.round(i)
tf.math.rint([0.5, 1.5])
tf.abs(-3)
tf.negative(i)
tf.math.xlogy(0.0, 0.0)
tf.math.xlogy(2.0, 3.0)
tf.math.xdivy(0.0, 0.0)
tf.math.squared_difference(i, 5)
tf.math.atan2(1.0, -1.0)
tf.math.is_nan(nan)
tf.math.is_inf(nan)
tf.math.is_finite(nan)
tf.math.is_nan(i)
tf.math.add_n([f, f, f])
tf.add_n([f, tf.constant([1.0])])
tf.math.polyval([2.0, 1.0, 0.0], tf.constant(3.0))
tf.math.cumsum(m, axis=1)
tf.cumsum([1, 2, 3], exclusive=True)
tf.cumsum([1, 2, 3], reverse=True)
tf.cumsum([1, 2, 3], exclusive=True, reverse=True)
tf.math.cumprod([1, 2, 3], exclusive=True)
tf.math.cumprod(n, axis=-1)
tf.reduce_sum(m)
tf.reduce_sum(m, axis=1)
tf.reduce_sum(m, [0, 1])
tf.reduce_sum(m, -1, keepdims=True)
tf.reduce_sum(tf.constant([100, 100], tf.int8))
tf.reduce_sum(b)
tf.reduce_mean(i)
tf.reduce_mean([1, 2, 4])
tf.reduce_mean([-1, -2])
tf.reduce_mean(n, axis=0)
tf.reduce_mean(m, axis=0)
tf.reduce_mean(b)
tf.reduce_mean(tf.constant([200, 100], tf.uint8))
tf.reduce_max(m)
tf.reduce_max(n, 1)
tf.reduce_min(m, axis=0, keepdims=True)
tf.reduce_max(tf.zeros([0]))
tf.reduce_min(tf.zeros([0, 2]), axis=0)
tf.reduce_prod(n)
tf.reduce_any([True, False])
tf.reduce_any([1, 0])
tf.reduce_all(b, axis=0)
tf.reduce_logsumexp(m)
tf.reduce_logsumexp(m, axis=1)
tf.math.reduce_std(m)
tf.math.reduce_std([1, 2])
tf.math.reduce_variance(m, axis=0)
tf.math.reduce_euclidean_norm(m, axis=1)
tf.math.count_nonzero([[0, 1], [1, 1]])
tf.math.count_nonzero([[0, 1], [1, 1]], axis=0)
tf.math.zero_fraction([0.0, 1.0, 0.0, 0.0])
tf.argmax([1, 5, 5])
tf.argmax(n)
tf.argmax(n, axis=1)
tf.argmin(m, axis=-1, output_type=tf.int32)
tf.math.argmax(m, 0)
tf.sort([3, 1, 2])
tf.sort(n, direction="DESCENDING")
tf.sort(n, axis=0)
tf.argsort([3, 1, 2])
tf.argsort([1, 3, 1, 3], direction="DESCENDING", stable=True)
tf.math.top_k([1, 5, 3], 2).values
tf.math.top_k(n, 2).indices
tf.math.in_top_k([0, 2], [[0.1, 0.5, 0.4], [0.2, 0.3, 0.5]], 2)
tf.unique([3, 1, 3, 2]).y
tf.unique([3, 1, 3, 2]).idx
tf.unique_with_counts([3, 1, 3, 2]).count
tf.searchsorted([1, 3, 5], [0, 3, 6])
tf.searchsorted([1, 3, 5], [0, 3, 6], side="right")
tf.searchsorted([[1, 3, 5], [2, 4, 6]], [[2], [5]])
tf.math.bincount([1, 1, 3])
tf.math.bincount([1, 1, 3], minlength=6)
tf.math.bincount([1, 1, 3], weights=[0.5, 0.5, 2.0])
tf.math.bincount([1, 1, 3], maxlength=2)
tf.math.confusion_matrix([0, 1, 1], [0, 1, 0])
tf.math.confusion_matrix([0, 1], [1, 1], num_classes=3)
tf.math.confusion_matrix([0, 1], [1, 1], weights=[2, 3])
tf.math.segment_sum(m, [0, 0])
tf.math.segment_mean([1.0, 2.0, 4.0], [0, 0, 1])
tf.math.segment_max([1.0, 2.0, 4.0], [0, 0, 2])
tf.math.unsorted_segment_sum([1, 2, 3], [1, 0, 1], 2)
tf.math.unsorted_segment_mean([1.0, 2.0, 3.0], [1, 0, 1], 2)
tf.math.l2_normalize(m, axis=1)
tf.math.angle(tf.constant(1j))
tf.math.real(tf.complex(1.0, 2.0))
tf.math.imag(tf.complex(1.0, 2.0))
tf.math.conj(tf.complex([1.0], [2.0]))
tf.abs(tf.complex(3.0, 4.0))
tf.math.nextafter(f, tf.constant([2.0, 0.0]))
tf.math.reciprocal_no_nan([0.0, 2.0])
tf.math.segment_min([4.0, 2.0, 1.0], [0, 0, 2])
tf.math.segment_prod([4.0, 2.0, 1.0], [0, 0, 2])
tf.math.unsorted_segment_min([1, 2, 3], [1, 0, 1], 2)
tf.math.unsorted_segment_prod([1, 2, 3], [1, 0, 1], 2)
tf.math.unsorted_segment_sqrt_n([1.0, 2.0, 3.0], [1, 0, 1], 2)
tf.math.invert_permutation([2, 0, 1])
tf.math.cumulative_logsumexp([1.0, 2.0, 3.0])
tf.truncatediv(-7, 2)
tf.truncatemod(-7, 2)
tf.realdiv(3.0, 2.0)
tf.unravel_index([3, 5], [2, 3])
tf.dynamic_partition(i, [1, 0], 2)
tf.dynamic_stitch([[0, 2], [1]], [[10, 30], [20]])
tf.nn.depth_to_space(tf.reshape(tf.range(8), (1, 1, 2, 4)), 2)
tf.nn.space_to_depth(tf.reshape(tf.range(8), (1, 2, 4, 1)), 2)
tf.linalg.cholesky_solve(tf.linalg.cholesky(q), [[1.0], [2.0]])
tf.linalg.sqrtm(q)
tf.strings.unicode_transcode("a", "UTF-8", "UTF-16-BE")
tf.strings.unsorted_segment_join(["a", "b", "c"], [0, 1, 0], 2)
tf.io.decode_csv(["1,2.5,x"], [0, 0.0, ""])[1]
tf.io.decode_csv("1,,x", [0, 7.5, ""])[1]
tf.io.parse_tensor(tf.io.serialize_tensor(m), tf.float32)
tf.io.decode_raw("abcd", tf.uint8)
tf.zeros_initializer()((2,))
tf.constant_initializer(3.0)((2,))
tf.compat.as_str(b"x")
tf.compat.as_bytes("x")
tf.clip_by_value(m, -1, 1)
tf.clip_by_value(i, 0, 1)
tf.clip_by_norm(m, 2.0)
tf.clip_by_norm(m, 2.0, axes=[1])
tf.clip_by_norm(f, 100.0)
tf.clip_by_global_norm([f, m], 1.0)[0][1]
tf.linalg.global_norm([f, m])
tf.range(5)
tf.range(5.0)
tf.range(0, 1, 0.25)
tf.range(10, 0, -3)
tf.range(tf.constant(3, tf.int64))
tf.range(3, dtype=tf.float64)
tf.linspace(0, 1, 3)
tf.linspace(0.0, 1.0, 5)
tf.shape(m)
tf.shape(m, out_type=tf.int64)
tf.size(cube)
tf.rank(cube)
tf.rank(5)
tf.cast(m, tf.int32)
tf.cast([1.9, -1.9], "int8")
tf.cast([0.0, 2.0], tf.bool)
tf.cast(b, tf.float32)
tf.saturate_cast([-5, 300], tf.uint8)
tf.bitcast(f, tf.int32)
tf.constant([1, 2.5])
tf.constant(3000000000)
tf.constant([1, 2], tf.float32)
tf.constant([1.5], tf.int32)
tf.constant(np.array([1.5]), tf.int32)
tf.constant(f, tf.int32)
tf.convert_to_tensor(f, tf.int32)
tf.convert_to_tensor([1, 2], dtype_hint=tf.float32)
tf.constant(1, shape=(2, 2))
tf.constant([1, 2, 3, 4], shape=(2, 2))
tf.constant([1, 2, 3], shape=(2, 2))
tf.constant("a")
tf.constant([["a", "b"]])
tf.constant(1j)
tf.constant(np.float64(1))
tf.constant(np.arange(3))
tf.one_hot([0, 2], 3)
tf.one_hot([0, 2, -1, 3], 3)
tf.one_hot([0, 1], 2, on_value=5, off_value=1)
tf.one_hot([0, 2], 3, axis=0)
tf.one_hot([0, 2], 3, dtype=tf.int32)
tf.eye(2)
tf.eye(2, 3, batch_shape=[2])
tf.zeros([2], tf.int32)
tf.zeros([2], tf.string)
tf.ones((2, 2))
tf.zeros_like(i)
tf.ones_like(m, dtype=tf.int32)
tf.fill([2, 2], 1)
tf.fill([2], 0.5)
tf.where([True, False, True])
tf.where(m > 0)
tf.where(b, 1.0, f)
tf.where(b, i, f)
tf.where(b, "x", s)
tf.where(m > 0, m, 0.0)
tf.gather([10, 20, 30], [2, 0])
tf.gather([10, 20], [5])
tf.gather([10, 20], [-1])
tf.gather(n, [0, 2], axis=1)
tf.gather(n, [[0, 1], [2, 0]], batch_dims=1)
tf.gather(cube, [[0, 1], [2, 0]], axis=1)
tf.gather(cube, [[1], [0]], axis=2, batch_dims=1)
tf.gather(s, [1, 0])
tf.gather_nd(n, [[0, 1], [1, 2]])
tf.gather_nd(cube, [[0, 1], [1, 2]])
tf.gather_nd(n, [[2], [0]], batch_dims=1)
tf.gather_nd(n, [[5, 5]])
tf.boolean_mask(n, [True, False])
tf.boolean_mask(n, n > 2)
tf.boolean_mask(n, [True, False, True], axis=1)
tf.concat([f, i], 0)
tf.concat([f, [5.0]], 0)
tf.concat([m, m], axis=1)
tf.concat([s, ["c"]], 0)
tf.stack([1, 2.0])
tf.stack([f, f], 1)
tf.stack([f, f], axis=-1)
tf.unstack(m)[1]
tf.unstack(m, axis=1)[2]
tf.split(f, 2)[1]
tf.split(n, [1, 2], axis=1)[1]
tf.split(n, [1, -1], axis=1)[1]
tf.split(n, 2, axis=1)
tf.reshape(n, [-1])
tf.reshape(n, (3, -1))
tf.reshape(f, [3])
tf.transpose(cube)
tf.transpose(cube, [1, 0, 2])
tf.transpose(cube, perm=(2, 0, 1))
tf.expand_dims(f, 0)
tf.expand_dims(f, axis=-1)
tf.squeeze([[[1]]])
tf.squeeze([[1, 2]], axis=0)
tf.squeeze([[1, 2]], axis=1)
tf.tile(f, [2])
tf.tile(n, [2, 1])
tf.repeat([1, 2], 2)
tf.repeat([1, 2], [1, 3])
tf.repeat(n, 2, axis=0)
tf.pad(f, [[1, 1]])
tf.pad(n, [[1, 0], [0, 2]], constant_values=9)
tf.pad(n, [[1, 1], [1, 1]], "REFLECT")
tf.pad(n, [[1, 1], [1, 1]], "SYMMETRIC")
tf.reverse(n, [1])
tf.reverse(n, axis=[0, 1])
tf.roll([1, 2, 3], 1, 0)
tf.roll(n, shift=[1, -1], axis=[0, 1])
tf.reverse_sequence(n, [2, 3], seq_axis=1)
tf.slice(n, [0, 1], [2, 2])
tf.slice(n, [1, 0], [-1, -1])
tf.strided_slice(n, [0, 0], [2, 3], [1, 2])
tf.broadcast_to(f, (2, 2))
tf.broadcast_static_shape(tf.TensorShape([2, 1]), tf.TensorShape([3]))
tf.broadcast_dynamic_shape([2, 1], [3])
tf.sequence_mask([1, 3])
tf.sequence_mask([1, 3], 5, dtype=tf.int32)
tf.meshgrid([1, 2], [3, 4])[0]
tf.meshgrid([1, 2], [3, 4], indexing="ij")[1]
tf.scatter_nd([[0], [2]], [5, 6], [4])
tf.scatter_nd([[1], [1]], [5, 6], [3])
tf.tensor_scatter_nd_update(f, [[0]], [9.0])
tf.tensor_scatter_nd_add(n, [[0, 0], [1, 1]], [10, 20])
tf.tensor_scatter_nd_sub(f, [[0]], [1.0])
tf.tensor_scatter_nd_max(f, [[0]], [9.0])
tf.histogram_fixed_width([0.0, 1.0, 2.5, 9.0], [0.0, 5.0], 5)
tf.identity(f)
tf.ensure_shape(f, [None])
tf.ensure_shape(f, [3])
tf.maximum(f, 1.5)
tf.maximum(i, 0.5)
tf.minimum(m, 0)
tf.equal(i, f)
tf.greater(f, 1.0)
tf.logical_and(b, True)
tf.logical_and(1, 0)
tf.logical_not(b)
tf.logical_or(b, b)
tf.math.logical_xor(b, True)
tf.bitwise.bitwise_and(5, 3)
tf.bitwise.left_shift(1, 3)
tf.bitwise.invert(tf.constant(5))
tf.matmul([[1, 2]], [[3], [4]])
tf.matmul(m, m, transpose_b=True)
tf.matmul(m, m, transpose_a=True)
tf.matmul(m, m)
tf.matmul(i, i)
tf.tensordot(f, f, 1)
tf.tensordot(m, m, axes=[[1], [1]])
tf.tensordot(m, m, [[0, 1], [0, 1]])
tf.einsum("ij,kj->ik", m, m)
tf.einsum("ii", q)
tf.norm(m)
tf.norm(m, axis=1)
tf.norm(m, ord=1, axis=1)
tf.norm(m, ord=np.inf)
tf.norm(i)
tf.linalg.matvec(m, [1.0, 2.0, 3.0])
tf.linalg.diag([1, 2])
tf.linalg.diag([1, 2], k=1)
tf.linalg.diag_part(q)
tf.linalg.diag_part(m, k=1)
tf.linalg.set_diag(q, [9.0, 8.0])
tf.linalg.band_part(m, 0, -1)
tf.linalg.trace(q)
tf.linalg.det(q)
tf.linalg.inv(q)
tf.linalg.solve(q, [[1.0], [2.0]])
tf.linalg.cholesky(q)
tf.linalg.logdet(q)
tf.linalg.slogdet(q).log_abs_determinant
tf.linalg.eigvalsh(q)
tf.linalg.svd(q, compute_uv=False)
tf.linalg.expm(q)
tf.linalg.pinv(m)
tf.linalg.lstsq(tf.transpose(m), [[1.0], [2.0], [3.0]])
tf.linalg.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
tf.linalg.normalize(m, axis=1)[0]
tf.linalg.matrix_rank(q)
tf.linalg.tensor_diag([1, 2])
tf.linalg.adjoint(m)
tf.nn.relu(m)
tf.nn.relu([-1, 2])
tf.nn.relu6([7.0, -1.0])
tf.nn.elu(m)
tf.nn.selu(m)
tf.nn.gelu(m)
tf.nn.gelu(m, approximate=True)
tf.nn.silu(m)
tf.nn.swish(m)
tf.nn.leaky_relu(m)
tf.nn.leaky_relu(m, alpha=0.1)
tf.nn.leaky_relu(i)
tf.nn.crelu(f)
tf.nn.softmax(m)
tf.nn.softmax(m, axis=0)
tf.nn.softmax(i)
tf.nn.log_softmax(m)
tf.nn.softsign(m)
tf.nn.tanh(m)
tf.nn.bias_add(m, [1.0, 2.0, 3.0])
tf.nn.bias_add(m, [1.0, 2.0])
tf.nn.moments(m, axes=[0])[1]
tf.nn.moments(m, axes=[0, 1], keepdims=True)[0]
tf.nn.weighted_moments(m, [1], [[1.0, 2.0, 1.0]])[1]
tf.nn.batch_normalization(m, 1.0, 2.0, 0.5, 3.0, 1e-3)
tf.nn.batch_normalization(m, 1.0, 2.0, None, None, 1e-3)
tf.nn.embedding_lookup(n, [1, 0, 1])
tf.nn.l2_loss(m)
tf.nn.sigmoid_cross_entropy_with_logits(labels=[1.0, 0.0], logits=[2.0, -3.0])
tf.nn.weighted_cross_entropy_with_logits([1.0, 0.0], [2.0, -3.0], 2.0)
tf.nn.softmax_cross_entropy_with_logits(labels=[[0.0, 1.0, 0.0]], logits=[[1.0, 2.0, 3.0]])
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[2, 0], logits=m)
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[3, 0], logits=m)
tf.nn.log_poisson_loss([1.0, 3.0], [0.5, 0.2])
tf.nn.zero_fraction([0.0, 1.0])
tf.strings.length(["abc", "de"])
tf.strings.length("가나", unit="UTF8_CHAR")
tf.strings.lower(["ABC"])
tf.strings.upper("abc")
tf.strings.strip(" a ")
tf.strings.join(["a", "b"], separator="-")
tf.strings.join([["a", "b"], ["c", "d"]])
tf.strings.reduce_join([["a", "b"], ["c", "d"]], axis=0)
tf.strings.reduce_join(["a", "b"], separator=",")
tf.strings.split("a b  c")
tf.strings.split("a,b", sep=",")
tf.strings.regex_replace("hello world", "o", "0")
tf.strings.regex_replace("hello world", "(l+)", "[\\\\1]")
tf.strings.regex_full_match(["ab", "b"], "a.*")
tf.strings.substr("hello", 1, 3)
tf.strings.substr(["hello", "world"], -2, 2)
tf.strings.to_number(["1.5", "2"])
tf.strings.to_number("7", tf.int32)
tf.strings.to_number("x")
tf.strings.as_string([1, 2])
tf.strings.as_string([1.5, 2.0])
tf.strings.as_string(3.14159, precision=2)
tf.strings.as_string([True, False])
tf.strings.format("{} and {}", [f, i])
tf.strings.bytes_split("abc")
tf.strings.unicode_split("가나", "UTF-8")
tf.strings.unicode_decode("가", "UTF-8")
tf.strings.unicode_encode([44032, 97], "UTF-8")
tf.map_fn(lambda x: x * 2, i)
tf.map_fn(lambda x: tf.reduce_sum(x), m)
tf.map_fn(lambda p: p[0] + p[1], (f, f), fn_output_signature=tf.float32)
tf.vectorized_map(lambda x: x * x, f)
tf.scan(lambda a, x: a + x, n)
tf.scan(lambda a, x: a + x, i, initializer=10)
tf.scan(lambda a, x: a * x, tf.constant([1, 2, 3]), reverse=True)
tf.foldl(lambda a, x: a - x, tf.constant([1, 2, 3]))
tf.foldr(lambda a, x: a - x, tf.constant([1, 2, 3]))
tf.foldl(lambda a, x: a + x, f, initializer=0.0)
tf.cond(tf.constant(True), lambda: f, lambda: -f)
tf.case([(tf.constant(False), lambda: 1), (tf.constant(True), lambda: 2)])
tf.switch_case(tf.constant(1), [lambda: tf.constant(0), lambda: tf.constant(10)])
tf.switch_case(tf.constant(7), {0: lambda: tf.constant(0), 1: lambda: tf.constant(10)})
tf.while_loop(lambda k: k < 10, lambda k: [k + 3], [tf.constant(0)])[0]
tf.TensorArray(tf.float32, size=2).write(0, 1.0).write(1, 2.0).stack()
tf.TensorArray(tf.float32, size=3).unstack([1.0, 2.0, 3.0]).read(1)
tf.numpy_function(lambda x: x * 2, [f], tf.float32)
tf.py_function(lambda x: x * 2, [f], tf.float32)
tf.stop_gradient(f)
tf.debugging.assert_equal(f, f)
tf.debugging.assert_equal(f, f + 1)
tf.debugging.assert_positive(m)
tf.debugging.assert_rank(m, 3)
tf.debugging.assert_shapes([(m, ("r", "c")), (f, ("r",))])
tf.debugging.assert_near(f, f + 1e-8)
tf.debugging.check_numerics(nan, "bad")
tf.as_dtype("int32").name
tf.float32.size
tf.int8.min
tf.uint16.max
tf.float32.is_floating
tf.TensorShape([2, 3]).num_elements()
tf.TensorShape([None, 3]).is_compatible_with([2, 3])
tf.TensorShape([2, 3])[1:]
tf.TensorShape([2]) + [3]
f.shape
f.shape.rank
m.shape.as_list()
m.shape[0]
m.shape == [2, 3]
len(m)
str(f)
repr(i)
str(m)
repr(b)
str(s)
repr(v)
str(f.dtype)
repr(f.dtype)
str(m.shape)
repr(m.shape)
repr(tf.TensorShape(None))
repr(tf.TensorSpec([None, 2], tf.int32))
str(tf.constant(1.5))
str(tf.constant(True))
v.name
tf.Variable(1.0, name="w").name
v.trainable
v.assign([3, 4]).numpy().tolist()
v.assign(i)
v.assign([1.0, 2.0, 3.0])
v.value()
v.read_value()
v.numpy().tolist()
vi.assign_add([1, 1]).numpy().tolist()
vi.assign_add([0.5, 0.5])
tf.Variable([1, 2], dtype=tf.float32)
tf.is_tensor(v)
isinstance(v, tf.Tensor)
isinstance(f, tf.Tensor)
tf.executing_eagerly()
tf.config.list_physical_devices("GPU")
tf.nest.flatten({"b": [1, 2], "a": 3})
tf.nest.map_structure(lambda x: x + 1, {"a": [1, 2]})
tf.nn.conv2d(photo, tf.reshape(tf.range(24.0), (2, 2, 3, 2)), 1, "SAME")
tf.nn.conv2d(photo, tf.ones((2, 2, 3, 1)), [1, 2, 2, 1], "VALID")
tf.nn.conv2d(photo, tf.ones((2, 2, 3, 1)), 1, [[0, 0], [1, 0], [0, 2], [0, 0]])
tf.nn.conv1d(photo[:, 0], tf.reshape(tf.range(12.0), (2, 3, 2)), 1, "VALID")
tf.nn.convolution(photo, tf.ones((2, 2, 3, 1)), padding="SAME", dilations=2)
tf.nn.depthwise_conv2d(photo, tf.reshape(tf.range(24.0), (2, 2, 3, 2)), [1, 1, 1, 1], "SAME")
tf.nn.conv2d_transpose(photo, tf.ones((2, 2, 1, 3)), (1, 4, 8, 1), 2, "SAME")
tf.nn.max_pool2d(photo, 2, 2, "VALID")
tf.nn.max_pool(photo, [1, 2, 2, 1], [1, 1, 1, 1], "SAME")
tf.nn.avg_pool2d(photo, 2, 1, "SAME")
tf.nn.avg_pool1d(photo[:, 0], 2, 2, "VALID")
tf.image.flip_left_right(photo)
tf.image.flip_up_down(photo[0])
tf.image.rot90(photo, 3)
tf.image.transpose(photo)
tf.image.resize(photo, (3, 2))
tf.image.resize(photo, (5, 7))
tf.image.resize(photo, (1, 2), antialias=True)
tf.image.resize(photo, (3, 3), "nearest")
tf.image.resize(photo, (1, 3), "area")
tf.image.resize(photo, (5, 7), "area")
tf.image.resize(photo, (3, 2), "bicubic", antialias=True)
tf.image.resize(photo, (3, 7), "lanczos3")
tf.image.resize(photo, (3, 7), "lanczos5")
tf.image.resize(photo, (3, 7), "gaussian")
tf.image.resize(photo, (3, 7), "mitchellcubic")
tf.image.resize(photo, (1, 1), "lanczos3")
tf.image.resize(bytes8, (4, 4), "nearest")
tf.image.resize(bytes8, (4, 4))
tf.image.resize(photo, (6, 6), preserve_aspect_ratio=True)
tf.image.resize_with_pad(photo, 6, 6)
tf.image.resize_with_crop_or_pad(photo, 4, 2)
tf.image.crop_to_bounding_box(photo, 0, 1, 2, 2)
tf.image.crop_to_bounding_box(photo, 1, 1, 2, 2)
tf.image.pad_to_bounding_box(photo, 1, 1, 4, 6)
tf.image.central_crop(tf.reshape(tf.range(63), (7, 9, 1)), 0.6)
tf.image.rgb_to_grayscale(photo)
tf.image.rgb_to_grayscale(bytes8)
tf.image.grayscale_to_rgb(photo[..., :1])
tf.image.rgb_to_hsv(photo)
tf.image.hsv_to_rgb(photo)
tf.image.adjust_hue(photo, 0.1)
tf.image.adjust_saturation(photo, 0.5)
tf.image.adjust_brightness(photo, 0.1)
tf.image.adjust_brightness(bytes8, 0.2)
tf.image.adjust_contrast(photo, 2.0)
tf.image.adjust_gamma(photo, 2.0)
tf.image.convert_image_dtype(bytes8, tf.float32)
tf.image.convert_image_dtype(photo, tf.uint8)
tf.image.convert_image_dtype(bytes8, tf.int32)
tf.image.convert_image_dtype(tf.constant([1, 2, 2000000000]), tf.uint8)
tf.image.per_image_standardization(photo)
tf.image.psnr(photo, photo * 0.5, 1.0)
tf.image.total_variation(photo)
tf.image.image_gradients(photo)
tf.image.extract_patches(photo, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID")
tf.image.extract_patches(photo, [1, 2, 2, 1], [1, 1, 1, 1], [1, 2, 1, 1], "SAME")
tf.io.decode_png(tf.io.encode_png(bytes8))
tf.io.decode_image(tf.io.encode_png(bytes8), channels=1).shape
tf.io.decode_jpeg(tf.io.encode_jpeg(tf.zeros((8, 8, 3), tf.uint8)))
"""


def table() -> list[str]:
    """The expressions, one per line."""
    return [line for line in EXPRESSIONS.splitlines() if line.strip()]


def evaluate(tf: Any, np: Any, expression: str, names: dict) -> dict:
    """What an expression gives, as plain data."""
    try:
        found = eval(expression, names)
    except Exception as error:
        return {"raises": isinstance(error, tf.errors.InvalidArgumentError | ValueError
                                     | TypeError | IndexError | AssertionError)}  # fmt: skip
    return described(tf, np, found)


def described(tf: Any, np: Any, found: Any) -> dict:
    """A value as plain data: dtype, shape and values of tensors; else its text."""
    if tf.is_tensor(found):
        array = np.asarray(found.numpy())
        if found.dtype == tf.string:
            values = [item.decode() for item in array.reshape(-1).tolist()]
        elif array.dtype.kind == "c":
            values = [[item.real, item.imag] for item in array.reshape(-1).tolist()]
        else:
            values = array.reshape(-1).tolist()
        return {"dtype": found.dtype.name, "shape": list(array.shape), "values": values}
    if isinstance(found, list | tuple) and found and all(tf.is_tensor(x) for x in found):
        return {"list": [described(tf, np, x) for x in found]}
    return {"text": str(found)}


def names(tf: Any, np: Any) -> dict:
    """The names that expressions use."""
    made = {"tf": tf, "np": np}
    exec(SETUP, made)
    return made
