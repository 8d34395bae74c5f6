"""Pictures of training: what stands in them, what they refuse; no display is needed."""

import subprocess
import sys
import types

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from weft import viz
from weft.errors import MissingExtraError
from weft.viz._figure import RED

HISTORY = {
    "accuracy": [0.6, 0.8, 0.9],
    "loss": [1.0, 0.5, 0.3],
    "val_accuracy": [0.5, 0.8, 0.7],
    "val_loss": [1.1, 0.6, 0.8],
}


def texts(figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def line(axes, label: str) -> np.ndarray:
    return next(one for one in axes.get_lines() if one.get_label() == label).get_xydata()


def test_history_has_a_panel_for_loss_and_each_metric():
    figure = viz.plot_history(HISTORY)
    assert texts(figure) == ["Loss", "Accuracy"]
    loss, accuracy = figure.axes
    assert line(loss, "training").tolist() == [[1, 1.0], [2, 0.5], [3, 0.3]]
    assert line(loss, "validation").tolist() == [[1, 1.1], [2, 0.6], [3, 0.8]]
    assert line(loss, "best: 0.6, epoch 2").tolist() == [[2, 0.6]]
    assert line(accuracy, "best: 0.8, epoch 2").tolist() == [[2, 0.8]]


def test_history_takes_what_fit_returns():
    history = types.SimpleNamespace(history={"loss": [2.0, 1.0]}, epoch=[10, 11])
    (loss,) = viz.plot_history(history, title="Go on").axes
    assert loss.get_lines()[0].get_xydata().tolist() == [[11, 2.0], [12, 1.0]]


@pytest.mark.parametrize("count", [1, 3, 4, 7])
def test_history_of_many_metrics_and_one_epoch(count):
    figure = viz.plot_history({f"metric_{n}": [0.5] for n in range(count)})
    assert texts(figure) == [f"Metric {n}" for n in range(count)]


def test_history_with_nan_is_drawn():
    viz.plot_history({"loss": [1.0, np.nan], "val_loss": [np.nan, np.nan]})
    figure = viz.plot_history({"loss": [1.0, np.nan], "val_loss": [np.nan, 3.0]})
    assert line(figure.axes[0], "best: 3, epoch 2").tolist() == [[2, 3.0]]


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ({}, "no epochs"),
        ({"loss": []}, "no epochs"),
        ([1, 2], "received list"),
        ({"loss": 3.0}, "one number for each epoch"),
        ({"loss": ["low"]}, "one number for each epoch"),
    ],
)
def test_history_refuses(history, message):
    with pytest.raises(ValueError, match=message):
        viz.plot_history(history)


def test_predictions_mark_mistakes():
    probabilities = np.eye(10)[[7, 2, 1]] * 0.75
    figure = viz.plot_predictions(np.zeros((3, 28, 28)), probabilities, [7, 2, 4])
    assert texts(figure) == ["7 (75%)", "2 (75%)", "1 (75%), not 4"]
    colours = [axes.title.get_color() for axes in figure.axes]
    assert [colour == RED for colour in colours] == [False, False, True]
    assert figure.get_suptitle() == "Predictions: 2 of 3 right"


def test_predictions_name_classes_and_stop_at_the_limit():
    images = np.zeros((50, 6, 4, 3))
    figure = viz.plot_predictions(images, [1] * 50, limit=9, names=["cat", "dog"])
    assert texts(figure) == ["dog"] * 9


@pytest.mark.parametrize(
    "shape", [(2, 16), (2, 4, 4), (2, 4, 4, 1), (2, 4, 4, 3)], ids=lambda shape: str(shape)
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_predictions_take_pictures_of_many_forms(shape, dtype):
    images = np.ones(shape, dtype)
    figure = viz.plot_predictions(images, [0, 1], np.array([[0], [0]]))
    assert texts(figure) == ["0", "1, not 0"]


def test_logits_are_not_shown_as_probabilities():
    figure = viz.plot_predictions(np.zeros((1, 2, 2)), [[-3.0, 8.0]], [[0.0, 1.0]])
    assert texts(figure) == ["1"]
    figure = viz.plot_predictions(np.zeros((1, 2, 2)), [[0.001, 0.999]])
    assert texts(figure) == ["1 (>99%)"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 15)), [0, 1]), "square picture"),
        ((np.zeros(4), [0, 1]), "images must be"),
        ((np.zeros((2, 4, 4)), [0]), r"class numbers \(2,\)"),
        ((np.zeros((2, 4, 4)), np.zeros((2, 0))), "probabilities"),
        ((np.zeros((2, 4, 4)), [0, 1], [0]), r"labels must be"),
        ((np.zeros((0, 4, 4)), []), "nothing to draw"),
    ],
)
def test_predictions_refuse(arguments, message):
    with pytest.raises(ValueError, match=message):
        viz.plot_predictions(*arguments)


def test_predictions_need_a_name_for_each_class():
    with pytest.raises(ValueError, match="2 names and class 2"):
        viz.plot_predictions(np.zeros((1, 4, 4)), [2], names=["cat", "dog"])


def test_weights_share_a_symmetric_scale_and_come_by_strength():
    kernel = np.linspace(-1, 0.5, 9)[:, None] * np.array([0.1, 2.0, 0.0])
    figure = viz.plot_weights(kernel)
    assert texts(figure) == ["1", "0", "2"]
    shown = [axes.get_images()[0] for axes in figure.axes[:3]]
    assert {image.get_clim() for image in shown} == {
        (-shown[0].get_clim()[1], shown[0].get_clim()[1])
    }
    assert np.allclose(shown[0].get_array(), kernel[:, 1].reshape(3, 3))
    assert figure.get_suptitle() == "Weights of all units"


def test_weights_of_other_forms():
    assert texts(viz.plot_weights(np.zeros((3, 3, 5, 7)))) == [str(n) for n in range(7)]
    figure = viz.plot_weights(np.arange(12.0).reshape(6, 2), shape=(2, 3), limit=1)
    assert texts(figure) == ["1"]
    assert figure.get_suptitle() == "Weights of the 1 strongest of 2 units"
    layer = types.SimpleNamespace(kernel=np.full((4, 1), np.nan))
    viz.plot_weights(layer)


@pytest.mark.parametrize(
    ("kernel", "keywords", "message"),
    [
        (np.zeros(9), {}, r"received shape \(9,\)"),
        (np.zeros((10, 3)), {}, "square picture"),
        (np.zeros((10, 3)), dict(shape=(2, 4)), "10 inputs"),
        (np.zeros((9, 0)), {}, "kernel must be"),
    ],
)
def test_weights_refuse(kernel, keywords, message):
    with pytest.raises(ValueError, match=message):
        viz.plot_weights(kernel, **keywords)


@pytest.mark.parametrize("name", ["deep/down/curves.png", "curves.svg", "curves.pdf"])
def test_pictures_are_saved(tmp_path, name):
    viz.plot_history(HISTORY, tmp_path / name)
    assert (tmp_path / name).stat().st_size > 2000


def test_importing_the_room_does_not_import_matplotlib():
    code = "import sys, weft.viz; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_pyplot_state_is_touched():
    code = (
        "import sys; from weft import viz; viz.plot_history({'loss': [1, 2]});"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_matplotlib_the_remedy_is_said(monkeypatch):
    for module in ("matplotlib.backends.backend_agg", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r'pip install "weft\[plot\]"'):
        viz.plot_history(HISTORY)
