"""A cache folder of its own for the tests that look into it."""

import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    place = tmp_path / "cache"
    monkeypatch.setenv("WEFT_CACHE_DIR", str(place))
    monkeypatch.delenv("WEFT_CACHE", raising=False)
    return place
