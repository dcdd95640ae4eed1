"""The report: rows, files, messages."""

import csv
import json

import pytest

from hw.config import DESIGNS, Design, Pattern
from synth.report import main
from synth.reports.rows import plan
from synth.scripts import ABC_SCRIPTS, CELLS
from synth.sweep.command import main as sweep


FILES = ["area.png", "report.csv", "report.json"]
WORDS = ["--patterns", "2:4", "--format", "int4", "--weight-format", "int4"]
"""What is quick to map."""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    for workers, name in (("1", "one"), ("3", "three")):
        main([*WORDS, "--designs", "selector", "pe", "--workers", workers,
              "--selectors", "rank", "radix", "--store", str(folder / f"store-{name}"),
              "-o", str(folder / name)])
    return folder


def test_files_are_the_same_byte_for_byte_with_more_workers(written):
    assert sorted(path.name for path in (written / "one").iterdir()) == FILES
    for name in FILES:
        assert (written / "one" / name).read_bytes() == (written / "three" / name).read_bytes()


def test_table_has_a_dense_baseline_and_an_overhead(written):
    text = (written / "one" / "report.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["pattern"], row["design"], row["selector"]) for row in rows] == [
        ("2:2", "pe", ""), ("2:4", "selector", "rank"), ("2:4", "selector", "radix"),
        ("2:4", "pe", "")]
    dense, sparse = float(rows[0]["area"]), float(rows[-1]["area"])
    assert float(rows[-1]["overhead_percent"]) == pytest.approx(100 * (sparse / dense - 1), abs=.01)
    assert rows[0]["overhead_percent"] == rows[1]["overhead_percent"] == ""
    assert float(rows[-1]["throughput_per_area"]) == pytest.approx(2 * dense / sparse, abs=.001)
    assert rows[0]["throughput_per_area"] == ""


def test_a_second_report_is_the_same_and_maps_nothing(written, tmp_path, monkeypatch):
    monkeypatch.setattr("synth.sweep.work.perform", None)
    main([*WORDS, "--designs", "selector", "pe", "--selectors", "rank", "radix",
          "--store", str(written / "store-one"), "-o", str(tmp_path)])
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (written / "one" / name).read_bytes()


def test_a_sweep_has_the_same_figures(written, tmp_path, monkeypatch):
    """It also finds all of them in the store of the report."""
    monkeypatch.setattr("synth.sweep.work.perform", None)
    space = tmp_path / "space.toml"
    space.write_text('patterns = ["2:4"]\ndesigns = ["selector", "pe"]\n'
                     'selectors = ["rank", "radix"]\n'
                     '[parameters]\nformat = "int4"\nweight_format = "int4"\n')
    sweep([str(space), "--store", str(written / "store-one"), "-o", str(tmp_path)])
    rows, designs = (json.loads(path.read_text())[key] for path, key in (
        (tmp_path / "rows.json", "rows"), (written / "one" / "report.json", "designs")))
    assert len(rows) == len(designs) == 4
    for design in designs:
        (row,) = (row for row in rows if row["design"] == design["design"]
                  and row["parameters"] == design["parameters"])
        assert all(row[key] == value for key, value in design.items() if key != "memory_reason")
    assert sum(row["overhead_percent"] is not None for row in rows) == 1


def test_wires_are_further_columns(written, tmp_path, capsys):
    main(["--patterns", "2:4", "--designs", "pe", "--wires", "--seeds", "2",
          "--store", str(written / "store-one"), "-o", str(tmp_path)])
    assert {"core", "wire", "wires"} <= set(capsys.readouterr().out.replace("┃", " ").split())
    rows = list(csv.DictReader((tmp_path / "report.csv").read_text().splitlines()))
    assert len(rows) == 2
    for row in rows:
        assert float(row["wired_delay"]) > float(row["delay"])
        # A gate equivalent is three columns of transistors, seven high.
        assert float(row["core"]) == pytest.approx(21 * float(row["area"]) / 0.7, rel=0.03)
    dense, sparse = (float(row["wire_length"]) for row in rows)
    assert sparse > dense > 0
    designs = json.loads((tmp_path / "report.json").read_text())["designs"]
    assert [design["wired"]["length"] for design in designs] == [dense, sparse]
    core, delay = ([float(row[column]) for row in rows] for column in ("core", "wired_delay"))
    assert float(rows[1]["core_overhead_percent"]) == pytest.approx(
        100 * (core[1] / core[0] - 1), abs=0.01)
    assert float(rows[1]["throughput_per_core"]) == pytest.approx(
        2 * core[0] * delay[0] / (core[1] * delay[1]), abs=0.001)
    assert rows[0]["core_overhead_percent"] == rows[0]["throughput_per_core"] == ""
    assert all(0 < float(row["wired_delay_spread_percent"]) < 10 for row in rows)


def test_memories_are_further_columns_and_a_table(tmp_path, capsys):
    table = tmp_path / "macros.csv"
    table.write_text("ports,words,bits,area\n2,32,16,3200\n")
    main(["--patterns", "2:4", "--designs", "compressor", "--selectors", "rank", "--shift", "mean",
          "--max-k", "64", "--memories", str(table), "-o", str(tmp_path)])
    printed = capsys.readouterr().out
    assert {"memory", "whole"} <= set(printed.replace("┃", " ").split())
    assert "Memories, fitted to the SRAM macros of macros.csv" in printed
    (row,) = csv.DictReader((tmp_path / "report.csv").read_text().splitlines())
    (design,) = json.loads((tmp_path / "report.json").read_text())["designs"]
    (memory,) = design["memories"]
    assert (memory["name"], memory["words"], memory["bits"]) == ("tokens", 32, 33)
    assert (memory["way"], memory["macros"], memory["macro_words"]) == ("two ports", 3, 32)
    assert design["memory"] == memory["area"] == pytest.approx(3 * 3200)
    assert float(row["whole"]) == design["whole"] == design["logic"] + design["memory"]
    assert design["logic"] == design["area"]


