"""What an accelerator could reach on a layer, by its products and by its streams."""

import io
from collections.abc import Sequence

from hw.config import VALUE_WIDTH, Design
from synth.performance.layer import Performance


__all__ = ["figure", "own_bandwidth", "point", "roof"]


def own_bandwidth(design: Design) -> float:
    """Bytes in a cycle of a beat on each of the three streams of data."""
    block = design.pattern.m * VALUE_WIDTH / 8
    return block * (1 + design.columns) + design.columns * design.accumulator_width / 8


def roof(intensity: float, row: Performance, design: Design, bandwidth: float | None) -> float:
    """Products of the dense layer in a cycle at most, at so many of them for a byte."""
    compute = row.peak * row.dense_products / row.products
    return min(compute, intensity * (own_bandwidth(design) if bandwidth is None else bandwidth))


def point(row: Performance, design: Design, bandwidth: float | None) -> dict[str, float]:
    """Where a layer stands below the roof.

    ``intensity`` is products of the dense layer for a byte on the streams, ``reached`` how many of
    them are done in a cycle, ``roof`` how many could be.
    """
    intensity = row.dense_products / row.moved
    return {"intensity": intensity, "reached": row.dense_products / row.cycles,
            "roof": roof(intensity, row, design, bandwidth)}


def figure(runs: Sequence[tuple[str, Design, Sequence[Performance]]],
           bandwidth: float | None) -> bytes:
    """The roofs of all runs with their layers below them, as PNG."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(8, 5), layout="constrained")
    axes = drawn.add_subplot()
    for number, (name, design, rows) in enumerate(runs):
        points = [point(row, design, bandwidth) for row in rows]
        low = min(one["intensity"] for one in points) / 4
        high = max(one["intensity"] for one in points) * 4
        steps = [low * (high / low) ** (k / 200) for k in range(201)]
        axes.plot(steps, [roof(one, rows[0], design, bandwidth) for one in steps],
                  color=f"C{number}", linewidth=1)
        axes.plot([one["intensity"] for one in points], [one["reached"] for one in points], "o",
                  color=f"C{number}", markersize=4, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("products of the dense layer for a byte on the streams")
    axes.set_ylabel("products of the dense layer in a cycle")
    axes.grid(which="both", alpha=0.25)
    drawn.legend(loc="outside right center", frameon=False, fontsize="small")
    image = io.BytesIO()
    drawn.savefig(image, format="png", dpi=150)
    return image.getvalue()
