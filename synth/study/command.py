"""Accuracy, area, energy and time of patterns on one page: ``python -m synth.study -o DIR``."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hw.command.files import check_file, check_writable, write_all
from hw.command.kinds import Kind, file, folder, one_of, text, whole
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from hw.config import PIPELINES, SELECTORS
from synth.command import EXTRA, WORKERS, add_patterns, add_store, open_store
from synth.scripts import GOALS
from synth.study.effects import MEASURED, require_effect
from synth.study.files import KINDS, names
from synth.study.formats import NUMBERS, left_out
from synth.study.markdown import inserted, marks
from synth.study.plan import DESIGNS, MAX_K, plan


if TYPE_CHECKING:
    from synth.study.data import Study


__all__ = ["main"]


DEFAULT = ("area", "energy", "tokens")
"""Parts of a study that are measured unless others are asked for."""

def _library(name: str, given: str) -> tuple[Path, ...]:
    """Read ``"cells.lib,tech.lef,cells.lef"``: a Liberty file, and LEF files for energies."""
    paths = given.split(",")
    if not all(path.strip() for path in paths):
        raise ValueError(f"{name} must be LIBERTY or LIBERTY,LEF,LEF, not {given!r}")
    return tuple(map(Path, paths))


def _parser() -> Parser:
    parser = Parser(
        "python -m synth.study",
        "Synthesise accelerators that do the same work with different patterns, and write what "
        "they cost beside what the patterns lose: a page, Markdown, CSV, JSON and figures. Files "
        "are written again after every part; what was synthesised before is taken from the store.",
        extra=EXTRA)
    add_patterns(parser, "2:4", "4:8", "8:16", "16:32")
    parser.option("-o", "--output", kind=folder(), default="build/study",
                  help="directory of the files")
    parser.option("--from", kind=file(), many=True, commas=False,
                  help="study.json of studies, which become one and are drawn again; nothing is "
                       "synthesised")
    parser.option("--files", kind=one_of(*KINDS), many=True, default=KINDS, help="what is written")
    parser.option("--into", kind=file(), many=True, commas=False,
                  help="pages in Markdown whose marked tables are brought up to date")
    parser.group("what is measured")
    parser.option("--parts", kind=one_of(*MEASURED), many=True, default=DEFAULT,
                  help="figures that are made: area, energy of PEs, energy of arrays and whole "
                       "accelerators with their memories (accelerators; hours), tokens of models")
    parser.option("--designs", aliases=("--design",), kind=one_of(*DESIGNS), many=True,
                  default=DESIGNS, help="what is synthesised")
    parser.option("--formats", kind=one_of(*NUMBERS), many=True, default=NUMBERS[:1],
                  help="number formats that PEs, arrays and accelerators multiply in, and "
                       "selectors select; energies, tokens and FPGAs are those of int8")
    parser.option("--selectors", kind=one_of(*SELECTORS), many=True, default=("rank", "radix"),
                  help="structures of the selector in accelerators, a row each with each of the "
                       "pipelines")
    parser.option("--pipelines", kind=one_of(*PIPELINES), many=True, default=PIPELINES,
                  help="where sparse designs register weights, a row each: at the inputs of a "
                       "tile, or gathered in each PE")
    parser.option("--columns", kind=whole(1, 64), default=4, help="columns of an accelerator")
    parser.option("--products", kind=whole(2, 1 << 18), default=512,
                  help="products of the dense layer that it does in a cycle: rows times columns "
                       "times M")
    parser.option("--max-k", kind=whole(64, 1 << 17), default=MAX_K,
                  help="input features of a token that its buffers hold")
    parser.option("--accuracy", kind=file(), many=True, commas=False,
                  help="results.json of sw.evaluate, beside what the paper published")
    parser.group("synthesis")
    parser.option("--libraries", kind=Kind("LIB[,LEF...]", "", _library), many=True, commas=False,
                  help="cells beside the project's own: a Liberty file, and behind commas the LEF "
                       "files that energies need")
    parser.option("--goals", aliases=("--goal",), kind=one_of(*GOALS), many=True,
                  default=("area",), help="what logic is mapped for")
    parser.option("--targets", kind=text(), many=True, default=("asic",),
                  help="what designs are mapped to: asic, which are cells, or families of FPGAs, "
                       "ecp5, xc7 and gowin, where nothing is routed")
    add_store(parser)
    parser.option("--workers", kind=whole(1, 256), default=WORKERS,
                  help="designs at the same time")
    parser.option("--timeout", kind=whole(1, 604800), default=3600,
                  help="seconds after which a design is given up")
    return parser


def _run(arguments: Arguments) -> int | None:
    check_writable(arguments.output, names(arguments.files))
    for path in arguments.into or ():
        check_file("into", path)
        marks(path)
    given = getattr(arguments, "from")
    require_effect(arguments)
    designs = [] if given else plan(
        arguments.designs, arguments.patterns, columns=arguments.columns,
        products=arguments.products, max_k=arguments.max_k, selectors=arguments.selectors,
        pipelines=arguments.pipelines, formats=arguments.formats)
    if not given and not designs:
        raise ValueError("patterns must have N below M for a selector, not only "
                         f"{' '.join(map(str, arguments.patterns))}")
    from synth.study.accuracy import evaluated, published
    from synth.study.data import Study, merged, read
    importlib.import_module("hw.command.table")  # what prints must not be missed at the end

    rows = [row for path in arguments.accuracy or () for row in evaluated(path)]
    if given:
        study = merged([*map(read, given), Study(accuracy=rows)])
        _write(study, arguments)
    else:
        study = _measure(arguments, designs, [*published(), *rows])
    _print(study)
    return int(any(row["status"] != "done" for row in (*study.designs, *study.fpga)))


def _measure(arguments: Arguments, designs: list, accuracy: list) -> "Study":
    """Measure, and write the files after every part."""
    from synth.study.collect import Asked, collect

    asked = Asked(arguments.parts, designs, arguments.libraries or (), arguments.goals,
                  arguments.targets, arguments.workers, arguments.timeout,
                  left_out(((name, pattern) for name in arguments.designs
                            for pattern in arguments.patterns), arguments.formats))
    return collect(asked, accuracy, open_store(arguments),
                   lambda study: _write(study, arguments))


def _print(study: "Study") -> None:
    """The answer, for the terminal."""
    from hw.command.table import Table
    from synth.study.answer import answer
    from synth.study.files import compared

    said = answer(compared(study))
    if said.table:
        table = Table("For the same work, the smallest dense design being 1", said.headings[:1],
                      said.headings[1:])
        for row in said.table:
            table.row(*row)
        table.print()
    print(*said.paragraphs, sep="\n")


def _write(study: "Study", arguments: Arguments) -> None:
    """Write all files, then the pages of the documentation."""
    from synth.study.files import compared, contents

    study = compared(study)
    pages = inserted(study, arguments.into or [])
    write_all(arguments.output, contents(study, arguments.files))
    for path, content in pages.items():
        write_all(path.parent, {path.name: content})


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)
