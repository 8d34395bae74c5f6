"""weft bench: the driver, its tables, its floors; workers in a quick run."""

from __future__ import annotations

import json

import pytest

from weft import bench
from weft.bench import floors, workloads


def test_floors_by_hand():
    work = floors.WORK["mlp"][0](128)
    first, second = 2 * 128 * 784 * 512, 2 * 128 * 512 * 10
    assert work.forward == first + second
    assert work.backward == first + 2 * second
    assert work.parameters == 784 * 512 + 512 + 512 * 10 + 10
    assert floors.floor("mlp", 128, 1e12, 1e15) == (work.forward + work.backward) / 1e12
    assert floors.floor("mlp", 128, 1e15, 1e9) > 4 * 2 * 2 * work.parameters / 1e9
    assert set(floors.WORK) == set(workloads.TRAINING)


@pytest.mark.parametrize("name", ["deepcnn", "lstm", "transformer", "tiny", "orgate"])
def test_data_is_the_same_each_time(name, monkeypatch):
    monkeypatch.setenv("WEFT_BENCH_QUICK", "1")
    first, second = workloads.data(name), workloads.data(name)
    assert all((a == b).all() for a, b in zip(first, second))
    x, y, x_test, y_test = first
    assert len(x) == len(y) == workloads.training(name).samples
    assert len(x_test) == len(y_test)


def test_a_quick_run(tmp_path, capsys):
    path = tmp_path / "figures.json"
    code = bench.run(["tiny", "import"], quick=True, json_path=str(path))
    printed = capsys.readouterr().out
    assert code == 0, printed
    found = json.loads(path.read_text())["workloads"]
    assert found["tiny"]["contenders"]["weft"]["step"] > 0
    assert found["import"]["contenders"]["weft"]["times"]["import"] > 0
    assert "first step" in printed


def test_failures_are_told(capsys):
    code = bench.run(["tiny"], interpreters={"torch": "/no/such/python"}, quick=True)
    assert code == 0
    assert "torch: [Errno 2]" in capsys.readouterr().out


def results() -> dict:
    record = {"step": 0.002, "best": 0.001, "first": 1.5, "score": 0.98, "sane": True}
    other = {**record, "step": 0.004, "sane": False}
    contenders = {"weft": record, "torch": other, "keras-jax": {"error": "exit code 1: no"}}
    measured = {"floor": 0.0005, "contenders": contenders}
    machine = {"processor": "A", "threads": 2, "date": "2026-01-01"}
    return {"machine": machine, "workloads": {"mlp": measured}}


def test_tables():
    text = bench.table("mlp", results()["workloads"]["mlp"])
    lines = [line.split() for line in text.splitlines()]
    assert ["weft", "2", "ms", "1", "ms", "1.00", "4.0", "1.5", "s", "0.98"] in lines
    assert "keras-jax: exit code 1: no" in text
    assert "torch: the result is out of its range" in text


def test_a_picture(tmp_path):
    pytest.importorskip("matplotlib")
    from weft.bench.picture import draw

    path = tmp_path / "bars.png"
    draw(results(), path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_rounds_are_summed_up():
    rounds = [
        {"step": [1.0, 3.0], "first": 2.0, "score": 0.5, "sane": True},
        {"error": "exit code 1"},
        {"step": [2.0, 9.0], "first": 4.0, "score": 0.6, "sane": True},
    ]
    found = bench._summary(rounds)
    assert (found["step"], found["best"], found["first"]) == (2.5, 1.0, 3.0)
    assert bench._summary(rounds[1:2]) == {"error": "exit code 1"}
