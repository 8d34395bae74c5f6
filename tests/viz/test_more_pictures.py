"""Pictures of tensors, scores, functions, classifiers and models: what stands in them."""

import re
import warnings

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import weft
from weft import keras, viz
from weft.errors import ArgumentError
from weft.viz import _words

XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32"), np.array([[0], [1], [1], [0]])


@pytest.fixture(scope="module")
def classifier():
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(6, "tanh"), keras.layers.Dense(1, "sigmoid")]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize(
    ("shape", "title"),
    [
        ((), "Scalar: rank 0"),
        ((5,), "Vector: rank 1"),
        ((40,), "Vector: rank 1"),
        ((3, 5), "Vector data: rank 2"),
        ((60, 30), "Vector data: rank 2"),
        ((7, 30, 3), "Time series: rank 3"),
        ((1, 1, 1), "Time series: rank 3"),
        ((3, 8, 8, 1), "Images: rank 4"),
        ((9, 8, 8, 3), "Images: rank 4"),
        ((2, 7, 8, 8, 3), "Video: rank 5"),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "uint8", "bool"])
def test_tensors_of_every_rank(tmp_path, shape, title, dtype):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    figure = viz.plot_tensor(weft.convert_to_tensor(array), tmp_path / "tensor.png")
    assert figure.get_suptitle().startswith(title)
    assert (tmp_path / "tensor.png").stat().st_size > 1000


def test_tensors_that_cannot_be_drawn():
    for shape in ((1,) * 6, (0, 3)):
        with pytest.raises(ArgumentError, match="rank 0 to 5"):
            viz.plot_tensor(np.zeros(shape))


def test_confusion_matrix_counts():
    labels, scores = [0, 1, 2, 2], np.eye(3)[[0, 1, 2, 0]]
    axes = viz.plot_confusion_matrix(labels, scores).axes[0]
    assert [text.get_text() for text in axes.texts] == list("100010101")
    assert axes.get_title() == "Confusion matrix: accuracy 75.0%"
    shares = viz.plot_confusion_matrix(labels, scores, is_share=True, names="abc").axes[0]
    assert shares.texts[-1].get_text() == "50%"
    with pytest.raises(ArgumentError, match="as many"):
        viz.plot_confusion_matrix([0, 1], [0])


def test_roc_areas_are_those_of_ranks():
    random = np.random.default_rng(0)
    labels, scores = random.integers(0, 2, 60), random.random(60).round(1)
    better = scores[labels == 1][:, None] - scores[labels == 0]
    area = (better > 0).mean() + (better == 0).mean() / 2
    axes = viz.plot_roc(labels, scores).axes[0]
    assert axes.get_legend().get_texts()[0].get_text() == f"AUC {area:.3f}"
    several = viz.plot_roc([0, 1, 2], np.eye(3)).axes[0]
    assert len(several.get_lines()) == 4
    with pytest.raises(ArgumentError, match="samples of the class"):
        viz.plot_roc([1, 1], [0.1, 0.2])


def test_activations_and_their_gradients():
    axes = viz.plot_activations(["relu"]).axes[0]
    function, gradient = (axes.get_lines()[number].get_xydata() for number in (2, 3))
    assert function[-1].tolist() == [5.0, 5.0]
    assert (gradient[0, 1], gradient[-1, 1]) == (0.0, 1.0)
    with pytest.raises(ArgumentError, match="Did you mean 'sigmoid'"):
        viz.plot_activations(["sigmoyd"])


