"""Random inputs: every target in short, what counts as a defect, and the command."""

import time
from pathlib import Path

import pytest
from hypothesis import strategies as st

from tests.commands import start
from tests.hw.command import test_commands
from verify.fuzz import command, targets
from verify.fuzz.command import TARGETS
from verify.fuzz.commands import COMMANDS
from verify.fuzz.processes import can_be_passed, target_of
from verify.fuzz.run import Result, run_target
from verify.fuzz.target import TAKEN, Target, outcome


ONLY_TAKEN = {"registers"}
"""Where there is nothing to refuse."""


def checked(name, cases, seed):
    result = run_target(command.load(name), cases, seed)
    print(f"seed {seed}: {result}")
    assert not result.failure
    return result


@pytest.mark.parametrize("name", TARGETS)
def test_random_inputs_are_taken_or_refused(name):
    assert checked(name, 15, seed=15).cases >= 15


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_many_random_inputs_are_taken_or_refused(name):
    result = checked(name, 1000, seed=16)
    assert result.cases >= 1000
    assert set(result.outcomes) == {"taken"} | ({"refused"} - ({"refused"} if name in ONLY_TAKEN
                                                              else set()))


def found(check, **options):
    return run_target(Target("x", "", st.integers(0, 1000), check, **options), 100, 1)


@pytest.mark.parametrize(("raised", "says"), [
    (ValueError("x must be 1, not 2\nand more"), "more than a line"),
    (ValueError("invalid literal for int()"), "not a sentence of the project's own"),
    (KeyError("x"), "KeyError"), (RecursionError(), "RecursionError"),
])
def test_what_no_user_should_see_is_found_with_its_smallest_case(raised, says):
    def check(case):
        def work():
            if case > 200:
                raise raised

        return outcome(work)

    result = found(check)
    assert result.case == "201"
    assert says in result.failure
    assert result.failure.endswith(")")
    assert result.outcomes


def test_a_sentence_is_a_refusal():
    def check(case):
        def work():
            if case > 200:
                raise ValueError("x must be at most 200, not 201")

        return outcome(work)

    result = found(check)
    assert not result.failure
    assert set(result.outcomes) == {"taken", "refused"}


def test_what_hangs_is_found():
    result = found(lambda case: time.sleep(9) or TAKEN, limit=0.05, shrinks=False)
    assert result.failure.startswith("Hang: more than 0.05 s")


def test_the_same_seed_draws_the_same_cases():
    drawn = []
    for _ in range(2):
        found(lambda case: drawn.append(case) or TAKEN)
    half = len(drawn) // 2
    assert drawn[:half] == drawn[half:]


def test_every_command_and_every_target_is_there():
    """Commands are those that have a parser; a file is a target, and the other way round."""
    assert sorted(COMMANDS) == sorted(test_commands.COMMANDS)
    files = {path.stem for path in Path(targets.__file__).parent.glob("[a-z]*.py")}
    assert files == set(TARGETS)
    assert all(command.load(name).name == name for name in ("names", "patterns"))


def test_words_that_no_process_can_get_are_not_drawn():
    """The system takes any bytes, and half a pair of UTF-16 is none."""
    assert can_be_passed(["--name", "\udc80\u00e4"])
    assert not can_be_passed(["--name", "a\ud828"])


def test_whole_processes_are_taken_or_refused():
    assert not run_target(target_of("hw.header"), 3, 3).failure


def test_the_command_prints_a_table_and_fails_with_what_it_found(monkeypatch, capsys):
    failed = Result("names", {"taken": 3}, 1.0, "'x'", "KeyError: 'x' (names.py:1)")
    for results, code in (([Result("names", {"taken": 3, "refused": 4}, 1.0)], 0), ([failed], 1)):
        monkeypatch.setattr(command, "_results", lambda arguments, given=results: given)
        with pytest.raises(SystemExit) as caught:
            command.main(["--targets", "names", "--seed", "7"])
        assert caught.value.code == code
    printed = capsys.readouterr().out
    assert printed.count("seed 7") == 2
    assert "names: KeyError: 'x' (names.py:1)\n  input: 'x'\n" in printed


@pytest.mark.long
def test_the_command_leaves_nothing_in_the_folder_that_it_runs_in(tmp_path):
    process = start(["verify.fuzz", "--targets", "names", "--cases", "3"], cwd=tmp_path)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "names" in out
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_the_command_runs_targets_and_processes(capsys):
    with pytest.raises(SystemExit) as caught:
        command.main(["--targets", "names", "memories", "--cases", "30"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.count(" 30 ") == 2
