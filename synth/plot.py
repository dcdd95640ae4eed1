"""The figure of a report: area against pattern."""

import io
from typing import TYPE_CHECKING

from matplotlib.figure import Figure


if TYPE_CHECKING:
    from collections.abc import Sequence

    from synth.report import Measured


__all__ = ["area_figure"]


def area_figure(rows: "Sequence[Measured]", library: str) -> bytes:
    """Draw the area of every design against the pattern, dense baselines dashed, as PNG.

    The pattern of a dense baseline is drawn where the patterns with as many lanes stand. Both
    axes are what they are for a reader of the table: patterns in its order, areas logarithmic.
    """
    patterns = list(dict.fromkeys(row.design.pattern for row in rows
                                  if not row.design.pattern.dense))
    patterns = patterns or list(dict.fromkeys(row.design.pattern for row in rows))
    lines: dict[str, dict[int, float]] = {}
    for row in rows:
        own = row.design.pattern
        label = " ".join(filter(None, (row.name, row.selector, row.design.options)))
        if own.dense and own not in patterns:
            label += " dense"
            places = [k for k, pattern in enumerate(patterns) if pattern.n == own.n]
        else:
            places = [patterns.index(own)]
        lines.setdefault(label, {}).update(dict.fromkeys(places, row.result.gates))

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    colours: dict[str, str] = {}
    for label, points in sorted(lines.items(), key=lambda line: line[0].endswith(" dense")):
        dense = label.endswith(" dense")
        colour = colours.setdefault(label.split()[0] if dense else label, f"C{len(colours)}")
        axes.plot(list(points), list(points.values()), marker="o", markersize=4, label=label,
                  color=colour, linestyle="--" if dense else "-")
        colours.setdefault(label.split()[0], colour)
    axes.set_yscale("log")
    axes.set_xticks(range(len(patterns)), [str(pattern) for pattern in patterns])
    axes.set_xlabel("pattern N:M")
    axes.set_ylabel("area (gate equivalents)")
    axes.set_title(f"Area on {library}")
    axes.grid(which="both", alpha=0.25)
    figure.legend(loc="outside right center", frameon=False, fontsize="small")
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=150)
    return image.getvalue()
