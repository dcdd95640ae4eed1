"""The page of what is proved lists what is declared."""

import re

from hw.config import Pattern
from tests.commands import ROOT, refused
from verify.formal import command
from verify.formal.engine import Outcome
from verify.formal.names import GROUPS
from verify.formal.page import page
from verify.formal.properties import properties


DEFAULTS = [Pattern(2, 4), Pattern(8, 16)]


def rows(text):
    """Group, subject, pattern and result of each row."""
    found = []
    for part in text.split("\n## ")[1:]:
        group = part.splitlines()[0].lower()
        found += [(group, *row) for row in re.findall(
            r"^\| (?!subject|--)([^|]+) \| ([^|]*?) ?\| [^|]+ \| [^|]+ \| ([^|]+) \|", part, re.M)]
    return found


def test_page_lists_every_property_as_proved():
    shown = rows((ROOT / "docs" / "proofs.md").read_text())
    assert shown == [(each.group, each.subject, str(each.pattern or ""), "proved")
                     for each in properties(GROUPS, DEFAULTS)]


def test_page_says_what_is_not_proved():
    each = next(properties(["streams"], []))
    outcome = Outcome({"a": "first", "b": "second", "c": "third"}, {"a": None, "b": 3}, "pdr", 1.0)
    assert rows(page([(each, outcome)])) == [
        ("streams", each.subject, "", "b broken after 3 cycles; c undecided")]
    assert outcome.broken == ("b",)
    assert outcome.undecided == ("c",)


def test_groups_that_were_not_asked_for_stay_on_the_page():
    before = (ROOT / "docs" / "proofs.md").read_text()
    each = next(properties(["masks"], []))
    after = page([(each, Outcome({"a": "first"}, {"a": None}, "pdr", 1.0))], before)
    assert [row for row in rows(after) if row[0] != "masks"] == [
        row for row in rows(before) if row[0] != "masks"]
    assert [row for row in rows(after) if row[0] == "masks"] == [
        ("masks", each.subject, str(each.pattern), "proved")]
    assert page([], before) == before


def test_patterns_of_groups_that_have_none_are_refused(capsys):
    last = refused(command.main, ["--groups", "registers", "--patterns", "4:8"], capsys)
    assert last == ("python -m verify.formal: error: patterns must be left out with groups that "
                    "have none, not '4:8'")
