"""A whole encoder layer of a trained model through the RTL: ``python -m sim.model``."""

from collections.abc import Sequence

from hw.command.kinds import file, one_of, text
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from hw.config import Design, Pattern
from hw.generate.arguments import PATTERN
from sim.command import add_accelerator, model_parser, read_array, read_designs, read_sentences
from sim.simulators.environment import check_environment
from sw.driver.needed import CORRECTIONS, LEARNED
from sw.methods.names import CRITERIA, split_names


__all__ = ["main"]


def _parser() -> Parser:
    parser = model_parser(
        "python -m sim.model",
        "Run every linear layer of an encoder layer of the MiniLM sentence encoder through the "
        "generated RTL, in Verilator, and compare it with the reference. The exit code is 1 if a "
        "result differs.")
    parser.option("--corrections", kind=text("NAME+NAME", f"{', '.join(CORRECTIONS)}, or "
                                             "several, as in d-pts+var"),
                  default="none", help="corrections of all layers, together")
    parser.option("--criterion", aliases=("--criteria",), kind=one_of(*CRITERIA), default="act",
                  help="what is selected by")
    parser.option("--learned", kind=file(),
                  help=f"of python -m sw.calibrate, for {', '.join(LEARNED)}")
    parser.option("--array", kind=PATTERN,
                  help="run all patterns on one array of this pattern, which takes others at run "
                       "time (default: an array for each pattern)")
    add_accelerator(parser)
    return parser


def _runs(arguments: Arguments) -> list[tuple[Design, Pattern]]:
    """Designs and the patterns to run on them; ValueError if one of them cannot be."""
    if arguments.array is None:
        return [(design, design.pattern) for design in read_designs(arguments)]
    arguments.refuse("flexible", where="with an array, which takes every pattern")
    design, patterns = read_array(arguments)
    return [(design, pattern) for pattern in patterns]


def _run(arguments: Arguments) -> int:
    runs, sentences = _runs(arguments), read_sentences(arguments)
    corrections, = split_names([arguments.corrections])
    if arguments.learned is not None and not arguments.learned.is_file():
        raise ValueError(f"learned must be a readable file, not {str(arguments.learned)!r}")
    if not set(corrections) & set(LEARNED):
        arguments.refuse("learned", where="without a learned correction")
    check_environment()
    from sim.runs.model import Treatment, read_learned, report
    treatment = Treatment(arguments.criterion, corrections, read_learned(arguments.learned))
    return 0 if report(runs, treatment, arguments.layer, sentences) else 1


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
