"""The spellings of Keras 1 and 2: one table, one warning for each.

    Dense(3, input_dim=4, init="normal")   →   Dense(3, kernel_initializer="normal")
    SGD(lr=0.1)                            →   SGD(learning_rate=0.1)
    model.fit_generator(batches)           →   model.fit(batches)

`accept(module)` puts what the tables say about a module onto its classes and names. An old
spelling then works as the new one, and says once what the new one is.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from weft import tree
from weft.errors import ArgumentTypeError, did_you_mean, leave_out_own_lines, warn

_TOLD: set[str] = set()


def tell(spelling: str, advice: str) -> None:
    """Warn about an old spelling, the first time that it is met."""
    if spelling not in _TOLD:
        _TOLD.add(spelling)
        # Not a DeprecationWarning: Python hides those of imported modules.
        warn(f"{spelling} is a spelling of older Keras; {advice}.")


def forget() -> None:
    """Let every spelling be told about once more."""
    _TOLD.clear()
    for module_name, names in NAMES.items():
        module = sys.modules.get(module_name)
        for name in names if module is not None else ():
            # An import of an old submodule left it as an attribute.
            if module.__dict__.get(name) is module:
                del module.__dict__[name]



# -- arguments ---------------------------------------------------------------------------

# What an old argument becomes: a new name, None if it says nothing any more, or a function
# of (object, other arguments by name, its value) that changes the others.
Rule = str | None | Callable[[Any, dict[str, Any], Any], None]


def _decay(optimizer: Any, arguments: dict[str, Any], decay: Any) -> None:
    """Keras 2's `decay`: the rate divided by 1 + decay · updates."""
    if not decay:
        return
    from weft.keras.optimizers.schedules import InverseTimeDecay

    rate = arguments.get("learning_rate")
    if rate is None:
        own = inspect.signature(type(optimizer).__init__).parameters["learning_rate"]
        rate = own.default
    arguments["learning_rate"] = InverseTimeDecay(rate, decay_steps=1, decay_rate=decay)


def _epsilon(optimizer: Any, arguments: dict[str, Any], epsilon: Any) -> None:
    """Keras 2's `epsilon=None`: the usual one."""
    if epsilon is not None:
        arguments["epsilon"] = epsilon


def _weights(layer: Any, arguments: dict[str, Any], weights: Any) -> None:
    """The first values of a layer's weights."""
    set_weights = functools.partial(_set_first, layer, weights, layer._post_build)
    object.__setattr__(layer, "_post_build", set_weights)


def _set_first(layer: Any, weights: Any, then: Callable) -> None:
    then()
    layer.set_weights(weights)


def _ordering(layer: Any, arguments: dict[str, Any], ordering: Any) -> None:
    """Keras 1's names of the two orders of axes."""
    names = {"th": "channels_first", "tf": "channels_last", "default": None}
    arguments["data_format"] = names.get(ordering, ordering)


_KERNEL: dict[str, Rule] = {
    "init": "kernel_initializer", "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer", "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint", "bias": "use_bias",
}  # fmt: skip
_DENSE: dict[str, Rule] = {"output_dim": "units", **_KERNEL}
_CONVOLUTION: dict[str, Rule] = {
    "nb_filter": "filters", "subsample": "strides", "subsample_length": "strides",
    "border_mode": "padding", "filter_length": "kernel_size", "dim_ordering": _ordering,
    **_KERNEL,
}  # fmt: skip
_POOLING: dict[str, Rule] = {
    "border_mode": "padding", "stride": "strides", "pool_length": "pool_size",
    "dim_ordering": _ordering,
}  # fmt: skip
_RECURRENT: dict[str, Rule] = {
    "output_dim": "units", "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation", "U_regularizer": "recurrent_regularizer",
    "dropout_W": "dropout", "dropout_U": "recurrent_dropout", "implementation": None,
    "consume_less": None, "time_major": None, **_KERNEL,
}  # fmt: skip
_OPTIMIZER: dict[str, Rule] = {"lr": "learning_rate", "decay": _decay}
_ENDS: dict[str, Rule] = {"input": "inputs", "output": "outputs"}
_RUN: dict[str, Rule] = {
    "workers": None, "use_multiprocessing": None, "max_queue_size": None,
    "max_q_size": None, "pickle_safe": None, "nb_worker": None,
}  # fmt: skip
# These take no old arguments; as with all others here, their errors point to the user.
_SHORT_TRACEBACKS = (
    "Sequential", "Sequential.add", "Model.__call__", "Model.train_on_batch",
    "Model.test_on_batch",
    "Model.predict_on_batch", "Model.save", "Model.load_weights", "Model.save_weights",
)  # fmt: skip
_CONVOLUTIONS = [
    f"{kind}{rank}D" for rank in (1, 2, 3)
    for kind in ("Conv", "Convolution", "SeparableConv", "DepthwiseConv")
] + ["Conv2DTranspose", "Conv3DTranspose"]  # fmt: skip
_POOLINGS = [
    f"{kind}{rank}D" for rank in (1, 2, 3)
    for kind in ("MaxPooling", "AveragePooling", "MaxPool", "AvgPool")
]  # fmt: skip

