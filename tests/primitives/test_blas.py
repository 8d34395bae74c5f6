"""Products run on one thread of NumPy's BLAS, which is left as it was."""

import numpy as np
import pytest

from weft.primitives import blas


def test_threads_are_put_back(monkeypatch):
    threads = blas._threads()
    if threads is None:
        pytest.skip("NumPy has no OpenBLAS of its own here")
    count, set_count = threads
    before, seen = count(), []

    def spy(a, b, out):
        seen.append(count())
        return np.matmul(a, b, out)

    monkeypatch.setattr(blas, "_matmul", spy)
    try:
        set_count(2)
        large = np.ones((64, 64), "float32")
        assert (blas.multiply(large, large) == 64).all()
        with pytest.raises(ValueError, match="matmul"):
            blas.multiply(large, np.ones((3, 64), "float32"))
        assert seen == [1, 1] and count() == 2
        blas.multiply(large[:2, :2], large[:2, :2])
        assert seen[2] == 2
    finally:
        set_count(before)


def test_no_library_no_matter(monkeypatch):
    monkeypatch.setattr(blas, "_threads", lambda: None)
    large = np.ones((64, 64), "float32")
    assert (blas.multiply(large, large) == 64).all()
