"""bf16 or fp16 to elements: of MX with their common scale, or of fp8 by themselves."""

from functools import reduce
from operator import or_

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.wire import wire
from hw.compressor.distances import Distances
from hw.formats import E8M0_BIAS, BlockFormat, Format
from hw.stream.register import StreamRegister, end_stage, fill


__all__ = ["ConvertStage", "QuantizeStage", "RoundElement", "lanes_of"]


def _normal(form: Format) -> int:
    """The distance of the smallest normal elements from the largest ones, in exponents."""
    return form.max_exponent - form.least_exponent


def _least(form: Format, number: Format) -> int:
    """The least exponent field that the largest of a block is taken to have: the scale is then 0.

    Not above 0 in fp16, none of whose numbers is so small.
    """
    return number.bias - E8M0_BIAS + form.max_exponent


def _lift(form: Format, number: Format) -> int:
    """What is added to exponent fields, so that those of normalised subnormals are not negative.

    Nothing where elements of their size are subnormal themselves, and take them as they are: the
    elements of a block are at least as large as its scale, whose exponent is -127.
    """
    return number.mantissa - 1 if _normal(form) > _least(form, number) else 0


def _distances(form: Format) -> int:
    """How many distances matter: farther values are rounded to 0."""
    return _normal(form) + form.mantissa + 2


class RoundElement(wiring.Component):
    """One value to an element, by its exponent's distance from the largest. Combinational.

    The value, over the scale if there is one, is rounded to the nearest, half to even, and
    saturated. ``normal`` being the distance of the smallest normal elements, the bits of an element
    without the sign are ``((normal - distance) << mantissa) + significand`` up to there; farther
    below, the significand shifts right. What rounding adds may carry into the exponent.

    Parameters
    ----------
    element : Format
    number : Format
        Of the value.

    Members
    -------
    significand : In(mantissa + 1)
        With the hidden bit, as ``_parts`` gives it.
    sign : In(1)
    distance : In(last + 1)
        A bit for each, as in :class:`Distances`.
    element : Out(bits)
    """

    def __init__(self, element: Format, number: Format):
        self.form, self.number = element, number
        super().__init__({"significand": In(number.mantissa + 1), "sign": In(1),
                          "distance": In(_distances(element)), "element": Out(element.bits)})

    @property
    def variant(self) -> str:
        """Formats of the element and of the value."""
        return f"{self.form.name}_{self.number.name}"

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
            if distance < normal and _lift(self.form, self.number):
                here = here & self.significand[-1]  # not for zero, which lacks the hidden bit
            chosen.append(here.replicate(self.form.bits - 1) & value[:self.form.bits - 1])
        m.d.comb += self.element.eq(Cat(reduce(or_, chosen), self.sign))
        return m

    def _rounded(self, m: Module, shift: int) -> Signal:
        """The significand, shifted right and rounded to hidden bit and mantissa."""
        cut = self.number.mantissa - self.form.mantissa + shift
        bits = Cat(self.significand, C(0, shift + 1))
        kept, guard, rest = bits[cut:], bits[cut - 1], bits[:cut - 1].any()
        rounded = Signal(self.form.bits)
        m.d.comb += rounded.eq(kept + (guard & (rest | kept[0])))
        return rounded


def _parts(m: Module, number: Format, value: Value, lift: int) -> tuple[Value, Value]:
    """Exponent, lifted, and significand with the hidden bit of a value.

    A subnormal value has the field 0 and no hidden bit: shifted by one, its significand belongs to
    that field. It is normalised where that makes an exponent smaller than others.
    """
    fraction, field = value[:number.mantissa], value[number.mantissa:-1]
    subnormal, plain = wire(m, field == 0), Cat(fraction, C(1, 1))
    if not lift:
        return field, Mux(subnormal, Cat(C(0, 1), fraction), plain)
    shifted, below = Signal(number.mantissa + 1), Signal(range(lift + 1))
    m.d.comb += shifted.eq(fraction << 1)
    for zeros in range(1, lift + 1):
        with m.If(~fraction[number.mantissa - zeros:].any()):
            m.d.comb += [shifted.eq(fraction << (zeros + 1)), below.eq(zeros)]
    return Mux(subnormal, lift - below, field + lift), Mux(subnormal, shifted, plain)


