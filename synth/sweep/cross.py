"""From a space to its points: every combination that there is, once."""

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod
from typing import Any

from hw.config import Design, Pattern
from hw.config.design import SPARSE
from synth.store import Store
from synth.sweep.point import Cells, Point
from synth.sweep.recall import no_energy
from synth.sweep.space import Space
from synth.sweep.targets import TARGETS


__all__ = ["BASED", "Crossed", "baseline", "cross", "no_baseline"]


BASED = ("pe", "array", "accelerator")
"""Designs with a dense baseline: the same design that keeps all of its N values, L:L."""

MOST = 100_000
"""Combinations of a space at most."""


@dataclass
class Crossed:
    """The points of a space.

    Attributes
    ----------
    points : list of Point
    libraries : dict
        The libraries by the names that rows call them by.
    combinations : int
        Of all lists of the space.
    absent : Counter
        How many combinations do not exist, by the reason. Of the others those are one point that
        differ only in what their design does not have.
    baselines : int
        Dense baselines among the points that no combination asks for.
    """

    points: list[Point] = field(default_factory=list)
    libraries: dict[str, Cells] = field(default_factory=dict)
    combinations: int = 0
    absent: Counter[str] = field(default_factory=Counter)
    baselines: int = 0


def cross(space: Space, store: Store) -> Crossed:
    """Return every combination that exists.

    Raises
    ------
    ValueError
        If there are too many combinations or none that exists, a parameter is of no design, or
        two libraries have one name.
    """
    axes = _axes(space)
    _check(space, axes)
    found = Crossed(libraries=_named(space, store))
    places = [_place(*given) for given in
              product(found.libraries.values(), space.goals, space.targets)]
    points, baselines = dict[Point, None](), dict[Point, None]()
    for name, pattern, options in product(space.designs, space.patterns, space.options):
        for values in product(*axes.values()):
            found.combinations += len(places)
            given = _flat(dict(zip(axes, values, strict=True)))
            try:
                design = _design(name, pattern, given, options)
            except ValueError as error:
                found.absent[str(error)] += len(places)
                continue
            for cells, goal, target in places:
                point = Point(name, design, cells, goal, target, int(space.wires and bool(cells)))
                if space.energy and no_energy(point, store) is None:
                    point = replace(point, energy=space.energy)
                points[point] = None
                if space.baselines and (dense := baseline(point)):
                    baselines[dense] = None
    if not points:
        raise ValueError(f"space must have a combination that exists, not none: "
                         f"{next(iter(found.absent))}")
    found.points = list(points | baselines)
    found.baselines = len(found.points) - len(points)
    return found


def baseline(point: Point) -> Point | None:
    """The dense design with as many lanes; None for a design without, or one that is dense."""
    if not _based(point) or no_baseline(point):
        return None
    return replace(point, design=_reduced(point.name, point.design.baseline))


def no_baseline(point: Point) -> str | None:
    """Why there is no dense design beside one that should have it; None if there is."""
    try:
        if _based(point):
            point.design.baseline.require(point.name)
    except ValueError as error:
        return f"no dense baseline: {error}"
    return None


def _based(point: Point) -> bool:
    return point.name in BASED and point.design.pattern.has_baseline


def _place(cells: Cells, goal: str, target: str) -> tuple[Cells | None, str, str]:
    """Library, goal and target of points; those that a target does not have make no further one."""
    return (cells, goal, target) if TARGETS[target].cells else (None, "", target)


def _named(space: Space, store: Store) -> dict[str, Cells]:
    """Libraries by name."""
    found: dict[str, Cells] = {}
    for cells in space.libraries:
        name = cells.name or cells.facts(store)["name"]
        if name in found:
            raise ValueError(f"libraries must have names of their own, not {name!r} twice: give "
                             "one a name")
        found[name] = replace(cells, name=name)
    return found


def _axes(space: Space) -> dict[Any, tuple]:
    """Lists that are crossed for each design and pattern; rows and columns are one of them."""
    axes: dict[Any, tuple] = dict(space.parameters)
    if space.shapes:
        axes["rows", "columns"] = space.shapes
    return axes


def _flat(given: dict[Any, Any]) -> dict[str, Any]:
    """Parameters one by one."""
    flat: dict[str, Any] = {}
    for names, values in given.items():
        flat.update(zip(names, values, strict=True) if isinstance(names, tuple)
                    else ((names, values),))
    return flat


def _check(space: Space, axes: dict[Any, tuple]) -> None:
    if space.shapes and {"rows", "columns"} & space.parameters.keys():
        raise ValueError("rows and columns must be left out with shapes, not given twice")
    number = prod(map(len, (*axes.values(), space.designs, space.patterns, space.options,
                            space.libraries, space.goals, space.targets)))
    if number > MOST:
        raise ValueError(f"space must have at most {MOST} combinations, not {number}")
    for name in _flat({key: key for key in axes}):
        if not any(Design.has(design, [name]) for design in space.designs):
            raise ValueError(f"{name} must be left out without a design that has it, not given")


def _design(name: str, pattern: Pattern, given: dict[str, Any], options: dict[str, Any]) -> Design:
    """The design of a combination, without what it does not have; ValueError if there is none."""
    if pattern.dense and name == "selector":
        raise ValueError("patterns must have N below M for a selector")
    for option in options:
        if not Design.has(name, [option]):
            raise ValueError(f"{option} must be of a design that has it, not of {name}")
    own = {key: value for key, value in given.items()
           if Design.has(name, [key]) and not (pattern.dense and key in SPARSE)}
    design = Design(pattern, **{**own, **options})
    design.require(name)
    return design


def _reduced(name: str, design: Design) -> Design:
    """A dense design without what has no effect."""
    defaults: dict[str, Any] = {described.name: described.default
                                for described in Design.parameters() if described.name in SPARSE}
    return replace(design.only(name), **defaults)
