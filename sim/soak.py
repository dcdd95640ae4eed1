"""Long random streams through the RTL: ``python -m sim.soak --blocks 100000``."""

from collections.abc import Sequence

from hw.command.kinds import whole
from hw.command.parser import Arguments, Parser
from hw.command.progress import doing
from hw.command.run import run
from sim.command import EXTRA, add_patterns
from sim.simulators.environment import check_environment, seed


__all__ = ["main"]


def _parser() -> Parser:
    parser = Parser("python -m sim.soak",
                    "Run long random streams through compressors and decompressors of every "
                    "format, encoding and option, with pauses on both sides and a reset in the "
                    "middle. The exit code is 1 at the first beat that is wrong.", extra=EXTRA)
    parser.option("--blocks", kind=whole(1000, 10_000_000), default=100_000,
                  help="blocks for each design")
    add_patterns(parser, "8:16")
    return parser


def _run(arguments: Arguments) -> int:
    check_environment()
    from sim.runs.soak import STALL, designs, soak
    print(f"SEED={seed()}, pauses with a chance of {STALL} in each cycle", flush=True)
    cases = [(name, design) for pattern in dict.fromkeys(arguments.patterns)
             for design in designs(pattern) for name in ("compressor", "decompressor")
             if name == "compressor" or (design.shift == "none" and not design.coefficients)]
    for name, design in cases:
        case = f"{name} {design.pattern} {design.options}".strip()
        with doing(f"{arguments.blocks} blocks through {case}"):
            try:
                cycles = soak(name, design, arguments.blocks)
            except (AssertionError, TimeoutError) as wrong:
                print(f"{case}: {wrong}")
                return 1
        print(f"{case}: {arguments.blocks} blocks exact in {cycles} cycles", flush=True)
    return 0


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
