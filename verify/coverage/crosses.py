"""Functional coverage: which values of which parameters are to meet, and which benches let them.

A bin is a value of every parameter of a cross. It counts as hit where a bench that is named here
runs a design with these values. What :class:`hw.config.Design` refuses is no bin.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product

from hw.config import ENCODINGS, SELECTORS, SHIFTS, Design, Pattern
from hw.formats import FORMATS


__all__ = ["AXES", "CROSSES", "Bench", "Cross", "bins", "holes"]


AXES: dict[str, tuple[str, ...]] = {
    "format": tuple(FORMATS),
    "pattern": ("2:4", "4:8", "8:16", "16:32", "1:4", "3:4", "3:7", "8:8", "1:64"),
    "selector": tuple(SELECTORS),
    "encoding": tuple(ENCODINGS),
    "shift": tuple(SHIFTS),
    "pressure": ("none", "source", "sink", "both"),
    "data": ("equal", "ties", "outlier", "sorted", "special", "ends", "random"),
}
"""Parameters and the values that they are to have.

``pressure`` is which side pauses. ``data`` are blocks: all equal, few values, one outlier at each
place, sorted, the special values of a format, sums at their ends, random ones.
"""

OF_BENCH = ("pressure", "data")
"""Parameters of a bench, not of a design."""


@dataclass(frozen=True)
class Cross:
    """Parameters whose values are to meet, all with all, in a design."""

    design: str
    axes: tuple[str, ...]


CROSSES = (
    Cross("compressor", ("format", "selector")),
    Cross("compressor", ("format", "encoding")),
    Cross("compressor", ("format", "shift")),
    Cross("compressor", ("pattern", "selector")),
    Cross("compressor", ("pattern", "encoding")),
    Cross("compressor", ("pattern", "shift")),
    Cross("compressor", ("selector", "encoding")),
    Cross("compressor", ("selector", "shift")),
    Cross("compressor", ("encoding", "shift")),
    Cross("compressor", ("format", "pressure", "data")),
    Cross("compressor", ("shift", "pressure", "data")),
    Cross("decompressor", ("format", "encoding")),
    Cross("decompressor", ("pattern", "encoding")),
    Cross("decompressor", ("encoding", "pressure")),
)
"""What is to meet."""


@dataclass(frozen=True)
class Bench:
    """What lets parameters meet: a module of tests, or a command.

    Attributes
    ----------
    name : str
    design : str
    designs : callable
        The designs that it runs.
    pressure, data : tuple of str
        What each of them meets.
    """

    name: str
    design: str
    designs: Callable[[], Iterable[Design]]
    pressure: tuple[str, ...]
    data: tuple[str, ...]


def _values(axis: str, design: Design) -> str:
    return str(getattr(design, axis))


def _possible(cross: Cross, values: tuple[str, ...]) -> bool:
    """Whether there is such a design."""
    given = {axis: value for axis, value in zip(cross.axes, values, strict=True)
             if axis not in OF_BENCH}
    pattern = Pattern.parse(given.pop("pattern", "4:8"))
    try:
        design = replace(Design(pattern), **given)  # type: ignore[arg-type]
        design.require(cross.design)
    except ValueError:
        return False
    return True


def bins(cross: Cross) -> Iterator[tuple[str, ...]]:
    """All bins of a cross."""
    return (values for values in product(*(AXES[axis] for axis in cross.axes))
            if _possible(cross, values))


def holes(cross: Cross, benches: Iterable[Bench]) -> list[tuple[str, ...]]:
    """Bins that no bench hits."""
    hit = {values for bench in benches if bench.design == cross.design
           for design in bench.designs()
           for values in product(*(getattr(bench, axis) if axis in OF_BENCH
                                   else (_values(axis, design),) for axis in cross.axes))}
    return [values for values in bins(cross) if values not in hit]
