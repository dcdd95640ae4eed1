"""The files of a package, and those that a design does not have."""

from dataclasses import dataclass
from typing import Any

from hw.generate.package.area import Area
from hw.generate.package.bench import bench
from hw.generate.package.constraints import constraints
from hw.generate.package.datasheet import datasheet
from hw.generate.package.description import Description
from hw.generate.package.fusesoc import core
from hw.generate.package.interfaces import template, wrapper
from hw.generate.package.ipxact import component
from hw.generate.package.litex import litex
from hw.generate.package.schema import Schema
from hw.generate.package.symbol import symbol
from hw.generate.package.systemrdl import systemrdl


__all__ = ["Packaging", "left_out", "names", "package"]


_ENDS = (".core", ".xml", ".rdl", ".sdc", ".svg", ".md", "_litex.py", "_interfaces.sv",
         "_template.sv", "_bench.sv")


@dataclass(frozen=True)
class Packaging:
    """What a package depends on beside the design.

    Attributes
    ----------
    clock_ns : float
        Period of the clock in ns.
    area : Area, optional
        For the datasheet.
    schema : Schema, optional
        By which the IP-XACT component must be valid.
    """

    clock_ns: float
    area: Area | None = None
    schema: Schema | None = None


def names(module: str) -> list[str]:
    """Every file that a package can have, by the name of the top module."""
    return [module + end for end in _ENDS]


def package(manifest: dict[str, Any], packaging: Packaging) -> dict[str, str]:
    """Texts of the files, by name.

    Raises
    ------
    Fault
        If the IP-XACT component is not valid by the schema.
    """
    about = Description(manifest, packaging.clock_ns)
    absent, made = _absent(about), bench(about)
    present = [end for end in _ENDS if end not in absent]
    texts = {
        ".core": core(about, made.checks if made else ""), ".xml": component(about),
        ".rdl": systemrdl(about), ".sdc": constraints(about), ".svg": symbol(about),
        ".md": datasheet(about, present, packaging.area, packaging.schema),
        "_litex.py": litex(about), "_interfaces.sv": wrapper(about),
        "_template.sv": template(about), "_bench.sv": made.text if made else ""}
    if packaging.schema:
        packaging.schema.check(texts[".xml"])
    return {about.top + end: texts[end] for end in present}


def left_out(manifest: dict[str, Any]) -> list[str]:
    """A line for each file that the package of a design does not have, with the reason."""
    about = Description(manifest, clock_ns=1)
    return [f"{about.top}{end} left out: the {about.design} {why}"
            for end, why in _absent(about).items()]


def _absent(about: Description) -> dict[str, str]:
    """Ends of the names of files that would be empty, and why."""
    reasons = {
        ".rdl": "" if about.registers else "has no registers",
        "_interfaces.sv": "" if about.interfaces else "has no bus",
        "_bench.sv": "" if bench(about) else "has inputs without a handshake to drive them by",
    }
    return {end: why for end, why in reasons.items() if why}
