"""Settings of all tests."""

import gc

import pytest


@pytest.fixture(autouse=True, scope="module")
def collector():
    """Collect garbage once a module: in between it would walk through netlists over and over."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
