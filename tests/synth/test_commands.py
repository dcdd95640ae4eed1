"""What the commands of synthesis refuse, and how they end."""

import signal

import pytest

from synth import flow
from synth.cells.make import main as make
from synth.flow import CELLS, synthesize
from synth.measure import main as measure
from synth.ratios import main as ratios
from synth.report import main as report
from synth.store import versions
from tests.commands import alive, descendants, refused, start, wait_for


@pytest.mark.parametrize(("words", "message"), [
    ("--patterns 2:4 --designs pe --variants encoding=rank",
     "variants must be of parameters that one of the designs pe has, not 'encoding=rank'"),
    ("--patterns 2:4 --designs pe --selectors rank",
     "selectors must be left out without the designs selector and compressor, not 'rank'"),
    ("--patterns 2:4 --designs selector --selectors rank --selector radix",
     "selectors must be left out with a selector for all designs, not 'rank'"),
    ("--patterns 2:4 --designs pe --selector radix",
     "selector must be rank in design pe, not 'radix'"),
    ("--patterns 2:4 --designs selector --selectors rank --stages 3",
     "stages must be 0 with the selector rank, not 3"),
    ("--patterns 2:4 --designs selector --rows 8", "rows must be 4 in design selector, not 8"),
    ("--patterns 8:8 --designs selector",
     "patterns must have N below M for a selector, not 8:8"),
    ("--patterns 2:4 --liberty=", "liberty must be the name of a file, not ''"),
    ("--patterns 2:4 --liberty /", "liberty must be a Liberty library (.lib or .lib.gz), not '/'"),
    ("--patterns 2:4 --timeout soon", "timeout must be an integer from 1 to 86400, not 'soon'"),
])
def test_report_refuses_what_would_have_no_effect(words, message, tmp_path, capsys):
    last = refused(report, [*words.split(), "-o", tmp_path / "out"], capsys)
    assert last.startswith(f"python -m synth.report: error: {message}")
    assert not (tmp_path / "out").exists()


def planned(words, monkeypatch):
    seen = []
    monkeypatch.setattr("synth.reports.report.report", lambda rows, *more, **options: seen.extend(
        rows))
    report(words.split())
    return [(row.name, row.design.selector, row.design.stages) for row in seen]


def test_one_selector_is_the_only_one(monkeypatch):
    assert planned("--patterns 2:4 --designs selector --selector radix", monkeypatch) == [
        ("selector", "radix", 0)]
    rows = planned("--patterns 2:4 --designs selector accelerator --selector radix", monkeypatch)
    assert {selector for name, selector, _ in rows if name == "selector"} == {"radix"}
    assert planned("--patterns 2:4 --designs selector --selectors rank,radix --stages 3",
                   monkeypatch) == [("selector", "rank", 0), ("selector", "radix", 3)]


def test_a_row_that_there_is_not_is_said(monkeypatch, capsys):
    rows = planned("--patterns 8:8 2:4 --designs selector --selectors rank", monkeypatch)
    assert rows == [("selector", "rank", 0)]
    assert "no selector at 8:8, where every value is kept" in capsys.readouterr().err


def test_options_of_a_variant_are_joined_by_plus_or_comma(monkeypatch):
    for sign in "+,":
        rows = planned("--patterns 2:4 --designs compressor --selectors rank --variants "
                       f"shift=mean{sign}statistics", monkeypatch)
        assert len(rows) == 2


@pytest.mark.parametrize(("main", "words"), [
    (report, ["--patterns", "2:4", "--designs", "selector"]), (ratios, []), (measure, [])])
def test_a_library_that_is_none_is_named(main, words, tmp_path, capsys):
    last = refused(main, [*words, "--liberty", tmp_path / "none.lib"], capsys)
    assert "error: liberty must be a Liberty library (.lib or .lib.gz), not '" in last


def test_too_short_a_timeout_is_named_with_the_module():
    text = "module top(input a, output y); assign y = ~a; endmodule"
    with pytest.raises(flow.SynthesisError, match=r"^timeout must let Yosys end with top, not be "
                                                  r"0\.01 s$"):
        synthesize(text, "top", timeout=0.01)


def test_a_missing_yosys_is_named_with_its_extra(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("synth.store.address.find_spec",
                        lambda name: None if name == "pyosys" else True)
    versions.cache_clear()
    last = refused(report, ["--patterns", "2:4", "--designs", "selector", "--selectors", "rank",
                            "-o", tmp_path / "out"], capsys)
    assert last == ("python -m synth.report: error: pyosys must be installed, not missing: "
                    "pip install 'nmforge[synth]'")
    assert not (tmp_path / "out").exists()


def test_cells_are_written_where_they_are_asked_for(tmp_path, capsys):
    make(["-o", str(tmp_path)])
    assert (tmp_path / "nmforge.lib").read_text() == CELLS.read_text()
    assert str(tmp_path / "nmforge.lib") in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_mapping_that_is_ended_leaves_no_process_and_no_folder(tmp_path, number):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = start(["synth.report", "--patterns", "8:16", "--designs", "selector", "--selectors",
                     "rank", "--store", tmp_path / "store", "-o", tmp_path / "out"],
                    TMPDIR=str(temporary))
    try:
        def mapping():
            return list(temporary.glob("nmforge-*/script.abc"))

        wait_for(mapping, 120)
        children = descendants(process.pid)
        assert children
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    word = "interrupted" if number == signal.SIGINT else "terminated"
    assert (process.returncode, out) == (128 + number, "")
    assert err.splitlines()[-1] == f"python -m synth.report: {word}"
    assert "Traceback" not in err
    wait_for(lambda: not any(map(alive, children)), 10)
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "out").exists()
