"""Synthesis of designs for FPGAs, each in a process of its own; a failure is a result."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from json import loads

from hw.command.files import temporary
from hw.config import Design
from hw.generate.designs import verilog
from synth.flow import SynthesisError, yosys
from synth.fpga.harness import NAME, harness
from synth.fpga.route import Routed, RouteError, route
from synth.fpga.targets import TARGETS, Used


__all__ = ["STAGE", "Measured", "Row", "Settings", "measure", "script", "synthesised"]


STAGE = "synthesis only"
"""How far a design has come that is not placed and routed."""

LOGIC = 0.4
"""Share of the period that tables may take; on a routed ECP5 they took a third of a long path."""


@dataclass(frozen=True)
class Row:
    """A design for a target; ``route`` says whether it is also placed and routed."""

    name: str
    design: Design
    target: str
    route: bool = False


@dataclass(frozen=True)
class Settings:
    """How designs are measured.

    Attributes
    ----------
    clock_ns : float
        Period that is aimed at. Logic that is faster is mapped for fewer tables.
    seed : int
        Seed of the placement.
    workers, timeout : int, float
        Runs at the same time; seconds after which one is given up.
    """

    clock_ns: float = 5.0
    seed: int = 1
    workers: int = 1
    timeout: float = 600.0


@dataclass(frozen=True)
class Measured(Row):
    """A row with its figures, or with the reason why there are none.

    Attributes
    ----------
    used : Used, optional
        What the design takes.
    cells : dict
        Number of every cell of the target.
    routed : Routed, optional
        What came of placement and routing.
    reason : str
        Why a figure that was asked for is missing; else nothing.
    """

    used: Used | None = None
    cells: dict[str, int] | None = None
    routed: Routed | None = None
    reason: str = ""


def script(target: str, clock_ns: float, top: str) -> list[str]:
    """Commands of Yosys for ``design.v``: cells are counted in ``stat.json``.

    ``blocks.v`` holds the modules of it that are replaced on this target. On others modules of
    products become part of those around them, so that adders and registers can move into blocks.

    ABC is told a period, since it would take any number of tables for a level less: a share of it,
    as it knows of no ways between tables.
    """
    products = ["read_verilog -overwrite blocks.v"] if TARGETS[target].blocks else [
        f"hierarchy -top {top}", "setattr -mod -set keep_hierarchy 1 *",
        "setattr -mod -unset keep_hierarchy *_product_*", "flatten",
        "setattr -mod -unset keep_hierarchy *"]
    return ["read_verilog design.v", *products,
            f"scratchpad -set abc9.D {1000 * clock_ns * LOGIC:g}",
            f"{TARGETS[target].synthesis} -top {top}",
            "tee -q -o stat.json stat -json",
            "write_json mapped.json"]


def measure(rows: Sequence[Row], settings: Settings) -> Iterator[Measured]:
    """Yield every row with its figures, in order."""
    with ThreadPoolExecutor(settings.workers) as pool:
        yield from pool.map(lambda row: _measured(row, settings), rows)


def _measured(row: Row, settings: Settings) -> Measured:
    top, target = f"nm_{row.name}", TARGETS[row.target]
    text, given = verilog(row.name, row.design), (row.name, row.design, row.target, row.route)
    try:
        cells, netlist = synthesised(text, top, row.target, settings)
    except SynthesisError as error:
        return Measured(*given, reason=str(error))
    used = target.used(cells)
    if not row.route:
        return Measured(*given, used, cells)
    around = harness(top, loads(netlist)["modules"][top]["ports"])
    try:
        _, netlist = synthesised(text + around.text, NAME, row.target, settings)
        routed = route(netlist, used, around, clock_ns=settings.clock_ns, seed=settings.seed,
                       timeout=settings.timeout)
    except (SynthesisError, RouteError) as error:
        return Measured(*given, used, cells, reason=str(error))
    return Measured(*given, used, cells, routed)


def synthesised(text: str, top: str, target: str, settings: Settings
                 ) -> tuple[dict[str, int], str]:
    """Cells of a design, and its netlist."""
    with temporary() as folder:
        (folder / "design.v").write_text(text)
        if replace := TARGETS[target].blocks:
            (folder / "blocks.v").write_text(replace(text))
        yosys.run(script(target, settings.clock_ns, top), folder, timeout=settings.timeout)
        found = loads((folder / "stat.json").read_text())
        own = {name.removeprefix("\\") for name in found["modules"]}
        cells = {kind: count for kind, count in found["design"]["num_cells_by_type"].items()
                 if kind not in own}
        return cells, (folder / "mapped.json").read_text()
