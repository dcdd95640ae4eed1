"""Area, cells and delay of every design: ``python -m synth.report --patterns 2:4 8:16 -o DIR``."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hw.command.files import check_writable
from hw.command.kinds import Kind, folder, one_of, whole
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from hw.config import DESIGNS, SELECTORS, Design
from hw.generate.arguments import add_design_arguments, design_from
from synth.command import (
    EXTRA,
    add_flow,
    add_lef,
    add_memories,
    add_patterns,
    add_store,
    make_flow,
    open_store,
    read_lef,
    read_memories,
    variant,
)


if TYPE_CHECKING:
    from synth.reports.rows import Row


__all__ = ["main"]


def _parser() -> Parser:
    parser = Parser("python -m synth.report",
                    "Synthesise designs and report area, cells and delay, as a table and as "
                    "report.json, report.csv and area.png.", extra=EXTRA)
    add_patterns(parser)
    parser.option("--designs", aliases=("--design",), kind=one_of(*DESIGNS), many=True,
                  default=DESIGNS, help="what to synthesise")
    parser.option("--selectors", kind=one_of(*SELECTORS), many=True, default=SELECTORS,
                  help="structures of the selector, for a row each of selector and compressor")
    parser.option("--variants", kind=Kind("NAME=VALUE", "", variant), many=True, commas=False,
                  help="further rows for the designs that have these parameters, as in "
                       "encoding=rank shift=mean+statistics")
    parser.option("-o", "--output", kind=folder(), default="build/report",
                  help="directory of the files")
    add_store(parser)
    add_flow(parser)
    add_memories(parser)
    parser.flag("--wires", help="also place every design once: core, length of wires, longest path "
                                "with them; minutes for large designs")
    add_lef(parser, "--wires")
    parser.option("--seeds", kind=whole(1, 16), default=1,
                  help="with --wires, placements of each design, of which the means count")
    add_design_arguments(parser)
    return parser


def _selectors(arguments: Arguments) -> list[str]:
    """Structures for a row each; ``--selector`` is the only one, in every design."""
    if "selector" in arguments.given:
        arguments.refuse("selectors", where="with a selector for all designs")
        return [arguments.selector]
    if "stages" in arguments.given and "accelerator" not in arguments.designs \
            and "radix" in arguments.selectors:
        arguments.selector = "radix"  # whose stages they are; the others have none
    return list(dict.fromkeys(arguments.selectors))


def _rows(arguments: Arguments) -> "list[Row]":
    """What is to be synthesised; ValueError if something that is asked for has no row."""
    from synth.reports.rows import COMPARING, plan

    names, patterns = (list(dict.fromkeys(given))
                       for given in (arguments.designs, arguments.patterns))
    if not set(names) & set(COMPARING):
        arguments.refuse("selectors", where=f"without the designs {' and '.join(COMPARING)}")
    variants = arguments.variants or []
    for chosen, text in zip(variants, arguments.given.get("variants", "").split(), strict=True):
        if not any(Design.has(name, chosen) for name in names):
            raise ValueError("variants must be of parameters that one of the designs "
                             f"{', '.join(names)} has, not {text!r}")
    selectors = _selectors(arguments)
    rows = plan(names, patterns, selectors, design_from(arguments, patterns[0]), variants)
    if dense := [str(pattern) for pattern in patterns if pattern.dense and "selector" in names]:
        if not rows:
            raise ValueError(f"patterns must have N below M for a selector, not {dense[0]}")
        print(f"no selector at {', '.join(dense)}, where every value is kept", file=sys.stderr)
    return rows


def _run(arguments: Arguments) -> None:
    check_writable(arguments.output)
    if not arguments.wires:
        arguments.refuse("lef", where="without wires")
        arguments.refuse("seeds", where="without wires")
    rows = _rows(arguments)
    from synth.memories.buffers import buffers
    from synth.reports.report import report
    from synth.sweep.point import Cells

    if not any(buffers(row.name, row.design) for row in rows):
        arguments.refuse("memories", where="without a design that has memories")
    sizes = read_lef(arguments)[0] if arguments.wires else ()
    synthesis = make_flow(arguments)
    report(rows, synthesis, Cells(arguments.liberty, tuple(sizes)), open_store(arguments),
           arguments.output, seeds=arguments.seeds if arguments.wires else 0,
           sram=read_memories(arguments, synthesis.library))


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
