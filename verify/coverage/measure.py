"""Builds a design with counters, drives it, and says what was reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hw.command.files import temporary, write_all
from hw.command.progress import doing
from hw.config import Design
from sim.simulators.environment import seed
from sim.simulators.runner import generated
from sim.verilated.accelerator import Accelerator
from sim.verilated.library import Library
from sim.verilated.pipeline import Pipeline
from synth.store import digest, sources
from verify.coverage import jobs, streams
from verify.coverage.constants import constants
from verify.coverage.facts import facts
from verify.coverage.points import Bit, Counts, Line
from verify.coverage.probes import probes
from verify.coverage.still import still


__all__ = ["Outcome", "measure"]


STALL = 0.1
"""Chance that a stream of an accelerator pauses in a cycle."""

_DEPENDS = ("verify/jobs.py", "verify/numbers.py", "verify/packets.py", "verify/timing.py",
            "verify/coverage/jobs.py", "verify/coverage/streams.py",
            "verify/coverage/probes.py", "sim/vectors", "sim/verilated", "sim/simulators",
            "sim/runs/soak", "sw/exact", "sw/driver")
"""Sources that counts depend on, besides the Verilog."""


@dataclass(frozen=True)
class Outcome:
    """What the runs of a design have reached.

    Attributes
    ----------
    bits : int
        Bits of all signals of the Verilog, module by module.
    constant, known : tuple of Bit
        Left out: constant in the Verilog, and by a declared fact.
    holes : tuple of Bit
        Bits that did not go both ways, of those that are not left out.
    wrong : tuple of Bit
        Bits that are left out by a fact, and went both ways: the fact is wrong.
    lines : int
        Ways through the lines of the Verilog, module by module.
    missed : tuple of Line
        Those not taken.
    places : dict of str to str
        Where an instance of each module stands.
    still : dict of Bit to int
        Holes that are proved to keep one value for all inputs, and that value.
    given : dict of Bit to int
        Holes that are proved to keep one value where inputs that are left out keep theirs.
    """

    bits: int
    constant: tuple[Bit, ...]
    known: tuple[Bit, ...]
    holes: tuple[Bit, ...]
    wrong: tuple[Bit, ...]
    lines: int
    missed: tuple[Line, ...]
    places: dict[str, str]
    still: dict[Bit, int]
    given: dict[Bit, int]

    @property
    def excluded(self) -> float:
        """Share of the bits that are left out."""
        return (len(self.constant) + len(self.known)) / self.bits

    @property
    def toggles(self) -> float:
        """Share of the others that went both ways."""
        counted = self.bits - len(self.constant) - len(self.known)
        return 1 - len(self.holes) / counted

    @property
    def taken(self) -> float:
        """Share of the ways through lines that were taken."""
        return 1 - len(self.missed) / self.lines


def measure(name: str, design: Design, *, blocks: int = 4000, layers: int = 16,
            kept: Path | None = None) -> Outcome:
    """Measure the coverage of a design.

    Parameters
    ----------
    name : str
        ``accelerator``, ``compressor`` or ``decompressor``.
    design : Design
        Its parameters; those that it does not have count as their defaults.
    blocks : int
        Random blocks for a compressor or decompressor.
    layers : int
        Random layers for an accelerator.
    kept : Path, optional
        Folder for what every step of the runs has counted, and what was proved in each module: a
        measurement that was ended goes on.

    Raises
    ------
    AssertionError
        If a result is wrong.
    TimeoutError
        If the design stops.
    BuildError, SynthesisError
        If a tool fails.
    """
    design = design.only(name)
    text, _ = generated(name, design)
    with temporary() as folder:
        counts = _counted(name, design, text, blocks, layers, kept or folder)
    with doing(f"looking for bits of the {name} that cannot toggle"):
        constant, known = constants(text, f"nm_{name}", facts(name, design))
    return _outcome(text, counts, _left_out(constant, counts), _left_out(constant | known, counts),
                    kept)


def _counted(name: str, design: Design, text: str, blocks: int, layers: int,
             kept: Path) -> Counts:
    """What was counted in all runs."""
    counts = Counts()
    for step in jobs.STEPS if name == "accelerator" else (name,):
        path = kept / f"{digest(text, step, blocks, layers, seed(), sources(*_DEPENDS))}.dat"
        if not path.exists():
            model = _model(name, design, text)
            with doing(f"driving the {name}: {step}"):
                if isinstance(model, Accelerator):
                    jobs.drive(model, step, text, layers)
                else:
                    streams.drive(model, name, design, blocks)
            _keep(model, path)
        counts.add(path)
    return counts


def _model(name: str, design: Design, text: str) -> Accelerator | Pipeline:
    """The design with counters, after reset."""
    with doing(f"building the {name} with what counts its coverage"):
        if name == "accelerator":
            return Accelerator(design, stall=STALL, probes=probes(text))
        return Pipeline(name, design, probes=probes(text))


def _keep(model: Library, path: Path) -> None:
    """Write what a model has counted, whole or not at all."""
    with temporary() as folder:
        model.write_coverage(folder / path.name)
        write_all(path.parent, {path.name: (folder / path.name).read_bytes()})


def _left_out(fixed: Mapping[tuple[str, int], int], counts: Counts) -> dict[Bit, set[int]]:
    """Bits that are fixed in every instance of their module, and their values there."""
    found = {bit: [fixed.get((f"{place}.{bit.signal}", bit.index))
                   for place in counts.places[bit.module]] for bit in counts.bits}
    return {bit: {value for value in values if value is not None}
            for bit, values in found.items() if None not in values}


def _outcome(text: str, counts: Counts, constant: Mapping[Bit, set[int]],
             fixed: Mapping[Bit, set[int]], kept: Path | None) -> Outcome:
    holes = tuple(bit for bit in counts.bits if bit not in fixed and not counts.toggled(bit))
    with doing(f"proving which of {len(holes):,} holes keep one value for all inputs"):
        proved = still(text, holes, counts.places, kept=kept)
    with doing("proving more of them from the values of what is left out"):
        given = still(text, [hole for hole in holes if hole not in proved], counts.places,
                      kept=kept, given={bit: min(values) for bit, values in fixed.items()
                                        if len(values) == 1})
    return Outcome(
        len(counts.bits), tuple(sorted(constant)), tuple(sorted(fixed.keys() - constant.keys())),
        holes=holes,
        wrong=tuple(sorted(bit for bit in fixed if counts.toggled(bit))),
        lines=len(counts.lines),
        missed=tuple(sorted(line for line, count in counts.lines.items() if not count)),
        places={module: min(places) for module, places in counts.places.items()},
        still=proved, given=given)
