"""What Verilator has counted, by place: toggles of every bit, and branches and lines."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path


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
            for keys, count in _records(file):
                module = keys["page"].partition("/")[2]
                self.places[module].add(_plain(keys["h"])[len("TOP."):])
                if keys["t"] == "toggle":
                    signal, index, way = _toggle(keys["o"])
                    counted = self.rises if way == "0->1" else self.falls
                    counted[Bit(module, signal, index)] += count
                else:
                    self.lines[Line(module, int(keys["l"]), keys["o"])] += count


def _records(lines: Iterable[str]) -> Iterator[tuple[dict[str, str], int]]:
    """Keys and count of every point of a file."""
    for line in lines:
        if line.startswith("C '"):
            text, _, count = line[len("C '"):].rpartition("' ")
            pairs = (pair.partition("\x02") for pair in text.split("\x01") if pair)
            yield {key: value for key, _, value in pairs}, int(count)


def _toggle(text: str) -> tuple[str, int, str]:
    """Signal, bit and direction of ``name[3]:0->1``; a single bit has no brackets."""
    name, _, way = text.rpartition(":")
    found = re.fullmatch(r"(.*)\[(\d+)\]", name)
    return (_plain(found[1]), int(found[2]), way) if found else (_plain(name), 0, way)


def _plain(name: str) -> str:
    """A name as it stands in the Verilog: odd letters come as ``__0`` and their code."""
    return re.sub(r"__0([0-9a-fA-F]{2})", lambda code: chr(int(code[1], 16)), name)
