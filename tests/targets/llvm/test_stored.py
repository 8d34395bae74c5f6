"""Programs kept on disk: what is found again, what is not believed, and what has no name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import weft
import weft.ops
from weft import dtypes, keras
from weft.compat.tensorflow import numpy_function
from weft.core.spec import Spec
from weft.core.trace import trace_function
from weft.targets.llvm import image, kept, program, stored

pytestmark = [
    pytest.mark.skipif(not image.can_link(), reason="needs ELF on x86-64"),
    pytest.mark.usefixtures("folder"),
]


@pytest.fixture
def compiled(monkeypatch):
    """The graphs that went through the compiler."""
    seen = []
    compile_graph = program.compile_graph

    def watched(graph, donated=None, machine=None):
        seen.append(graph)
        return compile_graph(graph, donated, machine)

    monkeypatch.setattr(program, "compile_graph", watched)
    return seen


def graph_of(function, *specs):
    return trace_function(function, [Spec(shape, dtype) for shape, dtype in specs])[0]


def scaled(factor, shape=(4, 5)):
    return graph_of(lambda x: x * factor, (shape, "float32"))


def test_a_second_look_needs_no_compiler(compiled):
    x = np.linspace(-2, 2, 20, dtype=np.float32).reshape(4, 5)
    first = stored.get_or_compile(scaled(3.0))([x])
    second = stored.get_or_compile(scaled(3.0))([x])
    assert len(compiled) == 1
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(second[0], x * 3)


FUNCTIONS = {
    "several outputs": lambda x: (weft.ops.sum(x), x + 1, weft.ops.exp(x)),
    "an input as it came": lambda x: (x, x * 2),
    "a constant as it is": lambda x: (weft.ops.arange(5), x),
    "products": lambda x: weft.ops.softmax(x @ weft.ops.transpose(x)),
    "a loop": lambda x: weft.while_loop(
        lambda i, y: i < 5, lambda i, y: (i + 1, y * 1.5 + weft.ops.sum(y)), (0, x)
    ),
    "branches": lambda x: weft.cond(weft.ops.sum(x) > 0, lambda: x * 2, lambda: x - 1),
    "half floats": lambda x: weft.ops.cast(x, "bfloat16") + dtypes_constant(),
    "nothing": lambda x: x[:0],
}


def dtypes_constant():
    return weft.ops.convert_to_tensor(np.array([0.5, 1, 2, 3, 4]).astype(dtypes.bfloat16.numpy))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_are_the_same(name, compiled):
    x = np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32)
    graphs = [graph_of(FUNCTIONS[name], ((4, 5), "float32")) for _ in range(2)]
    first, second = [stored.get_or_compile(graph)([x.copy()]) for graph in graphs]
    assert len(compiled) == 1
    for one, two in zip(first, second, strict=True):
        assert one.dtype == two.dtype and one.tobytes() == two.tobytes()


def test_donated_inputs_are_written_over():
    graph = graph_of(lambda x, y: (x + y, x * y), ((3,), "float32"), ((3,), "float32"))
    for _ in range(2):
        executable = stored.get_or_compile(graph, {0: 1})
        x, y = np.float32([1, 2, 3]), np.float32([4, 5, 6])
        (total,) = executable([x, y])
        np.testing.assert_array_equal(total, [5, 7, 9])
        np.testing.assert_array_equal(x, [4, 10, 18])


def test_every_difference_has_its_name():
    graphs = [
        scaled(3.0), scaled(3.0000002384185791), scaled(-3.0), scaled(3.0, (5, 4)),
        scaled(0.0), scaled(-0.0), scaled(float("nan")),
        graph_of(lambda x: x * 3.0, ((4, 5), "float64")),
        graph_of(lambda x: 3.0 * x + 0 * x, ((4, 5), "float32")),
        graph_of(lambda x: weft.ops.sum(x, axis=0), ((4, 4), "float32")),
        graph_of(lambda x: weft.ops.sum(x, axis=1), ((4, 4), "float32")),
        graph_of(lambda x, y: x - y, ((4, 4), "float32"), ((4, 4), "float32")),
        graph_of(lambda x, y: y - x, ((4, 4), "float32"), ((4, 4), "float32")),
        graph_of(lambda x: weft.cond(x[0] > 0, lambda: x, lambda: -x), ((4,), "float32")),
        graph_of(lambda x: weft.cond(x[0] > 0, lambda: -x, lambda: x), ((4,), "float32")),
        graph_of(lambda x: x + np.arange(4, dtype="float32"), ((4,), "float32")),
        graph_of(lambda x: x + np.arange(4, dtype="float32")[::-1], ((4,), "float32")),
    ]  # fmt: skip
    names = [stored.name_of(graph, {}) for graph in graphs]
    names += [stored.name_of(graphs[12], {0: 0}), stored.name_of(graphs[12], {1: 0})]
    assert None not in names and len(set(names)) == len(names)


@pytest.mark.parametrize("change", ["the compiler", "LLVM", "the processor"])
def test_other_circumstances_have_other_names(change, monkeypatch):
    before = stored.name_of(scaled(2.0), {})
    kept._circumstances.cache_clear()
    try:
        patched = {"the compiler": "_sources", "LLVM": "_llvm", "the processor": "_processor"}
        monkeypatch.setattr(kept, patched[change], lambda: ["other"])
        assert stored.name_of(scaled(2.0), {}) != before
        monkeypatch.setattr(kept, patched[change], lambda: "")
        kept._circumstances.cache_clear()
        assert stored.name_of(scaled(2.0), {}) is None
    finally:
        kept._circumstances.cache_clear()


def test_a_touched_source_is_another_compiler(tmp_path, monkeypatch):
    for room in kept._ROOMS:
        (tmp_path / room).mkdir(parents=True, exist_ok=True)
    (tmp_path / "compiler" / "fuse.py").write_text("pass")
    monkeypatch.setattr(kept, "_ROOT", tmp_path)
    before = kept._sources()
    os.utime(tmp_path / "compiler" / "fuse.py", ns=(1, 1))
    assert kept._sources() != before


def test_what_has_no_name_is_compiled_each_time(compiled):
    large = np.zeros(1 << 19, np.float32)
    for function in (
        lambda x: numpy_function(np.sin, [x], "float32"),
        lambda x: x + large[: x.shape[0]].sum() + weft.ops.sum(weft.ops.convert_to_tensor(large)),
    ):
        graph = graph_of(function, ((4,), "float32"))
        assert stored.name_of(graph, {}) is None
    x = np.float32([1, 2, 3, 4])
    for _ in range(2):
        graph = graph_of(lambda x: weft.ops.sort(x), ((4,), "float32"))
        np.testing.assert_array_equal(stored.get_or_compile(graph)([-x])[0], -x[::-1])
    assert len(compiled) == 2  # sorting is a call of NumPy


def test_damaged_files_are_made_anew(folder, compiled):
    x = np.ones((4, 5), np.float32)
    stored.get_or_compile(scaled(2.0))([x])
    for damage in (lambda b: b[:-3], lambda b: b"", lambda b: b[:90] + b"\0\0" + b[92:]):
        for path in folder.glob("*/*"):
            path.write_bytes(damage(path.read_bytes()))
        count = len(compiled)
        np.testing.assert_array_equal(stored.get_or_compile(scaled(2.0))([x])[0], x * 2)
        assert len(compiled) == count + 1


def test_who_looks_at_stages_sees_them(compiled, monkeypatch, capsys):
    stored.get_or_compile(scaled(2.0))
    monkeypatch.setenv("WEFT_SHOW", "graph")
    stored.get_or_compile(scaled(2.0))
    assert len(compiled) == 2 and "multiply" in capsys.readouterr().err


SCRIPT = """
import sys, json, hashlib
import numpy as np
from weft import keras
keras.utils.set_random_seed(1)
model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(16, activation="relu"),
    keras.layers.Dropout(0.25), keras.layers.Dense(3, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
x = np.random.default_rng(0).standard_normal((300, 20)).astype("float32")
history = model.fit(x, np.arange(300) % 3, batch_size=32, epochs=2, verbose=0)
weights = hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest()
heavy = [m for m in sys.modules if m.split(".")[0] == "llvmlite" or m.startswith("weft.compiler")]
print(json.dumps([history.history["loss"], weights, bool(heavy)]))
"""


def test_a_second_process_trains_the_same_without_a_compiler():
    runs = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
        )
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    assert runs[0][:2] == runs[1][:2]
    assert [heavy for *_, heavy in runs] == [True, False]


def test_a_model_trains_and_explains_after_being_kept(tmp_path: Path):
    x = np.random.default_rng(0).standard_normal((64, 4)).astype("float32")
    for _ in range(2):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        model.compile("sgd", "mse")
        model.fit(x, x[:, :2], epochs=1, verbose=0)
        assert "contraction" in str(model.explain(x[:8]))