ARGUMENTS: dict[str, dict[str, dict[str, Rule]]] = {
    "weft.keras.layers": {
        "Layer": {"weights": _weights},
        "Dense": _DENSE,
        "Embedding": {
            "init": "embeddings_initializer", "W_regularizer": "embeddings_regularizer",
            "W_constraint": "embeddings_constraint", "input_length": None,
        },
        "Dropout": {"p": "rate"},
        "SpatialDropout1D": {"p": "rate"},
        "SpatialDropout2D": {"p": "rate"},
        "GaussianDropout": {"p": "rate"},
        "GaussianNoise": {"sigma": "stddev"},
        "LeakyReLU": {"alpha": "negative_slope"},
        "BatchNormalization": {
            "mode": None, "beta_init": "beta_initializer", "gamma_init": "gamma_initializer",
            "fused": None, "virtual_batch_size": None, "adjustment": None,
        },
        **dict.fromkeys(_CONVOLUTIONS, _CONVOLUTION),
        **dict.fromkeys(_POOLINGS, _POOLING),
        **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), _RECURRENT),
    },
    "weft.keras.optimizers": {
        name: {**_OPTIMIZER, "epsilon": _epsilon}
        for name in ("Adadelta", "Adagrad", "Adam", "Adamax", "AdamW", "Nadam", "RMSprop")
    } | dict.fromkeys(("SGD", "Ftrl", "Lion", "Lamb", "Adafactor"), _OPTIMIZER),
    "weft.keras.callbacks": {
        "ReduceLROnPlateau": {"epsilon": "min_delta"},
        "TensorBoard": {
            "write_grads": None, "batch_size": None, "embeddings_layer_names": None,
            "embeddings_data": None,
        },
        "ModelCheckpoint": {"period": None, "load_weights_on_restart": None},
    },
    "weft.keras.models": {
        "Model": _ENDS,
        "Functional": _ENDS,
        "Model.fit": {"nb_epoch": "epochs", "nb_val_samples": None, **_RUN},
        "Model.evaluate": _RUN,
        "Model.predict": _RUN,
        **{method: {} for method in _SHORT_TRACEBACKS},
        "Model.compile": {
            "class_mode": None, "sample_weight_mode": None, "target_tensors": None,
            "experimental_run_tf_function": None,
        },
    },
}  # fmt: skip
"""By module and class, or class and method: what old arguments become."""

# Arguments that are old only if they hold this.
_OLD_IF: dict[str, Callable[[Any], bool]] = {"epsilon": lambda value: value is None}


