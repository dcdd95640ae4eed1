"""Every option changes what is generated, or is refused by name."""

from dataclasses import replace

import pytest
from amaranth.back import rtlil

from hw.config import DESIGNS, Design, Pattern
from hw.generate.tops import make_top


SMALL = {"rows": 2, "columns": 2, "tile": 2, "batch_tokens": 2, "max_k": 32}

FLOATS = {"format": "fp4_e2m1", "weight_format": "fp4_e2m1"}

VALUES = {"decode_stages": 1, "stages": 3, "coefficients": 3, "rows": 3, "columns": 3, "tile": 1,
          "accumulator_width": 20, "max_k": 64, "batch_tokens": 4, "epilogue_lanes": 2,
          "bus_width": 64, "address_width": 40, "burst": 4, "outstanding": 2, "format": "int4",
          "guard": 4}
"""Another value for each number; of names each one is taken, but of formats one."""

WIDE = {"format": "bf16", "weight_format": "bf16", "accumulator": "fp32"}

FURTHER = {"guard": WIDE, "stages": {"selector": "radix"}, "decode_stages": {"encoding": "rank"},
           "unstructured": {"flexible": "n"}, "max_k": {"coefficients": 3},
           "selection": {"format": "bf16", "quantize": "fp8_e4m3"},
           "accumulator": FLOATS, "result_format": {**FLOATS, "epilogue_lanes": 0},
           "decode": {"bus": "axi4"}, "bus_width": {"bus": "axi4"},
           "address_width": {"bus": "axi4"}, "burst": {"bus": "axi4"},
           "outstanding": {"bus": "axi4"}}
"""Parameters by which another one comes to matter: it is tried with them, too."""

SAME = {("gather", "window")}
"""What is the default by another name: at these sizes ``auto`` takes it."""


def has(name, parameter):
    return Design.has(name, [parameter])


def cases(name):
    """Parameter, value, and what is set beside it."""
    for described in Design.parameters():
        parameter, limits = described.name, described.metadata
        if not has(name, parameter):
            continue
        if parameter in VALUES:
            values = [VALUES[parameter]]
        else:
            values = [value for value in limits["choices"] or [True] if value != described.default]
        if parameter in ("weight_format", "quantize"):
            values = values[:1]
        beside = FURTHER.get(parameter, {})
        for value in values:
            yield parameter, value, {}
            if any(has(name, key) for key in beside):
                yield parameter, value, {key: of for key, of in beside.items() if has(name, key)}


def hardware(name, design):
    return rtlil.convert(make_top(name, design), name="top", emit_src=False)


def effects(name, pattern):
    """Check all parameters of a design; return how many made a difference."""
    base = Design(pattern, **SMALL).only(name)
    plain, differ = {}, 0
    for parameter, value, beside in cases(name):
        if (parameter, value) in SAME:
            continue
        try:
            start = replace(base, **beside)
            design = replace(start, **{parameter: value})
            design.require(name)
            design.require_effect(name)
            changed = hardware(name, design)
        except ValueError:
            continue
        if start not in plain:
            plain[start] = hardware(name, start)
        assert changed != plain[start], f"{parameter}={value} beside {beside} changes nothing"
        differ += 1
    return differ


QUICK = [("selector", "2:4"), ("compressor", "2:4"), ("decompressor", "2:4"),
         ("decompressor", "4:4")]

SLOW = [("compressor", "4:4"), *((name, pattern) for name in ("pe", "array", "accelerator")
                                 for pattern in ("2:4", "4:4"))]


@pytest.mark.parametrize(("name", "pattern"), [
    *QUICK, *(pytest.param(*case, marks=pytest.mark.long) for case in SLOW)])
@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_every_option_has_an_effect_or_is_refused(name, pattern):
    assert effects(name, Pattern.parse(pattern)) >= 4


def test_all_parameters_are_tried():
    tried = {parameter for name in DESIGNS for parameter, _, _ in cases(name)}
    assert tried == {described.name for described in Design.parameters()}
