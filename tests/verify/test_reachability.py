"""What ABC has decided when its time is over."""

import sys

import pytest

from hw.command.faults import Fault
from verify import reachability


ENDLESS = """#!{python}
print("Proved output 1 in frame 4 (converged).")
print("Output 2 was asserted in frame 7 (7) (solved 2 out of 3 outputs).")
while True:
    pass
"""


def _stands_in(program, text, monkeypatch):
    program.write_text(text.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setattr(reachability, "abc_program", lambda: program)


def test_what_was_decided_before_the_end_of_its_time_is_kept(tmp_path, monkeypatch):
    """Lines of a program that is ended are not lost on their way."""
    _stands_in(tmp_path / "abc", ENDLESS, monkeypatch)
    assert reachability.search(tmp_path, 1) == {1: None, 2: 7}


def test_one_that_fails_is_no_search_that_found_nothing(tmp_path, monkeypatch):
    _stands_in(tmp_path / "abc", "#!{python}\nraise SystemExit('Cannot open')\n", monkeypatch)
    with pytest.raises(Fault, match=r"^ABC must decide, not fail"):
        reachability.search(tmp_path, 1)


def test_nothing_is_decided_that_waits_for_ever(tmp_path, monkeypatch):
    """A machine that is too busy is no fault."""
    _stands_in(tmp_path / "abc", "#!{python}\nimport time; time.sleep(60)\n", monkeypatch)
    monkeypatch.setattr(reachability, "BUSY", 0.3)
    assert reachability.search(tmp_path, 1) == {}
