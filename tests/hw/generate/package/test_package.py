"""The option --package: which files there are, and what is refused."""

import json

import pytest

from hw.generate import main
from synth.report import main as report
from tests.commands import refused


PLAIN = {"v", "json", "vlt"}
ALWAYS = {".core", ".xml", ".sdc", ".svg", ".md", "_litex.py", "_template.sv"}
SMALL = ["--n", "2", "--m", "4", "--design", "selector"]


def ends(folder, top):
    return {path.name.removeprefix(top) for path in folder.iterdir()
            if path.name.startswith(top)} - {".v", ".json", ".vlt", ".h"}


def test_files_of_two_designs_in_one_project(project):
    assert ends(project, "mine") == ALWAYS | {".rdl", "_interfaces.sv", "_bench.sv"}
    assert ends(project, "other") == ALWAYS | {"_interfaces.sv", "_bench.sv"}


@pytest.mark.parametrize(("design", "absent"), [
    ("selector", {".rdl": "has no registers", "_interfaces.sv": "has no bus"}),
    ("pe", {".rdl": "has no registers", "_interfaces.sv": "has no bus",
            "_bench.sv": "has inputs without a handshake to drive them by"}),
])
def test_output_says_what_is_left_out(design, absent, tmp_path, capsys):
    main(["--n", "1", "--m", "2", "--design", design, "--package", "-o", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-len(absent):] == [f"nm_{design}{end} left out: the {design} {why}"
                                    for end, why in absent.items()]
    written = lines[:-len(absent)]
    assert set(written) == {str(path) for path in tmp_path.iterdir()}
    assert ends(tmp_path, f"nm_{design}") == ALWAYS | {".rdl", "_interfaces.sv",
                                                       "_bench.sv"} - absent.keys()


def test_without_the_option_there_is_no_package(tmp_path, capsys):
    main([*SMALL, "-o", str(tmp_path)])
    assert {path.suffix[1:] for path in tmp_path.iterdir()} == PLAIN
    assert "left out" not in capsys.readouterr().out


@pytest.mark.parametrize(("options", "message"), [
    (["--area", "x"], "area must be left out without package, not 'x'"),
    (["--schema", "x"], "schema must be left out without package, not 'x'"),
    (["--clock-ns", "5"],
     "clock_ns must be left out without package or the selector auto, not '5'"),
    (["--package", "--clock-ns", "0"], "clock_ns must be a number above 0, not 0"),
    (["--package", "--clock-ns", "inf"], "clock_ns must be a number above 0, not inf"),
    (["--package", "--area", "there is none"], (
        "area must be a report.json of python -m synth.report, not 'there is none' "
        "(No such file or directory)")),
    (["--package", "--schema", "none"], "schema must be an XML schema, not 'none' ("),
    (["--package", "--name", "module"],
     "name must be no keyword of Verilog, C or C++, not 'module'"),
])
def test_bad_input_is_one_sentence_and_writes_nothing(options, message, tmp_path, capsys):
    last = refused(main, [*SMALL, *options, "-o", tmp_path / "out"], capsys)
    assert last.startswith(f"python -m hw.generate: error: {message}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"designs": [{}]}', "{\"designs\": 3}"])
def test_a_report_that_is_none(text, tmp_path, capsys):
    (tmp_path / "report.json").write_text(text)
    last = refused(main, [*SMALL, "--package", "--area", tmp_path / "report.json", "-o",
                          tmp_path / "out"], capsys)
    assert "area must be a report.json of python -m synth.report, not " in last
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_area_comes_from_a_report_of_this_design(tmp_path, capsys):
    report(["--patterns", "2:4", "--designs", "selector", "--selectors", "rank", "-o",
            str(tmp_path)])
    found = tmp_path / "report.json"
    main([*SMALL, "--package", "--area", str(found), "-o", str(tmp_path / "out")])
    row = json.loads(found.read_text())["designs"][0]
    page = (tmp_path / "out" / "nm_selector.md").read_text().partition("## Area\n")[2]
    assert f"| logic, GE | {row['area']:,.0f} |" in page
    shares = [float(line.split("|")[-2].strip(" %")) for line in page.splitlines()
              if line.startswith("| `nm_selector") and line.endswith(" % |")]
    assert len(shares) == len(row["modules"])
    assert sum(shares) == pytest.approx(100, abs=0.5)
    capsys.readouterr()
    last = refused(main, ["--n", "1", *SMALL[2:], "--package", "--area", found, "-o",
                          tmp_path / "none"], capsys)
    assert "area must be a report that has this selector with these parameters, not " in last
    assert not (tmp_path / "none").exists()
