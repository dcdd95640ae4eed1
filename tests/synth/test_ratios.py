"""The command that compares selectors and arrays."""

import pytest

from hw.config import Design, Pattern
from synth.memories.whole import Whole
from synth.ratios import main
from synth.reports.accelerators import Figures, accelerators, dense
from synth.reports.ratios import subjects


def test_every_ratio_is_to_a_subject_of_the_same_pattern():
    rows = list(subjects([Pattern(1, 2), Pattern(2, 4)], arrays=False))
    against = {row.what: rows[row.base].what for row in rows if row.base is not None}
    assert against["radix 2:4, n at run time"] == "radix 2:4"
    assert against["serial 2:4"] == "radix 2:4 between registers"
    assert against["serial 2:4, n, m at run time"] == "serial 2:4"
    assert len(against) == 8


def test_prints_ratios_that_follow_from_the_areas(capsys, tmp_path, monkeypatch):
    words = ["--patterns", "2:4", "--selectors-only", "--store", str(tmp_path)]
    main(words)
    text = capsys.readouterr().out
    monkeypatch.setattr("synth.flow.yosys.run", None)
    main(words)  # from the store
    assert capsys.readouterr().out == text
    lines = text.splitlines()
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


def test_dense_accelerators_do_the_same_work():
    for pattern, expected in (
            ("8:16", {("16:16", 4, 4), ("8:8", 8, 4), ("8:8", 4, 8)}),
            ("2:8", {("8:8", 4, 4), ("2:2", 16, 4), ("2:2", 4, 16)}),
            ("1:4", {("4:4", 4, 4)}), ("12:16", {("16:16", 4, 4)})):
        design = Design(Pattern.parse(pattern), flexible="n", max_k=960, batch_tokens=7,
                        pipeline="gathered")
        found = dense(design)
        assert {(str(one.pattern), one.rows, one.columns) for one in found} == expected
        for one in found:
            assert one.rows * one.columns * one.pattern.m == 16 * design.pattern.m
            assert (one.max_k, one.batch_tokens, one.flexible, one.pipeline) == (
                960, 7, "none", "inputs")


def test_sparse_is_compared_with_the_cheapest_dense_one():
    found = Figures(Whole(60.0, 20.0), (Whole(90.0, 30.0), Whole(80.0, 70.0)))
    assert found.ratio(lambda area: area.logic) == 60 / 80
    assert found.ratio(lambda area: area.whole) == 80 / 120
    unknown = Figures(Whole(60.0, None), (Whole(90.0, None),))
    assert unknown.ratio(lambda area: area.whole) is None
    assert unknown.ratio(lambda area: area.logic) == 60 / 90


def test_accelerators_of_every_size_and_batch():
    base = Design(Pattern(2, 4), max_k=64)
    made = list(accelerators([Pattern(2, 4), Pattern(4, 8)], [2, 3], [8, 16], base))
    assert len({one.sparse for one in made}) == 8
    assert all(one.sparse.rows == one.sparse.columns for one in made)


@pytest.mark.parametrize(("arguments", "message"), [
    (["--batches", "8"], "batches must be left out without accelerators, not '8'"),
    (["--memories", "x"], "memories must be left out without accelerators, not 'x'"),
    (["--pipeline", "gathered"],
     "pipeline must be left out without accelerators, not 'gathered'"),
    (["--accelerators", "4", "--selectors-only"],
     "selectors_only must be left out with accelerators, not '--selectors-only'"),
    (["--accelerators", "65"], "accelerators must be an integer from 1 to 64, not 65"),
    (["--accelerators", "4", "--patterns", "4:4"],
     "patterns must have N below M with accelerators, not 4:4"),
    (["--accelerators", "4", "--max-k", "16777216"], ("max_k must be from 1 to 131071, which an "
     "accumulator_width of 32 bits covers, not 16777216")),
    (["--patterns", "3:7"], "m must be a power of two for flexible 'all', not 7"),
    (["--goal", "speed"], "goal must be one of area, work, delay, not 'speed'"),
    (["--workers", "0"], "workers must be an integer from 1 to 256, not 0"),
])
def test_bad_input_is_one_sentence(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m synth.ratios: error: {message}"
