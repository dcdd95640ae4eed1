"""Parameters of designs in floats: scales, and what sums cover."""

import pytest

from hw.config import Design, Pattern
from tests.hw.test_config import FLOATS


def in_nvfp4(pattern, **parameters):
    return Design(pattern, **FLOATS | {"quantize": "nvfp4", "weight_format": "nvfp4"} | parameters)


@pytest.mark.parametrize(("text", "blocks"), [
    ("1:16", 1), ("8:16", 1), ("16:16", 1), ("4:8", 2), ("8:8", 2), ("2:4", 4), ("1:2", 8)])
def test_blocks_of_accelerators_in_nvfp4_share_scales(text, blocks):
    made = in_nvfp4(Pattern.parse(text))
    made.require("accelerator")
    assert made.shared_blocks == blocks


@pytest.mark.parametrize("text", ["16:32", "3:7", "2:6"])
def test_blocks_that_no_scale_of_nvfp4_is_for_are_refused(text):
    with pytest.raises(ValueError, match=f"^m must divide the 16 values that share a scale in "
                                         f"nvfp4, which {text[2:].lstrip(':')} does not$"):
        in_nvfp4(Pattern.parse(text))


def test_chunks_of_tokens_hold_whole_scales():
    in_nvfp4(Pattern(4, 8), max_k=48).require("accelerator")
    in_nvfp4(Pattern(8, 16), max_k=40).require("accelerator")
    with pytest.raises(ValueError, match=r"^max_k must be a multiple of 16 in design accelerator "
                                         r"with quantize nvfp4, whose scales are of 16 values, "
                                         r"not 40$"):
        in_nvfp4(Pattern(4, 8), max_k=40).require("accelerator")


@pytest.mark.parametrize(("name", "width", "product"), [
    ("fp4_e2m1", 21, 12 * 12), ("fp8_e4m3", 49, (448 * 512) ** 2)])
def test_an_exact_accumulator_of_floats_says_how_much_it_covers(name, width, product):
    parameters = {"format": name, "weight_format": name, "epilogue_lanes": 0}
    design = Design(Pattern(8, 16), accumulator_width=width, **parameters)
    design.require("accelerator")
    limit = (1 << width - 1) - 1
    assert design.covered_k * product <= limit < (design.covered_k + 1) * product
    assert design.covered_blocks == design.covered_k // 16
    rounding = Design(Pattern(8, 16), accumulator="fp32", **parameters)
    assert rounding.covered_blocks == (1 << 24) - 1


def test_scales_refuse_blocks_that_do_not_share_them():
    design = Design(Pattern(3, 7), format="mxfp4", weight_format="mxfp4", accumulator="fp32")
    with pytest.raises(ValueError, match="must divide") as caught:
        design.require("array")
    assert str(caught.value) == ("m must divide the 32 values that share a scale in mxfp4, which 7 "
                                 "does not")
