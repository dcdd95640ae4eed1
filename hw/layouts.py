"""What a job's data look like in memory, for the AXI4 master and for software.

Standard library only. Whatever is one packet of a stream is one run of bytes in memory, and a beat
of the stream is an *element* of the run: a power of two of bytes, or in floats whole beats of the
bus where these are fewer, zeros at the top.
"""

from hw.config import Design
from hw.fixed_point import CHANNEL_BYTES


__all__ = ["STREAMS", "alignment", "element_bytes", "fitted", "mask_bits", "rounded",
           "weight_scale_bit", "weight_words"]


STREAMS = ("act", "weight", "coef", "token", "channel", "descriptor", "result")
"""What goes over the bus, in the order of its IDs; of ``descriptor`` an element is a word."""


def rounded(count: int) -> int:
    """The least power of two that is not below ``count``."""
    return 1 << (count - 1).bit_length()


def fitted(count: int, design: Design) -> int:
    """Bytes of an element that holds ``count``: a power of two, or fewer whole beats of the bus."""
    return min(rounded(count), -(-count // design.bus_bytes) * design.bus_bytes)


def weight_scale_bit(design: Design) -> int:
    """Bit of an element of weights at which the scales of its columns begin, where it has some.

    Before it are those of each feature, of all columns. Both are filled up to powers of two.
    """
    return rounded(design.pattern.m) * rounded(design.columns) * design.weight.bits


def element_bytes(design: Design) -> dict[str, int]:
    """Bytes of an element of each of :data:`STREAMS` that the design has.

    ============  ==================================================================
    act           M values of a token
    weight        for each of M features, the weights of all columns of a tile; in a block format
                  then the scale of each column, a byte
    coef          parameters of M input channels
    token         scale of a token
    channel       terms of all columns of a tile; in floats biases, or scales and biases
    descriptor    a word of 32 bits
    result        results of all columns of a tile, for a token
    ============  ==================================================================
    """
    scales = rounded(design.columns) if design.quantized else 0
    sizes = {"act": fitted(-(-rounded(design.pattern.m) * design.number.bits // 8), design),
             "weight": fitted(-(-weight_scale_bit(design) // 8) + scales, design)}
    if design.channel_bits:
        sizes["coef"] = rounded(-(-design.channel_bits * design.pattern.m // 8))
    if design.corrects:
        sizes |= {"token": 2, "channel": rounded(design.columns * CHANNEL_BYTES)}
    if design.biases:
        sizes["channel"] = rounded(design.columns * design.term_bits // 8)
    results = rounded(-(-design.columns * design.result_bits // 8))
    return sizes | {"descriptor": 4, "result": results}


def weight_words(design: Design) -> int:
    """Beats of the bus that the weights of a block take, in a design with ``decode``."""
    return element_bytes(design)["weight"] // design.bus_bytes


def mask_bits(design: Design) -> int:
    """Parts of a block of weights that are read or not: a feature, or those that share a beat."""
    return min(weight_words(design), rounded(design.pattern.m))


def alignment(design: Design) -> dict[str, int]:
    """Bytes whose multiples the address of each of :data:`STREAMS` has to be."""
    return {name: min(size, design.bus_bytes) for name, size in element_bytes(design).items()}
