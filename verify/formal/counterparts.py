"""Which flip-flop of a netlist stands for which of the RTL, or which constant does.

A name says so where there is one. Others are told apart by what they take over: all that may be
the same hold the same, random inputs run through both modules, and what then differs is not the
same; so on until nothing differs any more. A wrong guess is no fault: a proof finds it out.
"""

import random
from collections.abc import Mapping

from verify.formal.boundary import Bit, Boundary


__all__ = ["counterparts"]


_WIDTH = 256
"""Cases that run at once."""

_ROUNDS = 3
"""Rounds in which nothing may differ any more."""


def counterparts(rtl: Boundary, gates: Boundary) -> dict[Bit, Bit]:
    """Net of the netlist for nets of flip-flops of the RTL, as far as there is one."""
    names = gates.names()
    found: dict[Bit, Bit] = {}
    for name, net in rtl.names().items():
        if net in rtl.states and (other := names.get(name)) in {*gates.states, "0", "1"}:
            found.setdefault(net, other)  # type: ignore[arg-type]
    left = [net for net in rtl.states if net not in found]
    found |= _by_behaviour(rtl, gates, left, found)
    return found | _merged(rtl, gates, [net for net in left if net not in found], found)


def _by_behaviour(rtl: Boundary, gates: Boundary, left: list[Bit], found: Mapping[Bit, Bit]
                  ) -> dict[Bit, Bit]:
    rng = random.Random(1)
    free = [net for net in gates.states if net not in found.values()]
    kind_of = {("rtl", net): 0 for net in left} | {("gates", net): 0 for net in free}
    order_of_rtl, order_of_gates = _order(rtl), _order(gates)
    stable = 0
    while left and free and stable < _ROUNDS:
        held = [rng.getrandbits(_WIDTH) for _ in range(len(kind_of))]
        of_gates = {net: rng.getrandbits(_WIDTH) for net in gates.states}
        of_gates |= {net: held[kind_of["gates", net]] for net in free}
        constants = {"0": 0, "1": (1 << _WIDTH) - 1}
        of_rtl = {net: (of_gates | constants)[other] for net, other in found.items()}
        of_rtl |= {net: held[kind_of["rtl", net]] for net in left}
        given = {name: rng.getrandbits(_WIDTH) for name in rtl.given | gates.given}
        follow = {("rtl", net): value for net, value in
                  _next(rtl, order_of_rtl, of_rtl, given).items() if net in set(left)}
        follow |= {("gates", net): value for net, value in
                   _next(gates, order_of_gates, of_gates, given).items() if net in set(free)}
        kinds: dict[tuple[int, int], int] = {}
        now = {key: kinds.setdefault((kind, follow[key]), len(kinds))
               for key, kind in kind_of.items()}
        stable = stable + 1 if len(kinds) == len(set(kind_of.values())) else 0
        kind_of = now
    ends = {kind: net for (where, net), kind in kind_of.items() if where == "gates"}
    return {net: ends[kind_of["rtl", net]] for net in left if kind_of["rtl", net] in ends}


def _merged(rtl: Boundary, gates: Boundary, left: list[Bit], found: Mapping[Bit, Bit]
            ) -> dict[Bit, Bit]:
    """Constants and flip-flops that others may be the same as: equal now, and then equal next."""
    rng, ones = random.Random(2), (1 << _WIDTH) - 1
    order_of_rtl, order_of_gates = _order(rtl), _order(gates)
    candidates: dict[Bit, list[Bit]] = {net: ["0", "1", *gates.states] for net in left}
    for _ in range(_ROUNDS * bool(left)):
        constants = {"0": 0, "1": ones}
        of_gates = {net: rng.getrandbits(_WIDTH) for net in gates.states}
        of_rtl = {net: (of_gates | constants)[other] for net, other in found.items()}
        of_rtl |= {net: rng.getrandbits(_WIDTH) for net in left}
        given = {name: rng.getrandbits(_WIDTH) for name in rtl.given | gates.given}
        after = _next(rtl, order_of_rtl, of_rtl, given)
        follow = _next(gates, order_of_gates, of_gates, given) | constants
        now = of_gates | constants
        for net in left:
            candidates[net] = [other for other in candidates[net] if not
                               ~(of_rtl[net] ^ now[other]) & (after[net] ^ follow[other]) & ones]
    return {net: others[0] for net, others in candidates.items() if others}


Order = list[tuple]


def _order(boundary: Boundary) -> Order:
    """Nodes so that each comes after those that it reads."""
    drivers = {node[0]: node for node in boundary.nodes()}
    ordered: Order = []
    done: set[Bit] = set()
    for start in drivers:
        waiting = [start]
        while waiting:
            net = waiting[-1]
            ahead = [read for read in drivers[net][1] if read in drivers and read not in done]
            if net not in done and ahead:
                waiting += ahead
                continue
            waiting.pop()
            if net not in done:
                done.add(net)
                ordered.append(drivers[net])
    return ordered


def _next(boundary: Boundary, order: Order, held: Mapping[Bit, int], given: Mapping[str, int]
          ) -> dict[Bit, int]:
    """What flip-flops take over."""
    ones = (1 << _WIDTH) - 1
    values: dict[Bit, int] = {"0": 0, "1": ones, "x": 0, "z": 0, **held}
    values |= {net: given[name] for name, net in boundary.given.items() if isinstance(net, int)}
    for net, read, function in order:
        values[net] = function(*(values.get(pin, 0) for pin in read)) & ones
    return {net: values[after] for net, after in boundary.states.items()}