def test_gradient_descent_reaches_runs_off_or_creeps():
    def square(x):
        return x * x

    np.testing.assert_allclose(viz.descend(square, 1.0, 0.25, 2), [1.0, 0.5, 0.25])
    faster = viz.descend(square, 1.0, 0.01, 20, momentum=0.9)
    assert abs(faster[-1]) < abs(viz.descend(square, 1.0, 0.01, 20)[-1])
    figure = viz.plot_descent(square, 2.0, (0.1, 1.5))
    notes = [axes.texts[0].get_text() for axes in figure.axes]
    assert notes[0].startswith("20 steps: f = 0.0005")
    assert notes[1] == "20 steps: diverges"
    surface = viz.plot_descent(lambda v: weft.ops.sum(v * v), [1.0, 2.0], (0.1,), steps=5)
    assert surface.axes[0].get_lines()[0].get_xydata().shape == (6, 2)
    with pytest.raises(ArgumentError, match="one number or two"):
        viz.plot_descent(square, [1.0, 2.0, 3.0])


def test_decision_boundaries(classifier):
    figure = viz.plot_decision_boundary(
        classifier, *XOR, names=["off", "on"], resolution=20
    )
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["off", "on"]
    three = viz.plot_decision_boundary(
        lambda points: np.stack([points[:, 0], points[:, 1], 1 - points.sum(1)], 1),
        np.eye(3)[:, :2], [0, 1, 2], resolution=20,
    )  # fmt: skip
    assert len(three.axes[0].get_legend().get_texts()) == 3
    with pytest.raises(ArgumentError, match="points of a plane"):
        viz.plot_decision_boundary(classifier, np.zeros((4, 3)), np.zeros(4))


def test_animation_while_it_learns(classifier, tmp_path):
    image = pytest.importorskip("PIL.Image")
    before = [weight.copy() for weight in classifier.get_weights()]
    path = viz.animate_decision_boundary(
        classifier, *XOR, tmp_path / "xor.gif", frames=3, resolution=20
    )
    assert image.open(path).n_frames == 4
    assert any((a != b).any() for a, b in zip(before, classifier.get_weights()))


def test_loss_landscape_leaves_the_weights_alone(classifier, tmp_path):
    before = [weight.copy() for weight in classifier.get_weights()]
    viz.plot_loss_landscape(classifier, *XOR, tmp_path / "loss.png", resolution=5)
    for old, new in zip(before, classifier.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_layer_activations(classifier):
    figure = viz.plot_layer_activations(classifier, XOR[0][1])
    titles = [part.get_suptitle() for part in figure.subfigs]
    assert [title.split("  ")[1] for title in titles] == ["(2,)", "(6,)", "(1,)"]
    with pytest.raises(ArgumentError, match="fit the model's input"):
        viz.plot_layer_activations(classifier, np.zeros((2, 2, 2)))


def test_korean_labels(monkeypatch):
    monkeypatch.setattr(_words, "korean_font", lambda: "DejaVu Sans")
    viz.set_language("ko")
    try:
        axes = viz.plot_history({"loss": [1.0, 0.5], "val_loss": [1.0, 0.7]}).axes[0]
        assert (axes.get_title(), axes.get_xlabel()) == ("손실", "에포크")
    finally:
        viz.set_language("en")
    monkeypatch.setattr(_words, "korean_font", lambda: None)
    with pytest.warns(UserWarning, match="no font with Korean letters"):
        viz.set_language("ko")
    with pytest.warns(UserWarning, match=r"empty boxes; install one"):
        viz.plot_history({"loss": [1.0]}, title="손실")
    assert viz.plot_history({"loss": [1.0]}).axes[0].get_title() == "Loss"
    with pytest.raises(ArgumentError, match="'en' or 'ko'"):
        viz.set_language("fr")


def test_korean_words_get_a_font_in_either_language(monkeypatch):
    monkeypatch.setattr(_words, "korean_font", lambda: "DejaVu Serif")
    axes = viz.plot_history({"loss": [1.0]}, title="학습 곡선").axes[0]
    assert axes.title.get_fontfamily()[0] == "DejaVu Serif"
    axes = viz.plot_history({"loss": [1.0]}).axes[0]
    assert axes.title.get_fontfamily()[0] != "DejaVu Serif"
    axes.set_yscale("log")
    assert viz.use_korean_font(axes.figure)
    assert axes.title.get_fontfamily()[0] == "DejaVu Serif"
    # The minus of a power of ten is missing in many Korean fonts.
    powers = axes.yaxis.get_ticklabels()
    assert all(label.get_fontfamily()[0] != "DejaVu Serif" for label in powers)


def test_a_font_that_was_installed_lately_is_found(monkeypatch):
    from matplotlib import font_manager

    fonts = font_manager.fontManager
    sans = next(x.fname for x in fonts.ttflist if x.fname.endswith("/DejaVuSans.ttf"))
    monkeypatch.setattr(_words, "_FONTS", ("DejaVu Sans",))
    monkeypatch.setattr(fonts, "ttflist", [])
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["/nowhere.ttf", sans])
    assert _words.korean_font() == "DejaVu Sans"


