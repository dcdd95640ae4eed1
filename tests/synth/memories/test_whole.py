"""Which memories stand beside a library, and what a whole design takes."""

import pytest

from hw.config import Design, Pattern
from synth.library import liberty
from synth.memories.technology import find, missing
from synth.memories.whole import access_energy, held, whole
from synth.scripts import CELLS


OWN = liberty.read(CELLS)
DESIGN = Design(Pattern(8, 16))


@pytest.fixture
def renamed(tmp_path):
    def library(name):
        path = tmp_path / "renamed.lib"
        path.write_text(CELLS.read_text().replace("library (nmforge)", f"library ({name})"))
        return liberty.read(path)
    return library


def test_a_library_has_the_macros_of_its_technology(renamed):
    assert find(OWN).name == "sg13g2, scaled"
    assert (find(OWN).area_unit, find(OWN).energy_unit) == ("GE", "C V²")
    sg13g2, sky130 = (find(renamed(name)) for name in (
        "sg13g2_stdcell_typ_1p20V_25C", "sky130_fd_sc_hd__tt_025C_1v80"))
    assert (sg13g2.name, sky130.name) == ("sg13g2", "sky130")
    assert sg13g2.models[1].area(1024, 32) == pytest.approx(
        7.2576 * find(OWN).models[1].area(1024, 32))
    assert sky130.models[2].read is None


def test_a_library_without_macros_has_no_whole_and_says_why(renamed):
    library = renamed("asap7")
    assert find(library) is None
    found = whole("accelerator", DESIGN, 5.0, None, missing(library.name))
    assert found.as_dict() == {
        "logic": 5.0, "memory": None, "whole": None, "memories": [],
        "memory_reason": "no SRAM macros are known for the library asap7; --memories takes a "
                         "table of them"}
    assert whole("pe", DESIGN, 5.0, None, missing(library.name)).whole == 5.0


def test_a_table_of_the_user_takes_the_place_of_what_is_known(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("ports,words,bits,area,read_pj,write_pj\n2,64,8,100,3,4\n2,1024,64,6400,9,9\n")
    sram = find(OWN, path)
    assert (sram.name, sram.energy_unit, set(sram.models)) == ("mine.csv", "pJ", {2})


def test_areas_add_up_and_every_memory_is_listed():
    sram = find(OWN)
    found = whole("accelerator", DESIGN, 1000.0, sram, "").as_dict()
    assert [one["name"] for one in found["memories"]] == [
        "activations", "weights", "results", "token terms", "row sums"]
    assert found["memory"] == pytest.approx(sum(one["area"] for one in found["memories"]), 1e-6)
    assert found["whole"] == pytest.approx(1000 + found["memory"])
    weights = found["memories"][1]
    assert (weights["words"], weights["bits"], weights["copies"]) == (512, 128, 4)


def test_energy_of_accesses():
    memories = held("accelerator", DESIGN, find(OWN))
    made = memories[0].made
    assert access_energy(memories, {"activations": (3, 2), "row sums": (1, 0), "results": (0, 0)}) \
        == (pytest.approx(3 * made.read_pj + 2 * made.write_pj), ("row sums",))
    with pytest.raises(ValueError, match=r"^accesses must be to memories among activations, "):
        access_energy(memories, {"tokens": (1, 1)})
