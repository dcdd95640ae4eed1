"""The figure of a report: area against pattern."""

import io
from collections.abc import Sequence

from matplotlib.figure import Figure

from synth.reports.rows import Measured


__all__ = ["area_figure"]


MARKERS = "osD^vP*X"


def area_figure(rows: Sequence[Measured], library: str) -> bytes:
    """Draw the area of every design against the pattern, dense baselines dashed, as PNG.

    A design has a colour, a structure of its selector (and further options) a marker.
    The pattern of a dense baseline is drawn where the patterns with as many lanes stand. Both
    axes are what they are for a reader of the table: patterns in its order, areas logarithmic.
    """
    patterns = list(dict.fromkeys(row.design.pattern for row in rows
                                  if not row.design.pattern.dense))
    patterns = patterns or list(dict.fromkeys(row.design.pattern for row in rows))
    lines: dict[tuple[str, str, bool], dict[int, float]] = {}
    for row in rows:
        own = row.design.pattern
        baseline = own.dense and own not in patterns
        places = ([k for k, pattern in enumerate(patterns) if pattern.n == own.n] if baseline
                  else [patterns.index(own)])
        kind = " ".join(filter(None, (row.selector, row.design.options)))
        lines.setdefault((row.name, kind, baseline), {}).update(
            dict.fromkeys(places, row.result.gates))

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    names, kinds = (list(dict.fromkeys(line[part] for line in lines)) for part in (0, 1))
    for (name, kind, baseline), points in sorted(lines.items(), key=lambda line: line[0][2]):
        axes.plot(list(points), list(points.values()), markersize=4,
                  color=f"C{names.index(name)}", marker=MARKERS[kinds.index(kind) % len(MARKERS)],
                  label=" ".join(filter(None, (name, kind, "dense" if baseline else ""))),
                  linestyle="--" if baseline else "-")
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
