"""The command and its rows."""

import json

import pytest

from synth.fpga.command import NAMES, main
from synth.fpga.targets import TARGETS
from tests.commands import refused


@pytest.mark.parametrize(("words", "message"), [
    ("--patterns 2:4 --targets ice40", "targets must be one of ecp5, xc7, gowin, not 'ice40'"),
    ("--patterns 2:4 --targets xc7 gowin --route",
     "targets must hold ecp5 with route, not xc7, gowin"),
    ("--patterns 2:4 --seed 2", "seed must be left out without route, not '2'"),
    ("--patterns 2:4 --clock-ns 0", "clock_ns must be a number above 0"),
    ("--patterns 2:4 --designs compressor --multiplier dsp",
     "multiplier must be digits in design compressor, not 'dsp'"),
    ("--patterns 2:4 --multiplier dsp --pipeline gathered",
     "pipeline must be inputs with multiplier dsp, which registers gathered weights"),
    ("--patterns 8:8 --designs selector", "patterns must have N below M for a selector, not 8:8"),
])
def test_mistakes_are_named(words, message, tmp_path, capsys):
    last = refused(main, [*words.split(), "-o", tmp_path / "out"], capsys)
    assert last.startswith(f"python -m synth.fpga: error: {message}")
    assert not (tmp_path / "out").exists()


def test_every_target_is_described():
    assert tuple(TARGETS) == NAMES


def test_report_is_written_and_repeats(tmp_path, capsys):
    words = ["--patterns", "2:4", "--targets", "ecp5", "--multiplier", "dsp"]
    main([*words, "-o", str(tmp_path / "a")])
    shown = capsys.readouterr().out
    main([*words, "-o", str(tmp_path / "b"), "--workers", "1"])
    for name in ("fpga.json", "fpga.csv"):
        assert (tmp_path / "a" / name).read_text() == (tmp_path / "b" / name).read_text()
    dense, sparse = json.loads((tmp_path / "a" / "fpga.json").read_text())["designs"]
    assert (dense["parameters"]["pattern"], sparse["parameters"]["pattern"]) == ("2:2", "2:4")
    for row in (dense, sparse):
        assert row["stage"] == "synthesis only"
        assert row["used"]["dsps"] == 2
        assert row["used"]["luts"] == row["cells"]["LUT4"] + 2 * row["cells"]["CCU2C"]
    # A lane chooses among three registers, in one table a bit.
    assert sparse["used"]["luts"] - dense["used"]["luts"] == 2 * 8
    assert sparse["used"]["flip_flops"] - dense["used"]["flip_flops"] == 2 * 8 * 3
    assert "synthesis only" in " ".join(shown.split())


@pytest.mark.long
def test_a_routed_pe_has_a_clock(tmp_path, capsys):
    main(["--patterns", "2:4", "--targets", "ecp5", "--multiplier", "dsp", "--route",
          "-o", str(tmp_path)])
    for row in json.loads((tmp_path / "fpga.json").read_text())["designs"]:
        assert row["stage"] == "routed"
        assert row["routed"]["device"] == "LFE5U-25F"
        assert row["routed"]["fmax_mhz"] > 60
        assert row["routed"]["flip_flops"] == row["used"]["flip_flops"]
        assert 0 <= row["routed"]["luts"] - row["used"]["luts"] < 0.2 * row["used"]["luts"]
