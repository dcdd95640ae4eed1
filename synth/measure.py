"""Measures the selectors that ``--selector auto`` chooses from: ``python -m synth.measure``."""

from collections.abc import Sequence

from hw.command.files import check_writable, write_all
from hw.command.kinds import folder
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from hw.config import Pattern
from synth.command import EXTRA, add_flow, add_store, make_flow, open_store


__all__ = ["PATTERNS", "main"]


PATTERNS = ("2:4", "4:8", "8:16", "16:32")
"""Patterns that are measured; others take the figures of the next larger one."""


def _parser() -> Parser:
    parser = Parser("python -m synth.measure",
                    f"Measure the selectors at {', '.join(PATTERNS)} and write the figures from "
                    "which --selector auto chooses. The file that the generator reads is in "
                    "hw/selector; to replace it, name that folder.", extra=EXTRA)
    parser.option("-o", "--output", kind=folder(), default="build/selector",
                  help="directory of the file")
    add_store(parser)
    add_flow(parser, liberty=True)
    return parser


def _run(arguments: Arguments) -> None:
    from hw.selector.auto import DATA

    check_writable(arguments.output, [DATA.name])
    from synth.reports.selectors import as_json, measure

    synthesis = make_flow(arguments, open_store(arguments))
    rows = measure(map(Pattern.parse, PATTERNS), synthesis)
    for path in write_all(arguments.output, {DATA.name: as_json(rows, synthesis)}):
        print(path)


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
