"""Energy of designs with glitches and wires: ``python -m synth.energy --patterns 8:16``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hw.command.checks import plain
from hw.command.files import check_writable, write_all
from hw.command.kinds import Kind, folder, number, one_of, text, whole
from hw.command.parser import Arguments, Parser
from hw.command.progress import track
from hw.command.run import run
from hw.config import BUS_OPTIONS
from hw.generate.arguments import add_design_arguments, design_from
from synth import energy
from synth.command import (
    EXTRA,
    add_flow,
    add_lef,
    add_patterns,
    add_store,
    make_flow,
    open_store,
    plan,
    read_lef,
)


if TYPE_CHECKING:
    from synth.energy.measure import Measured
    from synth.flow import Flow


__all__ = ["main"]


LATEST = 1000
"""Times of ``--late`` at most: ticks of the simulation fit into 64 bits with room to spare."""


def _late(name: str, given: str) -> tuple[str, float]:
    """Read ``"digits=0.6"`` as a port and its time."""
    port, _, value = given.partition("=")
    time = plain(value)
    if isinstance(time, str) or not 0 <= time <= LATEST:
        raise ValueError(f"{name} must be PORT=TIME with a time from 0 to {LATEST}, not {given!r}")
    return port, float(time)


def _parser() -> Parser:
    parser = Parser(
        "python -m synth.energy",
        "Synthesise and place designs, simulate them with the delays of gates and wires, and "
        "report energy, wire length and the longest path.", extra=EXTRA)
    add_patterns(parser)
    parser.option("--designs", aliases=("--design",), kind=one_of(*energy.DESIGNS), many=True,
                  default=("pe",), help="what to measure, each with its dense baseline")
    parser.option("--inputs", kind=text(), default="minilm",
                  help="operands: minilm, decoder, gaussian, uniform, or an .npz file with "
                       "activations0, weights0 and so on")
    parser.option("--seeds", kind=whole(1, 16), default=3,
                  help="placements, each with operands of its own")
    parser.option("--cycles", kind=whole(1, 100_000), default=400,
                  help="cycles that are simulated at least")
    parser.option("--utilisation", kind=number(0.1, 1, below=True), default=0.7,
                  help="area of the cells over that of the core")
    parser.option("--late", kind=Kind("PORT=TIME", f"times from 0 to {LATEST}", _late), many=True,
                  help="input ports that change later than the edge of the clock, in the unit of "
                       "the delays in the table, as in digits=0.6; not in the longest path")
    parser.option("--tokens", kind=whole(1, 1 << 16), default=64,
                  help="tokens of the job of an accelerator")
    parser.option("--features", kind=whole(1, 1 << 24), default=384,
                  help="its input features, K")
    parser.option("--outputs", kind=whole(1, 1 << 24), default=1536,
                  help="its output features, O")
    parser.flag("--every-pe", help="simulate all PEs of arrays and accelerators, not those of a "
                                   "diagonal for all")
    parser.option("-o", "--output", kind=folder(), default="build/energy",
                  help="directory for energy.json")
    add_store(parser)
    add_flow(parser)
    add_lef(parser)
    # DSP blocks are for FPGAs, and what a bus takes is not simulated.
    add_design_arguments(parser, without=("multiplier", *BUS_OPTIONS))
    return parser


def _run(arguments: Arguments) -> None:
    check_writable(arguments.output, ["energy.json"])
    patterns, names = (list(dict.fromkeys(given))
                       for given in (arguments.patterns, arguments.designs))
    if "accelerator" not in names:
        arguments.refuse("tokens", "features", "outputs", where="without the design accelerator")
    if not {"array", "accelerator"} & set(names):
        arguments.refuse("every_pe", where="without the design array or accelerator")
    if arguments.rows * arguments.columns <= 2:
        arguments.refuse("every_pe", where="with one or two PEs, which are always simulated")
    designs = plan(names, patterns, design_from(arguments, patterns[0]))
    from synth.energy.job import Layer
    from synth.energy.measure import Settings, measure
    from synth.energy.operands import make
    from synth.energy.report import as_json

    files, lef = read_lef(arguments)
    settings = Settings(lef, make(arguments.inputs, arguments.seeds), arguments.utilisation,
                        arguments.cycles, dict(arguments.late or ()), arguments.every_pe,
                        Layer(arguments.tokens, arguments.features, arguments.outputs))
    synthesis = make_flow(arguments, open_store(arguments))
    rows = [measure(name, design, synthesis, settings)
            for name, design in track(designs, "measuring designs")]
    try:
        write_all(arguments.output, {"energy.json": as_json(
            rows, synthesis, settings, arguments.inputs, [arguments.liberty, *files])})
    finally:  # figures of hours are shown, also where the disk is full
        _show(rows, synthesis, arguments.inputs)


def _show(rows: "list[Measured]", synthesis: "Flow", inputs: str) -> None:
    """Print the tables."""
    from synth.energy.report import NOTE, memories_table, parts_table, table

    table(rows, synthesis, inputs).print()
    print(NOTE)
    parts_table(rows, synthesis).print()
    if any(row.memories for row in rows):
        memories_table(rows).print()


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)
