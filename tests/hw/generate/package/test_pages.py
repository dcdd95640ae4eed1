"""Symbol and datasheet: what people look at."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from lxml import etree
from markdown_it import MarkdownIt

from hw.config import Design
from hw.generate.package import Packaging, package
from hw.registers import REGISTERS, Error
from tests.hw.generate.package.shells import ACCELERATOR, manifest_of


SVG = {"s": "http://www.w3.org/2000/svg"}


@pytest.mark.parametrize(("top", "names"), [
    ("mine", {"clk", "rst", "s_axis_act", "s_axis_weight", "s_axis_token", "s_axis_channel",
              "m_axis_result", "s_axil", "irq"}),
    ("other", {"clk", "rst_n", "s_axis", "m_axis"})])
def test_symbol_shows_every_bus_and_port_once_inside_the_picture(project, top, names):
    root = etree.parse(project / f"{top}.svg").getroot()
    width, height = float(root.get("width")), float(root.get("height"))
    texts = [(text.text, float(text.get("x")), float(text.get("y")))
             for text in root.iterfind("s:text", SVG)]
    shown = [text for text, _, _ in texts if not text.isdigit()]
    assert sorted(shown[2:]) == sorted(names)
    assert shown[0] == top
    ends = [(float(line.get(f"x{k}")), float(line.get(f"y{k}")))
            for line in root.iterfind("s:line", SVG) for k in (1, 2)]
    assert len(ends) == 2 * len(names)
    for x, y in [*ends, *((x, y) for _, x, y in texts)]:
        assert 0 < x < width
        assert 0 < y < height


def tables(text):
    """Rows of every table of a page, by the heading above it."""
    found, heading = {}, ""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            heading = token.content
        elif before.type == "tr_open":
            found.setdefault(heading, []).append([])
        elif token.type == "inline" and before.type in ("td_open", "th_open"):
            found[heading][-1].append(token.content)
    return found


def test_datasheet_has_a_row_for_everything(project):
    found = tables((project / "mine.md").read_text())
    manifest = json.loads((project / "mine.json").read_text())
    assert [row[0].strip("`") for row in found["Ports"][1:]] == [
        port["name"] for port in manifest["ports"]]
    assert [row[3].strip("`") for row in found["Registers"][1:]] == [
        field.name for register in REGISTERS for field in register.fields]
    assert [row[1].strip("`") for row in found["Errors"][1:]] == [error.name for error in Error]
    assert len(found["Memories"]) - 1 == len(manifest["memories"])
    assert {row[0].strip("`"): row[1] for row in found["Parameters"][1:]} == {
        name: str(manifest["parameters"][name]) for name in ("n", "m", *(
            one.name for one in Design.parameters() if "accelerator" in one.metadata["designs"]))}
    beside = {path.name for path in project.iterdir() if path.name.startswith("mine")}
    assert {row[0].strip("`") for row in found["Files"][1:]} <= beside
    for rows in found.values():
        assert {len(row) for row in rows} == {len(rows[0])}


def test_datasheet_of_a_part_has_only_its_parameters(project):
    found = tables((project / "other.md").read_text())
    assert "Registers" not in found
    names = [row[0].strip("`") for row in found["Parameters"][1:]]
    assert "selector" in names
    assert "rows" not in names


@pytest.mark.parametrize(("name", "options", "says"), [
    ("compressor", {}, "from an input to the output that depends on it.\nOne input every 1 cycle:"),
    ("pe", {}, "from the weights of a step to the accumulator with its sum.\nOne step every 1 cy"),
    ("array", {}, "from the last step of a sum to its first row of results.\nOne step every 1 cy"),
    # 8 bits of a score, one of an index, and a cycle; five passes of a token for its median.
    *(("accelerator", {"bus": bus, **options},
       f"group of tokens to its first result, an accumulator.\nOne block of a token every {rate} ")
      for bus in ("stream", "axi4")
      for options, rate in (({}, "1 cycle: 125"), ({"shift": "median"}, "5 cycles: 25"),
                            ({"selector": "serial"}, "10 cycles: 12.5"))),
], ids=str)
def test_datasheet_says_what_latency_and_interval_are_of(name, options, says):
    content = manifest_of(name, replace(ACCELERATOR.only(name), **options), "mine")
    assert says in package(content, Packaging(8.0))["mine.md"]
