"""bf16 to a block of NVFP4: elements of fp4, and their common scale E4M3 beside the tensor's."""

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.wire import wire
from hw.compressor.fp4 import BlockUnit, Fp4Element, fraction
from hw.compressor.quantizer import lanes_of
from hw.compressor.shared_scale import MeasuredBlock, SharedLargest
from hw.formats import FORMATS, NVFP4_LEAST_TENSOR
from hw.stream.register import StreamRegister, fill


__all__ = ["NvScale", "NvTerms", "NvquantizeStage", "nv_terms"]


BF16, E4M3 = FORMATS["bf16"], FORMATS["fp8_e4m3"]
_LEAST_FIELD = NVFP4_LEAST_TENSOR + BF16.bias
"""Exponent field of the least scale of a tensor."""


class NvTerms(data.StructLayout):
    """What scales of blocks need of the tensor's, which does not change while they are found.

    Fields
    ------
    divisor : unsigned(10)
        Six times the significand, normalised: 512 to 1023.
    thrice : unsigned(12)
        Three times that.
    field : unsigned(8)
        Exponent field.
    low : unsigned(1)
        Whether normalisation doubled.
    """

    def __init__(self):
        super().__init__({"divisor": 10, "thrice": 12, "field": BF16.exponent, "low": 1})


def nv_terms(m: Module, tensor: Value) -> dict[str, Value]:
    """Fields of :class:`NvTerms` of a scale in bf16."""
    six = wire(m, fraction(tensor) * 3)
    divisor = wire(m, Mux(six[-1], six, six << 1)[:10])
    return {"divisor": divisor, "thrice": divisor * 3, "field": tensor[BF16.mantissa:-1],
            "low": ~six[-1]}


class NvScale(wiring.Component):
    """Scale of a block: ``largest / (6 * tensor)``, rounded to E4M3. Combinational.

    A long division of the significands, two bits in a step, gives the quotient's mantissa and one
    bit more, and the remainder says whether anything is left: one rounding to the nearest, half to
    even. The result is at least the smallest positive number, and saturates.

    Members
    -------
    largest : In(15)
        bf16 without its sign, finite.
    terms : In(NvTerms())
        Of a scale that is finite and at least ``2 ** NVFP4_LEAST_TENSOR``.
    scale : Out(8)
    """

    def __init__(self):
        super().__init__({"largest": In(BF16.bits - 1), "terms": In(NvTerms()),
                          "scale": Out(E4M3.bits)})

    def elaborate(self, platform):
        m = Module()
        dividend, terms = fraction(self.largest) << 2, self.terms  # 512 to 1020
        less = wire(m, dividend < terms.divisor)
        rest = wire(m, (Mux(less, dividend << 1, dividend) - terms.divisor)[:10])
        quotient: Value = C(1, 1)
        for _ in range(2):
            digit, rest = self._step(m, rest << 2)
            quotient = Cat(digit, quotient)
        field = Signal(signed(BF16.exponent + 2))
        m.d.comb += field.eq(self.largest[BF16.mantissa:] - terms.field
                             + (E4M3.bias - 3) + terms.low - less)
        kept, up, steps = Signal(E4M3.mantissa + 1), Signal(), Signal(E4M3.exponent)
        for shift in range(E4M3.mantissa + 1):
            with m.If(field == 1 - shift if shift else field > 0):
                m.d.comb += [
                    kept.eq(quotient[shift + 1:]), steps.eq(0 if shift else field - 1),
                    up.eq(quotient[shift] & (quotient[:shift].any() | rest.any()
                                             | quotient[shift + 1])),
                ]
        code = wire(m, (steps << E4M3.mantissa) + kept + up)
        most = (1 << E4M3.exponent) - 1
        m.d.comb += self.scale.eq(code)
        with m.If((field > most) | (code > E4M3.max_bits)):
            m.d.comb += self.scale.eq(E4M3.max_bits)
        with m.If(field < 1 - E4M3.mantissa):
            m.d.comb += self.scale.eq(1)
        return m

    def _step(self, m: Module, rest: Value) -> tuple[Value, Signal]:
        """Two bits of the quotient, and four times less of a remainder."""
        terms = self.terms
        left = [wire(m, rest - multiple)
                for multiple in (terms.divisor, terms.divisor << 1, terms.thrice)]
        one, two, three = (~value[-1] for value in left)
        digit = wire(m, Cat(three | one & ~two, two))
        return digit, wire(m, Mux(three, left[2], Mux(two, left[1], Mux(one, left[0], rest)))[:10])


