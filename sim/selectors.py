"""Selectors against a sort, for millions of blocks: ``python -m sim.selectors``."""

import time
from collections.abc import Sequence

from hw.command.kinds import one_of, whole
from hw.command.parser import Arguments, Parser
from hw.command.progress import doing
from hw.command.run import run
from hw.config import SELECTORS, Design
from sim.command import EXTRA, add_patterns
from sim.simulators.environment import check_environment, seed


__all__ = ["main"]


def _parser() -> Parser:
    parser = Parser(
        "python -m sim.selectors",
        "Run selectors, as Verilog, over blocks that are random, sorted, equal, of two values, "
        "with one outlier, with 128, and compare every mask with a sort. The exit code is 1 if a "
        "mask differs.", extra=EXTRA)
    add_patterns(parser, "2:4", "4:8", "8:16", "16:32")
    parser.option("--selectors", aliases=("--selector",), kind=one_of(*SELECTORS), many=True,
                  default=SELECTORS, help="structures")
    parser.option("--stages", kind=whole(0, 65), default=0,
                  help="pipeline registers of radix; the others have none")
    parser.option("--blocks", kind=whole(1, 1 << 40), default=10_000_000,
                  help="blocks for each pattern and selector")
    return parser


def _run(arguments: Arguments) -> int:
    if "radix" not in arguments.selectors:
        arguments.refuse("stages", where="without the selector radix")
    designs = [Design(pattern, selector=name, stages=arguments.stages if name == "radix" else 0)
               for pattern in dict.fromkeys(arguments.patterns)
               for name in dict.fromkeys(arguments.selectors)]
    check_environment()
    from sim.runs.selectors import check
    failed = False
    for design in designs:
        start, staged = time.monotonic(), f" stages={design.stages}" * bool(design.stages)
        name = f"{design.pattern} {design.selector}{staged}"
        with doing(f"{arguments.blocks} blocks through {name}"):
            wrong = check(design, arguments.blocks)
        failed = failed or bool(wrong)
        print(f"{name}: {wrong or f'{arguments.blocks} masks right'} "
              f"(SEED={seed()}, {time.monotonic() - start:.0f} s)", flush=True)
    return 1 if failed else 0


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
