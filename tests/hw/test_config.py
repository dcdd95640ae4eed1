"""Parameters and their messages."""

from dataclasses import replace

import pytest

from hw.config import Design, Pattern


FLOATS = {"format": "bf16", "quantize": "fp8_e4m3", "weight_format": "fp8_e4m3",
          "accumulator": "fp32", "epilogue_lanes": 0}
"""Parameters of an accelerator of floats."""


@pytest.mark.parametrize(("n", "m", "message"), [
    (5, 4, "n must be an integer from 1 to 4, not 5"),
    (0, 4, "n must be an integer from 1 to 4, not 0"),
    (1, 65, "m must be an integer from 2 to 64, not 65"),
    (1, 1, "m must be an integer from 2 to 64, not 1"),
    (2.0, 4, "n must be an integer from 1 to 4, not 2.0"),
    (True, 4, "n must be an integer from 1 to 4, not True"),
])
def test_pattern_rejects(n, m, message):
    with pytest.raises(ValueError, match="must be") as caught:
        Pattern(n, m)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["8-16", "8:", ":16", "8:16:32", "a:b", "", "\u0668:16", "8:1\n",
                                  "8:" + 5000 * "9"])
def test_pattern_rejects_other_notations(text):
    with pytest.raises(ValueError, match="must be") as caught:
        Pattern.parse(text)
    assert str(caught.value) == f"pattern must be written N:M, as in 8:16, not {text!r}"


@pytest.mark.parametrize(("pattern", "span", "bitmask", "index", "rank"), [
    ("2:4", 3, 4, 4, 3), ("4:8", 5, 8, 12, 7), ("8:16", 9, 16, 32, 14), ("16:32", 17, 32, 80, 30),
])
def test_metadata_bits_of_the_specification(pattern, span, bitmask, index, rank):
    p = Pattern.parse(pattern)
    assert (p.span, p.bitmask_bits, p.index_bits, p.rank_bits) == (span, bitmask, index, rank)
    assert str(p) == pattern


@pytest.mark.parametrize(("parameters", "message"), [
    ({"rows": 0}, "rows must be an integer from 1 to 64, not 0"),
    ({"columns": 65}, "columns must be an integer from 1 to 64, not 65"),
    ({"format": "fp32"}, ("format must be one of int4, int8, fp8_e4m3, fp8_e5m2, fp6_e2m3, "
                          "fp6_e3m2, fp4_e2m1, fp16, bf16, mxfp8_e4m3, mxfp8_e5m2, mxfp6_e2m3, "
                          "mxfp6_e3m2, mxfp4, nvfp4, not 'fp32'")),
    ({"encoding": "csr"}, "encoding must be one of bitmask, index, rank, not 'csr'"),
    ({"decode_stages": 9}, "decode_stages must be an integer from 0 to 8, not 9"),
    ({"coefficients": 9}, "coefficients must be an integer from 0 to 8, not 9"),
    ({"shift": "mode"}, "shift must be one of none, scalar, channel, mean, median, not 'mode'"),
    ({"statistics": 1}, "statistics must be True or False, not 1"),
    ({"format": "bf16", "shift": "mean"}, ("format must be int4 or int8 with coefficients, a shift "
                                           "or statistics, not 'bf16'")),
    ({"quantize": "fp4"}, ("quantize must be one of none, fp8_e4m3, fp8_e5m2, mxfp8_e4m3, "
                           "mxfp8_e5m2, mxfp6_e2m3, mxfp6_e3m2, mxfp4, nvfp4, not 'fp4'")),
    ({"selection": "after"}, "selection must be before with quantize none, not 'after'"),
    ({"quantize": "mxfp4"}, "format must be bf16 or fp16 with quantize mxfp4, not 'int8'"),
    ({"quantize": "nvfp4", "format": "fp16"}, ("format must be bf16 with quantize nvfp4, not "
                                               "'fp16'")),
    ({"quantize": "mxfp4", "format": "bf16"}, ("m must be 32 with quantize mxfp4, whose scales are "
                                               "of 32 values, not 16")),
    ({"quantize": "nvfp4", "format": "bf16", "selection": "after", "stages": 5,
      "selector": "radix"}, "stages must be an integer from 0 to 4, not 5"),
    ({"selector": "best"}, "selector must be one of rank, radix, network, serial, not 'best'"),
    ({"max_k": 131072}, ("max_k must be from 1 to 131071, which an accumulator_width of 32 bits "
                         "covers, not 131072")),
    ({"burst": 4}, "burst must be 16 with bus stream, not 4"),
    ({"bus": "axi4", "bus_width": 96}, "bus_width must be a power of two, not 96"),
    ({"bus": "axi4", "bus_width": 32}, "bus_width must be an integer from 64 to 512, not 32"),
    ({"bus": "axi4", "address_width": 31}, ("address_width must be an integer from 32 to 64, not "
                                            "31")),
    ({"bus": "axi4", "burst": 48}, "burst must be a power of two, not 48"),
    ({"bus": "axi4", "packets": "job"}, ("packets must be batch with bus axi4, which has no "
                                         "streams, not 'job'")),
    ({"bus": "axi4", "pad_streams": True}, ("pad_streams must be False with bus axi4, which has no "
                                            "streams, not True")),
    ({"decode": True}, "decode must be False with bus stream, not True"),
    ({"bus": "axi4", "bus_width": 512, "decode": True}, (
        "bus_width must be below 512 with decode, as a beat that holds all weights of a block is "
        "always read, not 512")),
    ({"bus": "ahb"}, "bus must be one of stream, axi4, not 'ahb'"),
    ({"accumulator_width": 16}, ("max_k must be from 1 to 1, which an accumulator_width of 16 bits "
                                 "covers, not 4096")),
])
def test_design_rejects(parameters, message):
    with pytest.raises(ValueError, match="must be") as caught:
        Design(Pattern(8, 16), **parameters)
    assert str(caught.value) == message


