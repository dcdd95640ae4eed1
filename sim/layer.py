"""A feed-forward layer of a trained model through the RTL: ``python -m sim.layer``."""

from collections.abc import Sequence

from hw.command.kinds import one_of
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from sim.command import (
    CHAINED,
    add_accelerator,
    in_floats,
    model_parser,
    read_designs,
    read_sentences,
)
from sim.simulators.environment import check_environment


__all__ = ["main"]


WEIGHTS = ("int4", "int8", "mxfp4")
"""Formats of weights under activations of another one."""


def _parser() -> Parser:
    parser = model_parser(
        "python -m sim.layer",
        "Run a feed-forward layer of the MiniLM sentence encoder through the generated RTL, in "
        "Verilator, and compare its accumulators with the reference, and its cycles with those of "
        "the dense design. With formats both projections run one behind the other in floats, bf16 "
        "(or fp16) in and out, bias and GELU in the accelerator. The exit code is 1 if a result "
        "differs.")
    parser.option("--formats", kind=one_of(*CHAINED), many=True,
                  help="number formats in which the whole layer runs, in place of int8 "
                       "accumulators; those of MX have blocks of 32, NVFP4 "
                       "such that divide 16")
    parser.option("--weights", kind=one_of(*WEIGHTS), help="with formats, that of weights if it is "
                  "another; integers have a scale for each output")
    add_accelerator(parser)
    return parser


def _run(arguments: Arguments) -> int:
    designs, sentences = read_designs(arguments), read_sentences(arguments)
    if arguments.formats:
        designs = [in_floats(design, name, arguments.weights or "")
                   for name in dict.fromkeys(arguments.formats) for design in designs]
    else:
        arguments.refuse("weights", where="without formats")
    check_environment()
    from sim.runs import float_layer, layer
    report = float_layer.report if arguments.formats else layer.report
    return 0 if report(designs, arguments.layer, sentences) else 1


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
