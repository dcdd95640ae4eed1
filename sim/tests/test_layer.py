"""The command that runs a feed-forward layer, on a small array."""

import pytest

from sim.layer import main


SMALL = ["--rows", "2", "--columns", "4", "--epilogue-lanes", "0"]


@pytest.mark.usefixtures("wheel")
def test_prints_exact_results_in_half_the_cycles(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as caught:
        main(["Hi.", "--patterns", "4:8", *SMALL])
    assert caught.value.code == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]]
            for line in capsys.readouterr().out.splitlines() if line.startswith("│ 4:8")]
    assert [row[1:3] for row in rows] == [["up", "yes"], ["down", "yes"], ["both", ""]]
    assert all(1.9 < float(row[5].rstrip("x")) <= 2.1 for row in rows)
    assert [row[7] for row in rows[:2]] == ["0.6250"] * 2


@pytest.mark.parametrize(("arguments", "message"), [
    (["--layer", "6"], "layer must be an integer from 0 to 5, not 6"),
    (["--patterns", "9:8"], "n must be an integer from 1 to 8, not 9"),
    (["--file", "nowhere.txt"],
     "file must be a readable text with one sentence per line, not 'nowhere.txt'"),
    (["--weights", "int4"], "weights must be left out without formats, not 'int4'"),
    (["--formats", "bf16", "--weights", "mxfp4"],
     "weight_format must be bf16 or int4 or int8 with format bf16, not 'mxfp4'"),
    (["--formats", "fp16", "--weights", "int4", "--epilogue-lanes", "0"],
     "activation must be none with epilogue_lanes 0, not 'gelu'"),
])
def test_bad_input_is_one_sentence(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m sim.layer: error: {message}"
