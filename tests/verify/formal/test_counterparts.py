"""Which flip-flops stand for which, where names do not say so."""

from verify.formal.boundary import PRIMITIVES, Boundary
from verify.formal.counterparts import counterparts


def module(flip_flops, gates=(), names=None, ports=(2,)):
    """A module as Yosys writes it: flip-flops (q, d), gates (kind, a, b, y), inputs, names."""
    cells = {f"f{q}": {"type": "$_DFF_P_", "connections": {"C": [100], "D": [d], "Q": [q]}}
             for q, d in flip_flops}
    cells |= {f"g{y}": {"type": kind, "connections": {"A": [a], "B": [b], "Y": [y]}}
              for kind, a, b, y in gates}
    return Boundary({
        "ports": {f"i{net}": {"direction": "input", "bits": [net]} for net in ports},
        "cells": cells, "netnames": {name: {"hide_name": 0, "bits": [net]}
                                     for name, net in (names or {}).items()}}, PRIMITIVES)


def test_names_come_first_and_behaviour_tells_the_others_apart():
    rtl = module([(10, 2), (11, 3), (12, 20)], [("$_AND_", 10, 11, 20)], {"first": 10}, (2, 3))
    gates = module([(50, 60), (51, 3), (52, 2)], [("$_AND_", 51, 52, 60)], {"first": 52}, (2, 3))
    assert counterparts(rtl, gates) == {10: 52, 11: 51, 12: 50}


def test_what_became_one_or_a_constant_is_found():
    rtl = module([(10, 2), (11, 2), (12, "0"), (13, "1")], names={"first": 10})
    gates = module([(50, 2)], names={"first": 50})
    assert counterparts(rtl, gates) == {10: 50, 11: 50, 12: "0", 13: "1"}


def test_what_nothing_stands_for_has_no_counterpart():
    rtl = module([(10, 2), (11, 3)], names={"first": 10}, ports=(2, 3))
    gates = module([(50, 2)], names={"first": 50}, ports=(2, 3))
    assert counterparts(rtl, gates) == {10: 50}
