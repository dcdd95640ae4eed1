"""A gather for look-up tables: registers that clear where they are not selected, and an OR."""

from functools import cache, reduce
from hashlib import sha256
from operator import or_

from amaranth.hdl import Module, Shape, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Pattern
from hw.gather.network import Network, Node, make_network, radices


__all__ = ["ClockedNetwork", "ClockedStage", "make_clocked_network", "route_clocked"]


class ClockedNetwork(Network):
    """A network whose nodes are an OR: selects of all of them are one-hots."""

    @property
    def active_low(self) -> bool:
        """Never."""
        return False

    @property
    def clears(self) -> list[int]:
        """Registers of each stage that clear: those of nodes of several sources."""
        return [sum(len(node.sources) for node in nodes if len(node.sources) > 1)
                for nodes in self.stages]


@cache
def make_clocked_network(gather: str, pattern: Pattern) -> ClockedNetwork:
    """Return the network that ``gather`` names; ``auto`` is the smallest in tables of four inputs.

    ValueError if ``gather`` is unknown.
    """
    if gather != "auto":
        return ClockedNetwork(pattern, make_network(gather, pattern).radices)
    return min((ClockedNetwork(pattern, found) for found in radices(pattern.span, (4, 3, 2))),
               key=_tables)


def _tables(network: Network) -> tuple[int, int]:
    """Tables of four inputs for a bit, and registers, of which fewer are better."""
    sources = [len(node.sources) for nodes in network.stages for node in nodes]
    return sum(-(-(count - 1) // 3) for count in sources), sum(sources)


class ClockedStage(wiring.Component):
    """One stage of a network: each node is the OR of registers, one of which is not cleared.

    A register takes its source, or clears: a synchronous reset, which a flip-flop has beside its
    data. A node of four sources then is one table of four inputs, where a multiplexer of three
    takes two. Latency one cycle; no reset.

    Parameters
    ----------
    nodes : list of Node
    places : list of int
        Places of the stage before.
    width : int
        Bits of a value.

    Members
    -------
    values : In(ArrayLayout(width, len(places)))
    clears : In(number of sources of nodes of several)
        In the order of the nodes and their sources: all but one of a node are high.
    moved : Out(ArrayLayout(width, len(nodes)))
        Values after the stage, a cycle later.
    """

    def __init__(self, nodes: list[Node], places: list[int], width: int):
        self.nodes = nodes
        self.places = places
        self.width = width
        super().__init__({
            "values": In(data.ArrayLayout(width, len(places))),
            "clears": In(sum(len(node.sources) for node in nodes if len(node.sources) > 1)),
            "moved": Out(data.ArrayLayout(width, len(nodes))),
        })

    @property
    def variant(self) -> str:
        """Values before and after, the bits of each, and a digest of the wiring between them."""
        wires = sha256(repr((self.nodes, self.places)).encode()).hexdigest()
        return f"{len(self.places)}to{len(self.nodes)}x{self.width}_{wires[:6]}"

    def elaborate(self, platform):
        m = Module()
        clears = iter(self.clears)
        for k, node in enumerate(self.nodes):
            held = []
            for source in node.sources:
                value = Signal(self.width, name=f"node{node.place}_from{source}", reset_less=True)
                m.d.sync += value.eq(self.values[self.places.index(source)])
                if len(node.sources) > 1:
                    with m.If(next(clears)):
                        m.d.sync += value.eq(0)
                held.append(value)
            m.d.comb += self.moved[k].eq(reduce(or_, held))
        return m


def route_clocked(m: Module, network: ClockedNetwork, values: data.View,
                  clears: list[Value]) -> Value:
    """Add the stages of ``network`` to ``m``: a cycle each, from a block to the bits of its lanes.

    ``clears`` of a stage come with the values that it moves: those of stage ``s`` ``s`` cycles
    after the block.
    """
    width = Shape.cast(values.shape().elem_shape).width
    places, moved = list(range(network.pattern.m)), Value.cast(values)
    for number, (nodes, clear) in enumerate(zip(network.stages, clears, strict=True)):
        stage = ClockedStage(nodes, places, width)
        m.submodules[f"stage{number}"] = stage
        m.d.comb += [Value.cast(stage.values).eq(moved), stage.clears.eq(clear)]
        places, moved = [node.place for node in nodes], Value.cast(stage.moved)
    return moved
