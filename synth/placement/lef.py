"""Reads what placement needs of LEF files: sizes and pins of cells, the site, the wires."""

import gzip
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hw.command.checks import plain
from hw.command.faults import reason
from synth.flow import CELLS


__all__ = ["Lef", "Macro", "Wire", "files", "read"]


_LARGEST = 1e9
"""Of any figure: far beyond chips, far below what floating point holds."""

NANOMETRES = 1000
"""Units of placement in a unit of length of LEF, which is a micrometre."""

_BLOCK = r"^\s*{}\s+(\S+)\s*$(.*?)^\s*END\s+\1\s*$"
_MACRO, _PIN, _SITE, _LAYER = (re.compile(_BLOCK.format(kind), re.M | re.S)
                               for kind in ("MACRO", "PIN", "SITE", "LAYER"))
_SIZE = re.compile(r"^\s*SIZE\s+([^\s;]+)\s+BY\s+([^\s;]+)", re.M)
_RECT = re.compile(r"^\s*RECT" + 4 * r"\s+([^\s;]+)", re.M)
_COMMENT = re.compile(r"#[^\n]*")


@dataclass(frozen=True)
class Macro:
    """A cell: width and height, and the middle of each pin, in units of placement."""

    width: int
    height: int
    pins: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Wire:
    """A wire of a technology.

    Attributes
    ----------
    capacitance : float
        pF for each micrometre.
    resistance : float
        kOhm for each micrometre.
    source : str
        Where the figures are from.
    """

    capacitance: float
    resistance: float
    source: str


ROUTED = {
    "unithd": Wire(1.72375e-4, 8.929e-4,
                   "signal wires of sky130hd in OpenROAD-flow-scripts, fitted to extracted chips"),
    "CoreSite": Wire(1.73072e-4, 2.07259e-3,
                     "signal wires of SG13G2 in OpenROAD-flow-scripts, fitted to extracted chips"),
}
"""Wires of technologies by the name of the site of their cells. What LEF says of a layer leaves out
the neighbours, which are half of a wire's capacitance: figures of extracted chips come first."""


@dataclass
class Lef:
    """Cells of one height and the technology that they stand in.

    Attributes
    ----------
    macros : dict
        Cells by name.
    sites : dict
        Width and height of every site, in units of placement.
    site : str
        Name of the site that most cells use.
    layers : dict
        For each routing layer with figures, its wire of least width.
    """

    macros: dict[str, Macro] = field(default_factory=dict)
    sites: dict[str, tuple[int, int]] = field(default_factory=dict)
    site: str = ""
    layers: dict[str, Wire] = field(default_factory=dict)

    @property
    def wire(self) -> Wire:
        """The wire that is counted with: of :data:`ROUTED`, or the mean of two layers of the LEF.

        Raises
        ------
        ValueError
            If neither says anything.
        """
        if self.site in ROUTED:
            return ROUTED[self.site]
        # The lowest layer is inside cells.
        layers = list(self.layers.values())[1:3] or list(self.layers.values())
        if not layers:
            raise ValueError("lef must give CAPACITANCE and RESISTANCE of a routing layer, "
                             "not only cells")
        count = len(layers)
        return Wire(sum(layer.capacitance for layer in layers) / count,
                    sum(layer.resistance for layer in layers) / count,
                    f"{' and '.join(list(self.layers)[1:3] or self.layers)} of the LEF")


def files(liberty: Path, given: Sequence[Path] | None) -> list[Path]:
    """LEF files that go with a Liberty file: those given, or the project's own beside its cells.

    Raises
    ------
    ValueError
        If none are given for other cells.
    """
    if not given and liberty != CELLS:
        raise ValueError(f"lef must be given for the cells of {str(liberty)!r}, not left out")
    return list(given or [CELLS.with_suffix(".lef")])


def read(paths: Iterable[str | Path]) -> Lef:
    """Read LEF files, compressed with gzip or not, as one: technology and cells.

    Raises
    ------
    ValueError
        If a file cannot be read, or no file holds a cell or its site.
    """
    lef, used = Lef(), dict[str, int]()
    for path in paths:
        try:
            data = Path(path).read_bytes()
            text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"lef must be LEF files (.lef or .lef.gz), not {str(path)!r} "
                             f"({reason(error)})") from None
        _parse(_COMMENT.sub("", text.decode("utf-8", errors="replace")), lef, used)
    if not used:
        raise ValueError("lef must hold the cells of the library, not none")
    lef.site = max(used, key=lambda site: used[site])
    if lef.site not in lef.sites:
        raise ValueError(f"lef must hold the site {lef.site!r} of its cells, not "
                         f"{', '.join(lef.sites) or 'none'}")
    return lef


def _parse(text: str, lef: Lef, used: dict[str, int]) -> None:
    for match in _SITE.finditer(text):
        if size := _SIZE.search(match[2]):
            lef.sites[match[1]] = _side("SIZE", size[1]), _side("SIZE", size[2])
    for match in _LAYER.finditer(text):
        if re.search(r"^\s*TYPE\s+ROUTING", match[2], re.M) and (wire := _wire(*match.groups())):
            lef.layers[match[1]] = wire
    for match in _MACRO.finditer(text):
        size, site = _SIZE.search(match[2]), re.search(r"^\s*SITE\s+(\w+)", match[2], re.M)
        if size and site:
            used[site[1]] = used.get(site[1], 0) + 1
            lef.macros[match[1]] = Macro(_side("SIZE", size[1]), _side("SIZE", size[2]),
                                         dict(_pins(match[2])))


def _pins(text: str) -> Iterable[tuple[str, tuple[int, int]]]:
    for pin in _PIN.finditer(text):
        if corners := _RECT.findall(pin[2]):
            # Twice the middle: the sum of both ends.
            x, y = (sum(_number("RECT", corner[end]) for corner in corners for end in ends)
                    for ends in ((0, 2), (1, 3)))
            yield pin[1], (_units(x / 2 / len(corners)), _units(y / 2 / len(corners)))


def _wire(name: str, text: str) -> Wire | None:
    """Wire of least width of a layer: capacitance of its area and of its two edges."""
    def number(pattern: str) -> float | None:
        # A line of a table of spacings has a width too, but more numbers.
        found = re.search(rf"^\s*{pattern}\s+([^\s;]+)\s*;", text, re.M)
        return _number(pattern.rpartition("+")[2], found[1]) if found else None

    width, area = number("WIDTH"), number(r"CAPACITANCE\s+CPERSQDIST")
    edge, square = number("EDGECAPACITANCE"), number(r"RESISTANCE\s+RPERSQ")
    if width is None or area is None or square is None:
        return None
    if width <= 0:
        raise ValueError(f"lef must have a WIDTH above 0 for the layer {name}, not {width:g}")
    return Wire(area * width + 2 * (edge or 0), square / width / 1000, f"{name} of the LEF")


def _number(what: str, text: str) -> float:
    """A number of the file: finite, and such that sums of many are."""
    value = plain(text)
    if isinstance(value, str) or not abs(value) < _LARGEST:
        raise ValueError(f"lef must have numbers below {_LARGEST:g} as {what}, not {text!r}")
    return float(value)


def _side(what: str, text: str) -> int:
    """A width or height, in units of placement."""
    length = _units(_number(what, text))
    if length < 1:
        raise ValueError(f"lef must have sizes of at least 1 nm as {what}, not {text!r}")
    return length


def _units(length: float) -> int:
    return round(length * NANOMETRES)
