"""The command and its figures."""

import json

import pytest

from hw.config import Design, Pattern
from synth.energy.command import main
from synth.energy.measure import Settings, Spread, measure
from synth.energy.operands import make
from synth.flow import CELLS, Flow
from synth.library import liberty
from synth.placement import lef


def test_spread_is_the_largest_distance_from_the_mean():
    assert Spread((9.0, 10.0, 12.5)).mean == 10.5
    assert Spread((9.0, 10.0, 12.5)).percent == pytest.approx(100 * 2 / 10.5)
    assert Spread((9.0, 10.0)).over(Spread((3.0, 4.0))) == Spread((3.0, 2.5))


@pytest.mark.long
def test_report_is_written_and_repeats(tmp_path, capsys):
    arguments = ["--patterns", "2:4", "--inputs", "gaussian", "--cycles", "30", "--seeds", "2"]
    main([*arguments, "-o", str(tmp_path / "a"), "--store", str(tmp_path / "one")])
    shown = capsys.readouterr().out
    main([*arguments, "-o", str(tmp_path / "b"), "--store", str(tmp_path / "two"),
          "--workers", "1"])
    text = (tmp_path / "a" / "energy.json").read_text()
    assert text == (tmp_path / "b" / "energy.json").read_text()
    shown = " ".join(shown.replace("┃", " ").replace("│", " ").split())
    for words in ("2:2 dense", "glitches", "gather", "over dense", "CV2 a cycle"):
        assert words in shown
    dense, sparse = json.loads(text)["designs"]
    assert (dense["products"], sparse["products"]) == (2, 4)
    for row in (dense, sparse):
        assert len(row["energies"]) == len(row["length"]["values"]) == 2
        assert row["placed_delay"]["values"][0] > row["delay"]
        for energy in row["energies"]:
            whole = energy["load"] + energy["internal"] + energy["leakage"]
            assert sum(both[0] for both in energy["parts"].values()) == pytest.approx(whole)
            assert 0 < sum(both[1] for both in energy["parts"].values()) < whole
    work = [row["energies"][0]["load"] / row["products"] for row in (dense, sparse)]
    assert work[1] < work[0], "half of the work takes less"


def test_late_digits_glitch_less_behind_a_gather():
    library = liberty.read(CELLS)
    flow, sizes = Flow(library, workers=2), lef.read([CELLS.with_suffix(".lef")])
    found = [measure("pe", Design(Pattern(4, 8)), flow, Settings(
        sizes, make("gaussian", 1), cycles=60, late=dict.fromkeys(("digits", "correction"), late)))
        for late in (0.0, 8.0)]
    assert found[0].settled.mean == pytest.approx(found[1].settled.mean)
    glitches = [one.total.mean - one.settled.mean for one in found]
    assert glitches[1] < 0.8 * glitches[0]


@pytest.mark.parametrize(("arguments", "message"), [
    (["--patterns", "2:4", "--designs", "selector"],
     "designs must be one of pe, array, compressor, accelerator, not 'selector'"),
    (["--patterns", "2"], "pattern must be written N:M"),
    (["--patterns", "2:4", "--liberty", "x.lib"],
     "lef must be given for the cells of 'x.lib', not left out"),
    (["--patterns", "2:4", "--lef", "x.lef"], "lef must be LEF files (.lef or .lef.gz), not 'x."),
    (["--patterns", "2:4", "--coefficients", "4"], "coefficients must be 0 in design pe, not 4"),
    (["--patterns", "2:4", "--seeds", "0"], "seeds must be an integer from 1 to 16, not 0"),
    (["--patterns", "2:4", "--cycles", "x"], "cycles must be an integer from 1 to 100000, not 'x'"),
    (["--patterns", "2:4", "--utilisation", "1"],
     "utilisation must be a number above 0.1 and below 1, not 1"),
    (["--patterns", "2:4", "--utilisation", "nan"],
     "utilisation must be a number above 0.1 and below 1, not nan"),
    (["--patterns", "2:4", "--utilisation", "much"],
     "utilisation must be a number above 0.1 and below 1, not 'much'"),
    (["--patterns", "2:4", "--late", "digits"],
     "late must be PORT=TIME with a time from 0 to 1000, not 'digits'"),
    (["--patterns", "2:4", "--late", "digits=-1"],
     "late must be PORT=TIME with a time from 0 to 1000, not 'digits=-1'"),
    (["--patterns", "2:4", "--late", "digits=nan"],
     "late must be PORT=TIME with a time from 0 to 1000, not 'digits=nan'"),
    (["--patterns", "2:4", "--late", "digit=1"],
     "late must be one of correction, keep, weights, clk, rst, digits, not 'digit'"),
    (["--patterns", "2:4", "--inputs", "real"], "inputs must be one of minilm"),
    (["--patterns", "2:4", "--designs", "accelerator", "--features", "5000"],
     "features must be at most max_k, 4096, for energies, not 5000"),
    (["--patterns", "2:4", "--tokens", "0"], "tokens must be an integer from 1 to 65536, not 0"),
    (["--patterns", "2:4", "--goal", "fun"], "goal must be one of area, work, delay, not 'fun'"),
])
def test_bad_input_is_named(tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "-o", str(tmp_path / "out")])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()
