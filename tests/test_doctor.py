"""weft doctor: facts, problems with remedies, text and JSON."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from weft import doctor


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith("WEFT_"):
            monkeypatch.delenv(name)


def problems(**changes) -> list[doctor.Problem]:
    return doctor.examine(measure=False, **changes).problems


def test_facts():
    findings = doctor.examine(measure=False)
    assert findings.weft["version"]
    assert findings.processor["vector_bits"] in (128, 256, 512)
    assert findings.threads["count"] >= 1
    assert set(findings.extras) == set(doctor.EXTRAS)
    assert findings.settings == {} and findings.speed == {}


def test_speeds():
    findings = doctor.examine()
    for by_threads in findings.speed["matrix_multiply"].values():
        assert all(value > 1e8 for value in by_threads.values())
    for by_size in findings.speed["bandwidth"].values():
        assert all(value > 1e8 for value in by_size.values())
    text = doctor.text(findings)
    assert "GFLOP/s" in text and "GB/s" in text


def test_json(capsys):
    code = doctor.run(as_json=True, measure=False)
    found = json.loads(capsys.readouterr().out)
    assert code == (1 if found["problems"] else 0)
    assert found["weft"]["target"] == "llvm"


@pytest.mark.parametrize(
    "name, value, what",
    [
        ("WEFT_THREADS", "2", "Did you mean 'WEFT_NUM_THREADS'?"),
        ("WEFT_TARGET", "gpu", "known are llvm, numpy"),
        ("WEFT_TARGET", "numpy", "not compiled"),
        ("WEFT_CACHE", "0", "cache of compiled kernels is off"),
        ("WEFT_NUM_THREADS", "4096", "more than the"),
        ("WEFT_NUM_THREADS", "many", "threads: WEFT_NUM_THREADS must be a whole number"),
    ],
)
def test_settings_that_hurt(monkeypatch, name, value, what):
    monkeypatch.setenv(name, value)
    found = problems()
    assert any(what in problem.what for problem in found), found
    assert all(problem.remedy for problem in found)


def test_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("WEFT_CACHE_DIR", str(blocked / "cache"))
    assert any("cannot be written" in problem.what for problem in problems())


def test_why_so_many_threads(monkeypatch):
    monkeypatch.setenv("WEFT_NUM_THREADS", "1")
    threads = doctor.examine(measure=False).threads
    assert (threads["count"], threads["why"]) == (1, "WEFT_NUM_THREADS")
    assert os.environ["WEFT_NUM_THREADS"] == "1"


def test_slow_kernels_are_noticed():
    findings = doctor.examine(measure=False)
    findings.speed = {
        "fused_multiply_add": {"float32": {1: 100e9}},
        "matrix_multiply": {"float32": {1: 10e9}},
        "bandwidth": {},
    }
    (problem,) = [p for p in doctor._speed_problems(findings) if "GFLOP/s" in p.what]
    assert "10 of 100" in problem.what and "run weft doctor again" in problem.remedy


def test_text_names_problems_and_remedies(monkeypatch):
    monkeypatch.setenv("WEFT_CASHE", "0")
    text = doctor.text(doctor.examine(measure=False))
    assert "problems\n  1." in text and "→ unset WEFT_CASHE" in text


def test_all_settings_are_known():
    root = Path(doctor.__file__).parent
    words = {
        word
        for path in root.rglob("*.py")
        for word in re.findall(r"WEFT_[A-Z_]+", path.read_text(encoding="utf-8"))
        if not word.startswith("WEFT_BENCH_") and not word.endswith("_")
    }
    assert words <= set(doctor.SETTINGS), words - set(doctor.SETTINGS)
