"""Things known by name: every family finds, refuses, writes and reads in the same way."""

from __future__ import annotations

import pytest

from weft import keras
from weft.errors import ArgumentError
from weft.keras import (
    activations,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
)

# (module, how errors call a member, a member's name)
FAMILIES = [
    (activations, "activation", "relu"),
    (constraints, "constraint", "non_neg"),
    (initializers, "initializer", "he_normal"),
    (losses, "loss", "huber"),
    (metrics, "metric", "binary_accuracy"),
    (optimizers, "optimizer", "rmsprop"),
    (regularizers, "regularizer", "l2"),
]
KINDS = [row[1] for row in FAMILIES]


@pytest.mark.parametrize(("module", "kind", "name"), FAMILIES, ids=KINDS)
def test_what_is_no_member_is_refused(module, kind, name):
    who = f"{module.__name__.removeprefix('weft.')}: Could not interpret {kind} identifier"
    for wrong in (3, "no such thing"):
        with pytest.raises(ArgumentError, match=f"{who}: {wrong!r}"):
            module.get(wrong)
    with pytest.raises(ArgumentError, match="a config with 'class_name'; received"):
        module.get({"units": 1})
    with pytest.raises(ArgumentError, match=r"no class 'Nothing' .* is known"):
        module.get({"class_name": "Nothing", "config": {}})


@pytest.mark.parametrize(("module", "kind", "name"), FAMILIES, ids=KINDS)
def test_what_is_written_is_read(module, kind, name):
    found = module.get(name)
    again = module.deserialize(module.serialize(found))
    assert type(again) is type(found)
    if hasattr(found, "get_config"):
        assert again.get_config() == found.get_config()
    else:
        assert again is found


@pytest.mark.parametrize("module", [losses, metrics])
def test_functions_are_written_as_in_keras(module):
    assert module.serialize(module.mean_squared_error) == {
        "module": "builtins",
        "class_name": "function",
        "config": "mean_squared_error",
        "registered_name": "function",
    }


WRAPPERS = [
    (losses.LossFunctionWrapper, losses.huber, {"delta": 2.0}, "loss_function_wrapper"),
    (metrics.MeanMetricWrapper, metrics.binary_accuracy, {"threshold": 0.25},
     "mean_metric_wrapper"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "function", "settings", "name"), WRAPPERS)
def test_wrapped_functions_are_written_as_in_keras(kind, function, settings, name):
    keras.utils.clear_session()
    config = kind(function, **settings).get_config()
    assert config["name"] == name
    assert config["fn"]["config"] == function.__name__
    # The bare name is read too: older archives have it.
    for written in (config, {**config, "fn": function.__name__}):
        assert kind.from_config(written).get_config() == config


def test_a_name_of_two_families_means_the_own_member():
    config = {"class_name": "BinaryCrossentropy", "config": {}}
    for module in (losses, metrics):
        assert type(module.deserialize(config)) is module.BinaryCrossentropy


def test_registered_members_are_found_without_their_package():
    @keras.saving.register_keras_serializable(package="families")
    class Thirds(initializers.Initializer):
        pass

    for name in ("Thirds", "families>Thirds"):
        assert type(initializers.get(name)) is Thirds
