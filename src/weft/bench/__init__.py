"""`weft bench`: weft beside other frameworks, on this machine, in one run.

workloads × contenders ──► a fresh process each, in turn, round after round ──► table,
JSON, picture

Contenders that are not installed are left out. Each process starts with an empty cache of
compiled code.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import weft
from weft.bench.workloads import TRAINING, WORKLOADS
from weft.errors import ArgumentError, did_you_mean

_FOLDER = Path(__file__).parent
_QUICK_WORKLOADS = ("mlp", "tiny", "eager", "import")
_TIMEOUT_SECONDS = 900
OWN = "weft"


@dataclass(frozen=True, slots=True)
class Contender:
    """Who takes part: the worker's file, the library it names, and what must be there."""

    worker: str
    library: str
    needs: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


def _keras(backend: str, module: str) -> Contender:
    settings = (("KERAS_BACKEND", backend), ("TF_CPP_MIN_LOG_LEVEL", "3"))
    return Contender("worker_keras.py", "keras", ("keras", module), settings)


CONTENDERS = {
    OWN: Contender("worker_keras.py", "weft.keras", ()),
    "keras-tensorflow": _keras("tensorflow", "tensorflow"),
    "keras-jax": _keras("jax", "jax"),
    "keras-torch": _keras("torch", "torch"),
    "torch": Contender("worker_torch.py", "torch", ("torch",)),
    "jax": Contender("worker_jax.py", "jax", ("jax",)),
}


def run(
    workloads: Sequence[str] | None = None,
    peers: bool = False,
    interpreters: dict[str, str] | None = None,
    rounds: int = 1,
    quick: bool = False,
    json_path: str | None = None,
    picture_path: str | None = None,
    only_list: bool = False,
) -> int:
    """Measure and print; returns 1 if weft failed anywhere, else 0.

    Args:
        workloads: names; the quick ones if None.
        peers: whether installed peers take part.
        interpreters: contender → path of the Python that has it; such ones take part.
        rounds: processes per contender and workload.
        quick: only a few steps, to see that everything works.
        json_path: where the figures go.
        picture_path: where a picture with bars goes.
        only_list: list what there is.

    Raises:
        ArgumentError: a name that is not known.
    """
    interpreters = interpreters or {}
    chosen = list(workloads or _QUICK_WORKLOADS)
    _require_known("workload", chosen, WORKLOADS)
    _require_known("contender", interpreters, CONTENDERS)
    if only_list:
        print("workloads: ", ", ".join(WORKLOADS))
        print("contenders:", ", ".join(f"{n} ({_state(n)})" for n in CONTENDERS))
        return 0
    who = [n for n in CONTENDERS if n == OWN or n in interpreters or (peers and _has(n))]
    results: dict[str, Any] = {"machine": _machine(), "quick": quick, "workloads": {}}
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder:
        digits = _write_digits(folder) if {"mlp", "cnn"} & set(chosen) else ""
        for workload in chosen:
            measured = _measure(workload, who, interpreters, rounds, quick, digits)
            results["workloads"][workload] = measured
            print(table(workload, measured), flush=True)
    if json_path:
        Path(json_path).write_text(json.dumps(results, indent=1))
        print(f"\nwritten: {json_path}")
    if picture_path:
        from weft.bench.picture import draw

        draw(results, picture_path)
        print(f"\nwritten: {picture_path}")
    failed = [w for w, r in results["workloads"].items() if "error" in r["contenders"][OWN]]
    return 1 if failed else 0


def _require_known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise ArgumentError(
                f"{kind} {name!r} is not known; there are {', '.join(known)}."
                + did_you_mean(name, known)
            )


def _has(name: str) -> bool:
    """Whether this interpreter has all that a contender needs."""
    return all(importlib.util.find_spec(module) for module in CONTENDERS[name].needs)


def _state(name: str) -> str:
    return "installed" if _has(name) else "not installed"


# -- the machine -------------------------------------------------------------------------


