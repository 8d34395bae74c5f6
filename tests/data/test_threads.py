"""Threads: errors come through, names of failing functions, and none outlives its pass."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from weft.data import AUTOTUNE, Dataset


def data_threads():
    return [t for t in threading.enumerate() if t.name.startswith("weft.data")]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    gc.collect()
    deadline = time.monotonic() + 5
    while data_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not data_threads()


def failing(number):
    if int(number) == 3:
        raise KeyError("no such row")
    return number


PATHS = {
    "plain": lambda ds: ds,
    "prefetch": lambda ds: ds.prefetch(2),
    "two threads": lambda ds: ds.prefetch(AUTOTUNE).batch(1).prefetch(1).unbatch(),
}


@pytest.mark.parametrize("calls", [None, 2])
@pytest.mark.parametrize("path", PATHS)
def test_a_failing_function_names_itself_and_the_element(path, calls):
    dataset = PATHS[path](Dataset.range(6).map(failing, num_parallel_calls=calls))
    seen = []
    with pytest.raises(KeyError, match=r"map: the function 'failing' failed on element 3"):
        for element in dataset:
            seen.append(int(element))
    assert seen == [0, 1, 2]


def test_errors_with_other_arguments_are_named_too():
    def decode(x):
        return b"\xff".decode("utf-8") + str(x.numpy())

    with pytest.raises(
        RuntimeError, match=r"'decode' failed on element 0.*UnicodeDecodeError"
    ):
        list(Dataset.range(2).map(decode))

    def stop(x):
        raise StopIteration

    with pytest.raises(RuntimeError, match="'stop' failed on element 0"):
        list(Dataset.range(2).map(stop))


def test_errors_in_compiled_functions_are_named():
    def look_up(i):
        table = np.zeros(3)
        return table[np.int64(int(i))]

    with pytest.raises(IndexError, match="'look_up' failed on element 3"):
        list(Dataset.range(5).map(look_up).batch(5))


def test_an_error_of_the_source_comes_through():
    def generate():
        yield 1
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(Dataset.from_generator(generate).prefetch(4))


def test_ignored_errors():
    dataset = Dataset.range(6).map(failing).ignore_errors()
    assert [int(x) for x in dataset] == [0, 1, 2, 4, 5]


def test_prefetch_really_works_ahead():
    made = []
    ahead = threading.Event()

    def generate():
        for number in range(4):
            made.append(number)
            if number == 2:
                ahead.set()
            yield number

    iterator = iter(Dataset.from_generator(generate).prefetch(2))
    assert int(next(iterator)) == 0
    assert ahead.wait(5)
    assert [int(x) for x in iterator] == [1, 2, 3]


def test_an_early_stop_ends_the_thread_and_closes_the_generator():
    closed = threading.Event()

    def generate():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    for _ in (
        Dataset.from_generator(generate).map(lambda x: x, num_parallel_calls=2).prefetch(2)
    ):
        break
    gc.collect()
    assert closed.wait(5)


def test_forgotten_iterators_end_their_threads():
    iterators = [iter(Dataset.range(100).repeat().prefetch(3)) for _ in range(4)]
    for iterator in iterators:
        next(iterator)
    assert len(data_threads()) == 4
    iterators.pop().close()
    assert len(data_threads()) == 3
    del iterator, iterators
    gc.collect()
    assert not data_threads()


def test_interleaved_threads_end_with_the_pass():
    dataset = Dataset.range(8).interleave(
        lambda x: Dataset.from_tensors(x).repeat(), cycle_length=3, num_parallel_calls=3
    )
    found = [int(x) for x in dataset.take(6)]
    assert found == [0, 1, 2, 0, 1, 2]


def test_a_program_may_end_in_the_middle_of_a_pass():
    script = (
        "from weft.data import Dataset\n"
        "it = iter(Dataset.range(9).repeat().map(lambda x: int(x), 2).prefetch(2))\n"
        "print(int(next(it)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "0", "")
