"""The option --package: which files there are, and what is refused."""

import json

import pytest

from hw.config import Design, Pattern
from hw.generate import main
from hw.generate.package import Packaging, left_out, package
from synth.report import main as report
from tests.commands import refused
from tests.hw.generate.package.shells import manifest_of


PLAIN = {"v", "json", "vlt"}
EVERY = {".core", ".xml", ".rdl", ".sdc", ".svg", ".md", "_litex.py", "_interfaces.sv",
         "_template.sv", "_bench.sv"}
SMALL = ["--n", "2", "--m", "4", "--design", "selector"]


def ends(folder, top):
    return {path.name.removeprefix(top) for path in folder.iterdir()
            if path.name.startswith(top)} - {".v", ".json", ".vlt", ".h"}


def test_files_of_two_designs_in_one_project(project):
    assert ends(project, "mine") == EVERY
    assert ends(project, "other") == EVERY - {".rdl"}


NO_REGISTERS, NO_BUS = "has no registers", "has no bus"
NO_HANDSHAKE = "has inputs without a handshake to drive them by"


@pytest.mark.parametrize(("name", "parameters", "absent"), [
    ("selector", {}, {".rdl": NO_REGISTERS, "_interfaces.sv": NO_BUS}),
    ("selector", {"selector": "serial"}, {".rdl": NO_REGISTERS}),
    ("compressor", {}, {".rdl": NO_REGISTERS}),
    ("decompressor", {}, {".rdl": NO_REGISTERS}),
    ("pe", {}, {".rdl": NO_REGISTERS, "_interfaces.sv": NO_BUS, "_bench.sv": NO_HANDSHAKE}),
    ("array", {}, {".rdl": NO_REGISTERS, "_bench.sv": NO_HANDSHAKE}),
    ("accelerator", {}, {}),
    ("accelerator", {"bus": "axi4"}, {}),
])
def test_what_designs_do_not_have_is_left_out_and_said(name, parameters, absent):
    manifest = manifest_of(name, Design(Pattern(2, 4), **parameters), "mine")
    assert left_out(manifest) == [f"mine{end} left out: the {name} {why}"
                                  for end, why in absent.items()]
    assert set(package(manifest, Packaging(8.0))) == {
        f"mine{end}" for end in EVERY - absent.keys()}


def test_output_says_what_is_left_out(tmp_path, capsys):
    main([*SMALL, "--package", "-o", str(tmp_path)])
    *written, last = capsys.readouterr().out.splitlines()
    assert last == "nm_selector_interfaces.sv left out: the selector has no bus"
    assert written.pop() == "nm_selector.rdl left out: the selector has no registers"
    assert set(written) == {str(path) for path in tmp_path.iterdir()}


def test_an_accelerator_with_a_bus_has_all_files(tmp_path, capsys):
    main(["--pattern", "1:2", "--rows", "1", "--columns", "2", "--tile", "1", "--max-k", "2",
          "--batch-tokens", "1", "--bus", "axi4", "--package", "-o", str(tmp_path)])
    assert set(capsys.readouterr().out.splitlines()) == {str(path) for path in tmp_path.iterdir()}
    assert ends(tmp_path, "nm_accelerator") == EVERY
    page = (tmp_path / "nm_accelerator.md").read_text()
    assert "| `m_axi` | AXI4 | master | 128 | 32 |" in page
    assert "| `BUS_STATUS` |" in page


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


@pytest.mark.parametrize("bus", ["stream", "axi4"])
def test_a_manifest_has_one_number_for_one_name(bus):
    """What registers say of the design, and what stands beside them."""
    design = Design(Pattern(2, 4), rows=3, columns=2, max_k=42, batch_tokens=5, bus=bus)
    manifest = manifest_of("accelerator", design, "mine")
    constant = {field["name"]: field["reset"] for register in manifest["registers"]
                for field in register["fields"] if field["constant"]}
    beside = manifest["derived"] | {name: value for name, value in manifest["parameters"].items()
                                    if type(value) is int}
    shared = constant.keys() & beside.keys()
    assert {name: constant[name] for name in shared} == {
        "n": 2, "m": 4, "rows": 3, "columns": 2, "buffer_blocks": 11, "batch_tokens": 5}
    assert all(beside[name] == constant[name] for name in shared)
