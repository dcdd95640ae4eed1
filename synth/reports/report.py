"""A report from its rows to its files: what ``python -m synth.report`` does."""

from collections.abc import Sequence
from pathlib import Path

from hw.command.files import check_writable, write_all
from synth import flow
from synth.memories.technology import Sram
from synth.placement.lef import Lef
from synth.reports.plot import area_figure
from synth.reports.rows import Measured, Row, measure
from synth.reports.tables import as_csv, as_json, memory_table, table


__all__ = ["FILES", "report"]


FILES = ("report.json", "report.csv", "area.png")


def report(rows: Sequence[Row], synthesis: flow.Flow, path: Path, output: Path,
           lef: Lef | None = None, sram: Sram | None = None) -> list[Measured]:
    """Synthesise ``rows``, print the tables and write the files into ``output``.

    Memories are of ``sram``. With ``lef``, sizes of the cells and figures of the wires, every row
    is also placed.

    Raises
    ------
    ValueError
        If ``output`` is no writable directory; nothing is synthesised then.
    SynthesisError
        If Yosys fails; nothing is written then.
    """
    check_writable(output, FILES)
    measured = measure(rows, synthesis, lef, sram)
    contents = (as_json(measured, synthesis, path, sram), as_csv(measured),
                area_figure(measured, synthesis.library.name))
    write_all(output, dict(zip(FILES, contents, strict=True)))
    table(measured, synthesis).print()
    if memories := memory_table(measured, synthesis, sram):
        memories.print()
    return measured
