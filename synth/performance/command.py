"""Cycles, traffic and energy of a model's layers: ``python -m synth.performance``."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hw.command.files import check_writable, write_all
from hw.command.kinds import file, folder, number, one_of, text, whole
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from hw.config import BUS_OPTIONS, FORMAT_OPTIONS, Design, Pattern, sparsest
from hw.generate.arguments import PATTERN, add_design_arguments, design_from
from synth.command import EXTRA, add_patterns
from synth.performance.models import MODELS, named
from synth.performance.phases import PHASES, phase_layers


if TYPE_CHECKING:
    from synth.performance.layer import Energy
    from synth.performance.report import Run


__all__ = ["main"]


UNSEEN = (*FORMAT_OPTIONS, *BUS_OPTIONS, "gather", "pipeline", "multiplier", "reset", "pad_streams",
          "packets")
"""Parameters of an accelerator that no figure here depends on, or that others follow from."""


def _parser() -> Parser:
    parser = Parser(
        "python -m synth.performance",
        "Cycles, traffic on the streams, accesses to memories and, where energies are given, "
        "energy of every linear layer of a language model on an accelerator, for a prompt and for "
        "tokens after it; with the columns of SCALE-Sim, and as a roofline.", extra=EXTRA)
    parser.option("--model", kind=text("NAME"), default=MODELS[0],
                  help=f"{', '.join(MODELS)}, or the config.json of a Hugging Face model")
    parser.option("--phases", aliases=("--phase",), kind=one_of(*PHASES), many=True,
                  default=PHASES, help="a prompt at once, or one further token")
    parser.option("--tokens", kind=whole(1, 1 << 20), default=2048, help="tokens of the prompt")
    parser.option("--sequences", kind=whole(1, 1 << 20), default=1,
                  help="sequences that get a further token together")
    add_patterns(parser, "8:16")
    parser.option("--array", kind=PATTERN,
                  help="one array of this pattern for all patterns, with --flexible; an array each "
                       "where it is left out")
    parser.flag("--corrected", help="results pass through the epilogue, scaled")
    parser.option("--bandwidth", kind=number(0),
                  help="bytes in a cycle on all streams together; a beat of each where it is left "
                       "out")
    parser.option("--clock-ns", kind=number(0), default=8.0, help="period of the clock in ns")
    parser.option("-o", "--output", kind=folder(), default="build/performance",
                  help="directory of the files")
    parser.group("energy")
    parser.option("--product-energy", kind=number(0),
                  help="of a product of a kept value in the array, in pJ")
    parser.option("--byte-energy", kind=number(0), help="of a byte on a stream, in pJ")
    parser.option("--liberty", kind=file(), help="cells whose SRAM macros give the energies of "
                                                 "memories, as .lib or .lib.gz")
    parser.option("--memories", kind=file(), help="SRAM macros beside --liberty as CSV")
    add_design_arguments(parser, ("accelerator",), without=UNSEEN)
    return parser


def _designs(arguments: Arguments) -> list[tuple[Design, Pattern]]:
    """An accelerator for every pattern, or one for all of them."""
    patterns = list(dict.fromkeys(arguments.patterns))
    if not arguments.array and all(pattern.dense for pattern in patterns):
        arguments.refuse("flexible", "unstructured", where="for patterns that keep every value")
    found = []
    for pattern in patterns:
        design = design_from(arguments, arguments.array or pattern)
        if pattern.dense and not arguments.array:
            design = replace(design, flexible="none", unstructured=False)
        design.require("accelerator")
        design.steps(pattern)
        found.append((design, pattern))
    sparsest([design for design, _ in found]).require_effect("accelerator")
    return found


def _energy(arguments: Arguments, design: Design) -> "Energy | None":
    """Energies of what happens in a design, in pJ; None where none are given."""
    from synth.performance.layer import Energy

    memories, unknown = None, tuple[str, ...]()
    if arguments.liberty:
        from synth.library import liberty
        from synth.memories.technology import find, missing
        from synth.memories.whole import held

        library = liberty.read(arguments.liberty)
        sram = find(library, arguments.memories)
        if sram is None:
            raise ValueError(f"memories must be given: {missing(library.name)}")
        stores = held("accelerator", design, sram)
        memories = {one.buffer.name: (one.made.read_pj, one.made.write_pj) for one in stores
                    if one.made.read_pj is not None and one.made.write_pj is not None}
        unknown = tuple(one.buffer.name for one in stores if one.buffer.name not in memories)
        if not memories or sram.energy_unit != "pJ":
            raise ValueError(f"memories must have energies in pJ, not those of {sram.name}")
    if memories is None and not arguments.product_energy and not arguments.byte_energy:
        return None
    return Energy(arguments.product_energy or 0.0, arguments.byte_energy or 0.0, memories,
                  unknown)


def _runs(arguments: Arguments) -> "Iterator[Run]":
    from synth.performance.layer import perform
    from synth.performance.report import Run

    config = named(arguments.model)
    for phase in dict.fromkeys(arguments.phases):
        tokens = arguments.tokens if phase == "prefill" else arguments.sequences
        for design, pattern in _designs(arguments):
            energy = _energy(arguments, design)
            yield Run(phase, pattern, design, [
                perform(design, layer, pattern, bandwidth=arguments.bandwidth,
                        corrected=arguments.corrected, energy=energy)
                for layer in phase_layers(config, phase, tokens)],
                energy.unknown if energy else ())


def _run(arguments: Arguments) -> None:
    check_writable(arguments.output)
    if not arguments.liberty:
        arguments.refuse("memories", where="without liberty")
    if not arguments.corrected:
        arguments.refuse("epilogue_lanes", where="without corrected")
    for name, phase in (("tokens", "prefill"), ("sequences", "decode")):
        if phase not in arguments.phases:
            arguments.refuse(name, where=f"without the phase {phase}")
    runs = list(_runs(arguments))
    from synth.performance.report import files, tables

    write_all(arguments.output, files(runs, arguments.model, arguments.bandwidth,
                                      arguments.clock_ns))
    for table in tables(runs, arguments.model, arguments.clock_ns):
        table.print()
    if unknown := sorted({name for one in runs for name in one.unknown}):
        print(f"energy without that of {', '.join(unknown)}: registers, which are logic")


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)
