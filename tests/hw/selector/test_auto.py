"""``--selector auto``: the smallest measured structure that is fast enough."""

import json
import re

import pytest

from hw.config import SELECTORS, Pattern
from hw.generate import main
from hw.selector import auto
from hw.selector.auto import choose


FIGURES = {"library": "cells", "area_unit": "um2", "width": 8, "stages": [
    {"m": 8, "selector": "rank", "stages": 0, "area": 50, "delay_ns": 2, "interval": 1},
    {"m": 8, "selector": "radix", "stages": 4, "area": 40, "delay_ns": 5, "interval": 1},
    {"m": 8, "selector": "serial", "stages": 0, "area": 10, "delay_ns": 3, "interval": 12},
    {"m": 16, "selector": "radix", "stages": 0, "area": 70, "delay_ns": 9, "interval": 1},
]}


@pytest.fixture
def figures(monkeypatch):
    monkeypatch.setattr(auto, "_measured", lambda: FIGURES)


@pytest.mark.parametrize(("m", "clock_ns", "throughput", "selector", "stages"), [
    (8, 8, 1, "radix", 4), (8, 5, 1, "radix", 4), (8, 4.9, 1, "rank", 0),
    (8, 3, 1 / 12, "serial", 0), (8, 3, 1 / 11, "rank", 0),
    (5, 8, 1, "radix", 4), (9, 10, 1, "radix", 0),
    (16, 10, 1, "radix", 0),
])
@pytest.mark.usefixtures("figures")
def test_smallest_that_is_fast_enough(m, clock_ns, throughput, selector, stages):
    chosen = choose(Pattern(2, m), clock_ns, throughput)
    assert (chosen.selector, chosen.stages) == (selector, stages)
    assert chosen.reason.startswith(selector)


@pytest.mark.usefixtures("figures")
def test_reason_names_the_figures():
    assert choose(Pattern(4, 8), 8, 1).reason == (
        "radix with 4 stages: at m = 8, 40 um2 and 5.00 ns on cells, the smallest of 2 of 3 "
        "measured that take a block every 1 cycles at 8 ns")


@pytest.mark.parametrize(("clock_ns", "throughput", "message"), [
    (float("inf"), 1, "clock_ns must be a number of ns above 0, not inf"),
    (1, 1, "clock_ns must be at least 2 for a selector of m = 8 with throughput 1, not 1"),
    (0, 1, "clock_ns must be a number of ns above 0, not 0"),
    ("x", 1, "clock_ns must be a number of ns above 0, not 'x'"),
    (8, 1.5, "throughput must be a number above 0 and at most 1, not 1.5"),
])
@pytest.mark.usefixtures("figures")
def test_what_cannot_be_met_is_refused(clock_ns, throughput, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        choose(Pattern(4, 8), clock_ns, throughput)


@pytest.mark.parametrize(("m", "bits", "message"), [
    (17, 8, "m must be at most 16 with the selector auto, as measured, not 17"),
    (8, 9, ("format and coefficients must give scores of at most 8 bits with the selector auto, "
            "as measured, not 9")),
])
@pytest.mark.usefixtures("figures")
def test_what_is_beyond_the_figures_is_refused(m, bits, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        choose(Pattern(4, m), 100, 0.001, bits)


@pytest.mark.parametrize(("pattern", "bits", "cycles"), [
    ("1:2", 8, 10), ("2:3", 8, 11), ("4:7", 8, 12), ("8:16", 8, 13), ("16:32", 8, 14),
    ("4:8", 3, 7),
])
def test_serial_is_not_taken_where_it_is_too_slow(pattern, bits, cycles):
    """It takes a block in the bits of a score, those of an index, and a cycle."""
    assert choose(Pattern.parse(pattern), 100, 1 / (cycles - 0.1), bits).selector != "serial"


def test_shipped_figures_hold_every_structure():
    rows = json.loads(auto.DATA.read_text())["stages"]
    for m in (4, 8, 16, 32):
        assert {row["selector"] for row in rows if row["m"] == m} == set(SELECTORS)


def test_command_line_says_what_was_taken_and_why(tmp_path, capsys):
    main(["--n", "8", "--m", "16", "--design", "compressor", "--selector", "auto",
          "--throughput", "0.05", "-o", str(tmp_path)])
    first = capsys.readouterr().out.splitlines()[0]
    manifest = json.loads((tmp_path / "nm_compressor.json").read_text())
    assert first == f"selector {manifest['selector_choice']}"
    assert manifest["selector_choice"].startswith(manifest["parameters"]["selector"])
    assert manifest["initiation_interval_cycles"] <= 20


@pytest.mark.parametrize(("arguments", "message"), [
    ("--selector auto --stages 2", "stages must be 0 with the selector auto, not 2"),
    ("--selector auto --design pe",
     "selector must be left out in design pe, which has none, not 'auto'"),
    ("--pattern 16:16 --selector auto",
     "selector must be left out for the pattern 16:16, which has none, not 'auto'"),
    ("--selector auto --format bf16 --design compressor --throughput 0.07", (
        "format and coefficients must give scores of at most 8 bits with the selector auto, as "
        "measured, not 15")),
    ("--selector auto --coefficients 2", (
        "format and coefficients must give scores of at most 8 bits with the selector auto, as "
        "measured, not 9")),
    ("--pattern 8:64 --selector auto",
     "m must be at most 32 with the selector auto, as measured, not 64"),
    ("--selector auto --clock-ns 0", "clock_ns must be a number of ns above 0, not 0"),
    ("--selector best", ("selector must be one of rank, radix, network, serial, auto, not 'best'")),
])
def test_mistakes_end_with_one_sentence(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*(() if "--pattern" in arguments else ("--n", "8", "--m", "16")),
              *arguments.split(), "-o", str(tmp_path / "out")])
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m hw.generate: error: {message}"
    assert not (tmp_path / "out").exists()
