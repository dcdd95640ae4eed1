"""Gather networks as plain descriptions: which node takes its value from which."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from hw.config import GATHERS, Pattern, choice


__all__ = ["Network", "Node", "make_network", "radices"]


@dataclass(frozen=True)
class Node:
    """A place between two stages.

    Attributes
    ----------
    place : int
        Its number. At the end of the network, the lane.
    sources : tuple of int
        Places of the stage before, ascending, one of which it takes its value from.
    """

    place: int
    sources: tuple[int, ...]


@dataclass(frozen=True)
class Network:
    """Stages that move every kept value from its position in the block to its lane.

    Kept value ``i`` stands at position ``i + d``, and ``d``, the number of values before it that
    were dropped, never falls from one kept value to the next. ``d`` is written in mixed radix,
    lowest digit first, and stage ``s`` moves the value down by digit ``s`` times its weight. After
    a stage the value is at place ``i + weight * (d // weight)``: still strictly ascending in ``i``,
    so two values never meet, whatever the mask. A window is the network of one stage.

    Parameters
    ----------
    pattern : Pattern
        How many values are kept of how many.
    radices : tuple of int
        Values of each digit of ``d``, lowest digit first; their product is at least ``span``.
    """

    pattern: Pattern
    radices: tuple[int, ...]

    @property
    def weights(self) -> list[int]:
        """Weight of each digit, and that of the one that would follow."""
        weights = [1]
        for radix in self.radices:
            weights.append(weights[-1] * radix)
        return weights

    @cached_property
    def stages(self) -> list[list[Node]]:
        """Nodes of each stage, ascending; the last stage has one for each lane."""
        stages = []
        for stage in range(len(self.radices)):
            sources: dict[int, set[int]] = {}
            for lane in range(self.pattern.n):
                for d in range(self.pattern.span):
                    before, after = self.path(lane, d)[stage:stage + 2]
                    sources.setdefault(after, set()).add(before)
            stages.append([Node(place, tuple(sorted(sources[place])))
                           for place in sorted(sources)])
        return stages

    @property
    def selects(self) -> int:
        """Select bits: one for each source of a node that has several."""
        return sum(1 for _ in self.crosspoints())

    @property
    def cost(self) -> float:
        """Area of one bit of the network, in thirds of a NAND; the smallest network is best.

        A node of up to three sources is one AND-OR-INVERT or OR-AND-INVERT gate, a wider one such
        gates and a NAND. Half a third is a PE's share of what makes and holds a select.
        """
        nodes = sum(_cost(len(node.sources)) for nodes in self.stages for node in nodes)
        return nodes + self.selects / 2

    def path(self, lane: int, d: int) -> list[int]:
        """Places of kept value ``lane`` before the first stage and after each one."""
        return [lane + d // weight * weight for weight in self.weights]

    @property
    def active_low(self) -> bool:
        """Whether selects of nodes of two sources are active low, which an OR-AND node wants."""
        return len(self.radices) > 1

    def crosspoints(self) -> Iterator[tuple[int, int, int]]:
        """Stage, node and source of every select bit, in the order of the bits."""
        for stage, nodes in enumerate(self.stages):
            for node in nodes:
                if len(node.sources) > 1:
                    for source in node.sources:
                        yield stage, node.place, source


def _cost(sources: int) -> int:
    """Area of one bit of a node in thirds of a NAND, as gates of SkyWater 130 have it."""
    if sources <= 3:
        return (3, 5, 8)[sources - 1]
    gates, rest = divmod(sources, 3)
    return 8 * gates + 4 * rest + gates + (rest > 0) + 1


@cache
def make_network(gather: str, pattern: Pattern) -> Network:
    """Return the network that one of :data:`hw.config.GATHERS` names; ValueError otherwise.

    ``auto`` is the network of least ``cost`` among those with radices 2 and 3 and any last one.
    """
    choice("gather", gather, GATHERS)
    if gather == "window":
        return Network(pattern, (pattern.span,))
    if gather == "butterfly":
        return Network(pattern, (2,) * max(1, (pattern.span - 1).bit_length()))
    return min((Network(pattern, found) for found in radices(pattern.span)),
               key=lambda network: (network.cost, len(network.radices)))


def radices(span: int, first: tuple[int, ...] = (3, 2)) -> Iterator[tuple[int, ...]]:
    """Yield the radices of all networks for ``span``: any last one, those of ``first`` before."""
    yield (span,)
    for radix in first:
        if span > radix:
            for rest in radices(-(-span // radix), first):
                yield (radix, *rest)
