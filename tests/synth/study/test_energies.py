"""Energies of PE, array and whole accelerator side by side."""

from dataclasses import replace

import pytest

from hw.config import Design, Pattern
from synth.study import collect
from synth.study.answer import answer, steps
from synth.study.curves import chosen, curves
from synth.study.files import compared
from synth.study.markdown import blocks
from tests.synth.study.small import design, small


MEMORY = {"16:16": 1.0, "4:4": 1.0, "2:4": 0.7, "4:8": 0.6, "8:16": 0.5, "16:32": 0.5}
"""Energy of the memories of an accelerator for a product."""


def powered(row):
    """A row with the energy of memories, where it is an accelerator of which one is known."""
    if row["design"] != "accelerator" or not row["energy"]:
        return row
    memory = MEMORY[row["pattern"]]
    return {**row, "energy": {**row["energy"], "memory": memory,
                              "whole": row["energy"]["product"] + memory}}


@pytest.fixture(scope="module")
def study():
    made = small()
    array = design("8:16", 310.0, design="array", whole=None, memory=None)
    return compared(replace(made, designs=[*map(powered, made.designs), array]))


def test_a_whole_accelerator_is_compared_with_the_leanest_dense_one(study):
    rows = chosen(study.designs, "cells")
    assert rows["16:16"]["relative_whole_energy"] == 1
    assert rows["16:16"]["whole_energy_per_product"] == 2.0
    assert rows["8:16"]["relative_whole_energy"] == pytest.approx((0.62 + 0.5) / 2, rel=1e-4)
    assert rows["8:16"]["relative_energy"] == 0.62
    found = steps({pattern: row for pattern, row in rows.items() if not row["dense"]},
                  curves(study))
    assert found[0].costs["relative_whole_energy"] == pytest.approx(1.2 / 1.4, rel=1e-4)
    said = answer(study)
    assert "0.56 of the energy with memories" in said.paragraphs[0]
    assert "energy with memories" in said.headings


def test_energies_of_all_designs_stand_in_one_table(study):
    lines = blocks(study, "energies").splitlines()
    assert lines[0] == ("| technology | pattern | weights registered | PE | array | accelerator "
                        "| accelerator with memories |")
    assert "| cells | 16:16 dense |  |  |  | 1 pJ, 1.00 | 2 pJ, 1.00 |" in lines
    assert "| cells | 8:16 | inputs | 0.3 pJ | 0.31 pJ | 0.64 pJ, 0.64 | 1.14 pJ, 0.57 |" in lines


def test_without_memories_there_is_no_such_column():
    plain = compared(small())
    assert "with memories" not in blocks(plain, "energies")
    assert "energy with memories" not in answer(plain).headings


def test_the_accelerators_that_stand_for_a_pattern_are_simulated(study):
    asked = collect.Asked(["accelerators"], [("array", Design(Pattern(8, 16)))])
    cells = type("Named", (), {"name": "cells"})
    found = list(collect._standing(asked, cells, study))
    assert found[0] == ("array", Design(Pattern(8, 16)))
    assert sorted(str(one.pattern) for name, one in found[1:]) == sorted(MEMORY)
