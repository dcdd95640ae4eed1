"""The benches on netlists of the project's own cells.

Flip-flops start with random bits under Verilator, and with X under Icarus: nothing but the reset
brings a design to its start.
"""

from functools import partial

import pytest

from hw.config import Design, Pattern
from sim.simulators import gates, runner
from sim.tests import (
    test_accelerator,
    test_array,
    test_compressor,
    test_decompressor,
    test_jobs,
    test_pe,
    test_selector,
    test_verilated,
)


SMALL = Design(Pattern(2, 4), selector="rank")
RANK = Design(Pattern(3, 5), encoding="rank", decode_stages=1, format="int4")


@pytest.fixture(autouse=True)
def cells(monkeypatch):
    monkeypatch.setenv("CELLS", "own")


def test_a_netlist_passes_the_bench(bench):
    test_decompressor.test_decompressor(bench, SMALL.pattern)


def test_one_wrong_gate_fails_the_bench(bench, monkeypatch):
    mapped = gates.mapped

    def changed(*about):
        text = mapped(*about)
        return text.replace(" & ", " | ", 1)

    monkeypatch.setattr("sim.simulators.gates.mapped", changed)
    with pytest.raises(runner.BenchFailed):
        test_decompressor.test_decompressor(bench, SMALL.pattern)


def test_cells_that_are_none_are_rejected(monkeypatch):
    monkeypatch.setenv("CELLS", "no.lib")
    with pytest.raises(ValueError, match=r"^CELLS must be own or a Liberty file, not 'no\.lib'$"):
        runner.simulated("selector", SMALL)


COMPONENTS = {
    "selector in cycles": partial(test_selector.test_selector_as_a_stream,
                                  design=test_selector.STREAMS[0]),
    "selector in stages": partial(test_selector.test_selector_as_a_stream,
                                  design=Design(Pattern(2, 4), selector="radix", stages=3)),
    "compressor": partial(test_compressor.test_compressor, design=SMALL),
    "compressor that corrects": partial(test_compressor.test_dynamic_shifts, design=Design(
        Pattern(2, 4), shift="mean", format="int4", max_k=24)),
    "decompressor of ranks": partial(test_decompressor.test_formats_and_encodings, design=RANK),
    "pe": partial(test_pe.test_pe, pattern=Pattern(2, 4)),
    "array": partial(test_array.test_array_of_one_tile, depth=2),
    "accelerator": partial(test_accelerator.test_accelerator_of_other_shapes, parameters={
        "rows": 1, "columns": 1, "tile": 1, "batch_tokens": 1}),
}


@pytest.mark.long
@pytest.mark.parametrize("simulator", ["verilator", "icarus"])
@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_starts_from_random_and_from_unknown(bench, component, simulator,
                                                             monkeypatch):
    monkeypatch.setenv("SIM", simulator)
    COMPONENTS[component](bench)


@pytest.mark.long
def test_long_runs_are_exact_on_a_netlist(wheel, monkeypatch):
    for seed in (1, 2):
        monkeypatch.setenv("SEED", str(seed))
        test_jobs.test_layers_with_other_parameters_follow_each_other("factors", seed)
        test_verilated.test_stalls_cost_cycles_and_nothing_else()
