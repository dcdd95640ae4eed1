"""What is compared, and what is said of it."""

from dataclasses import replace

import pytest

from synth.study.answer import answer, steps
from synth.study.curves import chain, chosen, curves, front, order
from synth.study.data import Study
from synth.study.designs import compare
from tests.synth.study.small import LOST, design, small


@pytest.fixture(scope="module")
def study():
    made = small()
    return replace(made, designs=compare(made.designs))


def of(study, **wanted):
    row, = [row for row in study.designs if all(row[key] == value
                                                for key, value in wanted.items())]
    return row


def test_designs_are_compared_with_the_smallest_dense_one_of_the_same_throughput(study):
    row = of(study, technology="cells", pattern="8:16", selector="rank", design="accelerator")
    assert row["area_per_product"] == pytest.approx(620 / 32, rel=1e-4)
    assert row["relative_area"] == 0.62
    assert row["relative_whole"] == pytest.approx(720 / 1100, rel=1e-4)
    assert row["relative_energy"] == 0.62
    assert row["relative_throughput"] == pytest.approx(1 / 0.62, rel=1e-4)
    assert of(study, pattern="4:4")["relative_area"] == 1.2


def test_every_technology_has_its_own_dense_design(study):
    row = of(study, technology="other</script>", pattern="8:16")
    assert row["relative_area"] == 0.75


def test_what_has_no_dense_design_or_failed_is_not_compared(study):
    for pattern in ("8:16", "16:32"):
        row = of(study, design="pe", pattern=pattern)
        assert row["relative_area"] is None
        assert row["relative_throughput"] is None


def test_throughput_is_at_the_own_path_of_each_design(study):
    rows = [dict(row) for row in small().designs]
    fast = next(row for row in rows if row["pattern"] == "4:8")
    fast["delay"] = 10.0
    found = next(row for row in compare(rows) if row["pattern"] == "4:8")
    assert found["relative_throughput"] == pytest.approx(2 / 0.6, rel=1e-4)


def test_patterns_stand_in_the_order_of_density_and_block():
    assert order(["16:32", "1:4", "2:4", "4:4", "2:4", "12:16"]) == [
        "4:4", "12:16", "2:4", "16:32", "1:4"]
    assert chain(["16:32", "1:4", "2:8", "2:4", "4:8", "8:8", "12:16"]) == ["2:4", "4:8", "16:32"]
    assert chain(["4:4"]) == []


def test_the_energy_of_the_pe_stands_for_an_unknown_one_and_is_called_that(study):
    rows = [{**row, "relative_energy": 0.8 if row["design"] == "pe" else None}
            for row in study.designs]
    found = chosen(rows, "cells")
    assert found["8:16"]["relative_energy"] == 0.8
    assert found["8:16"]["design"] == "accelerator"
    assert "energy of the PE" in answer(replace(study, designs=rows)).headings
    assert "energy" in answer(study).headings


def gathered(pattern, gates, **more):
    return design(pattern, gates, parameters={"pipeline": "gathered"}, **more)


def test_of_two_pipelines_the_better_stands_for_its_pattern_with_the_energy_of_its_own_pe():
    pes = [{**made, "products": 16, "whole": None, "memory": None, "energy": {
        **made["energy"], "product": energy}} for made, energy in (
            (design("8:8", 100.0, design="pe"), 1.0), (design("8:16", 120.0, design="pe"), 0.9),
            (gathered("8:16", 130.0, design="pe"), 0.6))]
    bare = [design("16:16", 1000.0, energy=None), design("8:16", 620.0, energy=None),
            gathered("8:16", 650.0, energy=None, delay=15.0)]
    found = chosen(compare([*bare, *pes]), "cells")["8:16"]
    assert (found["pipeline"], found["gates"]) == ("gathered", 650.0)
    assert (found["relative_energy"], found["energy_of"]) == (0.6, "PE")
    slow = [*bare[:2], {**bare[2], "delay": 25.0}]
    found = chosen(compare([*slow, *pes]), "cells")["8:16"]
    assert (found["pipeline"], found["relative_energy"]) == ("gathered", 0.6)
    found = chosen(compare([*slow, *pes[:2], {**pes[2], "energy": None}]), "cells")["8:16"]
    assert (found["pipeline"], found["relative_energy"]) == ("inputs", 0.9)
    slow = [*bare[:2], {**bare[2], "delay": 35.0}]
    found = chosen(compare([*slow, *pes]), "cells")["8:16"]
    assert (found["pipeline"], found["relative_energy"]) == ("inputs", 0.9)


