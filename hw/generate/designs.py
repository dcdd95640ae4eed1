"""Verilog, manifest, header and waivers of a design."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amaranth.hdl import UnusedElaboratable

from hw.command.files import check_writable, write_all
from hw.command.progress import doing
from hw.config import Design
from hw.generate.emit import emit
from hw.generate.handover import check_timescale, handed_over, waivers
from hw.generate.manifest import describe, manifest
from hw.generate.names import check_apart, module_name
from hw.generate.package import Packaging, names, package
from hw.generate.tops import make_top
from hw.header import c_header


__all__ = ["generate", "verilog"]


def verilog(name: str, design: Design, module: str | None = None) -> str:
    """Verilog of a design.

    Parameters
    ----------
    name : str
        One of :data:`hw.config.DESIGNS`.
    design : Design
        Its parameters.
    module : str, optional
        Name of the top module, with which all others begin; ``nm_<name>`` by default.

    Raises
    ------
    ValueError
        If a name is unknown or none that Verilog takes, or the pattern has no such design.
    """
    module, top = module_name(name, module), make_top(name, design)
    return handed_over(name, module, top, emit(top, module))


def generate(name: str, design: Design, output: str | Path, why: str = "", *,
             module: str | None = None, timescale: str = "",
             packaging: Packaging | None = None) -> list[Path]:
    """Write Verilog, manifest and waivers of a design; return their paths.

    They are called by the top module: ``<module>.v``, ``<module>.json`` and ``<module>.vlt``. An
    accelerator also gets a C header of its registers, ``<module>.h``. With ``packaging`` come the
    files of :func:`hw.generate.package.package`.

    Parameters
    ----------
    name, design, module
        As in :func:`verilog`.
    output : str or Path
        Directory, which is made if it is missing.
    why : str
        What the manifest says of the choice of the selector, if it was chosen.
    timescale : str
        Unit and precision, such as ``1ns/1ps``, for simulators that ask every file for them.
    packaging : Packaging, optional
        What the files for flows depend on; without, there are none.

    Raises
    ------
    ValueError
        As :func:`verilog`, if the time scale is none, if ``output`` is no writable directory, or
        if a design in it has a name that would be in both.
    """
    scale = check_timescale(timescale) if timescale else ""
    module = module_name(name, module)
    output = Path(output)
    header = [f"{module}.h"] * (name == "accelerator")
    check_apart(module, f"module {module}", output)
    check_writable(output, [f"{module}.v", f"{module}.json", f"{module}.vlt", *header,
                            *(names(module) if packaging else [])])
    slow = ", which takes a minute or two" if design.pattern.m > 16 else ""
    with doing(f"generating {module} {design.pattern}{slow}"), _quiet_end():
        top = make_top(name, design)
        emitted = emit(top, module)
    content = describe(name, module, top, emitted.memories, why)
    code = handed_over(name, module, top, emitted, scale)
    macros = c_header(design, module) if header else ""
    check_apart(module, code + macros, output)
    return write_all(output, {
        f"{module}.v": code,
        f"{module}.json": manifest(content),
        f"{module}.vlt": waivers(module),
        **dict.fromkeys(header, macros),
        **(package(content, packaging) if packaging else {}),
    })


@contextmanager
def _quiet_end() -> Iterator[None]:
    """Let nothing be said of components that were not used because the block did not end well."""
    try:
        yield
    except BaseException:
        warnings.simplefilter("ignore", UnusedElaboratable)
        raise