# -- diagrams ------------------------------------------------------------------------------


def words(svg):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_graphs_forward_and_backward(tmp_path):
    weight = weft.Variable(2.0, name="weight")

    def loss(x):
        return weft.ops.sum(weft.ops.tanh(x) * weight)

    forward = viz.draw_graph(loss, np.ones(3, "float32"))
    assert {"x", "weight", "tanh", "reduce_sum", "result"} <= set(words(forward.svg))
    both = viz.draw_graph(
        weft.function(loss), np.ones(3, "float32"), backward=True,
        path=tmp_path / "loss.svg", title="forward & backward",
    )  # fmt: skip
    assert {"gradient of x", "gradient of weight"} <= set(words(both.svg))
    assert "forward &amp; backward" in (tmp_path / "loss.svg").read_text()
    with pytest.raises(ArgumentError, match="more than 2"):
        viz.draw_graph(loss, np.ones(3, "float32"), limit=2)


def test_boxes_do_not_overlap():
    from weft.diagram import Arrow, Box, draw

    random = np.random.default_rng(1)
    boxes = {number: Box(f"box {number}", ["line"] * (number % 3)) for number in range(30)}
    arrows = [
        Arrow(int(start), int(end))
        for start, end in random.integers(0, 30, (60, 2))
        if start < end
    ]
    for is_across in (False, True):
        svg = draw(boxes, arrows, is_across=is_across)
        found = re.findall(
            r'<rect x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)" rx', svg
        )
        placed = np.array(found, float)
        assert len(placed) == 30
        assert (placed[:, :2] >= -0.1).all()
        for one in range(30):
            x, y, width, height = placed[one]
            for a, b, wide, tall in placed[:one]:
                apart = x >= a + wide or a >= x + width or y >= b + tall or b >= y + height
                assert apart


def test_model_diagrams(tmp_path):
    layers = keras.layers
    one, other = keras.Input((4,), name="one"), keras.Input((3,), name="other")
    joined = layers.Concatenate(name="join")([one, layers.Dense(5, name="dense")(other)])
    inner = keras.Sequential(
        [keras.Input((9,)), layers.Dense(2, "relu", name="inner_dense")]
    )
    model = keras.Model([one, other], inner(joined), name="whole")
    diagram = keras.utils.plot_model(
        model, tmp_path / "model.png", show_shapes=True, show_layer_names=True
    )
    assert (tmp_path / "model.svg").read_text() == diagram.svg
    assert "join (Concatenate)" in words(diagram.svg)
    assert "in: (None, 4), (None, 5)" in words(diagram.svg)
    assert diagram.svg.count("<polygon") == 4
    nested = keras.utils.model_to_dot(
        model, expand_nested=True, show_layer_activations=True
    )
    assert "inner_dense (Dense)" in words(nested.svg)
    assert "activation: relu" in words(nested.svg)
    with pytest.raises(ArgumentError, match="rankdir"):
        keras.utils.model_to_dot(model, rankdir="up")
    with pytest.raises(ArgumentError, match="not built"):
        keras.utils.plot_model(keras.Sequential([layers.Dense(2)]), None)


def test_graphs_need_no_matplotlib():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = viz.draw_graph(lambda x: x + 1.0, 2.0)._repr_svg_()
    assert svg.startswith("<svg")