class NvquantizeStage(wiring.Component):
    """Values of bf16 to NVFP4: elements, and their scale, which is that of these values alone.

    The largest magnitude is found in the first cycle, the scale in the second, and the elements in
    the third. A value that is infinite or NaN, or a scale of the tensor that is none, makes the
    block's scale NaN and the elements +0. Latency three cycles, one block per cycle. Where several
    blocks share a scale, all of them have it, and wait for the last one: ``SharedLargest.latency``
    cycles more from there.

    Parameters
    ----------
    before, after
        As for :class:`hw.compressor.quantizer.QuantizeStage`.
    blocks : int
        How many share a scale.

    Members
    -------
    i : In(stream.Signature(before))
    tensor : In(16)
        Scale of the tensor, bf16; stable while a block is inside.
    o : Out(stream.Signature(after))
    """

    interval = 1

    def __init__(self, before: data.StructLayout, after: data.StructLayout, blocks: int):
        super().__init__({"i": In(stream.Signature(before)), "tensor": In(BF16.bits),
                          "o": Out(stream.Signature(after))})
        self.lanes, self.blocks = lanes_of(before), blocks
        self.latency = 3 + (SharedLargest.latency if blocks > 1 else 0)

    def elaborate(self, platform):
        m = Module()
        block = self.i.payload.shape()
        magnitudes = [Value.cast(self.i.payload.values[k])[:-1] for k in range(self.lanes)]
        first = self._register(m, "found", self.i, block,
                               largest=(_largest(m, magnitudes), BF16.bits - 1))
        if self.blocks > 1:
            m.submodules.shared = shared = SharedLargest(
                MeasuredBlock(block, BF16.bits - 1), self.blocks)
            wiring.connect(m, first, shared.i)
            first = shared.o

        top, terms, bad = first.payload.largest, Signal(NvTerms()), Signal()
        field = self.tensor[BF16.mantissa:-1]
        m.d.sync += [bad.eq(field.all() | (field < _LEAST_FIELD) | self.tensor[-1]),
                     *(terms[name].eq(value) for name, value in nv_terms(m, self.tensor).items())]
        special = bad | top[BF16.mantissa:].all()
        m.submodules.scale = scale = NvScale()
        m.d.comb += [scale.largest.eq(top), scale.terms.eq(terms)]
        second = self._register(m, "scaled", first, block,
                                scale=(Mux(special, E4M3.nan, scale.scale), E4M3.bits))

        m.submodules.unit = unit = BlockUnit()
        m.d.comb += [unit.scale.eq(second.payload.scale), unit.tensor.eq(self.tensor[:-1])]
        cleared = wire(m, second.payload.scale == E4M3.nan)
        elements = []
        for k in range(self.lanes):
            m.submodules[f"element{k}"] = lane = Fp4Element()
            m.d.comb += [lane.value.eq(second.payload.block.values[k]), lane.unit.eq(unit.unit)]
            elements.append(Mux(cleared, 0, lane.element))
        m.submodules.register = register = StreamRegister(self.o.payload.shape())
        fill(m, register.i.payload, second.payload.block, values=elements,
             scale=second.payload.scale)
        m.d.comb += [register.i.valid.eq(second.valid), second.ready.eq(register.i.ready)]
        wiring.connect(m, register.o, wiring.flipped(self.o))
        return m

    def _register(self, m: Module, name: str, source, block, **found: tuple[Value, int]):
        """A register with the block and what was found; its stream."""
        shape = data.StructLayout({"block": block, **{name: width
                                                      for name, (_, width) in found.items()}})
        m.submodules[name] = register = StreamRegister(shape)
        held = source.payload if source is self.i else source.payload.block
        m.d.comb += [register.i.valid.eq(source.valid), source.ready.eq(register.i.ready),
                     register.i.payload.block.eq(held),
                     *(register.i.payload[name].eq(value) for name, (value, _) in found.items())]
        return register.o


def _largest(m: Module, values: list[Value]) -> Value:
    """The largest of unsigned values, by pairs."""
    while len(values) > 1:
        pairs = zip(values[::2], values[1::2], strict=False)
        values = [wire(m, Mux(one > other, one, other)) for one, other in pairs] \
            + (values[-1:] if len(values) % 2 else [])
    return values[0]
