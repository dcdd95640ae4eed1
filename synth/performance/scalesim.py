"""Layers and their times in the CSV columns of SCALE-Sim."""

from collections.abc import Sequence

from synth.performance.layer import Performance


__all__ = ["COMPUTE", "TOPOLOGY", "compute_report", "topology"]


TOPOLOGY = "Layer, M, N, K,"
"""Columns of a topology of matrix products: tokens, outputs, features."""

COMPUTE = ("LayerID, Total Cycles (incl. prefetch), Total Cycles, Stall Cycles, Overall Util %, "
           "Mapping Efficiency %, Compute Util %,")
"""Columns of ``COMPUTE_REPORT.csv``, as version 3 has them."""


def topology(rows: Sequence[Performance]) -> str:
    """A line for every layer; equal ones, such as those of all blocks, stand once."""
    lines = [f"{row.layer.name}, {row.layer.tokens}, {row.layer.outputs}, {row.layer.features},"
             for row in rows]
    return "\n".join([TOPOLOGY, *lines, ""])


def compute_report(rows: Sequence[Performance]) -> str:
    """The lines of one such layer each, in the same order.

    Total Cycles are those from the first step on, stalls those of them in which the array takes
    none; with prefetch, those of the whole job. Overall Util counts needed products over what the
    array could do in all of these cycles, Compute Util in those between its first step and its
    last one, and Mapping Efficiency in its steps alone.
    """
    lines = []
    for number, row in enumerate(rows):
        count, times = row.layer.count, row.times
        whole = row.cycles / count
        begun = whole - times.first
        products = row.products / count

        def share(cycles: float, products: float = products, peak: int = row.peak) -> str:
            return f"{100 * products / (cycles * peak):.4f}"

        lines.append(f"{number}, {whole:.0f}, {begun:.0f}, {begun - times.steps:.0f}, "
                     f"{share(begun)}, {share(times.steps)}, {share(times.array_cycles)},")
    return "\n".join([COMPUTE, *lines, ""])
