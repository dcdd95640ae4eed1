"""The figure of a sweep: overhead of flexibility against the width of the multiplier, as SVG."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hw.formats import BLOCK_FORMATS, FORMATS


__all__ = ["overhead_figure"]


_Point = tuple[int, float, str]
"""Bits of a weight, percent over dense, name."""


def overhead_figure(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Draw the area of every design over its dense baseline against the bits of a weight.

    A weight is what a gather moves. Rows without a baseline are left out. Each pattern has a
    panel, in the order of M and N; each library, design and accumulator a colour; a point is named
    by its formats. The same rows give the same bytes.
    """
    panels: dict[tuple[int, int], dict[str, list[_Point]]] = {}
    for row in rows:
        if row["overhead_percent"] is not None:
            given = row["parameters"]
            n, m = map(int, given["pattern"].split(":"))
            kind = f"{row['library']} {row['design']}, accumulator {given['accumulator']}"
            panels.setdefault((m, n), {}).setdefault(kind, []).append(
                (_bits(given["weight_format"]), row["overhead_percent"], _name(given)))
    kinds = list(dict.fromkeys(kind for series in panels.values() for kind in series))
    high, wide = -(-len(panels) // 2) or 1, min(len(panels), 2) or 1
    figure = Figure(figsize=(8 if wide == 1 else 14, 4.5 * high), layout="constrained")
    drawn = figure.subplots(high, wide, squeeze=False).flat
    for axes, ((m, n), series) in zip(drawn, sorted(panels.items()), strict=False):
        _panel(axes, f"{n}:{m}", series, kinds)
    for axes in drawn[len(panels):]:
        axes.set_axis_off()
    if panels:
        figure.legend(*_keys(figure.axes), loc="outside upper left", frameon=False,
                      fontsize="small")
    image = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "nmforge", "svg.fonttype": "none"}):
        figure.savefig(image, format="svg", metadata={"Date": None})
    return image.getvalue()


def _panel(axes: Axes, title: str, series: Mapping[str, list[_Point]], kinds: list[str]) -> None:
    """Points of one pattern; widths stand at equal distances, so that names fit between them."""
    every = sorted(point for points in series.values() for point in points)
    place = {bits: number for number, bits in enumerate(dict.fromkeys(bits for bits, *_ in every))}
    for kind, points in series.items():
        number = kinds.index(kind)
        axes.plot([place[bits] for bits, *_ in points], [percent for _, percent, _ in points],
                  f"C{number}", marker="osD^vP*X"[number % 8], linestyle="none", label=kind)
    low, high = (end(edge, *(percent for _, percent, _ in every))
                 for end, edge in ((min, 0), (max, 0.1)))
    _label(axes, every, place, (high - low) / 20)
    axes.set(title=title, xlabel="bits of a weight", ylabel="area over dense in percent",
             xlim=(-0.2, len(place)), ylim=(low, high + (high - low) / 8))
    axes.set_xticks(list(place.values()), list(map(str, place)))
    axes.grid(alpha=0.3)


def _label(axes: Axes, points: Iterable[_Point], place: Mapping[int, int], apart: float) -> None:
    """Name points that are sorted: beside each, above the name of the one below."""
    least: dict[int, float] = {}
    for bits, percent, name in points:
        height = max(percent, least.get(bits, percent))
        least[bits] = height + apart
        axes.annotate(f"{name} {percent:+.1f} %", (place[bits] + 0.06, height), fontsize="small",
                      va="center")


def _keys(panels: Iterable[Axes]) -> tuple[list[Any], list[str]]:
    """What each colour is, once for all panels."""
    found: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)


def _bits(name: str) -> int:
    """Bits of a value without its scale."""
    return (BLOCK_FORMATS[name].element if name in BLOCK_FORMATS else FORMATS[name]).bits


def _name(parameters: Mapping[str, Any]) -> str:
    """Both formats, or the one that they share."""
    form, weight = parameters["format"], parameters["weight_format"]
    return form if form == weight else f"{form} by {weight}"
