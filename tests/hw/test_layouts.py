"""Elements in memory: sizes and units."""

from hw.config import Design, Pattern
from hw.layouts import STREAMS, alignment, element_bytes, mask_bits, rounded, weight_words
from hw.registers import DESCRIPTOR_BYTES, bus_registers, descriptor_registers


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
    names = [register.name for register in descriptor_registers(False)]
    for stream in STREAMS:
        if stream != "descriptor":
            assert f"{stream.upper()}_LOW" in names
            assert f"{stream.upper()}_HIGH" in names
    # What decodes is behind all that other designs have.
    assert [register.name for register in descriptor_registers(True)] == [*names, "DECODE_MODE"]
    floats = [register.name for register in descriptor_registers(True, False, True)]
    assert floats == [*names, "DECODE_MODE", "ACTIVATE", "TENSOR_SCALE"]
    assert 4 * (len(floats) + 1) <= DESCRIPTOR_BYTES
    assert len({register.offset for register in bus_registers(True)}) == len(bus_registers(True))


def test_parts_of_a_block_are_what_shares_a_beat():
    for columns, width, words, parts in ((16, 128, 16, 16), (4, 128, 4, 4), (8, 64, 16, 16),
                                         (32, 64, 64, 16), (3, 64, 8, 8)):
        design = Design(Pattern(5, 13), columns=columns, bus="axi4", bus_width=width, decode=True)
        assert (weight_words(design), mask_bits(design)) == (words, parts)
