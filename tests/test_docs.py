"""Prose that stays true: links lead somewhere, and what is named in code stands in the code."""

import ast
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
PATH = re.compile(r"(?<![\w/.-])(?:docs|hw|sw|sim|synth|tests)/[\w./]*[\w/](?![\w<*])")
PYTHON = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
NAME = re.compile(r"`((?:hw|sw|sim|synth|tests)(?:\.\w+)+)`")


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def anchors(text):
    """Names under which the headings of a page can be linked, on GitHub and on the site."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def imported(text):
    """Full names that the examples of a page import."""
    for code in PYTHON.findall(text):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("name", names(PAGES))
def test_links_lead_somewhere(name):
    page = ROOT / name
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        target, _, anchor = link.partition("#")
        if ":" in target:
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{name} links to {link}"
        assert path == ROOT or ROOT in path.parents, f"{name} links out of the project: {link}"
        assert not anchor or anchor in anchors(path.read_text()), f"{name} links to {link}"


@pytest.mark.parametrize("name", names(PAGES))
def test_files_and_names_exist(name):
    whole = (ROOT / name).read_text()
    text = LINK.sub("](", FENCE.sub("", whole))
    for path in PATH.findall(text):
        assert (ROOT / path).exists(), f"{name} names {path}"
    for dotted in [*NAME.findall(text), *imported(whole)]:
        try:
            pkgutil.resolve_name(dotted)
        except (AttributeError, ImportError) as error:
            raise AssertionError(f"{name} names {dotted}") from error


def test_pages_that_the_code_names_exist():
    found = 0
    for package in ("hw", "sw", "sim", "synth", "verify", "tests"):
        for source in (ROOT / package).rglob("*.py"):
            for path in re.findall(r"\bdocs/[\w/]*\w\.\w+", source.read_text()):
                found += 1
                assert (ROOT / path).exists(), f"{source} names {path}"
    assert found


@pytest.mark.long
def test_site_builds_without_a_warning(tmp_path):
    """Every page is reached, every link and role resolves, and each room has its reference."""
    run = subprocess.run([sys.executable, "-m", "sphinx", "-E", "-W", "--keep-going", "-q", "docs",
                          tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    rooms = [path.parent for package in ("hw", "sw", "sim", "synth", "verify")
             for path in (ROOT / package).rglob("__init__.py")
             if path.parent not in (ROOT / "sim" / "tests", ROOT / "sim" / "benches")]
    assert len(rooms) > 20
    for room in rooms:
        name = ".".join(room.relative_to(ROOT).parts)
        page = tmp_path / "reference" / name.partition(".")[0] / f"{name}.html"
        assert page.exists(), f"{name} has no page"
        assert str(ROOT) not in page.read_text(), f"the page of {name} tells of this machine"
