"""Ratios of parts and accelerators to each other: ``python -m synth.ratios --liberty FILE``."""

from collections.abc import Sequence

from hw.command.kinds import one_of, whole
from hw.command.parser import Arguments, Parser
from hw.command.progress import doing
from hw.command.run import run
from hw.config import PIPELINES, Design, check_flexible
from synth.command import (
    EXTRA,
    add_flow,
    add_memories,
    add_patterns,
    add_store,
    make_flow,
    open_store,
    read_memories,
)


__all__ = ["main"]


BATCH, FEATURES = 32, 4096
"""Tokens of a batch and features of a token of the accelerators, where none are asked for."""


def _parser() -> Parser:
    parser = Parser(
        "python -m synth.ratios",
        "Compare the bit-serial selector with the combinational one, selectors whose pattern is "
        "asked for at run time with fixed ones, and the path of a large array with that of a small "
        "one; or whole accelerators, their memories included, with the cheapest dense ones that do "
        "the same work in a cycle.", extra=EXTRA)
    add_patterns(parser, "8:16", "16:32")
    parser.flag("--selectors-only", help="leave the arrays out")
    add_store(parser)
    add_flow(parser)
    parser.group("whole accelerators")
    parser.option("--accelerators", kind=whole(1, 64), many=True,
                  help="compare these instead, with as many rows, and columns, of PEs")
    parser.option("--batches", kind=whole(1, 4096), many=True, default=(BATCH,),
                  help="tokens of a batch")
    parser.option("--max-k", kind=whole(1, 1 << 24), default=FEATURES,
                  help="features of a token that the buffers hold")
    parser.option("--pipeline", kind=one_of(*PIPELINES), default=PIPELINES[0],
                  help="where sparse ones register weights: at the inputs of a tile, or gathered "
                       "in each PE")
    add_memories(parser)
    return parser


def _run(arguments: Arguments) -> None:
    patterns = list(dict.fromkeys(arguments.patterns))
    if arguments.accelerators:
        _accelerators(arguments, patterns)
        return
    arguments.refuse("batches", "max_k", "pipeline", "memories", where="without accelerators")
    for pattern in patterns:
        check_flexible("serial", pattern, "all")
    from synth.reports.ratios import compare, subjects

    synthesis = make_flow(arguments, open_store(arguments))
    with doing("generating designs"):
        rows = list(subjects(patterns, arrays=not arguments.selectors_only))
    compare(rows, synthesis).print()


def _accelerators(arguments: Arguments, patterns: list) -> None:
    arguments.refuse("selectors_only", where="with accelerators")
    for pattern in patterns:
        if pattern.dense:
            raise ValueError(f"patterns must have N below M with accelerators, not {pattern}")
    base = Design(patterns[0], max_k=arguments.max_k, pipeline=arguments.pipeline)
    from synth.reports.accelerators import accelerators, figures, tables

    compared = list(accelerators(patterns, list(dict.fromkeys(arguments.accelerators)),
                                 list(dict.fromkeys(arguments.batches)), base))
    synthesis = make_flow(arguments, open_store(arguments))
    sram = read_memories(arguments, synthesis.library)
    for table in tables(compared, figures(compared, synthesis, sram), synthesis):
        table.print()


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
