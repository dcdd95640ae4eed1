"""The reader of LEF files."""

import gzip

import pytest

from synth.flow import CELLS
from synth.library import liberty
from synth.placement import lef
from synth.placement.lef import Macro


TECHNOLOGY = """
SITE core # the one of all cells
  CLASS CORE ;
  SIZE 0.5 BY 3 ;
END core
LAYER low
  TYPE ROUTING ; WIDTH 9 ;
  WIDTH 0.2 ; CAPACITANCE CPERSQDIST 5e-05 ;
  CAPACITANCE CPERSQDIST 5e-05 ;
  RESISTANCE RPERSQ 0.1 ;
END low
LAYER cut
  TYPE CUT ;
  RESISTANCE 3 ;
END cut
LAYER high
  TYPE ROUTING ;
  WIDTH 0.2 ;
  EDGECAPACITANCE 4e-05 ;
  CAPACITANCE CPERSQDIST 2e-05 ;
  RESISTANCE RPERSQ 0.1 ;
END high
"""
INVERTER = """
MACRO INV_X1
  CLASS CORE ;
  SIZE 1.5 BY 3.0 ;
  SITE core ;
  PIN A
    DIRECTION INPUT ;
    PORT
      LAYER low ;
        RECT 0.1 0.2 0.3 0.6 ;
    END
  END A
  PIN Y
    DIRECTION OUTPUT ;
  END Y
END INV_X1
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "t.lef").write_text(TECHNOLOGY)
    (tmp_path / "c.lef.gz").write_bytes(gzip.compress(INVERTER.encode()))
    return tmp_path / "t.lef", tmp_path / "c.lef.gz"


def test_reads_cells_pins_and_site(files):
    found = lef.read(files)
    assert found.macros == {"INV_X1": Macro(1500, 3000, {"A": (200, 400)})}
    assert (found.site, found.sites) == ("core", {"core": (500, 3000)})


def test_wire_of_a_layer_is_its_area_and_two_edges(files):
    wire = lef.read(files).wire
    assert wire.capacitance == pytest.approx(0.2 * 2e-5 + 2 * 4e-5)
    assert wire.resistance == pytest.approx(0.1 / 0.2 / 1000)
    assert wire.source == "high of the LEF"


def test_width_of_a_layer_is_none_of_a_table_of_spacings(files, tmp_path):
    path = tmp_path / "x.lef"
    path.write_text(INVERTER + TECHNOLOGY.replace("""
  WIDTH 0.2 ;
  EDGE""", """
  SPACINGTABLE PARALLELRUNLENGTH 0.0 1.0
    WIDTH 0.1 0.2 0.2
    WIDTH 0.5 0.3 0.4 ;
  WIDTH 0.2 ;
  EDGE"""))
    assert lef.read([path]).wire == lef.read(files).wire


def test_fitted_wires_come_first(files, tmp_path):
    known = tmp_path / "k.lef"
    known.write_text((TECHNOLOGY + INVERTER).replace("core", "unithd"))
    assert lef.read([known]).wire == lef.ROUTED["unithd"]


def test_own_cells_all_have_the_size_of_their_area():
    found, library = lef.read([CELLS.with_suffix(".lef")]), liberty.read(CELLS)
    assert found.macros.keys() == library.cells.keys()
    for name, macro in found.macros.items():
        assert macro.width / 1000 == pytest.approx(3 * library.cells[name].area, abs=1e-3)


@pytest.mark.parametrize(("text", "reason"), [
    (TECHNOLOGY, "lef must hold the cells of the library, not none"),
    (INVERTER, "lef must hold the site 'core' of its cells, not none"),
    (INVERTER + TECHNOLOGY[:TECHNOLOGY.index("LAYER")],
     "lef must give CAPACITANCE and RESISTANCE of a routing layer, not only cells"),
])
def test_says_what_is_missing(tmp_path, text, reason):
    (tmp_path / "x.lef").write_text(text)
    with pytest.raises(ValueError, match=f"^{reason}$"):
        assert lef.read([tmp_path / "x.lef"]).wire


@pytest.mark.parametrize(("old", "new", "reason"), [
    ("SIZE 1.5 BY", "SIZE 1.2.3 BY", "lef must have numbers below 1e+09 as SIZE, not '1.2.3'"),
    ("SIZE 0.5 BY", "SIZE 0 BY", "lef must have sizes of at least 1 nm as SIZE, not '0'"),
    ("RECT 0.1", "RECT 1e999", "lef must have numbers below 1e+09 as RECT, not '1e999'"),
    ("RECT 0.1", "RECT \u0663", "lef must have numbers below 1e+09 as RECT, not '\u0663'"),
    ("WIDTH 0.2", "WIDTH 0", "lef must have a WIDTH above 0 for the layer low, not 0"),
    ("RPERSQ 0.1", "RPERSQ nan", "lef must have numbers below 1e+09 as RPERSQ, not 'nan'"),
])
def test_numbers_that_are_none_are_named(tmp_path, old, new, reason):
    path = tmp_path / "x.lef"
    path.write_text((TECHNOLOGY + INVERTER).replace("WIDTH 9 ;", "").replace(old, new))
    with pytest.raises(ValueError, match=r"^lef must have ") as caught:
        lef.read([path])
    assert str(caught.value) == reason


def test_a_number_may_stand_beside_its_semicolon(tmp_path):
    path = tmp_path / "x.lef"
    path.write_text((TECHNOLOGY + INVERTER).replace(" ;", ";"))
    assert lef.read([path]).macros["INV_X1"].width == 1500


def test_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"^lef must be LEF files .*no\.lef.*No such file"):
        lef.read([tmp_path / "no.lef"])
    (tmp_path / "broken.lef.gz").write_bytes(b"\x1f\x8bno")
    with pytest.raises(ValueError, match=r"^lef must be LEF files .*broken\.lef\.gz"):
        lef.read([tmp_path / "broken.lef.gz"])
