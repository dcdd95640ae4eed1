"""Every pattern on one array, beside arrays of each pattern: ``python -m sim.patterns``."""

from collections.abc import Sequence

from hw.command.kinds import number, whole
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from hw.config import BUS_OPTIONS, Pattern
from hw.generate.arguments import PATTERN
from sim.command import EXTRA, add_accelerator, add_patterns, read_array
from sim.simulators.environment import check_environment


__all__ = ["main"]


def _parser() -> Parser:
    parser = Parser(
        "python -m sim.patterns",
        "Run a random layer at every pattern, and without one, on one array that takes patterns at "
        "run time, and on an array of each pattern, in Verilator; compare results with the "
        "reference, and lanes times cycles with each other. The exit code is 1 if a result "
        "differs.", extra=EXTRA)
    parser.option("--array", kind=PATTERN, default=Pattern(16, 32),
                  help="pattern of the one array")
    add_patterns(parser, "2:4", "4:8", "8:16", "16:32", "1:4", "3:4", "12:16", "32:32")
    parser.option("--kept", kind=number(0, 1), many=True, default=(0.5, 0.3),
                  help="shares of the values to keep without a pattern, by a threshold")
    for name, size in (("tokens", 64), ("features", 768), ("outputs", 128)):
        parser.option(f"--{name}", kind=whole(1, 1 << 16), default=size,
                      help=f"{name} of the layer")
    parser.option("--seed", kind=whole(0, (1 << 63) - 1), default=1, help="seed of the layer")
    add_accelerator(parser, without=("flexible", "unstructured", *BUS_OPTIONS))
    return parser


def _run(arguments: Arguments) -> int:
    design, patterns = read_array(arguments)
    check_environment()
    from sim.runs.patterns import random_layer, report
    layer = random_layer(arguments.tokens, arguments.features, arguments.outputs, arguments.seed)
    return 0 if report(design, patterns, arguments.kept, *layer) else 1


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
