"""Every property holds, and every one of them fails when the design does."""

import pytest

from hw.config import Pattern
from tests.verify.formal.mutants import (
    MUTANTS,
    MUTANTS_OF_NETLISTS,
    MUTANTS_OF_STEPS,
    REGISTER,
    WrongGate,
)
from verify.formal.engine import prove
from verify.formal.names import GROUPS
from verify.formal.properties import properties


def short(each):
    """Whether it is proved here: a page has the others."""
    if each.group == "netlists" and each.subject.startswith("accelerator"):
        return False
    return each.group not in ("jobs", "tops", "netlists") or each.pattern.m < 16


ALL = {str(each): each for pattern in (Pattern(2, 4), Pattern(8, 16))
       for each in properties(GROUPS, [pattern]) if short(each)}
SMALL = {name: each for name, each in ALL.items() if each.pattern in (None, Pattern(2, 4))}
QUICK = ("streams: register of 8 bits", "stages: channel shift=channel coefficients=2 at 2:4",
         "masks: codec index at 2:4", "netlists: selector selector=serial at 2:4")


def mutants(each):
    if each.group == "netlists":
        return MUTANTS_OF_NETLISTS
    return MUTANTS_OF_STEPS[each.group] if each.subject == "steps" else MUTANTS[each.subject]


def check(each):
    outcome = prove(each.claim(), seconds=500)
    assert outcome.proved, outcome


def kill(each, mutant):
    outcome = prove(each.claim(), seconds=100, change=mutant)
    assert set(outcome.broken) & set(mutant.rules.split()), f"{mutant}: {outcome}"
    return outcome


@pytest.mark.parametrize("name", QUICK)
def test_holds(name):
    check(SMALL[name])


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in ALL if name not in QUICK])
def test_all_hold(name):
    check(ALL[name])


def test_every_rule_of_a_stage_can_fail():
    each = SMALL[QUICK[0]]
    outcomes = [kill(each, mutant) for mutant in REGISTER]
    assert {rule for outcome in outcomes for rule in outcome.broken} == set(outcomes[0].rules)


def test_one_wrong_gate_of_a_netlist_is_found_wherever_it_is():
    each = SMALL[QUICK[-1]]
    for number in (0, 5, 50):
        kill(each, WrongGate(number))


def test_every_property_has_mutants():
    assert all(mutants(each) for each in SMALL.values())


@pytest.mark.long
@pytest.mark.parametrize("name", SMALL)
def test_mutants_are_found(name):
    each = SMALL[name]
    outcomes = [kill(each, mutant) for mutant in mutants(each)]
    if each.group in ("registers", "masks", "bus"):  # the others repeat the rules of a register
        assert {rule for outcome in outcomes for rule in outcome.broken} == set(outcomes[0].rules)


def test_what_is_not_decided_is_not_proved():
    each = SMALL["registers: contents of the register block"]
    outcome = prove(each.claim(), seconds=1)
    assert outcome.undecided
    assert not outcome.proved
    assert "undecided" in outcome.result
