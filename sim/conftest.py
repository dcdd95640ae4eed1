"""Fixtures for the benches."""

import pytest

from sim import runner


@pytest.fixture
def bench(tmp_path, request):
    """Return a function that runs a bench on a generated design with vectors."""
    def run(module, name, design, vectors):
        text, manifest = runner.generated(name, design)
        timing = {"latency": manifest["latency_cycles"],
                  "interval": manifest["initiation_interval_cycles"]}
        return runner.run(module, f"nm_{name}", text, {**timing, **vectors}, tmp_path,
                          request.node.name)

    return run