def test_decode_needs_something_to_leave_out():
    with pytest.raises(ValueError, match=r"^decode must be False with the pattern 8:8, which"):
        Design(Pattern(8, 8), bus="axi4", decode=True)
    design = Design(Pattern(8, 8), bus="axi4", flexible="n", decode=True, rows=8, batch_tokens=6)
    assert design.decode_tokens == 6
    assert not design.baseline.decode


@pytest.mark.parametrize(("parameters", "message"), [
    ({"flexible": "n"}, ("flexible must be none with quantize mxfp8_e5m2 and selection before it, "
                         "not 'n'")),
    ({"complement": True}, ("complement must be False with quantize mxfp8_e5m2 and selection "
                            "before it, not True")),
])
def test_quantised_blocks_have_one_step(parameters, message):
    with pytest.raises(ValueError, match="must be") as caught:
        Design(Pattern(16, 32), format="bf16", quantize="mxfp8_e5m2", **parameters)
    assert str(caught.value) == message


@pytest.mark.parametrize(("name", "parameters", "message"), [
    ("pe", {"format": "fp16", "weight_format": "bf16"},
     "weight_format must be fp16 or int4 or int8 with format fp16, not 'bf16'"),
    ("array", {"format": "mxfp8_e4m3", "weight_format": "fp8_e4m3", "accumulator": "fp32"},
     "weight_format must be mxfp8_e4m3 or mxfp4 with format mxfp8_e4m3, not 'fp8_e4m3'"),
    ("pe", {"format": "fp8_e5m2", "accumulator": "fp32"},
     "weight_format must be fp8_e5m2 with format fp8_e5m2, not 'int8'"),
    ("array", {"format": "fp8_e4m3", "weight_format": "int4"},
     ("accumulator_width must be from 34 to 64 with format fp8_e4m3, for sums of 4096 products, "
      "not 32")),
    ("pe", {"format": "bf16", "weight_format": "int4"},
     "accumulator must be fp32 with format bf16, not 'exact'"),
    ("accelerator", FLOATS | {"quantize": "none", "weight_format": "int4", "epilogue_lanes": 0},
     ("epilogue_lanes must be at least 1 in design accelerator with weight_format int4, whose "
      "results have a scale for each output, not 0")),
    ("accelerator", FLOATS | {"quantize": "none", "weight_format": "int4",
                              "result_format": "fp32", "epilogue_lanes": 1},
     "result_format must be bf16 with epilogue_lanes 1, not 'fp32'"),
    ("accelerator", {"format": "fp6_e2m3", "result_format": "bf16"},
     "weight_format must be fp6_e2m3 with format fp6_e2m3, not 'int8'"),
    *(("array", {"format": name, "weight_format": name},
       f"accumulator must be fp32 with format {name}, not 'exact'")
      for name in ("bf16", "fp16", "fp8_e5m2", "mxfp8_e5m2")),
    ("pe", {"format": "bf16", "weight_format": "bf16", "accumulator": "fp32", "guard": 25},
     "guard must be an integer from 0 to 24, not 25"),
    ("pe", {"guard": 4}, "guard must be 8 with format int8, not 4"),
    ("array", {"format": "fp8_e5m2", "weight_format": "fp8_e5m2", "accumulator": "fp32",
               "guard": 4}, "guard must be 8 with format fp8_e5m2, not 4"),
    ("accelerator", {"guard": 4}, "guard must be 8 with format int8, not 4"),
    ("accelerator", FLOATS | {"guard": 4}, "guard must be 8 with format fp8_e4m3, not 4"),
    ("accelerator", {"format": "int4"},
     ("format must be one of int8, fp8_e4m3, fp6_e2m3, fp6_e3m2, fp4_e2m1, fp8_e5m2, fp16, bf16 in "
      "design accelerator, not 'int4'")),
    ("accelerator", FLOATS | {"quantize": "none"},
     "weight_format must be bf16 or int4 or int8 with format bf16, not 'fp8_e4m3'"),
    ("accelerator", FLOATS | {"quantize": "fp8_e5m2", "weight_format": "fp8_e5m2",
                              "accumulator": "exact"},
     "accumulator must be fp32 with format fp8_e5m2, not 'exact'"),
    ("array", {"format": "nvfp4", "weight_format": "nvfp4"},
     "accumulator must be fp32 with format nvfp4, not 'exact'"),
    ("pe", {"format": "mxfp4", "weight_format": "mxfp4"},
     "accumulator must be fp32 with format mxfp4, not 'exact'"),
    ("pe", {"format": "mxfp4", "weight_format": "mxfp4", "accumulator": "fp32",
            "accumulator_width": 40}, "accumulator_width must be 32 with accumulator fp32, not 40"),

    ("pe", {"format": "fp4_e2m1"}, ("weight_format must be fp4_e2m1 with format fp4_e2m1, not "
                                    "'int8'")),
    ("array", {"weight_format": "fp4_e2m1"}, ("weight_format must be int4 or int8 with format "
                                              "int8, not 'fp4_e2m1'")),
    ("pe", {"accumulator": "fp32"}, "accumulator must be exact with format int8, not 'fp32'"),
    ("pe", {"format": "fp8_e4m3", "weight_format": "fp8_e4m3"},
     ("accumulator_width must be from 49 to 64 with format fp8_e4m3, for sums of 4096 products, "
      "not 32")),
    ("array", {"format": "fp4_e2m1", "weight_format": "fp4_e2m1", "multiplier": "dsp"},
     "multiplier must be digits with format fp4_e2m1, not 'dsp'"),
    ("compressor", {"format": "mxfp4"},
     ("format must be one of int4, int8, fp8_e4m3, fp8_e5m2, fp6_e2m3, fp6_e3m2, fp4_e2m1, fp16, "
      "bf16 in design compressor, not 'mxfp4'")),
    ("accelerator", {"weight_format": "int4"},
     "weight_format must be int8 in design accelerator, not 'int4'"),
    ("accelerator", {"format": "mxfp8_e5m2"},
     ("format must be one of int8, fp8_e4m3, fp6_e2m3, fp6_e3m2, fp4_e2m1, fp8_e5m2, fp16, bf16 in "
      "design accelerator, not 'mxfp8_e5m2'")),
    ("accelerator", FLOATS | {"quantize": "nvfp4", "weight_format": "mxfp4"},
     "weight_format must be nvfp4 with format nvfp4, not 'mxfp4'"),
    ("accelerator", FLOATS | {"quantize": "nvfp4", "weight_format": "nvfp4",
                              "accumulator": "exact"},
     "accumulator must be fp32 with format nvfp4, not 'exact'"),
    ("accelerator", FLOATS | {"quantize": "nvfp4", "weight_format": "nvfp4", "bus": "axi4",
                              "decode": True, "columns": 32},
     ("decode must be False in design accelerator with weight_format nvfp4, in which a feature's "
      "weights are not whole parts of a block, not True")),
    ("accelerator", FLOATS | {"weight_format": "bf16"},
     "weight_format must be fp8_e4m3 or int4 or int8 with format fp8_e4m3, not 'bf16'"),
    ("accelerator", FLOATS | {"weight_format": "int8", "accumulator": "exact"},
     ("accumulator_width must be from 38 to 64 with format fp8_e4m3, for sums of 4096 products, "
      "not 32")),
    ("accelerator", {"format": "fp16", "weight_format": "fp16", "accumulator": "fp32",
                     "result_format": "bf16"},
     "result_format must be fp16 with epilogue_lanes 1, not 'bf16'"),
    ("accelerator", {"format": "fp16", "weight_format": "fp16", "accumulator": "fp32",
                     "result_format": "bf16", "epilogue_lanes": 0},
     "result_format must be fp32 or fp16 with format fp16, not 'bf16'"),
    ("accelerator", FLOATS | {"format": "fp16", "result_format": "fp16", "epilogue_lanes": 0},
     "result_format must be fp32 or bf16 with format fp16, not 'fp16'"),
    ("array", {"format": "bf16", "weight_format": "bf16", "accumulator": "fp32",
               "result_format": "fp16"},
     "result_format must be fp32 or bf16 with format bf16, not 'fp16'"),
    ("accelerator", FLOATS | {"epilogue_lanes": 1},
     "result_format must be bf16 with epilogue_lanes 1, not 'fp32'"),
    ("accelerator", FLOATS | {"activation": "gelu"},
     "activation must be none with epilogue_lanes 0, not 'gelu'"),
    ("accelerator", {"activation": "silu"}, "activation must be none with format int8, not 'silu'"),
    ("accelerator", {"format": "fp6_e2m3", "weight_format": "fp6_e2m3", "epilogue_lanes": 0,
                     "bus": "axi4", "decode": True},
     ("decode must be False in design accelerator with weight_format fp6_e2m3, in which a "
      "feature's weights are not whole parts of a block, not True")),
    ("accelerator", {"format": "bf16", "weight_format": "bf16", "accumulator": "fp32",
                     "epilogue_lanes": 0, "flexible": "n", "unstructured": True},
     ("flexible must be none in design accelerator with weight_format bf16, which has infinities, "
      "not 'n'")),
    ("accelerator", FLOATS | {"accumulator": "exact"},
     ("accumulator_width must be from 49 to 64 with format fp8_e4m3, for sums of 4096 products, "
      "not 32")),
    ("accelerator", {"result_format": "bf16"},
     "result_format must be fp32 with format int8, not 'bf16'"),
    ("accelerator", {"encoding": "rank"},
     "encoding must be bitmask in design accelerator, not 'rank'"),
    ("decompressor", {"complement": True},
     "complement must be False in design decompressor, not True"),
    ("selector", {"shift": "mean"}, "shift must be none in design selector, not 'mean'"),
    ("pe", {"rows": 8}, "rows must be 4 in design pe, not 8"),
    ("decompressor", {"selector": "radix"},
     "selector must be rank in design decompressor, not 'radix'"),
    ("array", {"batch_tokens": 8}, "batch_tokens must be 32 in design array, not 8"),
])
def test_design_refuses_what_it_does_not_have(name, parameters, message):
    with pytest.raises(ValueError, match="must be") as caught:
        Design(Pattern(8, 16), **parameters).require(name)
    assert str(caught.value) == message


