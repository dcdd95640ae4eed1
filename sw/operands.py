"""Operands of trained models for measurements of energy: ``python -m sw.operands``."""

from collections.abc import Sequence

from hw.command.files import check_writable, write_all
from hw.command.kinds import folder
from hw.command.parser import Arguments, Parser
from hw.command.run import run


__all__ = ["main"]


def _parser() -> Parser:
    parser = Parser("python -m sw.operands",
                    "Record activations and weights of trained models as int8. The files that "
                    "synth.energy uses are in synth/energy/recorded; to replace them, name that "
                    "folder.", extra="model")
    parser.option("-o", "--output", kind=folder(), default="build/operands",
                  help="directory for the .npz files")
    return parser


def _run(arguments: Arguments) -> None:
    check_writable(arguments.output)
    from sw.evaluation.operands import recorded

    for path in write_all(arguments.output, {**recorded()}):
        print(path)


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
