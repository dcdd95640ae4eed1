"""Train the decoder: ``python -m sw.decoder.train``, about half an hour on two cores."""

from collections.abc import Sequence

from hw.command.files import check_file, check_writable
from hw.command.kinds import file, folder, whole
from hw.command.parser import Arguments, Parser
from hw.command.run import run


__all__ = ["main"]


def _parser() -> Parser:
    parser = Parser(
        "python -m sw.decoder.train",
        "Train the decoder, about half an hour on two cores. Seeded and resumable: a run that was "
        "interrupted goes on from its last checkpoint, and gives the same weights as one that was "
        "not.\n\nThe weights that come with the package are in sw/decoder/weights; to take others, "
        "name that folder.", extra="model")
    parser.option("--steps", kind=whole(1, 1 << 20), default=2000, help="steps of 8 windows")
    parser.option("--seed", kind=whole(0, (1 << 31) - 1), default=0,
                  help="of the first weights and of the windows")
    parser.option("-o", "--output", kind=folder(), default="build/decoder",
                  help="folder for weights, configuration and tokenizer")
    parser.option("--checkpoint", kind=file(), default="build/decoder.pt",
                  help="where to go on from")
    return parser


def _run(arguments: Arguments) -> None:
    check_writable(arguments.output)
    check_file("checkpoint", arguments.checkpoint)
    from sw.decoder.training import write_decoder
    write_decoder(arguments.output, arguments.steps, arguments.seed, arguments.checkpoint)


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
