"""Space files: what they say, and how mistakes are named."""

import re

import pytest

from hw.config import DESIGNS, Design, Pattern
from hw.formats import BLOCK_FORMATS, FORMATS
from synth.scripts import CELLS
from synth.store import Store
from synth.sweep.cross import baseline, cross, no_baseline
from synth.sweep.point import Point, Simulation
from synth.sweep.space import Space, read
from synth.sweep.tables import summary
from tests.commands import ROOT


def space(folder, text):
    path = folder / "space.toml"
    path.write_text(text)
    return read(path)


def test_a_space_says_everything(tmp_path):
    (tmp_path / "other.lib").write_bytes(CELLS.read_bytes())
    found = space(tmp_path, """
patterns = ["2:4", "8:16", "2:4"]
designs = ["selector", "array"]
selectors = ["rank", "radix"]
gathers = ["window"]
formats = ["int4", "int8"]
shapes = ["4x4", "2 x 8"]
options = ["", "encoding=index", "shift=mean+statistics"]
libraries = ["nmforge", {liberty = "other.lib", lef = ["a.lef", "b.lef"], name = "slow"}]
goals = ["area", "delay"]
targets = ["asic"]
baselines = false
wires = true
energy = {inputs = "gaussian", seeds = 1}

[parameters]
tile = 2
stages = [0, 3]
pad_streams = true
""")
    assert found.patterns == (Pattern(2, 4), Pattern(8, 16))
    assert found.designs == ("selector", "array")
    assert found.parameters == {"selector": ("rank", "radix"), "gather": ("window",),
                                "format": ("int4", "int8"), "tile": (2,), "stages": (0, 3),
                                "pad_streams": (True,)}
    assert found.shapes == ((4, 4), (2, 8))
    assert found.options == ({}, {"encoding": "index"}, {"shift": "mean", "statistics": True})
    own, other = found.libraries
    assert own.liberty == CELLS
    assert (other.liberty, other.name) == (tmp_path / "other.lib", "slow")
    assert other.lef == (tmp_path / "a.lef", tmp_path / "b.lef")
    assert (found.goals, found.targets) == (("area", "delay"), ("asic",))
    assert (found.baselines, found.wires) == (False, True)
    assert found.energy == Simulation("gaussian", 1)


def test_patterns_are_enough(tmp_path):
    assert space(tmp_path, 'patterns = ["2:4"]') == Space((Pattern(2, 4),))
    assert Space((Pattern(2, 4),)).designs == DESIGNS


EXAMPLES = re.findall(r"^```toml\n(.*?)^```",
                      (ROOT / "docs" / "synth" / "sweep.md").read_text(), re.M | re.S)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_examples_of_the_docs_have_points(number, tmp_path):
    (tmp_path / "sky130hd_tt.lib.gz").write_bytes(CELLS.read_bytes())
    found = crossed(tmp_path, EXAMPLES[number])
    assert len(found.points) > 3
    assert len(EXAMPLES) >= 5


def test_the_space_of_multipliers_has_the_rows_of_its_table():
    found = read(ROOT / "docs" / "hw" / "multipliers.toml")
    assert [str(pattern) for pattern in found.patterns] == ["2:4", "4:8", "8:16", "16:32"]
    for options in found.options:
        for pattern in found.patterns[:3 if options.get("format") == "nvfp4" else 4]:
            Design(pattern, **options).require(*found.designs)
    page = (ROOT / "docs" / "formats.md").read_text()
    table = page.partition("| PE | accumulator |")[2].partition("\n\n")[0].splitlines()[2:]
    assert len(found.options) == len(table)
    for options in found.options:
        form = options.get("format", "int8")
        weight = options.get("weight_format", "int8")
        name = f"`{form}`" if form == weight and "int" not in form else f"`{form}` by `{weight}`"
        width = "fp32" if "accumulator" in options else \
            f"{options.get('accumulator_width', 32)} bits"
        assert sum(line.startswith(f"| {name} | {width} |") for line in table) == 1


KEYS = ("patterns, designs, selectors, gathers, formats, shapes, parameters, options, libraries, "
        "goals, targets, baselines, wires, energy")


