"""What Verilator has counted, by place: toggles of every bit, and branches and lines."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


__all__ = ["Bit", "Counts", "Line"]


@dataclass(frozen=True, order=True)
class Bit:
    """One bit of a signal of a module; ``signal`` is its name without a backslash."""

    module: str
    signal: str
    index: int

    def __str__(self) -> str:
        """The bit as people write it."""
        return f"{self.signal}[{self.index}]"


@dataclass(frozen=True, order=True)
class Line:
    """One way through a line of the Verilog of a module: ``kind`` is ``cond_then`` and so on."""

    module: str
    number: int
    kind: str


@dataclass
class Counts:
    """What runs have reached. Instances of a module count together, as Verilator counts them.

    Attributes
    ----------
    rises, falls : Counter of Bit
        How often each bit went up, and down; every bit is a key of both, also at 0.
    lines : Counter of Line
        How often each way was taken.
    places : dict of str to set of str
        Modules, and where their instances stand, as ``nm_top.part``.
    """

    rises: Counter[Bit] = field(default_factory=Counter)
    falls: Counter[Bit] = field(default_factory=Counter)
    lines: Counter[Line] = field(default_factory=Counter)
    places: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _points: dict[str, tuple[Counter[Any], Any]] = field(default_factory=dict, repr=False)

    @property
    def bits(self) -> list[Bit]:
        """Every bit."""
        return sorted(self.rises)

    def toggled(self, bit: Bit) -> bool:
        """Whether the bit went both ways."""
        return bool(self.rises[bit] and self.falls[bit])

    def add(self, path: Path) -> None:
        """Add a file of Verilator's coverage data, which has the instances one by one."""
        with path.open(encoding="utf-8") as file:
            for line in file:
                if line.startswith("C '"):
                    text, _, count = line.rpartition("' ")
                    if text not in self._points:  # files of a design have the same points
                        self._points[text] = self._point(text)
                    counted, point = self._points[text]
                    counted[point] += int(count)

    def _point(self, text: str) -> tuple[Counter[Any], Any]:
        """What is counted, and where, of a point of a file."""
        pairs = (pair.partition("\x02") for pair in text[len("C '"):].split("\x01") if pair)
        keys = {key: value for key, _, value in pairs}
        module = keys["page"].partition("/")[2]
        self.places[module].add(_plain(keys["h"])[len("TOP."):])
        if keys["t"] != "toggle":
            return self.lines, Line(module, int(keys["l"]), keys["o"])
        signal, index, way = _toggle(keys["o"])
        return self.rises if way == "0->1" else self.falls, Bit(module, signal, index)


def _toggle(text: str) -> tuple[str, int, str]:
    """Signal, bit and direction of ``name[3]:0->1``; a single bit has no brackets."""
    name, _, way = text.rpartition(":")
    found = re.fullmatch(r"(.*)\[(\d+)\]", name)
    return (_plain(found[1]), int(found[2]), way) if found else (_plain(name), 0, way)


def _plain(name: str) -> str:
    """A name as it stands in the Verilog: odd letters come as ``__0`` and their code."""
    return re.sub(r"__0([0-9a-fA-F]{2})", lambda code: chr(int(code[1], 16)), name)
