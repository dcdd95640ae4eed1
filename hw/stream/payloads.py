"""Payloads that streams carry."""

from amaranth.hdl import signed
from amaranth.lib import data

from hw.config import Design, Pattern
from hw.stream.members import only_if


__all__ = ["Asked", "Block", "CompressedBlock", "DenseBlock", "EncodedBlock", "TokenSums",
           "carried"]


class Asked(data.StructLayout):
    """The pattern that a block asks for at run time.

    Fields
    ------
    n : range(m + 1)
        How many to keep of each block, from 1 to its size. Other values give no defined mask.
    size : range(log2(m) + 1), only where the size is asked for, too
        Logarithm of the block's size to the base 2, at least 1.
    """

    def __init__(self, pattern: Pattern, flexible: str):
        super().__init__({"n": range(pattern.m + 1),
                          **only_if(flexible == "all", size=range(pattern.m.bit_length()))})


class DenseBlock(data.StructLayout):
    """The M values of one block of a token.

    Fields
    ------
    values : ArrayLayout(signed(width), m)
        Feature 0 of the block first. The bits of a floating-point value are carried as they are.
    last : unsigned(1)
        Whether the block is the token's last.
    """

    def __init__(self, pattern: Pattern, width: int):
        super().__init__({
            "values": data.ArrayLayout(signed(width), pattern.m),
            "last": 1,
        })


class Block(data.StructLayout):
    """A dense block on its way through the compressor, with what the stages have added so far.

    Fields
    ------
    values, last
        As in :class:`DenseBlock`.
    asked : Asked
        With a pattern at run time, until the mask is there.
    eta : signed(bits)
        The token's shift.
    scale : unsigned(8)
        Of the elements.
    factors : ArrayLayout(unsigned(coefficients), m)
        Factors of the scores.
    shifts : ArrayLayout(signed(bits), m)
        The channels' shifts.
    scores : ArrayLayout(unsigned(score_width), m)
    mask : unsigned(m)
    reached : unsigned(m)
        Which scores reach the threshold.

    Parameters
    ----------
    design : Design
    added : str
        Names of the added fields; ``elements`` is none, and says that the values are quantised.
    """

    def __init__(self, design: Design, *added: str):
        size = design.pattern.m
        bits = (design.kept_number if "elements" in added else design.number).bits
        fields = {
            "asked": Asked(design.pattern, design.flexible),
            "eta": signed(bits),
            "scale": 8,
            "factors": data.ArrayLayout(design.coefficients, size),
            "shifts": data.ArrayLayout(signed(bits), size),
            "scores": data.ArrayLayout(design.score_width, size),
            "mask": size,
            "reached": size,
        }
        if design.flexible != "none" and "mask" not in added:
            added = ("asked", *added)
        super().__init__({**DenseBlock(design.pattern, bits).members,
                          **{name: fields[name] for name in fields if name in added}})


def carried(design: Design) -> tuple[str, ...]:
    """Names of the fields of a :class:`Block` that selector and compactor hand on.

    The token's shift, where that is dynamic, and the block's scale, where there is one so early.
    """
    return (*(("eta",) if design.dynamic_shift else ()),
            *(("elements",) if design.selects_elements else ()),
            *(("scale",) if design.selects_elements and design.quantized else ()))


class CompressedBlock(data.StructLayout):
    """The N kept values of one block, in ascending feature order, with the bitmask.

    Fields
    ------
    values : ArrayLayout(signed(width), n)
    mask : unsigned(m)
        Bit ``j`` is set where feature ``j`` of the block is kept; exactly N bits are set.
    last : unsigned(1)
        Whether the block is the token's last.
    """

    def __init__(self, pattern: Pattern, width: int):
        super().__init__({
            "values": data.ArrayLayout(signed(width), pattern.n),
            "mask": pattern.m,
            "last": 1,
        })


class TokenSums(data.StructLayout):
    """Sums over the values z of ``blocks`` blocks, wide enough for any values.

    Fields
    ------
    total, squares
        Of all values: their sum, signed, and the sum of their squares.
    kept_total, kept_squares
        Of the kept values.
    """

    def __init__(self, design: Design, blocks: int):
        half = 1 << design.number.bits - 1
        fields = {}
        for name, count in (("", design.pattern.m), ("kept_", design.most_kept)):
            largest = blocks * count * half
            fields[f"{name}total"] = signed((largest - 1).bit_length() + 1)
            fields[f"{name}squares"] = (largest * half).bit_length()
        super().__init__(fields)


class EncodedBlock(data.StructLayout):
    """What leaves a compressor: :class:`CompressedBlock` with all that the design asks for.

    Fields
    ------
    values : ArrayLayout(signed(bits), n)
        In the number format in which they leave.
    scale : unsigned(8)
        With quantisation: of these values, or of all of the block.
    dropped : ArrayLayout(signed(bits), m - n)
        With a complement: the other values, in ascending feature order.
    mask or metadata : unsigned(metadata_bits)
        ``mask`` where the encoding is ``bitmask``, ``metadata`` where it is another.
    eta : signed(bits)
        With a dynamic shift: that of the token.
    sums : TokenSums
        With statistics: over the token up to this block, thus over all of it in the last one.
    last : unsigned(1)

    Parameters
    ----------
    design : Design
    metadata_bits : int or None
        Bits of the metadata, where it still consists of partial sums.
    blocks : int or None
        Blocks that the sums are over; those of the longest token by default.
    """

    def __init__(self, design: Design, *, metadata_bits: int | None = None,
                 blocks: int | None = None):
        pattern, bits = design.pattern, design.selected_number.bits
        super().__init__({
            "values": data.ArrayLayout(signed(design.kept_number.bits), pattern.n),
            **only_if(design.quantized, scale=8),
            **only_if(design.complement,
                      dropped=data.ArrayLayout(signed(bits), pattern.m - pattern.n)),
            self.metadata_field(design): (design.metadata_bits if metadata_bits is None
                                          else metadata_bits),
            **only_if(design.dynamic_shift, eta=signed(bits)),
            **only_if(design.statistics, sums=TokenSums(design, blocks or design.max_blocks)),
            "last": 1,
        })

    @staticmethod
    def metadata_field(design: Design) -> str:
        """Name of the field that holds the metadata."""
        return "mask" if design.encoding == "bitmask" else "metadata"
