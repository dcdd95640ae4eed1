"""Parts of an accelerator alone: what is sent to them, and what is expected of them."""

import numpy as np
import pytest

from hw.epilogue.terms import LaneInput
from hw.fixed_point import Output
from tests.wheel import needs_wheel
from verify.mutate.components import COMPONENTS
from verify.mutate.part_checks import _numbers, _packed, _result
from verify.mutate.parts import PARTS, part


DESIGN = COMPONENTS["lane"].design

GIVEN = {"accumulator": -3, "row_sum": 5, "token": {"eta": -7, "gain": 4096, "scale": 1 << 15},
         "channel": {"scale": 512, "shift": 1, "unused": 5, "bias": -256}}
"""One payload; the token's scale is 1, the channel's 512 / 2 ** 9."""


def _columns(given):
    return {name: _columns(value) if isinstance(value, dict) else np.array([value])
            for name, value in given.items()}


def test_fields_stand_where_the_hardware_has_them():
    layout = LaneInput(DESIGN)
    bits, = _packed(layout, _columns(GIVEN))
    whole = layout.const(GIVEN | {"last": 0}).as_bits()
    assert len(bits) == layout.size - 1, "all but last"
    assert [whole >> k & 1 for k in range(layout.size)] == [*bits.astype(int), 0]


def test_the_reference_is_asked_for_every_output():
    """-3 - 7 * 5 = -38 is corrected; the bias is 1 less."""
    given = _columns(GIVEN)
    assert _result(DESIGN, given, Output.CORRECTED, 0) == -38
    assert _result(DESIGN, given, Output.INT8, 0) == -39
    word = _result(DESIGN, given, Output.FP32, 1) & 0xFFFF_FFFF
    assert np.array(word, np.uint32).view(np.float32) == -78.0
    word = _result(DESIGN, given, Output.BF16, -1) & 0xFFFF
    assert np.array(word << 16, np.uint32).view(np.float32) == -19.5


@pytest.mark.parametrize("signed", [False, True])
def test_numbers_have_every_size_and_both_ends(signed):
    numbers = _numbers(np.random.default_rng(1), 8, signed)
    low, high = (-128, 127) if signed else (0, 255)
    assert {low, high, 0, 1, 64} <= set(numbers)
    assert numbers.min() == low
    assert numbers.max() == high
    assert {int(number).bit_length() for number in numbers if number >= 0} == set(
        range(8 if signed else 9))


@needs_wheel
@pytest.mark.long
@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_the_module_of_the_accelerator(name):
    text = part(name, DESIGN)
    assert text.count(f"module nm_{name}(") == 1
    assert text.count(f"module nm_accelerator_{name}(") == 1
