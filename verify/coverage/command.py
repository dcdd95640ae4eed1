"""Coverage of generated designs: ``python -m verify.coverage -o DIR``."""

from collections.abc import Sequence

from hw.command.files import check_writable, write_all
from hw.command.kinds import folder, one_of, whole
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from hw.config import Design, Pattern
from hw.generate.arguments import PATTERN
from sim.simulators.environment import check_environment


__all__ = ["main"]


DESIGNS = ("accelerator", "compressor", "decompressor")
FILES = ("coverage.json", "holes.csv", "crosses.csv")


def _parser() -> Parser:
    parser = Parser(
        "python -m verify.coverage",
        "Count which lines of generated Verilog random jobs and streams take, and which bits of "
        "all signals go both ways. Every result is compared with the reference. Bits that cannot "
        "toggle are left out: those that are constant in the Verilog, and those of a declared "
        "fact. What else does not toggle is a hole, with its reason: proved, or declared. Also "
        "listed: which values of the parameters meet in the benches. A run that was ended goes "
        "on. The exit code is 1 if a result is wrong, or a bit of a fact toggles.",
        extra="sim,synth,model")
    parser.option("--designs", aliases=("--design",), kind=one_of(*DESIGNS), many=True,
                  default=DESIGNS, help="what to measure, at its default parameters")
    parser.option("--pattern", aliases=("--patterns",), kind=PATTERN, default=Pattern(8, 16),
                  help="pattern of the designs")
    parser.option("--blocks", kind=whole(600, 1_000_000), default=4000,
                  help="random blocks for compressor and decompressor")
    parser.option("--layers", kind=whole(1, 10_000), default=16,
                  help="random layers for the accelerator, beside those that fill its buffers")
    parser.option("-o", "--output", kind=folder(), default="build/coverage",
                  help="directory for coverage.json, holes.csv, crosses.csv, and what is counted "
                  "and proved so far")
    return parser


def _run(arguments: Arguments) -> int:
    if "accelerator" not in arguments.designs:
        arguments.refuse("layers", where="without the design accelerator")
    if set(arguments.designs) == {"accelerator"}:
        arguments.refuse("blocks", where="without the designs compressor and decompressor")
    check_writable(arguments.output, FILES)
    check_environment()
    from hw.command.table import Table
    from verify.coverage.benches import benches
    from verify.coverage.facts import facts
    from verify.coverage.measure import measure
    from verify.coverage.report import contents, crosses, summary
    design = Design(arguments.pattern)
    outcomes, reasons = {}, {}
    for name in dict.fromkeys(arguments.designs):
        try:
            outcomes[name] = measure(name, design, blocks=arguments.blocks,
                                     layers=arguments.layers, kept=arguments.output / "state")
        except (AssertionError, TimeoutError) as stopped:
            print(f"{name}: {stopped}")
            return 1
        reasons[name] = [fact.reason for fact in facts(name, design.only(name))]
    table = Table(f"Coverage at {design.pattern}", ("design",),
                  ("bits", "left out", "toggled", "holes", "lines taken"))
    for name, outcome in outcomes.items():
        row = summary(name, outcome)
        table.row(name, f"{row['bits']:,}", f"{row['excluded']:.2%}", f"{row['toggles']:.2%}",
                  f"{row['holes']:,}", f"{row['taken']:.2%}")
    table.print()
    files = contents(str(design.pattern), outcomes, reasons)
    for path in write_all(arguments.output, {**files, "crosses.csv": crosses(benches())}):
        print(path)
    wrong = [bit for outcome in outcomes.values() for bit in outcome.wrong]
    for bit in wrong:
        print(f"{bit.module}: {bit} is left out by a fact, and toggles")
    return 1 if wrong else 0


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)
