"""The command that runs every pattern on one array."""

import pytest

from sim.patterns import main


pytestmark = pytest.mark.usefixtures("wheel")

SMALL = ["--array", "2:8", "--rows", "2", "--columns", "2", "--tokens", "5", "--features", "40",
         "--outputs", "3", "--max-k", "64", "--patterns", "2:4"]


def test_all_patterns_are_exact_and_as_fast_as_their_own_arrays(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as caught:
        main([*SMALL, "--kept", "0.2"])
    rows = [line.split("│")[1:-1] for line in capsys.readouterr().out.splitlines() if "│" in line]
    assert caught.value.code == 0
    assert [[cell.strip() for cell in row][:2] for row in rows] == [
        ["2:4", "yes"], ["20%", "yes"]]


@pytest.mark.parametrize(("arguments", "message"), [
    (["--patterns", "3:7"],
     "pattern must be N:M with M a power of two up to 8, as the design has it, not 3:7"),
    (["--kept", "0"], "kept must be a number above 0 and at most 1, not 0"),
    (["--tokens", "0"], "tokens must be an integer from 1 to 65536, not 0"),
])
def test_bad_input_is_one_sentence(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--array", "2:8", *arguments])
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m sim.patterns: error: {message}"
