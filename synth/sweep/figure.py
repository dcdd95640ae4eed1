"""The figure of a sweep: overhead of flexibility against the width of the multiplier, as SVG."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hw.formats import BLOCK_FORMATS, FORMATS


__all__ = ["overhead_figure"]


def overhead_figure(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Draw the area of every design over its dense baseline against the bits of a weight.

    A weight is what a gather moves. Rows without a baseline are left out. Each library, design,
    pattern and accumulator has a colour; a point is named by its formats. The same rows give the
    same bytes.
    """
    series: dict[str, list[tuple[int, float, str]]] = {}
    for row in rows:
        if row["overhead_percent"] is not None:
            given = row["parameters"]
            kind = (f"{row['library']} {row['design']} {given['pattern']}, "
                    f"accumulator {given['accumulator']}")
            series.setdefault(kind, []).append(
                (_bits(given["weight_format"]), row["overhead_percent"], _name(given)))
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for number, (kind, points) in enumerate(series.items()):
        axes.plot([point[0] for point in points], [point[1] for point in points],
                  marker="osD^vP*X"[number % 8], linestyle="none", label=kind)
    every = sorted(point for points in series.values() for point in points)
    _label(axes, every)
    axes.set(xlabel="bits of a weight", ylabel="area over dense in percent")
    axes.set_xticks(sorted({point[0] for point in every}))
    axes.set_ylim(bottom=0)
    axes.margins(x=0.4)
    axes.grid(alpha=0.3)
    if series:
        figure.legend(loc="outside upper left", frameon=False, fontsize="small")
    image = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "nmforge", "svg.fonttype": "none"}):
        figure.savefig(image, format="svg", metadata={"Date": None})
    return image.getvalue()


def _label(axes: Axes, points: Iterable[tuple[int, float, str]]) -> None:
    """Name points that are sorted: on both sides in turn, so that near ones do not overlap."""
    for number, (bits, percent, name) in enumerate(points):
        left = number % 2
        axes.annotate(f"{name} {percent:+.1f} %", (bits, percent), fontsize="small",
                      textcoords="offset points", xytext=(-7 if left else 7, -3),
                      ha="right" if left else "left")


def _bits(name: str) -> int:
    """Bits of a value without its scale."""
    return (BLOCK_FORMATS[name].element if name in BLOCK_FORMATS else FORMATS[name]).bits


def _name(parameters: Mapping[str, Any]) -> str:
    """Both formats, or the one that they share."""
    form, weight = parameters["format"], parameters["weight_format"]
    return form if form == weight else f"{form} by {weight}"
