"""Cycles of the parts of an accelerator: what the components say of themselves."""

from dataclasses import replace

import pytest
from amaranth.lib.wiring import Component

from hw.accelerator.results import Results
from hw.array.array import Array
from hw.compressor.compressor import Compressor
from hw.config import Design, Pattern
from hw.epilogue.epilogue import Epilogue
from hw.epilogue.variance import QUOTIENT, Gain
from synth.performance.latency import EPILOGUE, gain, latencies


SMALL = Design(Pattern(2, 4), rows=3, columns=5, tile=2, max_k=64)


def used(component):
    """The component, of which nothing is said although it is not elaborated."""
    component._MustUse__used = True
    for part in vars(component).values():
        for inner in part.values() if isinstance(part, dict) else [part]:
            if isinstance(inner, Component) and inner is not component:
                used(inner)
    return component


@pytest.mark.parametrize("changed", [
    {}, {"pattern": Pattern(4, 4)}, {"selector": "serial"}, {"selector": "radix", "stages": 3},
    {"flexible": "n"}, {"selector": "serial", "flexible": "all"},
    {"coefficients": 4}, {"shift": "scalar", "statistics": True}, {"pipeline": "gathered"},
    {"pattern": Pattern(8, 16), "shift": "channel", "tile": 4}, {"rows": 1, "epilogue_lanes": 3},
], ids=str)
def test_they_are_those_of_the_components(changed):
    design = replace(SMALL, **changed)
    found = latencies(design)
    compressor, array = used(Compressor(design)), used(Array(design))
    results, epilogue = used(Results(design)), used(Epilogue(design))
    assert (found.compressor, found.interval) == (compressor.latency, compressor.interval)
    assert found.array == 2 + array.latency + 2
    assert (found.spacing, found.row) == (results.spacing, epilogue.steps)
    assert epilogue.latency == EPILOGUE


@pytest.mark.parametrize(("changed", "said"), [
    ({"multiplier": "dsp"}, "multiplier must be digits .*, not 'dsp'"),
    ({"format": "bf16", "weight_format": "bf16", "accumulator": "fp32"},
     "format must be an integer .*, not 'bf16'")])
def test_other_arrays_are_refused(changed, said):
    with pytest.raises(ValueError, match=said):
        latencies(replace(SMALL, **changed))


@pytest.mark.parametrize("shift", ["mean", "median"])
def test_a_dynamic_shift_sets_the_pace_of_tokens(shift):
    design = replace(SMALL, shift=shift)
    compressor = used(Compressor(design))
    token, found = compressor.stages["token"], latencies(design)
    long = found.token_interval(design, 16, 1)
    assert 0 <= long - 16 * token.interval <= 4
    rest = sum(stage.latency for name, stage in compressor.stages.items() if name != "token")
    assert found.compressor == rest
    assert found.held_back(design, 1) == token.latency


def test_a_gain_takes_no_longer_than_it_may():
    assert QUOTIENT == 34
    for features in (4, 64, 4096):
        design = replace(SMALL, max_k=features)
        most = used(Gain(design.max_blocks * 4)).interval
        largest = gain(design, design.max_blocks, 2 * (128 * features).bit_length())
        assert largest <= most
        assert gain(design, design.max_blocks) < largest