def test_the_design_with_most_work_for_area_and_time_stands_for_its_pattern(study):
    rows = chosen(study.designs, "cells")
    assert list(rows) == ["4:4", "16:16", "2:4", "4:8", "8:16", "16:32"]
    assert rows["8:16"]["selector"] == "rank"
    slow = [{**row, "delay": 30.0} if row["selector"] == "rank" else row for row in study.designs]
    assert chosen(compare(slow), "cells")["8:16"]["selector"] == "radix"
    assert {row["design"] for row in rows.values()} == {"accelerator"}


def test_front_is_what_nothing_else_beats_in_both():
    assert front([(2, 1), (1, 3), (3, 1), (2, 2), (4, 0)]) == [(1, 3), (2, 1), (4, 0)]


def test_curves_need_losses_and_take_integers_first(study):
    found, = curves(study)
    assert (found.model, found.format) == ("toy", "int8")
    assert found.lost == {**LOST, "unstructured-50": 0.15}
    assert found.share("8:16", "2:4") == 0.5
    more = [{**row, "format": "float"} for row in study.accuracy]
    assert curves(replace(study, accuracy=[*study.accuracy, *more])) == [found]
    assert [curve.format for curve in curves(replace(study, accuracy=[*study.accuracy[1:], *more]))
            ] == ["float"]


def test_steps_cost_and_are_worth_what_the_figures_say(study):
    rows = chosen(study.designs, "cells")
    first, second, third = steps(rows, curves(study))
    assert first.name == "2:4 to 4:8"
    assert first.costs["relative_area"] == pytest.approx(600 / 700, rel=1e-3)
    assert first.removed == pytest.approx((0.25,))
    assert second.price == pytest.approx((720 / 700 - 1) / (1 / 3), rel=1e-2)
    assert third.price == pytest.approx((760 / 720 - 1) / 0.05, rel=1e-2)
    assert third.speed == pytest.approx(620 / 660, rel=1e-3)
    assert third.dearest == pytest.approx((660 / 620 - 1) / 0.05, rel=1e-2)
    assert first.dearest < 0


def test_answer_names_the_pattern_the_costs_and_when_the_largest_pays(study):
    said = answer(study)
    assert said.paragraphs[0] == (
        "Build 8:16: up to it, every step to a larger block takes away a larger share of the loss "
        "than it adds to any cost. Against the smallest dense accelerator with the same throughput "
        "on cells it takes 0.65 of the area with memories, 0.62 of the area of the logic, 0.62 of "
        "the energy, and does 1.61 of the work in the same area and time.")
    text = "\n".join(said.paragraphs)
    assert ("From 8:16 to 16:32: area with memories +5.6 %, area of the logic +6.5 %, energy "
            "+6.5 %, work for area and time -6.1 %; 5 % of the loss goes, 1.11 % of the area with "
            "memories, 1.29 % of the area of the logic for each percent of it.") in text
    assert "25 % of the loss goes.\n" in text
    assert ("16:32 pays where a percent of the loss of 8:16 is worth more than 1.11 % of the area "
            "with memories, 1.29 % of the area of the logic.") in text
    assert "8:16 with d-pts+var loses 0.1 nats a token, less than plain 16:32 with 0.19" in text
    assert ("A token of one in prefill, the best dense design of the same throughput being 1: "
            "time 0.50 at 8:16; energy 0.50 at 8:16.") in text
    assert said.table[0] == ["2:4", "inputs", "0.73", "0.70", "0.70", "1.43", "1.00"]
    assert said.headings[-1] == "loss, toy"


@pytest.mark.parametrize(("lost", "says"), [
    (0.25, "16:32 does not pay: it loses no less than 8:16."),
    (0.10, "Build 16:32: "),
    (0.20, "Build 8:16: "),
])
def test_answer_follows_the_figures(study, lost, says):
    rows = [{**row, "lost": lost} if (row["pattern"], row["method"]) == ("16:32", "act") else row
            for row in study.accuracy]
    assert any(text.startswith(says) for text in answer(replace(study, accuracy=rows)).paragraphs)


def test_a_pattern_whose_loss_is_not_known_is_passed_over_and_named(study):
    rows = [row for row in study.accuracy if row["pattern"] != "4:8"]
    said = answer(replace(study, accuracy=rows)).paragraphs
    assert said[0].startswith("Build 8:16: ")
    assert said[0].endswith("Not judged, since no loss is known: 4:8.")
    assert any(text.startswith("From 2:4 to 4:8: ") for text in said)


def test_answer_says_what_is_missing(study):
    assert answer(Study()).paragraphs == [
        "No sparse pattern has been synthesised yet, so there is no answer."]
    text = answer(replace(study, accuracy=[], missing={"energy": "still being measured"}))
    assert "only costs can be told" in text.paragraphs[0]
    assert "Not here: energy (still being measured)." in text.paragraphs
    assert text.headings[-1] == "work for area and time"
