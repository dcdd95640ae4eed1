"""bf16 to a block of MX: elements and their common scale."""

from functools import reduce
from operator import or_

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.formats import FORMATS, BlockFormat, Format
from hw.stream.register import StreamRegister, fill


__all__ = ["Distances", "QuantizeStage", "RoundElement", "lanes_of", "wire"]


BF16 = FORMATS["bf16"]
_SPECIAL = (1 << BF16.exponent) - 1
"""Exponent field of infinities and NaN."""


def _normal(form: Format) -> int:
    """The distance of the smallest normal elements from the largest ones, in exponents."""
    return form.max_exponent - form.least_exponent


def _lift(form: Format) -> int:
    """What is added to exponent fields, so that those of normalised subnormals are not negative.

    Nothing where elements of their size are subnormal themselves, and take them as they are: the
    elements of a block are at least as large as its scale, whose exponent is -127.
    """
    return BF16.mantissa - 1 if _normal(form) > form.max_exponent else 0


def _distances(form: Format) -> int:
    """How many distances matter: farther values are rounded to 0."""
    return _normal(form) + form.mantissa + 2


class Distances(wiring.Component):
    """The largest exponent of a block, and how far below it the others are. Combinational.

    The bits of the largest are found from the highest down: one is set where a value has it set
    whose bits so far are those of the largest. With each bit a distance doubles, plus or minus one;
    those that can only end beyond the last that matters are given up, so that few are left in
    between. Each is a bit of its own: there is neither a comparison nor a subtraction.

    Parameters
    ----------
    lanes : int
        Values of a block.
    width : int
        Bits of an exponent.
    least : int
        The largest is taken to be at least this.
    last : int
        The distances 0 to ``last`` matter.

    Members
    -------
    exponents : In(ArrayLayout(width, lanes))
    top : Out(width)
    distances : Out(ArrayLayout(last + 1, lanes))
        Bit ``k`` of a value is set if its distance is ``k``; none is if it is larger.
    """

    def __init__(self, lanes: int, width: int, least: int, last: int):
        self.lanes, self.width, self.least, self.last = lanes, width, least, last
        super().__init__({"exponents": In(data.ArrayLayout(width, lanes)), "top": Out(width),
                          "distances": Out(data.ArrayLayout(last + 1, lanes))})

    @property
    def variant(self) -> str:
        """Values and parameters."""
        return f"{self.lanes}_{self.width}_{self.least}_{self.last}"

    def elaborate(self, platform):
        m = Module()
        # The least takes part as one more value, whose distance nobody asks for.
        values = [*(self.exponents[k] for k in range(self.lanes)), C(self.least, self.width)]
        near: list[list[Value]] = [[C(1, 1)] for _ in values]
        for high in range(self.width - 1, -1, -2):
            pair = [bit for bit in (high, high - 1) if bit >= 0]
            first = [wire(m, lane[0] & value[high])
                     for lane, value in zip(near, values, strict=True)]
            m.d.comb += self.top[high].eq(Cat(first).any())
            for low in pair[1:]:  # for both cases at once, as the chain of bits is long
                either = [Cat(lane & value[low] for lane, value in zip(side, values, strict=True))
                          for side in (first, [lane[0] for lane in near])]
                m.d.comb += self.top[low].eq(Mux(self.top[high], either[0].any(),
                                                 either[1].any()))
            for bit in pair:
                most = (self.last + (1 << bit) - 1) >> bit
                near = [self._step(m, lane, self.top[bit], value[bit], most)
                        for lane, value in zip(near, values, strict=True)]
        m.d.comb += [self.distances[k].eq(Cat(near[k])) for k in range(self.lanes)]
        return m

    def _step(self, m: Module, near: list[Value], top: Value, one: Value,
              most: int) -> list[Value]:
        """The distances up to ``most`` of one value after another bit."""
        more, less = top & ~one, ~top & one

        def was(distance: int) -> Value:
            return near[distance] if distance < len(near) else C(0, 1)

        found = [was(0) & (one | ~top)]  # a value that is the largest so far has no bit more
        for distance in range(1, most + 1):
            half = distance // 2
            found.append((was(half) & more) | (was(half + 1) & less) if distance % 2
                         else was(half) & ~(top ^ one))
        return [wire(m, value) for value in found]


