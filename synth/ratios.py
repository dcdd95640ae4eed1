"""Ratios of selectors and arrays to each other: ``python -m synth.ratios --liberty FILE``."""

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from amaranth.back import verilog
from amaranth.hdl import Module
from amaranth.lib import data, wiring
from rich.console import Console
from rich.table import Table

from hw.config import VALUE_WIDTH, Design, Pattern, integer
from hw.generate import verilog as design_text
from hw.selector import make_select_stage, make_selector
from hw.stream.register import StreamRegister, chain
from synth import flow
from synth.library import liberty


__all__ = ["Registered", "Subject", "main", "subjects"]


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
        yield _component(f"serial {pattern}, n and m at run time", stage("serial", "all"),
                         first + 3)
        first += 6
    if arrays:
        yield _array(4)
        yield _array(16, first)


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m synth.ratios",
        description="Compare the bit-serial selector with the combinational one, selectors whose "
                    "pattern is asked for at run time with fixed ones, and the path of a large "
                    "array with that of a small one.")
    parser.add_argument("--patterns", nargs="+", default=["8:16", "16:32"], metavar="N:M",
                        help="patterns of the selectors, M a power of two (default 8:16 16:32)")
    parser.add_argument("--selectors-only", action="store_true", help="leave the arrays out")
    parser.add_argument("--liberty", type=Path, default=flow.CELLS, metavar="FILE",
                        help="cells as .lib or .lib.gz (default: the project's own)")
    parser.add_argument("--goal", default="area", metavar="NAME",
                        help=f"what logic is mapped for ({', '.join(flow.GOALS)}; default area)")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1), metavar="INT",
                        help="syntheses at the same time (1 to 256; default: 2)")
    arguments = parser.parse_args(argv)
    try:
        rows = list(subjects([Pattern.parse(text) for text in arguments.patterns],
                             arrays=not arguments.selectors_only))
        synthesis = flow.Flow(liberty.read(arguments.liberty), goal=arguments.goal,
                              workers=integer("workers", arguments.workers, 1, 256))
        results = synthesis.run([(row.text, row.top) for row in rows])
    except (ValueError, flow.SynthesisError) as error:
        parser.error(str(error))
    library = synthesis.library
    table = Table(title=f"Ratios on {library.name}, mapped for {synthesis.goal}")
    for column in ("design", library.area_unit, library.time_unit, "against", "area", "delay"):
        table.add_column(column, justify="left" if column in ("design", "against") else "right")
    for row, result in zip(rows, results, strict=True):
        against = ["", "", ""] if row.base is None else [
            rows[row.base].what, f"{result.area / results[row.base].area:.3f}x",
            f"{result.delay / results[row.base].delay:.3f}x"]
        table.add_row(row.what, f"{result.area:,.0f}", f"{result.delay:.2f}", *against)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
