"""A component among inputs that a solver chooses, and the rules that it must keep."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from amaranth.hdl import (
    C,
    Cat,
    ClockDomain,
    Instance,
    Module,
    Mux,
    Shape,
    ShapeLike,
    Signal,
    Value,
    ValueLike,
)
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


__all__ = ["START", "Claim", "Fact", "too_long"]


START = "at_start"
"""Module whose output ``y`` is one in the first cycle only; the engine brings it along."""


class Claim(wiring.Component, ABC):
    """Rules over a component, for all inputs in all cycles.

    The first cycle resets whatever the flip-flops and memories hold at power-up, and any later
    cycle may. While the component is being reset no rule holds it to anything. Two cases are left
    out where a subclass says so: inputs that must be held still are so from one reset to the next,
    and after an input that the component is promised not to see (:meth:`excluded`) all rules are
    void until a reset.

    Parameters
    ----------
    inside : Component
        With ``i_`` before their names, all its inputs are inputs of the claim.
    still : tuple of str
        Names of inputs that are held still.
    choices : dict of str to ShapeLike
        More inputs: what the solver chooses for the rules themselves.

    Attributes
    ----------
    rules : dict of str to str
        What is claimed, by name, in one sentence each.
    lemmas : tuple of str
        Rules that follow from each other: what they say of a cycle holds if all of them held in
        the one before. They are proved together, by induction; solvers that look for invariants
        do not find what relates wide counters.
    builds : dict of str to tuple
        Lemmas on which another rule builds: it is void once one of them is broken. As all of them
        are proved without it, nothing is assumed.

    Members
    -------
    reset : In(1)
    broken : Out(len(rules))
        A bit for each rule, in order: it is broken in this cycle.
    """

    rules: ClassVar[Mapping[str, str]]
    lemmas: ClassVar[tuple[str, ...]] = ()
    builds: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType({})

    def __init__(self, inside: wiring.Component, *, still: tuple[str, ...] = (),
                 choices: Mapping[str, ShapeLike] | None = None):
        self.inside = inside
        self.still = still
        self._inputs = {"__".join(map(str, path)): Value.cast(value) for path, member, value
                        in inside.signature.flatten(inside) if member.flow == In}
        super().__init__({
            "clk": In(1), "reset": In(1), "broken": Out(len(self.rules)),
            **{f"i_{name}": In(Shape.cast(value.shape()).width)
               for name, value in self._inputs.items()},
            **{name: In(shape) for name, shape in (choices or {}).items()},
        })

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = domain = ClockDomain("sync")
        start, excluded = Signal(), Signal()
        void = Signal()
        m.submodules.start = Instance(START, o_y=start)
        m.submodules.inside = self.inside
        m.d.comb += [domain.clk.eq(self.clk), domain.rst.eq(start | self.reset)]
        for name, value in self._inputs.items():
            m.d.comb += value.eq(self._given(m, name, domain.rst))
        broken = self.watch(m)
        m.d.comb += excluded.eq(self.excluded(m))
        m.d.sync += void.eq(void | excluded)
        m.d.comb += self.broken.eq(Mux(domain.rst | void | excluded, 0, Cat(
            Value.cast(broken[rule]).any() & ~self._doubt(m, rule) for rule in self.rules)))
        return m

    def _doubt(self, m: Module, rule: str) -> Value:
        """Whether a lemma on which a rule builds is broken, or was."""
        bits = dict(zip(self.rules, self.broken, strict=True))
        doubt, was = Signal(name=f"doubt_{rule}"), Signal(name=f"doubted_{rule}")
        m.d.comb += doubt.eq(was | Cat(bits[lemma] for lemma in self.builds.get(rule, ())).any())
        m.d.sync += was.eq(doubt)
        return doubt

    def _given(self, m: Module, name: str, reset: Signal) -> Value:
        given = getattr(self, f"i_{name}")
        if name not in self.still:
            return given
        held = Signal(given.shape(), name=f"held_{name}", reset_less=True)
        with m.If(reset):
            m.d.sync += held.eq(given)
        return held

    @abstractmethod
    def watch(self, m: Module) -> Mapping[str, ValueLike]:
        """Add what watches the component; return for each rule whether it is broken now."""

    def excluded(self, m: Module) -> ValueLike:
        """Whether this cycle is none that the component has to cope with."""
        return C(0)


class Fact(wiring.Component, ABC):
    """Rules without a clock, for all inputs.

    Parameters
    ----------
    inputs : int
        Names and widths.

    Attributes
    ----------
    rules : dict of str to str
        What is claimed, by name, in one sentence each.

    Members
    -------
    broken : Out(len(rules))
        A bit for each rule, in order.
    """

    rules: ClassVar[Mapping[str, str]]

    def __init__(self, **inputs: int):
        super().__init__({**{name: In(width) for name, width in inputs.items()},
                          "broken": Out(len(self.rules))})

    def elaborate(self, platform):
        m = Module()
        broken = self.state(m)
        m.d.comb += self.broken.eq(Cat(broken[rule] for rule in self.rules))
        return m

    @abstractmethod
    def state(self, m: Module) -> Mapping[str, ValueLike]:
        """Add what is looked at; return for each rule whether it is broken."""


def too_long(m: Module, condition: ValueLike, longest: int, name: str) -> Value:
    """Whether the condition has been true for more than ``longest`` cycles in a row, with this one.

    ``name`` is that of the counter.
    """
    condition = Value.cast(condition)
    if not longest:
        return condition
    cycles = Signal(range(longest + 1), name=name)  # before this one
    with m.If(~condition):
        m.d.sync += cycles.eq(0)
    with m.Elif(cycles != longest):
        m.d.sync += cycles.eq(cycles + 1)
    return condition & (cycles == longest)
