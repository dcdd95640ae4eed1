"""The gather of kept values: a network of selects, and a bitmask as the positions of its ones."""

from functools import reduce
from hashlib import sha256
from operator import or_

from amaranth.hdl import C, Module, Mux, Shape, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Pattern
from hw.gather.network import Network, Node, make_network


__all__ = ["Gather", "SelectDecoder", "network_selects", "route", "selects_layout"]


def selects_layout(pattern: Pattern) -> data.ArrayLayout:
    """Positions of the kept values: for each of ``n`` lanes a one-hot of ``span`` bits."""
    return data.ArrayLayout(pattern.span, pattern.n)


def network_selects(network: Network) -> data.ArrayLayout | Shape:
    """Selects of one block: bits in the order of ``network.crosspoints``.

    Those of a window are positions; see ``network.active_low`` for others.
    """
    if len(network.stages) == 1:
        return selects_layout(network.pattern)
    return unsigned(network.selects)


class SelectDecoder(wiring.Component):
    """Decodes a bitmask into the position of every kept value.

    Combinational. The lower half of the mask is counted from below, the upper half from above,
    which halves the depth: kept value ``i`` has ``i`` set bits below it and ``n - 1 - i`` above it.
    Area grows with ``n * span``.

    A mask whose popcount is not ``n`` gives selects that are no one-hots.

    Parameters
    ----------
    pattern : Pattern
        How many values are kept of how many.

    Members
    -------
    mask : In(m)
        Exactly ``n`` bits set.
    selects : Out(ArrayLayout(span, n))
        Lane ``i``, bit ``d``: kept value ``i`` stands at position ``i + d``.
    """

    def __init__(self, pattern: Pattern):
        self.pattern = pattern
        super().__init__({
            "mask": In(pattern.m),
            "selects": Out(selects_layout(pattern)),
        })

    @property
    def variant(self) -> str:
        """How many of how many."""
        return f"{self.pattern.n}of{self.pattern.m}"

    def elaborate(self, platform):
        m = Module()
        n, size, span = self.pattern.n, self.pattern.m, self.pattern.span
        half = size // 2

        below = self._counts(m, "below", list(self.mask[:half]))
        above = self._counts(m, "above", list(self.mask[half:])[::-1])
        for lane in range(n):
            for d in range(span):
                position = lane + d
                if position < half:
                    exact = below[position][lane]
                else:
                    exact = above[size - 1 - position][n - 1 - lane]
                m.d.comb += self.selects[lane][d].eq(self.mask[position] & exact)

        return m

    def _counts(self, m, name, bits):
        """Signals for ``exactly count of the first k bits are set``, as ``[k][count]``.

        Counts that no mask of the pattern can have are left out: at most ``n`` bits are set, and
        fewer than ``span`` are not.
        """
        counts = [{0: C(1)}]
        for k, bit in enumerate(bits, start=1):
            before, after = counts[-1], {}
            for count in range(max(0, k - self.pattern.span + 1), min(self.pattern.n, k) + 1):
                terms = []
                if count in before:
                    terms.append(~bit & before[count])
                if count - 1 in before:
                    terms.append(bit & before[count - 1])
                after[count] = Signal(name=f"{name}{k}_is{count}")
                m.d.comb += after[count].eq(reduce(or_, terms))
            counts.append(after)
        return counts


