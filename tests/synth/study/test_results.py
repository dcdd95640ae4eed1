"""Figures in the repository: whole, small, and the only place that pages take them from."""

from pathlib import Path

import pytest

from hw.config import SELECTORS
from synth.study.data import read
from synth.study.files import compared, contents
from synth.study.markdown import MARKED, inserted
from tests.test_docs import PAGES, ROOT


RESULTS = ROOT / "docs" / "results"

PAPER = ("2:4", "4:8", "8:16", "16:32")

PATTERNS = (*PAPER, "1:4", "2:8", "4:16", "8:32", "12:16")

MARKING = [page for page in PAGES if MARKED.search(page.read_text())]


@pytest.fixture(scope="module")
def study():
    return compared(read(RESULTS / "study.json"))


def test_tables_of_pages_are_those_of_the_results(study):
    assert {page.name for page in MARKING} == {"README.md", "study.md"}
    for page, text in inserted(study, MARKING).items():
        assert page.read_text() == text, f"{page} must be made again, see docs/synth/study.md"


@pytest.mark.parametrize("name", ["study.json", "study.md", "designs.csv", "fpga.csv",
                                  "accuracy.csv", "tokens.csv"])
def test_files_are_those_of_the_study(study, name):
    kinds = ["json", "md", "csv"]
    assert (RESULTS / name).read_text() == contents(study, kinds)[name]


def test_every_pattern_is_there_on_the_own_cells_and_those_of_the_paper_elsewhere(study):
    assert study.technologies[0] == "nmforge"
    for technology in study.technologies:
        rows = [row for row in study.designs if row["technology"] == technology]
        needed = set(PATTERNS if technology == "nmforge" else PAPER)
        for design in ("pe", "array", "accelerator"):
            found = {row["pattern"] for row in rows if row["design"] == design}
            assert needed <= found, (technology, design)
        for selector in SELECTORS:
            found = {row["pattern"] for row in rows
                     if (row["design"], row["selector"]) == ("selector", selector)}
            assert needed <= found, (technology, selector)
    assert all(row["status"] == "done" for row in study.designs)


def test_models_were_evaluated_with_every_pattern(study):
    found = {(row["model"], row["pattern"]) for row in study.accuracy if row["lost"] is not None}
    for model in ("decoder", "minilm"):
        assert {(model, pattern) for pattern in PATTERNS} <= found


def test_results_are_small_figures_only():
    files = sorted(path.name for path in RESULTS.iterdir() if path.is_file())
    assert files == ["accuracy.csv", "designs.csv", "fpga.csv", "study.json", "study.md",
                     "study.png", "tokens.csv"]
    assert sum(Path(RESULTS, name).stat().st_size for name in files) < 2_000_000
