"""The command that compares selectors and arrays."""

import pytest

from hw.config import Pattern
from synth.ratios import main
from synth.reports.ratios import subjects


def test_every_ratio_is_to_a_subject_of_the_same_pattern():
    rows = list(subjects([Pattern(2, 4), Pattern(4, 8)], arrays=False))
    against = {row.what: rows[row.base].what for row in rows if row.base is not None}
    assert against["radix 4:8, n at run time"] == "radix 4:8"
    assert against["serial 4:8"] == "radix 4:8 between registers"
    assert against["serial 2:4, n, m at run time"] == "serial 2:4"
    assert len(against) == 8


def test_prints_ratios_that_follow_from_the_areas(capsys):
    main(["--patterns", "2:4", "--selectors-only"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [[cell.strip() for cell in line.split("│")[1:-1]]
            for line in lines if line.startswith("│")]
    areas = {row[1]: float(row[2].replace(",", "")) for row in rows}
    assert len(areas) == 6
    for _, what, _, _, against, ratio, _ in rows:
        if against:
            base = areas[rows[int(against)][1]]
            assert float(ratio.rstrip("x")) == pytest.approx(areas[what] / base, abs=0.01)
    assert areas["serial 2:4, n, m at run time"] > areas["serial 2:4, n at run time"]


@pytest.mark.parametrize(("arguments", "message"), [
    (["--patterns", "3:7"], "m must be a power of two for flexible 'all', not 7"),
    (["--goal", "speed"], "goal must be one of area, work, delay, not 'speed'"),
    (["--workers", "0"], "workers must be an integer from 1 to 256, not 0"),
])
def test_bad_input_is_one_sentence(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m synth.ratios: error: {message}"
