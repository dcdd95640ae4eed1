"""A feed-forward layer of a trained model through the RTL: ``python -m sim.layer``."""

from collections.abc import Sequence

from hw.command.parser import Arguments, Parser
from hw.command.run import run
from sim.command import add_accelerator, model_parser, read_designs, read_sentences
from sim.simulators.environment import check_environment


__all__ = ["main"]


def _parser() -> Parser:
    parser = model_parser(
        "python -m sim.layer",
        "Run a feed-forward layer of the MiniLM sentence encoder through the generated RTL, in "
        "Verilator, and compare its accumulators with the reference, and its cycles with those of "
        "the dense design. The exit code is 1 if a result differs.")
    add_accelerator(parser)
    return parser


def _run(arguments: Arguments) -> int:
    designs, sentences = read_designs(arguments), read_sentences(arguments)
    check_environment()
    from sim.runs.layer import report
    return 0 if report(designs, arguments.layer, sentences) else 1


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
