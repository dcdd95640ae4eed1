"""The command: what it writes, what it refuses, and how a study is measured part by part."""

import csv
import json
import sys

import pytest

from hw.config import Design, Pattern
from synth.study.command import main
from synth.study.data import read
from synth.study.files import KINDS, compared, contents, names
from synth.study.markdown import BLOCKS, inserted
from synth.study.plan import DESIGNS, plan
from tests.commands import refused
from tests.synth.study.small import small


PAGE = """# Page

<!-- study: answer -->
old
<!-- end of study -->
between
<!-- study: parts -->
<!-- end of study -->
"""


@pytest.fixture
def given(tmp_path):
    path = tmp_path / "given.json"
    path.write_text(small().as_json())
    return path


def draw(given, output, *words):
    with pytest.raises(SystemExit) as caught:
        main(["--from", str(given), "-o", str(output), *map(str, words)])
    return caught.value.code


def test_all_files_are_written_and_are_the_same_again(given, tmp_path, capsys):
    for name in ("one", "two"):
        assert draw(given, tmp_path / name) == 1  # one of the designs was given up
    found = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert found == sorted(names(KINDS))
    for name in found:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert "Build 8:16" in capsys.readouterr().out
    assert read(tmp_path / "one" / "study.json") == compared(small())


def test_drawing_what_was_drawn_changes_nothing(given, tmp_path):
    draw(given, tmp_path / "one", "--files", "json")
    path = tmp_path / "one" / "study.json"
    draw(path, tmp_path / "two", "--files", "json")
    assert path.read_bytes() == (tmp_path / "two" / "study.json").read_bytes()


def test_only_the_kinds_that_are_asked_for(given, tmp_path):
    draw(given, tmp_path / "out", "--files", "md", "csv")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "accuracy.csv", "designs.csv", "fpga.csv", "study.md", "tokens.csv"]


def test_tables_have_every_row_and_every_part():
    found = contents(compared(small()), ["csv"])
    rows = list(csv.DictReader(found["designs.csv"].splitlines()))
    assert len(rows) == 11
    assert rows[0]["area: multipliers and adders"] == "600.0"
    assert rows[0]["area: memories"] == "100.0"
    assert rows[-1]["status"] == "timeout"
    assert rows[-1]["gates"] == ""
    assert len(list(csv.DictReader(found["accuracy.csv"].splitlines()))) == 8
    assert len(list(csv.DictReader(found["tokens.csv"].splitlines()))) == 8


def test_page_is_one_file_that_a_script_in_the_data_cannot_end():
    page = contents(compared(small()), ["html"])["study.html"]
    assert page.count("<script") - page.count("<script>") == 1
    assert "other</script>" not in page
    assert page.count("<details>") == 1
    assert 'src="' not in page.partition("<script")[0]