class RoundElement(wiring.Component):
    """One bf16 value to an element of MX, by its distance from the largest one. Combinational.

    The value over the scale is rounded to the nearest, half to even, and saturated. ``normal``
    being the distance of the smallest normal elements, the bits of an element without the sign are
    ``((normal - distance) << mantissa) + significand`` up to there; farther below, the significand
    shifts right. What rounding adds may carry into the exponent.

    Parameters
    ----------
    element : Format

    Members
    -------
    significand : In(8)
        With the hidden bit, as ``_parts`` gives it.
    sign : In(1)
    distance : In(last + 1)
        A bit for each, as in :class:`Distances`.
    element : Out(bits)
    """

    def __init__(self, element: Format):
        self.form = element
        super().__init__({"significand": In(BF16.mantissa + 1), "sign": In(1),
                          "distance": In(_distances(element)), "element": Out(element.bits)})

    @property
    def variant(self) -> str:
        """Format of the element."""
        return self.form.name

    def elaborate(self, platform):
        m = Module()
        normal = _normal(self.form)
        whole = self._rounded(m, 0)
        chosen: list[Value] = []
        for distance in range(_distances(self.form)):
            steps = max(normal - distance, 0) << self.form.mantissa
            value = whole if distance <= normal else self._rounded(m, distance - normal)
            value = (value + steps)[:self.form.bits]
            most = (2 << self.form.mantissa) + steps
            if most > self.form.max_bits:
                value = Mux(value > self.form.max_bits, self.form.max_bits, value)
            here = self.distance[distance]
            if distance < normal and _lift(self.form):
                here = here & self.significand[-1]  # not for zero, which lacks the hidden bit
            chosen.append(here.replicate(self.form.bits - 1) & value[:self.form.bits - 1])
        m.d.comb += self.element.eq(Cat(reduce(or_, chosen), self.sign))
        return m

    def _rounded(self, m: Module, shift: int) -> Signal:
        """The significand, shifted right and rounded to hidden bit and mantissa."""
        cut = BF16.mantissa - self.form.mantissa + shift
        bits = Cat(self.significand, C(0, shift + 1))
        kept, guard, rest = bits[cut:], bits[cut - 1], bits[:cut - 1].any()
        rounded = Signal(self.form.bits)
        m.d.comb += rounded.eq(kept + (guard & (rest | kept[0])))
        return rounded


def _parts(m: Module, form: Format, value: Value) -> tuple[Value, Value]:
    """Exponent, lifted, and significand with the hidden bit of a value of bf16.

    A subnormal value has the field 0 and no hidden bit: shifted by one, its significand belongs to
    that field. It is normalised where that makes an exponent smaller than others.
    """
    fraction, field = value[:BF16.mantissa], value[BF16.mantissa:BF16.bits - 1]
    subnormal, plain = wire(m, field == 0), Cat(fraction, C(1, 1))
    lift = _lift(form)
    if not lift:
        return field, Mux(subnormal, Cat(C(0, 1), fraction), plain)
    shifted, below = Signal(BF16.mantissa + 1), Signal(range(lift + 1))
    m.d.comb += shifted.eq(fraction << 1)
    for zeros in range(1, lift + 1):
        with m.If(~fraction[BF16.mantissa - zeros:].any()):
            m.d.comb += [shifted.eq(fraction << (zeros + 1)), below.eq(zeros)]
    return Mux(subnormal, lift - below, field + lift), Mux(subnormal, shifted, plain)


def lanes_of(block: data.StructLayout) -> int:
    """How many values a payload has."""
    return block["values"].shape.length


def wire(m: Module, value: Value) -> Signal:
    """A signal of its own for a value that is used more than once."""
    signal = Signal(value.shape())
    m.d.comb += signal.eq(value)
    return signal


class QuantizeStage(wiring.Component):
    """Values of bf16 to elements and their scale, which is that of these values alone.

    With ``top`` the largest exponent field, at least that of the largest element's exponent, the
    scale is ``top`` less that exponent. A value that is infinite or NaN has the largest field of
    all: the scale is then FF, and the elements are +0. Latency one cycle, one block per cycle.

    Parameters
    ----------
    before, after : StructLayout
        Payloads, both with ``values``, and the other one with ``scale`` too; the rest passes.
    form : BlockFormat

    Members
    -------
    i : In(stream.Signature(before))
    o : Out(stream.Signature(after))
    """

    latency = 1
    interval = 1

    def __init__(self, before: data.StructLayout, after: data.StructLayout, form: BlockFormat):
        super().__init__({"i": In(stream.Signature(before)), "o": Out(stream.Signature(after))})
        self.form, self.lanes = form, lanes_of(before)

    def elaborate(self, platform):
        m = Module()
        element, lift = self.form.element, _lift(self.form.element)
        width = (_SPECIAL + lift).bit_length()
        m.submodules.distances = distances = Distances(
            self.lanes, width, element.max_exponent + lift, _distances(element) - 1)
        values = [Value.cast(self.i.payload.values[k]) for k in range(self.lanes)]
        # Not from the largest exponent, which comes late.
        special = wire(m, Cat(value[BF16.mantissa:-1].all() for value in values).any())
        elements = []
        for k, value in enumerate(values):
            exponent, significand = _parts(m, element, value)
            m.submodules[f"round{k}"] = lane = RoundElement(element)
            m.d.comb += [
                distances.exponents[k].eq(exponent), lane.significand.eq(significand),
                lane.sign.eq(value[-1]), lane.distance.eq(distances.distances[k]),
            ]
            elements.append(Mux(special, 0, lane.element))
        scale = (distances.top - (element.max_exponent + lift))[:8]
        m.submodules.register = register = StreamRegister(self.o.payload.shape())
        fill(m, register.i.payload, self.i.payload, values=elements,
             scale=Mux(special, 0xFF, scale))
        m.d.comb += [register.i.valid.eq(self.i.valid), self.i.ready.eq(register.i.ready)]
        wiring.connect(m, register.o, wiring.flipped(self.o))
        return m