class ConvertStage(wiring.Component):
    """Values of bf16 or fp16 to fp8, each by itself. Latency one cycle, one block per cycle.

    Rounded to the nearest, half to even, once, and saturated, infinities too; NaN becomes the
    positive one with all bits set.

    Parameters
    ----------
    before, after : StructLayout
        Payloads, both with ``values``; the rest passes.
    form, number : Format
        Of the values that leave, and of those that come.
    marked : bool
        -0 says that a position fills up: others that become zero lose their sign.

    Members
    -------
    i : In(stream.Signature(before))
    o : Out(stream.Signature(after))
    """

    latency = 1
    interval = 1

    def __init__(self, before: data.StructLayout, after: data.StructLayout, form: Format,
                 number: Format, marked: bool = False):
        super().__init__({"i": In(stream.Signature(before)), "o": Out(stream.Signature(after))})
        self.form, self.number, self.lanes = form, number, lanes_of(before)
        self.marked = marked

    def elaborate(self, platform):
        m = Module()
        form, number = self.form, self.number
        top = form.max_exponent + number.bias
        elements = []
        for k in range(self.lanes):
            value = Value.cast(self.i.payload.values[k])
            field, significand = _parts(m, number, value, 0)
            m.submodules[f"round{k}"] = lane = RoundElement(form, number)
            m.d.comb += [
                lane.significand.eq(significand), lane.sign.eq(value[-1]),
                lane.distance.eq(Cat(field == top - distance if top >= distance else C(0, 1)
                                     for distance in range(_distances(form)))),
            ]
            largest = Cat(C(form.max_bits, form.bits - 1), value[-1])
            nan = field.all() & value[:number.mantissa].any()
            element = lane.element
            if self.marked:
                small = value[:-1].any() & ~element[:-1].any()
                element = Cat(element[:-1], element[-1] & ~small)
            elements.append(Mux(nan, C((1 << form.bits - 1) - 1, form.bits),
                                Mux(field > top, largest, element)))
        end_stage(m, self, values=elements)
        return m


def lanes_of(block: data.StructLayout) -> int:
    """How many values a payload has."""
    return block["values"].shape.length


class QuantizeStage(wiring.Component):
    """Values of bf16 or fp16 to elements of MX and their scale, that of these values alone.

    With ``top`` the largest exponent, the scale is ``top`` less that of the largest element, at
    least the smallest one, which zeros have. A value that is infinite or NaN has the largest field
    of all: the scale is then FF, and the elements are +0. Latency one cycle, one block per cycle.

    Parameters
    ----------
    before, after : StructLayout
        Payloads, both with ``values``, and the other one with ``scale`` too; the rest passes.
    form : BlockFormat
    number : Format
        Of the values that come.

    Members
    -------
    i : In(stream.Signature(before))
    o : Out(stream.Signature(after))
    """

    latency = 1
    interval = 1

    def __init__(self, before: data.StructLayout, after: data.StructLayout, form: BlockFormat,
                 number: Format):
        super().__init__({"i": In(stream.Signature(before)), "o": Out(stream.Signature(after))})
        self.form, self.number, self.lanes = form, number, lanes_of(before)

    def elaborate(self, platform):
        m = Module()
        element, number = self.form.element, self.number
        lift, least = _lift(element, number), _least(element, number)
        width = ((1 << number.exponent) - 1 + lift).bit_length()
        m.submodules.distances = distances = Distances(
            self.lanes, width, max(least + lift, 0), _distances(element) - 1)
        values = [Value.cast(self.i.payload.values[k]) for k in range(self.lanes)]
        # Not from the largest exponent, which comes late.
        special = wire(m, Cat(value[number.mantissa:-1].all() for value in values).any())
        elements = []
        for k, value in enumerate(values):
            exponent, significand = _parts(m, number, value, lift)
            m.submodules[f"round{k}"] = lane = RoundElement(element, number)
            m.d.comb += [
                distances.exponents[k].eq(exponent), lane.significand.eq(significand),
                lane.sign.eq(value[-1]), lane.distance.eq(distances.distances[k]),
            ]
            elements.append(Mux(special, 0, lane.element))
        scale = (distances.top - (least + lift))[:8]
        if least < 0:
            scale = Mux(Cat(value[:-1] for value in values).any(), scale, 0)
        m.submodules.register = register = StreamRegister(self.o.payload.shape())
        fill(m, register.i.payload, self.i.payload, values=elements,
             scale=Mux(special, 0xFF, scale))
        m.d.comb += [register.i.valid.eq(self.i.valid), self.i.ready.eq(register.i.ready)]
        wiring.connect(m, register.o, wiring.flipped(self.o))
        return m
