"""The command `weft`: exit codes, messages, and what scripts see."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import weft
from weft import cli


@pytest.fixture(autouse=True)
def own_argv_and_path(monkeypatch):
    """Commands change both, as a process of their own may."""
    monkeypatch.setattr(sys, "argv", ["weft"])
    monkeypatch.setattr(sys, "path", ["", *sys.path[1:]])


def test_help_lists_the_commands(capsys):
    assert cli.main(["--help"]) == 0
    listed = capsys.readouterr().out
    for name in ("run", "demo", "doctor", "explain", "bench"):
        assert name in listed


def test_nothing_is_wrong_use(capsys):
    assert cli.main([]) == 2
    assert "usage: weft" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["dmo"], ["demo", "--epochs", "0"], ["demo", "--epoch", "x"]]
)
def test_wrong_words(words, capsys):
    assert cli.main(words) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"weft {weft.__version__}\n"


def test_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "weft", "--version"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, f"weft {weft.__version__}\n")


# -- run ---------------------------------------------------------------------------------


def test_run_is_like_python(tmp_path, capsys):
    (tmp_path / "neighbour.py").write_text("WORD = 'neighbour'\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, neighbour\nprint(__name__, sys.argv[1:], neighbour.WORD, __file__)\n"
    )
    assert cli.main(["run", str(script), "--epochs", "3", "-x"]) == 0
    expected = f"__main__ ['--epochs', '3', '-x'] neighbour {script}\n"
    assert capsys.readouterr().out == expected


def test_run_gives_tensorflow_names(tmp_path, capsys):
    script = tmp_path / "script.py"
    script.write_text(
        "import tensorflow as tf\nprint(int(tf.reduce_sum(tf.constant([1, 2, 3]))))\n"
    )
    # In a process of its own: the names stay once they are given.
    done = subprocess.run(
        [sys.executable, "-m", "weft", "run", str(script)], capture_output=True, text=True
    )
    assert done.stdout == "6\n", done.stderr


def test_run_passes_exits_and_errors_on(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys\nsys.exit(7)\n")
    command = [sys.executable, "-m", "weft", "run", str(script)]
    assert subprocess.run(command).returncode == 7
    script.write_text("1 / 0\n")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize("command", ["run", "explain"])
def test_missing_files(command, tmp_path, capsys):
    word = str(tmp_path / "gone.py") + (":step" if command == "explain" else "")
    assert cli.main([command, word]) == 2
    assert "is not there" in capsys.readouterr().err


# -- demo --------------------------------------------------------------------------------


def test_demo_takes_its_options(monkeypatch):
    from weft import demo

    seen = []
    monkeypatch.setattr(demo, "run", lambda *given: seen.append(given) or 0)
    given = "--epochs 2 --seed 1 --folder here --language ko".split()
    assert cli.main(["demo", *given]) == 0
    assert cli.main(["demo"]) == 0
    assert seen == [(2, 1, "here", "ko"), (5, None, None, "en")]


# -- explain -----------------------------------------------------------------------------


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(
        "import weft\n\n\n"
        "@weft.function\ndef step(x, w):\n    return weft.ops.relu(x @ w)\n\n\n"
        "if __name__ == '__main__':\n    raise SystemExit('it was run')\n"
    )
    return path


def test_explain(model_file, tmp_path, capsys):
    page = tmp_path / "step.html"
    words = ["explain", f"{model_file}:step", "f32[8,4]", "float32[4,3]",
             "--measure", "--graph", "--html", str(page)]  # fmt: skip
    assert cli.main(words) == 0
    printed = capsys.readouterr().out
    assert "dot_general relu 8×3×4" in printed
    assert "graph step(a: f32[8,4], b: f32[4,3])" in printed
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    "words, message",
    [
        (["model.py"], "FILE:NAME"),
        (["{file}:stop"], "Did you mean 'step'?"),
        (["{file}:step", "f33[2]"], "received 'f33[2]'"),
        (["{file}:step", "f32[2"], "received 'f32[2'"),
        (["{file}:step", "f32[a]"], "received 'f32[a]'"),
    ],
)
def test_explain_used_wrongly(model_file, words, message, capsys):
    words = [word.format(file=model_file) for word in words]
    assert cli.main(["explain", *words]) == 2
    assert message in capsys.readouterr().err


def test_specs():
    spec = cli._spec("bf16[2, 3]")
    assert (spec.shape, spec.dtype.name) == ((2, 3), "bfloat16")
    assert cli._spec("i32[]").shape == ()
    assert cli._spec("bool[4]").dtype.name == "bool"


# -- bench -------------------------------------------------------------------------------


def test_bench_lists(capsys):
    assert cli.main(["bench", "--list"]) == 0
    printed = capsys.readouterr().out
    assert "mlp" in printed and "weft" in printed


@pytest.mark.parametrize(
    "words, message",
    [
        (["--workload", "mpl"], "Did you mean 'mlp'?"),
        (["--python", "torch"], "NAME=PATH"),
        (["--python", "touch=/bin/true"], "Did you mean 'torch'?"),
    ],
)
def test_bench_used_wrongly(words, message, capsys):
    assert cli.main(["bench", *words]) == 2
    assert message in capsys.readouterr().err


def test_arguments_of_this_process(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["weft", "--version"])
    assert cli.main() == 0
    assert np.size(capsys.readouterr().out)