def test_lef_that_is_missing_is_named(tmp_path, capsys):
    cells = tmp_path / "other.lib"
    cells.write_bytes(CELLS.read_bytes())
    with pytest.raises(SystemExit):
        main(["--patterns", "2:4", "--wires", "--liberty", str(cells), "-o", str(tmp_path / "o")])
    assert "lef must be given for the cells of" in capsys.readouterr().err.splitlines()[-1]


def test_lef_without_wires_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--patterns", "2:4", "--lef", "x.lef", "-o", str(tmp_path / "o")])
    assert "lef must be left out without wires, not 'x.lef'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--patterns", "2:4", "--seeds", "3", "-o", str(tmp_path / "o")])
    assert "seeds must be left out without wires, not '3'" in capsys.readouterr().err


def test_json_holds_all_that_a_figure_depends_on(written):
    data = json.loads((written / "one" / "report.json").read_text())
    assert data["library"]["name"] == "nmforge"
    assert {"pyosys", "amaranth", "python"} <= set(data["versions"])
    assert (data["goal"], tuple(data["abc_script"])) == ("area", ABC_SCRIPTS["area"])
    assert data["designs"][0]["parameters"]["pattern"] == "2:2"
    assert all(sum(design["cells"].values()) > 0 for design in data["designs"])


def test_every_row_once():
    patterns = [Pattern(2, 4), Pattern(2, 4), Pattern(2, 8), Pattern(2, 2), Pattern(1, 4)]
    rows = plan(["selector", "pe"], patterns, ["rank", "radix"], Design(Pattern(2, 4)))
    keys = [(row.name, str(row.design.pattern), row.selector) for row in rows]
    assert len(set(keys)) == len(keys)
    assert keys.count(("pe", "2:2", "")) == 1
    assert ("selector", "2:2", "") not in keys
    assert ("pe", "1:4", "") in keys


def test_variants_are_further_rows_of_the_designs_that_have_them():
    rows = plan(["compressor", "decompressor", "pe"], [Pattern(2, 4)], ["rank"],
                Design(Pattern(2, 4)),
                [{"encoding": "index"}, {"shift": "mean", "statistics": True}])
    assert [(row.name, row.design.options) for row in rows if not row.design.pattern.dense] == [
        ("compressor", ""), ("compressor", "encoding=index"),
        ("compressor", "shift=mean statistics"),
        ("decompressor", ""), ("decompressor", "encoding=index"), ("pe", "")]


def test_designs_that_take_the_pattern_at_run_time():
    rows = plan(["selector", "compressor", "pe"], [Pattern(2, 4)], ["serial"],
                Design(Pattern(2, 4), selector="serial", flexible="all"))
    assert [(row.name, row.design.flexible) for row in rows] == [
        ("pe", "none"), ("selector", "all"), ("compressor", "all"), ("pe", "none")]


@pytest.mark.parametrize(("arguments", "message"), [
    (["--variants", "rows=8"], ("variants must name parameters among format, weight_format, "
     "stages, flexible, coefficients, encoding, decode_stages, shift, statistics, unstructured, "
      "complement, quantize, selection, accumulator, guard, result_format, activation, "
      "pad_streams, bus, decode, "
      "not 'rows'")),
    (["--designs", "pe", "selector", "--rows", "8"],
     "rows must be 4 in designs pe, selector, not 8"),
    (["--variants", "encoding=csr"], "encoding must be one of bitmask, index, rank, not 'csr'"),
    (["--patterns", "2x4"], "pattern must be written N:M, as in 8:16, not '2x4'"),
    (["--patterns", "4:2"], "n must be an integer from 1 to 2, not 4"),
    (["--designs", "chip"], f"designs must be one of {', '.join(DESIGNS)}, not 'chip'"),
    (["--workers", "0"], "workers must be an integer from 1 to 256, not 0"),
    (["--workers", "many"], "workers must be an integer from 1 to 256, not 'many'"),
    (["--memories", "none.csv"], ("memories must be a CSV table of SRAM macros, not 'none.csv' "
     "([Errno 2] No such file or directory: 'none.csv')")),
    (["--designs", "pe", "--memories", "x.csv"],
     "memories must be left out without a design that has memories, not 'x.csv'"),
    (["--goal", "power"], "goal must be one of area, work, delay, not 'power'"),
    (["--timeout", "0"], "timeout must be an integer from 1 to 86400, not 0"),
    (["--rows", "0"], "rows must be an integer from 1 to 64, not 0"),
    (["--liberty", "none.lib"], ("liberty must be a Liberty library (.lib or .lib.gz), not "
     "'none.lib' (No such file or directory)")),
    (["--liberty", "/"], ("liberty must be a Liberty library (.lib or .lib.gz), not '/' "
     "(Is a directory)")),
])
def test_mistakes_end_with_one_sentence_and_no_file(arguments, message, tmp_path, capsys):
    output = tmp_path / "out"
    with pytest.raises(SystemExit) as caught:
        main(["--patterns", "2:4", "-o", str(output), *arguments])
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m synth.report: error: {message}"
    assert not output.exists()


def test_directory_that_is_a_file_is_refused_before_anything_runs(tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(SystemExit) as caught:
        main(["--patterns", "2:4", "-o", str(blocked / "out")])
    assert caught.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert "output must be a writable directory, not " in last
    assert blocked.read_text() == ""
