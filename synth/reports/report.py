"""A report from its rows to its files: what ``python -m synth.report`` does."""

from collections.abc import Sequence
from pathlib import Path

from hw.command.files import check_writable, write_all
from synth import flow
from synth.memories.technology import Sram
from synth.reports.bus import added
from synth.reports.plot import area_figure
from synth.reports.rows import Measured, Row, measure
from synth.reports.tables import as_csv, as_json, memory_table, table
from synth.store import Store
from synth.sweep.point import Cells


__all__ = ["FILES", "report"]


FILES = ("report.json", "report.csv", "area.png")


def report(rows: Sequence[Row], synthesis: flow.Flow, cells: Cells, store: Store, output: Path, *,
           seeds: int = 0, sram: Sram | None = None) -> list[Measured]:
    """Synthesise ``rows``, print the tables and write the files into ``output``.

    Memories are of ``sram``. Every row is also placed ``seeds`` times.

    Raises
    ------
    ValueError
        If ``output`` is no writable directory; nothing is synthesised then.
    Fault
        If a row cannot be had; nothing is written into ``output`` then.
    """
    check_writable(output, FILES)
    measured = measure(rows, synthesis, cells, store, seeds=seeds, sram=sram)
    contents = (as_json(measured, synthesis, cells.liberty, sram), as_csv(measured),
                area_figure(measured, synthesis.library.name))
    write_all(output, dict(zip(FILES, contents, strict=True)))
    table(measured, synthesis).print()
    if memories := memory_table(measured, synthesis, sram):
        memories.print()
    for line in added(measured, synthesis.library.area_unit):
        print(line)
    return measured
