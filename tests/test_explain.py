"""weft.explain: the rows of a program, its page, and that looking changes nothing."""

from __future__ import annotations

import html.parser

import numpy as np
import pytest

import weft
from weft import ops
from weft.explain.report import seconds_text, shortened


def array(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.fixture
def step():
    kernel = weft.Variable(array(20, 6), name="kernel")

    @weft.function
    def step(x):
        kernel.assign_sub(0.1 * ops.ones_like(kernel))
        return ops.relu(x @ kernel)

    step.kernel = kernel
    return step


def test_rows_say_what_is_fused(step):
    report = weft.explain(step, array(8, 20))
    (product,) = [row for row in report.rows if row.form == "contraction"]
    assert "dot_general relu" in product.label
    assert product.flops == 2 * 8 * 6 * 20
    assert product.bytes >= 4 * (8 * 20 + 20 * 6 + 8 * 6)
    assert not report.measured and report.seconds is None


def test_measuring_changes_nothing(step):
    before = step.kernel.numpy()
    report = weft.explain(step, array(8, 20), measure=True)
    assert np.array_equal(step.kernel.numpy(), before)
    assert report.measured and report.seconds > 0
    assert all(row.runs == 1 and row.seconds >= 0 for row in report.rows)


def test_memory_is_counted(step):
    memory = weft.explain(step, array(8, 20)).memory
    assert memory.arguments == 4 * 8 * 20
    assert memory.variables == 4 * 20 * 6
    assert memory.results == 4 * 8 * 6
    assert memory.peak == sum(memory.parts().values())


def test_a_gather_moves_what_it_takes():
    table, rows = array(10_000, 16), np.arange(3, dtype=np.int32)
    report = weft.explain(lambda t, r: ops.take(t, r, axis=0), table, rows)
    assert sum(row.bytes for row in report.rows) < 1000


def test_host_nodes_are_named():
    report = weft.explain(lambda x: ops.sort(ops.exp(x)), array(50), measure=True)
    hosts = [row.label for row in report.host_rows]
    if hosts:  # until there is a native kernel
        assert hosts == ["sort (on NumPy)"]
        assert "On NumPy sort" in str(report)


def test_loops_count_their_turns():
    def repeat(turns):
        return weft.while_loop(
            lambda i, x: i < turns, lambda i, x: (i + 1, ops.tanh(x)), (0, array(100))
        )

    estimated = weft.explain(repeat, np.int32(5))
    inside = [row for row in estimated.rows if "tanh" in row.label]
    assert inside[0].in_loop and inside[0].runs is None
    assert "loops counted once" in str(estimated)
    measured = weft.explain(repeat, np.int32(5), measure=True)
    inside = [row for row in measured.rows if "tanh" in row.label]
    assert inside[0].runs == 5


def test_specs_stand_for_arguments(step):
    report = weft.explain(step, weft.TensorSpec((8, 20), "float32"), measure=True)
    assert report.seconds > 0


def test_concrete_functions_and_graphs(step):
    concrete = step.get_concrete_function(array(8, 20))
    for what in (concrete, step.graph(array(8, 20))):
        assert any("dot_general" in row.label for row in weft.explain(what).rows)


def test_objects_may_explain_themselves():
    class Model:
        def explain(self, x, measure=False):
            return ("explained", x, measure)

    assert weft.explain(Model(), 3, measure=True) == ("explained", 3, True)


def test_what_is_no_function():
    with pytest.raises(TypeError, match="a function is needed; received int"):
        weft.explain(3)


def test_the_table_is_text(step):
    text = str(weft.explain(step, array(8, 20), measure=True))
    lines = text.splitlines()
    assert lines[0].startswith("step: ")
    assert {"phase", "kernel", "GFLOP/s"} <= set(lines[2].split())
    assert any(line.startswith("Memory") for line in lines)


class Balanced(html.parser.HTMLParser):
    """Fails on a tag that is not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_alone(step, tmp_path):
    report = weft.explain(step, array(8, 20), measure=True)
    path = tmp_path / "step.html"
    text = report.to_html(path)
    assert path.read_text(encoding="utf-8") == text
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert "http" not in text and "<script" not in text
    assert "graph step(" in text
    assert report._repr_html_() in text


def test_names_are_escaped():
    report = weft.explain(lambda x: x + 1, array(3))
    assert "&lt;lambda&gt;" in report.to_html()
    assert "<lambda>" not in report.to_html()


def test_small_texts():
    assert shortened("a" * 10, 20) == "a" * 10
    assert len(shortened("b" * 100, 30)) == 30
    texts = [seconds_text(seconds) for seconds in (2.0, 0.0021, 3e-6, 4e-8)]
    assert texts == ["2.00 s", "2.10 ms", "3.0 µs", "40 ns"]
