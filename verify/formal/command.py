"""What holds for all inputs at all times: ``python -m verify.formal``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hw.command.files import check_writable, write_all
from hw.command.kinds import folder, one_of, whole
from hw.command.parser import Arguments, Parser
from hw.command.progress import doing
from hw.command.run import run
from synth.command import add_patterns
from verify.formal.names import GROUPS


if TYPE_CHECKING:
    from verify.formal.engine import Outcome
    from verify.formal.properties import Property


__all__ = ["main"]


PAGE = "proofs.md"


def _parser() -> Parser:
    parser = Parser(
        "python -m verify.formal",
        "Prove rules of the generated Verilog for all inputs, at all times and whatever "
        "flip-flops and memories hold at power-up: that streams lose, repeat and reorder nothing, "
        "that ports obey AMBA's specification, and that masks are followed. The exit code is 1 if "
        "a rule is broken or not decided in time.\n\n"
        + " ".join(f"{name}: {text}." for name, text in GROUPS.items()),
        extra="formal")
    parser.option("--groups", kind=one_of(*GROUPS), many=True, default=tuple(GROUPS),
                  help="what is proved")
    add_patterns(parser, "2:4", "8:16")
    parser.option("--timeout", kind=whole(1, 86400), default=600,
                  help="seconds of a processor after which a property's rules are left undecided")
    parser.option("-o", "--output", kind=folder(),
                  help=f"directory for the table, {PAGE}, where other groups stay as they were")
    return parser


def _run(arguments: Arguments) -> int:
    before = ""
    if arguments.output:
        check_writable(arguments.output, [PAGE])
        if (arguments.output / PAGE).exists():
            before = (arguments.output / PAGE).read_text(encoding="utf-8")
    from hw.command.table import Table
    from verify.formal.engine import prove
    from verify.formal.page import cells, page
    from verify.formal.properties import properties

    asked = list(properties(dict.fromkeys(arguments.groups), dict.fromkeys(arguments.patterns)))
    if not asked:
        raise ValueError("groups must have a property at the patterns, not none")
    if not any(each.pattern for each in asked):
        arguments.refuse("patterns", where="with groups that have none")
    done: list[tuple[Property, Outcome]] = []
    with doing("proving", len(asked)) as task:
        for each in asked:
            done.append((each, prove(each.claim(), seconds=arguments.timeout)))
            print(f"{each}: {done[-1][1]}", flush=True)
            task.advance()
    table = Table("Proofs", ("group", "subject", "pattern"), ("rules", "engine", "result", "s"))
    for each, outcome in done:
        table.row(*cells(each, outcome))
    try:
        text = page(done, before)
        for path in write_all(arguments.output, {PAGE: text}) if arguments.output else ():
            print(path)
    finally:  # what was proved in hours is shown, also where the disk is full
        table.print()
    return int(not all(outcome.proved for _, outcome in done))


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)
