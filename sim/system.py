"""A feed-forward layer out of a memory: ``python -m sim.system``."""

from collections.abc import Sequence

from hw.command.kinds import number, one_of, whole
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from hw.config import Design
from sim.command import (
    CHAINED,
    add_accelerator,
    in_floats,
    model_parser,
    read_designs,
    read_sentences,
)
from sim.core.tools import check_core
from sim.simulators.environment import check_environment


__all__ = ["main"]


MASTERS = ("driver", "registers", "core")


def _parser() -> Parser:
    parser = model_parser(
        "python -m sim.system",
        "Run a feed-forward layer of the MiniLM sentence encoder out of a memory with latency and "
        "limited bandwidth, on accelerators with an AXI4 master in Verilator: all tokens, as of a "
        "prompt, and the first one alone, as in decoding. With --decode that one, and the first "
        "two, read only the weights that they need, and are compared with the same jobs that read "
        "all. With --formats both projections run in floats, bf16 (or fp16) in and out, "
        "bias and GELU in the accelerator. The driver in C, compiled, lays out the data, queues "
        "the jobs and reads the results. Results are compared with the reference, cycles with "
        "those of the dense design on the same memory. The exit code is 1 if a result differs.")
    parser.option("--model", kind=one_of("minilm"), default="minilm",
                  help="whose layer: that of the sentence encoder")
    parser.option("--master", kind=one_of(*MASTERS), default="driver",
                  help="who submits the jobs: the driver in C to the queue, registers written from "
                       "Python, or the driver on a RISC-V core (VexRiscv) in the same model, whose "
                       "own cycles are counted too; it lays out tokens and reads results, in "
                       "minutes for a prompt")
    parser.option("--formats", kind=one_of(*CHAINED), many=True,
                  help="number formats in which the whole layer runs, in place of int8; the driver "
                       "submits the jobs, and nothing decodes")
    parser.group("memory")
    parser.option("--latency", kind=whole(1, 10_000), default=40,
                  help="cycles from a request to its first answer")
    parser.option("--bandwidth", kind=number(0.001), help="bytes a cycle, reads and writes "
                  "together (default: as many as the bus has)")
    add_accelerator(parser, without=("bus", "pad_streams", "packets"))
    return parser


def _run(arguments: Arguments) -> int:
    designs, sentences = read_designs(arguments, bus="axi4"), read_sentences(arguments)
    most = 2 * designs[0].bus_bytes
    if arguments.bandwidth is not None and arguments.bandwidth >= most:
        raise ValueError(f"bandwidth must be below {most}, what a bus of {designs[0].bus_bytes} "
                         f"bytes moves both ways, not {arguments.bandwidth:g}")
    if arguments.formats:
        return _run_floats(arguments, designs, sentences)
    check_environment()
    if arguments.master == "core":
        check_core()
    from sim.runs.core import run_core
    from sim.runs.decode import report_decode
    from sim.runs.program import run_program
    from sim.runs.system import Memory, report, run_layer
    memory = Memory(arguments.latency, arguments.bandwidth or 0.0)
    run_one = dict(zip(MASTERS, (run_program, run_layer, run_core), strict=True))[arguments.master]
    given = designs, arguments.layer, sentences, memory, run_one, arguments.master == "core"
    few_exact = report_decode(*given) if arguments.decode else True
    return 0 if report(*given) and few_exact else 1


def _run_floats(arguments: Arguments, designs: list[Design], sentences: list[str]) -> int:
    """The same of layers in floats; ValueError for what there is of integers alone."""
    if arguments.master != "driver":
        raise ValueError(f"master must be driver with formats, not {arguments.master!r}")
    if arguments.decode:
        raise ValueError("decode must be left out with formats, not True")
    designs = [in_floats(design, name) for name in dict.fromkeys(arguments.formats)
               for design in designs]
    check_environment()
    from sim.runs.float_system import report
    from sim.runs.system import Memory
    memory = Memory(arguments.latency, arguments.bandwidth or 0.0)
    return 0 if report(designs, arguments.layer, sentences, memory) else 1


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
