"""What formats cost a model: the page has the figures that were measured, and no others."""

import csv
import re

import pytest

from tests.test_docs import ROOT


RESULTS = ROOT / "docs" / "results" / "formats"
PAGE = ROOT / "docs" / "sw" / "formats.md"


def tables(text):
    """Tables of losses: each its lines of cells, the head first."""
    found = re.findall(r"^\| loss over dense.*\n(?:\|.*\n)+", text, re.M)
    return [[line[2:-2].split(" | ") for line in table.splitlines()] for table in found]


@pytest.mark.parametrize("model", ["decoder", "minilm"])
def test_tables_are_those_of_the_results(model):
    written = (RESULTS / f"{model}.md").read_text()
    (head, _, *lines), = tables(written)
    assert [head, *lines] in [[first, *rest] for first, _, *rest in tables(PAGE.read_text())]
    basis = next(line for line in written.splitlines() if line.startswith(f"model {model}, "))
    assert basis in PAGE.read_text()
    cells = {(line[0], pattern): cell for line in lines
             for pattern, cell in zip(head[1:], line[1:], strict=True) if cell}
    with (RESULTS / f"{model}.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        where = "" if row["format"] == "none" else f"{row['format']} {row['selection']}"
        name = " ".join(filter(None, (row["criterion"], row["corrections"], where)))
        assert cells.pop((name, row["pattern"])) == (
            f"{float(row['loss']):.3f} ({float(row['loss_error']):.3f})")
    assert not cells


def test_the_page_has_no_other_losses():
    assert len(tables(PAGE.read_text())) == 2
