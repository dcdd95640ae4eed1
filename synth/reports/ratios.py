"""Ratios of selectors and arrays to each other: what ``python -m synth.ratios`` does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from amaranth.back import verilog
from amaranth.hdl import Module
from amaranth.lib import data, wiring

from hw.command.progress import doing
from hw.command.table import Table
from hw.config import VALUE_WIDTH, Design, Pattern
from hw.generate.designs import verilog as design_text
from hw.selector import make_select_stage, make_selector
from hw.stream.register import StreamRegister, chain
from synth import flow


__all__ = ["Registered", "Subject", "compare", "subjects"]


class Registered(wiring.Component):
    """A stage of a stream behind a register, so that its inputs are held as its outputs are."""

    def __init__(self, stage: wiring.Component):
        self.stage = stage
        super().__init__(stage.signature)

    def elaborate(self, platform):
        m = Module()
        chain(m, self, {"before": StreamRegister(self.i.payload.shape()), "stage": self.stage})
        return m


@dataclass(frozen=True)
class Subject:
    """Something to measure, and the number of the subject that it is compared with."""

    what: str
    text: str
    top: str
    base: int | None = None


def _component(what: str, component: wiring.Component, base: int | None = None) -> Subject:
    return Subject(what, verilog.convert(component, name="top", emit_src=False), "top", base)


def _array(size: int, base: int | None = None) -> Subject:
    text = design_text("array", Design(Pattern(8, 16), rows=size, columns=size))
    return Subject(f"array 8:16, {size} x {size}, tiles of 4", text, "nm_array", base)


def subjects(patterns: Sequence[Pattern], *, arrays: bool) -> Iterator[Subject]:
    """What is compared: selectors for each pattern, then arrays of two sizes.

    ``radix`` is the smallest combinational structure from M = 8 on. Between registers it has one
    before and one behind; those of ``serial`` are its shift registers, and no block passes by.
    """
    nothing, first = data.StructLayout({}), 0
    for pattern in patterns:
        def stage(name: str, flexible: str = "none", pattern: Pattern = pattern):
            return make_select_stage(name, nothing, pattern, VALUE_WIDTH, flexible=flexible)

        yield _component(f"radix {pattern}", make_selector("radix", pattern, VALUE_WIDTH))
        yield _component(f"radix {pattern}, n at run time",
                         make_selector("radix", pattern, VALUE_WIDTH, "n"), first)
        yield _component(f"radix {pattern} between registers", Registered(stage("radix")))
        yield _component(f"serial {pattern}", stage("serial"), first + 2)
        yield _component(f"serial {pattern}, n at run time", stage("serial", "n"), first + 3)
        yield _component(f"serial {pattern}, n, m at run time", stage("serial", "all"),
                         first + 3)
        first += 6
    if arrays:
        yield _array(4)
        yield _array(16, first)


def compare(rows: Sequence[Subject], synthesis: flow.Flow) -> Table:
    """Synthesise subjects; ratios are to the row whose number is given."""
    with doing("synthesising modules") as task:
        results = synthesis.run([(row.text, row.top) for row in rows], task.reach)
    library = synthesis.library
    table = Table(f"Ratios on {library.name}, mapped for {synthesis.goal}",
                  ("#", "design"), (library.area_unit, library.time_unit, "to #", "area", "delay"))
    for number, (row, result) in enumerate(zip(rows, results, strict=True)):
        ratios = [] if row.base is None else [
            f"{row.base}", f"{result.area / results[row.base].area:.3f}x",
            f"{result.delay / results[row.base].delay:.3f}x"]
        table.row(f"{number}", row.what, f"{result.area:,.0f}", f"{result.delay:.2f}", *ratios)
    return table