class Stage(wiring.Component):
    """One stage of a network: each node takes the value of the source that is selected.

    Combinational, and a module of its own: a library's AND-OR-INVERT gates fit it as it stands,
    and logic around it cannot tempt a synthesis tool to break it up.

    Parameters
    ----------
    nodes : list of Node
    places : list of int
        Places of the stage before.
    width : int
        Bits of a value.
    active_low : bool
        Selects of nodes of two sources are active low.

    Members
    -------
    values : In(ArrayLayout(width, len(places)))
    selects : In(number of selects)
        In the order of the nodes and their sources; none for nodes of one source.
    moved : Out(ArrayLayout(width, len(nodes)))
        Values after the stage, each bit inverted if ``inverts``.
    """

    def __init__(self, nodes: list[Node], places: list[int], width: int, *, active_low: bool):
        self.nodes = nodes
        self.places = places
        self.width = width
        self.active_low = active_low
        super().__init__({
            "values": In(data.ArrayLayout(width, len(places))),
            "selects": In(sum(len(node.sources) for node in nodes if len(node.sources) > 1)),
            "moved": Out(data.ArrayLayout(width, len(nodes))),
        })

    @property
    def variant(self) -> str:
        """Values before and after, the bits of each, and a digest of the wiring between them."""
        wiring = sha256(repr((self.nodes, self.places, self.active_low)).encode()).hexdigest()
        return f"{len(self.places)}to{len(self.nodes)}x{self.width}_{wiring[:6]}"

    @property
    def inverts(self) -> bool:
        """Whether the outputs are complements: one inverting gate is a whole node."""
        return max(len(node.sources) for node in self.nodes) <= 3

    def elaborate(self, platform):
        m = Module()
        first = 0
        for k, node in enumerate(self.nodes):
            sources = [self.values[self.places.index(source)] for source in node.sources]
            selects = self.selects[first:first + len(sources)]
            if len(sources) > 1:
                first += len(sources)
            value = self._chosen(sources, selects)
            m.d.comb += self.moved[k].eq(~value if self.inverts else value)
        return m

    def _chosen(self, sources, selects):
        if len(sources) == 1:
            return sources[0]
        if self.active_low and len(sources) == 2:
            return (sources[0] | selects[0].replicate(self.width)) & (
                sources[1] | selects[1].replicate(self.width))
        return reduce(or_, (Mux(select, source, 0)
                            for source, select in zip(sources, selects, strict=True)))


def route(m: Module, network: Network, values: data.View, selects: Value) -> tuple[Value, bool]:
    """Add the stages of ``network`` to ``m``, from ``values`` of a block to its lanes.

    ``selects`` are as ``NetworkDecoder`` gives them. Returns the bits of all lanes, lane 0 lowest,
    and whether they are complements: who takes them can often use either for nothing.
    """
    width = Shape.cast(values.shape().elem_shape).width
    places, inverted = list(range(network.pattern.m)), False
    moved, selects = Value.cast(values), Value.cast(selects)
    for number, nodes in enumerate(network.stages):
        stage = Stage(nodes, places, width, active_low=network.active_low)
        m.submodules[f"stage{number}"] = stage
        bits = len(stage.selects)
        m.d.comb += [
            Value.cast(stage.values).eq(moved),
            stage.selects.eq(selects[:bits]),
        ]
        moved, selects = Value.cast(stage.moved), selects[bits:]
        places, inverted = [node.place for node in nodes], inverted ^ stage.inverts
    return moved, inverted


class Gather(wiring.Component):
    """Takes the kept values out of a block.

    Combinational; ``gathered[i]`` is kept value ``i``.

    Parameters
    ----------
    pattern : Pattern
        How many values are kept of how many.
    shape : ShapeLike
        Shape of one value.
    gather : str
        Its network, one of :data:`hw.config.GATHERS`.

    Members
    -------
    values : In(ArrayLayout(shape, m))
        The whole block.
    selects : In(network_selects(network))
        As ``hw.gather.selects.NetworkDecoder`` gives them; for a window also ``SelectDecoder``.
    gathered : Out(ArrayLayout(shape, n))
        The selected values, in ascending order of position.
    """

    def __init__(self, pattern: Pattern, shape, gather: str = "window"):
        self.network = make_network(gather, pattern)
        super().__init__({
            "values": In(data.ArrayLayout(shape, pattern.m)),
            "selects": In(network_selects(self.network)),
            "gathered": Out(data.ArrayLayout(shape, pattern.n)),
        })

    @property
    def variant(self) -> str:
        """How many of how many, and the bits of each."""
        pattern, width = self.network.pattern, Shape.cast(self.values.shape().elem_shape).width
        return f"{pattern.n}of{pattern.m}x{width}"

    def elaborate(self, platform):
        m = Module()
        gathered, inverted = route(m, self.network, self.values, self.selects)
        m.d.comb += Value.cast(self.gathered).eq(~gathered if inverted else gathered)
        return m
