"""tf.function, control flow, tapes, variables, modules, printing, random numbers."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import weft.compat.tensorflow as tf

# -- functions ---------------------------------------------------------------------------


def test_results_are_tensors():
    @tf.function
    def several(x):
        return 5, x, None, [2.5], True

    five, _, nothing, (half,), truth = several(tf.constant(1))
    assert tf.is_tensor(five)
    assert five.dtype == tf.int32
    assert nothing is None
    assert float(half) == 2.5
    assert truth.dtype == tf.bool


def test_signatures_admit_any_extent():
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def total(x):
        return tf.reduce_sum(x)

    assert float(total(tf.ones((3, 2)))) == 6.0
    assert float(total(tf.ones((5, 2)))) == 10.0
    with pytest.raises((ValueError, TypeError)):
        total(tf.ones((3, 3)))


def test_methods_are_functions_of_their_object():
    class Counter(tf.Module):
        def __init__(self):
            super().__init__()
            self.count = tf.Variable(0)

        @tf.function
        def up(self, by=1):
            self.count.assign_add(by)
            return self.count.read_value()

    one, other = Counter(), Counter()
    assert [int(one.up()), int(one.up(3)), int(other.up())] == [1, 4, 1]
    assert one.trainable_variables == (one.count,)


def test_displays():
    @tf.function
    def f(x):
        return x

    assert repr(f).endswith(">")
    assert "Function object at 0x" in repr(f)
    assert f.python_function(3) == 3
    assert "def" in tf.autograph.to_code(f.python_function)


def test_tensor_arrays_in_loops_learn_their_shape():
    @tf.function
    def rows(n, scale):
        array = tf.TensorArray(tf.float32, size=4)
        for i in tf.range(n):
            array = array.write(i, tf.cast(i, tf.float32) * scale)
        return array.stack()

    found = rows(tf.constant(3), tf.constant([1.0, 10.0])).numpy().tolist()
    assert found == [[0.0, 0.0], [1.0, 10.0], [2.0, 20.0], [0.0, 0.0]]


def test_gradients_through_tensor_arrays():
    x = tf.Variable([1.0, 2.0, 3.0])

    @tf.function
    def squares():
        array = tf.TensorArray(tf.float32, size=3, element_shape=())
        for i in tf.range(3):
            array = array.write(i, x[i] * x[i])
        return tf.reduce_sum(array.stack())

    with tf.GradientTape() as tape:
        y = squares()
    assert tape.gradient(y, x).numpy().tolist() == [2.0, 4.0, 6.0]


def test_growing_arrays_in_traced_loops_are_refused():
    @tf.function
    def f(n):
        array = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
        for i in tf.range(n):
            array = array.write(i, 1.0)
        return array.stack()

    with pytest.raises(ValueError, match="size=n"):
        f(tf.constant(3))


def test_python_functions_run_at_each_call():
    seen = []

    def half(x):
        seen.append(x.sum())
        return (x / 2).astype("float32")

    @tf.function
    def f(x):
        return tf.numpy_function(half, [x], tf.float32) + 1.0

    assert f(tf.constant([2.0, 4.0])).numpy().tolist() == [2.0, 3.0]
    assert f(tf.constant([4.0, 8.0])).numpy().tolist() == [3.0, 5.0]
    assert [float(value) for value in seen] == [0.0, 6.0, 12.0]


# -- tapes and variables -----------------------------------------------------------------


def test_a_tape_is_used_once():
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = x * x
    assert float(tape.gradient(y, x)) == 4.0
    with pytest.raises(RuntimeError, match="persistent"):
        tape.gradient(y, x)


def test_unconnected_gradients():
    x, y = tf.Variable(1.0), tf.Variable(1.0)
    with tf.GradientTape(persistent=True) as tape:
        z = x * 2.0
    assert tape.gradient(z, y) is None
    zero = tape.gradient(z, y, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert float(zero) == 0.0


def test_linear_algebra_has_gradients():
    a = np.array([[4.0, 1.0], [1.0, 3.0]], "float32")
    v = tf.Variable(a)
    with tf.GradientTape(persistent=True) as tape:
        det, logdet = tf.linalg.det(v), tf.linalg.logdet(v)
        inverse = tf.reduce_sum(tf.linalg.inv(v))
        solved = tf.reduce_sum(tf.linalg.solve(v, [[1.0], [2.0]]))
    inv = np.linalg.inv(a)
    np.testing.assert_allclose(tape.gradient(det, v), 11.0 * inv.T, rtol=1e-4)
    np.testing.assert_allclose(tape.gradient(logdet, v), inv, rtol=1e-4)
    ones = np.ones((2, 2))
    np.testing.assert_allclose(tape.gradient(inverse, v), -inv.T @ ones @ inv.T, rtol=1e-4)
    of_b = inv.T @ np.ones((2, 1))
    solution = inv @ np.array([[1.0], [2.0]])
    np.testing.assert_allclose(tape.gradient(solved, v), -of_b @ solution.T, rtol=1e-4)


def test_variables_keep_shape_and_dtype():
    v = tf.Variable([1.0, 2.0], name="w", trainable=False)
    assert (v.name, v.trainable, v.shape.as_list()) == ("w:0", False, [2])
    assert v.assign(np.array([3, 4])).numpy().tolist() == [3.0, 4.0]
    with pytest.raises(ValueError, match="shape"):
        v.assign([1.0])
    with pytest.raises(ValueError, match=r"tf\.cast"):
        v.assign(tf.constant([1, 2]))
    v.scatter_nd_update([[0]], [9.0])
    v.scatter_add(tf.IndexedSlices([1.0], [1]))
    assert v.numpy().tolist() == [9.0, 5.0]
    assert v.value().numpy().tolist() == [9.0, 5.0]


def test_variables_made_in_the_first_call():
    class Line(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = None

        @tf.function
        def __call__(self, x):
            if self.w is None:
                self.w = tf.Variable(tf.random.normal((x.shape[-1], 2)), name="w")
            return x @ self.w

    line, x = Line(), tf.ones((4, 3))
    np.testing.assert_allclose(line(x), x.numpy() @ line.w.numpy(), rtol=1e-5)
    assert line.w.numpy().std() > 0
    assert np.array_equal(line(x).numpy(), line(x).numpy())


# -- printing ----------------------------------------------------------------------------


def test_print_goes_to_standard_error_and_shows_values(capsys):
    tf.print("x =", tf.constant([1.0, 0.1, 1 / 3]), tf.range(10), [1, tf.constant("a")])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "x = [1 0.1 0.333333343] [0 1 2 ... 7 8 9] [1, a]\n"


def test_python_prints_symbols_while_tracing(capsys):
    @tf.function
    def f(x):
        print("Tracing with", x)
        return x

    for value in (1, 2, 3.5):
        f(tf.constant(value))
    assert capsys.readouterr().out.splitlines() == [
        'Tracing with Tensor("x:0", shape=(), dtype=int32)',
        'Tracing with Tensor("x:0", shape=(), dtype=float32)',
    ]


def test_functions_that_are_not_to_be_converted():
    @tf.autograph.experimental.do_not_convert
    def sign(x):
        return 1 if x > 0 else -1

    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError, match="bool of a traced"):
        tf.function(lambda x: sign(x))(tf.constant(1))


def test_signatures_cut_no_floats():
    f = tf.function(lambda k: k, input_signature=[tf.TensorSpec([], tf.int32)])
    assert int(f(2)) == 2
    with pytest.raises(TypeError, match="must be int32"):
        f(2.5)


def test_images_at_random():
    photo = tf.reshape(tf.range(36.0), (3, 4, 3))
    mirrored = tf.image.flip_left_right(photo).numpy().tolist()
    tf.random.set_seed(1)
    found = [tf.image.random_flip_left_right(photo).numpy().tolist() for _ in range(20)]
    assert mirrored in found and photo.numpy().tolist() in found
    assert all(one in (mirrored, photo.numpy().tolist()) for one in found)
    boxes = [tf.image.random_crop(photo, (2, 3, 3)).numpy().tolist() for _ in range(30)]
    places = [photo[i : i + 2, j : j + 3].numpy().tolist() for i in (0, 1) for j in (0, 1)]
    assert all(place in boxes for place in places) and all(box in places for box in boxes)
    same = [
        tf.image.stateless_random_brightness(photo, 0.5, seed=(1, 2)).numpy().tolist()
        for _ in range(2)
    ]
    assert same[0] == same[1] != photo.numpy().tolist()
    low = tf.image.random_contrast(photo, 0.0, 1e-6) - tf.reduce_mean(photo, (0, 1))
    np.testing.assert_allclose(low.numpy(), 0, atol=1e-3)


def test_images_in_pipelines_and_gradients(tmp_path):
    path = str(tmp_path / "a.png")
    pixels = tf.reshape(tf.range(12, dtype=tf.int32), (2, 2, 3))
    tf.io.write_file(path, tf.io.encode_png(tf.cast(pixels, tf.uint8)))

    def load(name):
        image = tf.io.decode_png(tf.io.read_file(name), channels=3)
        return tf.image.resize(tf.image.convert_image_dtype(image, tf.float32), (4, 4))

    (image,) = tf.data.Dataset.from_tensor_slices([path]).map(load)
    assert image.shape == (4, 4, 3)

    x = tf.ones((1, 2, 2, 1))

    @tf.function
    def slopes(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.image.resize(x, (3, 3)))
        return tape.gradient(y, x)

    np.testing.assert_allclose(slopes(x).numpy().ravel(), 9 / 4, rtol=1e-6)
    with pytest.raises(tf.errors.InvalidArgumentError, match="a PNG, JPEG, BMP or GIF"):
        tf.io.decode_image(b"text")


def test_scopes_are_part_of_the_names_of_variables():
    class Layer(tf.Module):
        @tf.Module.with_name_scope
        def __call__(self):
            return tf.Variable(1.0, name="w").name

    with tf.name_scope("outer"):
        with tf.name_scope("inner"):
            assert tf.Variable(1.0).name == "outer/inner/Variable:0"
        assert tf.Variable(1.0, name="v").name == "outer/v:0"
    assert Layer()() == "layer/w:0"
    assert tf.Variable(1.0, name="v").name == "v:0"


def test_datasets_show_as_those_of_tensorflow():
    slices = tf.data.Dataset.from_tensor_slices([1, 2])
    spec = "element_spec=TensorSpec(shape=(), dtype=tf.int32, name=None)"
    assert repr(slices) == f"<_TensorSliceDataset {spec}>"
    assert repr(slices.map(lambda x: x + 1)) == f"<_MapDataset {spec}>"


def test_a_generator_is_no_function():
    with pytest.raises(TypeError, match="`yield`"):

        @tf.function
        def f(x):
            yield x


def test_print_inside_of_functions(capsys):
    @tf.function
    def f(x):
        tf.print("seen", x, output_stream=sys.stdout, summarize=-1)
        return x

    f(tf.constant([[1, 2], [3, 4]]))
    f(tf.constant([[5, 6], [7, 8]]))
    assert capsys.readouterr().out == "seen [[1 2]\n [3 4]]\nseen [[5 6]\n [7 8]]\n"


def test_assertions_inside_of_functions():
    @tf.function
    def f(x):
        tf.debugging.assert_positive(x, message="no {negative} numbers")
        return x

    f(tf.constant([1.0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"no \{negative\} numbers"):
        f(tf.constant([-1.0]))


# -- random numbers ----------------------------------------------------------------------


def test_seeds_of_operations():
    tf.random.set_seed(1)
    first = [tf.random.normal((3,), seed=5).numpy() for _ in range(2)]
    tf.random.set_seed(1)
    tf.random.normal((3,))
    again = [tf.random.normal((3,), seed=5).numpy() for _ in range(2)]
    assert np.array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    tf.random.set_seed(2)
    assert not np.array_equal(first[0], tf.random.normal((3,), seed=5).numpy())


def test_compiled_functions_draw_anew_and_repeat_after_set_seed():
    @tf.function
    def draw():
        return tf.random.uniform((2,)), tf.random.normal((2,), seed=3)

    tf.random.set_seed(4)
    one, other = draw(), draw()
    tf.random.set_seed(4)
    again = draw()
    for i in range(2):
        assert not np.array_equal(one[i].numpy(), other[i].numpy())
        assert np.array_equal(one[i].numpy(), again[i].numpy())


@pytest.mark.parametrize(
    ("draw", "mean", "deviation"),
    [
        (lambda n: tf.random.normal((n,), 1.0, 2.0), 1.0, 2.0),
        (lambda n: tf.random.uniform((n,), 1, 3), 2.0, 2 / 12**0.5),
        (lambda n: tf.random.gamma((n,), 3.0, 2.0), 1.5, 3**0.5 / 2),
        (lambda n: tf.random.poisson((n,), 4.0), 4.0, 2.0),
        (lambda n: tf.random.stateless_normal((n,), [1, 2]), 0.0, 1.0),
        (lambda n: tf.random.truncated_normal((n,)), 0.0, 0.8796),
        (lambda n: tf.random.uniform((n,), maxval=10, dtype=tf.int32), 4.5, 2.872),
    ],
)
def test_distributions(draw, mean, deviation):
    tf.random.set_seed(0)
    drawn = draw(20_000).numpy().astype("float64")
    assert abs(drawn.mean() - mean) < 0.05 * max(deviation, 1.0)
    assert abs(drawn.std() - deviation) < 0.05 * deviation


def test_stateless_numbers_follow_from_the_seed():
    draws = [
        tf.random.stateless_uniform((4,), seed).numpy() for seed in ([1, 2], [1, 2], [2, 1])
    ]
    assert np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])
    shuffled = tf.random.shuffle(tf.range(50)).numpy()
    assert sorted(shuffled.tolist()) == list(range(50))


def test_generators():
    one, other = (tf.random.Generator.from_seed(7) for _ in range(2))
    first = one.normal((3,)).numpy()
    assert np.array_equal(first, other.normal((3,)).numpy())
    assert not np.array_equal(first, one.normal((3,)).numpy())
    assert len(one.split(2)) == 2


# -- names -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "name", "word"),
    [
        (tf, "Session", "tf.function"),
        (tf, "placeholder", "keras.Input"),
        (tf, "reduce_meen", "reduce_mean"),
        (tf, "SparseTensor", "sparse"),
        (tf.image, "resiez", "resize"),
        (tf.io, "read_fil", "read_file"),
        (tf.nn, "softmx", "softmax"),
        (tf.compat, "v1", "TensorFlow 1"),
    ],
)
def test_names_that_are_not_there_say_what_to_use(module, name, word):
    with pytest.raises(AttributeError, match=word):
        getattr(module, name)


def test_keras_names_hang_on_tf():
    assert tf.keras.layers.Dense is not None
    assert tf.optimizers is tf.keras.optimizers
    assert tf.losses is tf.keras.losses
    assert issubclass(tf.zeros_initializer, tf.keras.initializers.Initializer)


# -- symbolic Keras tensors --------------------------------------------------------------


def test_functions_take_symbolic_tensors():
    keras = tf.keras
    inputs = keras.Input((3,))
    mean = tf.reduce_mean(inputs, axis=1, keepdims=True)
    outputs = tf.concat([tf.nn.relu(inputs) + mean, tf.math.exp(inputs)], axis=-1)
    assert outputs.shape == (None, 6)
    model = keras.Model(inputs, outputs)
    x = np.array([[1.0, -2.0, 3.0], [0.0, 1.0, -1.0]], "float32")
    want = np.concatenate([np.maximum(x, 0) + x.mean(1, keepdims=True), np.exp(x)], -1)
    np.testing.assert_allclose(model.predict(x, verbose=0), want, rtol=1e-5)
    again = keras.Model.from_config(model.get_config())
    np.testing.assert_allclose(again.predict(x, verbose=0), want, rtol=1e-5)


def test_shapes_as_tensors_are_known_while_tracing():
    @tf.function
    def flat(x):
        rows = tf.shape(x)[0]
        return tf.reshape(x, (rows, -1)), tf.one_hot([0], depth=tf.shape(x)[1] + 1)

    found, codes = flat(tf.zeros((2, 3, 4)))
    assert found.shape == (2, 12)
    assert codes.shape == (1, 4)
