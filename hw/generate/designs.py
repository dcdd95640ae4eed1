"""Verilog, manifest and header of a design."""

from pathlib import Path

from hw.command.files import write_all
from hw.config import Design
from hw.generate.emit import to_verilog
from hw.generate.manifest import manifest
from hw.generate.tops import make_top
from hw.header import c_header


__all__ = ["generate", "verilog"]


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
