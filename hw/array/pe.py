"""The processing element: dot product of a block, and its accumulator."""

from amaranth.hdl import Cat, Module, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.adder import Columns
from hw.array.aligned_dot import AlignedDotProduct
from hw.array.float_dot import ExactDotProduct, RoundedDotProduct
from hw.array.float_row import FloatLayout
from hw.array.multiplier import partial_products
from hw.array.row import SharedLayout
from hw.array.sums import sum_shape
from hw.config import Design
from hw.gather.gather import route
from hw.gather.network import make_network
from hw.stream.members import only_if


__all__ = ["PE", "DotProduct", "shared_layout"]


def shared_layout(design: Design) -> SharedLayout | FloatLayout:
    """What a row's edge gives to every ``PE`` of the row."""
    return SharedLayout(design) if design.number.integer else FloatLayout(design)


class DotProduct(wiring.Component):
    """Multiplies integers with as many weights, and accumulates.

    A module of its own: it is the same whatever brings the weights, a gather or nothing.

    Parameters
    ----------
    design : Design
        Lanes, formats and the accumulator's width.
    inverted : bool
        The weights come as complements.

    Members
    -------
    digits, correction, keep : In
        As in ``SharedLayout``.
    weights : In(lanes * weight bits)
        Lane 0 lowest.
    accumulator : Out(signed(accumulator_width))
        Sum of all steps since the last one that began a sum.
    """

    latency = 1

    def __init__(self, design: Design, *, inverted: bool):
        self.design = design
        self.inverted = inverted
        shared = SharedLayout(design)
        super().__init__({
            "digits": In(shared["digits"].shape),
            "correction": In(shared["correction"].shape),
            "keep": In(1),
            "weights": In(unsigned(design.lanes * design.weight.bits)),
            "accumulator": Out(signed(design.accumulator_width)),
        })

    def elaborate(self, platform):
        m = Module()
        columns = Columns(len(self.accumulator))
        weights = ~self.weights if self.inverted else self.weights
        for lane in range(self.design.lanes):
            weight = list(weights.word_select(lane, self.design.weight.bits))
            for k, product in enumerate(partial_products(self.digits[lane], weight)):
                *bits, sign = product
                for j, bit in enumerate(bits):
                    columns.add(2 * k + j, bit)
                columns.add(2 * k + len(bits), sign, negative=True)
        for j, bit in enumerate(self.correction):
            columns.add(j, bit)
        for j, bit in enumerate(Value.cast(self.accumulator)):
            columns.add(j, bit & self.keep)
        m.d.sync += self.accumulator.eq(Cat(columns.sum(m)))
        return m


def _dot_product(design: Design) -> type[DotProduct | ExactDotProduct | RoundedDotProduct]:
    """The class of a design's dot product."""
    if design.number.integer:
        return DotProduct
    if design.aligned:
        return AlignedDotProduct
    return ExactDotProduct if design.accumulator == "exact" else RoundedDotProduct


class PE(wiring.Component):
    """Multiplies a compressed block of activations with its weights, and accumulates.

    In each cycle the accumulator becomes ``(accumulator if keep else 0) + sum(value[i] *
    gathered[i])``, where ``gathered`` are the weights at the positions of the kept activations.
    One block per cycle; the result stands in ``accumulator`` one cycle after the digits. It wraps
    around on overflow, which ``Design`` rules out. Floats are multiplied and added exactly, too, by
    another dot product.

    With ``pipeline`` ``gathered`` the gathered weights are registered, without reset: weights and
    selects of a block come one cycle before its digits, correction and ``keep``. The adders then
    see every weight change once, at the edge of the clock.

    The activations come recoded, all zero where there is no block to add: a PE holds digit
    selectors and one tree of adders for all partial products and the accumulator together.

    Parameters
    ----------
    design : Design
        Lanes (``n``) and weights per step (``m``), formats, gather, pipeline and the accumulator's
        width. Dense has no gather.

    Members
    -------
    shared : In(shared_layout(design))
        Activations and what selects their weights, as the decoder of the row gives them.
    weights : In(ArrayLayout(signed(weight bits), m))
        Weights of the block.
    weight_scale : In(8)
        Of the block of weights, with the digits. Absent where the format has no scales.
    accumulator : Out(sum_shape(design))
        Sum of all steps since the last one that began a sum.
    """

    interval = 1

    def __init__(self, design: Design):
        self.design = design
        super().__init__({
            "shared": In(shared_layout(design)),
            "weights": In(data.ArrayLayout(signed(design.weight.bits), design.pattern.m)),
            **only_if(bool(design.block), weight_scale=In(8)),
            "accumulator": Out(sum_shape(design)),
        })

    @property
    def latency(self) -> int:
        """Cycles from weights to the accumulator that holds their sum."""
        return _dot_product(self.design).latency + self.design.registers_gathered

    @property
    def after(self) -> dict[str, int]:
        """Cycles by which the parts of a block come after its weights."""
        return {name: int(self.design.registers_gathered and name != "selects")
                for name, _ in shared_layout(self.design)}

    def elaborate(self, platform):
        m = Module()
        shared, weights, inverted = self.shared, Value.cast(self.weights), False
        if not self.design.pattern.dense:
            network = make_network(self.design.gather, self.design.pattern)
            weights, inverted = route(m, network, self.weights, shared.selects)
            if self.design.registers_gathered:
                gathered = Signal(len(weights), reset_less=True)
                m.d.sync += gathered.eq(weights)
                weights = gathered
        kind = _dot_product(self.design)
        m.submodules.dot_product = dot_product = kind(self.design, inverted=inverted)
        if self.design.block:
            m.d.comb += dot_product.weight_scale.eq(self.weight_scale)
        m.d.comb += [
            *(getattr(dot_product, name).eq(shared[name])
              for name, _ in shared.shape() if name != "selects"),
            dot_product.weights.eq(weights),
            self.accumulator.eq(dot_product.accumulator),
        ]
        return m
