"""Number formats in a study: which designs there are, and that each is held against its own."""

from dataclasses import replace

import pytest

from hw.config import Design, Pattern
from synth.study.curves import chosen
from synth.study.data import Study, merged
from synth.study.designs import compare
from synth.study.files import compared
from synth.study.formats import NUMBERS, in_format, left_out, sentences, table
from synth.study.plan import plan
from tests.synth.study.small import design, small


PAPER = tuple(map(Pattern.parse, ("2:4", "4:8", "8:16", "16:32")))


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize("pattern", PAPER, ids=str)
def test_every_pe_is_there_with_an_accumulator_that_holds_its_sums(numbers, pattern):
    made = in_format("pe", Design(pattern), numbers)
    assert (made is None) == (numbers == "nvfp4" and pattern.m == 32)
    if made is None:
        return
    assert made.multiplied.format == numbers
    if made.accumulator == "exact" and not made.number.integer:
        with pytest.raises(ValueError, match="accumulator_width must be from"):
            replace(made, accumulator_width=made.accumulator_width - 1).require("pe")


@pytest.mark.parametrize(("numbers", "pattern", "tokens"), [
    ("fp4_e2m1", "8:16", "fp4_e2m1"), ("fp8_e4m3", "8:16", "bf16"), ("mxfp4", "16:32", "bf16"),
    ("bf16", "8:16", "bf16"), ("fp16", "8:16", "fp16"), ("fp8_e5m2", "8:16", "bf16"),
    ("mxfp4", "8:16", None), ("int4", "8:16", None)])
def test_accelerators_take_bf16_where_their_compressor_makes_something_of_it(
        numbers, pattern, tokens):
    made = in_format("accelerator", Design(Pattern.parse(pattern)), numbers)
    assert (made and made.format) == tokens
    if made:
        made.require("accelerator")
        assert (made.multiplied.format, made.epilogue_lanes) == (numbers, 0)


def test_a_plan_has_every_design_in_every_format_and_what_is_not_there_is_said():
    formats = ("int8", "fp4_e2m1", "mxfp4")
    found = plan(["pe", "accelerator"], PAPER, formats=formats)
    assert len(found) == len(set(found))
    for number in formats:
        own = {str(one.pattern) for name, one in found
               if name == "accelerator" and one.multiplied.format == number}
        assert own >= ({"16:32", "32:32"} if number == "mxfp4" else {"2:4", "8:16", "16:16"})
    said = left_out((("pe", PAPER[2]), ("accelerator", PAPER[2])), formats)
    assert said == ("no accelerator of 8:16 in mxfp4; energies, tokens and FPGAs are those of int8")
    assert left_out([("accelerator", PAPER[0])], ["int8"]) is None


def other(pattern, gates, **more):
    """A design of fp4."""
    return design(pattern, gates, format="fp4_e2m1", parameters={"format": "fp4_e2m1"}, **more)


def pe(pattern, gates, extra, made=design):
    return made(pattern, gates, design="pe", products=16, whole=None, memory=None,
                overhead_percent=extra)


def formats():
    """Two formats: in fp4 everything takes half, dense designs a quarter."""
    study = small()
    return compared(replace(study, designs=[
        *study.designs, other("16:16", 250.0), other("8:16", 200.0),
        pe("4:8", 150.0, 7.5), pe("4:8", 75.0, 9.25, other), pe("8:16", 60.0, 19.0, other)]))


def test_designs_of_a_format_are_held_against_dense_ones_of_it():
    study = formats()
    rows = {row["format"]: row for row in study.designs if row["design"] == "accelerator"
            and row["pattern"] == "8:16" and row["technology"] == "cells"
            and row["selector"] == "rank"}
    assert rows["fp4_e2m1"]["relative_area"] == pytest.approx(200 / 250)
    assert rows["int8"]["relative_area"] == pytest.approx(620 / 1000)


def test_another_format_changes_nothing_of_the_answer():
    assert chosen(formats().designs, "cells") == chosen(compare(small().designs), "cells")
    assert chosen(formats().designs, "cells", "fp4_e2m1").keys() == {"8:16", "16:16"}


def test_the_table_and_the_sentence_have_every_format():
    study = formats()
    lines = [line.split(" | ") for line in table(study).splitlines()[2:]]
    found = {(line[0].removeprefix("| "), line[1]): line[2:5] for line in lines}
    assert found["fp4_e2m1", "8:16"] == ["60", "+19.0 %", "0.80"]
    assert found["int8", "8:16"][2] == "0.62"
    assert found["fp4_e2m1", "4:8"] == ["75", "+9.2 %", ""]
    said, = sentences(study, "cells")
    assert said == (
        "Over the dense PE of the same format and as many lanes, the gather of 4:8 adds 7.5 % in "
        "int8, 9.2 % in fp4_e2m1; of 8:16 adds 10.0 % in int8, 19.0 % in fp4_e2m1.")


def test_of_many_formats_the_ends_are_said():
    study = compared(formats())
    many = [row | {"format": name, "overhead_percent": extra, "parameters": {"format": name}}
            for row in study.designs if row["design"] == "pe" and row["format"] == "int8"
            and row["pattern"] == "8:16"
            for name, extra in (("bf16", 3.0), ("fp16", -0.5), ("mxfp4", 8.0), ("int4", 4.0))]
    said, = sentences(replace(study, designs=study.designs + many), "cells")
    assert said.endswith("; of 8:16 adds from -0.5 % in fp16 to 19.0 % in fp4_e2m1.")


def test_what_is_not_there_of_several_studies_is_said_of_all():
    every = [Study(missing={"formats": f"no {name}; all of int8"}) for name in ("pe", "array")]
    assert merged(every).missing == {"formats": "no pe; all of int8; no array"}


def test_one_format_has_neither():
    assert table(compared(small())) == ""
    assert sentences(compared(small()), "cells") == []
