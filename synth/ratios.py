"""Ratios of selectors and arrays to each other: ``python -m synth.ratios --liberty FILE``."""

from collections.abc import Sequence

from hw.command.parser import Arguments, Parser
from hw.command.progress import doing
from hw.command.run import run
from hw.config import check_flexible
from synth.command import EXTRA, add_flow, add_patterns, add_store, make_flow, open_store


__all__ = ["main"]


def _parser() -> Parser:
    parser = Parser(
        "python -m synth.ratios",
        "Compare the bit-serial selector with the combinational one, selectors whose pattern is "
        "asked for at run time with fixed ones, and the path of a large array with that of a small "
        "one.", extra=EXTRA)
    add_patterns(parser, "8:16", "16:32")
    parser.flag("--selectors-only", help="leave the arrays out")
    add_store(parser)
    add_flow(parser)
    return parser


def _run(arguments: Arguments) -> None:
    patterns = list(dict.fromkeys(arguments.patterns))
    for pattern in patterns:
        check_flexible("serial", pattern, "all")
    from synth.reports.ratios import compare, subjects

    synthesis = make_flow(arguments, open_store(arguments))
    with doing("generating designs"):
        rows = list(subjects(patterns, arrays=not arguments.selectors_only))
    compare(rows, synthesis).print()


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
