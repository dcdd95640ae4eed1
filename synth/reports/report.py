"""A report from its rows to its files: what ``python -m synth.report`` does."""

from collections.abc import Sequence
from pathlib import Path

from hw.command.files import check_writable, write_all
from synth import flow
from synth.placement.lef import Lef
from synth.reports.plot import area_figure
from synth.reports.rows import Measured, Row, measure
from synth.reports.tables import as_csv, as_json, table


__all__ = ["FILES", "report"]


FILES = ("report.json", "report.csv", "area.png")


def report(rows: Sequence[Row], synthesis: flow.Flow, path: Path, output: Path,
           lef: Lef | None = None, seeds: int = 1) -> list[Measured]:
    """Synthesise ``rows``, print the table and write the files into ``output``.

    With ``lef``, sizes of the cells and figures of the wires, every row is also placed, ``seeds``
    times.

    Raises
    ------
    ValueError
        If ``output`` is no writable directory; nothing is synthesised then.
    SynthesisError
        If Yosys fails; nothing is written then.
    """
    check_writable(output, FILES)
    measured = measure(rows, synthesis, lef, seeds)
    contents = (as_json(measured, synthesis, path), as_csv(measured),
                area_figure(measured, synthesis.library.name))
    write_all(output, dict(zip(FILES, contents, strict=True)))
    table(measured, synthesis).print()
    return measured