def _accepting(function: Callable, who: str, rules: Mapping[str, Rule]) -> Callable:
    """The function with the old arguments of a table besides its own."""
    names = frozenset(rules)

    @functools.wraps(function)
    def accepting(self: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs and not names.isdisjoint(kwargs):
            kwargs = _renewed(self, who, rules, args, kwargs, function)
            args = () if "learning_rate" in kwargs else args
        try:
            return function(self, *args, **kwargs)
        except Exception as error:
            leave_out_own_lines(error)
            raise

    return accepting


def _renewed(
    thing: Any, who: str, rules: Mapping[str, Rule], args: tuple, kwargs: dict,
    function: Callable,
) -> dict:  # fmt: skip
    kwargs = dict(kwargs)
    if args and "learning_rate" in inspect.signature(function).parameters:
        # Rules may look at the rate, which has the first place in every optimizer.
        names = list(inspect.signature(function).parameters)[1:]
        kwargs.update(zip(names, args))
    for name, rule in rules.items():
        if name not in kwargs:
            continue
        is_old = _OLD_IF.get(name) if callable(rule) else None
        if is_old is not None and not is_old(kwargs[name]):
            continue
        value = kwargs.pop(name)
        if isinstance(rule, str) and rule in kwargs:
            raise ArgumentTypeError(
                f"{who}: `{name}` is the older name of `{rule}`; received both; leave "
                f"`{name}` out"
            )
        tell(f"{who}({name}=…)", _advice(name, rule))
        if isinstance(rule, str):
            kwargs[rule] = value
        elif rule is not None:
            rule(thing, kwargs, value)
    return kwargs


_ADVICE = {
    "decay": "write learning_rate=keras.optimizers.schedules.InverseTimeDecay(…)",
    "weights": "call layer.set_weights([…]) once it is built",
    "period": "it is left out, every epoch is saved; write save_freq",
    "epsilon": "leave `epsilon` out",
    "dim_ordering": "write data_format",
}


def _advice(name: str, rule: Rule) -> str:
    if isinstance(rule, str):
        return f"write {rule}=…"
    return _ADVICE.get(name, f"`{name}` says nothing any more: leave it out")


# -- methods -----------------------------------------------------------------------------


def _fit_generator(model: Any, generator: Any, *args: Any, **kwargs: Any) -> Any:
    names = ("steps_per_epoch", "epochs", "verbose", "callbacks", "validation_data")
    kwargs.update(zip(names, args))
    kwargs.pop("samples_per_epoch", None)
    kwargs.pop("nb_val_samples", None)
    return model.fit(generator, **kwargs)


def _classes(model: Any, x: Any, batch_size: int = 32, verbose: Any = 0) -> Any:
    answers = model.predict(x, batch_size=batch_size, verbose=verbose)
    if answers.shape[-1] > 1:
        return answers.argmax(axis=-1)
    return (answers > 0.5).astype("int32")


def _reset_states(model: Any) -> None:
    for layer in model._flatten_layers():
        if layer is not model and hasattr(layer, "reset_states"):
            layer.reset_states()


def _generated(method: str) -> Callable:
    def run(model: Any, generator: Any, steps: int | None = None, **kwargs: Any) -> Any:
        return getattr(model, method)(generator, steps=steps, **kwargs)

    return run


METHODS: dict[str, dict[str, tuple[Callable, str]]] = {
    "weft.keras.models": {
        "Model.fit_generator": (_fit_generator, "call model.fit(generator, …)"),
        "Model.evaluate_generator": (
            _generated("evaluate"), "call model.evaluate(generator, …)"),
        "Model.predict_generator": (
            _generated("predict"), "call model.predict(generator, …)"),
        "Model.predict_classes": (
            _classes, "write model.predict(x).argmax(axis=-1), or (model.predict(x) > 0.5) "
            "for one output"),
        "Model.predict_proba": (
            lambda model, x, batch_size=32, verbose=0: model.predict(
                x, batch_size=batch_size, verbose=verbose), "call model.predict(x)"),
        "Model.reset_states": (
            _reset_states, "call layer.reset_states() of the recurrent layers"),
    },
}  # fmt: skip
"""By module, class and method: what is done, and how it is written now."""


def _shapes_of(which: str) -> Callable:
    def shapes(layer: Any) -> Any:
        return tree.map(lambda x: x.shape, getattr(layer, which))

    return shapes


ATTRIBUTES: dict[str, dict[str, tuple[Callable, str]]] = {
    "weft.keras.layers": {
        "Layer.input_shape": (_shapes_of("input"), "write layer.input.shape"),
        "Layer.output_shape": (_shapes_of("output"), "write layer.output.shape"),
    },
}
"""By module, class and attribute: how it is found, and how it is written now."""


class _OlderAttribute:
    """An attribute of older Keras; a subclass or an object may have its own instead."""

    def __init__(self, name: str, find: Callable, advice: str) -> None:
        self.name, self.find, self.advice = name, find, advice

    def __get__(self, thing: Any, kind: type) -> Any:
        if thing is None:
            return self
        found = self.find(thing)
        tell(self.name, self.advice)
        return found


def _older_method(name: str, run: Callable, advice: str) -> Callable:
    @functools.wraps(run)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        tell(f"{name}()", advice)
        return run(self, *args, **kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Older Keras: {advice}."
    return method


# -- names of modules --------------------------------------------------------------------

SELF = "."
"""A submodule of Keras 2 whose names are in the module itself now."""

NAMES: dict[str, dict[str, str]] = {
    "weft.keras.layers": {
        **dict.fromkeys(
            ("core", "convolutional", "pooling", "recurrent", "normalization",
             "embeddings", "advanced_activations", "noise", "local", "experimental",
             "preprocessing", "convolutional_recurrent", "rnn", "reshaping",
             "regularization", "attention"),
            SELF,
        ),
        "CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU", "Convolution1D": "Conv1D",
        "Convolution2D": "Conv2D", "Convolution3D": "Conv3D",
        "AtrousConvolution2D": "Conv2D", "Deconvolution2D": "Conv2DTranspose",
    },
    "weft.keras.utils": dict.fromkeys(
        ("np_utils", "vis_utils", "data_utils", "generic_utils", "layer_utils"), SELF),
    "weft.keras.losses": {"cosine_proximity": "cosine_similarity"},
    "weft.keras.metrics": {"cosine_proximity": "cosine_similarity"},
}  # fmt: skip
"""By module: what an old name means in it."""


def _older_name(module: types.ModuleType, name: str) -> Any:
    """What an old name means in a module; AttributeError if it is none."""
    meaning = NAMES.get(module.__name__, {}).get(name)
    known = module.__dict__.get("__all__") or list(module.__dict__)
    short = module.__name__.removeprefix("weft.")
    if meaning is None:
        raise AttributeError(
            f"module {module.__name__!r} has no attribute {name!r}."
            f"{did_you_mean(name, known)}"
        )
    if meaning == SELF:
        tell(f"{short}.{name}", f"its names are in {short}")
        return module
    tell(f"{short}.{name}", f"write {short}.{meaning}")
    return getattr(module, meaning)


# -- putting it in place -------------------------------------------------------------------


def accept(module_name: str) -> None:
    """Let a module take the old spellings that the tables have for it."""
    module = sys.modules[module_name]
    for path, rules in ARGUMENTS.get(module_name, {}).items():
        owner_name, _, method = path.partition(".")
        owner = getattr(module, owner_name, None)
        if owner is not None:
            method = method or "__init__"
            # `Model(…)` of inputs and outputs gives a Functional.
            who = path.replace("Functional", "Model")
            setattr(owner, method, _accepting(getattr(owner, method), who, rules))
    for path, (run, advice) in METHODS.get(module_name, {}).items():
        owner_name, _, method = path.partition(".")
        setattr(getattr(module, owner_name), method, _older_method(method, run, advice))
    for path, (find, advice) in ATTRIBUTES.get(module_name, {}).items():
        owner_name, _, name = path.partition(".")
        attribute = _OlderAttribute(f"layer.{name}", find, advice)
        setattr(getattr(module, owner_name), name, attribute)
    _chain_names(module)
    for name, meaning in NAMES.get(module_name, {}).items():
        if meaning == SELF:
            # `from keras.layers.core import Dense` looks here first.
            sys.modules.setdefault(f"{module_name}.{name}", module)


def _chain_names(module: types.ModuleType) -> None:
    before = module.__dict__.get("__getattr__")

    def find(name: str) -> Any:
        if before is not None and name not in NAMES.get(module.__name__, {}):
            return before(name)
        return _older_name(module, name)

    module.__dict__["__getattr__"] = find


def functions_of(module_name: str, home: str) -> None:
    """Let a module find further old functions in another one, loaded when first asked for."""
    module = sys.modules[module_name]

    def find(name: str) -> Any:
        if not name.startswith("__"):
            found = getattr(importlib.import_module(home), "FUNCTIONS", {}).get(name)
            if found is not None:
                return found
        return _older_name(module, name)

    module.__dict__["__getattr__"] = find