def _machine() -> dict[str, Any]:
    from weft.doctor import examine

    facts = examine(measure=False)
    return {
        "processor": facts.processor.get("name"),
        "processors": facts.processor.get("count"),
        "threads": facts.threads.get("count"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "weft": weft.__version__,
        "date": time.strftime("%Y-%m-%d"),
    }


def _floor(workload: str) -> float | None:
    """Seconds that a step takes at least, by this machine's measured speeds."""
    if workload not in TRAINING:
        return None
    from weft.bench.floors import floor, working_set
    from weft.explain.rows import measured_machine

    machine = measured_machine()
    batch = TRAINING[workload].batch
    bandwidth = machine.bandwidth_at(working_set(workload, batch))
    return floor(workload, batch, machine.peak["float32"], bandwidth)


def _write_digits(folder: str) -> str:
    """MNIST if it is in the cache or can be fetched, else drawn digits, for all workers."""
    import numpy as np

    from weft.keras.datasets import drawn_digits, mnist

    try:
        mnist.fetch(timeout=5.0)
        (x, y), (x_test, y_test) = mnist.load_data()
    except (OSError, ValueError):
        (x, y), (x_test, y_test) = drawn_digits.load_data()
    path = os.path.join(folder, "digits.npz")
    np.savez(path, x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    return path


# -- processes ---------------------------------------------------------------------------


def _measure(
    workload: str,
    who: list[str],
    interpreters: dict[str, str],
    rounds: int,
    quick: bool,
    digits: str,
) -> dict[str, Any]:
    records: dict[str, list[dict]] = {name: [] for name in who}
    for number in range(rounds):
        # Nobody is always the first.
        turn = number % len(who)
        for name in [*who[turn:], *who[:turn]]:
            python = interpreters.get(name, sys.executable)
            records[name].append(_one_process(workload, name, python, quick, digits))
    return {
        "floor": None if quick else _floor(workload),
        "contenders": {name: _summary(found) for name, found in records.items()},
    }


def _one_process(workload: str, name: str, python: str, quick: bool, digits: str) -> dict:
    contender = CONTENDERS[name]
    # Its worker imports everything in its first lines; this one only what it is told to.
    worker = "worker_keras.py" if workload == "import" else contender.worker
    command = [python, str(_FOLDER / worker), workload]
    with tempfile.TemporaryDirectory(prefix="weft-bench-cache-") as cache:
        environment = {
            **os.environ,
            **dict(contender.environment),
            "WEFT_BENCH_LIBRARY": contender.library,
            "WEFT_BENCH_DIGITS": digits,
            "WEFT_BENCH_QUICK": "1" if quick else "0",
            "WEFT_CACHE_DIR": os.path.join(cache, "weft"),
            "XDG_CACHE_HOME": cache,
            "WEFT_BENCH_BEGIN": repr(time.monotonic()),
        }
        if name == OWN:
            environment["PYTHONPATH"] = str(_FOLDER.parent.parent)
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True,
                timeout=_TIMEOUT_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"error": f"took more than {_TIMEOUT_SECONDS} s"}
        except OSError as error:
            return {"error": str(error)}
    answers = [line for line in done.stdout.splitlines() if line.startswith("@@")]
    if done.returncode or not answers:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        return {"error": f"exit code {done.returncode}: {said[-1] if said else 'silent'}"}
    return json.loads(answers[-1][2:])


def _summary(records: list[dict]) -> dict[str, Any]:
    """One record of several rounds: medians, and the best step."""
    good = [record for record in records if "error" not in record]
    if not good:
        return records[-1]
    found: dict[str, Any] = {"sane": all(record["sane"] for record in good)}
    if "step" in good[0]:
        steps = [seconds for record in good for seconds in record["step"]]
        found["step"], found["best"] = statistics.median(steps), min(steps)
        found["first"] = statistics.median(record["first"] for record in good)
        found["score"] = good[-1]["score"]
    else:
        found["times"] = {
            name: statistics.median(record["times"][name] for record in good)
            for name in good[0]["times"]
        }
    return found


# -- text --------------------------------------------------------------------------------


def table(workload: str, measured: dict[str, Any]) -> str:
    """The figures of one workload as text."""
    contenders, floor = measured["contenders"], measured["floor"]
    if workload in TRAINING:
        rows: list[tuple[str, ...]] = [
            ("", "step", "best", "÷ weft", "÷ floor", "first step", "score")
        ]
        own = contenders[OWN].get("step")
        rows += [_training_row(name, r, own, floor) for name, r in contenders.items()]
    else:
        good = {name: r for name, r in contenders.items() if "times" in r}
        calls = dict.fromkeys(call for r in good.values() for call in r["times"])
        rows = [("", *good)]
        rows += [
            (call, *[_time(r["times"].get(call)) for r in good.values()]) for call in calls
        ]
    width = max(map(len, rows))
    rows = [(*row, *[""] * (width - len(row))) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(width)]
    lines = [
        "  ".join(
            cell.rjust(size) if i else cell.ljust(size)
            for i, (cell, size) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]
    if floor:
        lines.append(f"the least that this machine's measured speeds allow: {_time(floor)}")
    lines += [f"{n}: {r['error']}" for n, r in contenders.items() if "error" in r]
    lines += [
        f"{n}: the result is out of its range" for n, r in contenders.items()
        if "sane" in r and not r["sane"]
    ]  # fmt: skip
    return "\n".join([f"\n{workload}", *lines])


def _training_row(
    name: str, record: dict[str, Any], own: float | None, floor: float | None
) -> tuple[str, ...]:
    if "step" not in record:
        return (name, "failed")
    step = record["step"]
    return (
        name,
        _time(step),
        _time(record["best"]),
        f"{step / own:.2f}" if own else "",
        # Beside the tiniest networks the floor says nothing.
        f"{step / floor:.1f}" if floor and step < 100 * floor else "",
        _time(record["first"]),
        f"{record['score']:.4g}",
    )


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for scale, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
