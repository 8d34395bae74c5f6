"""What is asked for and not there: which name to use instead."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any

from weft.errors import did_you_mean

_ONE = "TensorFlow 1: "
_NOT_HERE = "weft has no "

REPLACED = {
    "Session": f"{_ONE}tensors have their values at once; leave the session out, and use "
    "tf.function for compiled programs",
    "InteractiveSession": f"{_ONE}tensors have their values at once; leave it out",
    "placeholder": f"{_ONE}pass data as arguments of a function, or keras.Input",
    "placeholder_with_default": f"{_ONE}give a function an argument with a default",
    "global_variables_initializer": f"{_ONE}variables have their values when they are made",
    "local_variables_initializer": f"{_ONE}variables have their values when they are made",
    "initialize_all_variables": f"{_ONE}variables have their values when they are made",
    "get_variable": f"{_ONE}use tf.Variable(initial_value, name=...)",
    "variable_scope": f"{_ONE}keep variables as attributes of an object",
    "get_default_graph": f"{_ONE}use tf.function, and its .graph(...)",
    "reset_default_graph": f"{_ONE}there is no default graph; leave it out, or "
    "keras.backend.clear_session()",
    "Graph": f"{_ONE}use tf.function, and its .graph(...)",
    "ConfigProto": f"{_ONE}use tf.config",
    "GPUOptions": f"{_ONE}use tf.config",
    "layers": f"{_ONE}use tf.keras.layers",
    "contrib": f"{_ONE}most of it is in tf.keras",
    "app": f"{_ONE}use argparse, and call main() yourself",
    "flags": f"{_ONE}use argparse",
    "logging": f"{_ONE}use Python's logging",
    "gfile": f"{_ONE}use tf.io.gfile, or pathlib",
    "set_random_seed": f"{_ONE}use tf.random.set_seed",
    "random_normal": f"{_ONE}use tf.random.normal",
    "random_uniform": f"{_ONE}use tf.random.uniform",
    "truncated_normal": f"{_ONE}use tf.random.truncated_normal",
    "random_shuffle": f"{_ONE}use tf.random.shuffle",
    "multinomial": f"{_ONE}use tf.random.categorical",
    "to_float": f"{_ONE}use tf.cast(x, tf.float32)",
    "to_double": f"{_ONE}use tf.cast(x, tf.float64)",
    "to_int32": f"{_ONE}use tf.cast(x, tf.int32)",
    "to_int64": f"{_ONE}use tf.cast(x, tf.int64)",
    "assign": f"{_ONE}use variable.assign(value)",
    "assign_add": f"{_ONE}use variable.assign_add(value)",
    "assign_sub": f"{_ONE}use variable.assign_sub(value)",
    "arg_max": f"{_ONE}use tf.argmax",
    "log": f"{_ONE}use tf.math.log",
    "log1p": f"{_ONE}use tf.math.log1p",
    "div": f"{_ONE}use tf.math.divide, or x // y",
    "mod": "use tf.math.mod, or x % y",
    "sub": f"{_ONE}use tf.subtract",
    "mul": f"{_ONE}use tf.multiply",
    "neg": f"{_ONE}use tf.negative",
    "pack": f"{_ONE}use tf.stack",
    "unpack": f"{_ONE}use tf.unstack",
    "select": f"{_ONE}use tf.where",
    "matrix_inverse": f"{_ONE}use tf.linalg.inv",
    "matrix_determinant": f"{_ONE}use tf.linalg.det",
    "matrix_transpose": f"{_ONE}use tf.linalg.matrix_transpose",
    "cholesky": f"{_ONE}use tf.linalg.cholesky",
    "svd": f"{_ONE}use tf.linalg.svd",
    "diag": f"{_ONE}use tf.linalg.diag",
    "trace": f"{_ONE}use tf.linalg.trace",
    "confusion_matrix": f"{_ONE}use tf.math.confusion_matrix",
    "bincount": f"{_ONE}use tf.math.bincount",
    "count_nonzero": f"{_ONE}use tf.math.count_nonzero",
    "is_nan": f"{_ONE}use tf.math.is_nan",
    "is_inf": f"{_ONE}use tf.math.is_inf",
    "is_finite": f"{_ONE}use tf.math.is_finite",
    "string_split": f"{_ONE}use tf.strings.split",
    "string_join": f"{_ONE}use tf.strings.join",
    "regex_replace": f"{_ONE}use tf.strings.regex_replace",
    "substr": f"{_ONE}use tf.strings.substr",
    "gradients": "use tf.GradientTape",
    "hessians": "use two nested tf.GradientTape, or tape.jacobian",
    "py_func": f"{_ONE}use tf.py_function or tf.numpy_function",
    "enable_eager_execution": f"{_ONE}it is on; leave it out",
    "disable_eager_execution": f"{_ONE}graphs are made by tf.function",
    "enable_v2_behavior": "it is on; leave it out",
    "estimator": "ended with TensorFlow 2.15: use tf.keras",
    "feature_column": "use tf.keras.layers (Normalization, CategoryEncoding, Embedding …)",
    "distribute": f"{_NOT_HERE}distribution strategies: a program uses all cores of a CPU",
    "sparse": f"{_NOT_HERE}sparse tensors; use dense ones",
    "SparseTensor": f"{_NOT_HERE}sparse tensors; use tf.scatter_nd for a dense one",
    "ragged": f"{_NOT_HERE}ragged tensors; pad with tf.keras.utils.pad_sequences",
    "RaggedTensor": f"{_NOT_HERE}ragged tensors; pad with tf.keras.utils.pad_sequences",
    "lite": f"{_NOT_HERE}TensorFlow Lite",
    "tpu": f"{_NOT_HERE}TPU support here",
    "audio": f"{_NOT_HERE}audio files; read them with SciPy or soundfile",
    "signal": f"{_NOT_HERE}tf.signal; use numpy.fft on arrays",
    "sets": "use Python's sets",
    "queue": f"{_NOT_HERE}queues; use tf.data",
    "profiler": "use weft.explain(fn, *args, measure=True)",
    "quantization": f"{_NOT_HERE}tf.quantization",
    "raw_ops": "use the functions of tf",
    "custom_gradient_v1": "use tf.custom_gradient",
    **dict.fromkeys(
        (
            "tf.summary.graph",
            "tf.summary.trace_on",
            "tf.summary.trace_export",
            "tf.summary.trace_off",
        ),
        "weft.explain(fn, *args) shows a program, keras.callbacks.TensorBoard a model",
    ),
    "tf.summary.audio": f"{_NOT_HERE}audio in TensorBoard",
    "tf.summary.write": "use tf.summary.scalar, histogram, image or text",
    "tf.summary.FileWriter": f"{_ONE}use tf.summary.create_file_writer",
    "tf.summary.merge_all": f"{_ONE}summaries are written where they stand; leave it out",
    "tf.train.Saver": f"{_ONE}use tf.train.Checkpoint",
    "tf.train.ExponentialMovingAverage": "give a Keras optimizer use_ema=True",
    "tf.train.Example": f"{_NOT_HERE}tf.train.Example; keep arrays with Dataset.save, or "
    "in .npz files",
    **{
        f"tf.train.{name}Optimizer": f"{_ONE}use tf.keras.optimizers.{name}"
        for name in ("Adam", "Adagrad", "Adadelta", "Ftrl", "RMSProp")
    },
    "tf.train.GradientDescentOptimizer": f"{_ONE}use tf.keras.optimizers.SGD",
    "tf.train.MomentumOptimizer": f"{_ONE}use tf.keras.optimizers.SGD(momentum=...)",
    **dict.fromkeys(
        (
            "tf.lookup.StaticVocabularyTable",
            "tf.lookup.TextFileInitializer",
            "tf.lookup.experimental",
        ),
        "use tf.lookup.StaticHashTable, tf.keras.layers.StringLookup or IntegerLookup",
    ),
    **dict.fromkeys(
        ("tf.data.TFRecordDataset", "tf.data.FixedLengthRecordDataset"),
        f"{_NOT_HERE}reader of that format; use Dataset.from_generator, and Dataset.save",
    ),
    **dict.fromkeys(
        (
            "tf.data.experimental.service",
            "tf.data.experimental.prefetch_to_device",
            "tf.data.experimental.copy_to_device",
            "tf.data.experimental.SqlDataset",
            "tf.data.experimental.make_batched_features_dataset",
        ),
        f"{_NOT_HERE}such service; Dataset.from_generator takes data from anywhere",
    ),
}
"""Names of TensorFlow that weft answers with advice."""


def missing(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """The error for a name that a module does not have."""
    advice = REPLACED.get(name if module == "tensorflow" else f"{module}.{name}")
    if advice is None:
        public = [one for one in known if not one.startswith("_")]
        advice = did_you_mean(name, public).strip()
    advice = advice or "weft's own functions are in weft.ops and tf.keras.ops"
    return AttributeError(f"module {module!r} has no attribute {name!r}: {advice}")


def explain_missing(path: str, module: types.ModuleType) -> None:
    """Let a module answer for the names that it does not have, as `tf.nn`."""

    def absent(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise missing(path, name, vars(module))

    vars(module).setdefault("__getattr__", absent)
