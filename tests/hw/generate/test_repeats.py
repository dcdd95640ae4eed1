"""An expression that several bits are taken from stands in the Verilog once, not once a bit."""

import re

import pytest

from hw.config import Design, Pattern
from hw.generate import verilog


MODULE = re.compile(r"^module (\S+?)\((.*?)^endmodule", re.M | re.S)
ASSIGN = re.compile(r"^  assign (\S+) +(?:\[[^\]]*\] )?= (.*);", re.M)
NAME = re.compile(r"\\?\\\S+|[A-Za-z_][\w$]*")


def gates(text):
    """Operators of a module, and how many of them are left when equal ones are shared."""
    first, shared, count = {}, {}, 0
    for target, value in ASSIGN.findall(text):
        value = NAME.sub(lambda name: first.get(name[0], name[0]), value)
        if not re.search(r"[&|^~?+*<>=-]", value):
            continue
        count += 1
        first[target] = shared.setdefault(value, target)
    return count, len(shared)


def test_shared_gates_are_counted_through_what_they_feed():
    text = "\n".join(f"  assign {line};" for line in (
        "a = x & y", "b = x & y", "c = ~ a", "d = ~ b", "e = c", r"\f$1  = a | b [0]"))
    assert gates(text) == (5, 3)


def format_name(given):
    return given.get("format", "int8")


@pytest.mark.parametrize("given", [
    {}, {"format": "fp4_e2m1", "accumulator_width": 21},
    {"format": "fp6_e2m3", "accumulator_width": 25}, {"format": "fp6_e3m2"},
    {"format": "fp8_e4m3", "accumulator_width": 49}, {"format": "mxfp4", "accumulator": "fp32"},
    {"format": "bf16", "accumulator": "fp32"}, {"format": "fp16", "accumulator": "fp32"},
    {"format": "fp8_e5m2", "accumulator": "fp32"}],
    ids=format_name)
def test_pe_has_few_gates_twice(given):
    weights = {"weight_format": given["format"]} if given else {}
    text = verilog("pe", Design(Pattern(4, 8), **given, **weights))
    assert MODULE.findall(text)
    for name, module in MODULE.findall(text):
        count, least = gates(module)
        assert count < 2 * least + 20, f"{name}: {count} gates where {least} would do"


@pytest.mark.parametrize("given", [
    {"format": "fp4_e2m1"}, {"format": "fp8_e4m3", "accumulator": "fp32"},
    {"format": "nvfp4", "accumulator": "fp32"},
    {"format": "bf16", "accumulator": "fp32"}], ids=format_name)
def test_decoder_of_a_row_has_each_gate_once(given):
    design = Design(Pattern(4, 8), **given, weight_format=given["format"], rows=1, columns=1)
    modules = dict(MODULE.findall(verilog("array", design)))
    count, least = gates(modules["nm_array_float_decoder"])
    assert count < 1.1 * least, f"{count} gates where {least} would do"