@pytest.mark.parametrize(("text", "message"), [
    ('pattern = ["2:4"]', f"keys must be among {KEYS}, not 'pattern' in line 1 of space.toml"),
    ('patterns = ["2:4"]\n\n# goal = 1\n  goal = "area"',
     f"keys must be among {KEYS}, not 'goal' in line 4 of space.toml"),
    ('patterns = ["2:4"]\n[parameters]\ntile = 2\ntiles = 2',
     "'tiles' in line 4 of space.toml"),
    ('patterns = ["2:4"]\n[energy]\nseed = 2',
     "keys must be among inputs, seeds, cycles, utilisation, not 'seed' in line 3 of space.toml"),
    ('patterns = ["2:4"]\nlibraries = [\n {liberty = "x.lib", leff = "x"}]',
     "keys must be among liberty, lef, name, memories, not 'leff' in line 3 of space.toml"),
    ('patterns = ["2:4"]\n"designs.x" = 1', "not 'designs.x' in line 2 of space.toml"),
    ('designs = ["pe"]', "patterns must be given in space.toml, not left out"),
    ('patterns = []', "patterns must be a list that is not empty, not [] in line 1"),
    ('patterns = "2:4"', "patterns must be a list that is not empty, not '2:4' in line 1"),
    ('patterns = [24]', "patterns must be texts, not 24 in line 1"),
    ('patterns = ["2x4"]', "pattern must be written N:M, as in 8:16, not '2x4' in line 1"),
    ('patterns = ["4:2"]', "n must be an integer from 1 to 2, not 4 in line 1"),
    ('patterns = ["2:4"]\ndesigns = ["chip"]',
     f"designs must be one of {', '.join(DESIGNS)}, not 'chip' in line 2"),
    ('patterns = ["2:4"]\nselectors = ["best"]',
     "selector must be one of rank, radix, network, serial, not 'best' in line 2"),
    ('patterns = ["2:4"]\nselectors = ["rank"]\n[parameters]\nselector = "rank"',
     "selector must be given once, not twice in line 4"),
    ('patterns = ["2:4"]\n[parameters]\ntile = 2\nrows = 65',
     "rows must be an integer from 1 to 64, not 65 in line 4"),
    ('patterns = ["2:4"]\nparameters.tiles = 65', "'tiles' in line 2 of space.toml"),
    ('patterns = ["2:4"]\nparameters.rows = 65',
     "rows must be an integer from 1 to 64, not 65 in line 2"),
    ('patterns = ["2:4"]\nparameters.statistics = 1', "statistics must be True or False, not 1"),
    ('patterns = ["2:4"]\nshapes = ["4"]',
     "shapes must be written ROWSxCOLUMNS, as in 4x4, not '4' in line 2"),
    ('patterns = ["2:4"]\nshapes = ["4x65"]', "columns must be an integer from 1 to 64, not 65"),
    ('patterns = ["2:4"]\noptions = ["lanes=2"]', "options must name parameters among format, "),
    ('patterns = ["2:4"]\noptions = ["rows=65"]',
     "rows must be an integer from 1 to 64, not 65 in line 2"),
    ('patterns = ["2:4"]\noptions = ["encoding=csr"]',
     "encoding must be one of bitmask, index, rank, not 'csr' in line 2"),
    ('patterns = ["2:4"]\ngoals = ["power"]',
     "goals must be one of area, work, delay, not 'power'"),
    ('patterns = ["2:4"]\ntargets = ["moon"]',
     "targets must be one of asic, ecp5, xc7, gowin, not 'moon'"),
    ('patterns = ["2:4"]\nwires = 1', "wires must be true or false, not 1 in line 2"),
    ('patterns = ["2:4"]\nenergy = {seeds = 17}', "seeds must be an integer from 1 to 16, not 17"),
    ('patterns = ["2:4"]\nenergy = {utilisation = 1}',
     "utilisation must be a number above 0.1 and below 1, not 1 in line 2"),
    ('patterns = ["2:4"]\nlibraries = [{liberty = "x", lef = "y"}]',
     "lef must be left out without wires and energy, not given in line 2 of space.toml"),
    *((f'patterns = ["2:4"]\n{key} = {value}\ntargets = ["ecp5", "xc7"]',
       f"{key} must be left out without the target asic, not given in line 2 of space.toml")
      for key, value in (("goals", '["delay"]'), ("libraries", '["x"]'), ("wires", "true"),
                         ("energy", "true"))),
    ('patterns = ["2:4"]\nlibraries = [{lef = "x"}]',
     "liberty must be given in a table of libraries, not left out: {'lef': 'x'} in line 2"),
    ('patterns = ["2:4"', "space must be TOML, not "),
    (f"patterns = {5000 * '9'}", "space must be TOML, not "),
    (f"patterns = {3000 * '['}", "space must be TOML, not "),
    ('patterns = ["2:4"]\nshapes = ["\u0664x4"]', "shapes must be written ROWSxCOLUMNS"),
    (f'patterns = ["2:4"]\nshapes = ["{5000 * "9"}x4"]', "shapes must be written ROWSxCOLUMNS"),
])
def test_mistakes_are_named_with_their_line(text, message, tmp_path):
    with pytest.raises(ValueError, match="must") as caught:
        space(tmp_path, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_that_cannot_be_read_is_named(content, tmp_path):
    path = tmp_path / "space.toml"
    if content:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^space must be a readable file, not "):
        read(path)


def crossed(folder, text):
    return cross(space(folder, text), Store(folder / "store"))


def names(found):
    return [(point.name, str(point.design.pattern), point.design.selector, point.design.stages)
            for point in found.points]


def test_lists_that_a_design_lacks_do_not_multiply_it(tmp_path):
    found = crossed(tmp_path, """
patterns = ["2:4", "2:2"]
designs = ["selector", "pe"]
selectors = ["rank", "radix"]
parameters.stages = [0, 2]
""")
    assert names(found) == [
        ("selector", "2:4", "rank", 0), ("selector", "2:4", "radix", 0),
        ("selector", "2:4", "radix", 2), ("pe", "2:4", "rank", 0), ("pe", "2:2", "rank", 0)]
    assert found.combinations == 2 * 2 * 2 * 2
    assert found.absent == {"stages must be 0 with the selector rank, not 2": 1,
                            "patterns must have N below M for a selector": 4}
    assert found.baselines == 0
    assert summary([], found)[:3] == [
        ("16 combinations: 5 points, 6 the same as one of these, 5 that do not exist; "
         "0 dense baselines beside them"),
        "  1 do not exist: stages must be 0 with the selector rank, not 2",
        "  4 do not exist: patterns must have N below M for a selector"]


def test_dense_baselines_stand_beside_the_points(tmp_path):
    text = 'patterns = ["2:4", "1:4"]\ndesigns = ["array"]\nshapes = ["2x2", "4x2"]\n'
    found = crossed(tmp_path, text)
    assert [str(point.design.pattern) for point in found.points] == [
        "2:4", "2:4", "1:4", "1:4", "2:2", "2:2"]
    assert found.baselines == 2
    assert {(point.design.rows, point.design.columns) for point in found.points[-2:]} == {
        (2, 2), (4, 2)}
    assert len(crossed(tmp_path, f"{text}baselines = false").points) == 4


def test_options_make_points_of_designs_that_have_them(tmp_path):
    found = crossed(tmp_path, """
patterns = ["2:4"]
designs = ["compressor", "pe"]
options = ["", "encoding=index"]
baselines = false
""")
    assert [(point.name, point.design.options) for point in found.points] == [
        ("compressor", ""), ("compressor", "encoding=index"), ("pe", "")]
    assert found.absent == {"encoding must be of a design that has it, not of pe": 1}


def test_energies_are_of_designs_that_have_them(tmp_path):
    found = crossed(tmp_path, 'patterns = ["2:4"]\nenergy = true\nbaselines = false')
    assert {point.name for point in found.points if point.energy} == {
        "pe", "array", "compressor", "accelerator"}
    assert {point.name for point in found.points} == set(DESIGNS)


@pytest.mark.parametrize(("text", "message"), [
    ('designs = ["selector"]\nparameters.rows = 8',
     "rows must be left out without a design that has it, not given"),
    ('designs = ["pe"]\nselectors = ["radix"]',
     "selector must be left out without a design that has it, not given"),
    ('shapes = ["4x4"]\nparameters.rows = 8',
     "rows and columns must be left out with shapes, not given twice"),
    ('designs = ["selector"]\nparameters.stages = 2',
     ("space must have a combination that exists, not none: stages must be 0 with the selector "
      "rank, not 2")),
    ('designs = ["pe"]\nlibraries = ["nmforge", "other.lib"]',
     "libraries must have names of their own, not 'nmforge' twice: give one a name"),
    ('designs = ["pe"]\nlibraries = ["none.lib"]', "liberty must be a Liberty library"),
    ("parameters.max_k = [" + ", ".join(map(str, range(1, 4001))) + "]\nparameters.tile = ["
     + ", ".join(map(str, range(1, 65))) + "]",
     "space must have at most 100000 combinations, not "),
])
def test_a_space_without_points_is_refused(text, message, tmp_path):
    (tmp_path / "other.lib").write_bytes(CELLS.read_bytes())
    with pytest.raises(ValueError, match="must") as caught:
        crossed(tmp_path, f'patterns = ["2:4"]\n{text}')
    assert message in str(caught.value)


def test_a_design_without_a_dense_one_of_its_format_has_no_baseline_and_says_why():
    scaled = Design(Pattern(16, 32), format="bf16", quantize="mxfp4", weight_format="mxfp4",
                    accumulator="fp32", epilogue_lanes=0)
    point = Point("accelerator", scaled, None, "area", "ecp5")
    assert baseline(point) is None
    assert no_baseline(point) == ("no dense baseline: m must be 32 with quantize mxfp4, whose "
                                  "scales are of 32 values, not 16")
    plain = Point("accelerator", Design(Pattern(16, 32)), None, "area", "ecp5")
    assert baseline(plain) is not None
    assert no_baseline(plain) is None


def test_the_spaces_of_formats_have_every_format_and_every_design():
    found = read(ROOT / "docs" / "hw" / "formats.toml")
    assert [str(pattern) for pattern in found.patterns] == ["2:4", "4:8", "8:16", "16:32"]
    made = {name: set() for name in found.designs}
    for options in found.options:
        names = ("array",) if "weight_format" in options else ("selector", "compressor")
        for pattern in found.patterns[:3 if options["format"] == "nvfp4" else 4]:
            Design(pattern, **options).require(*names)
        for name in (*names, *["array"] * (options["format"] == "int8")):
            made[name].add(options["format"])
    assert made == {"selector": {*FORMATS}, "compressor": {*FORMATS},
                    "array": {*FORMATS, *BLOCK_FORMATS}}
    alone = read(ROOT / "docs" / "hw" / "multipliers.toml").options
    assert [options for options in found.options if "weight_format" in options] == [
        options for options in alone if "format" in options and options != {"format": "int8"}]
