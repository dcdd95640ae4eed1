"""What a job's data look like in memory, for the AXI4 master and for software.

Standard library only. Whatever is one packet of a stream is one run of bytes in memory, and a beat
of the stream is an *element* of the run: a power of two of bytes, zeros at the top.
"""

from hw.config import Design
from hw.fixed_point import CHANNEL_BYTES


__all__ = ["STREAMS", "alignment", "element_bytes", "mask_bits", "rounded", "weight_words"]


STREAMS = ("act", "weight", "coef", "token", "channel", "descriptor", "result")
"""What goes over the bus, in the order of its IDs; of ``descriptor`` an element is a word."""


def rounded(count: int) -> int:
    """The least power of two that is not below ``count``."""
    return 1 << (count - 1).bit_length()


def element_bytes(design: Design) -> dict[str, int]:
    """Bytes of an element of each of :data:`STREAMS` that the design has.

    ============  ==================================================================
    act           M values of a token
    weight        for each of M features, the weights of all columns of a tile
    coef          parameters of M input channels
    token         scale of a token
    channel       terms of all columns of a tile
    descriptor    a word of 32 bits
    result        results of all columns of a tile, for a token
    ============  ==================================================================
    """
    block = rounded(design.pattern.m)
    sizes = {"act": block, "weight": block * rounded(design.columns)}
    if design.channel_bits:
        sizes["coef"] = rounded(-(-design.channel_bits * design.pattern.m // 8))
    if design.corrects:
        sizes |= {"token": 2, "channel": rounded(design.columns * CHANNEL_BYTES)}
    results = rounded(-(-design.columns * design.result_bits // 8))
    return sizes | {"descriptor": 4, "result": results}


def weight_words(design: Design) -> int:
    """Beats of the bus that the weights of a block take, in a design with ``decode``."""
    return element_bytes(design)["weight"] // design.bus_bytes


def mask_bits(design: Design) -> int:
    """Parts of a block of weights that are read or not: a feature, or those that share a beat."""
    return min(weight_words(design), element_bytes(design)["act"])


def alignment(design: Design) -> dict[str, int]:
    """Bytes whose multiples the address of each of :data:`STREAMS` has to be."""
    return {name: min(size, design.bus_bytes) for name, size in element_bytes(design).items()}
