"""The figure of a study, as PNG and SVG: loss against cost, and where the area goes."""

import io
from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synth.study.answer import label_of
from synth.study.curves import Curve, chain, chosen, curves, spoken
from synth.study.data import Row, Study
from synth.study.designs import MEMORIES
from synth.study.tables import ORDER


__all__ = ["figure"]


COLORS = matplotlib.colormaps["tab20"].colors  # type: ignore[attr-defined]

PANELS = (("relative_area", "area of the logic"), ("relative_whole", "area with memories"),
          ("relative_energy", "energy"))


def figure(study: Study) -> dict[str, bytes]:
    """Draw a study: its bytes by kind of file, ``png`` and ``svg``.

    Loss, as a share of the first pattern's, against each cost that is known on the first
    technology, over the smallest dense design; and area by part. Of every model one line.
    """
    technology = study.technologies[0] if study.technologies else ""
    rows = {pattern: row for pattern, row in chosen(study.designs, technology).items()}
    sparse = {pattern: row for pattern, row in rows.items() if not row["dense"]}
    panels = [(key, label_of(key, label, rows.values())) for key, label in PANELS
              if any(row.get(key) is not None for row in sparse.values())]
    drawn = Figure(figsize=(4 * (len(panels) + 1), 4), layout="constrained")
    axes = drawn.subplots(1, len(panels) + 1, squeeze=False)[0]
    for place, (key, label) in zip(axes, panels, strict=False):
        _loss(place, sparse, curves(study), key)
        place.set_xlabel(f"{label}, smallest dense = 1")
    _parts(axes[-1], rows)
    drawn.suptitle(f"{_name(rows)} on {spoken(technology)}" if rows else "nothing synthesised yet")
    return {kind: _bytes(drawn, kind) for kind in ("png", "svg")}


def _loss(axes: Axes, rows: dict[str, Row], measured: Sequence[Curve], key: str) -> None:
    patterns = [pattern for pattern in chain(rows) if rows[pattern].get(key) is not None]
    for number, curve in enumerate(measured):
        found = {pattern: share for pattern in patterns
                  if (share := curve.share(pattern, patterns[0])) is not None}
        axes.plot([rows[pattern][key] for pattern in found], list(found.values()),
                  marker="osD^vP*X"[number % 8], label=curve.name)
    for pattern in patterns:
        shares = [share for curve in measured
                  if (share := curve.share(pattern, patterns[0])) is not None]
        if shares:
            axes.annotate(pattern, (rows[pattern][key], max(shares)), ha="center",
                          textcoords="offset points", xytext=(0, 6))
    axes.set_ylabel(f"loss, that of {patterns[0]} being 1" if patterns else "loss")
    axes.set_ylim(0, 1.1)
    axes.margins(x=0.1)
    axes.grid(alpha=0.3)
    if measured:
        axes.legend(frameon=False, fontsize="small", loc="lower left")


def _parts(axes: Axes, rows: dict[str, Row]) -> None:
    """Logic by part; memories, which may take many times as much, have a panel of their own."""
    known = {part for row in rows.values() for part in row["parts"]}
    parts = [part for part in ORDER if part in known and part != MEMORIES]
    base = dict.fromkeys(rows, 0.0)
    for number, part in enumerate(parts):
        heights = {pattern: row["parts"].get(part, 0.0) * row["gates"] / row["area"]
                   / (row["products"] or 1) for pattern, row in rows.items()}
        axes.bar(range(len(rows)), list(heights.values()), bottom=list(base.values()),
                 color=COLORS[number % len(COLORS)], label=part)
        base = {pattern: base[pattern] + height for pattern, height in heights.items()}
    axes.set_xticks(range(len(rows)), list(rows), rotation=60)
    axes.set_ylabel("GE of the logic for a product a cycle")
    if parts:
        axes.legend(frameon=False, fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))


def _name(rows: dict[str, Row]) -> str:
    return next(iter(rows.values()))["design"]


def _bytes(drawn: Figure, kind: str) -> bytes:
    """The same figure, the same bytes."""
    image = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "nmforge"}):
        drawn.savefig(image, format=kind, dpi=130,
                      metadata={"Date": None} if kind == "svg" else None)
    return image.getvalue()
