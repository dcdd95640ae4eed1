"""Verilog of a design: ``python -m hw.generate --n 8 --m 16``."""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from hw.config import DESIGNS, SELECTORS, Design, Pattern, choice
from hw.emit import to_verilog
from hw.files import write_all
from hw.header import c_header
from hw.manifest import manifest
from hw.selector.auto import choose
from hw.tops import make_top


__all__ = ["add_design_arguments", "design_from", "generate", "main", "verilog"]


AUTO = "auto"
"""Name of the selector that is chosen by measured figures."""


def verilog(name: str, design: Design) -> str:
    """Verilog of a design, with the top module ``nm_<name>``.

    Parameters
    ----------
    name : str
        One of :data:`hw.config.DESIGNS`.
    design : Design
        Its parameters.

    Raises
    ------
    ValueError
        If the name is unknown, or the pattern has no such design.
    """
    return to_verilog(make_top(name, design), f"nm_{name}")


def generate(name: str, design: Design, output: Path, why: str = "") -> list[Path]:
    """Write ``nm_<name>.v`` and its manifest ``nm_<name>.json``; return their paths.

    An accelerator also gets a C header of its registers, ``nm_accelerator.h``. ``why`` is what the
    manifest says of the choice of the selector, if it was chosen.

    Raises
    ------
    ValueError
        As :func:`verilog`, or if ``output`` is no writable directory.
    """
    top = make_top(name, design)
    description = manifest(name, top, why)
    header = {"nm_accelerator.h": c_header(design)} if name == "accelerator" else {}
    return write_all(output, {
        f"nm_{name}.v": to_verilog(top, f"nm_{name}"),
        f"nm_{name}.json": description,
        **header,
    })


def add_design_arguments(parser: argparse.ArgumentParser) -> None:
    """Add an option for every parameter of :class:`hw.config.Design` but the pattern."""
    for field in fields(Design)[1:]:
        limits, option = field.metadata, f"--{field.name.replace('_', '-')}"
        if type(field.default) is bool:
            parser.add_argument(option, action="store_true", help=limits["help"])
            continue
        allowed = ", ".join(limits["choices"]) or f"{limits['low']} to {limits['high']}"
        parser.add_argument(option, type=_plain, default=field.default,
                            metavar="NAME" if limits["choices"] else "INT",
                            help=f"{limits['help']} ({allowed}; default {field.default})")


def _plain(text: str) -> int | float | str:
    """Numbers as numbers, anything else as it is: :class:`Design` says what is allowed."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def design_from(arguments: argparse.Namespace, pattern: Pattern) -> Design:
    """Return the design that the options of :func:`add_design_arguments` ask for."""
    return Design(pattern, **{field.name: getattr(arguments, field.name)
                              for field in fields(Design)[1:]})


def _resolve(arguments: argparse.Namespace, pattern: Pattern) -> str:
    """Put a structure in the place of ``--selector auto``; return why it was taken."""
    if choice("selector", arguments.selector, (*SELECTORS, AUTO)) != AUTO:
        return ""
    for name, default in (("stages", 0), ("flexible", "none")):
        if getattr(arguments, name) != default:
            raise ValueError(f"{name} must be {default} with the selector {AUTO}, not "
                             f"{getattr(arguments, name)!r}")
    chosen = choose(pattern, arguments.clock_ns, arguments.throughput)
    arguments.selector, arguments.stages = chosen.selector, chosen.stages
    return "" if pattern.dense else chosen.reason


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m hw.generate",
        description="Generate Verilog for flexible N:M activation sparsity.")
    parser.add_argument("--n", type=_plain, required=True, metavar="INT",
                        help="values kept of each block (1 to M; N = M is dense)")
    parser.add_argument("--m", type=_plain, required=True, metavar="INT",
                        help="values in each block (2 to 64)")
    parser.add_argument("--design", default="accelerator", metavar="NAME",
                        help=f"what to generate ({', '.join(DESIGNS)}; default accelerator)")
    parser.add_argument("-o", "--output", type=Path, default=Path("build"), metavar="DIR",
                        help="directory for the Verilog and its manifest (default build)")
    parser.add_argument("--clock-ns", type=_plain, default=8.0, metavar="NUMBER",
                        help="with --selector auto, the smallest that meets this period of the "
                             "clock is taken (ns; default 8)")
    parser.add_argument("--throughput", type=_plain, default=1.0, metavar="NUMBER",
                        help="with --selector auto: blocks per cycle (above 0 to 1; default 1)")
    add_design_arguments(parser)
    arguments = parser.parse_args(argv)
    try:
        pattern = Pattern(arguments.n, arguments.m)
        why = _resolve(arguments, pattern)
        design = design_from(arguments, pattern)
        paths = generate(arguments.design, design, arguments.output, why)
        for line in [*([f"selector {why}"] if why else []), *paths]:
            print(line)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
