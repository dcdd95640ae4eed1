"""Time of masks beside topk and scatter: ``python -m sw.benchmark``."""

from collections.abc import Sequence

from hw.command.kinds import one_of, whole
from hw.command.parser import Arguments, Parser
from hw.command.progress import doing
from hw.command.run import run
from hw.config import Pattern
from sw.methods.method import PATTERN, parse_pattern


__all__ = ["main"]


def _parser() -> Parser:
    parser = Parser(
        "python -m sw.benchmark",
        "Time masks beside topk and scatter. The best of several rounds each, taken in turns, so "
        "that other load on the machine hits all.\n\nWith --outputs also the time of "
        "sw.kernel.fused.compress_shifted (shift for each token, bitmask) beside the dense product "
        "of a layer with so many outputs; only for patterns N:M.", extra="ref")
    parser.option("--patterns", aliases=("--pattern",), kind=PATTERN, many=True,
                  default=("2:4", "4:8", "8:16", "16:32"), help="N:M or unstructured-P")
    parser.option("--size", kind=whole(1, 1 << 16), default=4096, help="tokens and features")
    parser.option("--outputs", kind=whole(0, 1 << 16), default=0,
                  help="outputs of the layer to compare with; 0: none")
    parser.option("--rounds", kind=whole(1, 1000), default=5, help="rounds that are counted")
    parser.option("--threads", kind=whole(1, 1024), default=1, help="threads of the CPU")
    parser.option("--device", kind=one_of("cpu", "cuda"), default="cpu", help="where it runs")
    return parser


def _check(arguments: Arguments) -> list[Pattern | int]:
    """The patterns; ValueError if they do not fit the other options."""
    patterns = [parse_pattern(text) for text in dict.fromkeys(arguments.patterns)]
    for pattern in patterns:
        if isinstance(pattern, Pattern) and arguments.size % pattern.m:
            raise ValueError(f"size must be a multiple of {pattern.m}, not {arguments.size}")
    if all(isinstance(pattern, int) for pattern in patterns):
        arguments.refuse("outputs", where="without a pattern N:M")
    if arguments.device == "cuda":
        arguments.refuse("threads", where="on a GPU")
    return patterns


def _run(arguments: Arguments) -> None:
    patterns = _check(arguments)
    import torch

    from sw.evaluation.timing import compare, heading, random_tokens
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device must be cpu where torch finds no GPU, not cuda")
    torch.set_num_threads(arguments.threads)
    x = random_tokens(arguments.size, arguments.device)
    print(f"{arguments.size} x {arguments.size} bfloat16, torch {torch.__version__}, "
          f"{arguments.device}, {arguments.threads} thread(s)\n{heading(arguments.outputs)}")
    for pattern in patterns:
        with doing(f"timing {pattern}"):
            line = compare(x, pattern, arguments.rounds, arguments.outputs)
        print(line, flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
