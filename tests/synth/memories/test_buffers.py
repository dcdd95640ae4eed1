"""The memories of a design: those of the hardware, by what they are for."""

from collections import Counter
from dataclasses import replace

import pytest
from amaranth.hdl import Fragment

from hw.config import Design, Pattern
from hw.generate.tops import make_top
from hw.stream.memory import Memory
from synth.memories.buffers import buffers


SMALL = Design(Pattern(2, 4), rows=3, columns=2, tile=2, max_k=64, batch_tokens=8)


FP32 = {"accumulator": "fp32", "result_format": "bf16"}


@pytest.mark.parametrize("changed", [
    {}, {"epilogue_lanes": 0}, {"pattern": Pattern(4, 4)}, {"max_k": 4, "batch_tokens": 1},
    {"flexible": "all", "unstructured": True}, {"flexible": "n", "rows": 5, "max_k": 56},
    {"shift": "mean", "statistics": True}, {"shift": "median"},
    {"shift": "channel", "coefficients": 4}, {"accumulator_width": 29, "columns": 3},
    {"batch_tokens": 2},
    {"bus": "axi4", "coefficients": 4, "bus_width": 64, "burst": 4, "outstanding": 3},
    {"bus": "axi4", "decode": True, "columns": 16, "pattern": Pattern(4, 8)},
    {"format": "fp4_e2m1", "weight_format": "fp4_e2m1", "result_format": "bf16"},
    {"format": "bf16", "weight_format": "int4", **FP32},
    {"format": "fp16", "weight_format": "fp16", "accumulator": "fp32", "result_format": "fp16"},
    {"format": "bf16", "quantize": "nvfp4", "weight_format": "nvfp4", "pattern": Pattern(1, 16),
     **FP32},
    {"format": "bf16", "quantize": "fp8_e4m3", "weight_format": "fp8_e4m3", "flexible": "n",
     "unstructured": True, **FP32}], ids=str)
@pytest.mark.parametrize("name", ["compressor", "accelerator"])
def test_they_are_those_of_the_hardware(name, changed, monkeypatch):
    design = replace(SMALL, **changed).only(name)
    expected, found, elaborate = Counter(), Counter(), Memory.elaborate

    def count(memory, platform):
        expected[memory.words, memory.width] += 1
        return elaborate(memory, platform)

    monkeypatch.setattr(Memory, "elaborate", count)
    Fragment.get(make_top(name, design), None)
    for buffer in buffers(name, design):
        found[buffer.wanted.words, buffer.wanted.bits] += buffer.copies
    assert found == expected


@pytest.mark.parametrize("name", ["selector", "decompressor", "pe", "array"])
def test_other_designs_have_none(name):
    assert buffers(name, Design(Pattern(2, 4))) == []