def test_a_parameter_is_refused_only_if_no_design_has_it():
    design = Design(Pattern(8, 16), rows=8, encoding="rank")
    design.require("array", "compressor")
    with pytest.raises(ValueError, match="must be") as caught:
        design.require("array", "pe")
    assert str(caught.value) == "encoding must be bitmask in designs array, pe, not 'rank'"


def test_a_design_keeps_only_what_it_has():
    design = Design(Pattern(8, 16), rows=8, encoding="rank", shift="mean", max_k=64)
    assert design.only("array") == Design(Pattern(8, 16), rows=8)
    assert design.only("compressor") == replace(design, rows=4)


def test_parts_hold_every_parameter_once():
    parts = Design.parts()
    assert list(parts) == ["format", "selector", "compressor", "array", "accelerator", "ports",
                           "bus"]
    named = [described.name for part in parts.values() for described in part]
    assert named == [described.name for described in Design.parameters()]


def test_accumulator_covers_the_largest_sum_exactly():
    design = Design(Pattern(8, 16))
    largest = design.covered_k * 128 * 128
    assert largest <= 2**31 - 1 < largest + 128 * 128


def test_thresholds_are_refused_where_results_would_depend_on_other_tokens():
    mx = Design(Pattern(4, 32), format="bf16", quantize="mxfp4", weight_format="mxfp4",
                accumulator="fp32", epilogue_lanes=0, selection="after", flexible="n")
    mx.require("accelerator")
    with pytest.raises(ValueError, match="unstructured") as caught:
        replace(mx, unstructured=True).require("accelerator")
    assert str(caught.value) == (
        "unstructured must be False in design accelerator with quantize mxfp4, in which the sign "
        "of a zero would depend on the tokens beside it, not True")
