"""FPGAs in a study: rows of their own, what they are compared with, and how they are measured."""

import csv
from dataclasses import replace

import pytest

from hw.config import Design, Pattern
from synth.study.answer import answer
from synth.study.command import main
from synth.study.data import read
from synth.study.files import compared, contents
from synth.study.fpga import fpga_row, of_blocks, sentences, table
from synth.study.markdown import markdown
from tests.synth.study.small import small


@pytest.fixture(scope="module")
def study():
    return compared(small())


def test_the_same_work_is_compared_with_the_dense_design_of_fewest_tables(study):
    found = {row["pattern"]: (row["relative_luts"], row["relative_dsps"]) for row in study.fpga
             if row["products"]}
    assert found == {"8:8": (1.1, 1.0), "16:16": (1.0, 1.0), "4:8": (0.9, 0.5),
                     "8:16": (0.95, 0.5), "16:32": (None, None)}


def test_a_sentence_says_it_and_that_nothing_was_routed(study):
    said = ("On Lattice ECP5, synthesised but not routed, tables and DSP blocks of the array for "
            "the same work, the dense one of fewest being 1: 0.90 and 0.50 at 4:8, 0.95 and 0.50 "
            "at 8:16.")
    assert list(sentences(study)) == [said]
    assert answer(study).paragraphs.count(said) == 1
    assert said not in answer(study, "other</script>").paragraphs
    assert list(sentences(replace(study, fpga=[]))) == []


def test_the_table_has_dense_designs_beside_and_failures(study):
    lines = table(study).splitlines()
    assert "Lattice ECP5: tables / FFs / DSPs / RAMs" in lines[0]
    assert "| array | 16:16 dense |  | 200 / 600 / 32 / 0.5 | 1.00 |" in lines
    assert "| array | 8:16 |  | 190 / 570 / 16 / 0.5 | 0.95 |" in lines
    assert "| array | 16:32 |  | failed |  |" in lines
    assert not any("selector" in line for line in lines[1:])
    assert "## FPGAs, synthesis only\n\n| design |" in markdown(study)


def test_figures_of_cells_do_not_change_with_fpgas(study):
    plain = compared(replace(small(), fpga=[]))
    assert study.designs == plain.designs
    assert study.technologies == plain.technologies
    rows = list(csv.DictReader(contents(study, ["csv"])["fpga.csv"].splitlines()))
    assert [row["luts"] for row in rows] == ["220", "200", "180", "190", "100", ""]
    assert rows[-1]["reason"] == "Yosys failed"


def test_pes_multiply_in_blocks_and_selectors_stay():
    assert of_blocks("pe", Design(Pattern(2, 4))).multiplier == "dsp"
    assert of_blocks("selector", Design(Pattern(2, 4))) == Design(Pattern(2, 4))


def test_a_row_that_failed_has_no_stage_of_synthesis():
    parameters = {"pattern": "2:4", "multiplier": "dsp"}
    row = fpga_row({"design": "pe", "parameters": parameters, "goal": "", "target": "xc7",
                    "library": "", "status": "failed", "reason": "why"})
    assert (row["technology"], row["stage"], row["luts"]) == ("xc7", "failed", None)


@pytest.mark.long
def test_a_study_of_an_fpga_alone_is_measured_drawn_and_found_again(tmp_path, monkeypatch):
    words = ["--patterns", "2:4", "--designs", "pe", "selector", "--parts", "area", "--targets",
             "ecp5", "--files", "json", "md", "html", "csv", "--store", str(tmp_path / "store")]
    for name in ("one", "two"):
        with pytest.raises(SystemExit) as caught:
            main([*words, "-o", str(tmp_path / name)])
        assert caught.value.code == 0
        monkeypatch.setattr("synth.sweep.work.perform", None)
    one, two = (read(tmp_path / name / "study.json") for name in ("one", "two"))
    assert one == two
    assert one.designs == []
    assert one.missing == {}
    rows = {(row["design"], row["pattern"]): row for row in one.fpga}
    assert rows["pe", "2:2"]["dsps"] == rows["pe", "2:4"]["dsps"] == 2
    assert rows["pe", "2:4"]["relative_dsps"] == 0.5
    assert rows["pe", "2:4"]["overhead_percent"] > 0
    assert ("selector", "2:4") in rows