def test_marked_tables_are_brought_up_to_date_and_nothing_else(given, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    draw(given, tmp_path / "out", "--files", "json", "--into", page)
    text = page.read_text()
    assert text.startswith("# Page\n\n<!-- study: answer -->\n\nBuild 8:16")
    assert "\n<!-- end of study -->\nbetween\n<!-- study: parts -->\n" in text
    assert "| 8:16 | rank | inputs | 40 | 520 |" in text
    assert "old" not in text
    draw(given, tmp_path / "out", "--files", "json", "--into", page)
    assert page.read_text() == text


def test_every_block_can_stand_in_a_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("".join(f"<!-- study: {name} -->\n<!-- end of study -->\n" for name in BLOCKS))
    text = inserted(compared(small()), [page])[page]
    assert text.count("<!-- end of study -->") == len(BLOCKS)
    assert text.count("| --- |") >= len(BLOCKS) - 2


@pytest.mark.parametrize(("words", "message"), [
    (["--from", "none.json"], "from must be study.json of a study, not 'none.json' (No such file"),
    (["--from", "{given}", "--into", "none.md"], "into must be a readable page, not 'none.md' (No"),
    (["--accuracy", "none.json"],
     "accuracy must be results.json of sw.evaluate, not 'none.json' (No such file"),
    (["--from", "{given}", "--columns", "2"], "columns must be left out with from"),
    (["--from", "{given}", "--into", "{page}"], "into must be pages with marks of answer, "),
    (["--accuracy", "{given}"], "accuracy must be results.json of sw.evaluate, not "),
    (["--products", "64"], "products must be 128 times 1 to 64 for 16:32 on 4 columns, not 64"),
    (["--products", "520"], "products must be 16 times 1 to 64 for 2:4 on 4 columns, not 520"),
    (["--libraries", "a.lib,,b.lef"], "libraries must be LIBERTY or LIBERTY,LEF,LEF, not "),
    (["--libraries", "none.lib"], "none.lib"),
    (["--designs", "compressor"], f"designs must be one of {', '.join(DESIGNS)}, not "),
    (["--files", "pdf"], "files must be one of html, json, md, csv, png, svg, not 'pdf'"),
    (["--targets", "tube"], "targets must be one of asic, ecp5, xc7, gowin, not 'tube'"),
    (["--parts", "cost"], "parts must be one of area, energy, accelerators, tokens, not "),
])
def test_mistakes_end_with_one_sentence_and_no_file(words, message, given, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("<!-- study: prices -->\n<!-- end of study -->\n")
    words = [word.format(given=given, page=page) for word in words]
    output = tmp_path / "out"
    last = refused(main, [*words, "-o", output, "--store", tmp_path / "store"]
                   if "--from" not in words else [*words, "-o", output], capsys)
    assert message in last
    assert not output.exists()


def test_a_study_that_is_broken_is_named_with_its_place(given, tmp_path, capsys):
    held = json.loads(given.read_text())
    del held["designs"][2]["goal"]
    given.write_text(json.dumps(held))
    last = refused(main, ["--from", given, "-o", tmp_path / "out"], capsys)
    assert "from must be study.json of a study, not " in last
    assert "designs[2] has no goal" in last


def test_missing_plotly_is_named_with_its_extra(given, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    monkeypatch.delitem(sys.modules, "plotly", raising=False)
    last = refused(main, ["--from", given, "-o", tmp_path / "out"], capsys)
    assert "plotly" in last
    assert not (tmp_path / "out").exists()


def test_folder_that_is_a_file_is_refused(given, tmp_path, capsys):
    last = refused(main, ["--from", given, "-o", given / "out"], capsys)
    assert "output must be a writable directory, not " in last


def test_accelerators_of_a_plan_do_the_same_work():
    patterns = [Pattern.parse(text) for text in ("2:4", "8:16", "16:32", "1:4", "12:16")]
    found = [(name, design) for name, design in plan(DESIGNS, patterns) if name == "accelerator"]
    assert {design.rows * design.columns * design.pattern.m for _, design in found} == {512}
    assert {design.max_k for _, design in found} == {16384}
    assert {design.columns for _, design in found} == {4}
    assert {design.batch_tokens for _, design in found} == {Design(Pattern(2, 4)).batch_tokens}
    dense = [str(design.pattern) for _, design in found if design.pattern.dense]
    assert dense == ["4:4", "8:8", "16:16", "32:32"]
    sparse = [(str(design.pattern), design.selector, design.pipeline) for _, design in found
              if not design.pattern.dense]
    assert sparse == [(str(pattern), selector, pipeline) for pattern in patterns
                      for pipeline in ("inputs", "gathered")
                      for selector in ("rank", "radix")]


def test_every_design_of_a_plan_stands_once():
    patterns = [Pattern.parse(text) for text in ("2:4", "2:4", "2:8", "4:4")]
    found = plan(DESIGNS, patterns)
    assert len(set(found)) == len(found)
    assert [(str(design.pattern), design.pipeline) for name, design in found if name == "pe"] == [
        ("2:2", "inputs"), ("2:4", "inputs"), ("2:4", "gathered"), ("2:8", "inputs"),
        ("2:8", "gathered"), ("4:4", "inputs")]
    assert not any(design.pattern.dense for name, design in found if name == "selector")


def test_parts_are_written_one_after_the_other_and_found_again(tmp_path, capsys, monkeypatch):
    seen = []
    written = contents

    def record(study, kinds):
        seen.append((len(study.designs), dict(study.missing)))
        return written(study, kinds)

    monkeypatch.setattr("synth.study.files.contents", record)
    words = ["--patterns", "2:4", "--designs", "pe", "--parts", "area", "--files", "json",
             "--pipelines", "inputs", "--formats", "fp4_e2m1",
             "--store", str(tmp_path / "store")]
    with pytest.raises(SystemExit) as caught:
        main([*words, "-o", str(tmp_path / "one")])
    assert caught.value.code == 0
    assert [count for count, _ in seen] == [0, 2]
    left = {"formats": "energies, tokens and FPGAs are those of int8"}
    assert seen[0][1] == {"area": "still being measured", **left}
    assert seen[-1][1] == left
    study = read(tmp_path / "one" / "study.json")
    assert [(row["pattern"], row["format"], row["status"]) for row in study.designs] == [
        ("2:2", "fp4_e2m1", "done"), ("2:4", "fp4_e2m1", "done")]
    assert sum(study.designs[0]["parts"].values()) == pytest.approx(study.designs[0]["area"])
    monkeypatch.setattr("synth.sweep.work.perform", None)  # all of it is in the store
    with pytest.raises(SystemExit):
        main([*words, "-o", str(tmp_path / "two")])
    assert (tmp_path / "one" / "study.json").read_bytes() == (
        tmp_path / "two" / "study.json").read_bytes()
