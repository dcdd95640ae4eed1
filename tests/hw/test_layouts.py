"""Elements in memory: sizes and units."""

from hw.config import Design, Pattern
from hw.layouts import STREAMS, alignment, element_bytes, rounded
from hw.registers import BUS_REGISTERS, DESCRIPTOR, DESCRIPTOR_BYTES


def test_elements_are_powers_of_two_that_hold_a_beat():
    design = Design(Pattern(3, 7), rows=2, columns=3, accumulator_width=29, coefficients=5,
                    max_k=70, bus="axi4")
    assert element_bytes(design) == {"act": 8, "weight": 32, "coef": 8, "token": 2, "channel": 32,
                                     "descriptor": 4, "result": 16}
    assert alignment(design)["weight"] == 16  # no more than the bus has
    plain = Design(Pattern(2, 4), epilogue_lanes=0, bus="axi4")
    assert element_bytes(plain).keys() == {"act", "weight", "descriptor", "result"}
    assert [rounded(count) for count in (1, 2, 3, 4, 5, 24)] == [1, 2, 4, 4, 8, 32]


def test_every_stream_has_an_address_in_the_descriptor():
    names = [register.name for register in DESCRIPTOR]
    for stream in STREAMS:
        if stream != "descriptor":
            assert f"{stream.upper()}_LOW" in names
            assert f"{stream.upper()}_HIGH" in names
    assert 4 * (len(DESCRIPTOR) + 1) <= DESCRIPTOR_BYTES
    assert len({register.offset for register in BUS_REGISTERS}) == len(BUS_REGISTERS)
