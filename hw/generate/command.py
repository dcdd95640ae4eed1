"""Verilog of a design: ``python -m hw.generate --n 8 --m 16``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hw.command.checks import number, plain
from hw.command.kinds import Kind, file, folder, one_of, text, whole
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from hw.config import DESIGNS, SELECTORS, Design, Pattern
from hw.config.parameter import SELECTING
from hw.generate.arguments import PATTERN, add_design_arguments, design_from


if TYPE_CHECKING:
    from hw.generate.package import Packaging


__all__ = ["main"]


AUTO = "auto"
"""Name of the selector that is chosen by measured figures."""

_UP_TO_M = Kind("INT", "1 to M; N = M is dense", lambda name, given: plain(given))


def _number(allowed: str) -> Kind:
    """Kind of what :func:`hw.selector.auto.choose` checks."""
    return Kind("NUMBER", allowed, lambda name, given: plain(given))


def _pattern(arguments: Arguments) -> Pattern:
    """The pattern that ``--n`` and ``--m``, or ``--pattern``, ask for."""
    if "pattern" in arguments.given:
        arguments.refuse("n", "m", where="with a pattern")
        return arguments.pattern
    for name in ("n", "m"):
        if name not in arguments.given:
            raise ValueError(f"{name} must be given, not left out")
    return Pattern(arguments.n, arguments.m)


def _resolve(arguments: Arguments, pattern: Pattern) -> str:
    """Put a structure in the place of ``--selector auto``; return why it was taken."""
    if arguments.selector != AUTO:
        arguments.refuse("throughput", where=f"without the selector {AUTO}")
        if not arguments.package:
            arguments.refuse("clock_ns", where=f"without package or the selector {AUTO}")
        return ""
    for name, default in (("stages", 0), ("flexible", "none")):
        if getattr(arguments, name) != default:
            raise ValueError(f"{name} must be {default} with the selector {AUTO}, not "
                             f"{getattr(arguments, name)!r}")
    from hw.selector.auto import choose

    if pattern.dense or arguments.design not in SELECTING:
        where = f"for the pattern {pattern}" if pattern.dense else f"in design {arguments.design}"
        raise ValueError(f"selector must be left out {where}, which has none, not {AUTO!r}")
    scores = design_from(arguments, pattern, selector=SELECTORS[0]).score_width
    chosen = choose(pattern, arguments.clock_ns, arguments.throughput, scores)
    arguments.selector, arguments.stages = chosen.selector, chosen.stages
    return chosen.reason


def _parser() -> Parser:
    parser = Parser("python -m hw.generate",
                    "Generate Verilog for flexible N:M activation sparsity, with a manifest and, "
                    "for an accelerator, a C header of its registers.")
    parser.option("--n", kind=_UP_TO_M, help="values kept of each block")
    parser.option("--m", kind=whole(2, 64), help="values in each block")
    parser.option("--pattern", aliases=("--patterns",), kind=PATTERN,
                  help="the same in one, as in 8:16")
    parser.option("--design", aliases=("--designs",), kind=one_of(*DESIGNS), default="accelerator",
                  help="what to generate")
    parser.option("-o", "--output", kind=folder(), default="build",
                  help="directory for the Verilog and its manifest")
    parser.option("--name", kind=Kind("NAME", "", lambda name, given: given),
                  help="name of the top module, with which all its modules, files and C macros "
                       "begin: two designs in one project need two, in any case (default "
                       "nm_DESIGN, and NM for macros)")
    parser.option("--timescale", kind=text("UNIT/PRECISION"),
                  help="time scale of the Verilog, such as 1ns/1ps (default none)")
    parser.option("--clock-ns", kind=_number("above 0"), default=8.0,
                  help="with --package or --selector auto, period of the clock in ns")
    parser.group("for flows")
    parser.flag("--package", help="also write what flows, register tools and readers need: FuseSoC "
                                  "core, IP-XACT, SystemRDL, SDC, a LiteX module, SystemVerilog "
                                  "interfaces, a template, a bench, a symbol and a datasheet")
    parser.option("--area", kind=file(), help="with --package, report.json of synth.report with "
                                              "this design, for the datasheet")
    parser.option("--schema", kind=file(), help="with --package, index.xsd of IEEE 1685-2014, by "
                                                "which the IP-XACT component must be valid")
    parser.group("with --selector auto")
    parser.option("--throughput", kind=_number("above 0 to 1"), default=1.0,
                  help="blocks per cycle")
    add_design_arguments(parser, selectors=(AUTO,))
    return parser


def _packaging(arguments: Arguments, design: Design) -> "Packaging | None":
    """What ``--package`` and the options with it ask for."""
    if not arguments.package:
        arguments.refuse("area", "schema", where="without package")
        return None
    from hw.generate.package import Packaging, Schema, read_area

    return Packaging(
        number("clock_ns", arguments.clock_ns, 0),
        read_area(arguments.area, arguments.design, design) if arguments.area else None,
        Schema(arguments.schema) if arguments.schema else None)


def _generate(arguments: Arguments) -> None:
    pattern = _pattern(arguments)
    why = _resolve(arguments, pattern)
    design = design_from(arguments, pattern)
    design.require(arguments.design)
    design.require_effect(arguments.design)
    packaging = _packaging(arguments, design)
    from hw.generate.designs import generate

    paths = generate(arguments.design, design, arguments.output, why, module=arguments.name,
                     timescale=arguments.timescale or "", packaging=packaging)
    for line in [*([f"selector {why}"] if why else []), *paths,
                 *(_left_out(paths) if packaging else [])]:
        print(line)


def _left_out(paths: Sequence[Path]) -> list[str]:
    """What the package of the design whose files these are does not have."""
    from hw.generate.package import left_out

    manifest = next(path for path in paths if path.suffix == ".json")
    return left_out(json.loads(manifest.read_bytes()))


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _generate, argv)
